/* One GGUF file from bytes to lists of keys and tensors, every number of it doubted. */
#include "engine/gguf/parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* The least that a pair (empty value of one byte) and a tensor take in a file. */
#define PAIR_BYTES_MIN   (8 + 1 + 4 + 1)
#define TENSOR_BYTES_MIN (8 + 1 + 4 + 8 + 4 + 8)
#define KEY_MAX          65535 /* as the specification says */
#define NAME_MAX_BYTES   64
#define COUNT_MAX        (UINT32_MAX / 2) /* indexes are 32 bits */

struct cursor {
	const uint8_t *data;
	size_t len;    /* what is there of the file */
	uint64_t size; /* the whole */
	size_t at;
	const char *name;
	struct ragd_err *err;
};

#define BAD(c, ...) ragd_err_set((c)->err, -EINVAL, __VA_ARGS__)

/* Bytes of the file from here on, whether they are there or not. */
static uint64_t bytes_left(const struct cursor *c)
{
	return c->size - c->at;
}

/* Whether the next n bytes of the file's are there; -EAGAIN: they have to be fetched first. */
static int bytes_there(const struct cursor *c, uint64_t n)
{
	return n <= c->len - c->at ? 0 : -EAGAIN;
}

static int cursor_take(struct cursor *c, void *out, size_t n, const char *what)
{
	if (n > bytes_left(c))
		return BAD(c, "model '%s': the file ends inside %s (was it cut short?)", c->name,
			   what);
	if (bytes_there(c, n) < 0)
		return -EAGAIN;
	memcpy(out, c->data + c->at, n);
	c->at += n;
	return 0;
}

static int take_str(struct cursor *c, struct ragd_str *out, const char *what)
{
	uint64_t n = 0;
	int rc = cursor_take(c, &n, sizeof(n), what);

	if (rc < 0)
		return rc;
	if (n > bytes_left(c))
		return BAD(c,
			   "model '%s': %s is said to have %" PRIu64 " bytes, the file has %" PRIu64
			   " left",
			   c->name, what, n, bytes_left(c));
	if (bytes_there(c, n) < 0)
		return -EAGAIN;
	out->s = (const char *)c->data + c->at;
	out->len = (size_t)n;
	c->at += (size_t)n;
	return 0;
}

int gguf_str_cmp(struct ragd_str a, struct ragd_str b)
{
	size_t n = MIN(a.len, b.len);
	int c = n > 0 ? memcmp(a.s, b.s, n) : 0;

	return c != 0 ? c : a.len < b.len ? -1 : a.len > b.len;
}

const char *gguf_show(struct ragd_str s, char *buf, size_t size)
{
	size_t n = MIN(s.len, size - 1);

	for (size_t i = 0; i < n; i++)
		buf[i] = s.s[i];
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)buf[i] < 0x20 || (unsigned char)buf[i] > 0x7e)
			buf[i] = '?';
	buf[n] = '\0';
	return buf;
}

size_t gguf_scalar_bytes(uint32_t type)
{
	static const uint8_t bytes[] = {
		[GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2, [GGUF_I16] = 2,
		[GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
		[GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
	};

	return type < ARRAY_LEN(bytes) ? bytes[type] : 0;
}

/* ---- metadata ------------------------------------------------------------------------------- */

static int parse_strings(struct cursor *c, struct gguf_array *out)
{
	struct ragd_str *strings;
	int rc;

	strings = calloc(MAX((size_t)out->n, 1), sizeof(*strings));
	if (strings == NULL)
		return ragd_err_set(c->err, -ENOMEM, "model '%s': out of memory for its metadata",
				    c->name);
	out->strings = strings; /* freed with the pair, complete or not */
	for (size_t i = 0; i < out->n; i++) {
		rc = take_str(c, &strings[i], "a text of an array");
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int parse_array(struct cursor *c, struct gguf_array *out, const char *key)
{
	uint32_t type = 0;
	size_t size;
	int rc;

	rc = cursor_take(c, &type, sizeof(type), "an array");
	if (rc == 0)
		rc = cursor_take(c, &out->n, sizeof(out->n), "an array");
	if (rc < 0)
		return rc;
	if (type == GGUF_ARRAY)
		return ragd_err_set(
			c->err, -ENOTSUP,
			"model '%s': key '%s' is an array of arrays, which no known model has",
			c->name, key);
	out->type = type;
	size = type == GGUF_STRING ? sizeof(uint64_t) : gguf_scalar_bytes(type);
	if (size == 0)
		return BAD(c, "model '%s': key '%s' is an array of type %" PRIu32 ", which is none",
			   c->name, key, type);
	if (out->n > bytes_left(c) / size)
		return BAD(c,
			   "model '%s': key '%s' has %" PRIu64
			   " elements, more than the file's %" PRIu64 " bytes could hold",
			   c->name, key, out->n, bytes_left(c));
	if (type == GGUF_STRING)
		return parse_strings(c, out);
	if (bytes_there(c, out->n * size) < 0)
		return -EAGAIN;
	out->data = c->data + c->at;
	c->at += (size_t)out->n * size;
	return 0;
}

/* A scalar at p, widened into the pair. */
static void pair_scalar(struct gguf_pair *pair, const uint8_t *p)
{
	uint64_t u = 0;
	size_t size = gguf_scalar_bytes(pair->type);
	float f;

	memcpy(&u, p, size);
	switch (pair->type) {
	case GGUF_I8:
		u = (uint64_t)(int8_t)u;
		break;
	case GGUF_I16:
		u = (uint64_t)(int16_t)u;
		break;
	case GGUF_I32:
		u = (uint64_t)(int32_t)u;
		break;
	case GGUF_F32:
		memcpy(&f, p, sizeof(f));
		pair->real = (double)f;
		return;
	case GGUF_F64:
		memcpy(&pair->real, p, sizeof(pair->real));
		return;
	default:
		break;
	}
	pair->whole = u;
}

static int parse_pair(struct cursor *c, struct gguf_pair *pair)
{
	char key[GGUF_SHOW_MAX];
	uint8_t scalar[8];
	uint32_t type = 0;
	int rc;

	rc = take_str(c, &pair->key, "a key");
	if (rc == 0 && (pair->key.len == 0 || pair->key.len > KEY_MAX))
		rc = BAD(c, "model '%s': a key of %zu bytes; 1 to %d are allowed", c->name,
			 pair->key.len, KEY_MAX);
	if (rc == 0)
		rc = cursor_take(c, &type, sizeof(type), "the type of a key");
	if (rc < 0)
		return rc;
	gguf_show(pair->key, key, sizeof(key));
	pair->type = type;
	if (type == GGUF_STRING)
		return take_str(c, &pair->text, "a text");
	if (type == GGUF_ARRAY)
		return parse_array(c, &pair->array, key);
	if (gguf_scalar_bytes(type) == 0)
		return BAD(c, "model '%s': key '%s' has type %" PRIu32 ", which is none", c->name,
			   key, type);
	rc = cursor_take(c, scalar, gguf_scalar_bytes(type), "a value");
	if (rc < 0)
		return rc;
	pair_scalar(pair, scalar);
	if (type == GGUF_BOOL && pair->whole > 1)
		return BAD(c, "model '%s': key '%s' is a boolean of value %" PRIu64, c->name, key,
			   pair->whole);
	return 0;
}

static int parse_pairs(struct cursor *c, uint64_t n, struct gguf_parsed *out)
{
	if (n > bytes_left(c) / PAIR_BYTES_MIN || n > COUNT_MAX)
		return BAD(c,
			   "model '%s': %" PRIu64 " keys are announced, more than its %" PRIu64
			   " bytes could hold",
			   c->name, n, c->size);
	out->pairs = calloc(MAX((size_t)n, 1), sizeof(*out->pairs));
	if (out->pairs == NULL)
		return ragd_err_set(c->err, -ENOMEM, "model '%s': out of memory for its metadata",
				    c->name);
	for (size_t i = 0; i < n; i++) {
		int rc;

		out->n_pairs = i + 1; /* what a failing one has allocated is freed with the rest */
		rc = parse_pair(c, &out->pairs[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int find_alignment(const struct cursor *c, const struct gguf_parsed *p, uint64_t *out)
{
	static const struct ragd_str key = { "general.alignment", 17 };

	*out = GGUF_ALIGNMENT;
	for (size_t i = 0; i < p->n_pairs; i++) {
		if (gguf_str_cmp(p->pairs[i].key, key) != 0)
			continue;
		*out = p->pairs[i].whole;
		if (p->pairs[i].type != GGUF_U32 || *out < 8 || *out > GGUF_ALIGNMENT_MAX ||
		    (*out & (*out - 1)) != 0)
			return BAD(
				c,
				"model '%s': general.alignment must be a 32-bit power of two, 8 to "
				"%" PRIu64,
				c->name, GGUF_ALIGNMENT_MAX);
	}
	return 0;
}

/* ---- tensors -------------------------------------------------------------------------------- */

/* Types of other engines, for the sentence that says what a file has. */
static const char *foreign_type(uint32_t type)
{
	static const char *const names[] = {
		[9] = "Q8_1",   [15] = "Q8_K",  [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS",
		[19] = "IQ1_S", [21] = "IQ3_S", [22] = "IQ2_S",   [24] = "I8",     [25] = "I16",
		[26] = "I32",   [27] = "I64",   [28] = "F64",     [29] = "IQ1_M",  [34] = "TQ1_0",
		[35] = "TQ2_0", [39] = "MXFP4",
	};

	return type < ARRAY_LEN(names) && names[type] != NULL ? names[type] : "of another engine";
}

static int parse_dims(struct cursor *c, struct gguf_tensor *t, const char *name)
{
	uint64_t n = 1;
	int rc = cursor_take(c, &t->n_dims, sizeof(t->n_dims), "a tensor's shape");

	if (rc < 0)
		return rc;
	if (t->n_dims < 1 || t->n_dims > GGUF_DIMS_MAX)
		return BAD(c,
			   "model '%s': tensor '%s' has %" PRIu32
			   " dimensions; 1 to %d are allowed",
			   c->name, name, t->n_dims, GGUF_DIMS_MAX);
	for (size_t i = 0; i < GGUF_DIMS_MAX; i++)
		t->dims[i] = 1;
	rc = cursor_take(c, t->dims, t->n_dims * sizeof(t->dims[0]), "a tensor's shape");
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < t->n_dims; i++) {
		if (t->dims[i] == 0)
			return BAD(c, "model '%s': tensor '%s' is empty", c->name, name);
		if (__builtin_mul_overflow(n, t->dims[i], &n) || n > INT64_MAX)
			return BAD(c,
				   "model '%s': tensor '%s' has more numbers than can be counted",
				   c->name, name);
	}
	return 0;
}

static int parse_tensor(struct cursor *c, struct gguf_tensor *t)
{
	const struct quant_info *info;
	char name[GGUF_SHOW_MAX];
	uint64_t offset = 0, rows;
	uint32_t type = 0;
	int rc;

	rc = take_str(c, &t->name, "a tensor's name");
	if (rc == 0 && (t->name.len == 0 || t->name.len > NAME_MAX_BYTES))
		rc = BAD(c, "model '%s': a tensor's name of %zu bytes; 1 to %d are allowed",
			 c->name, t->name.len, NAME_MAX_BYTES);
	if (rc < 0)
		return rc;
	gguf_show(t->name, name, sizeof(name));
	rc = parse_dims(c, t, name);
	if (rc == 0)
		rc = cursor_take(c, &type, sizeof(type), "a tensor's type");
	if (rc == 0)
		rc = cursor_take(c, &offset, sizeof(offset), "a tensor's offset");
	if (rc < 0)
		return rc;
	info = quant_info(type);
	if (info == NULL)
		return ragd_err_set(c->err, -ENOTSUP,
				    "model '%s': tensor '%s' has type %" PRIu32
				    " (%s), which is not supported",
				    c->name, name, type, foreign_type(type));
	if (t->dims[0] % info->n_elements != 0)
		return BAD(c,
			   "model '%s': tensor '%s' has rows of %" PRIu64
			   " numbers, no multiple of "
			   "%s's %" PRIu32,
			   c->name, name, t->dims[0], info->name, info->n_elements);
	rows = t->dims[1] * t->dims[2] * t->dims[3]; /* parse_dims() has seen that it fits */
	t->type = type;
	if (__builtin_mul_overflow(quant_row_bytes(t->type, t->dims[0]), rows, &t->n_bytes))
		t->n_bytes = SIZE_MAX; /* no file has as much */
	t->at = offset; /* from where the data begins, which is known at the end of the list */
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct gguf_tensor *x = *(const struct gguf_tensor *const *)a;
	const struct gguf_tensor *y = *(const struct gguf_tensor *const *)b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * Tensors that overlap do no harm to a reader, but let a small file ask for any
 * amount of memory where weights are repacked. No real model has such.
 */
static int check_apart(const struct cursor *c, const struct gguf_parsed *p)
{
	const struct gguf_tensor **order;
	char a[GGUF_SHOW_MAX], b[GGUF_SHOW_MAX];
	int rc = 0;

	order = calloc(MAX(p->n_tensors, 1), sizeof(struct gguf_tensor *));
	if (order == NULL)
		return ragd_err_set(c->err, -ENOMEM, "model '%s': out of memory for its tensors",
				    c->name);
	for (size_t i = 0; i < p->n_tensors; i++)
		order[i] = &p->tensors[i];
	qsort(order, p->n_tensors, sizeof(struct gguf_tensor *), by_place);
	for (size_t i = 1; i < p->n_tensors && rc == 0; i++)
		if (order[i - 1]->at + order[i - 1]->n_bytes > order[i]->at)
			rc = BAD(c, "model '%s': tensors '%s' and '%s' overlap", c->name,
				 gguf_show(order[i - 1]->name, a, sizeof(a)),
				 gguf_show(order[i]->name, b, sizeof(b)));
	free(order);
	return rc;
}

/* From offsets to places in the file, each tensor wholly inside it. */
static int place_tensors(struct cursor *c, struct gguf_parsed *p, uint64_t alignment)
{
	uint64_t start = (c->at + alignment - 1) & ~(alignment - 1);
	uint64_t room = start < c->size ? c->size - start : 0;
	char name[GGUF_SHOW_MAX];

	for (size_t i = 0; i < p->n_tensors; i++) {
		struct gguf_tensor *t = &p->tensors[i];
		uint64_t offset = t->at;

		gguf_show(t->name, name, sizeof(name));
		if (offset % alignment != 0)
			return BAD(c,
				   "model '%s': tensor '%s' begins at %" PRIu64
				   ", no multiple of the "
				   "alignment %" PRIu64,
				   c->name, name, offset, alignment);
		if (offset > room || t->n_bytes > room - offset)
			return BAD(c,
				   "model '%s': tensor '%s' ends beyond the file's %" PRIu64
				   " bytes (was it cut short?)",
				   c->name, name, c->size);
		t->at = start + offset;
	}
	return check_apart(c, p);
}

static int parse_tensors(struct cursor *c, uint64_t n, struct gguf_parsed *out)
{
	uint64_t alignment;
	int rc;

	if (n > bytes_left(c) / TENSOR_BYTES_MIN || n > COUNT_MAX)
		return BAD(c,
			   "model '%s': %" PRIu64 " tensors are announced, more than its %" PRIu64
			   " bytes could hold",
			   c->name, n, c->size);
	rc = find_alignment(c, out, &alignment);
	if (rc < 0)
		return rc;
	out->tensors = calloc(MAX((size_t)n, 1), sizeof(*out->tensors));
	if (out->tensors == NULL)
		return ragd_err_set(c->err, -ENOMEM, "model '%s': out of memory for its tensors",
				    c->name);
	for (; out->n_tensors < n; out->n_tensors++) {
		rc = parse_tensor(c, &out->tensors[out->n_tensors]);
		if (rc < 0)
			return rc;
	}
	return place_tensors(c, out, alignment);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int parse_head(struct cursor *c, uint32_t *version, uint64_t *n_tensors, uint64_t *n_pairs)
{
	char magic[4];
	int rc;

	if (c->len < sizeof(magic) || memcmp(c->data, "GGUF", 4) != 0)
		return BAD(c, "model '%s': not a GGUF file", c->name);
	rc = cursor_take(c, magic, sizeof(magic), "its head");
	if (rc == 0)
		rc = cursor_take(c, version, sizeof(*version), "its head");
	if (rc == 0 && (*version & 0xffff) == 0)
		return ragd_err_set(c->err, -ENOTSUP,
				    "model '%s': a big-endian GGUF; only little-endian ones are "
				    "supported",
				    c->name);
	if (rc == 0 && *version != 2 && *version != 3)
		return ragd_err_set(c->err, -ENOTSUP,
				    "model '%s': GGUF version %" PRIu32 "; 2 and 3 are supported",
				    c->name, *version);
	if (rc == 0)
		rc = cursor_take(c, n_tensors, sizeof(*n_tensors), "its head");
	if (rc == 0)
		rc = cursor_take(c, n_pairs, sizeof(*n_pairs), "its head");
	return rc;
}

int gguf_parse(const uint8_t *data, size_t len, uint64_t size, const char *name,
	       struct gguf_parsed *out, struct ragd_err *err)
{
	struct cursor c = { .data = data, .len = len, .size = size, .name = name, .err = err };
	uint64_t n_tensors = 0, n_pairs = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = parse_head(&c, &out->version, &n_tensors, &n_pairs);
	if (rc == 0)
		rc = parse_pairs(&c, n_pairs, out);
	if (rc == 0)
		rc = parse_tensors(&c, n_tensors, out);
	return rc;
}

void gguf_parsed_fini(struct gguf_parsed *p)
{
	for (size_t i = 0; i < p->n_pairs; i++)
		if (p->pairs[i].type == GGUF_ARRAY)
			free((void *)p->pairs[i].array.strings);
	free(p->pairs);
	free(p->tensors);
	memset(p, 0, sizeof(*p));
}
