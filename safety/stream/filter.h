/*
 * The filter behind the safety_basic plugin: rules, personal data and secrets, for whole texts and
 * for answers that arrive in pieces.
 */
#ifndef SAFETY_FILTER_H
#define SAFETY_FILTER_H

#include <ragd/plugin.h>

#include "safety/rules/patterns.h"
#include "safety/rules/rules.h"

#define FILTER_N_STAGES 3

/* What to look for at one stage and what to do about it; indexed by enum ragd_stage. */
struct filter_stage {
	unsigned pii;             /* PII_… to redact */
	enum ragd_action secrets; /* RAGD_ALLOW, RAGD_REDACT or RAGD_BLOCK */
};

struct filter_config {
	struct filter_stage stage[FILTER_N_STAGES];
	enum rule_level level;
	const char *rules;        /* the installed packs: a directory; NULL: none */
	const char *extra_rules;  /* a file or directory; NULL: none */
	const char *cache_dir;    /* for compiled patterns; NULL: none */
	const char *const *allow; /* categories whose rules are left out; NULL-ended */
	bool undo;                /* look behind disguises, too */
	bool links;               /* links and HTML leave an answer only with its evidence, or */
	const char *const *link_hosts; /* to these; NULL-ended, lives as long as the filter */
};

/* What the levels stand for. */
void filter_defaults(enum rule_level level, struct filter_stage stage[FILTER_N_STAGES]);

struct filter;

int filter_open(const struct filter_config *cfg, struct filter **out, struct ragd_err *err);
void filter_close(struct filter *f);

/* Number of rules in use: for the log. */
size_t filter_n_rules(const struct filter *f);

/* As ragd_safety_ops.check and .holdback. */
int filter_check(struct filter *f, const struct ragd_call *call, const struct ragd_screen *screen,
		 struct ragd_verdict *out, struct ragd_err *err);
size_t filter_holdback(const struct filter *f);

/* What the parts of the filter share. */
struct filter {
	struct filter_config cfg;
	struct rules *rules;
	struct patterns *patterns;
	struct unjoin *words; /* to look behind disguises; NULL: not to */
};

#endif
