#include "daemon/plugins/plugin_private.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

static int plugin_try(const struct config *cfg, const struct config_plugin *cp,
		      struct ragd_err *err)
{
	struct plugin_instance *inst = NULL;
	struct ragd_err why = { 0 };
	int rc;

	rc = plugin_instance_new(cfg, cp, &inst, err);
	if (rc < 0)
		return rc;
	plugin_host_init(inst);
	inst->host.trial = true;
	rc = cp->descriptor->open(&inst->host, &inst->options, &inst->self, &why);
	plugin_progress_end(&inst->host);
	if (rc == 0)
		cp->descriptor->close(inst->self);
	else
		rc = plugin_open_failed(cp, rc, &why, err);
	plugin_instance_free(inst);
	return rc;
}

static int remove_cb(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

int plugin_trial(const struct config *cfg, struct ragd_err *err)
{
	const char *tmp = secure_getenv("TMPDIR");
	struct config trial = *cfg;
	char dir[4096];
	int rc = 0;

	if (snprintf(dir, sizeof(dir), "%s/ragd-trial-XXXXXX",
		     tmp != NULL && tmp[0] == '/' ? tmp : "/tmp") >= (int)sizeof(dir))
		return ragd_err_set(err, -ENAMETOOLONG, "TMPDIR is too long a path");
	if (mkdtemp(dir) == NULL)
		return ragd_err_sys(err, "make a temporary folder '%s'", dir);
	trial.state_dir = dir;
	for (size_t i = 0; rc == 0 && i < cfg->n_plugins; i++)
		if (cfg->plugins[i].descriptor->kind != RAGD_KIND_RETRIEVAL)
			rc = plugin_try(&trial, &cfg->plugins[i], err);
	nftw(dir, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
