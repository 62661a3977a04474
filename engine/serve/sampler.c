/* Sampling: the logits of one position to one token. */
#include "engine/serve/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Tokens less probable than the best by e^-30 are never drawn: of 2^17 they have 1e-8 together. */
#define NEGLIGIBLE 30.0f

struct token_candidate {
	float logit;
	int32_t id;
};

struct sampler {
	struct sampler_options opt;
	const struct kernels *k;
	uint32_t n_vocab;
	uint64_t n_drawn;
	float *work;                  /* [n_vocab]: adjusted logits, then weights */
	struct token_candidate *heap; /* [n_vocab] */
	uint32_t *counts;             /* [n_vocab]: how often seen, within the window */
	int32_t *seen;                /* the window's tokens: a ring, or all of them */
	size_t n_seen, cap_seen, next_seen;
};

static bool has_penalties(const struct sampler_options *o)
{
	return o->repeat_penalty != 1.0f || o->presence_penalty != 0.0f ||
	       o->frequency_penalty != 0.0f;
}

struct sampler *sampler_new(const struct sampler_options *opt, uint32_t n_vocab,
			    const struct kernels *k)
{
	struct sampler *s = calloc(1, sizeof(*s));
	struct ragd_bias *bias;

	if (s == NULL)
		return NULL;
	s->opt = *opt;
	s->k = k;
	s->n_vocab = n_vocab;
	s->opt.bias = bias = malloc(MAX(opt->n_bias, 1) * sizeof(*bias));
	/*
	 * A greedy request without penalties needs none of the rest; what needs it has it from here
	 * on.
	 */
	s->work = malloc(n_vocab * sizeof(*s->work));
	s->heap = malloc(n_vocab * sizeof(*s->heap));
	if (has_penalties(opt))
		s->counts = calloc(n_vocab, sizeof(*s->counts));
	if (bias == NULL || s->work == NULL || s->heap == NULL ||
	    (has_penalties(opt) && s->counts == NULL)) {
		sampler_free(s);
		return NULL;
	}
	if (opt->n_bias > 0)
		memcpy(bias, opt->bias, opt->n_bias * sizeof(*bias));
	return s;
}

void sampler_free(struct sampler *s)
{
	if (s == NULL)
		return;
	free((void *)s->opt.bias);
	free(s->work);
	free(s->heap);
	free(s->counts);
	free(s->seen);
	free(s);
}

/* ---- penalties ------------------------------------------------------------------------------ */

/* Room for one more; out of memory leaves the window as long as it is. */
static void seen_grow(struct sampler *s)
{
	size_t cap = MAX(s->cap_seen * 2, 256);
	int32_t *seen;

	if (s->opt.penalty_tokens > 0)
		cap = MIN(cap, s->opt.penalty_tokens);
	seen = realloc(s->seen, cap * sizeof(*seen));
	if (seen == NULL)
		return;
	s->seen = seen;
	s->next_seen = s->n_seen;
	s->cap_seen = cap;
}

void sampler_see(struct sampler *s, const int32_t *ids, size_t n)
{
	if (s->counts == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		if (ids[i] < 0 || (uint32_t)ids[i] >= s->n_vocab)
			continue;
		if (s->n_seen == s->cap_seen &&
		    (s->opt.penalty_tokens == 0 || s->cap_seen < s->opt.penalty_tokens))
			seen_grow(s);
		if (s->cap_seen == 0)
			return;
		if (s->n_seen == s->cap_seen) /* the oldest leaves the window */
			s->counts[s->seen[s->next_seen]]--;
		else
			s->n_seen++;
		s->seen[s->next_seen] = ids[i];
		s->next_seen = (s->next_seen + 1) % s->cap_seen;
		s->counts[ids[i]]++;
	}
}

static void apply_penalties(const struct sampler *s, float *logits)
{
	const struct sampler_options *o = &s->opt;

	for (size_t i = 0; i < s->n_seen; i++) {
		int32_t id = s->seen[i];
		uint32_t count = s->counts[id];
		float *l = &logits[id];

		if (count & 0x80000000u) /* done at its first place in the window */
			continue;
		*l = *l > 0 ? *l / o->repeat_penalty : *l * o->repeat_penalty;
		*l -= o->presence_penalty + o->frequency_penalty * (float)count;
		s->counts[id] = count | 0x80000000u;
	}
	for (size_t i = 0; i < s->n_seen; i++)
		s->counts[s->seen[i]] &= 0x7fffffffu;
}

/* ---- choosing ------------------------------------------------------------------------------- */

static int32_t best_token(const float *logits, uint32_t n)
{
	int32_t id = 0;
	float max = -INFINITY;

	for (uint32_t i = 0; i < n; i++)
		if (logits[i] > max) {
			max = logits[i];
			id = (int32_t)i;
		}
	return id;
}

/* The i-th number in [0, 1) of a seed: SplitMix64 (doi:10.1145/2660193.2660195) by its counter. */
static double uniform_at(uint64_t seed, uint64_t i)
{
	uint64_t z = seed * 0xd1342543de82ef95u + (i + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static bool candidate_before(struct token_candidate a, struct token_candidate b)
{
	return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

static void sift_down(struct token_candidate *h, size_t n, size_t i)
{
	struct token_candidate moving = h[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && candidate_before(h[child + 1], h[child]))
			child++;
		if (!candidate_before(h[child], moving))
			break;
		h[i] = h[child];
	}
	h[i] = moving;
}

/* The best leaves the heap h[0..n) and goes to its end, h[n - 1]. */
static struct token_candidate heap_pop(struct token_candidate *h, size_t n)
{
	struct token_candidate top = h[0];

	h[0] = h[n - 1];
	h[n - 1] = top;
	sift_down(h, n - 1, 0);
	return top;
}

static double token_weight(float logit, float max, float temperature)
{
	return exp((double)(logit - max) / temperature);
}

/* Draw from the candidates h[0..n) in this order; `total` is the sum of their weights. */
static int32_t draw_token(const struct sampler *s, const struct token_candidate *h, size_t n,
			  float max, double total)
{
	double left = uniform_at(s->opt.seed, s->n_drawn) * total;

	for (size_t i = 0; i + 1 < n; i++) {
		left -= token_weight(h[i].logit, max, s->opt.temperature);
		if (left < 0)
			return h[i].id;
	}
	return h[n - 1].id;
}

/*
 * The candidates within top-k and top-p, best first, to h's front; *total is the sum of their
 * weights.
 */
static size_t take_best(const struct sampler *s, struct token_candidate *h, size_t n, float max,
			double *total)
{
	const struct sampler_options *o = &s->opt;
	size_t limit = o->top_k > 0 ? MIN(n, o->top_k) : n, taken = 0, kept;
	double all = 0, sum = 0;

	if (o->top_k == 0) /* top-p is of all */
		for (size_t i = 0; i < n; i++)
			all += token_weight(h[i].logit, max, o->temperature);
	for (size_t i = n / 2; i-- > 0;)
		sift_down(h, n, i);
	for (; taken < limit; taken++) {
		if (o->top_k == 0 && taken > 0 && sum >= o->top_p * all)
			break;
		sum += token_weight(heap_pop(h, n - taken).logit, max, o->temperature);
	}
	/* The popped stand at the end, the best last. */
	for (size_t i = 0; i < taken && i < n - 1 - i; i++) {
		struct token_candidate c = h[i];

		h[i] = h[n - 1 - i];
		h[n - 1 - i] = c;
	}
	*total = sum;
	if (o->top_k == 0 || o->top_p >= 1.0f)
		return taken;
	*total = 0;
	for (kept = 0; kept < taken && (kept == 0 || *total < o->top_p * sum); kept++)
		*total += token_weight(h[kept].logit, max, o->temperature);
	return kept;
}

static int32_t sample_token(struct sampler *s, const float *logits, float max)
{
	const struct sampler_options *o = &s->opt;
	float floor = max - NEGLIGIBLE * o->temperature;
	double total = 0;
	size_t n = 0;

	if (o->min_p > 0)
		floor = MAX(floor, max + o->temperature * logf(o->min_p));
	if (o->top_k > 0 || o->top_p < 1.0f) {
		/* top-k and top-p count what min-p would drop, so it comes last. */
		float all = max - NEGLIGIBLE * o->temperature;

		for (uint32_t i = 0; i < s->n_vocab; i++)
			if (logits[i] >= all)
				s->heap[n++] = (struct token_candidate){ logits[i], (int32_t)i };
		n = take_best(s, s->heap, n, max, &total);
		for (; n > 1 && s->heap[n - 1].logit < floor; n--)
			total -= token_weight(s->heap[n - 1].logit, max, o->temperature);
		return draw_token(s, s->heap, n, max, total);
	}
	for (uint32_t i = 0; i < s->n_vocab; i++)
		if (logits[i] >= floor) {
			total += token_weight(logits[i], max, o->temperature);
			s->heap[n++] = (struct token_candidate){ logits[i], (int32_t)i };
		}
	return draw_token(s, s->heap, n, max, total);
}

double sampler_log_sum(const struct kernels *k, const float *logits, size_t n)
{
	float max = k->max(logits, n), part[512];
	double sum = 0;

	for (size_t at = 0; at < n; at += ARRAY_LEN(part)) {
		size_t len = MIN(n - at, ARRAY_LEN(part));

		memcpy(part, logits + at, len * sizeof(*part));
		sum += k->exp_sum(part, len, max);
	}
	return max + log(sum);
}

static void report_logprobs(const struct sampler *s, const float *logits, int32_t id,
			    struct token_logprob *out)
{
	double norm = sampler_log_sum(s->k, logits, s->n_vocab);
	struct token_logprob *top = out + 1;
	size_t n = 0, want = MIN(s->opt.n_logprobs, s->n_vocab);

	out->id = id;
	out->logprob = (float)(logits[id] - norm);
	for (uint32_t i = 0; want > 0 && i < s->n_vocab; i++) {
		size_t at = n;

		if (!(logits[i] > -INFINITY)) /* not-a-number too */
			continue;
		if (n == want && !(logits[i] > top[n - 1].logprob))
			continue;
		if (n < want)
			n++;
		else
			at--;
		for (; at > 0 && logits[i] > top[at - 1].logprob; at--)
			top[at] = top[at - 1];
		top[at] = (struct token_logprob){ (int32_t)i, logits[i] };
	}
	for (size_t i = 0; i < n; i++)
		top[i].logprob = (float)(top[i].logprob - norm);
	for (; n < s->opt.n_logprobs; n++)
		top[n] = (struct token_logprob){ -1, -INFINITY };
}

int32_t sampler_next(struct sampler *s, const float *logits, struct token_logprob *out)
{
	const struct sampler_options *o = &s->opt;
	const float *use = logits;
	float max = -INFINITY;
	int32_t id;

	if (o->n_bias > 0 || s->n_seen > 0) {
		memcpy(s->work, logits, s->n_vocab * sizeof(*logits));
		apply_penalties(s, s->work);
		for (size_t i = 0; i < o->n_bias; i++)
			if (o->bias[i].token >= 0 && (uint32_t)o->bias[i].token < s->n_vocab)
				s->work[o->bias[i].token] += o->bias[i].add;
		use = s->work;
	}
	id = best_token(use, s->n_vocab);
	max = use[id];
	if (!(max > -INFINITY)) /* every token is banned */
		id = best_token(logits, s->n_vocab);
	else if (o->temperature > 0 && max < INFINITY)
		id = sample_token(s, use, max);
	if (out != NULL)
		report_logprobs(s, logits, id, out);
	s->n_drawn++;
	sampler_see(s, &id, 1);
	return id;
}
