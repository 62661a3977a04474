/*
 * Forward passes in float64, straight from the papers: slow, and with nothing of the engine's in
 * them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/engine/model/synth.h"
#include "tests/test.h"

struct ref {
	const struct gguf *g;
	bool encoder, halves;
	uint32_t layers, d, heads, kv, hd, ff, vocab, rot;
	double eps;
	double *turn;     /* [rot / 2] */
	double magnitude; /* of the rotation's cosine and sine */
	size_t n;
	size_t second; /* tokens from here on are of the second type; 0: none */
};

/* The numbers of a tensor, or NULL. */
static double *numbers(const struct ref *r, const char *name, long layer)
{
	const struct gguf_tensor *t;
	char full[96];
	size_t n, row;
	uint8_t *bytes;
	double *out;
	float *x;

	if (layer >= 0)
		snprintf(full, sizeof(full), "blk.%ld.%s", layer, name);
	else
		snprintf(full, sizeof(full), "%s", name);
	t = gguf_tensor(r->g, full);
	if (t == NULL)
		return NULL;
	n = (size_t)(t->dims[0] * t->dims[1]);
	row = (size_t)t->dims[0];
	x = malloc(n * sizeof(*x));
	out = malloc(n * sizeof(*out));
	bytes = malloc(t->n_bytes);
	if (gguf_tensor_read(r->g, t, 0, bytes, t->n_bytes, NULL) < 0)
		abort();
	for (size_t i = 0; i < t->dims[1]; i++)
		quant_unpack(t->type, bytes + i * quant_row_bytes(t->type, t->dims[0]), x + i * row,
			     row);
	free(bytes);
	for (size_t i = 0; i < n; i++)
		out[i] = (double)x[i];
	free(x);
	return out;
}

/* [n][cols] times the transposed matrix of that name, plus its bias if there is one. */
static double *linear(const struct ref *r, const double *x, size_t cols, size_t rows,
		      const char *name, long layer)
{
	char full[64];
	double *w, *bias, *out = calloc(r->n * rows, sizeof(*out));

	snprintf(full, sizeof(full), "%s.weight", name);
	w = numbers(r, full, layer);
	snprintf(full, sizeof(full), "%s.bias", name);
	bias = numbers(r, full, layer);
	assert_non_null(w);
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < rows; j++) {
			double sum = bias != NULL ? bias[j] : 0;

			for (size_t c = 0; c < cols; c++)
				sum += x[i * cols + c] * w[j * cols + c];
			out[i * rows + j] = sum;
		}
	free(w);
	free(bias);
	return out;
}

static void norm_row(double *x, size_t n, double eps, bool centre, const double *w, const double *b)
{
	double mean = 0, square = 0;

	for (size_t i = 0; i < n && centre; i++)
		mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		square += (x[i] - mean) * (x[i] - mean) / (double)n;
	for (size_t i = 0; i < n; i++)
		x[i] = (x[i] - mean) / sqrt(square + eps) * w[i] + (b != NULL ? b[i] : 0);
}

/* A normed copy of `count` rows of `width` numbers. */
static double *norm(const struct ref *r, const double *x, size_t count, size_t width,
		    const char *name, long layer)
{
	char full[64];
	double *w, *b, *out = malloc(count * width * sizeof(*out));

	snprintf(full, sizeof(full), "%s.weight", name);
	w = numbers(r, full, layer);
	snprintf(full, sizeof(full), "%s.bias", name);
	b = numbers(r, full, layer);
	assert_non_null(w);
	memcpy(out, x, count * width * sizeof(*out));
	for (size_t i = 0; i < count; i++)
		norm_row(out + i * width, width, r->eps, r->encoder, w, b);
	free(w);
	free(b);
	return out;
}

static void turn_head(const struct ref *r, double *x, size_t position)
{
	for (size_t i = 0; i < r->rot / 2; i++) {
		size_t a = r->halves ? i : 2 * i, b = r->halves ? i + r->rot / 2 : 2 * i + 1;
		double angle = (double)position * r->turn[i];
		double c = cos(angle) * r->magnitude, s = sin(angle) * r->magnitude, xa = x[a];

		x[a] = xa * c - x[b] * s;
		x[b] = xa * s + x[b] * c;
	}
}

/* q, k, v: [n][heads or kv][hd] */
static double *attend(const struct ref *r, const double *q, const double *k, const double *v)
{
	size_t hd = r->hd, nq = r->heads * hd, nk = r->kv * hd, share = r->heads / r->kv;
	double *out = calloc(r->n * nq, sizeof(*out)), *p = malloc(r->n * sizeof(*p));

	for (size_t i = 0; i < r->n; i++)
		for (size_t h = 0; h < r->heads; h++) {
			size_t seen = r->encoder ? r->n : i + 1;
			double max = -INFINITY, sum = 0;

			for (size_t j = 0; j < seen; j++) {
				p[j] = 0;
				for (size_t c = 0; c < hd; c++)
					p[j] += q[i * nq + h * hd + c] *
						k[j * nk + h / share * hd + c] / sqrt((double)hd);
				max = fmax(max, p[j]);
			}
			for (size_t j = 0; j < seen; j++)
				sum += p[j] = exp(p[j] - max);
			for (size_t j = 0; j < seen; j++)
				for (size_t c = 0; c < hd; c++)
					out[i * nq + h * hd + c] +=
						p[j] / sum * v[j * nk + h / share * hd + c];
		}
	free(p);
	return out;
}

static void add(double *x, double *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
	free(y);
}

static double *attention(const struct ref *r, const double *x, long i)
{
	size_t nq = (size_t)r->heads * r->hd, nk = (size_t)r->kv * r->hd, all = nq + 2 * nk;
	double *q, *k, *v, *att, *out;

	if (gguf_tensor(r->g, "blk.0.attn_qkv.weight") != NULL) {
		double *qkv = linear(r, x, r->d, all, "attn_qkv", i);

		q = malloc(r->n * nq * sizeof(*q));
		k = malloc(r->n * nk * sizeof(*k));
		v = malloc(r->n * nk * sizeof(*v));
		for (size_t t = 0; t < r->n; t++) {
			memcpy(q + t * nq, qkv + t * all, nq * sizeof(*q));
			memcpy(k + t * nk, qkv + t * all + nq, nk * sizeof(*k));
			memcpy(v + t * nk, qkv + t * all + nq + nk, nk * sizeof(*v));
		}
		free(qkv);
	} else {
		q = linear(r, x, r->d, nq, "attn_q", i);
		k = linear(r, x, r->d, nk, "attn_k", i);
		v = linear(r, x, r->d, nk, "attn_v", i);
	}
	if (gguf_tensor(r->g, "blk.0.attn_q_norm.weight") != NULL) {
		double *nq_ = norm(r, q, r->n * r->heads, r->hd, "attn_q_norm", i);
		double *nk_ = norm(r, k, r->n * r->kv, r->hd, "attn_k_norm", i);

		free(q);
		free(k);
		q = nq_;
		k = nk_;
	}
	for (size_t t = 0; t < r->n; t++) {
		for (size_t h = 0; h < r->heads; h++)
			turn_head(r, q + t * nq + h * r->hd, t);
		for (size_t h = 0; h < r->kv; h++)
			turn_head(r, k + t * nk + h * r->hd, t);
	}
	att = attend(r, q, k, v);
	out = linear(r, att, nq, r->d, "attn_output", i);
	free(q);
	free(k);
	free(v);
	free(att);
	return out;
}

static double *feed_forward(const struct ref *r, const double *x, long i)
{
	double *up = linear(r, x, r->d, r->ff, "ffn_up", i), *out;
	bool gated = gguf_tensor(r->g, "blk.0.ffn_gate.weight") != NULL;
	double *gate = gated ? linear(r, x, r->d, r->ff, "ffn_gate", i) : NULL;

	for (size_t k = 0; k < r->n * r->ff; k++) {
		double z = up[k];

		if (gated)
			up[k] = gate[k] / (1 + exp(-gate[k])) * z;
		else
			up[k] = 0.5 * z * (1 + tanh(sqrt(2 / M_PI) * (z + 0.044715 * z * z * z)));
	}
	out = linear(r, up, r->ff, r->d, "ffn_down", i);
	free(gate);
	free(up);
	return out;
}

/* ---- the shape ------------------------------------------------------------------------------ */

static double number(const struct gguf *g, const char *suffix, double otherwise)
{
	uint32_t u;
	float f;

	if (gguf_arch_u32(g, suffix, &u))
		return u;
	return gguf_arch_f32(g, suffix, &f) ? (double)f : otherwise;
}

/* YaRN as its authors publish it: which dimensions turn too slowly, found by inverting the formula
 * of the wave length, and a ramp between. */
static void turn_yarn(struct ref *r, double base, double factor)
{
	double original = number(r->g, "rope.scaling.original_context_length", 0);
	double dim = r->rot, low, high;

	low = floor(dim * log(original / (32 * 2 * M_PI)) / (2 * log(base)));
	high = ceil(dim * log(original / (1 * 2 * M_PI)) / (2 * log(base)));
	low = fmax(low, 0);
	high = fmin(high, dim - 1);
	for (uint32_t i = 0; i < r->rot / 2; i++) {
		double ramp = fmin(fmax((i - low) / (high - low), 0), 1), keep = 1 - ramp;

		r->turn[i] = r->turn[i] / factor * (1 - keep) + r->turn[i] * keep;
	}
	r->magnitude = 0.1 * log(factor) + 1;
}

static void turn_init(struct ref *r, const char *arch)
{
	double base = number(r->g, "rope.freq_base", 10000), *factors;
	struct ragd_str scaling = { "", 0 };

	r->magnitude = 1;
	r->halves = strcmp(arch, "llama") != 0;
	r->rot = strcmp(arch, "bert") == 0 ? 0
					   : (uint32_t)number(r->g, "rope.dimension_count", r->hd);
	r->turn = calloc(r->rot / 2 + 1, sizeof(*r->turn));
	factors = numbers(r, "rope_freqs.weight", -1);
	for (uint32_t i = 0; i < r->rot / 2; i++)
		r->turn[i] = pow(base, -2.0 * i / r->rot) / (factors != NULL ? factors[i] : 1);
	free(factors);
	gguf_arch_str(r->g, "rope.scaling.type", &scaling);
	if (scaling.len == 4 && memcmp(scaling.s, "yarn", 4) == 0)
		turn_yarn(r, base, number(r->g, "rope.scaling.factor", 1));
	else
		for (uint32_t i = 0; i < r->rot / 2; i++)
			r->turn[i] /= number(r->g, "rope.scaling.factor", 1);
}

static void ref_init(struct ref *r, const struct gguf *g, size_t n)
{
	struct ragd_str name;
	char arch[32];

	assert_true(gguf_str(g, "general.architecture", &name));
	snprintf(arch, sizeof(arch), "%.*s", (int)name.len, name.s);
	*r = (struct ref){ .g = g, .n = n, .encoder = strstr(arch, "bert") != NULL };
	r->layers = (uint32_t)number(g, "block_count", 0);
	r->d = (uint32_t)number(g, "embedding_length", 0);
	r->heads = (uint32_t)number(g, "attention.head_count", 0);
	r->kv = (uint32_t)number(g, "attention.head_count_kv", r->heads);
	r->hd = (uint32_t)number(g, "attention.key_length", r->d / r->heads);
	r->ff = (uint32_t)number(g, "feed_forward_length", 0);
	r->vocab = (uint32_t)gguf_tensor(g, "token_embd.weight")->dims[1];
	r->eps = number(
		g, r->encoder ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
		0);
	turn_init(r, arch);
}

static size_t type_of(const struct ref *r, size_t i)
{
	return r->second > 0 && i >= r->second &&
	       gguf_tensor(r->g, "token_types.weight")->dims[1] > 1;
}

static double *embed(const struct ref *r, const int32_t *ids)
{
	double *x = malloc(r->n * r->d * sizeof(*x)), *table = numbers(r, "token_embd.weight", -1);
	double *types = numbers(r, "token_types.weight", -1), *normed;
	double *positions = numbers(r, "position_embd.weight", -1);

	for (size_t i = 0; i < r->n; i++)
		for (size_t c = 0; c < r->d; c++)
			x[i * r->d + c] = table[(size_t)ids[i] * r->d + c] +
					  (types != NULL ? types[type_of(r, i) * r->d + c] : 0) +
					  (positions != NULL ? positions[i * r->d + c] : 0);
	free(table);
	free(types);
	free(positions);
	if (!r->encoder)
		return x;
	normed = norm(r, x, r->n, r->d, "token_embd_norm", -1);
	free(x);
	return normed;
}

/* All layers: [n][d] */
static double *layers(const struct ref *r, const int32_t *ids)
{
	size_t n = r->n;
	double *x = embed(r, ids), *h;

	for (long i = 0; i < (long)r->layers; i++) {
		h = r->encoder ? x : norm(r, x, n, r->d, "attn_norm", i);
		add(x, attention(r, h, i), n * r->d);
		if (r->encoder) {
			h = norm(r, x, n, r->d, "attn_output_norm", i);
			add(h, feed_forward(r, h, i), n * r->d);
			free(x);
			x = norm(r, h, n, r->d, "layer_output_norm", i);
			free(h);
			continue;
		}
		free(h);
		h = norm(r, x, n, r->d, "ffn_norm", i);
		add(x, feed_forward(r, h, i), n * r->d);
		free(h);
	}
	return x;
}

double *synth_reference(const struct gguf *g, const int32_t *ids, size_t n, bool hidden)
{
	struct ref r;
	double *x, *h, *out;

	ref_init(&r, g, n);
	x = layers(&r, ids);
	if (!r.encoder) {
		h = norm(&r, x, n, r.d, "output_norm", -1);
		free(x);
		x = h;
	}
	free(r.turn);
	if (hidden)
		return x;
	out = linear(&r, x, r.d, r.vocab,
		     gguf_tensor(g, "output.weight") != NULL ? "output" : "token_embd", -1);
	free(x);
	return out;
}

double synth_reference_rank(const struct gguf *g, const int32_t *ids, size_t n, size_t second)
{
	struct ref r;
	double *x, *dense, *out, score;

	ref_init(&r, g, n);
	r.second = second;
	x = layers(&r, ids);
	r.n = 1; /* the first token's row */
	if (gguf_tensor(g, "cls.weight") != NULL) {
		dense = linear(&r, x, r.d, r.d, "cls", -1);
		for (size_t c = 0; c < r.d; c++)
			x[c] = tanh(dense[c]);
		free(dense);
	}
	out = linear(&r, x, r.d, 1, "cls.output", -1);
	score = out[0];
	free(out);
	free(x);
	free(r.turn);
	return score;
}
