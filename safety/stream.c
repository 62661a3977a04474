#include "safety/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/util.h"
#include "safety/chars.h"
#include "safety/lane.h"
#include "safety/links.h"
#include "safety/plain.h"
#include "safety/work.h"

#define RANK_RULES 100
#define FEED_BLOCK 16384 /* bytes taken in at once */
#define LISTED_MAX                                                                                 \
	4096 /* findings of one text that are told; what more is found is redacted, too */
/* A character of four bytes, and as many invisible ones before it as fold to nothing. */
#define RAW_PER_FOLDED (4 + 4 * FOLDED_UNSEEN_MAX)

/* The text as rules see it, and the matcher that goes along. */
struct rule_lane {
	struct folded folded; /* the last piece */
	struct folded plain;  /* a window */
	size_t base;          /* where the window begins in all of the plain text */
	struct pattern_stream *ps;
	struct hits hits; /* phrases that end where the text so far does */
};

struct stream {
	const struct filter *f;
	enum ragd_action secrets;
	struct buf raw; /* what has not left: raw[0] stands at `released` */
	uint32_t released;
	uint32_t fed;        /* the lanes have the text before */
	struct lane lane[2]; /* the bytes; folded, from where that differs */
	size_t n_lanes;
	bool has_rules;
	struct rule_lane rules;
	struct links *links; /* NULL: they leave as they are */
	struct spans spans;
	uint32_t drop_end; /* a marker stands for what is before */
	struct span group; /* what the marker stands for, while dropping */
	bool dropping;
	bool blocked;
	const char *message;
	/* This feed's results, until they are copied out. */
	struct buf out;
	struct ragd_finding *findings;
	size_t n_findings;
	size_t cap_findings;
	enum ragd_action action; /* of all findings, told or not */
	size_t n_listed;         /* told so far, in all feeds */
	bool failed;
};

struct stream *stream_open(const struct filter *f, enum ragd_stage stage)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->f = f;
	s->secrets = f->cfg.stage[stage].secrets;
	s->n_lanes = 1;
	s->lane[0].pii = f->cfg.stage[stage].pii;
	s->lane[0].secrets = s->secrets != RAGD_ALLOW;
	s->has_rules = stage == RAGD_STAGE_RESPONSE && patterns_has(f->patterns, stage);
	if (s->has_rules && pattern_stream_open(f->patterns, &s->rules.ps) < 0) {
		stream_close(s);
		return NULL;
	}
	return s;
}

void stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_lanes; i++)
		lane_fini(&s->lane[i]);
	links_free(s->links);
	pattern_stream_close(s->rules.ps);
	folded_fini(&s->rules.folded);
	folded_fini(&s->rules.plain);
	hits_fini(&s->rules.hits);
	spans_fini(&s->spans);
	buf_fini(&s->raw);
	buf_fini(&s->out);
	free(s->findings);
	free(s);
}

void stream_mark(struct stream *s, const struct span *span)
{
	spans_add(&s->spans, span);
}

int stream_evidence(struct stream *s, const struct ragd_screen *screen)
{
	if (!s->f->cfg.links)
		return 0;
	s->links = links_new(screen, s->f->cfg.link_hosts);
	return s->links != NULL ? 0 : -ENOMEM;
}

size_t stream_held(const struct stream *s)
{
	return s->raw.len;
}

size_t stream_holdback(const struct filter *f)
{
	size_t scanners = SCAN_HOLD * RAW_PER_FOLDED, rules = 0,
	       links = f->cfg.links ? LINKS_HOLD : 0;

	if (patterns_has(f->patterns, RAGD_STAGE_RESPONSE))
		rules = patterns_width(f->patterns) * (RAW_PER_FOLDED + PLAIN_GAP_MAX);
	return MAX(MAX(scanners, rules), links);
}

/* ---- rules ---- */

/* A confirmed hit: a span for each rule that looks for the term. */
static void rule_spans(struct stream *s, const struct hit *hit)
{
	const struct rules *rules = s->f->rules;
	const struct folded *plain = &s->rules.plain;
	size_t a = hit->start - s->rules.base, b = hit->end - s->rules.base;

	for (size_t r = 0; r < rules->n_rules; r++) {
		const struct rule *rule = &rules->rules[r];

		if (!(rule->stages & 1u << RAGD_STAGE_RESPONSE) || rule->action < RAGD_REDACT)
			continue;
		for (size_t f = 0; f < rule->n_finds; f++)
			if (rule->finds[f].term[0] == hit->term)
				spans_add(&s->spans, &(struct span){ .start = plain->at[a].start,
								     .end = plain->at[b - 1].end,
								     .kind = &rule->kind,
								     .rule = rule->name,
								     .score = 1.0f,
								     .rank = RANK_RULES + (int)r });
	}
}

/* Confirm, drop or keep each hit. Returns the window offset of the first that is kept. */
static size_t judge_hits(struct stream *s, bool last)
{
	struct rule_lane *l = &s->rules;
	size_t n = 0, first = l->plain.len;

	for (size_t i = 0; i < l->hits.n; i++) {
		const struct hit *h = &l->hits.item[i];
		size_t a = h->start - l->base, b = h->end - l->base;
		const char *text = l->plain.text;

		if (h->end <= h->start ||
		    (h->phrase && a > 0 && is_alnum(text[a - 1]) && is_alnum(text[a])))
			continue;
		if (h->whole && b == l->plain.len && !last) {
			first = MIN(first, a);
			l->hits.item[n++] = *h;
			continue;
		}
		if (h->whole && b < l->plain.len && is_alnum(text[b]))
			continue;
		rule_spans(s, h);
	}
	l->hits.n = n;
	return first;
}

/* Returns the raw offset before which no rule can begin any more. */
static uint32_t rules_feed(struct stream *s, const char *raw, size_t len, uint32_t at, bool last)
{
	struct rule_lane *l = &s->rules;
	const struct patterns *p = s->f->patterns;
	size_t before = l->plain.len, safe, keep;
	uint32_t fed = at + (uint32_t)len;
	int rc = 0;

	l->folded.len = 0;
	folded_add(&l->folded, raw, len, at);
	plain_add(&l->plain, &l->folded, 0);
	if (l->folded.failed || l->plain.failed) {
		s->failed = true;
		return s->released;
	}
	if (l->plain.len > before)
		rc = pattern_stream_feed(l->ps, l->plain.text + before, l->plain.len - before,
					 &l->hits);
	if (rc == 0 && last)
		rc = pattern_stream_end(l->ps, &l->hits);
	s->failed = s->failed || rc < 0;
	safe = judge_hits(s, last);
	if (!last)
		safe = MIN(safe, l->plain.len - patterns_partial(p, l->plain.text, l->plain.len));
	fed = safe < l->plain.len ? l->plain.at[safe].start : fed;
	keep = patterns_width(p) + 2;
	if (l->plain.len > 4 * keep) {
		l->base += l->plain.len - keep;
		folded_consume(&l->plain, l->plain.len - keep);
	}
	return fed;
}

/* ---- release ---- */

static enum ragd_action action_of(const struct stream *s, const struct kind *kind)
{
	if (kind->action != RAGD_ALLOW)
		return kind->action;
	return kind->bit != 0 ? RAGD_REDACT : s->secrets;
}

static void add_finding(struct stream *s, const struct span *span, enum ragd_action action)
{
	s->action = MAX(s->action, action);
	/* What blocks ends the text and is told in any case. */
	if (action != RAGD_BLOCK && s->n_listed >= LISTED_MAX)
		return;
	s->n_listed++;
	if (s->n_findings == s->cap_findings) {
		size_t cap = s->cap_findings == 0 ? 8 : s->cap_findings * 2;
		struct ragd_finding *p = realloc(s->findings, cap * sizeof(*p));

		if (p == NULL) {
			s->failed = true;
			return;
		}
		s->findings = p;
		s->cap_findings = cap;
	}
	s->findings[s->n_findings++] = (struct ragd_finding){
		.action = action,
		.category = span->kind->category,
		.rule = span->rule,
		.score = span->score,
		.start = span->start,
		.end = span->end,
	};
}

static const char *message_of(const struct stream *s, const struct span *span)
{
	const struct rules *rules = s->f->rules;

	for (size_t i = 0; i < rules->n_categories; i++)
		if (strcmp(rules->categories[i]->kind.category, span->kind->category) == 0)
			return rules->categories[i]->message;
	return NULL;
}

static void block(struct stream *s, const struct span *span)
{
	s->blocked = true;
	s->message = message_of(s, span);
	add_finding(s, span, RAGD_BLOCK);
}

static void end_group(struct stream *s)
{
	if (!s->dropping)
		return;
	s->group.end = s->drop_end;
	add_finding(s, &s->group, RAGD_REDACT);
	s->dropping = false;
}

/* Take spans that the group reaches into it. Returns how many of the first n spans are done. */
static size_t absorb(struct stream *s, size_t i)
{
	for (; i < s->spans.n; i++) {
		const struct span *span = &s->spans.item[i];

		if (span->start > s->drop_end || (span->start == s->drop_end && !span->joins))
			break;
		if (action_of(s, span->kind) == RAGD_BLOCK) {
			end_group(s);
			block(s, span);
			return i + 1;
		}
		s->drop_end = MAX(s->drop_end, (uint32_t)span->end);
	}
	return i;
}

static void begin_group(struct stream *s, const struct span *span)
{
	if (action_of(s, span->kind) == RAGD_BLOCK) {
		block(s, span);
		return;
	}
	s->group = *span;
	s->dropping = true;
	s->drop_end = (uint32_t)span->end;
	buf_adds(&s->out, span->kind->marker);
}

/* Let out what stands before `safe`, which every lane has decided. */
static void release(struct stream *s, uint32_t safe, bool last)
{
	uint32_t r = s->released, to;
	size_t i = 0;

	spans_sort(&s->spans);
	while (!s->blocked) {
		if (s->dropping) {
			i = absorb(s, i);
			if (s->blocked)
				break;
			r = MAX(r, MIN(s->drop_end, safe));
			if (s->drop_end > safe || (s->drop_end == safe && !last))
				break;
			end_group(s);
		}
		if (r >= safe)
			break;
		/* A continuation whose beginning another kind of action took is none. */
		to = i < s->spans.n ? MIN((uint32_t)s->spans.item[i].start, safe) : safe;
		if (to > r) {
			buf_add(&s->out, s->raw.data + (r - s->released), to - r);
			r = to;
		}
		if (r < safe && i < s->spans.n)
			begin_group(s, &s->spans.item[i++]);
	}
	if (s->blocked) {
		buf_clear(&s->raw);
		s->spans.n = 0;
		return;
	}
	if (i > 0) {
		s->spans.n -= i;
		memmove(s->spans.item, s->spans.item + i, s->spans.n * sizeof(*s->spans.item));
	}
	buf_consume(&s->raw, r - s->released);
	s->released = r;
}

/* Scan what is new in raw up to `fed`; returns the raw offset before which all is decided. */
static uint32_t scan_new(struct stream *s, uint32_t from, uint32_t fed, bool last)
{
	const char *fresh = s->raw.data + (from - s->released);
	size_t n = fed - from;
	uint32_t safe = fed, at;

	if (s->n_lanes == 1 && !folded_is_plain(fresh, n)) {
		s->failed = s->failed || !lane_split(&s->lane[1], &s->lane[0]);
		s->n_lanes = 2;
	}
	for (size_t i = 0; i < s->n_lanes; i++) {
		lane_add(&s->lane[i], fresh, n, from);
		at = lane_scan(&s->lane[i], fed, last, &s->spans);
		safe = MIN(safe, at);
		s->failed = s->failed || s->lane[i].text.failed;
	}
	if (s->links != NULL) {
		at = links_feed(s->links, fresh, n, from, last, &s->spans);
		safe = MIN(safe, at);
		s->failed = s->failed || links_failed(s->links);
	}
	if (s->has_rules) {
		at = rules_feed(s, fresh, n, from, last);
		safe = MIN(safe, at);
	}
	return safe;
}

static int copy_out(struct stream *s, const struct ragd_call *call, struct ragd_release *out,
		    struct ragd_err *err)
{
	struct ragd_release r = { .action = s->blocked ? RAGD_BLOCK : s->action };
	size_t n = s->n_findings;
	char *text = NULL;
	struct ragd_finding *findings = NULL;

	if (s->out.len > 0)
		text = call->alloc(call, s->out.len, 1);
	if (n > 0)
		findings = call->alloc(call, n, sizeof(*findings));
	if (s->failed || s->spans.failed || buf_failed(&s->raw) || buf_failed(&s->out) ||
	    (s->out.len > 0 && text == NULL) || (n > 0 && findings == NULL))
		return ragd_err_set(err, -ENOMEM, "safety: out of memory");
	if (s->out.len > 0)
		memcpy(text, s->out.data, s->out.len);
	if (n > 0)
		memcpy(findings, s->findings, n * sizeof(*findings));
	r.text = (struct ragd_str){ text, s->out.len };
	r.findings = findings;
	r.n_findings = n;
	if (s->blocked && s->message != NULL)
		r.message = (struct ragd_str){ s->message, strlen(s->message) };
	*out = r;
	return 0;
}

/* Take in the next bytes and let out what can be. */
static int feed_block(struct stream *s, const char *text, size_t len, bool last,
		      struct ragd_err *err)
{
	uint32_t from = s->fed;
	size_t fresh;

	buf_add(&s->raw, text, len);
	if (buf_failed(&s->raw))
		return ragd_err_set(err, -ENOMEM, "safety: out of memory");
	fresh = s->raw.len - (from - s->released);
	if (!last)
		fresh = utf8_whole(s->raw.data + (from - s->released), fresh);
	s->fed = from + (uint32_t)fresh;
	if (s->raw.len > 0 && (fresh > 0 || last))
		release(s, scan_new(s, from, s->fed, last), last);
	else if (last)
		end_group(s);
	return 0;
}

int stream_feed(struct stream *s, const struct ragd_call *call, const char *text, size_t len,
		bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct work work;
	size_t n;
	int rc;

	buf_clear(&s->out);
	s->n_findings = 0;
	s->action = RAGD_ALLOW;
	if (len > UINT32_MAX / 2 - s->released - s->raw.len)
		return ragd_err_set(err, -EFBIG, "safety: a text of more than 2 GiB");
	work_start(&work, call);
	for (size_t at = 0; !s->blocked; at += n) {
		n = MIN(len - at, FEED_BLOCK);
		if (!work_step(&work, n + s->spans.n))
			return work_error(&work, err);
		rc = feed_block(s, n > 0 ? text + at : "", n, last && at + n == len, err);
		if (rc < 0)
			return rc;
		if (at + n == len)
			break;
	}
	return copy_out(s, call, out, err);
}
