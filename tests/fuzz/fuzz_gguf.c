/* Any bytes as a model: refused with a sentence, or all that is said of them lies within them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "engine/gguf/card.h"
#include "tests/fuzz/fuzz.h"

static volatile unsigned sink;

/* Read both ends of s, and that it lies in the input. */
static void touch(const uint8_t *data, size_t size, const void *s, size_t len)
{
	const uint8_t *p = s;

	if (len == 0)
		return;
	assert(p >= data && len <= size && p <= data + (size - len));
	sink += p[0] + p[len - 1];
}

static void look_at_entry(const uint8_t *data, size_t size, const struct gguf *g, size_t i)
{
	struct gguf_entry e;
	struct gguf_array *a = &e.array;
	char key[64];
	struct ragd_str s;
	uint64_t n;
	float f;

	gguf_entry(g, i, &e);
	touch(data, size, e.key.s, e.key.len);
	touch(data, size, e.text.s, e.text.len);
	if (e.type == GGUF_ARRAY) {
		assert((a->data == NULL) == (a->type == GGUF_STRING));
		for (uint64_t k = 0; a->strings != NULL && k < a->n; k++)
			touch(data, size, a->strings[k].s, a->strings[k].len);
		sink += (unsigned)gguf_array_int(a, 0) + (unsigned)gguf_array_int(a, a->n - 1);
		f = gguf_array_float(a, a->n - 1);
		memcpy(&n, &f, sizeof(f));
		sink += (unsigned)n;
		assert(gguf_array_int(a, a->n) == 0);
	}
	if (e.key.len >= sizeof(key) || memchr(e.key.s, 0, e.key.len) != NULL)
		return;
	memcpy(key, e.key.s, e.key.len); /* what is listed is found */
	key[e.key.len] = '\0';
	assert(gguf_array(g, key, a) == (e.type == GGUF_ARRAY));
	assert(gguf_str(g, key, &s) == (e.type == GGUF_STRING));
	gguf_u64(g, key, &n);
}

static void look_at_tensor(const uint8_t *data, size_t size, const struct gguf *g, size_t i)
{
	const struct gguf_tensor *t = gguf_tensor_at(g, i);
	const struct quant_info *info = quant_info(t->type);
	char name[65];

	assert(info != NULL && t->n_dims >= 1 && t->n_dims <= GGUF_DIMS_MAX && t->n_bytes > 0);
	assert(t->dims[0] > 0 && t->dims[0] % info->n_elements == 0);
	assert(t->n_bytes == t->dims[0] / info->n_elements * info->n_bytes * t->dims[1] *
				     t->dims[2] * t->dims[3]);
	assert(t->part == 0 && t->at <= size && t->n_bytes <= size - t->at);
	touch(data, size, t->name.s, t->name.len);
	if (memchr(t->name.s, 0, t->name.len) != NULL)
		return;
	memcpy(name, t->name.s, t->name.len);
	name[t->name.len] = '\0';
	assert(gguf_tensor(g, name) == t);
}

/* What is shown of a file is one line of valid text. */
static void look_at_text(const char *s)
{
	if (s == NULL)
		return;
	assert(*s != '\0' && utf8_invalid_at(s, strlen(s)) < 0 && strlen(s) < 1024);
	for (; *s != '\0'; s++)
		assert((unsigned char)*s >= ' ' && *s != 0x7f);
}

static void look_at_card(const struct gguf *g)
{
	struct gguf_card *c;

	assert(gguf_card_new(g, "x.gguf", &c, NULL) == 0);
	assert(c->brief.name != NULL);
	look_at_text(c->brief.name);
	look_at_text(c->brief.summary);
	look_at_text(c->brief.licence);
	look_at_text(c->architecture);
	look_at_text(c->base_model);
	look_at_text(c->author);
	gguf_card_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ragd_err err = { 0 };
	struct ragd_str s;
	struct gguf *g;
	uint32_t n;

	if (gguf_read(data, size, &g, &err) < 0) {
		assert(err.code < 0 && err.msg[0] != '\0' && strchr(err.msg, '\n') == NULL);
		return 0;
	}
	assert(gguf_size(g) == size);
	for (size_t i = 0; i < gguf_n_entries(g); i++)
		look_at_entry(data, size, g, i);
	for (size_t i = 0; i < gguf_n_tensors(g); i++)
		look_at_tensor(data, size, g, i);
	gguf_arch_u32(g, "block_count", &n);
	gguf_arch_str(g, "rope.scaling.type", &s);
	look_at_card(g);
	gguf_close(g);
	return 0;
}
