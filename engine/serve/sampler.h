/*
 * From logits to a token: penalties and biases, then temperature, top-k, top-p and min-p in this
 * order (as vLLM and Transformers have it), and a draw from a generator of the request's own, so
 * that the same seed gives the same text whatever else runs.
 */
#ifndef ENGINE_SERVE_SAMPLER_H
#define ENGINE_SERVE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "engine/kernels/kernels.h"

struct sampler_options {
	float temperature; /* 0: greedy, the lowest id among equals */
	float top_p;       /* (0, 1]; 1: off (arXiv:1904.09751) */
	float min_p;       /* [0, 1); 0: off (arXiv:2407.01082) */
	uint32_t top_k;    /* 0: off */
	uint64_t seed;
	float repeat_penalty;         /* > 0; 1: off (arXiv:1909.05858) */
	float presence_penalty;       /* 0: off; as in the OpenAI API */
	float frequency_penalty;      /* 0: off */
	uint32_t penalty_tokens;      /* how many of the last tokens count; 0: all */
	const struct ragd_bias *bias; /* -INFINITY bans; borrowed for the call */
	size_t n_bias;
	uint32_t n_logprobs; /* 0 … 20 best alternatives to report */
};

struct token_logprob {
	int32_t id;
	float logprob; /* natural, by the model itself: before temperature and filters */
};

struct sampler;

/* NULL when out of memory. Options are copied. */
struct sampler *sampler_new(const struct sampler_options *opt, uint32_t n_vocab,
			    const struct kernels *k);
void sampler_free(struct sampler *s);

/* Tokens of the prompt count for the penalties. */
void sampler_see(struct sampler *s, const int32_t *ids, size_t n);

/*
 * Draw the next token from logits[n_vocab] (not changed) and see it. Not-a-number counts as
 * -INFINITY; if nothing is left the best of the raw logits is taken. `out`, unless NULL: the
 * token's log-probability followed by the n_logprobs best of all, 1 + n_logprobs entries (id -1
 * where the vocabulary has no more).
 *
 * The draw for the i-th token depends on the seed and i only, so tokens that were drafted and
 * verified in one step come out as if drawn one by one.
 */
int32_t sampler_next(struct sampler *s, const float *logits, struct token_logprob *out);

/* log(sum(exp(logits))), for log-probabilities of given tokens. */
double sampler_log_sum(const struct kernels *k, const float *logits, size_t n);

#endif
