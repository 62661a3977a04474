/*
 * keeper: a safety plugin that breaks the contract, for harness.c: it keeps a pointer into its
 * arguments and looks at it in the next call.
 */
#include <stdlib.h>

#include <ragd/plugin.h>

struct keeper {
	const char *mode;
	const char *kept;
};

static int keeper_check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
			struct ragd_verdict *out, struct ragd_err *err)
{
	struct keeper *k = self;
	char *seen = call->alloc(call, 1, 1);

	if (seen == NULL)
		return ragd_err_set(err, -ENOMEM, "no memory");
	if (k->kept != NULL)
		*seen = *k->kept;
	if (strcmp(k->mode, "text") == 0)
		k->kept = screen->text.s;
	else if (strcmp(k->mode, "evidence") == 0)
		k->kept = screen->passages[0].text.s;
	else if (strcmp(k->mode, "caller") == 0)
		k->kept = (const char *)call->caller;
	else if (strcmp(k->mode, "result") == 0)
		k->kept = seen;
	RAGD_FILL(out, .text = { seen, 1 });
	return 0;
}

static int keeper_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		       struct ragd_err *err)
{
	struct keeper *k = calloc(1, sizeof(*k));

	(void)host;
	if (k == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	k->mode = ragd_config_get(cfg, "mode")->s;
	*self = k;
	return 0;
}

static const struct ragd_option options[] = {
	{ "mode", RAGD_OPT_CHOICE, "none", 0, 0, "none|text|evidence|caller|result",
	  "What to keep.", true },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_safety_ops ops = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 1u << RAGD_STAGE_RESPONSE,
	.check = keeper_check,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_SAFETY,
	.name = "keeper",
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "Keeps what it may not",
	.options = options,
	.open = keeper_open,
	.close = free,
	.ops = { .safety = &ops },
};
