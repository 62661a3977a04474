/* Metadata: looking keys up, and their values as the types that the caller wants. */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "engine/gguf/parse.h"

static bool is_signed(enum gguf_type t)
{
	return t == GGUF_I8 || t == GGUF_I16 || t == GGUF_I32 || t == GGUF_I64;
}

static bool is_whole(enum gguf_type t)
{
	return is_signed(t) || t == GGUF_U8 || t == GGUF_U16 || t == GGUF_U32 || t == GGUF_U64;
}

static bool pair_u64(const struct gguf_pair *p, uint64_t max, uint64_t *out)
{
	if (p == NULL || !is_whole(p->type) || p->whole > max ||
	    (is_signed(p->type) && (int64_t)p->whole < 0))
		return false;
	*out = p->whole;
	return true;
}

static bool pair_u32(const struct gguf_pair *p, uint32_t *out)
{
	uint64_t u;

	if (!pair_u64(p, UINT32_MAX, &u))
		return false;
	*out = (uint32_t)u;
	return true;
}

static bool pair_f32(const struct gguf_pair *p, float *out)
{
	if (p == NULL || (p->type != GGUF_F32 && p->type != GGUF_F64))
		return false;
	*out = (float)p->real;
	return true;
}

static bool pair_str(const struct gguf_pair *p, struct ragd_str *out)
{
	if (p == NULL || p->type != GGUF_STRING)
		return false;
	*out = p->text;
	return true;
}

static const struct gguf_pair *find_key(const struct gguf *g, const char *key)
{
	return gguf_index_find(&g->by_key, (struct ragd_str){ key, strlen(key) });
}

bool gguf_u32(const struct gguf *g, const char *key, uint32_t *out)
{
	return pair_u32(find_key(g, key), out);
}

bool gguf_u64(const struct gguf *g, const char *key, uint64_t *out)
{
	return pair_u64(find_key(g, key), UINT64_MAX, out);
}

bool gguf_bool(const struct gguf *g, const char *key, bool *out)
{
	const struct gguf_pair *p = find_key(g, key);

	if (p == NULL || p->type != GGUF_BOOL)
		return false;
	*out = p->whole != 0;
	return true;
}

bool gguf_str(const struct gguf *g, const char *key, struct ragd_str *out)
{
	return pair_str(find_key(g, key), out);
}

/* ---- keys of the architecture --------------------------------------------------------------- */

static const struct gguf_pair *find_arch(const struct gguf *g, const char *suffix)
{
	struct ragd_str arch;
	char key[256];
	int n;

	if (!gguf_str(g, "general.architecture", &arch) || arch.len > 64)
		return NULL;
	n = snprintf(key, sizeof(key), "%.*s.%s", (int)arch.len, arch.s, suffix);
	if (n < 0 || (size_t)n >= sizeof(key))
		return NULL;
	return gguf_index_find(&g->by_key, (struct ragd_str){ key, (size_t)n });
}

bool gguf_arch_u32(const struct gguf *g, const char *suffix, uint32_t *out)
{
	return pair_u32(find_arch(g, suffix), out);
}

bool gguf_arch_f32(const struct gguf *g, const char *suffix, float *out)
{
	return pair_f32(find_arch(g, suffix), out);
}

bool gguf_arch_str(const struct gguf *g, const char *suffix, struct ragd_str *out)
{
	return pair_str(find_arch(g, suffix), out);
}

/* ---- arrays --------------------------------------------------------------------------------- */

bool gguf_array(const struct gguf *g, const char *key, struct gguf_array *out)
{
	const struct gguf_pair *p = find_key(g, key);

	if (p == NULL || p->type != GGUF_ARRAY)
		return false;
	*out = p->array;
	return true;
}

/* Element i, widened: whole numbers into *whole, floats into *real. False beyond the end. */
static bool array_element(const struct gguf_array *a, uint64_t i, int64_t *whole, double *real)
{
	size_t size = gguf_scalar_bytes(a->type);
	uint64_t u = 0;
	float f;

	*whole = 0;
	*real = 0;
	if (a->data == NULL || i >= a->n)
		return false;
	memcpy(&u, a->data + i * size, size);
	switch (a->type) {
	case GGUF_I8:
		*whole = (int8_t)u;
		break;
	case GGUF_I16:
		*whole = (int16_t)u;
		break;
	case GGUF_I32:
		*whole = (int32_t)u;
		break;
	case GGUF_F32:
		memcpy(&f, &u, sizeof(f));
		*real = (double)f;
		break;
	case GGUF_F64:
		memcpy(real, &u, sizeof(u));
		break;
	default:
		*whole = (int64_t)u;
		break;
	}
	return true;
}

static bool is_real(enum gguf_type t)
{
	return t == GGUF_F32 || t == GGUF_F64;
}

int64_t gguf_array_int(const struct gguf_array *a, uint64_t i)
{
	int64_t whole;
	double real;

	if (array_element(a, i, &whole, &real) && is_real(a->type))
		return real > -0x1p63 && real < 0x1p63 ? (int64_t)real : 0;
	return whole;
}

float gguf_array_float(const struct gguf_array *a, uint64_t i)
{
	int64_t whole;
	double real;

	if (!array_element(a, i, &whole, &real) || is_real(a->type))
		return (float)real;
	return a->type == GGUF_U64 ? (float)(uint64_t)whole : (float)whole;
}

/* ---- all of them in order ------------------------------------------------------------------- */

size_t gguf_n_entries(const struct gguf *g)
{
	return g->n_pairs;
}

void gguf_entry(const struct gguf *g, size_t i, struct gguf_entry *out)
{
	const struct gguf_pair *p = &g->pairs[i];

	*out = (struct gguf_entry){ .key = p->key, .type = p->type };
	if (p->type == GGUF_ARRAY)
		out->array = p->array;
	else if (p->type == GGUF_STRING)
		out->text = p->text;
	else if (is_real(p->type))
		out->number = p->real;
	else
		out->number = is_signed(p->type) ? (double)(int64_t)p->whole : (double)p->whole;
}
