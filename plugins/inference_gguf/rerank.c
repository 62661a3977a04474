/*
 * Passages by their relevance: each is read together with the query, as one text of two parts, the
 * way the model was trained:
 *
 *     BERT     [CLS] query [SEP] passage [SEP]
 *     XLM-R    <s> query </s></s> passage </s>
 */
#include "plugins/inference_gguf/llm.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static bool is_end(const struct llm *l, int32_t id)
{
	return id == vocab_sep(l->vocab) || id == vocab_eos(l->vocab);
}

static bool is_begin(const struct llm *l, int32_t id)
{
	return id == vocab_cls(l->vocab) || id == vocab_bos(l->vocab);
}

static void end_add(const struct llm *l, struct tokens *t)
{
	int32_t sep = vocab_sep(l->vocab);

	tokens_add(t, sep != TOKEN_NONE ? sep : vocab_eos(l->vocab));
}

/* The part before the passage, the same for all: no more than half of what the model reads. */
static int query_encode(const struct llm *l, const struct ragd_call *call, struct ragd_str query,
			struct tokens *out, struct ragd_err *err)
{
	int rc = vocab_encode_for(l->vocab, call, query, VOCAB_ENDS, out, err);

	if (rc < 0)
		return rc;
	llm_tokens_cut(l, out, l->card.n_context / 2);
	if (out->n > 0 && !is_end(l, out->ids[out->n - 1]))
		end_add(l, out);
	if (strcmp(vocab_kind(l->vocab), "bert") != 0)
		end_add(l, out);
	return out->failed ? ragd_err_set(err, -ENOMEM, "out of memory for the query") : 0;
}

static int pair_encode(const struct llm *l, const struct ragd_call *call,
		       const struct tokens *query, struct ragd_str passage, struct tokens *out,
		       struct ragd_err *err)
{
	struct tokens text = { 0 };
	int rc = vocab_encode_for(l->vocab, call, passage, VOCAB_ENDS, &text, err);

	for (size_t i = 0; rc == 0 && i < query->n; i++)
		tokens_add(out, query->ids[i]);
	for (size_t i = 0; rc == 0 && i < text.n; i++)
		if (i > 0 || !is_begin(l, text.ids[0]))
			tokens_add(out, text.ids[i]);
	tokens_fini(&text);
	if (out->failed)
		rc = ragd_err_set(err, -ENOMEM, "out of memory for a passage");
	llm_tokens_cut(l, out, l->card.n_context);
	return rc;
}

/* What ranking needs, for each passage. */
struct ranking {
	struct tokens query;
	struct tokens *lists;
	struct engine_pair *pairs;
	float *scores;
};

static int ranking_run(struct llm *l, const struct ragd_call *call, const struct ragd_rerank *req,
		       struct ranking *r, struct ragd_err *err)
{
	int rc = query_encode(l, call, req->query, &r->query, err);

	for (size_t i = 0; rc == 0 && i < req->n; i++) {
		rc = pair_encode(l, call, &r->query, req->passages[i], &r->lists[i], err);
		r->pairs[i] = (struct engine_pair){ r->lists[i].ids, r->lists[i].n, r->query.n };
	}
	if (rc == 0)
		rc = engine_rerank(l->engine, answer_client(call), r->pairs, req->n, r->scores,
				   llm_nobody_waits, (void *)call, err);
	llm_tell(l);
	return llm_why_stopped(call, rc, err);
}

int llm_rerank(struct llm *l, const struct ragd_call *call, const struct ragd_rerank *req,
	       double *scores, struct ragd_err *err)
{
	size_t n = MAX(req->n, 1);
	struct ranking r = { .lists = calloc(n, sizeof(*r.lists)),
			     .pairs = calloc(n, sizeof(*r.pairs)),
			     .scores = calloc(n, sizeof(*r.scores)) };
	int rc = ragd_err_set(err, -ENOMEM, "out of memory for %zu passages", req->n);

	if (!model_shape(l->model)->ranks)
		rc = ragd_err_set(err, -ENOTSUP, "'%s' has no head that ranks", l->card.name);
	else if (r.lists != NULL && r.pairs != NULL && r.scores != NULL)
		rc = ranking_run(l, call, req, &r, err);
	for (size_t i = 0; rc == 0 && i < req->n; i++)
		scores[i] = (double)r.scores[i];
	for (size_t i = 0; r.lists != NULL && i < req->n; i++)
		tokens_fini(&r.lists[i]);
	tokens_fini(&r.query);
	free(r.lists);
	free(r.pairs);
	free(r.scores);
	return rc;
}
