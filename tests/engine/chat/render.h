/* What the tests of families share: messages in short, and a conversation rendered to one text. */
#ifndef TESTS_ENGINE_CHAT_RENDER_H
#define TESTS_ENGINE_CHAT_RENDER_H

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/chat/chat.h"
#include "tests/test.h"

#define STR(s) ((struct ragd_str){ s, sizeof(s) - 1 })
#define S(text)                                                                                    \
	{                                                                                          \
		RAGD_ROLE_SYSTEM,                                                                  \
		{                                                                                  \
			text, sizeof(text) - 1                                                     \
		}                                                                                  \
	}
#define U(text)                                                                                    \
	{                                                                                          \
		RAGD_ROLE_USER,                                                                    \
		{                                                                                  \
			text, sizeof(text) - 1                                                     \
		}                                                                                  \
	}
#define A(text)                                                                                    \
	{                                                                                          \
		RAGD_ROLE_ASSISTANT,                                                               \
		{                                                                                  \
			text, sizeof(text) - 1                                                     \
		}                                                                                  \
	}
#define EMPTY                                                                                      \
	{                                                                                          \
		RAGD_ROLE_SYSTEM,                                                                  \
		{                                                                                  \
			NULL, 0                                                                    \
		}                                                                                  \
	}

static const struct chat_context plain = { .bos = { "<s>", 3 },
					   .eos = { "</s>", 4 },
					   .generation_prompt = true };

/* What the last call of render() gave. */
static struct arena *arena;
static const struct vocab_piece *pieces;
static size_t n_pieces;
static char text[8192];
static struct ragd_err err;

static int render(const char *family, const struct chat_context *ctx, const struct ragd_message *m,
		  size_t n)
{
	const struct chat_family *f = chat_family(family);
	size_t len = 0;
	int rc;

	assert_non_null(f);
	arena_reset(arena);
	memset(&err, 0, sizeof(err));
	rc = chat_render(f, ctx, m, n, arena, &pieces, &n_pieces, &err);
	assert_int_equal(rc, err.code);
	assert_true((rc < 0) == (err.msg[0] != '\0'));
	for (size_t i = 0; rc == 0 && i < n_pieces; i++) {
		assert_true(pieces[i].text.len > 0 && len + pieces[i].text.len < sizeof(text));
		memcpy(text + len, pieces[i].text.s, pieces[i].text.len);
		len += pieces[i].text.len;
		/* Two of the template's in a row would cut a control token in two. */
		assert_false(i > 0 && pieces[i].own && pieces[i - 1].own);
	}
	text[len] = '\0';
	return rc;
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena == NULL;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

#endif
