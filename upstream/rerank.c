/* Passages by their relevance: one job that its caller's thread waits for. */
#include "upstream/upstream_private.h"

int upstream_rerank(struct upstream *u, const struct ragd_call *call, const struct ragd_rerank *req,
		    double *scores, struct ragd_err *err)
{
	struct upstream_wait w = { .job = { .call = call,
					    .query = &req->query,
					    .scores = scores,
					    .texts = req->passages,
					    .n_texts = req->n } };

	return req->n > 0 ? upstream_wait(u, &w, err) : 0;
}
