#include "daemon/plugins/plugin_private.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "daemon/config/paths.h"
#include "daemon/modules/module.h"
#include "daemon/modules/option_values.h"
#include "daemon/plugins/validate.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

struct plugin_set {
	struct plugin_set *older; /* under sets.lock */
	atomic_uint refs;
	size_t n;
	struct plugin *plugins;             /* [n] */
	struct plugin_instance **instances; /* [n], of the same order */
};

/* The sets that live, newest first: where host services look for peers. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t idle; /* n_pending came down to 0 */
	struct plugin_set *newest;
	unsigned n_pending;
} sets = { .lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER };

/* ---- instances ----------------------------------------------------------------------------- */

void plugin_instance_free(struct plugin_instance *inst)
{
	if (inst == NULL)
		return;
	plugin_meter_unref(inst->meter);
	option_values_free(inst->descriptor->options, &inst->options);
	free(inst->data_dir);
	free(inst->state_dir);
	free(inst->name);
	free(inst);
}

void plugin_pending_begin(void)
{
	pthread_mutex_lock(&sets.lock);
	sets.n_pending++;
	pthread_mutex_unlock(&sets.lock);
}

void plugin_pending_end(void)
{
	pthread_mutex_lock(&sets.lock);
	if (--sets.n_pending == 0)
		pthread_cond_broadcast(&sets.idle);
	pthread_mutex_unlock(&sets.lock);
}

/* Closes on the calling thread if it was the last reference. */
static void instance_unref(struct plugin_instance *inst)
{
	if (atomic_fetch_sub(&inst->refs, 1) > 1)
		return;
	inst->descriptor->close(inst->self);
	plugin_instance_free(inst);
}

static void *close_thread(void *arg)
{
	struct plugin_instance *inst = arg;

	inst->descriptor->close(inst->self);
	plugin_instance_free(inst);
	plugin_pending_end();
	return NULL;
}

void plugin_instance_unref_later(struct plugin_instance *inst)
{
	pthread_t thread;

	if (inst == NULL || atomic_fetch_sub(&inst->refs, 1) > 1)
		return;
	plugin_pending_begin();
	if (pthread_create(&thread, NULL, close_thread, inst) == 0)
		pthread_detach(thread);
	else
		plugin_pending_end(); /* it stays open, which is better than a deadlock */
}

/* state_dir/plugins/NAME, made if it is missing. */
static int state_dir_make(const struct config *cfg, const char *name, char **out,
			  struct ragd_err *err)
{
	struct buf path = BUF_INIT;
	size_t len;
	int rc = 0;

	buf_printf(&path, "%s/plugins", cfg->state_dir);
	if (!buf_failed(&path))
		rc = paths_make_private(path.data, err);
	buf_printf(&path, "/%s", name);
	if (rc == 0 && !buf_failed(&path))
		rc = paths_make_private(path.data, err);
	*out = buf_steal(&path, &len);
	if (rc == 0 && *out == NULL)
		rc = ragd_err_set(err, -ENOMEM, "out of memory");
	return rc;
}

int plugin_instance_new(const struct config *cfg, const struct config_plugin *cp,
			struct plugin_instance **out, struct ragd_err *err)
{
	struct plugin_instance *inst = calloc(1, sizeof(*inst));
	int rc;

	if (inst == NULL)
		return ragd_err_set(err, -ENOMEM, "plugin '%s': out of memory", cp->name);
	inst->descriptor = cp->descriptor;
	rc = state_dir_make(cfg, cp->name, &inst->state_dir, err);
	if (rc == 0) {
		inst->name = strdup(cp->name);
		inst->data_dir = strdup(cfg->data_dir);
		inst->meter = plugin_meter_ref(cp->name);
		if (inst->name == NULL || inst->data_dir == NULL || inst->meter == NULL ||
		    option_values_copy(cp->descriptor->options, &cp->options, &inst->options) < 0 ||
		    plugin_files_digest(cp->descriptor, &cp->options, cfg->data_dir, inst->files) <
			    0)
			rc = ragd_err_set(err, -ENOMEM, "plugin '%s': out of memory", cp->name);
	}
	if (rc < 0) {
		plugin_instance_free(inst);
		return rc;
	}
	plugin_host_init(inst);
	*out = inst;
	return 0;
}

static bool set_has_name(const struct plugin_set *set, const char *name)
{
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (strcmp(set->plugins[i].name, name) == 0)
			return true;
	return false;
}

int plugin_open_failed(const struct config_plugin *cp, int rc, const struct ragd_err *why,
		       struct ragd_err *err)
{
	return ragd_err_set(err, rc < 0 ? rc : -EINVAL, "plugin '%s' (%s): %s", cp->name,
			    cp->descriptor->name,
			    why->msg[0] != '\0' ? why->msg : "it did not open and did not say why");
}

/* The same when another of that name may be open. */
static int open_failed(const struct config_plugin *cp, const struct plugin_set *previous, int rc,
		       const struct ragd_err *why, struct ragd_err *err)
{
	if (rc == -EBUSY && set_has_name(previous, cp->name))
		/* What it found taken is most likely its own, by the options it still runs with. */
		return ragd_err_set(
			err, rc,
			"plugin '%s' (%s): it runs with other options and cannot be open twice: "
			"restart to change them (%s)",
			cp->name, cp->descriptor->name, why->msg);
	return plugin_open_failed(cp, rc, why, err);
}

static int instance_open(const struct config *cfg, const struct config_plugin *cp,
			 const struct plugin_set *previous, struct plugin_instance **out,
			 struct ragd_err *err)
{
	struct plugin_instance *inst = NULL;
	struct ragd_err why = { 0 };
	int rc;

	rc = plugin_instance_new(cfg, cp, &inst, err);
	if (rc < 0)
		return rc;
	rc = cp->descriptor->open(&inst->host, &inst->options, &inst->self, &why);
	rc = validate_rc(cp->name, "open", rc, &why);
	plugin_progress_end(&inst->host);
	if (rc < 0) {
		rc = open_failed(cp, previous, rc, &why, err);
		plugin_instance_free(inst);
		return rc;
	}
	atomic_init(&inst->refs, 1);
	*out = inst;
	return 0;
}

/* ---- sets ---------------------------------------------------------------------------------- */

/* An instance of the previous set that is what cp would be, referenced; NULL if there is none. */
static struct plugin_instance *instance_carry(const struct config *cfg,
					      const struct config_plugin *cp,
					      const struct plugin_set *previous)
{
	size_t len = strlen(cfg->state_dir);
	char files[DIGEST_HEX + 1];

	if (plugin_files_digest(cp->descriptor, &cp->options, cfg->data_dir, files) < 0)
		return NULL; /* then opening it has the sentence */
	for (size_t i = 0; previous != NULL && i < previous->n; i++) {
		struct plugin_instance *inst = previous->instances[i];

		if (strcmp(inst->name, cp->name) != 0 || inst->descriptor != cp->descriptor ||
		    strcmp(inst->data_dir, cfg->data_dir) != 0 ||
		    strncmp(inst->state_dir, cfg->state_dir, len) != 0 ||
		    strncmp(inst->state_dir + len, "/plugins/", 9) != 0 ||
		    strcmp(inst->files, files) != 0 ||
		    !option_values_equal(cp->descriptor->options, &inst->options, &cp->options))
			continue;
		atomic_fetch_add(&inst->refs, 1);
		return inst;
	}
	return NULL;
}

static int judge_name(const struct config *cfg, size_t i, struct ragd_err *err)
{
	const char *name = cfg->plugins[i].name;
	size_t len = strlen(name);

	/* It becomes the name of a folder. */
	if (len == 0 || len > 64 || name[0] == '.' || strspn(name, NAME_CHARS) != len)
		return ragd_err_set(
			err, -EINVAL,
			"plugin '%.64s': a name is up to 64 letters, digits, _, - and ., not "
			"beginning with .",
			name);
	for (size_t k = 0; k < i; k++)
		if (strcmp(cfg->plugins[k].name, name) == 0)
			return ragd_err_set(err, -EEXIST, "plugin '%s': two plugins have that name",
					    name);
	return 0;
}

static void set_fill(struct plugin_set *set, size_t i, const struct config_plugin *cp,
		     struct plugin_instance *inst)
{
	set->instances[i] = inst;
	set->plugins[i] = (struct plugin){
		.name = inst->name,
		.descriptor = inst->descriptor,
		.path = module_path(cp->descriptor),
		.self = inst->self,
		.options = inst->options,
		.on_failure = cp->on_failure,
		.deadline_ms = cp->deadline_ms,
		.instance = inst,
	};
	set->n = i + 1;
}

/* In reverse order: a plugin may use those before it. */
static void set_free(struct plugin_set *set)
{
	if (set == NULL)
		return;
	while (set->n > 0)
		instance_unref(set->instances[--set->n]);
	free(set->instances);
	free(set->plugins);
	free(set);
}

int plugin_set_open(const struct config *cfg, struct plugin_set *previous, struct plugin_set **out,
		    struct ragd_err *err)
{
	struct plugin_set *set = calloc(1, sizeof(*set));
	struct plugin_instance *inst;
	int rc = 0;

	if (set != NULL) {
		set->plugins = calloc(cfg->n_plugins + 1, sizeof(*set->plugins));
		set->instances = calloc(cfg->n_plugins + 1, sizeof(struct plugin_instance *));
	}
	if (set == NULL || set->plugins == NULL || set->instances == NULL)
		rc = ragd_err_set(err, -ENOMEM, "plugins: out of memory");
	for (size_t i = 0; rc == 0 && i < cfg->n_plugins; i++)
		rc = judge_name(cfg, i, err);
	for (size_t i = 0; rc == 0 && i < cfg->n_plugins; i++) {
		inst = instance_carry(cfg, &cfg->plugins[i], previous);
		if (inst == NULL)
			rc = instance_open(cfg, &cfg->plugins[i], previous, &inst, err);
		if (rc == 0)
			set_fill(set, i, &cfg->plugins[i], inst);
	}
	if (rc < 0) {
		set_free(set);
		return rc;
	}
	atomic_init(&set->refs, 1);
	module_probe_enable();
	pthread_mutex_lock(&sets.lock);
	set->older = sets.newest;
	sets.newest = set;
	pthread_mutex_unlock(&sets.lock);
	*out = set;
	return 0;
}

struct plugin_set *plugin_set_ref(struct plugin_set *set)
{
	atomic_fetch_add(&set->refs, 1);
	return set;
}

void plugin_set_unref(struct plugin_set *set)
{
	struct plugin_set **p;

	if (set == NULL || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	pthread_mutex_lock(&sets.lock);
	for (p = &sets.newest; *p != set; p = &(*p)->older)
		;
	*p = set->older;
	pthread_mutex_unlock(&sets.lock);
	set_free(set);
	/* Who drops the last set may end the process next: nothing closes behind its back. */
	pthread_mutex_lock(&sets.lock);
	while (sets.newest == NULL && sets.n_pending > 0)
		pthread_cond_wait(&sets.idle, &sets.lock);
	pthread_mutex_unlock(&sets.lock);
}

static const struct plugin *set_find(const struct plugin_set *set, enum ragd_kind kind,
				     const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->plugins[i].name, name) == 0)
			return kind == 0 || set->plugins[i].descriptor->kind == kind
				       ? &set->plugins[i]
				       : NULL;
	return NULL;
}

const struct plugin *plugin_set_find(const struct plugin_set *set, enum ragd_kind kind,
				     const char *name)
{
	return set_find(set, kind, name);
}

size_t plugin_set_count(const struct plugin_set *set)
{
	return set->n;
}

const struct plugin *plugin_set_at(const struct plugin_set *set, size_t i)
{
	return i < set->n ? &set->plugins[i] : NULL;
}

unsigned plugin_lost(const struct plugin *p, int add)
{
	struct plugin_instance *inst = p->instance;

	if (inst == NULL) /* it is of no set */
		return 0;
	if (add == 0)
		return atomic_load_explicit(&inst->n_lost, memory_order_relaxed);
	if (add > 0)
		inst->host.count(&inst->host, "lost_calls", (uint64_t)add);
	return atomic_fetch_add(&inst->n_lost, (unsigned)add) + (unsigned)add;
}

static bool set_has(const struct plugin_set *set, const struct plugin_instance *inst)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->instances[i] == inst)
			return true;
	return false;
}

struct plugin_instance *plugin_instance_peer(const struct plugin_instance *from, const char *name)
{
	struct plugin_instance *peer = NULL;
	const struct plugin_set *set;

	pthread_mutex_lock(&sets.lock);
	for (set = sets.newest; set != NULL && !set_has(set, from); set = set->older)
		;
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (strcmp(set->instances[i]->name, name) == 0)
			peer = set->instances[i];
	if (peer != NULL)
		atomic_fetch_add(&peer->refs, 1);
	pthread_mutex_unlock(&sets.lock);
	return peer;
}
