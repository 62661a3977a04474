/*
 * Pre-tokenizers against the regular expressions that they stand for, as ICU runs them, on texts
 * made of characters from every class that the expressions tell apart.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uregex.h>
#include <unicode/utext.h>

#include "base/buf.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/token/chars.h"
#include "engine/token/split.h"
#include "tests/test.h"

#define TEXTS      1500
#define TEXT_CHARS 40
#define PIECES_MAX 1024

/* ICU's \s lacks U+000B and U+0085, which White_Space has. */
#define S     "\\p{White_Space}"
#define NOT_S "\\P{White_Space}"
#define TAIL  "|" S "+(?!" NOT_S ")|" S "+"
#define LLAMA3_WITH(numbers)                                                                       \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers "| ?[^" S            \
	"\\p{L}\\p{N}]+[\\r\\n]*|" S "*[\\r\\n]+" TAIL
#define GPT2  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" S "\\p{L}\\p{N}]+" TAIL
#define UPPER "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
#define LOWER "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"

static const struct {
	const char *name;
	const char *patterns[SPLIT_STAGES_MAX];
} rows[] = {
	{ "llama-bpe", { LLAMA3_WITH("\\p{N}{1,3}") } },
	{ "qwen2", { LLAMA3_WITH("\\p{N}") } },
	{ "gpt-2", { GPT2 } },
	{ "smollm", { "\\p{N}", GPT2 } },
	{ "tekken",
	  { "[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]*[" LOWER "]+|[^\\r\\n\\p{L}\\p{N}]?[" UPPER
	    "]+[" LOWER "]*|\\p{N}| ?[^" S "\\p{L}\\p{N}]+[\\r\\n/]*|" S "*[\\r\\n]+" TAIL } },
	{ "deepseek-coder",
	  { "[\\r\\n]", S "?\\p{L}+", S "?\\p{P}+",
	    "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+", "\\p{N}" } },
	{ "default",
	  { "[\\p{P}\\$\\+<=>\\^~\\|]+",
	    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" S "\\p{L}\\p{N}]+|" S "+(?!" NOT_S
	    ")",
	    "\\p{N}+", "[0-9][0-9][0-9]" } },
};

/* clang-format off */
static const char *const samples[] = {
	"a", "b", "Z", "s", "S", "t", "re", "VE", "ll", "d", "m", "'s", "'S", "'ll", "'Re", "'",
	"'",
	" ", " ", " ", "  ", "\t", "\n", "\n", "\r", "\r\n", "\v", "\f", "\xc2\x85", "\xc2\xa0",
	"\xe2\x80\xa8", "\xe3\x80\x80", "\xe2\x80\x89", /* line separator, wide and thin spaces */
	"0", "1", "23", "4567", "\xd9\xa3", "\xc2\xbd", "\xe2\x85\xa7", /* ٣ ½ Ⅷ */
	".", ",", "!", "?", "(", "/", "$", "+", "<", "=", "^", "~", "|", "`", "_", "\"", "#",
	"\xe2\x80\x99", "\xe3\x80\x82", "\xef\xbc\x81", "\xe2\x82\xac", "\xe2\x88\x9e",
	/* ’ 。 ！ € ∞ */
	"\xc3\xa9", "\xc3\x89", "\xc5\xbf", "\xc7\x85", "\xca\xb0", "\xe2\x84\xaa",
	/* é É ſ ǅ ʰ K (Kelvin) */
	"\xce\xa3", "\xd0\xb6", "\xd7\xa9", "\xd8\xb9", "\xe0\xa4\xa8", "\xe0\xa4\xbf",
	"\xe0\xb8\x81",
	"\xe6\x88\x91", "\xe9\xbe\xa5", "\xe9\xbe\xa6", "\xe3\x81\x82", "\xed\x95\x9c",
	"\xf0\xa0\x80\x80",
	"\xcc\x81", "\xe2\x83\x9d", "\xef\xb8\x8f", "\xe2\x80\x8d", "\xc2\xad",
	/* marks and formats */
	"\xf0\x9f\x9a\x80", "\xf0\x9f\x98\xb6", "\xf0\x9d\x90\x80", "\xee\x80\x80", "\xcd\xb8",
	/* … unassigned */
};
/* clang-format on */

struct pieces {
	size_t ends[PIECES_MAX];
	size_t n;
	const char *text;
};

static bool piece_cb(void *arg, const char *s, size_t len)
{
	struct pieces *p = arg;

	assert_true(len > 0 && p->n < PIECES_MAX);
	assert_ptr_equal(s, p->text + (p->n > 0 ? p->ends[p->n - 1] : 0));
	p->ends[p->n++] = (size_t)(s - p->text) + len;
	return true;
}

/* What the expressions from k on make of text[from, to), by ICU. */
static void regex_split(URegularExpression *const *re, size_t k, struct pieces *p, size_t from,
			size_t to)
{
	UErrorCode status = U_ZERO_ERROR;
	size_t last = from;
	UText *u;

	if (k == SPLIT_STAGES_MAX || re[k] == NULL) {
		piece_cb(p, p->text + from, to - from);
		return;
	}
	u = utext_openUTF8(NULL, p->text + from, (int64_t)(to - from), &status);
	uregex_setUText(re[k], u, &status);
	while (uregex_findNext(re[k], &status)) {
		size_t start = from + (size_t)uregex_start64(re[k], 0, &status);
		size_t end = from + (size_t)uregex_end64(re[k], 0, &status);

		if (start > last)
			regex_split(re, k + 1, p, last, start);
		regex_split(re, k + 1, p, start, end);
		last = end;
	}
	assert_true(U_SUCCESS(status));
	if (to > last)
		regex_split(re, k + 1, p, last, to);
	utext_close(u);
}

static uint32_t random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static void random_text(uint64_t *state, struct buf *b)
{
	size_t n = random_next(state) % TEXT_CHARS;
	/* Few kinds of characters in one text meet in more ways than many. */
	size_t kinds = 2 + random_next(state) % ARRAY_LEN(samples);
	size_t first = random_next(state);

	buf_clear(b);
	buf_addc(b, '\0');
	buf_clear(b);
	for (size_t i = 0; i < n; i++) {
		size_t pick = first + random_next(state) % kinds * 7;

		if (random_next(state) % 64 == 0) { /* anything at all */
			uint32_t cp = random_next(state) % 0x110000;
			char c[4];

			if (cp >= 0xD800 && cp < 0xE000)
				cp -= 0x800;
			buf_add(b, c, utf8_put(cp, c));
		} else {
			buf_adds(b, samples[pick % ARRAY_LEN(samples)]);
		}
	}
	assert_false(buf_failed(b));
}

static void show(const char *what, const struct pieces *p)
{
	print_error("%s:", what);
	for (size_t i = 0, from = 0; i < p->n; from = p->ends[i++])
		print_error(" [%.*s]", (int)(p->ends[i] - from), p->text + from);
	print_error("\n");
}

static void pieces_are_those_of_the_expressions(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		const struct split *sp =
			split_find((struct ragd_str){ rows[r].name, strlen(rows[r].name) });
		URegularExpression *re[SPLIT_STAGES_MAX] = { NULL };
		UErrorCode status = U_ZERO_ERROR;
		uint64_t seed = 1;
		size_t n_pieces = 0;

		assert_non_null(sp);
		for (size_t k = 0; k < SPLIT_STAGES_MAX && rows[r].patterns[k] != NULL; k++)
			re[k] = uregex_openC(rows[r].patterns[k], 0, NULL, &status);
		assert_true(U_SUCCESS(status));
		for (size_t i = 0; i < TEXTS; i++) {
			static struct pieces got, want;

			random_text(&seed, &text);
			got.n = want.n = 0;
			got.text = want.text = text.data;
			split_text(sp, buf_str(&text), piece_cb, &got);
			if (text.len > 0)
				regex_split(re, 0, &want, 0, text.len);
			if (got.n != want.n ||
			    memcmp(got.ends, want.ends, got.n * sizeof(got.ends[0])) != 0) {
				show("got ", &got);
				show("want", &want);
				fail_msg("%s, text %zu", rows[r].name, i);
			}
			n_pieces += got.n;
		}
		print_message("%s: %zu pieces\n", rows[r].name, n_pieces);
		for (size_t k = 0; k < SPLIT_STAGES_MAX; k++)
			uregex_close(re[k]);
	}
	buf_fini(&text);
}

static void invalid_bytes_stay_in_the_text(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		static struct pieces got;
		char text[64];
		size_t n = 1 + random_next(&seed) % (sizeof(text) - 1);

		for (size_t k = 0; k < n; k++)
			text[k] = (char)random_next(&seed);
		for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
			got.n = 0;
			got.text = text;
			split_text(
				split_find((struct ragd_str){ rows[r].name, strlen(rows[r].name) }),
				(struct ragd_str){ text, n }, piece_cb, &got);
			assert_true(got.n > 0 && got.ends[got.n - 1] == n);
		}
	}
}

static void unknown_names_are_not_found(void **state)
{
	(void)state;
	assert_null(split_find((struct ragd_str){ "llama", 5 }));
	assert_null(split_find((struct ragd_str){ "", 0 }));
	assert_null(split_find((struct ragd_str){ NULL, 0 }));
}

static int ready(void **state)
{
	(void)state;
	return chars_ready() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_those_of_the_expressions),
		cmocka_unit_test(invalid_bytes_stay_in_the_text),
		cmocka_unit_test(unknown_names_are_not_found),
	};

	return cmocka_run_group_tests(tests, ready, NULL);
}
