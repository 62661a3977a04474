/*
 * From what inference wrote, through the filters, to the loop.
 *
 * Any of two works may come to let text out; the first takes hold of the release and keeps it
 * until it finds nothing more, the other goes away again. No text is left behind: inference
 * signals the loop whenever it writes while no thread holds the release, and to look whether there
 * is more and to let go is one step under the lock. A thread that has let go may not touch what
 * belongs to the release, not even to free it.
 */
#include "daemon/flow/flow_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"

/* ---- who lets it out ----------------------------------------------------------------------- */

enum release_event { CLAIM, LET_GO, FINISH };

static const struct release_rule {
	enum flow_release in;
	enum release_event on;
	enum flow_release then;
} release_rules[] = {
	{ FLOW_RELEASE_FREE, CLAIM, FLOW_RELEASE_HELD },
	{ FLOW_RELEASE_HELD, CLAIM, FLOW_RELEASE_HELD }, /* by the same work, begun again */
	{ FLOW_RELEASE_HELD, LET_GO, FLOW_RELEASE_FREE },
	{ FLOW_RELEASE_HELD, FINISH, FLOW_RELEASE_LAST },
	{ FLOW_RELEASE_LAST, CLAIM, FLOW_RELEASE_LAST }, /* likewise */
	{ FLOW_RELEASE_LAST, FINISH, FLOW_RELEASE_LAST },
	{ FLOW_RELEASE_LAST, LET_GO, FLOW_RELEASE_OVER },
	{ FLOW_RELEASE_OVER, CLAIM, FLOW_RELEASE_LAST }, /* to find that nothing is left */
	{ FLOW_RELEASE_OVER, FINISH, FLOW_RELEASE_OVER },
	{ FLOW_RELEASE_FREE, FINISH, FLOW_RELEASE_OVER }, /* nothing was generated */
};

/* With the flow's lock held. */
static void release_to(struct flow *f, enum release_event event)
{
	size_t i = 0;

	while (i < ARRAY_LEN(release_rules) &&
	       (release_rules[i].in != f->release || release_rules[i].on != event))
		i++;
	assert(i < ARRAY_LEN(release_rules));
	f->release = release_rules[i].then;
}

/* The same: from here on what the thread that released was about may be another's. */
static void release_let_go(struct flow *f)
{
	release_to(f, LET_GO);
	f->release_by = NULL;
}

/*
 * Take what inference wrote since the last time, as the piece under way; true if there is
 * something to do: text, or the end. The caller holds the release until it finds nothing more:
 * then it has let go, and the flow's own may be another thread's already.
 */
static bool release_take(struct flow *f)
{
	bool some;

	if (!f->lent)
		buf_fini(&f->piece);
	f->piece = (struct buf)BUF_INIT;
	f->lent = false;
	uv_mutex_lock(&f->lock);
	f->last = !flow_is_writing(f);
	some = f->release == FLOW_RELEASE_HELD && (f->queue.len > 0 || f->last);
	f->piece_state = some ? FLOW_PIECE_TAKEN : FLOW_PIECE_NONE;
	if (some) {
		f->piece = f->queue;
		f->queue = (struct buf)BUF_INIT;
	} else {
		release_let_go(f);
	}
	uv_mutex_unlock(&f->lock);
	return some;
}

/* Nothing more is to be let out. */
static void release_finish(struct flow *f)
{
	uv_mutex_lock(&f->lock);
	release_to(f, FINISH);
	uv_mutex_unlock(&f->lock);
}

/* Also true if the same work held it and began again. */
static bool release_claim(struct flow *f, const struct pool_work *work)
{
	bool claimed;

	uv_mutex_lock(&f->lock);
	claimed = f->release_by == NULL || f->release_by == work;
	if (claimed) {
		release_to(f, CLAIM);
		f->release_by = work;
	}
	uv_mutex_unlock(&f->lock);
	return claimed;
}

void flow_release_abandon(struct flow *f, const struct pool_work *work)
{
	uv_mutex_lock(&f->lock);
	if (f->release_by == work)
		release_let_go(f);
	uv_mutex_unlock(&f->lock);
}

/* ---- what leaves --------------------------------------------------------------------------- */

/* A text of the documents as it may leave; kept for as long as the flow. */
static struct ragd_str text_quotable(struct flow *f, struct ragd_str text)
{
	struct ragd_str out = filters_quote(&f->filters, f->release_call, text);

	return out.s == text.s ? out : arena_str(f->findings.arena, out);
}

static void output_cite(struct flow *f, const struct ragd_cite *from, struct citation *c)
{
	evidence_cite(&f->evidence, from, &f->sources, c);
	c->quote = text_quotable(f, c->quote);
	for (; f->n_quotable < f->sources.n; f->n_quotable++) { /* the first of its document */
		struct evidence_source *s = &f->sources.v[f->n_quotable];

		s->shown = text_quotable(f, s->shown);
		s->title = text_quotable(f, s->title);
		s->heading = text_quotable(f, s->heading);
	}
}

static void output_free(struct output *o)
{
	if (o == NULL)
		return;
	buf_fini(&o->text);
	free(o);
}

/* Write text with " [n]" behind what each cite supports. NULL: out of memory. */
static struct output *output_new(struct flow *f, struct ragd_str text,
				 const struct ragd_cite *cites, size_t n_cites)
{
	struct output *o = calloc(1, sizeof(*o) + n_cites * sizeof(o->cites[0]));
	size_t at = 0;

	output_free(f->making); /* of a filter that did not come back from a quote */
	f->making = o;
	if (o == NULL)
		return NULL;
	for (size_t i = 0; i < n_cites; i++) {
		struct citation *c = &o->cites[o->n_cites];
		size_t to = MIN(MAX(cites[i].at, at), text.len);

		if (cites[i].passage >= f->evidence.n)
			continue;
		buf_add(&o->text, text.s + at, to - at);
		at = to;
		output_cite(f, &cites[i], c);
		buf_addc(&o->text, ' ');
		c->mark_start = o->text.len;
		buf_printf(&o->text, "[%u]", c->source->n);
		c->mark_end = o->text.len;
		o->n_cites++;
	}
	buf_add(&o->text, text.s + at, text.len - at);
	f->making = NULL;
	if (buf_failed(&o->text)) {
		output_free(o);
		return NULL;
	}
	return o;
}

static void output_push(struct flow *f, struct ragd_str text, const struct ragd_cite *cites,
			size_t n_cites)
{
	struct output *o;

	if (text.len == 0)
		return;
	o = output_new(f, text, cites, n_cites);
	uv_mutex_lock(&f->lock);
	if (o != NULL) {
		o->refusal = f->refusal.len > 0 && text.s == f->refusal.s;
		*f->out_tail = o;
		f->out_tail = &o->next;
		f->n_text += text.len;
		f->n_cites += o->n_cites;
	} else {
		ragd_err_set(&f->sink_err, -ENOMEM, "release: out of memory");
	}
	uv_mutex_unlock(&f->lock);
}

static void push_literal(struct flow *f, const char *s)
{
	output_push(f, (struct ragd_str){ s, strlen(s) }, NULL, 0);
}

/* Tell the user why no (more) text comes, on a line of its own if there is some. */
static void push_refusal(struct flow *f)
{
	if (f->n_text > 0)
		push_literal(f, "\n\n");
	output_push(f, f->refusal, NULL, 0);
}

void flow_block(struct flow *f, struct ragd_str message)
{
	for (size_t i = f->findings.n; i-- > 0;) {
		if (f->findings.v[i].action == RAGD_BLOCK) {
			f->blocked_by = &f->findings.v[i];
			break;
		}
	}
	f->refusal = arena_str(f->findings.arena, message);
}

static void release_piece(struct flow *f)
{
	struct filters_release *r = &f->piece_out;

	if (f->piece_state == FLOW_PIECE_TAKEN) {
		call_reset(f->release_call);
		filters_stream_feed(f->stream, f->release_call, buf_str(&f->piece), f->last, r);
		f->piece_state = FLOW_PIECE_FED;
	}
	output_push(f, r->text, r->cites, r->n_cites);
	f->n_dropped += r->n_dropped;
	if (r->action == RAGD_BLOCK) {
		flow_block(f, r->message);
		/* Nothing more may leave: inference need not go on either. */
		atomic_store(&f->cancelled, true);
		release_finish(f);
	}
}

/* The last words: a refusal, or that the documents do not say. */
static enum flow_step release_end(struct flow *f)
{
	release_finish(f);
	if (f->sink_err.code < 0)
		f->err = f->sink_err;
	if (f->refusal.len > 0)
		push_refusal(f);
	else if (flow_abstained(f) && f->n_text == 0)
		push_literal(f, f->assistant->no_answer);
	return FLOW_RECORD;
}

bool flow_release_ready(struct flow *f)
{
	bool ready;

	uv_mutex_lock(&f->lock);
	ready = f->release_by == NULL && (f->queue.len > 0 || !flow_is_writing(f));
	uv_mutex_unlock(&f->lock);
	return ready;
}

void flow_release_pump(struct flow *f, const struct pool_work *work)
{
	if (!release_claim(f, work))
		return;
	while (f->piece_state != FLOW_PIECE_NONE || release_take(f)) {
		if (flow_cancelled(f))
			f->last = true;
		else
			release_piece(f);
		/*
		 * A lost call never gets here: the thread that goes
		 * on finds the piece as it stood.
		 */
		f->piece_state = FLOW_PIECE_NONE;
		if (f->last)
			release_finish(f);
	}
}

void flow_release_fini(struct flow *f)
{
	output_free(f->making);
	if (!f->lent)
		buf_fini(&f->piece);
}

enum flow_step flow_release(struct flow *f)
{
	bool done;

	if (f->stream == NULL) /* nothing was generated: refused, or nothing found */
		return release_end(f);
	flow_release_pump(f, &f->work);
	uv_mutex_lock(&f->lock);
	done = f->release == FLOW_RELEASE_OVER && !flow_is_writing(f);
	uv_mutex_unlock(&f->lock);
	return done ? release_end(f) : FLOW_RELEASE;
}

void flow_deliver(struct flow *f)
{
	struct output *o, *next;

	uv_mutex_lock(&f->lock);
	o = f->out_head;
	f->out_head = NULL;
	f->out_tail = &f->out_head;
	uv_mutex_unlock(&f->lock);
	for (; o != NULL; o = next) {
		struct flow_piece piece = { buf_str(&o->text), o->cites, o->n_cites, o->refusal };

		next = o->next;
		if (f->first_us == 0)
			f->first_us = MAX(clock_us() - f->received_us, (int64_t)1);
		buf_add(&f->answer, o->text.data, o->text.len);
		if (!f->detached)
			f->events.piece(f, &piece, f->arg);
		output_free(o);
	}
}
