#include "daemon/plugins/plugin_private.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

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
	struct plugin_instance *inst;
	char dir[4096];
	int rc = 0;

	if (snprintf(dir, sizeof(dir), "%s/ragd-trial-XXXXXX",
		     tmp != NULL && tmp[0] == '/' ? tmp : "/tmp") >= (int)sizeof(dir))
		return ragd_err_set(err, -ENAMETOOLONG, "TMPDIR is too long a path");
	if (mkdtemp(dir) == NULL)
		return ragd_err_sys(err, "make a temporary folder '%s'", dir);
	trial.state_dir = dir;
	for (size_t i = 0; rc == 0 && i < cfg->n_plugins; i++) {
		if (cfg->plugins[i].descriptor->kind == RAGD_KIND_RETRIEVAL)
			continue;
		rc = plugin_instance_open(&trial, &cfg->plugins[i], NULL, true, &inst, err);
		if (rc < 0)
			break;
		rc = plugin_assistants_check(cfg, inst->name, inst->descriptor, inst->self, err);
		plugin_instance_unref(inst);
	}
	nftw(dir, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
