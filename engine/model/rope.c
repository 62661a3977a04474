/*
 * Rotary positions (arXiv:2104.09864): the frequency of each pair of a head, and the ways in which
 * models stretch them to longer texts: linear, YaRN (arXiv:2309.00071), and factors that the file
 * gives (Llama 3.1).
 */
#include "engine/model/rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/model/arch/arch.h"

/* YaRN: pairs that turn more often than beta_fast within the original context keep their frequency,
 * those that turn less often than beta_slow are slowed by the factor, those between are mixed. */
struct yarn {
	float factor;
	float context; /* the original one, tokens */
	float beta_fast, beta_slow;
	float magnitude;
};

/* The pair (a fraction) that turns `turns` times within the original context. */
static double yarn_pair(const struct yarn *y, double turns, double n_dims, double base)
{
	return n_dims * log((double)y->context / (turns * 2 * M_PI)) / (2 * log(base));
}

static void yarn_apply(struct rope *rope, const struct yarn *y, double base)
{
	double n = rope->n_dims;
	double low = MAX(floor(yarn_pair(y, (double)y->beta_fast, n, base)), 0);
	double high = MIN(ceil(yarn_pair(y, (double)y->beta_slow, n, base)), n - 1);

	for (uint32_t i = 0; i < rope->n_dims / 2; i++) {
		double slow = (i - low) / MAX(high - low, 0.001);

		slow = MIN(MAX(slow, 0), 1);
		rope->frequency[i] *= slow / (double)y->factor + (1 - slow);
	}
	rope->magnitude = (float)((double)y->magnitude * (1 + 0.1 * log((double)y->factor)));
}

static bool is_positive(float f)
{
	return isfinite(f) && f > 0;
}

static int scaling_bad(const struct model *m, const char *key, struct ragd_err *err)
{
	return ragd_err_set(err, -EINVAL,
			    "model of architecture '%s': 'rope.%s' is missing or out of range",
			    m->arch->name, key);
}

static int yarn_read(struct model *m, float factor, float base, struct ragd_err *err)
{
	struct yarn y = { factor, (float)m->shape.n_context, 32, 1, 1 };
	uint32_t context;
	float other;

	if (gguf_arch_u32(m->gguf, "rope.scaling.original_context_length", &context))
		y.context = (float)context;
	gguf_arch_f32(m->gguf, "rope.scaling.attn_factor", &y.magnitude);
	gguf_arch_f32(m->gguf, "rope.scaling.yarn_attn_factor", &y.magnitude);
	gguf_arch_f32(m->gguf, "rope.scaling.yarn_beta_fast", &y.beta_fast);
	gguf_arch_f32(m->gguf, "rope.scaling.yarn_beta_slow", &y.beta_slow);
	if ((gguf_arch_f32(m->gguf, "rope.scaling.yarn_ext_factor", &other) && other != 1) ||
	    (gguf_arch_f32(m->gguf, "rope.scaling.yarn_log_multiplier", &other) && other != 0))
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': rope scaling 'yarn' with an "
				    "extrapolation factor or a log multiplier of its own is not "
				    "supported",
				    m->arch->name);
	if (!is_positive(y.context) || !is_positive(y.beta_fast) || !is_positive(y.beta_slow) ||
	    !is_positive(y.magnitude) || factor < 1 || base <= 1)
		return scaling_bad(m, "scaling.…", err);
	yarn_apply(&m->rope, &y, (double)base);
	return 0;
}

static int scaling_read(struct model *m, float base, struct ragd_err *err)
{
	struct ragd_str type = { "", 0 };
	float factor = 1;
	bool has_factor = gguf_arch_f32(m->gguf, "rope.scaling.factor", &factor) ||
			  gguf_arch_f32(m->gguf, "rope.scale_linear", &factor);

	if (!gguf_arch_str(m->gguf, "rope.scaling.type", &type))
		type = has_factor ? RAGD_STR("linear") : RAGD_STR("none");
	if (type.len == 4 && memcmp(type.s, "none", 4) == 0)
		return 0;
	if (!is_positive(factor))
		return scaling_bad(m, "scaling.factor", err);
	if (type.len == 6 && memcmp(type.s, "linear", 6) == 0) {
		for (uint32_t i = 0; i < m->rope.n_dims / 2; i++)
			m->rope.frequency[i] /= (double)factor;
		return 0;
	}
	if (type.len == 4 && memcmp(type.s, "yarn", 4) == 0 && has_factor)
		return yarn_read(m, factor, base, err);
	return ragd_err_set(
		err, -ENOTSUP,
		"model of architecture '%s': rope scaling '%.*s' is not supported, only "
		"none, linear and yarn%s",
		m->arch->name, (int)MIN(type.len, 20), type.s, has_factor ? "" : " with a factor");
}

int rope_read(struct model *m, struct ragd_err *err)
{
	float base = 10000;
	uint32_t n = m->shape.head_dim;

	gguf_arch_f32(m->gguf, "rope.freq_base", &base);
	if (!is_positive(base))
		return scaling_bad(m, "freq_base", err);
	if (gguf_arch_u32(m->gguf, "rope.dimension_count", &n) &&
	    (n == 0 || n % 2 != 0 || n > m->shape.head_dim))
		return scaling_bad(m, "dimension_count", err);
	m->rope.n_dims = n;
	m->rope.pairs = m->arch->pairs;
	m->rope.magnitude = 1;
	m->rope.frequency = calloc(n / 2, sizeof(*m->rope.frequency));
	if (m->rope.frequency == NULL)
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	for (uint32_t i = 0; i < n / 2; i++)
		m->rope.frequency[i] = pow((double)base, -2.0 * i / n);
	return scaling_read(m, base, err);
}

int rope_factors(struct model *m, struct ragd_err *err)
{
	if (m->rope.factor == NULL)
		return 0;
	for (uint32_t i = 0; i < m->rope.n_dims / 2; i++) {
		if (!is_positive(m->rope.factor[i]))
			return ragd_err_set(err, -EINVAL,
					    "model of architecture '%s': factor %u of "
					    "'rope_freqs.weight' is not above 0",
					    m->arch->name, (unsigned)i);
		m->rope.frequency[i] /= (double)m->rope.factor[i];
	}
	return 0;
}

void rope_angles(const struct rope *rope, size_t position, float *cosine, float *sine)
{
	for (uint32_t i = 0; i < rope->n_dims / 2; i++) {
		double angle = (double)position * rope->frequency[i], c, s;

		sincos(angle, &s, &c);
		cosine[i] = (float)c * rope->magnitude;
		sine[i] = (float)s * rope->magnitude;
	}
}
