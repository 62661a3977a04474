/*
 * safety_basic: rules, personal data and secrets, with no model. This file is the ABI's side; what
 * it does is in safety/.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ragd/plugin.h>

#include "config.h"
#include "safety/pii/pii.h"
#include "safety/stream/filter.h"
#include "safety/stream/filter_stream.h"

#define PII_WORDS "level, none, all, or any of email, role, phone, card, iban, ssn, id, ip, mac"

static const struct ragd_option options[] = {
	/* clang-format off */
	{ .name = "level", .type = RAGD_OPT_CHOICE, .dflt = "balanced",
	  .choices = "strict|balanced|permissive",
	  .help = "How much is refused and removed; the other options override it one by one.",
	  .everyone = true },
	{ .name = "rules", .type = RAGD_OPT_PATH, .dflt = "",
	  .help = "Your own rules: a file, or a directory of *.rules files, read after "
		  "the installed ones.",
	  .everyone = false },
	{ .name = "installed_rules", .type = RAGD_OPT_BOOL, .dflt = "yes",
	  .help = "Use the rules that are installed with ragd.", .everyone = true },
	{ .name = "allow", .type = RAGD_OPT_LIST, .dflt = "",
	  .help = "Categories whose rules are left out, such as S5.", .everyone = true },
	{ .name = "prompt_pii", .type = RAGD_OPT_LIST, .dflt = "level",
	  .help = "Personal data removed from prompts: " PII_WORDS ".", .everyone = true },
	{ .name = "document_pii", .type = RAGD_OPT_LIST, .dflt = "level",
	  .help = "Personal data removed from retrieved passages: " PII_WORDS ".",
	  .everyone = true },
	{ .name = "response_pii", .type = RAGD_OPT_LIST, .dflt = "level",
	  .help = "Personal data removed from answers: " PII_WORDS ".", .everyone = true },
	{ .name = "prompt_secrets", .type = RAGD_OPT_CHOICE, .dflt = "redact",
	  .choices = "allow|redact|block",
	  .help = "What to do about keys and passwords in prompts.",
	  .everyone = true },
	{ .name = "document_secrets", .type = RAGD_OPT_CHOICE, .dflt = "redact",
	  .choices = "allow|redact|block",
	  .help = "What to do about keys and passwords in retrieved passages.", .everyone = true },
	{ .name = "response_secrets", .type = RAGD_OPT_CHOICE, .dflt = "redact",
	  .choices = "allow|redact|block",
	  .help = "What to do about keys and passwords in answers.",
	  .everyone = true },
	{ .name = "links", .type = RAGD_OPT_CHOICE, .dflt = "level",
	  .choices = "level|evidence|allow",
	  .help = "Links, images and HTML in answers: evidence, only those that a passage or the "
		  "question has; level, the same except at permissive.", .everyone = true },
	{ .name = "link_hosts", .type = RAGD_OPT_LIST, .dflt = "",
	  .help = "Hosts that any answer may link to: example.org; *.example.org for "
		  "its subdomains.",
	  .everyone = false },
	{ .name = "disguises", .type = RAGD_OPT_BOOL, .dflt = "yes",
	  .help = "Also apply the rules to what is hidden by spaced letters, digits for "
		  "letters, base64 or ROT13.",
	  .everyone = true },
	{ .name = NULL },
	/* clang-format on */
};

struct basic {
	struct filter *filter;
	const struct ragd_host *host;
};

static enum rule_level level_of(const struct ragd_config *cfg)
{
	const char *word = ragd_config_get(cfg, "level")->s;

	if (strcmp(word, "strict") == 0)
		return LEVEL_STRICT;
	return strcmp(word, "permissive") == 0 ? LEVEL_PERMISSIVE : LEVEL_BALANCED;
}

/* A list of kinds of personal data, or one word for many; `level` is what the level says. */
static int pii_of(const struct ragd_config *cfg, const char *option, unsigned level, unsigned *out,
		  struct ragd_err *err)
{
	const char *const *list = ragd_config_get(cfg, option)->list;
	unsigned bits = 0;

	for (size_t i = 0; list[i] != NULL; i++) {
		unsigned bit = 0;

		if (strcmp(list[i], "level") == 0)
			bit = level;
		else if (strcmp(list[i], "all") == 0)
			bit = PII_ALL;
		for (size_t k = 0; pii_names[k] != NULL; k++)
			if (strcmp(list[i], pii_names[k]) == 0)
				bit = 1u << k;
		if (bit == 0 && strcmp(list[i], "none") != 0 && strcmp(list[i], "level") != 0)
			return ragd_err_set(err, -EINVAL, "%s: '%s' is none of " PII_WORDS, option,
					    list[i]);
		bits |= bit;
	}
	*out = bits;
	return 0;
}

static enum ragd_action secrets_of(const struct ragd_config *cfg, const char *option)
{
	const char *word = ragd_config_get(cfg, option)->s;

	if (strcmp(word, "allow") == 0)
		return RAGD_ALLOW;
	return strcmp(word, "block") == 0 ? RAGD_BLOCK : RAGD_REDACT;
}

static int links_of(const struct ragd_config *cfg, struct filter_config *out, struct ragd_err *err)
{
	const char *word = ragd_config_get(cfg, "links")->s;

	out->links = strcmp(word, "level") == 0 ? out->level != LEVEL_PERMISSIVE
						: strcmp(word, "evidence") == 0;
	out->link_hosts = ragd_config_get(cfg, "link_hosts")->list;
	for (const char *const *host = out->link_hosts; *host != NULL; host++) {
		const char *name = *host + (strncmp(*host, "*.", 2) == 0 ? 2 : 0);

		if (name[0] == '\0' || name[0] == '.' ||
		    strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") !=
			    strlen(name))
			return ragd_err_set(err, -EINVAL,
					    "link_hosts: '%s' is not a host such as example.org or "
					    "*.example.org",
					    *host);
	}
	return 0;
}

static int read_config(const struct ragd_config *cfg, struct filter_config *out,
		       struct ragd_err *err)
{
	static const struct {
		const char *pii;
		const char *secrets;
	} names[FILTER_N_STAGES] = { { "prompt_pii", "prompt_secrets" },
				     { "document_pii", "document_secrets" },
				     { "response_pii", "response_secrets" } };
	int rc;

	*out = (struct filter_config){ .level = level_of(cfg) };
	filter_defaults(out->level, out->stage);
	for (size_t i = 0; i < FILTER_N_STAGES; i++) {
		rc = pii_of(cfg, names[i].pii, out->stage[i].pii, &out->stage[i].pii, err);
		if (rc < 0)
			return rc;
		out->stage[i].secrets = secrets_of(cfg, names[i].secrets);
	}
	rc = links_of(cfg, out, err);
	if (rc < 0)
		return rc;
	out->undo = ragd_config_get(cfg, "disguises")->b;
	out->allow = ragd_config_get(cfg, "allow")->list;
	if (ragd_config_get(cfg, "rules")->s[0] != '\0')
		out->extra_rules = ragd_config_get(cfg, "rules")->s;
	return 0;
}

static int basic_check_config(const struct ragd_config *cfg, struct ragd_err *err)
{
	struct filter_config fc;

	return read_config(cfg, &fc, err);
}

static int basic_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		      struct ragd_err *err)
{
	struct basic *b = calloc(1, sizeof(*b));
	struct filter_config fc;
	char packs[4096];
	int rc;

	if (b == NULL)
		return ragd_err_set(err, -ENOMEM, "safety_basic: out of memory");
	b->host = host;
	rc = read_config(cfg, &fc, err);
	if (rc == 0 && ragd_config_get(cfg, "installed_rules")->b) {
		if (snprintf(packs, sizeof(packs), "%s/rules", host->data_dir) >=
		    (int)sizeof(packs))
			rc = ragd_err_set(err, -ENAMETOOLONG,
					  "the data directory's path is too long");
		fc.rules = packs;
	}
	fc.cache_dir = host->state_dir;
	if (rc == 0)
		rc = filter_open(&fc, &b->filter, err);
	if (rc < 0) {
		free(b);
		return rc;
	}
	host->log(host, RAGD_LOG_DEBUG, "%zu rules", filter_n_rules(b->filter));
	*self = b;
	return 0;
}

static void basic_close(void *self)
{
	struct basic *b = self;

	filter_close(b->filter);
	free(b);
}

static size_t basic_holdback(void *self)
{
	return filter_holdback(((struct basic *)self)->filter);
}

static int basic_check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		       struct ragd_verdict *out, struct ragd_err *err)
{
	struct ragd_verdict v = { 0 };
	int rc = filter_check(((struct basic *)self)->filter, call, screen, &v, err);

	if (rc == 0)
		ragd_fill(out, &v, sizeof(v));
	return rc;
}

static int basic_stream_open(void *self, const struct ragd_call *call,
			     const struct ragd_screen *screen, void **stream, struct ragd_err *err)
{
	struct filter_stream *s = filter_stream_open(((struct basic *)self)->filter, screen->stage);

	(void)call;
	if (s == NULL || filter_stream_evidence(s, screen) < 0) {
		filter_stream_close(s);
		return ragd_err_set(err, -ENOMEM, "safety_basic: out of memory");
	}
	*stream = s;
	return 0;
}

static int basic_stream_feed(void *stream, const struct ragd_call *call, const char *text,
			     size_t len, bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct ragd_release r = { 0 };
	int rc = filter_stream_feed(stream, call, text, len, last, &r, err);

	if (rc == 0)
		ragd_fill(out, &r, sizeof(r));
	return rc;
}

static void basic_stream_close(void *stream)
{
	filter_stream_close(stream);
}

static const struct ragd_safety_ops ops = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 1u << RAGD_STAGE_PROMPT | 1u << RAGD_STAGE_DOCUMENT | 1u << RAGD_STAGE_RESPONSE,
	.holdback = basic_holdback,
	.check = basic_check,
	.stream_open = basic_stream_open,
	.stream_feed = basic_stream_feed,
	.stream_close = basic_stream_close,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_SAFETY,
	.name = "safety_basic",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary = "Rules for prompts and passages, personal data and secrets, with no model",
	.options = options,
	.check = basic_check_config,
	.open = basic_open,
	.close = basic_close,
	.ops = { .safety = &ops },
};
