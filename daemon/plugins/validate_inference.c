#include "daemon/plugins/validate_private.h"

#include <math.h>
#include <stdint.h>

#define CARD_MAX 65536 /* bytes of each string; some models bring their licence along */
#define DIM_MAX  (1u << 20)

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
		rc = returned_fault(&r, PLUGIN_FAULT_NUMBER, "a count beyond all numbers");
	if (rc < 0)
		*c = (struct ragd_card){ .name = "unknown" };
}

int validate_vectors(const char *plugin, int rc, const float *v, uint32_t dim, size_t n,
		     struct ragd_err *err)
{
	const struct returned r = { plugin, "embed", err };

	rc = returned_code(&r, rc);
	if (rc < 0 || n == 0)
		return rc;
	if (dim == 0 || dim > DIM_MAX)
		return returned_fault(&r, PLUGIN_FAULT_LENGTH, "vectors of %u numbers",
				      (unsigned)dim);
	rc = returned_array(&r, "vectors", v, n, dim * sizeof(*v));
	for (size_t i = 0; rc == 0 && i < n * dim; i++)
		if (!isfinite(v[i]))
			rc = returned_fault(&r, PLUGIN_FAULT_NUMBER,
					    "a vector with what is no finite number");
	return rc;
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
		return returned_fault(&r, PLUGIN_FAULT_ACTION, "finish %d, which is none",
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
