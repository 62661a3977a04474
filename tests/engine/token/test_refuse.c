/*
 * Vocabularies that contradict themselves, and such as are only odd: refused with a sentence, or
 * used.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/token/encode.h"
#include "tests/test.h"

static void assert_refused(int code, const char *words)
{
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;
	int rc = toy_open(&toy, &v, &err);

	if (rc != code || strstr(err.msg, words) == NULL)
		fail_msg("%d '%s', not %d '%s'", rc, err.msg, code, words);
	assert_null(v);
}

/* ---- refused -------------------------------------------------------------------------------- */

static void no_vocabulary(void **state)
{
	struct ragd_err err = { 0 };
	struct buf b = BUF_INIT;
	struct vocab *v = NULL;
	struct gguf *g = NULL;

	(void)state;
	put_head(&b, 3, 0, 1);
	put_key_u32(&b, "answer", 42);
	assert_int_equal(gguf_read(b.data, b.len, &g, &err), 0);
	assert_int_equal(vocab_open(g, &v, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "tokenizer.ggml.model"));
	gguf_close(g);
	buf_fini(&b);
}

static void no_list_of_tokens(void **state)
{
	struct ragd_err err = { 0 };
	struct buf b = BUF_INIT;
	struct vocab *v = NULL;
	struct gguf *g = NULL;

	(void)state;
	put_head(&b, 3, 0, 2);
	put_key_str(&b, "tokenizer.ggml.model", "llama");
	put_key_u32(&b, "tokenizer.ggml.tokens", 42);
	assert_int_equal(gguf_read(b.data, b.len, &g, &err), 0);
	assert_int_equal(vocab_open(g, &v, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no list of tokens"));
	gguf_close(g);
	buf_fini(&b);
}

static void an_unknown_kind_is_named(void **state)
{
	(void)state;
	toy_spm(&toy, false);
	toy.model = "t5\n\x1b[31m and more than anybody wants to read in one line of an error";
	assert_refused(-ENOTSUP, "'t5[31mandmorethananybodywantstoreadinone'");
}

static void an_unknown_pre_tokenizer_is_named(void **state)
{
	(void)state;
	toy_bpe(&toy, "bloom");
	assert_refused(-ENOTSUP, "'bloom'");
}

static void an_empty_list(void **state)
{
	(void)state;
	toy.model = "llama";
	assert_refused(-EINVAL, "0 tokens");
}

static void ids_beyond_the_vocabulary(void **state)
{
	static const char *const keys[] = {
		"tokenizer.ggml.bos_token_id",       "tokenizer.ggml.eos_token_id",
		"tokenizer.ggml.eot_token_id",       "tokenizer.ggml.eom_token_id",
		"tokenizer.ggml.unknown_token_id",   "tokenizer.ggml.cls_token_id",
		"tokenizer.ggml.seperator_token_id",
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		toy_setup(state);
		toy_bpe(&toy, "gpt-2");
		toy_u32(&toy, keys[i], i % 2 == 0 ? 256 : UINT32_MAX);
		assert_refused(-EINVAL, keys[i]);
	}
}

static void lists_of_another_length(void **state)
{
	static const char *const keys[] = { "tokenizer.ggml.scores", "tokenizer.ggml.token_type" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		toy_setup(state);
		toy_spm(&toy, false);
		toy.no_scores = i == 0;
		toy.no_types = i == 1;
		put_array(&toy.keys, keys[i], GGUF_F32, 2);
		put_u64(&toy.keys, 0);
		toy.n_keys++;
		assert_refused(-EINVAL, "3 tokens, but 2 in");
	}
}

static void lists_of_something_else(void **state)
{
	(void)state;
	toy_spm(&toy, false);
	toy.no_scores = true;
	put_array(&toy.keys, "tokenizer.ggml.scores", GGUF_STRING, 3);
	for (int i = 0; i < 3; i++)
		put_str(&toy.keys, "1.0");
	toy.n_keys++;
	assert_refused(-EINVAL, "no list of numbers");
}

static void a_type_that_is_none(void **state)
{
	(void)state;
	toy_spm(&toy, false);
	toy_add(&toy, "x", 7, 0);
	assert_refused(-EINVAL, "token 3 is of type 7");
	toy_setup(state);
	toy_spm(&toy, false);
	toy_add(&toy, "x", -1, 0);
	assert_refused(-EINVAL, "token 3 is of type -1");
}

static void byte_level_without_merges(void **state)
{
	(void)state;
	toy_spm(&toy, false);
	toy.model = "gpt2"; /* has them as … */
	toy_merge(&toy, "ab");
	assert_refused(-EINVAL, "merge 0 names no two tokens");
	toy_setup(state);
	toy_bpe(&toy, "gpt-2");
	toy_merge(&toy, "a b");
	toy_merge(&toy, "");
	assert_refused(-EINVAL, "merge 1");
	toy_setup(state);
	toy_bpe(&toy, "gpt-2");
	toy_merge(&toy, " ");
	assert_refused(-EINVAL, "merge 0");
}

static void merges_missing(void **state)
{
	struct ragd_err err = { 0 };
	struct buf b = BUF_INIT;
	struct vocab *v = NULL;
	struct gguf *g = NULL;

	(void)state;
	put_head(&b, 3, 0, 2);
	put_key_str(&b, "tokenizer.ggml.model", "gpt2");
	put_array(&b, "tokenizer.ggml.tokens", GGUF_STRING, 1);
	put_str(&b, "a");
	assert_int_equal(gguf_read(b.data, b.len, &g, &err), 0);
	assert_int_equal(vocab_open(g, &v, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no list of merges"));
	gguf_close(g);
	buf_fini(&b);
}

/* ---- used ----------------------------------------------------------------------------------- */

static void merges_of_what_is_no_token_are_left_out(void **state)
{
	struct vocab *v;

	(void)state;
	toy_bpe(&toy, "gpt-2");
	toy_add(&toy, "ab", TOKEN_NORMAL, 0);
	toy_add(&toy, "<|x|>", TOKEN_CONTROL, 0);
	toy_merge(&toy, "a zz");   /* no such token */
	toy_merge(&toy, "b c");    /* no token of both */
	toy_merge(&toy, "<|x |>"); /* would make a control token */
	toy_merge(&toy, "a b");
	toy_merge(&toy, "a b"); /* again, later */
	v = toy_opened();
	encode(v, "abc", 0, IDS(256, 'c'));
	encode(v, "<|x|>", 0, IDS('<', '|', 'x', '|', '>'));
	vocab_close(v);
}

static void the_last_of_equal_tokens_counts(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	toy_add(&toy, "a", TOKEN_NORMAL, 0);
	toy_add(&toy, "a", TOKEN_NORMAL, 0);
	toy_add(&toy, "b", TOKEN_CONTROL, 0);
	toy_add(&toy, "b", TOKEN_NORMAL, 0);
	toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
	v = toy_opened();
	/* but what names a control token is none of text */
	encode(v, "ab", 0, IDS(4, 0));
	encode(v, "ab", VOCAB_SPECIAL, IDS(4, 5));
	vocab_close(v);
}

static void scores_that_are_no_numbers_come_last(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	toy_add(&toy, "a", TOKEN_NORMAL, 0);
	toy_add(&toy, "b", TOKEN_NORMAL, 0);
	toy_add(&toy, "c", TOKEN_NORMAL, 0);
	toy_add(&toy, "ab", TOKEN_NORMAL, NAN);
	toy_add(&toy, "bc", TOKEN_NORMAL, -INFINITY);
	toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
	v = toy_opened();
	encode(v, "abc", 0, IDS(3, 7));
	encode(v, "ab", 0, IDS(6));
	vocab_close(v);
}

static void without_types_and_scores(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, true);
	toy_add(&toy, "a", TOKEN_NORMAL, 0);
	toy.no_types = toy.no_scores = true;
	toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
	v = toy_opened();
	encode(v, "a\x01<s>", 0, IDS(259, 3 + 1, 3 + '<', 3 + 's', 3 + '>'));
	assert_int_equal(vocab_type(v, 1), TOKEN_CONTROL);
	assert_int_equal(vocab_type(v, 2), TOKEN_CONTROL);
	assert_int_equal(vocab_type(v, 3), TOKEN_BYTE);
	assert_int_equal(vocab_type(v, 0), TOKEN_UNKNOWN);
	vocab_close(v);
}

static void a_token_of_a_mebibyte(void **state)
{
	static char text[(1 << 20) + 1];
	struct tokens got = { 0 };
	struct vocab *v;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	toy_bpe(&toy, "llama-bpe");
	toy_add(&toy, text, TOKEN_NORMAL, 0);
	toy_add(&toy, text, TOKEN_USER, 0);
	v = toy_opened();
	assert_int_equal(vocab_find(v, (struct ragd_str){ text, 1 << 20 }), 257);
	assert_int_equal(vocab_encode(v, (struct ragd_str){ text, 1000 }, 0, &got, NULL), 0);
	assert_int_equal(got.n, 1000);
	tokens_fini(&got);
	vocab_close(v);
}

static void empty_tokens_are_nothing(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	toy_add(&toy, "", TOKEN_NORMAL, 0);
	toy_add(&toy, "", TOKEN_CONTROL, 0);
	toy_add(&toy, "", TOKEN_USER, 0);
	toy_add(&toy, "", TOKEN_BYTE, 0);
	v = toy_opened();
	encode(v, "x", VOCAB_SPECIAL, IDS(0));
	encode(v, "", VOCAB_SPECIAL, NULL, 0);
	vocab_close(v);
}

static void without_any_token_for_it_text_is_left_out(void **state)
{
	static const char *const models[] = { "llama", "gpt2", "bert" };

	for (size_t i = 0; i < ARRAY_LEN(models); i++) {
		struct vocab *v;

		toy_setup(state);
		toy.model = models[i];
		toy_add(&toy, "q", TOKEN_NORMAL, 0);
		v = toy_opened();
		encode(v, "x \xff\xc3\xa9 y", 0, NULL, 0);
		vocab_close(v);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, toy_setup)
	const struct CMUnitTest tests[] = {
		T(no_vocabulary),
		T(no_list_of_tokens),
		T(an_unknown_kind_is_named),
		T(an_unknown_pre_tokenizer_is_named),
		T(an_empty_list),
		T(ids_beyond_the_vocabulary),
		T(lists_of_another_length),
		T(lists_of_something_else),
		T(a_type_that_is_none),
		T(byte_level_without_merges),
		T(merges_missing),
		T(merges_of_what_is_no_token_are_left_out),
		T(the_last_of_equal_tokens_counts),
		T(scores_that_are_no_numbers_come_last),
		T(without_types_and_scores),
		T(a_token_of_a_mebibyte),
		T(empty_tokens_are_nothing),
		T(without_any_token_for_it_text_is_left_out),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
