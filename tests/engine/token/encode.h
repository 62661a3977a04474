/* The one vocabulary of a test, and what it makes of texts. */
#ifndef TESTS_ENGINE_TOKEN_ENCODE_H
#define TESTS_ENGINE_TOKEN_ENCODE_H

#include "tests/engine/token/toy.h"
#include "tests/test.h"

static struct toy toy;

/* Before each test: nothing in it. */
static inline int toy_setup(void **state)
{
	(void)state;
	memset(&toy, 0, sizeof(toy));
	return 0;
}

/* It, open; what was put into it is gone. */
static inline struct vocab *toy_opened(void)
{
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;

	if (toy_open(&toy, &v, &err) < 0)
		fail_msg("%s", err.msg);
	return v;
}

#define IDS(...)                                                                                   \
	(const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t)

/* Fails the test unless the text is these tokens. */
static inline void encode(const struct vocab *v, const char *text, unsigned flags,
			  const int32_t *want, size_t n)
{
	struct tokens got = { 0 };

	assert_int_equal(
		vocab_encode(v, (struct ragd_str){ text, strlen(text) }, flags, &got, NULL), 0);
	if (got.n != n || (n > 0 && memcmp(got.ids, want, n * sizeof(*want)) != 0)) {
		for (size_t i = 0; i < got.n; i++)
			print_error(" %d", got.ids[i]);
		fail_msg("\"%s\"", text);
	}
	tokens_fini(&got);
}

#endif
