#include "safety/ground_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/sentences.h"
#include "base/utf8.h"
#include "base/util.h"
#include "safety/chars.h"
#include "safety/ground.h"

#define LEAD_MAX     1024  /* bytes of sentences without a claim that wait for one with */
#define RESTART_SIZE 16384 /* text behind so many bytes is forgotten at the next paragraph */
#define LOOK_EVERY   256   /* bytes without any sign that may end a sentence */

static const char category[] = "unsupported";

struct ground_stream {
	struct ragd_screen screen;
	struct ground *ground;
	struct sentences *sentences;
	float threshold;
	struct buf text; /* from a paragraph's beginning */
	size_t base;     /* text.data[0] is this byte of the input */
	size_t done;     /* text.data[0 .. done) has been judged */
	size_t seen;     /* text.data[0 .. seen) was searched for a place to restart */
	bool fenced;     /* code begins in it and does not end */
	size_t looked;   /* text.len when sentences were last looked for */
	struct buf gap;  /* white space that stands before what leaves next */
	struct buf lead; /* sentences without a claim, waiting */
	bool any;        /* something has left */
	/* This feed's results. */
	struct buf out;
	struct ragd_cite *cites;
	size_t n_cites;
	size_t cap_cites;
	struct ragd_finding *findings;
	size_t n_findings;
	size_t cap_findings;
	bool failed;
};

int ground_stream_open(const struct ragd_screen *screen, const char *language, float threshold,
		       struct ground_stream **out, struct ragd_err *err)
{
	struct ground_stream *gs = calloc(1, sizeof(*gs));
	int rc;

	if (gs == NULL)
		return ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	gs->screen = *screen;
	gs->threshold = threshold;
	gs->sentences = sentences_new();
	rc = gs->sentences != NULL ? ground_new(&gs->screen, language, &gs->ground, err)
				   : ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	if (rc < 0) {
		ground_stream_close(gs);
		return rc;
	}
	*out = gs;
	return 0;
}

void ground_stream_close(struct ground_stream *gs)
{
	if (gs == NULL)
		return;
	ground_free(gs->ground);
	sentences_free(gs->sentences);
	buf_fini(&gs->text);
	buf_fini(&gs->gap);
	buf_fini(&gs->lead);
	buf_fini(&gs->out);
	free(gs->cites);
	free(gs->findings);
	free(gs);
}

/* ---- citation marks ---- */

/* The length of "[2]" or "[1, 3]" at s[i), with its numbers in *hints; 0 if there is none. */
static size_t mark_len(const char *s, size_t len, size_t i, uint64_t *hints)
{
	size_t p = i + 1;
	unsigned n = 0;

	if (s[i] != '[' || p >= len || !is_digit(s[p]))
		return 0;
	for (; p < len && p - i < 32; p++) {
		if (is_digit(s[p])) {
			n = MIN(n * 10 + (unsigned)(s[p] - '0'), 1000u);
			continue;
		}
		if (n >= 1 && n <= 64)
			*hints |= UINT64_C(1) << (n - 1);
		n = 0;
		if (s[p] == ']')
			return p + 1 - i;
		if (s[p] != ',' && s[p] != ' ')
			break;
	}
	return 0;
}

/* Copy a sentence without its citation marks, and the blanks before them; code stays as it is. */
static void strip_marks(const char *s, size_t len, struct buf *out, uint64_t *hints)
{
	bool code = false;

	for (size_t i = 0; i < len; i++) {
		uint64_t named = 0;
		size_t n = code ? 0 : mark_len(s, len, i, &named);
		char before = out->len > 0 ? out->data[out->len - 1] : ' ';

		if (s[i] == '`')
			code = !code;
		/* array[0], fn()[1], "[2](url)": no citations. */
		if (n == 0 || before == '_' || before == ')' || is_digit(before) ||
		    (i + n < len && (s[i + n] == '(' || is_alnum(s[i + n]) || s[i + n] == '_'))) {
			buf_addc(out, s[i]);
			continue;
		}
		*hints |= named;
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->data[--out->len] = '\0';
		i += n - 1;
	}
}

/* ---- what leaves ---- */

static void add_cite(struct ground_stream *gs, const struct ground_support *s)
{
	if (gs->n_cites == gs->cap_cites) {
		size_t cap = gs->cap_cites == 0 ? 8 : gs->cap_cites * 2;
		struct ragd_cite *p = realloc(gs->cites, cap * sizeof(*p));

		gs->failed = gs->failed || p == NULL;
		if (p == NULL)
			return;
		gs->cites = p;
		gs->cap_cites = cap;
	}
	gs->cites[gs->n_cites++] =
		(struct ragd_cite){ gs->out.len, s->passage, s->start, s->end, s->score };
}

static void add_finding(struct ground_stream *gs, size_t start, size_t end, float score,
			enum ragd_action action)
{
	if (gs->n_findings == gs->cap_findings) {
		size_t cap = gs->cap_findings == 0 ? 8 : gs->cap_findings * 2;
		struct ragd_finding *p = realloc(gs->findings, cap * sizeof(*p));

		gs->failed = gs->failed || p == NULL;
		if (p == NULL)
			return;
		gs->findings = p;
		gs->cap_findings = cap;
	}
	gs->findings[gs->n_findings++] = (struct ragd_finding){ .action = action,
								.category = category,
								.score = 1.0f - score,
								.start = gs->base + start,
								.end = gs->base + end };
}

static size_t count_lines(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n;
}

/* Of two runs of white space the one with more line breaks stays; the earlier one if they are equal. */
static void widen_gap(struct buf *gap, const char *s, size_t len)
{
	if (gap->len > 0 && count_lines(s, len) <= count_lines(gap->data, gap->len))
		return;
	buf_clear(gap);
	buf_add(gap, s, len);
}

static void let_out(struct ground_stream *gs, const struct buf *sentence)
{
	if (gs->any)
		buf_add(&gs->out, gs->gap.data, gs->gap.len);
	buf_clear(&gs->gap);
	buf_add(&gs->out, gs->lead.data, gs->lead.len);
	buf_clear(&gs->lead);
	buf_add(&gs->out, sentence->data, sentence->len);
	gs->any = true;
}

/* Keep a sentence that claims nothing for one that does; its gap goes between it and what follows. */
static void wait_for_claim(struct ground_stream *gs, const struct buf *sentence, const char *gap,
			   size_t gap_len)
{
	if (gs->lead.len == 0) {
		if (gap_len > 0)
			widen_gap(&gs->gap, gap, gap_len);
	} else {
		buf_add(&gs->lead, gap, gap_len);
	}
	if (gs->lead.len + sentence->len > LEAD_MAX) {
		buf_clear(&gs->lead);
		return;
	}
	buf_add(&gs->lead, sentence->data, sentence->len);
}

static void take_sentence(struct ground_stream *gs, size_t start, size_t end)
{
	const char *gap = gs->text.data + gs->done;
	size_t gap_len = start - gs->done;
	enum ground_verdict verdict;
	struct ground_support support;
	struct buf sentence = BUF_INIT;
	uint64_t hints = 0;

	strip_marks(gs->text.data + start, end - start, &sentence, &hints);
	gs->done = end;
	if (ground_judge(gs->ground, sentence.data != NULL ? sentence.data : "", sentence.len,
			 hints, gs->threshold, &verdict, &support) < 0) {
		gs->failed = true;
		goto out;
	}
	if (verdict == GROUND_UNSUPPORTED)
		add_finding(gs, start, end, support.score,
			    gs->screen.grounded ? RAGD_REDACT : RAGD_ALLOW);
	if (gs->screen.grounded && verdict == GROUND_NO_CLAIM) {
		wait_for_claim(gs, &sentence, gap, gap_len);
		goto out;
	}
	if (gs->screen.grounded && verdict == GROUND_UNSUPPORTED) {
		/* What led up to it goes with it. */
		buf_clear(&gs->lead);
		if (gap_len > 0)
			widen_gap(&gs->gap, gap, gap_len);
		goto out;
	}
	if (gs->lead.len > 0)
		buf_add(&gs->lead, gap, gap_len);
	else if (gap_len > 0)
		widen_gap(&gs->gap, gap, gap_len);
	let_out(gs, &sentence);
	if (verdict == GROUND_SUPPORTED)
		add_cite(gs, &support);
out:
	gs->failed = gs->failed || buf_failed(&sentence);
	buf_fini(&sentence);
}

/* ---- sentences ---- */

static bool may_end(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80 || s[i] == '\n' || s[i] == '.' || s[i] == '!' ||
		    s[i] == '?' || s[i] == ' ')
			return true;
	return false;
}

/*
 * Where the text is cut in two so that a long answer is not gone through from its beginning again and
 * again: at the first blank line behind RESTART_SIZE bytes that does not stand in fenced code. What
 * has arrived decides nothing, only what it says. 0: nowhere yet.
 */
static size_t restart_at(struct ground_stream *gs)
{
	const char *s = gs->text.data;

	for (; gs->seen + 3 < gs->text.len; gs->seen++) {
		size_t i = gs->seen;

		if ((i == 0 || s[i - 1] == '\n') &&
		    (memcmp(s + i, "```", 3) == 0 || memcmp(s + i, "~~~", 3) == 0))
			gs->fenced = !gs->fenced;
		if (i >= RESTART_SIZE && s[i] == '\n' && s[i + 1] == '\n' && !gs->fenced)
			return i;
	}
	return 0;
}

/* Judge the sentences of text[0..len) that are complete. */
static void take_sentences(struct ground_stream *gs, size_t len, bool last)
{
	size_t complete, start, end;

	complete = sentences_complete(gs->sentences, gs->text.data != NULL ? gs->text.data : "",
				      len, last);
	if (complete <= gs->done)
		return;
	sentences_start(gs->sentences, gs->text.data, complete);
	while (sentences_next(gs->sentences, &start, &end))
		if (start >= gs->done)
			take_sentence(gs, start, end);
}

static void take_text(struct ground_stream *gs, bool last)
{
	size_t n;

	while ((n = restart_at(gs)) > 0) {
		take_sentences(gs, n, true);
		/* White space behind the last sentence stays, as the next one's gap. */
		buf_consume(&gs->text, gs->done);
		gs->base += gs->done;
		gs->seen -= gs->done;
		gs->done = 0;
		/* The search goes on where the cut is, which is now near the beginning. */
		gs->fenced = false;
	}
	n = last || gs->text.len == 0 ? gs->text.len : utf8_whole(gs->text.data, gs->text.len);
	take_sentences(gs, n, last);
	gs->looked = gs->text.len;
}

static void finish(struct ground_stream *gs)
{
	if (!gs->any || gs->done == gs->text.len || gs->gap.len > 0)
		return;
	/* The white space at the very end, if what stands before it has left. */
	buf_add(&gs->out, gs->text.data + gs->done, gs->text.len - gs->done);
	gs->done = gs->text.len;
}

static int copy_out(struct ground_stream *gs, const struct ragd_call *call,
		    struct ragd_release *out, struct ragd_err *err)
{
	struct ragd_release r = { .action = RAGD_ALLOW };
	struct ragd_finding *findings = NULL;
	struct ragd_cite *cites = NULL;
	char *text = NULL;
	bool ok = !gs->failed && !buf_failed(&gs->out) && !buf_failed(&gs->lead) &&
		  !buf_failed(&gs->gap);

	if (gs->out.len > 0)
		ok = ok && (text = call->alloc(call, gs->out.len, 1)) != NULL;
	if (gs->n_findings > 0)
		ok = ok &&
		     (findings = call->alloc(call, gs->n_findings, sizeof(*findings))) != NULL;
	if (gs->n_cites > 0)
		ok = ok && (cites = call->alloc(call, gs->n_cites, sizeof(*cites))) != NULL;
	if (!ok)
		return ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	if (text != NULL)
		memcpy(text, gs->out.data, gs->out.len);
	if (findings != NULL)
		memcpy(findings, gs->findings, gs->n_findings * sizeof(*findings));
	if (cites != NULL)
		memcpy(cites, gs->cites, gs->n_cites * sizeof(*cites));
	r.text = (struct ragd_str){ text, gs->out.len };
	r.findings = findings;
	r.n_findings = gs->n_findings;
	r.cites = cites;
	r.n_cites = gs->n_cites;
	for (size_t i = 0; i < gs->n_findings; i++)
		r.action = MAX(r.action, findings[i].action);
	*out = r;
	return 0;
}

int ground_stream_feed(struct ground_stream *gs, const struct ragd_call *call, const char *text,
		       size_t len, bool last, struct ragd_release *out, struct ragd_err *err)
{
	buf_clear(&gs->out);
	gs->n_cites = 0;
	gs->n_findings = 0;
	/* An open answer without evidence: there is nothing to say about it. */
	if (!gs->screen.grounded && gs->screen.n_passages == 0) {
		buf_add(&gs->out, text, len);
		return copy_out(gs, call, out, err);
	}
	buf_add(&gs->text, text, len);
	if (buf_failed(&gs->text))
		return ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	if (last || may_end(text, len) || gs->text.len - gs->looked > LOOK_EVERY)
		take_text(gs, last);
	if (last)
		finish(gs);
	return copy_out(gs, call, out, err);
}
