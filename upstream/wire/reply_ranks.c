/* Scores of passages out of the reply to a request to rerank. */
#include "upstream/wire/reply.h"

#include <math.h>
#include <stdlib.h>

#include "base/util.h"

/* A probability of 0 or 1 is rounded: it has no logit. */
#define PROBABILITY_LEAST 1e-6

static int ranks_bad(struct ragd_err *err, const char *what)
{
	return ragd_err_set(err, -EPROTO, "the scores are not what they should be: %s", what);
}

static int score_read(const json_t *v, bool logits, double *out, struct ragd_err *err)
{
	double score = json_number_value(v);

	if (!json_is_number(v) || !isfinite(score))
		return ranks_bad(err, "a relevance_score that is no finite number");
	if (logits) {
		*out = score;
		return 0;
	}
	if (score < 0 || score > 1)
		return ranks_bad(err, "a relevance_score that is not 0 to 1; if the server gives "
				      "logits, say rerank_scores = \"logit\"");
	score = MIN(MAX(score, PROBABILITY_LEAST), 1 - PROBABILITY_LEAST);
	*out = log(score / (1 - score));
	return 0;
}

static int result_read(const json_t *entry, size_t n, bool logits, bool *seen, double *scores,
		       struct ragd_err *err)
{
	const json_t *at = json_object_get(entry, "index");
	json_int_t index = json_is_integer(at) ? json_integer_value(at) : -1;
	int rc;

	if (index < 0 || (size_t)index >= n || seen[index])
		return ranks_bad(err, "an index that is missing, out of range or occurs twice");
	rc = score_read(json_object_get(entry, "relevance_score"), logits, &scores[index], err);
	seen[index] = rc == 0;
	return rc;
}

int reply_ranks_read(const json_t *root, size_t n, bool logits, double *scores,
		     struct ragd_err *err)
{
	const json_t *results = json_object_get(root, "results");
	bool *seen;
	int rc = 0;

	if (json_array_size(results) != n)
		return ranks_bad(err, "not one result for each passage");
	seen = calloc(n + 1, sizeof(*seen));
	if (seen == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the scores");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = result_read(json_array_get(results, i), n, logits, seen, scores, err);
	free(seen);
	return rc;
}
