#include "safety/stream/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/rules/rules_match.h"
#include "safety/stream/filter_stream.h"
#include "safety/stream/stop_check.h"
#include "safety/text/folded.h"
#include "safety/text/unjoin.h"
#include "safety/text/views.h"

#define RANK_MARKS   50
#define FINDINGS_MAX 256 /* of rules; a text with more is clear enough */

/*
 * Rules see a long text in windows, so that it takes no more memory than a short one and each byte
 * the same work. Windows overlap, and a find belongs to the one that has sentences on both sides of
 * it: only what is longer than the overlap can be missed, which takes a text of more than a window.
 */
#define WINDOW_SIZE    65536
#define WINDOW_OVERLAP 8192

void filter_defaults(enum rule_level level, struct filter_stage stage[FILTER_N_STAGES])
{
	static const unsigned numbers = PII_CARD | PII_IBAN | PII_SSN | PII_ID;

	for (size_t i = 0; i < FILTER_N_STAGES; i++)
		stage[i] = (struct filter_stage){ .secrets = RAGD_REDACT };
	switch (level) {
	case LEVEL_PERMISSIVE:
		stage[RAGD_STAGE_RESPONSE].pii = PII_CARD | PII_IBAN | PII_SSN;
		break;
	case LEVEL_BALANCED:
		stage[RAGD_STAGE_RESPONSE].pii = numbers | PII_EMAIL | PII_PHONE;
		break;
	case LEVEL_STRICT:
		stage[RAGD_STAGE_PROMPT].pii = numbers;
		stage[RAGD_STAGE_DOCUMENT].pii = numbers | PII_EMAIL | PII_PHONE;
		stage[RAGD_STAGE_RESPONSE].pii = PII_ALL;
		break;
	}
}

/* Leave out the rules of categories that the configuration allows. */
static void drop_allowed(struct rules *r, const char *const *allow)
{
	for (size_t i = 0; i < r->n_rules; i++)
		for (size_t k = 0; allow != NULL && allow[k] != NULL; k++)
			if (strcmp(r->rules[i].category->kind.category, allow[k]) == 0)
				r->rules[i].stages = 0;
}

static int check_allowed(const struct rules *r, const char *const *allow, struct ragd_err *err)
{
	for (size_t k = 0; allow != NULL && allow[k] != NULL; k++) {
		bool known = false;

		for (size_t i = 0; i < r->n_categories; i++)
			known = known || strcmp(r->categories[i]->kind.category, allow[k]) == 0;
		if (!known)
			return ragd_err_set(err, -EINVAL, "allow: no rules have the category '%s'",
					    allow[k]);
	}
	return 0;
}

int filter_open(const struct filter_config *cfg, struct filter **out, struct ragd_err *err)
{
	struct filter *f = calloc(1, sizeof(*f));
	int rc = 0;

	if (f == NULL)
		return ragd_err_set(err, -ENOMEM, "safety: out of memory");
	f->cfg = *cfg;
	f->rules = rules_new();
	if (f->rules == NULL)
		rc = ragd_err_set(err, -ENOMEM, "safety: out of memory");
	if (rc == 0 && cfg->rules != NULL)
		rc = rules_load(f->rules, cfg->rules, cfg->level, err);
	if (rc == 0 && cfg->extra_rules != NULL)
		rc = rules_load(f->rules, cfg->extra_rules, cfg->level, err);
	if (rc == 0)
		rc = check_allowed(f->rules, cfg->allow, err);
	if (rc == 0) {
		drop_allowed(f->rules, cfg->allow);
		rc = rules_check(f->rules, err);
	}
	if (rc == 0)
		rc = patterns_new(f->rules, cfg->cache_dir, &f->patterns, err);
	if (rc == 0 && cfg->undo) {
		f->words = unjoin_new(f->rules);
		if (f->words == NULL)
			rc = ragd_err_set(err, -ENOMEM, "safety: out of memory");
	}
	if (rc < 0) {
		filter_close(f);
		return rc;
	}
	/* Only for the length of this call. */
	f->cfg.rules = f->cfg.extra_rules = f->cfg.cache_dir = NULL;
	f->cfg.allow = NULL;
	*out = f;
	return 0;
}

void filter_close(struct filter *f)
{
	if (f == NULL)
		return;
	unjoin_free(f->words);
	patterns_free(f->patterns);
	rules_free(f->rules);
	free(f);
}

size_t filter_n_rules(const struct filter *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->rules->n_rules; i++)
		n += f->rules->rules[i].stages != 0;
	return n;
}

size_t filter_holdback(const struct filter *f)
{
	return filter_stream_holdback(f);
}

/* What the rules said of one text. */
struct matches {
	struct spans spans; /* raw */
	const struct rule *worst;
	const struct rule *flood; /* redacts in more places than are counted */
	const struct folded *plain;
	/* The window that is looked at: plain text from `start`; finds that end in (from, to]. */
	size_t start;
	size_t from;
	size_t to;
};

static bool match_cb(void *arg, const struct rule *rule, size_t start, size_t end)
{
	struct matches *f = arg;
	struct text_span *last = f->spans.n > 0 ? &f->spans.item[f->spans.n - 1] : NULL;
	struct folded_at from, to;
	uint32_t a, b;

	start += f->start;
	end += f->start;
	if (end <= f->from || end > f->to)
		return true;
	if (f->worst == NULL || rule->action > f->worst->action)
		f->worst = rule;
	/* A planted instruction goes as a sentence: half of one is still an instruction. */
	if (rule->action == RAGD_REDACT)
		rules_match_sentence(f->plain->text, f->plain->len, &start, &end);
	from = f->plain->at[start];
	to = f->plain->at[end - 1]; /* lies before it where the text was turned round */
	a = MIN(from.start, to.start);
	b = MAX(from.end, to.end);
	if (rule->action == RAGD_REDACT && last != NULL && last->kind == &rule->kind &&
	    a <= last->end && b >= last->start) {
		last->start = MIN(last->start, a);
		last->end = MAX(last->end, b);
		return true;
	}
	if (f->spans.n >= FINDINGS_MAX) {
		if (rule->action == RAGD_REDACT)
			f->flood = rule;
		return false;
	}
	spans_add(&f->spans, &(struct text_span){ .start = a,
						  .end = b,
						  .kind = &rule->kind,
						  .rule = rule->name,
						  .score = 1.0f,
						  .rank = RANK_MARKS });
	return true;
}

static int window_match(const struct filter *f, enum ragd_stage stage, const char *text, size_t len,
			struct stop_check *stop, struct matches *out)
{
	struct pattern_hits hits = { 0 };
	int rc = patterns_scan(f->patterns, text, len, &hits);

	if (rc == 0 && !stop_check_step(stop, len + hits.n))
		rc = stop->rc;
	if (rc == 0)
		rc = rules_match(f->rules, stage, text, len, &hits, stop, match_cb, out);
	hits_fini(&hits);
	return rc;
}

static int plain_match(const struct filter *f, enum ragd_stage stage, const struct folded *plain,
		       struct stop_check *stop, struct matches *out)
{
	size_t end = 0;
	int rc = 0;

	if (plain->failed)
		return -ENOMEM;
	out->plain = plain;
	out->to = 0;
	for (size_t at = 0; rc == 0 && end < plain->len; at = end - WINDOW_OVERLAP) {
		end = MIN(at + WINDOW_SIZE, plain->len);
		out->start = at;
		out->from = out->to;
		out->to = end < plain->len ? end - 2 * RULES_MATCH_CONTEXT : end;
		rc = window_match(f, stage, plain->text + at, end - at, stop, out);
	}
	return rc;
}

/* All rules on the text as it reads, and on what it hides. */
static int text_match(const struct filter *f, const struct ragd_screen *screen,
		      struct stop_check *stop, struct matches *out)
{
	struct folded plain = { 0 };
	struct views views;
	int rc = 0;

	if (!views_init(&views, screen->text.s, screen->text.len, f->words, stop))
		rc = -ENOMEM;
	while (rc == 0 && stop->rc == 0 && views_next(&views, &plain))
		rc = plain_match(f, screen->stage, &plain, stop, out);
	views_fini(&views);
	folded_fini(&plain);
	if (rc == 0)
		rc = stop->rc;
	return rc == 0 && out->spans.failed ? -ENOMEM : rc;
}

static struct ragd_str str_of(const char *s)
{
	return s != NULL ? (struct ragd_str){ s, strlen(s) } : (struct ragd_str){ NULL, 0 };
}

/* The notes of all categories that steer, one after the other. */
static struct ragd_str join_notes(const struct ragd_call *call, const struct filter *f,
				  const struct matches *found)
{
	size_t len = 0;
	char *text, *p;

	for (int pass = 0; pass < 2; pass++) {
		p = text = pass == 0 ? NULL : call->alloc(call, len + 1, 1);
		if (pass == 1 && text == NULL)
			break;
		for (size_t c = 0; c < f->rules->n_categories; c++) {
			const struct rule_category *cat = f->rules->categories[c];
			bool steers = false;

			for (size_t i = 0; i < found->spans.n; i++)
				steers = steers ||
					 (found->spans.item[i].kind->action == RAGD_STEER &&
					  strcmp(found->spans.item[i].kind->category,
						 cat->kind.category) == 0);
			if (!steers || cat->note == NULL)
				continue;
			if (pass == 0)
				len += strlen(cat->note) + 1;
			else
				p += sprintf(p, "%s%s", p > text ? " " : "", cat->note);
		}
		if (len == 0)
			break;
		if (pass == 1)
			return (struct ragd_str){ text, (size_t)(p - text) };
	}
	return (struct ragd_str){ NULL, 0 };
}

static struct ragd_finding finding_of(const struct text_span *s)
{
	return (struct ragd_finding){ s->kind->action, s->kind->category, s->rule,
				      s->score,        s->start,          s->end };
}

/* Rules' findings, without repeats, before those of the stream. */
static int merge_findings(const struct ragd_call *call, struct matches *found,
			  const struct ragd_release *rel, struct ragd_verdict *v)
{
	size_t n = 0;
	struct ragd_finding *list =
		call->alloc(call, found->spans.n + rel->n_findings + 2, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	spans_sort(&found->spans);
	for (size_t i = 0; i < found->spans.n; i++) {
		const struct text_span *s = &found->spans.item[i];
		bool seen = false;

		/* The stream reports what it redacted. */
		if (s->kind->action == RAGD_REDACT)
			continue;
		for (size_t k = 0; k < n && !seen; k++)
			seen = list[k].rule == s->rule && list[k].action == s->kind->action;
		if (!seen)
			list[n++] = finding_of(s);
	}
	if (found->flood != NULL) /* what is behind the last counted place would stay */
		list[n++] = (struct ragd_finding){ .action = RAGD_BLOCK,
						   .category = found->flood->kind.category,
						   .rule = found->flood->name,
						   .score = 1.0f };
	for (size_t i = 0; i < rel->n_findings; i++)
		list[n++] = rel->findings[i];
	v->findings = list;
	v->n_findings = n;
	for (size_t i = 0; i < n; i++)
		v->action = MAX(v->action, list[i].action);
	return 0;
}

/* One text through the stream in one piece, with what the rules want redacted marked. */
static int redact_text(const struct filter *f, const struct ragd_call *call,
		       const struct ragd_screen *screen, const struct matches *found,
		       struct ragd_release *rel, struct ragd_err *err)
{
	struct filter_stream *s = filter_stream_open(f, screen->stage);
	int rc;

	if (s == NULL ||
	    (screen->stage == RAGD_STAGE_RESPONSE && filter_stream_evidence(s, screen) < 0)) {
		filter_stream_close(s);
		return ragd_err_set(err, -ENOMEM, "safety: out of memory");
	}
	for (size_t i = 0; i < found->spans.n; i++)
		if (found->spans.item[i].kind->action == RAGD_REDACT)
			filter_stream_mark(s, &found->spans.item[i]);
	rc = filter_stream_feed(s, call, screen->text.s, screen->text.len, true, rel, err);
	filter_stream_close(s);
	return rc;
}

int filter_check(struct filter *f, const struct ragd_call *call, const struct ragd_screen *screen,
		 struct ragd_verdict *out, struct ragd_err *err)
{
	struct matches found = { 0 };
	struct ragd_release rel = { 0 };
	struct ragd_verdict v = { .action = RAGD_ALLOW };
	struct stop_check stop;
	int rc;

	if (screen->text.len > UINT32_MAX / 4)
		return ragd_err_set(err, -EFBIG, "safety: a text of more than 1 GiB");
	stop_check_start(&stop, call);
	rc = stop.rc;
	if (rc == 0 && screen->stage != RAGD_STAGE_RESPONSE &&
	    patterns_has(f->patterns, screen->stage))
		rc = text_match(f, screen, &stop, &found);
	if (rc < 0) {
		rc = stop.rc < 0 ? stop_check_error(&stop, err)
				 : ragd_err_set(err, rc, "safety: out of memory");
		goto out;
	}
	rc = redact_text(f, call, screen, &found, &rel, err);
	if (rc < 0)
		goto out;
	rc = merge_findings(call, &found, &rel, &v);
	if (rc < 0) {
		ragd_err_set(err, rc, "safety: the request's memory is used up");
		goto out;
	}
	if (v.action == RAGD_REDACT)
		v.text = rel.text;
	if (v.action == RAGD_STEER || v.action == RAGD_REDACT)
		v.note = join_notes(call, f, &found);
	if (v.action == RAGD_BLOCK) {
		v.message = rel.message;
		if (found.worst != NULL && found.worst->action == RAGD_BLOCK)
			v.message = str_of(found.worst->category->message);
		else if (found.flood != NULL && v.message.len == 0)
			v.message = str_of(found.flood->category->message);
	}
	*out = v;
out:
	spans_fini(&found.spans);
	return rc;
}
