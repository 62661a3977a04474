/*
 * A filter built against headers of other ages: in age_older.so a verdict has no message
 * yet, in age_newer.so it has members that this ragd doesn't know. See
 * tests/plugins/Makefile.inc and test_load.c.
 */
#include <ragd/plugin.h>

static int age_check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		     struct ragd_verdict *out, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)screen;
	(void)err;
	RAGD_FILL(out, .action = RAGD_STEER, .note = RAGD_STR("Be brief."), AGE_MEMBER);
	return 0;
}

static const struct ragd_safety_ops ops = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 1u << RAGD_STAGE_PROMPT,
	.check = age_check,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_SAFETY,
	.name = AGE_NAME,
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "A filter of another age, for tests",
	.ops = { .safety = &ops },
};
