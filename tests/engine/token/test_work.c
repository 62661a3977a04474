/*
 * What encoding a text takes, by the number of times that it asks whether to go on: as much for
 * each byte of a long text as of a short one, whatever the text; and it stops when the answer is
 * no.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/token/vocab.h"
#include "tests/engine/token/models.h"
#include "tests/test.h"

/* A call that is asked how often, and that ends when it was asked often enough. */
struct asked {
	struct ragd_call call;
	size_t n, most;
};

static bool on_cancelled(const struct ragd_call *call)
{
	struct asked *a = container_of((struct ragd_call *)call, struct asked, call);

	return ++a->n >= a->most;
}

static struct asked asked_new(size_t most)
{
	return (struct asked){ .call = { .size = sizeof(struct ragd_call),
					 .cancelled = on_cancelled },
			       .most = most };
}

/* ---- texts of any length -------------------------------------------------------------------- */

struct kind {
	const char *name;
	const char *unit; /* again and again; NULL: random */
	unsigned below;   /* random bytes: from the first so many of 0 .. 255 */
};

static const struct kind kinds[] = {
	{ "words", "The quick brown fox jumps over the lazy dog, and then it sleeps. ", 0 },
	{ "one letter", "a", 0 },
	{ "two letters", "ab", 0 },
	{ "blanks", " ", 0 },
	{ "lines", "\n", 0 },
	{ "blanks and a letter", "                               x", 0 },
	{ "digits", "31415926", 0 },
	{ "signs", "<|im_end|>", 0 },
	{ "turns of capitals",
	  "\xc2\xaa"
	  "AAAA",
	  0 },
	{ "marks", "e\xcc\x81\xcc\xa3", 0 },
	{ "Han", "\xe6\xb0\xb4\xe7\x81\xab", 0 },
	{ "marks for spaces", "\xe2\x96\x81", 0 },
	{ "apostrophes", "'s't'll", 0 },
	{ "letters without blanks", NULL, 26 },
	{ "bytes", NULL, 256 },
};

static void text_of(const struct kind *k, size_t len, struct buf *out)
{
	unsigned seed = 5;

	buf_clear(out);
	while (out->len < len)
		if (k->unit != NULL)
			buf_adds(out, k->unit);
		else
			buf_addc(out, (char)((k->below == 26 ? 'a' : 0) +
					     (unsigned)rand_r(&seed) % k->below));
}

static double work_of(const struct vocab *v, const struct buf *text)
{
	struct asked a = asked_new(SIZE_MAX);
	struct tokens t = { 0 };

	assert_int_equal(vocab_encode_for(v, &a.call, buf_str(text), 0, &t, NULL), 0);
	tokens_fini(&t);
	return (double)a.n / (double)text->len;
}

static void a_byte_costs_the_same_in_any_text(void **state)
{
	static const char *const vocabs[] = { "llama-bpe",      "gpt-2",  "qwen2",
					      "llama-spm",      "phi-3",  "bert-bge",
					      "deepseek-coder", "unigram" };
	bool slow = getenv("VALGRIND") != NULL;
	struct buf text = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vocabs); i++) {
		struct vocab *v = models_tokenizer(vocabs[i]);

		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			/* The longest for a few, which stand for the others. */
			size_t most = slow ? 256 << 10 : k < 2 && i % 3 == 0 ? 4 << 20 : 512 << 10;
			double small, large;

			text_of(&kinds[k], 64 << 10, &text);
			small = work_of(v, &text);
			text_of(&kinds[k], most, &text);
			large = work_of(v, &text);
			if (small == 0 || large > 1.5 * small)
				fail_msg("%s, %s: %g questions a KiB at 64 KiB, %g at %zu KiB",
					 vocabs[i], kinds[k].name, small * 1024, large * 1024,
					 most >> 10);
		}
		vocab_close(v);
	}
	buf_fini(&text);
}

static void nobody_who_has_gone_is_worked_for(void **state)
{
	static const char *const vocabs[] = { "llama-bpe", "llama-spm", "bert-bge", "unigram" };
	struct buf text = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vocabs); i++) {
		struct vocab *v = models_tokenizer(vocabs[i]);

		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			struct vocab_piece piece = { .own = false };
			struct asked a = asked_new(3);
			struct ragd_err err = { 0 };
			struct tokens t = { 0 };

			text_of(&kinds[k], 256 << 10, &text);
			piece.text = buf_str(&text);
			tokens_add(&t, 7);
			assert_int_equal(vocab_encode_for(v, &a.call, piece.text, 0, &t, &err),
					 -ECANCELED);
			assert_int_equal(a.n, 3); /* not once more after the answer was no */
			assert_int_equal(t.n, 1);
			a = asked_new(SIZE_MAX);
			a.call.deadline_ms = clock_ms() - 1;
			assert_int_equal(
				vocab_encode_pieces_for(v, &a.call, &piece, 1, 0, &t, &err),
				-ETIMEDOUT);
			assert_int_equal(a.n, 1);
			assert_non_null(strstr(err.msg, "deadline"));
			tokens_fini(&t);
		}
		vocab_close(v);
	}
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_costs_the_same_in_any_text),
		cmocka_unit_test(nobody_who_has_gone_is_worked_for),
	};

	if (!models_find(""))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
