#include "daemon/plugins/plugin_private.h"

#include <stdlib.h>

#include "base/name.h"
#include "daemon/modules/module.h"
#include "daemon/modules/option_values.h"
#include "daemon/plugins/validate.h"

/* The sentence for an open() that failed with rc and said why. Returns the code. */
static int instance_open_failed(const struct config_plugin *cp, const struct plugin_set *previous,
				int rc, const struct ragd_err *why, struct ragd_err *err)
{
	if (rc == -EBUSY && previous != NULL && plugin_set_find(previous, 0, cp->name) != NULL)
		/* What it found taken is most likely its own, by the options it still runs with. */
		return ragd_err_set(
			err, rc,
			"plugin '%s' (%s): it runs with other options and cannot be open twice: "
			"restart to change them (%s)",
			cp->name, cp->descriptor->name, why->msg);
	return ragd_err_set(err, rc, "plugin '%s' (%s): %s", cp->name, cp->descriptor->name,
			    why->msg);
}

int plugin_instance_open(const struct config *cfg, const struct config_plugin *cp,
			 const struct plugin_set *previous, bool trial,
			 struct plugin_instance **out, struct ragd_err *err)
{
	struct plugin_instance *inst = NULL;
	struct ragd_err why = { 0 };
	int rc;

	rc = plugin_instance_new(cfg, cp, &inst, err);
	if (rc < 0)
		return rc;
	plugin_host_init(inst);
	inst->host.trial = trial;
	rc = cp->descriptor->open(&inst->host, &inst->options, &inst->self, &why);
	rc = validate_rc(cp->name, "open", rc, &why);
	plugin_progress_end(&inst->host);
	if (rc < 0) {
		rc = instance_open_failed(cp, previous, rc, &why, err);
		plugin_instance_free(inst);
		return rc;
	}
	atomic_init(&inst->refs, 1);
	*out = inst;
	return 0;
}

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

static int name_validate(const struct config *cfg, size_t i, struct ragd_err *err)
{
	const char *name = cfg->plugins[i].name;

	/* It becomes the name of a folder. */
	if (!name_is_collection(name, strlen(name)))
		return ragd_err_set(err, -EINVAL,
				    "plugin '%.64s': a name consists of a-z, 0-9, '.', '_' and "
				    "'-', at most %d, and begins with a letter or digit",
				    name, NAME_LEN_MAX);
	for (size_t k = 0; k < i; k++)
		if (strcmp(cfg->plugins[k].name, name) == 0)
			return ragd_err_set(err, -EEXIST, "plugin '%s': two plugins have that name",
					    name);
	return 0;
}

static void set_add(struct plugin_set *set, size_t i, const struct config_plugin *cp,
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

int plugin_set_open(const struct config *cfg, struct plugin_set *previous, struct plugin_set **out,
		    struct ragd_err *err)
{
	struct plugin_set *set = plugin_set_new(cfg->n_plugins);
	struct plugin_instance *inst;
	int rc = 0;

	if (set == NULL)
		return ragd_err_set(err, -ENOMEM, "plugins: out of memory");
	for (size_t i = 0; rc == 0 && i < cfg->n_plugins; i++)
		rc = name_validate(cfg, i, err);
	for (size_t i = 0; rc == 0 && i < cfg->n_plugins; i++) {
		inst = instance_carry(cfg, &cfg->plugins[i], previous);
		if (inst == NULL)
			rc = plugin_instance_open(cfg, &cfg->plugins[i], previous, false, &inst,
						  err);
		if (rc == 0)
			set_add(set, i, &cfg->plugins[i], inst);
		if (rc == 0)
			rc = plugin_assistants_check(cfg, inst->name, inst->descriptor, inst->self,
						     err);
	}
	if (rc < 0) {
		plugin_set_free(set);
		return rc;
	}
	module_probe_enable();
	plugin_set_publish(set);
	*out = set;
	return 0;
}
