#include "daemon/plugins/validate_private.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define CARD_MAX       65536 /* bytes of each string; some models bring their licence along */
#define DIM_MAX        (1u << 20)
#define UNIT_TOLERANCE 1e-3 /* of the square of a vector's length */
#define ABILITIES      (RAGD_GENERATES | RAGD_EMBEDS | RAGD_SCORES | RAGD_RERANKS)

void validate_card(const char *plugin, struct ragd_card *c)
{
	struct ragd_err err;
	const struct returned r = { plugin, "card", &err };
	const struct {
		const char *what;
		const char *s;
	} strings[] = {
		{ "a name", c->name },
		{ "a family", c->family },
		{ "a quantisation", c->quantisation },
		{ "a licence", c->licence },
		{ "a digest", c->digest },
		{ "a summary", c->summary },
	};
	int rc = c->name != NULL ? 0 : returned_fault(&r, PLUGIN_FAULT_POINTER, "no name");

	for (size_t i = 0; rc == 0 && i < sizeof(strings) / sizeof(strings[0]); i++)
		if (strings[i].s != NULL)
			rc = returned_string(&r, strings[i].what, strings[i].s, CARD_MAX);
	if (rc == 0 && (c->n_parameters > INT64_MAX || c->n_context > INT32_MAX))
		rc = returned_fault(&r, PLUGIN_FAULT_NUMBER, "an impossible count");
	if (rc == 0 && (c->abilities & ~(uint32_t)ABILITIES) != 0)
		rc = returned_fault(&r, PLUGIN_FAULT_NUMBER, "unknown abilities 0x%x",
				    (unsigned)c->abilities);
	if (rc < 0)
		*c = (struct ragd_card){ .name = "unknown" };
}

static int vector_check(const struct returned *r, const float *v, uint32_t dim)
{
	double sum = 0;

	for (uint32_t i = 0; i < dim; i++)
		sum += (double)v[i] * v[i];
	if (!isfinite(sum))
		return returned_fault(r, PLUGIN_FAULT_NUMBER,
				      "a vector with a number that is not finite");
	if (fabs(sum - 1) > UNIT_TOLERANCE)
		return returned_fault(r, PLUGIN_FAULT_NUMBER, "a vector of length %.4g, not 1",
				      sqrt(sum));
	return 0;
}

int validate_vectors(const char *plugin, int rc, const struct ragd_embeddings *v, size_t n,
		     struct ragd_err *err)
{
	const struct returned r = { plugin, "embed", err };

	rc = returned_code(&r, rc);
	if (rc < 0 || n == 0)
		return rc;
	if (v->dim == 0 || v->dim > DIM_MAX)
		return returned_fault(&r, PLUGIN_FAULT_LENGTH, "vectors of %u numbers",
				      (unsigned)v->dim);
	rc = returned_array(&r, "vectors", v->values, n, v->dim * sizeof(*v->values));
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = vector_check(&r, v->values + i * v->dim, v->dim);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if ((v->n_tokens != NULL && v->n_tokens[i] > INT32_MAX) ||
		    (v->n_pieces != NULL && v->n_pieces[i] > INT32_MAX))
			rc = returned_fault(&r, PLUGIN_FAULT_NUMBER, "an impossible count");
	return rc;
}

int validate_embed_card(const char *plugin, const struct ragd_embed_card *c)
{
	struct ragd_err err;
	const struct returned r = { plugin, "embed_card", &err };
	size_t n = strspn(c->stamp, "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (n == 0 || n >= sizeof(c->stamp) || c->stamp[n] != '\0')
		return returned_fault(&r, PLUGIN_FAULT_NAME,
				      "a stamp that is not of letters and digits");
	if (c->dim > DIM_MAX || c->n_context > INT32_MAX)
		return returned_fault(&r, PLUGIN_FAULT_NUMBER, "an impossible count");
	return 0;
}

void validate_scores_prepare(struct ragd_score *scores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scores[i].logprob = NAN;
}

int validate_scores(const char *plugin, int rc, const struct ragd_score *scores, size_t n,
		    struct ragd_err *err)
{
	const struct returned r = { plugin, "score", err };

	rc = returned_code(&r, rc);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!isfinite(scores[i].logprob))
			rc = returned_fault(&r, PLUGIN_FAULT_NUMBER,
					    "no finite number for continuation %zu of %zu", i + 1,
					    n);
	return rc;
}

void validate_ranks_prepare(double *scores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scores[i] = NAN;
}

int validate_ranks(const char *plugin, int rc, const double *scores, size_t n, struct ragd_err *err)
{
	const struct returned r = { plugin, "rerank", err };

	rc = returned_code(&r, rc);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!isfinite(scores[i]))
			rc = returned_fault(&r, PLUGIN_FAULT_NUMBER,
					    "no finite number for passage %zu of %zu", i + 1, n);
	return rc;
}

/* ---- the sink ------------------------------------------------------------------------------- */

int validate_piece(const char *plugin, const char *text, size_t len, struct ragd_err *err)
{
	const struct returned r = { plugin, "generate", err };

	return returned_text(&r, "a piece of answer", (struct ragd_str){ text, len });
}

int validate_done(const char *plugin, int rc, enum ragd_finish finish,
		  const struct ragd_usage *usage, const struct ragd_err *given,
		  struct ragd_err *err)
{
	const struct returned r = { plugin, "generate", err };

	if (rc < 0 && given != NULL && given->code < 0)
		*err = *given;
	rc = returned_code(&r, rc);
	if (rc < 0)
		return rc;
	if ((unsigned)finish > RAGD_FINISH_NO_ANSWER)
		return returned_fault(&r, PLUGIN_FAULT_ACTION, "finish %d, which does not exist",
				      (int)finish);
	if (usage != NULL && !RAGD_HAS(usage, n_output))
		return returned_fault(&r, PLUGIN_FAULT_LENGTH, "usage of %u bytes, by its size",
				      (unsigned)usage->size);
	if (usage != NULL && usage->n_cached > usage->n_prompt)
		return returned_fault(&r, PLUGIN_FAULT_NUMBER, "%u cached tokens of a prompt of %u",
				      (unsigned)usage->n_cached, (unsigned)usage->n_prompt);
	return 0;
}

int validate_after_done(const char *plugin, const char *op, struct ragd_err *err)
{
	const struct returned r = { plugin, op, err };

	return returned_fault(&r, PLUGIN_FAULT_ORDER, "after it was done");
}
