#include "safety/stream/filter_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/links/links.h"
#include "safety/stream/scan_window.h"
#include "safety/stream/rule_window.h"
#include "safety/stream/stop_check.h"
#include "safety/text/plain.h"
#include "safety/text/reading.h"
#include "safety/text/unseen.h"

#define FEED_BLOCK 16384 /* bytes of an answer taken in at once */
#define WORD_HOLD  32    /* bytes that may wait for the end of their word */
/* Findings of one text that are told; what more is found is redacted, too. */
#define LISTED_MAX 4096
/* A character of four bytes, what is not seen before it, and what may be left out for each. */
#define RAW_PER_READ ((4 + UNSEEN_MAX + READING_OMIT_PER) * READING_SPREAD)
/* And once, whatever the number of characters. */
#define RAW_ONCE (READING_OMIT + READING_AHEAD)

struct filter_stream {
	const struct filter *f;
	enum ragd_action secrets;
	struct buf raw; /* what has not left: raw[0] stands at `released` */
	uint32_t released;
	struct unseen unseen;
	uint32_t cut; /* the runs that nobody sees have been cut before */
	uint32_t fed; /* the windows have the text before */
	/* The bytes, or for rules the bytes folded; and how they read, from where that differs. */
	struct scan_window scan[2];
	struct rule_window rules[2];
	size_t n_windows;
	struct text_reading reading;
	struct folded piece; /* of text, as a window sees it */
	bool has_rules;
	struct links *links; /* NULL: they leave as they are */
	struct spans tags;   /* that the reading left out, as far as they have not left */
	size_t tag;          /* the first of them that may still be asked for */
	struct spans spans;
	uint32_t drop_end;      /* a marker stands for what is before */
	struct text_span group; /* what the marker stands for, while dropping */
	bool dropping;
	bool traceless; /* nothing but white space has left for the group so far */
	bool marked;    /* a marker is what left last */
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

struct filter_stream *filter_stream_open(const struct filter *f, enum ragd_stage stage)
{
	struct filter_stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->f = f;
	s->secrets = f->cfg.stage[stage].secrets;
	s->n_windows = 1;
	/* Prompts and passages come in one piece, and only answers must not be held. */
	s->reading.whole = stage != RAGD_STAGE_RESPONSE;
	s->scan[0].pii = f->cfg.stage[stage].pii;
	s->scan[0].secrets = s->secrets != RAGD_ALLOW;
	s->has_rules = stage == RAGD_STAGE_RESPONSE && patterns_has(f->patterns, stage);
	if (s->has_rules && !rule_window_open(&s->rules[0], f->patterns, f->rules)) {
		filter_stream_close(s);
		return NULL;
	}
	return s;
}

void filter_stream_close(struct filter_stream *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_windows; i++) {
		scan_window_fini(&s->scan[i]);
		rule_window_fini(&s->rules[i]);
	}
	reading_fini(&s->reading);
	folded_fini(&s->piece);
	unseen_fini(&s->unseen);
	links_free(s->links);
	spans_fini(&s->spans);
	spans_fini(&s->tags);
	buf_fini(&s->raw);
	buf_fini(&s->out);
	free(s->findings);
	free(s);
}

void filter_stream_mark(struct filter_stream *s, const struct text_span *span)
{
	spans_add(&s->spans, span);
}

int filter_stream_evidence(struct filter_stream *s, const struct ragd_screen *screen)
{
	if (!s->f->cfg.links)
		return 0;
	s->links = links_new(screen, s->f->cfg.link_hosts);
	s->reading.tags = &s->tags;
	return s->links != NULL ? 0 : -ENOMEM;
}

size_t filter_stream_held(const struct filter_stream *s)
{
	return s->raw.len;
}

size_t filter_stream_holdback(const struct filter *f)
{
	size_t scanners = SCAN_HOLD * RAW_PER_READ, rules = 0,
	       links = f->cfg.links ? LINKS_HOLD : 0;

	if (patterns_has(f->patterns, RAGD_STAGE_RESPONSE))
		rules = patterns_width(f->patterns) * (RAW_PER_READ + PLAIN_GAP_MAX);
	return WORD_HOLD + MAX(RAW_ONCE + MAX(scanners, rules), links);
}

/* ---- release ---- */

static enum ragd_action action_of(const struct filter_stream *s, const struct span_kind *kind)
{
	if (kind->action != RAGD_ALLOW)
		return kind->action;
	return kind->bit != 0 ? RAGD_REDACT : s->secrets;
}

static void add_finding(struct filter_stream *s, const struct text_span *span,
			enum ragd_action action)
{
	s->action = MAX(s->action, action);
	/* What blocks ends the text and is told in any case. */
	if (action != RAGD_BLOCK && s->n_listed >= LISTED_MAX)
		return;
	s->n_listed++;
	if (!array_reserve(&s->findings, &s->cap_findings, s->n_findings + 1,
			   sizeof(*s->findings))) {
		s->failed = true;
		return;
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

static const char *message_of(const struct filter_stream *s, const struct text_span *span)
{
	const struct rules *rules = s->f->rules;

	for (size_t i = 0; i < rules->n_categories; i++)
		if (strcmp(rules->categories[i]->kind.category, span->kind->category) == 0)
			return rules->categories[i]->message;
	return NULL;
}

static void block_text(struct filter_stream *s, const struct text_span *span)
{
	struct text_span found = *span;

	s->blocked = true;
	s->message = message_of(s, span);
	found.start = unseen_start(&s->unseen, (uint32_t)span->start);
	found.end = unseen_end(&s->unseen, (uint32_t)span->end);
	add_finding(s, &found, RAGD_BLOCK);
}

static void end_group(struct filter_stream *s)
{
	if (!s->dropping)
		return;
	s->group.end = unseen_end(&s->unseen, s->drop_end);
	add_finding(s, &s->group, RAGD_REDACT);
	s->dropping = false;
}

/* Whether the reading went on as if the span were not there. Asked from left to right. */
static bool is_left_out(struct filter_stream *s, const struct text_span *span)
{
	const struct spans *tags = &s->tags;

	while (s->tag < tags->n && tags->item[s->tag].end < span->end)
		s->tag++;
	return s->tag < tags->n && tags->item[s->tag].start <= span->start;
}

/* Let the span's marker out. */
static void put_marker(struct filter_stream *s, const struct text_span *span)
{
	const char *marker = span->kind->marker;

	if (span->fallback != NULL && !is_left_out(s, span))
		marker = span->fallback;
	s->traceless = marker[strspn(marker, " ")] == '\0';
	if (marker[0] != '\0')
		s->marked = !s->traceless;
	buf_adds(&s->out, marker);
}

/* Let n bytes out as they are. No link is made of a marker before them. */
static void let_out(struct filter_stream *s, const char *raw, size_t n)
{
	if (s->marked && s->links != NULL && (raw[0] == '(' || raw[0] == '[' || raw[0] == ':'))
		buf_addc(&s->out, ' ');
	s->marked = false;
	buf_add(&s->out, raw, n);
}

/* Take spans that the group reaches into it. Returns how many of the first n spans are done. */
static size_t group_absorb(struct filter_stream *s, size_t i)
{
	for (; i < s->spans.n; i++) {
		const struct text_span *span = &s->spans.item[i];

		if (span->start > s->drop_end || (span->start == s->drop_end && !span->joins))
			break;
		if (action_of(s, span->kind) == RAGD_BLOCK) {
			end_group(s);
			block_text(s, span);
			return i + 1;
		}
		if (span->end > s->drop_end) {
			if (s->traceless)
				put_marker(s, span);
			s->drop_end = (uint32_t)span->end;
		}
	}
	return i;
}

static void begin_group(struct filter_stream *s, const struct text_span *span)
{
	if (action_of(s, span->kind) == RAGD_BLOCK) {
		block_text(s, span);
		return;
	}
	s->group = *span;
	s->group.start = unseen_start(&s->unseen, (uint32_t)span->start);
	s->dropping = true;
	s->drop_end = (uint32_t)span->end;
	put_marker(s, span);
}

static void forget_tags(struct filter_stream *s)
{
	struct spans *tags = &s->tags;

	while (s->tag < tags->n && tags->item[s->tag].end <= s->released)
		s->tag++;
	spans_drop(tags, s->tag);
	s->tag = 0;
}

/*
 * Let out what stands before `safe`, which every window has decided. Spans that touch or overlap
 * are one group with one marker, so a group that reaches `safe` stays open: what comes next may
 * belong to it, and ending it here would put a second marker, or let the rest of a secret out,
 * depending on where the text was cut. Only the last piece ends it. The marker itself left when the
 * group began, for nothing that comes later changes it, unless all that left so far is white space
 * (s->traceless).
 */
static void release_until(struct filter_stream *s, uint32_t safe, bool last)
{
	uint32_t r = s->released, to;
	size_t i = 0;

	spans_sort(&s->spans);
	while (!s->blocked) {
		if (s->dropping) {
			i = group_absorb(s, i);
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
			let_out(s, s->raw.data + (r - s->released), to - r);
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
	spans_drop(&s->spans, i);
	buf_consume(&s->raw, r - s->released);
	s->released = r;
	unseen_forget(&s->unseen, r);
	forget_tags(s);
}

/* From here on the text does not read as it is written: what the windows know goes with both. */
static void start_reading(struct filter_stream *s)
{
	bool ok = scan_window_split(&s->scan[1], &s->scan[0]);

	s->n_windows = 2;
	if (ok && s->has_rules)
		ok = rule_window_split(&s->rules[1], &s->rules[0]);
	s->failed = s->failed || !ok;
}

/*
 * What is new up to raw offset fed as window i sees it: into the window, and for its rules into
 * s->piece.
 */
static void read_new(struct filter_stream *s, size_t i, uint32_t fed, bool last)
{
	uint32_t from = i == 0 ? s->fed : s->reading.fed;
	const char *fresh = s->raw.data + (from - s->released);

	s->piece.len = 0;
	if (i > 0) {
		reading_add(&s->reading, fresh, fed - from, last, &s->piece, &s->spans);
		folded_append(&s->scan[1].text, &s->piece);
		return;
	}
	scan_window_add(&s->scan[0], fresh, fed - from, from);
	if (s->has_rules)
		folded_add(&s->piece, fresh, fed - from, from);
}

/*
 * Scan what is new up to raw offset fed; returns the offset before which all is decided: the least
 * of what the windows, the rules and the links say. One window serves as long as the text reads as
 * it is written, which is nearly always; from where it does not there are two, for a secret may
 * stand in the bytes or in what they look like, and a find of either counts.
 */
static uint32_t scan_new(struct filter_stream *s, uint32_t fed, bool last)
{
	uint32_t safe, given, at;
	bool differs = false;

	if (s->n_windows == 1) {
		reading_skip(&s->reading, s->raw.data + (s->fed - s->released), fed - s->fed, last,
			     &differs);
		if (differs)
			start_reading(s);
		else
			fed = s->reading.fed;
	}
	safe = fed;
	for (size_t i = 0;
	     i < s->n_windows && !s->failed && stop_check_step(s->reading.stop, fed - s->fed);
	     i++) {
		read_new(s, i, fed, last);
		given = i == 0 ? fed : reading_given(&s->reading);
		at = scan_window_scan(&s->scan[i], given, last, &s->spans);
		safe = MIN(safe, at);
		if (s->has_rules) {
			s->failed = !rule_window_feed(&s->rules[i], &s->piece, given, last,
						      &s->spans, &at);
			safe = MIN(safe, at);
		}
		s->failed = s->failed || s->scan[i].text.failed || s->piece.failed;
	}
	if (s->links != NULL && !s->failed) {
		at = links_feed(s->links, s->raw.data + (s->fed - s->released), fed - s->fed,
				s->fed, last, &s->spans);
		safe = MIN(safe, at);
		s->failed = links_failed(s->links);
	}
	s->fed = fed;
	return s->failed ? s->released : safe;
}

static int copy_out(struct filter_stream *s, const struct ragd_call *call, struct ragd_release *out,
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
	if (s->failed || s->spans.failed || s->tags.failed || buf_failed(&s->raw) ||
	    buf_failed(&s->out) || (s->out.len > 0 && text == NULL) || (n > 0 && findings == NULL))
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

/* Cut what is new, as far as it is whole characters; returns how many of its bytes stay. */
static size_t cut_unseen(struct filter_stream *s, bool last)
{
	size_t from = s->cut - s->released, len = s->raw.len - from, whole, kept;
	bool first = s->cut == 0;
	char *fresh;

	if (len == 0)
		return 0;
	fresh = s->raw.data + from;
	whole = last ? len : utf8_whole(fresh, len);
	kept = unseen_cut(&s->unseen, fresh, whole, s->cut);
	if (kept < whole) {
		memmove(fresh + kept, fresh + whole, len - whole);
		s->raw.len -= whole - kept;
		s->raw.data[s->raw.len] = '\0';
	}
	s->cut += (uint32_t)kept;
	s->failed = s->failed || s->unseen.failed;
	for (size_t i = 0; first && i < s->spans.n; i++) { /* the marks */
		struct text_span *span = &s->spans.item[i];

		span->start = unseen_kept(&s->unseen, (uint32_t)span->start);
		span->end = unseen_kept(&s->unseen, (uint32_t)span->end);
	}
	return kept;
}

/*
 * Whether the text just taken in only goes on with a word. Nearly nothing is decided before a word
 * ends, so that models whose tokens are pieces of words cost a scan for each word, not for each
 * token.
 */
static bool goes_on_with_word(const struct filter_stream *s, const char *text, size_t len)
{
	size_t i = 0;

	if (s->raw.len - (s->cut - s->released) > WORD_HOLD)
		return false;
	while (i < len && ascii_is_alnum(text[i]))
		i++;
	return i == len;
}

/* Take in the next bytes and let out what can be. */
static int feed_block(struct filter_stream *s, const char *text, size_t len, bool last,
		      struct ragd_err *err)
{
	size_t fresh;

	buf_add(&s->raw, text, len);
	if (buf_failed(&s->raw))
		return ragd_err_set(err, -ENOMEM, "safety: out of memory");
	if (!last && goes_on_with_word(s, text, len))
		return 0;
	fresh = cut_unseen(s, last);
	if (s->raw.len > 0 && (fresh > 0 || last))
		release_until(s, scan_new(s, s->cut, last), last);
	else if (last)
		end_group(s);
	return 0;
}

int filter_stream_feed(struct filter_stream *s, const struct ragd_call *call, const char *text,
		       size_t len, bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct stop_check stop;
	size_t n;
	int rc;

	buf_clear(&s->out);
	s->n_findings = 0;
	s->action = RAGD_ALLOW;
	if (len > UINT32_MAX / 2 - s->released - s->raw.len)
		return ragd_err_set(err, -EFBIG, "safety: a text of more than 2 GiB");
	stop_check_start(&stop, call);
	s->reading.stop = &stop;
	for (size_t at = 0; !s->blocked; at += n) {
		n = s->reading.whole ? len - at : MIN(len - at, (size_t)FEED_BLOCK);
		if (!stop_check_step(&stop, n + s->spans.n))
			break;
		rc = feed_block(s, n > 0 ? text + at : "", n, last && at + n == len, err);
		if (rc < 0)
			return rc;
		if (at + n == len)
			break;
	}
	s->reading.stop = NULL;
	return stop.rc < 0 ? stop_check_error(&stop, err) : copy_out(s, call, out, err);
}
