/*
 * Unigram vocabularies: the ids that SentencePiece gives texts in many languages, the rules one by
 * one on vocabularies of a few tokens, and files that are refused.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/util.h"
#include "tests/engine/token/encode.h"
#include "tests/engine/token/map.h"
#include "tests/engine/token/models.h"
#include "tests/test.h"

#define MARK "\xe2\x96\x81"

static void assert_refused(const char *words)
{
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;
	int rc = toy_open(&toy, &v, &err);

	if (rc != -EINVAL || strstr(err.msg, words) == NULL)
		fail_msg("%d '%s', not '%s'", rc, err.msg, words);
	assert_null(v);
}

static void assert_ids(const struct tokens *got, const int32_t *want, size_t n, const char *text)
{
	if (got->n == n && (n == 0 || memcmp(got->ids, want, n * sizeof(*want)) == 0))
		return;
	for (size_t i = 0; i < got->n; i++)
		print_error(" %d", got->ids[i]);
	fail_msg("\"%s\"", text);
}

static void decode(const struct vocab *v, const int32_t *ids, size_t n, const char *want)
{
	struct buf b = BUF_INIT;

	buf_addc(&b, '>'); /* it appends */
	vocab_decode(v, ids, n, false, &b);
	assert_string_equal(b.data + 1, want);
	buf_fini(&b);
}

/* 0 <unk>, 1 <s>, 2 </s>, 3 ▁, 4 a, 5 b, 6 ▁a, 7 ab, 8 bb, 9 ▁ab: logarithms of probabilities. */
static void toy_unigram(void)
{
	toy_spm(&toy, false);
	toy.model = "t5";
	toy_add(&toy, MARK, TOKEN_NORMAL, -2);
	toy_add(&toy, "a", TOKEN_NORMAL, -3);
	toy_add(&toy, "b", TOKEN_NORMAL, -3);
	toy_add(&toy, MARK "a", TOKEN_NORMAL, -4);
	toy_add(&toy, "ab", TOKEN_NORMAL, -5);
	toy_add(&toy, "bb", TOKEN_NORMAL, -4);
	toy_add(&toy, MARK "ab", TOKEN_NORMAL, -8);
}

/* ---- SentencePiece's own ids ---------------------------------------------------------------- */

static void check_case(const struct vocab *v, const json_t *item)
{
	const json_t *text = json_object_get(item, "text"), *ids = json_object_get(item, "ids");
	const json_t *decoded = json_object_get(item, "decoded");
	struct ragd_str s = { json_string_value(text), json_string_length(text) };
	size_t n = json_array_size(ids);
	struct tokens got = { 0 };
	struct buf b = BUF_INIT;
	int32_t want[1024];

	assert_true(n <= ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++)
		want[i] = (int32_t)json_integer_value(json_array_get(ids, i));
	assert_int_equal(vocab_encode(v, s, 0, &got, NULL), 0);
	assert_ids(&got, want, n, s.s);
	vocab_decode(v, got.ids, got.n, false, &b);
	if (decoded != NULL) {
		assert_int_equal(b.len, json_string_length(decoded));
		assert_true(b.len == 0 || memcmp(b.data, json_string_value(decoded), b.len) == 0);
	}
	buf_fini(&b);
	tokens_fini(&got);
}

static void texts_in_many_languages(void **state)
{
	json_t *cases = json_load_file(unigram_path("cases.json"), JSON_ALLOW_NUL, NULL);
	struct vocab *v = models_tokenizer("unigram");

	(void)state;
	assert_true(json_array_size(cases) >= 100);
	assert_string_equal(vocab_kind(v), "t5");
	for (size_t i = 0; i < json_array_size(cases); i++)
		check_case(v, json_array_get(cases, i));
	vocab_close(v);
	json_decref(cases);
}

/* ---- the best tokens ------------------------------------------------------------------------ */

static void the_greatest_sum_of_scores(void **state)
{
	struct vocab *v;

	(void)state;
	toy_unigram();
	v = toy_opened();
	encode(v, "a", 0, IDS(6));
	encode(v, "ab", 0, IDS(3, 7));     /* -7; ▁a b as good, but found later; ▁ab -8 */
	encode(v, "abb", 0, IDS(6, 8));    /* -8; ▁ab b -11 */
	encode(v, "bab", 0, IDS(3, 5, 7)); /* -10; ▁ b a b -11 */
	encode(v, "ab ab b", 0, IDS(3, 7, 3, 7, 3, 5));
	encode(v, "", 0, NULL, 0);
	decode(v, IDS(6, 8, 6, 3, 4), "abb a a");
	vocab_close(v);
}

/* The definition: of all ways to cut a text the one with the best sum. */
static float cut_best(const struct toy *t, const char *text, size_t n)
{
	float best[64];

	best[0] = 0;
	for (size_t end = 1; end <= n; end++) {
		best[end] = -INFINITY;
		for (size_t i = 3; i < t->n; i++) {
			size_t len = t->tokens[i].text.len;

			if (len <= end && memcmp(text + end - len, t->tokens[i].text.s, len) == 0 &&
			    best[end - len] + t->tokens[i].score > best[end])
				best[end] = best[end - len] + t->tokens[i].score;
		}
	}
	return best[n];
}

static void choosing_is_what_it_is_defined_as(void **state)
{
	unsigned seed = 7;

	for (size_t round = 0; round < 100; round++) {
		static char texts[30][8];
		static struct toy same;
		struct vocab *v;

		toy_setup(state);
		toy_spm(&toy, false);
		toy.model = "t5";
		toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
		toy_add(&toy, "a", TOKEN_NORMAL, -9);
		toy_add(&toy, "b", TOKEN_NORMAL, -8);
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			size_t len = 2 + (size_t)rand_r(&seed) % 6, k = 3;

			for (size_t j = 0; j < len; j++)
				texts[i][j] = (char)('a' + rand_r(&seed) % 2);
			texts[i][len] = '\0';
			while (k < toy.n && strcmp(toy.tokens[k].text.s, texts[i]) != 0)
				k++;
			if (k == toy.n) /* halves, so that sums are exact */
				toy_add(&toy, texts[i], TOKEN_NORMAL,
					-(float)(rand_r(&seed) % 60) / 2);
		}
		same = toy; /* opening takes the keys */
		v = toy_opened();
		for (size_t i = 0; i < 20; i++) {
			size_t n = 1 + (size_t)rand_r(&seed) % 60;
			struct tokens got = { 0 };
			struct buf b = BUF_INIT;
			char text[64];
			float sum = 0;

			for (size_t k = 0; k < n; k++)
				text[k] = (char)('a' + rand_r(&seed) % 2);
			assert_int_equal(
				vocab_encode(v, (struct ragd_str){ text, n }, 0, &got, NULL), 0);
			for (size_t k = 0; k < got.n; k++)
				sum += same.tokens[got.ids[k]].score;
			assert_true(sum == cut_best(&same, text, n));
			vocab_decode(v, got.ids, got.n, false, &b);
			assert_int_equal(b.len, n);
			assert_memory_equal(b.data, text, n);
			buf_fini(&b);
			tokens_fini(&got);
		}
		vocab_close(v);
	}
}

static void unknown_characters_in_a_row_are_one(void **state)
{
	struct vocab *v;

	(void)state;
	toy_unigram();
	toy_add(&toy, "xyz", TOKEN_NORMAL, -45); /* dearer than three unknown ones are not */
	v = toy_opened();
	/* the least score is -45, so an unknown character costs 55 */
	encode(v, "\xe6\xbc\xa2\xe5\xad\x97\xff", 0, IDS(3, 0));
	encode(v, "axyzb", 0, IDS(6, 10, 5));
	encode(v, "axyb \xff \xff", 0, IDS(6, 0, 5, 3, 0, 3, 0));
	decode(v, IDS(6, 0, 5), "ab");
	vocab_close(v);
}

static void bytes_where_a_character_is_unknown(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, true);
	toy.model = "t5";
	toy_add(&toy, MARK, TOKEN_NORMAL, -2); /* 259 */
	v = toy_opened();
	encode(v, "\xc3\xa9\xff", 0,
	       IDS(259, 3 + 0xc3, 3 + 0xa9, 3 + 0xef, 3 + 0xbf, 3 + 0xbd)); /* U+FFFD's */
	decode(v, IDS(259, 3 + 0xc3, 3 + 0xa9), "\xc3\xa9");
	vocab_close(v);
}

static void tokens_not_used_are_not_chosen(void **state)
{
	struct vocab *v;

	(void)state;
	toy_unigram();
	toy_add(&toy, MARK "abb", TOKEN_UNUSED, -1);
	v = toy_opened();
	encode(v, "abb", 0, IDS(6, 8));
	vocab_close(v);
}

static void a_users_token_is_always_chosen(void **state)
{
	struct vocab *v;

	(void)state;
	toy_unigram();
	toy_add(&toy, "bb", TOKEN_CONTROL, 0);  /* 10: names the same as 8, and is none of text */
	toy_add(&toy, "<x>", TOKEN_USER, 0);    /* 11 */
	toy_add(&toy, MARK "b", TOKEN_USER, 0); /* 12 */
	v = toy_opened();
	encode(v, "a<x>ab", 0, IDS(6, 11, 7)); /* no space comes with it */
	encode(v, "a <x> b", 0, IDS(6, 3, 11, 12));
	encode(v, "bab", 0, IDS(12, 7));
	encode(v, "<x>", 0, IDS(3, 11));
	decode(v, IDS(6, 3, 11, 12), "a <x> b");
	vocab_close(v);
}

/* Longer tokens would make every place of a text cost as much. */
static void tokens_of_257_bytes_are_not_looked_for(void **state)
{
	static char text[258];
	struct tokens got = { 0 };
	struct vocab *v;

	(void)state;
	memset(text, 'a', 257);
	toy_unigram();
	toy_add(&toy, text, TOKEN_NORMAL, -1);
	toy_add(&toy, text + 1, TOKEN_NORMAL, -1); /* 11 */
	v = toy_opened();
	assert_int_equal(vocab_encode(v, (struct ragd_str){ text, 257 }, 0, &got, NULL), 0);
	assert_ids(&got, IDS(6, 11), text);
	tokens_fini(&got);
	vocab_close(v);
}

static void tokens_that_reach_over_a_space(void **state)
{
	struct vocab *v;

	(void)state;
	toy_unigram();
	toy_add(&toy, "b" MARK "b", TOKEN_NORMAL, -1);
	v = toy_opened();
	encode(v, "ab ba", 0, IDS(6, 10, 4));
	vocab_close(v);
}

/* ---- spaces, characters and ends ------------------------------------------------------------ */

static void spaces_as_the_file_says(void **state)
{
	static const struct {
		bool prefix, single;
		const char *text;
		int32_t want[8];
		size_t n;
	} rows[] = {
		{ true, true, "  a   a  ", { 6, 6 }, 2 },
		{ true, true, "   ", { 0 }, 0 },
		{ true, false, " a  a ", { 3, 6, 3, 6, 3 }, 5 },
		{ true, false, "  ", { 3, 3, 3 }, 3 },
		{ false, true, "  a   a  ", { 4, 6 }, 2 },
		{ false, false, " a  a ", { 6, 3, 6, 3 }, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vocab *v;

		toy_setup(state);
		toy_unigram();
		toy_bool(&toy, "tokenizer.ggml.add_space_prefix", rows[i].prefix);
		toy_bool(&toy, "tokenizer.ggml.remove_extra_whitespaces", rows[i].single);
		v = toy_opened();
		encode(v, rows[i].text, 0, rows[i].want, rows[i].n);
		vocab_close(v);
	}
}

static void characters_by_the_map(void **state)
{
	static struct map map;
	struct buf b = BUF_INIT;
	struct vocab *v;

	(void)state;
	map_begin(&map);
	map_add(&map, "A", "a");
	map_add(&map, "\t", " ");
	map_add(&map, "\x01", "");
	map_add(&map, "&", " a b ");
	map_add(&map, "<", "a");
	map_write(&map, &b);
	toy_unigram();
	toy_add(&toy, "<x>", TOKEN_USER, 0); /* 10 */
	toy_bytes(&toy, "tokenizer.ggml.precompiled_charsmap", b.data, b.len);
	v = toy_opened();
	encode(v, "A", 0, IDS(6));
	encode(v, "\t \x01 A\t\x01\tA \x01", 0, IDS(6, 6));
	encode(v, "\x01", 0, NULL, 0);
	encode(v, "a&a", 0, IDS(6, 6, 3, 5, 6)); /* its own spaces count */
	encode(v, "a && a", 0, IDS(6, 6, 3, 5, 6, 3, 5, 6));
	encode(v, "<<x>", 0, IDS(6, 10)); /* the user's token as it is */
	vocab_close(v);
	buf_fini(&b);
	buf_fini(&map.texts);
}

static void ends_as_the_file_says(void **state)
{
	struct vocab *v;

	(void)state;
	toy_unigram();
	v = toy_opened();
	encode(v, "a", VOCAB_ENDS, IDS(6, 2)); /* T5's way */
	encode(v, "", VOCAB_ENDS, IDS(2));
	vocab_close(v);
	toy_setup(state);
	toy_unigram();
	toy_bool(&toy, "tokenizer.ggml.add_bos_token", true);
	v = toy_opened();
	encode(v, "a", VOCAB_ENDS, IDS(1, 6, 2)); /* XLM-R's */
	vocab_close(v);
}

static void roles_that_the_file_names_otherwise(void **state)
{
	struct vocab *v;

	(void)state;
	toy.model = "t5";
	toy_add(&toy, "[CLS]", TOKEN_CONTROL, 0);
	toy_add(&toy, "[SEP]", TOKEN_CONTROL, 0);
	toy_add(&toy, "[UNK]", TOKEN_UNKNOWN, 0);
	toy_add(&toy, MARK, TOKEN_NORMAL, -1);
	toy_add(&toy, "[MASK]", TOKEN_NORMAL, -1); /* 4 */
	toy_add(&toy, "[PAD]", TOKEN_NORMAL, -1);  /* 5 */
	toy_u32(&toy, "tokenizer.ggml.cls_token_id", 0);
	toy_u32(&toy, "tokenizer.ggml.seperator_token_id", 1);
	toy_u32(&toy, "tokenizer.ggml.mask_token_id", 4);
	toy_u32(&toy, "tokenizer.ggml.padding_token_id", 5);
	toy_bool(&toy, "tokenizer.ggml.add_bos_token", true);
	v = toy_opened();
	encode(v, "x", VOCAB_ENDS, IDS(0, 3, 2, 1));
	encode(v, "[MASK] [PAD] [CLS]", 0, IDS(3, 2, 3, 2, 3, 2)); /* a document holds no such */
	assert_int_equal(vocab_eos(v), 1);
	vocab_close(v);
}

static void control_tokens_only_where_they_are_asked_for(void **state)
{
	struct vocab_piece pieces[] = { { .text = RAGD_STR("</s>a"), .own = true },
					{ .text = RAGD_STR("</s>"), .own = false } };
	struct tokens got = { 0 };
	struct vocab *v;

	(void)state;
	toy_unigram();
	v = toy_opened();
	encode(v, "a</s>", 0, IDS(6, 0));
	encode(v, "a</s>a", VOCAB_SPECIAL, IDS(6, 2, 6));
	assert_int_equal(vocab_encode_pieces(v, pieces, 2, 0, &got, NULL), 0);
	assert_ids(&got, IDS(2, 6, 0), "pieces");
	decode(v, IDS(6, 2, 6), "aa");
	tokens_fini(&got);
	vocab_close(v);
}

/* ---- refused -------------------------------------------------------------------------------- */

static void without_scores(void **state)
{
	(void)state;
	toy_unigram();
	toy.no_scores = true;
	assert_refused("no scores");
}

static void scores_that_are_no_numbers(void **state)
{
	static const float scores[] = { NAN, INFINITY, -INFINITY };

	for (size_t i = 0; i < ARRAY_LEN(scores); i++) {
		toy_setup(state);
		toy_unigram();
		toy_add(&toy, "c", TOKEN_NORMAL, scores[i]);
		assert_refused("the score of token 10");
	}
	toy_setup(state);
	toy_unigram();
	toy_add(&toy, "<c>", TOKEN_CONTROL, NAN); /* says nothing there */
	vocab_close(toy_opened());
}

static void scores_of_another_length(void **state)
{
	(void)state;
	toy_unigram();
	toy.no_scores = true;
	put_array(&toy.keys, "tokenizer.ggml.scores", GGUF_F32, 2);
	put_u64(&toy.keys, 0);
	toy.n_keys++;
	assert_refused("10 tokens, but 2 in");
}

static void a_map_that_is_no_bytes(void **state)
{
	static const uint32_t types[] = { GGUF_U32, GGUF_F32 };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		toy_setup(state);
		toy_unigram();
		put_array(&toy.keys, "tokenizer.ggml.precompiled_charsmap", types[i], 2);
		put_u64(&toy.keys, 0);
		toy.n_keys++;
		assert_refused("no list of bytes");
	}
	toy_setup(state);
	toy_unigram();
	toy_bytes(&toy, "tokenizer.ggml.precompiled_charsmap", "\0\0\0\0\0", 5);
	assert_refused("a map of characters of 5 bytes");
	toy_setup(state);
	toy_unigram();
	toy_bytes(&toy, "tokenizer.ggml.precompiled_charsmap", "", 0);
	vocab_close(toy_opened()); /* there is none */
}

static void roles_beyond_the_vocabulary(void **state)
{
	static const char *const keys[] = { "tokenizer.ggml.padding_token_id",
					    "tokenizer.ggml.mask_token_id" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		toy_setup(state);
		toy_unigram();
		toy_u32(&toy, keys[i], 10);
		assert_refused(keys[i]);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, toy_setup)
	const struct CMUnitTest tests[] = {
		T(texts_in_many_languages),
		T(the_greatest_sum_of_scores),
		T(choosing_is_what_it_is_defined_as),
		T(unknown_characters_in_a_row_are_one),
		T(bytes_where_a_character_is_unknown),
		T(tokens_not_used_are_not_chosen),
		T(a_users_token_is_always_chosen),
		T(tokens_of_257_bytes_are_not_looked_for),
		T(tokens_that_reach_over_a_space),
		T(spaces_as_the_file_says),
		T(characters_by_the_map),
		T(ends_as_the_file_says),
		T(roles_that_the_file_names_otherwise),
		T(control_tokens_only_where_they_are_asked_for),
		T(without_scores),
		T(scores_that_are_no_numbers),
		T(scores_of_another_length),
		T(a_map_that_is_no_bytes),
		T(roles_beyond_the_vocabulary),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
