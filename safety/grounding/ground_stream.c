#include "safety/grounding/ground_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/text/ascii.h"
#include "base/text/sentences.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/grounding/ground.h"

#define LEAD_MAX   1024  /* bytes of sentences without a claim that wait for one with */
#define LOOK_EVERY 256   /* bytes without any sign that may end a sentence */
#define FEED_BLOCK 16384 /* bytes taken in at once */

static const char category[] = "unsupported";

struct ground_stream {
	struct ragd_screen screen;
	struct ground *ground;
	struct sentences *sentences;
	float threshold;
	struct buf text;        /* all of the input */
	size_t done;            /* text.data[0 .. done) has been checked */
	size_t looked;          /* text.len when sentences were last looked for */
	size_t white;           /* bytes of white space that text ends with */
	struct buf gap;         /* white space that stands before what leaves next */
	size_t gap_lines;       /* line breaks in it */
	struct buf lead;        /* sentences without a claim, waiting */
	bool any;               /* something has left */
	struct stop_check stop; /* of this call */
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

int ground_stream_open(const struct ragd_call *call, const struct ragd_screen *screen,
		       const struct claim_lexicon *lexicon, float threshold,
		       struct ground_stream **out, struct ragd_err *err)
{
	struct ground_stream *gs = calloc(1, sizeof(*gs));
	int rc;

	if (gs == NULL)
		return ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	gs->screen = *screen;
	gs->threshold = threshold;
	gs->sentences = sentences_new();
	stop_check_start(&gs->stop, call);
	if (gs->sentences == NULL)
		rc = ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	else
		rc = ground_new(&gs->screen, lexicon, &gs->stop, &gs->ground, err);
	if (rc == 0)
		sentences_start(gs->sentences, "", 0);
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

	if (s[i] != '[' || p >= len || !ascii_is_digit(s[p]))
		return 0;
	for (; p < len && p - i < 32; p++) {
		if (ascii_is_digit(s[p])) {
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
		if (n == 0 || before == '_' || before == ')' || ascii_is_digit(before) ||
		    (i + n < len &&
		     (s[i + n] == '(' || ascii_is_alnum(s[i + n]) || s[i + n] == '_'))) {
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
	if (!array_reserve(&gs->cites, &gs->cap_cites, gs->n_cites + 1, sizeof(*gs->cites))) {
		gs->failed = true;
		return;
	}
	gs->cites[gs->n_cites++] =
		(struct ragd_cite){ gs->out.len, s->passage, s->start, s->end, s->score };
}

static void add_finding(struct ground_stream *gs, size_t start, size_t end, float score,
			enum ragd_action action)
{
	if (!array_reserve(&gs->findings, &gs->cap_findings, gs->n_findings + 1,
			   sizeof(*gs->findings))) {
		gs->failed = true;
		return;
	}
	gs->findings[gs->n_findings++] = (struct ragd_finding){ .action = action,
								.category = category,
								.score = 1.0f - score,
								.start = start,
								.end = end };
}

static size_t count_lines(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n;
}

/*
 * Of two runs of white space the one with more line breaks stays; the earlier one if they are
 * equal.
 */
static void widen_gap(struct ground_stream *gs, const char *s, size_t len)
{
	size_t lines = count_lines(s, len);

	if (gs->gap.len > 0 && lines <= gs->gap_lines)
		return;
	buf_clear(&gs->gap);
	buf_add(&gs->gap, s, len);
	gs->gap_lines = lines;
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

/*
 * Keep a sentence that claims nothing for one that does; its gap goes between it and what follows.
 */
static void wait_for_claim(struct ground_stream *gs, const struct buf *sentence, const char *gap,
			   size_t gap_len)
{
	if (gs->lead.len == 0) {
		if (gap_len > 0)
			widen_gap(gs, gap, gap_len);
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
	if (ground_check(gs->ground, sentence.data != NULL ? sentence.data : "", sentence.len,
			 hints, gs->threshold, &gs->stop, &verdict, &support) < 0) {
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
			widen_gap(gs, gap, gap_len);
		goto out;
	}
	if (gs->lead.len > 0)
		buf_add(&gs->lead, gap, gap_len);
	else if (gap_len > 0)
		widen_gap(gs, gap, gap_len);
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

/* Judge the sentences that are complete. */
static void take_text(struct ground_stream *gs, bool last)
{
	const char *text = gs->text.data != NULL ? gs->text.data : "";
	size_t len = last || gs->text.len == 0 ? gs->text.len : utf8_whole(text, gs->text.len);
	size_t start, end;

	gs->looked = gs->text.len;
	while (!gs->failed && sentences_more(gs->sentences, text, len, last, &start, &end))
		take_sentence(gs, start, end);
}

static void take_rest(struct ground_stream *gs)
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

/* White space without end completes nothing: what stands before it was looked at when it began. */
static bool may_complete(const struct ground_stream *gs, const char *piece, size_t len)
{
	if (gs->white > LOOK_EVERY)
		return false;
	return may_end(piece, len) || gs->text.len - gs->looked > LOOK_EVERY;
}

static void take_block(struct ground_stream *gs, const char *piece, size_t len, bool last)
{
	size_t n = len;

	while (n > 0 && ascii_is_space(piece[n - 1]))
		n--;
	gs->white = n > 0 ? len - n : gs->white + len;
	buf_add(&gs->text, piece, len);
	gs->failed = gs->failed || buf_failed(&gs->text);
	if (!gs->failed && (last || may_complete(gs, piece, len)))
		take_text(gs, last);
}

int ground_stream_feed(struct ground_stream *gs, const struct ragd_call *call, const char *text,
		       size_t len, bool last, struct ragd_release *out, struct ragd_err *err)
{
	size_t n;

	buf_clear(&gs->out);
	gs->n_cites = 0;
	gs->n_findings = 0;
	stop_check_start(&gs->stop, call);
	/* An open answer without evidence: there is nothing to say about it. */
	if (!gs->screen.grounded && gs->screen.n_passages == 0) {
		buf_add(&gs->out, text, len);
		return gs->stop.rc < 0 ? stop_check_error(&gs->stop, err)
				       : copy_out(gs, call, out, err);
	}
	for (size_t at = 0;; at += n) {
		n = MIN(len - at, FEED_BLOCK);
		if (stop_check_step(&gs->stop, n))
			take_block(gs, n > 0 ? text + at : "", n, last && at + n == len);
		if (gs->stop.rc < 0)
			return stop_check_error(&gs->stop, err);
		if (at + n == len)
			break;
	}
	if (last)
		take_rest(gs);
	return copy_out(gs, call, out, err);
}
