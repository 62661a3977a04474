#include "daemon/plugins/plugin_private.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "daemon/config/paths.h"
#include "daemon/modules/option_values.h"

/* What holds an instance apart from sets: calls of one plugin into another, and closing threads. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t idle; /* n came down to 0 */
	unsigned n;
} pending = { .lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER };

void plugin_pending_begin(void)
{
	pthread_mutex_lock(&pending.lock);
	pending.n++;
	pthread_mutex_unlock(&pending.lock);
}

void plugin_pending_end(void)
{
	pthread_mutex_lock(&pending.lock);
	if (--pending.n == 0)
		pthread_cond_broadcast(&pending.idle);
	pthread_mutex_unlock(&pending.lock);
}

void plugin_pending_wait(void)
{
	pthread_mutex_lock(&pending.lock);
	while (pending.n > 0)
		pthread_cond_wait(&pending.idle, &pending.lock);
	pthread_mutex_unlock(&pending.lock);
}

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
	*out = inst;
	return 0;
}

void plugin_instance_unref(struct plugin_instance *inst)
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
