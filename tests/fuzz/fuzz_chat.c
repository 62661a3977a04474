/*
 * Chat templates. The input is a template's text up to the first byte 0xfe, which must be
 * recognised as a family or as none, and then a conversation, which every family must render or
 * refuse with a sentence: what people wrote stands in pieces of its own, in order, and none of it
 * in the template's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/chat/chat.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGES_MAX 32

/* No template of ours writes this byte: where it is, somebody's text is. */
#define PEOPLE '\x07'

/*
 * Templates without it could not tell where a message begins that they trim, split or put
 * elsewhere.
 */
struct conversation {
	struct ragd_message m[MESSAGES_MAX];
	size_t n;
	size_t n_bytes; /* of PEOPLE in all texts */
};

/* Messages are divided by bytes 0xf8 + role; each gets a PEOPLE at both ends. */
static void conversation(struct conversation *c, struct arena *a, const uint8_t *data, size_t size)
{
	while (size > 0 && c->n < MESSAGES_MAX) {
		unsigned role = data[0] % 3u;
		size_t len = 1;
		char *text;

		while (len < size && data[len] < 0xf8)
			len++;
		text = arena_alloc(a, len + 1, 1);
		CHECK(text != NULL);
		text[0] = text[len] = PEOPLE;
		memcpy(text + 1, data + 1, len - 1);
		for (size_t i = 0; i <= len; i++)
			c->n_bytes += text[i] == PEOPLE;
		c->m[c->n++] = (struct ragd_message){ role, { text, len + 1 } };
		data += len;
		size -= len;
	}
}

/* Whether a family may leave out what an answer thought before it answered. */
static bool has_thought(const struct conversation *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (memmem(c->m[i].text.s, c->m[i].text.len, "</think>", 8) != NULL)
			return true;
	return false;
}

static bool stands(const struct vocab_piece *p, size_t n, struct ragd_str text)
{
	for (size_t i = 0; i < n; i++)
		if (!p[i].own && p[i].text.len >= text.len &&
		    memmem(p[i].text.s, p[i].text.len, text.s, text.len) != NULL)
			return true;
	return false;
}

static void render(const char *name, const struct chat_context *ctx, const struct conversation *c)
{
	struct arena *a = arena_new(8 << 20);
	const struct vocab_piece *p;
	struct ragd_err err = { 0 };
	size_t n_pieces, n_bytes = 0;
	int rc = chat_render(chat_family(name), ctx, c->m, c->n, a, &p, &n_pieces, &err);

	CHECK((rc < 0) == (err.msg[0] != '\0') && rc == err.code && (rc == 0 || rc == -EINVAL));
	for (size_t i = 0; rc == 0 && i < n_pieces; i++) {
		CHECK(p[i].text.len > 0);
		CHECK(!(i > 0 && p[i].own && p[i - 1].own));
		for (size_t k = 0; k < p[i].text.len; k++)
			n_bytes += p[i].text.s[k] == PEOPLE;
		CHECK(!p[i].own || memchr(p[i].text.s, PEOPLE, p[i].text.len) == NULL);
	}
	/*
	 * A conversation of nothing but the system's is no prompt to the families that wait for a
	 * question.
	 */
	if (rc == 0 && !has_thought(c) && c->n > 0 &&
	    (c->n > 1 || c->m[0].role != RAGD_ROLE_SYSTEM)) {
		CHECK(n_bytes == c->n_bytes);
		for (size_t i = 0; i < c->n; i++)
			CHECK(stands(p, n_pieces, c->m[i].text));
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, 0xfe, size) : NULL;
	size_t len = end != NULL ? (size_t)(end - data) : size;
	const struct chat_family *f = chat_recognise((struct ragd_str){ (const char *)data, len });
	struct conversation c = { .n = 0 };
	struct chat_context ctx = { .bos = { "<s>", 3 }, .eos = { "</s>", 4 } };
	struct arena *a;

	CHECK(f == NULL || chat_family(chat_family_name(f)) == f);
	if (end == NULL || len + 2 >= size)
		return 0;
	a = arena_new(1 << 20);
	ctx.generation_prompt = end[1] & 1;
	ctx.merge_system = end[1] & 2;
	ctx.no_think = end[1] & 4;
	ctx.bos_is_added = end[1] & 8;
	ctx.date = end[1] & 16 ? "02 Jan 2025" : NULL;
	conversation(&c, a, end + 2, MIN(size - len - 2, 65536));
	for (size_t i = 0; chat_family_list(i) != NULL; i++)
		render(chat_family_list(i), &ctx, &c);
	arena_free(a);
	return 0;
}
