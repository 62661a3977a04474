/* From rows of logits to text: sampling, drafts, ends. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/serve/engine_private.h"

/* The share of drafts that are right, as it is learnt. */
#define ACCEPT_RATE  0.15 /* weight of one draft in what is thought of the next */
#define ACCEPT_FIRST 0.6  /* thought of drafts before any was made */
#define ACCEPT_RETRY 0.02 /* weight of that again in each step that makes none */

void write_draft(struct engine *e, struct seq *s, size_t n_streams, size_t max)
{
	size_t left = e->opt.n_context - s->n, k;

	/* Of the last token that may be written no draft is of use. */
	if (s->req.max_tokens > 0)
		left = MIN(left, s->req.max_tokens - s->usage.n_output);
	max = MIN(max, left > 0 ? left - 1 : 0);
	if (s->draft == NULL || max == 0 || !seq_room(s, max + 1))
		return;
	if (draft_see(s->draft, s->ids, s->n) < 0) {
		draft_free(s->draft);
		s->draft = NULL;
		return;
	}
	if (draft_propose(s->draft, s->ids, s->n, s->ids + s->n, 1, &s->match) == 0)
		return;
	k = draft_worth(s->accept[s->match], step_cost_us(&e->cost, n_streams),
			step_cost_row_us(&e->cost), n_streams, max);
	if (k == 0) {
		s->accept[s->match] += ACCEPT_RETRY * (ACCEPT_FIRST - s->accept[s->match]);
		return;
	}
	s->n_draft = draft_propose(s->draft, s->ids, s->n, s->ids + s->n, k, &s->match);
}

/* One drafted token was checked. */
static void learn_draft(struct engine *e, struct seq *s, bool right)
{
	s->accept[s->match] += ACCEPT_RATE * (right - s->accept[s->match]);
	e->accept[s->match] += ACCEPT_RATE / 4 * (right - e->accept[s->match]);
	s->usage.n_accepted += right;
	e->counts.n_accepted_tokens += right;
}

/* Hand out one token. True: it was the last. */
static bool hand_out(struct engine *e, struct seq *s, int32_t id, int *rc, enum ragd_finish *finish)
{
	bool end = !s->req.ignore_end && vocab_is_end(e->opt.vocab, id);
	bool full = (s->req.max_tokens > 0 && s->usage.n_output >= s->req.max_tokens) ||
		    s->n >= e->opt.n_context;
	struct engine_token t = { .id = id, .logprobs = s->logprobs };

	buf_clear(&e->piece);
	if (!end)
		vocab_piece(e->opt.vocab, id, false, &e->piece);
	if (holdback_feed(&s->holdback, e->piece.data, e->piece.len, end || full))
		end = true;
	t.text = s->holdback.out.len > 0 ? s->holdback.out.data : "";
	t.len = s->holdback.out.len;
	*finish = end ? RAGD_FINISH_STOP : RAGD_FINISH_LENGTH;
	if (buf_failed(&e->piece) || holdback_failed(&s->holdback))
		*rc = -ENOMEM;
	else if (s->req.token != NULL && s->req.token(s->req.arg, &t) != 0)
		*rc = -ECANCELED;
	return end || full || *rc < 0;
}

bool write_rows(struct engine *e, struct seq *s, const float *rows, size_t *used, int *rc,
		enum ragd_finish *finish)
{
	size_t n_draft = s->n_draft;

	*used = 0;
	if (!seq_room(s, 1)) {
		*rc = -ENOMEM;
		return true;
	}
	s->usage.n_drafted += (uint32_t)n_draft;
	e->counts.n_drafted_tokens += n_draft;
	for (size_t i = 0; i <= n_draft; i++) {
		int32_t id = sampler_next(s->sampler, rows + i * e->shape->n_vocab, s->logprobs);
		bool right = i < n_draft && s->ids[s->n] == id;

		if (i < n_draft)
			learn_draft(e, s, right);
		*used += right;
		s->ids[s->n++] = id;
		if (s->usage.n_output++ == 0)
			s->usage.first_us = clock_us() - s->submit_us;
		e->counts.n_output_tokens++;
		s->begun = true;
		if (hand_out(e, s, id, rc, finish))
			return true;
		if (!right)
			break;
	}
	return false;
}
