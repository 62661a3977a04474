/* What vocabularies make of texts, and texts of tokens, on vocabularies of a few tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "tests/engine/token/encode.h"
#include "tests/test.h"

static uint32_t random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static void assert_ids(const struct tokens *got, const int32_t *want, size_t n)
{
	bool same = got->n == n && (n == 0 || memcmp(got->ids, want, n * sizeof(*want)) == 0);

	for (size_t i = 0; i < got->n && !same; i++)
		print_error(" %d", got->ids[i]);
	assert_true(same);
}

static void decode(const struct vocab *v, const int32_t *ids, size_t n, bool special,
		   const char *want)
{
	struct buf b = BUF_INIT;

	buf_addc(&b, '>'); /* it appends */
	vocab_decode(v, ids, n, special, &b);
	assert_string_equal(b.data + 1, want);
	buf_fini(&b);
}

/* ---- SentencePiece -------------------------------------------------------------------------- */

/* 3 ▁, 4 a, 5 b, 6 c, 7 ab, 8 ▁a, 9 ▁ab, 10 bc, 11 ▁▁; the higher score first. */
static void spm_letters(void)
{
	toy_add(&toy, "\xe2\x96\x81", TOKEN_NORMAL, -9);
	toy_add(&toy, "a", TOKEN_NORMAL, -9);
	toy_add(&toy, "b", TOKEN_NORMAL, -9);
	toy_add(&toy, "c", TOKEN_NORMAL, -9);
	toy_add(&toy, "ab", TOKEN_NORMAL, -2);
	toy_add(&toy,
		"\xe2\x96\x81"
		"a",
		TOKEN_NORMAL, -3);
	toy_add(&toy,
		"\xe2\x96\x81"
		"ab",
		TOKEN_NORMAL, -4);
	toy_add(&toy, "bc", TOKEN_NORMAL, -1);
	toy_add(&toy, "\xe2\x96\x81\xe2\x96\x81", TOKEN_NORMAL, -5);
}

static void spm_merges_by_score(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	v = toy_opened();
	assert_string_equal(vocab_kind(v), "llama");
	encode(v, "ab", 0, IDS(9));
	encode(v, "abc", 0, IDS(8, 10));
	encode(v, "ab  ab", 0, IDS(9, 3, 9));
	encode(v, "   ", 0, IDS(11, 11));
	encode(v, "", 0, NULL, 0);
	encode(v, "ab ab", VOCAB_ENDS, IDS(1, 9, 9));
	vocab_close(v);
}

static void spm_without_its_space_and_with_an_end(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
	toy_bool(&toy, "tokenizer.ggml.add_bos_token", false);
	toy_bool(&toy, "tokenizer.ggml.add_eos_token", true);
	v = toy_opened();
	encode(v, "ab ab", VOCAB_ENDS, IDS(7, 9, 2));
	decode(v, IDS(9, 9, 2), false, " ab ab");
	vocab_close(v);
}

static void spm_unknown_characters_in_a_row_are_one_token(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	v = toy_opened();
	encode(v,
	       "a\xc3\xa9\xc3\xa8xy\xff"
	       "a zz",
	       0, IDS(8, 0, 4, 3, 0));
	decode(v, IDS(8, 0, 4), false, "aa");
	decode(v, IDS(8, 0, 4), true, "a<unk>a");
	vocab_close(v);
}

static void spm_bytes_where_there_is_no_token(void **state)
{
	struct vocab *v;
	const char *text = "x\xc3\xa9\xff\n";
	struct buf b = BUF_INIT;

	(void)state;
	toy_spm(&toy, true);
	toy_add(&toy, "\xe2\x96\x81", TOKEN_NORMAL, -9);
	v = toy_opened();
	encode(v, text, 0, IDS(259, 3 + 'x', 3 + 0xc3, 3 + 0xa9, 3 + 0xff, 3 + '\n'));
	decode(v, IDS(259, 3 + 'x', 3 + 0xc3, 3 + 0xa9, 3 + 0xff, 3 + '\n'), false, text);
	vocab_piece(v, 3 + 0xc3, false, &b); /* half a character is the caller's to hold back */
	assert_int_equal(b.len, 1);
	vocab_piece(v, 259, false, &b);
	assert_string_equal(b.data + 1, " ");
	/* the name of a byte is no byte */
	encode(v, "<0x0A>", 0, IDS(259, 3 + '<', 3 + '0', 3 + 'x', 3 + '0', 3 + 'A', 3 + '>'));
	buf_fini(&b);
	vocab_close(v);
}

static void user_tokens_are_matched_in_plain_text(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	toy_add(&toy, "<a>", TOKEN_USER, 0);   /* 12 */
	toy_add(&toy, "<a>b", TOKEN_USER, 0);  /* 13 */
	toy_add(&toy, "b<a>c", TOKEN_USER, 0); /* 14 */
	v = toy_opened();
	encode(v, "a<a>a", 0, IDS(8, 12, 8)); /* the space also comes after a special token */
	decode(v, IDS(8, 12, 8), false, "a<a>a");
	encode(v, "<a>bc", 0, IDS(13, 3, 6)); /* the longest */
	encode(v, "ab<a>c", 0, IDS(8, 14));   /* from left to right */
	encode(v, "<a<a>", 0, IDS(3, 0, 4, 12));
	vocab_close(v);
}

static void spm_tokens_that_reach_over_a_space(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	toy_add(&toy, "b\xe2\x96\x81", TOKEN_NORMAL, -1); /* 12 */
	toy_add(&toy,
		"b\xe2\x96\x81"
		"b",
		TOKEN_NORMAL, -2); /* 13 */
	v = toy_opened();
	encode(v, "ab bc", 0, IDS(8, 12, 10));
	encode(v, "ab b", 0, IDS(8, 13));
	vocab_close(v);
}

static void a_space_mark_written_out_is_a_space(void **state)
{
	struct vocab *v;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	v = toy_opened();
	encode(v, "ab\xe2\x96\x81 ab", 0, IDS(9, 3, 9));
	encode(v, "ab\xe2\x96\x81  ", 0, IDS(9, 11, 3));
	encode(v, "ab   ", 0, IDS(9, 11, 3));
	vocab_close(v);
}

/* ---- byte-level BPE ------------------------------------------------------------------------- */

static void bpe_merges_by_rank_within_pieces(void **state)
{
	struct vocab *v;

	(void)state;
	toy_bpe(&toy, "gpt-2");
	toy_add(&toy, "ab", TOKEN_NORMAL, 0); /* 256 */
	toy_add(&toy, "bc", TOKEN_NORMAL, 0); /* 257 */
	toy_add(&toy,
		"\xc4\xa0"
		"ab",
		TOKEN_NORMAL, 0);             /* 258 */
	toy_add(&toy, "b1", TOKEN_NORMAL, 0); /* 259 */
	toy_merge(&toy, "b c");
	toy_merge(&toy, "a b");
	toy_merge(&toy, "\xc4\xa0 ab");
	toy_merge(&toy, "b 1");
	v = toy_opened();
	assert_string_equal(vocab_kind(v), "gpt2");
	encode(v, "abc ab", 0, IDS('a', 257, 258));
	encode(v, "ab1", VOCAB_ENDS, IDS(256, '1')); /* a number is a piece of its own */
	decode(v, IDS('a', 257, 258), false, "abc ab");
	vocab_close(v);
}

static void whole_pieces_where_merges_are_ignored(void **state)
{
	static const struct {
		const char *pre;
		int says; /* tokenizer.ggml.ignore_merges; -1: not there */
		bool ignored;
	} rows[] = {
		{ "llama-bpe", -1, true }, { "llama-bpe", 0, false }, { "tekken", -1, true },
		{ "qwen2", -1, false },    { "qwen2", 1, true },      { NULL, -1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vocab *v;

		toy_setup(state);
		toy_bpe(&toy, rows[i].pre);
		toy_add(&toy, "\xc4\xa0the", TOKEN_NORMAL, 0); /* 256; no merge makes it */
		if (rows[i].says >= 0)
			toy_bool(&toy, "tokenizer.ggml.ignore_merges", rows[i].says == 1);
		v = toy_opened();
		if (rows[i].ignored)
			encode(v, "a the", 0, IDS('a', 256));
		else
			encode(v, "a the", 0, IDS('a', ' ', 't', 'h', 'e'));
		vocab_close(v);
	}
}

static void any_bytes_come_back(void **state)
{
	static const char *const pres[] = { "llama-bpe", "gpt-2", "deepseek-coder", "default" };
	uint64_t seed = 3;

	for (size_t p = 0; p < ARRAY_LEN(pres); p++) {
		struct vocab *v;

		toy_setup(state);
		toy_bpe(&toy, pres[p]);
		toy_add(&toy, "aa", TOKEN_NORMAL, 0);
		toy_merge(&toy, "a a");
		v = toy_opened();
		for (size_t i = 0; i < 300; i++) {
			struct tokens t = { 0 };
			struct buf b = BUF_INIT;
			char text[600];
			size_t n = 1 + random_next(&seed) % sizeof(text);

			for (size_t k = 0; k < n; k++)
				text[k] = i % 2 == 0 ? (char)random_next(&seed)
						     : "a \nb1"[random_next(&seed) % 5];
			assert_int_equal(vocab_encode(v, (struct ragd_str){ text, n },
						      VOCAB_SPECIAL, &t, NULL),
					 0);
			vocab_decode(v, t.ids, t.n, false, &b);
			assert_int_equal(b.len, n);
			assert_memory_equal(b.data, text, n);
			tokens_fini(&t);
			buf_fini(&b);
		}
		vocab_close(v);
	}
}

static void a_users_letter_is_not_a_byte(void **state)
{
	struct vocab *v;

	(void)state;
	toy_bpe(&toy, "gpt-2");
	toy.tokens[0xF5].type = TOKEN_USER; /* as DeepSeek's vocabulary has it: õ, not byte F5 */
	v = toy_opened();
	encode(v, "\xf5\xc3\xb5", 0, IDS(0xF5));
	decode(v, IDS(0xF5), false, "\xc3\xb5");
	vocab_close(v);
}

/* ---- merging -------------------------------------------------------------------------------- */

/*
 * The definition, without a heap: of all pairs the best, the leftmost of equals, again and again.
 */
static size_t merge_plainly(const struct toy *t, const char *text, int32_t *ids)
{
	char parts[256][64];
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		snprintf(parts[i], sizeof(parts[i]), "%c", text[i]);
	for (;;) {
		size_t best = n;
		float score = 0;

		for (size_t i = 0; i + 1 < n; i++) {
			char both[128];

			snprintf(both, sizeof(both), "%.63s%.63s", parts[i], parts[i + 1]);
			for (size_t k = 3; k < t->n; k++)
				if (strcmp(t->tokens[k].text.s, both) == 0 &&
				    (best == n || t->tokens[k].score > score)) {
					best = i;
					score = t->tokens[k].score;
				}
		}
		if (best == n)
			break;
		memcpy(parts[best] + strlen(parts[best]), parts[best + 1],
		       strlen(parts[best + 1]) + 1); /* tokens have six letters at most */
		memmove(parts + best + 1, parts + best + 2, (n - best - 2) * sizeof(parts[0]));
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		ids[i] = TOKEN_NONE;
		for (size_t k = 3; k < t->n; k++)
			if (strcmp(t->tokens[k].text.s, parts[i]) == 0)
				ids[i] = (int32_t)k;
	}
	return n;
}

/* Random vocabularies over three letters, many scores equal; short pieces and long ones. */
static void merging_is_what_it_is_defined_as(void **state)
{
	uint64_t seed = 11;

	for (size_t round = 0; round < 60; round++) {
		static char texts[40][8];
		static struct toy same;
		struct vocab *v;

		toy_setup(state);
		toy_spm(&toy, false);
		toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
		for (size_t i = 0; i < 3; i++)
			toy_add(&toy, (const char *const[]){ "a", "b", "c" }[i], TOKEN_NORMAL, -50);
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			size_t len = 2 + random_next(&seed) % 5;
			bool there = false;

			for (size_t k = 0; k < len; k++)
				texts[i][k] = (char)('a' + random_next(&seed) % 3);
			texts[i][len] = '\0';
			for (size_t k = 0; k < i; k++)
				there = there || strcmp(texts[k], texts[i]) == 0;
			if (!there)
				toy_add(&toy, texts[i], TOKEN_NORMAL,
					-(float)(random_next(&seed) % 8));
		}
		same = toy; /* opening takes the keys */
		v = toy_opened();
		for (size_t i = 0; i < 20; i++) {
			int32_t want[256];
			char text[120];
			size_t n = 1 + random_next(&seed) % (i < 10 ? 20 : 110);

			for (size_t k = 0; k < n; k++)
				text[k] = (char)('a' + random_next(&seed) % 3);
			text[n] = '\0';
			n = merge_plainly(&same, text, want);
			encode(v, text, 0, want, n);
		}
		vocab_close(v);
	}
}

static double seconds(const struct vocab *v, struct ragd_str text)
{
	double best = 1e9;

	for (int i = 0; i < 2; i++) {
		struct tokens t = { 0 };
		struct timespec from, to;
		double took;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		assert_int_equal(vocab_encode(v, text, 0, &t, NULL), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		took = (double)(to.tv_sec - from.tv_sec) +
		       1e-9 * (double)(to.tv_nsec - from.tv_nsec);
		best = MIN(best, took);
		tokens_fini(&t);
	}
	return best;
}

/* Sixteen times the text in about as many times the time; squared it would be 256. */
static void time_grows_with_the_text(void **state)
{
	static const char *const samples[] = { "a", " ", "\n", "ab", "<|", "\xe6\x88\x91", "1" };
	static char text[1 << 16];

	for (int spm = 0; spm < 2; spm++) {
		struct vocab *v;

		toy_setup(state);
		if (spm)
			toy_spm(&toy, true);
		else
			toy_bpe(&toy, "llama-bpe");
		toy_add(&toy, "a", TOKEN_NORMAL, 0);
		toy_add(&toy, "aa", TOKEN_NORMAL, 0);
		toy_add(&toy, "aaaa", TOKEN_NORMAL, 0);
		toy_add(&toy, "<|<|<|<|<|<|x|>", TOKEN_CONTROL, 0);
		if (!spm) {
			toy_merge(&toy, "a a");
			toy_merge(&toy, "aa aa");
		}
		v = toy_opened();
		for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
			size_t len = strlen(samples[i]);
			double small, large;

			for (size_t k = 0; k + len <= sizeof(text); k += len)
				memcpy(text + k, samples[i], len);
			small = seconds(v, (struct ragd_str){ text, sizeof(text) / 16 });
			large = seconds(v, (struct ragd_str){ text, sizeof(text) });
			if (large > 64 * small && large > 0.1)
				fail_msg("'%s': %.4f s, then %.4f s", samples[i], small, large);
		}
		vocab_close(v);
	}
}

static void words_that_come_again_give_the_same(void **state)
{
	struct vocab *v;
	char text[4096] = "";
	int32_t want[2048];
	size_t n = 0;

	(void)state;
	toy_spm(&toy, true);
	spm_letters();
	toy.tokens[3 + 256].score = -9;
	v = toy_opened();
	for (size_t i = 0; i < 200; i++) {
		strcat(text, i % 3 == 2 ? " x" : i == 0 ? "ab" : " ab");
		if (i % 3 == 2) {
			want[n++] = 259;
			want[n++] = 3 + 'x';
		} else {
			want[n++] = 259 + 6;
		}
	}
	encode(v, text, 0, want, n);
	vocab_close(v);
}

/* ---- special tokens ------------------------------------------------------------------------- */

static void control_tokens_only_where_they_are_asked_for(void **state)
{
	struct vocab *v;

	(void)state;
	toy_bpe(&toy, "llama-bpe");
	toy_add(&toy, "<|eot_id|>", TOKEN_CONTROL, 0); /* 256 */
	toy_add(&toy, "<|begin|>", TOKEN_CONTROL, 0);  /* 257 */
	toy_add(&toy, "<|im_end|>", TOKEN_USER, 0);    /* 258: the file is wrong */
	toy_add(&toy, "<|system|>", TOKEN_NORMAL, 0);  /* 259: also */
	toy_add(&toy, "<tool_call>", TOKEN_USER, 0);   /* 260 */
	toy_u32(&toy, "tokenizer.ggml.bos_token_id", 257);
	toy_u32(&toy, "tokenizer.ggml.eos_token_id", 256);
	v = toy_opened();
	encode(v, "<|eot_id|>", VOCAB_SPECIAL | VOCAB_ENDS, IDS(257, 256));
	encode(v, "<|eot_id|>", 0, IDS('<', '|', 'e', 'o', 't', '_', 'i', 'd', '|', '>'));
	encode(v, "<|im_end|>", 0, IDS('<', '|', 'i', 'm', '_', 'e', 'n', 'd', '|', '>'));
	encode(v, "<|im_end|>", VOCAB_SPECIAL, IDS(258));
	encode(v, "<|system|>", 0, IDS('<', '|', 's', 'y', 's', 't', 'e', 'm', '|', '>'));
	encode(v, "<|system|>", VOCAB_SPECIAL, IDS(259));
	encode(v, "<tool_call>", 0, IDS(260));
	assert_true(vocab_is_end(v, 256) && vocab_is_end(v, 258));
	assert_false(vocab_is_end(v, 257) || vocab_is_end(v, 259) || vocab_is_end(v, 260));
	assert_false(vocab_is_end(v, -1) || vocab_is_end(v, 261));
	assert_int_equal(vocab_type(v, 258), TOKEN_CONTROL);
	assert_int_equal(vocab_type(v, 260), TOKEN_USER);
	decode(v, IDS('a', 256, 258, 260, 'b', 4711, -1), false, "a<tool_call>b");
	decode(v, IDS('a', 256, 258, 'b'), true, "a<|eot_id|><|im_end|>b");
	vocab_close(v);
}

static struct vocab_piece piece(const char *text, bool own)
{
	return (struct vocab_piece){ .text = { text, strlen(text) }, .own = own };
}

static void pieces(const struct vocab *v, const struct vocab_piece *p, size_t n_pieces,
		   const int32_t *want, size_t n)
{
	struct tokens got = { 0 };

	assert_int_equal(vocab_encode_pieces(v, p, n_pieces, VOCAB_SPECIAL, &got, NULL), 0);
	assert_ids(&got, want, n);
	tokens_fini(&got);
}

#define PIECES(...)                                                                                \
	(const struct vocab_piece[]){ __VA_ARGS__ },                                               \
		sizeof((const struct vocab_piece[]){ __VA_ARGS__ }) / sizeof(struct vocab_piece)

static void a_document_cannot_end_a_turn(void **state)
{
	struct vocab *v;

	(void)state;
	toy_bpe(&toy, "llama-bpe");
	toy_add(&toy, "<E>", TOKEN_CONTROL, 0);  /* 256 */
	toy_add(&toy, "<E>x", TOKEN_CONTROL, 0); /* 257 */
	toy_add(&toy, "ab", TOKEN_NORMAL, 0);    /* 258 */
	toy_merge(&toy, "a b");
	v = toy_opened();
	pieces(v, PIECES(piece("<E>", true), piece("<E>", false), piece("<E>", true)),
	       IDS(256, '<', 'E', '>', 256));
	pieces(v, PIECES(piece("<E", true), piece(">", false)), IDS('<', 'E', '>'));
	pieces(v, PIECES(piece("<", false), piece("E>", true)), IDS('<', 'E', '>'));
	pieces(v, PIECES(piece("<", true), piece("E", false), piece(">", true)),
	       IDS('<', 'E', '>'));
	/* the longest that the engine wrote, not the longest */
	pieces(v, PIECES(piece("<E>", true), piece("x", false)), IDS(256, 'x'));
	pieces(v, PIECES(piece("<E>", true), piece("", false), piece("x", true)), IDS(257));
	/* a word across a border is one word */
	pieces(v, PIECES(piece("<E>a", true), piece("b<E>", false)), IDS(256, 258, '<', 'E', '>'));
	pieces(v, NULL, 0, NULL, 0);
	vocab_close(v);
}

static bool among(int32_t id, const struct tokens *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->ids[i] == id)
			return true;
	return false;
}

/*
 * Texts of parts of control tokens, cut anywhere: control tokens come from own pieces alone, and a
 * text of which no piece is own is as if it were one.
 */
static void control_tokens_in_random_pieces(void **state)
{
	static const char *const parts[] = { "<E>", "<", "E", ">", "a", "<E", "E>", " " };
	struct vocab *v;
	uint64_t seed = 5;

	(void)state;
	toy_bpe(&toy, "llama-bpe");
	toy_add(&toy, "<E>", TOKEN_CONTROL, 0);
	v = toy_opened();
	for (size_t round = 0; round < 2000; round++) {
		struct vocab_piece p[8];
		struct tokens got = { 0 }, plain = { 0 };
		char text[64] = "";
		bool possible = false;

		for (size_t i = 0; i < ARRAY_LEN(p); i++) {
			p[i] = piece(parts[random_next(&seed) % ARRAY_LEN(parts)],
				     random_next(&seed) % 2 == 0);
			strcat(text, p[i].own ? p[i].text.s : "");
			if (!p[i].own) { /* what the engine wrote ends here */
				possible = possible || strstr(text, "<E>") != NULL;
				text[0] = '\0';
			}
		}
		possible = possible || strstr(text, "<E>") != NULL;
		assert_int_equal(vocab_encode_pieces(v, p, ARRAY_LEN(p), 0, &got, NULL), 0);
		assert_int_equal(among(256, &got), possible);
		got.n = 0;
		text[0] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(p); i++) {
			p[i].own = false;
			strcat(text, p[i].text.s);
		}
		assert_int_equal(vocab_encode_pieces(v, p, ARRAY_LEN(p), 0, &got, NULL), 0);
		assert_int_equal(
			vocab_encode(v, (struct ragd_str){ text, strlen(text) }, 0, &plain, NULL),
			0);
		assert_ids(&got, plain.ids, plain.n);
		tokens_fini(&got);
		tokens_fini(&plain);
	}
	vocab_close(v);
}

static void phi3_takes_in_the_white_space_behind(void **state)
{
	struct vocab *v;

	for (int phi = 0; phi < 2; phi++) {
		toy_setup(state);
		toy_spm(&toy, false);
		spm_letters();
		toy_add(&toy, "<|user|>", TOKEN_CONTROL, 0);      /* 12 */
		toy_add(&toy, "<|endoftext|>", TOKEN_CONTROL, 0); /* 13 */
		toy_add(&toy, "\n", TOKEN_NORMAL, 0);             /* 14 */
		if (phi)
			toy_str(&toy, "general.name", "Phi-3 mini");
		v = toy_opened();
		if (phi)
			encode(v, "<|user|> \n ab", VOCAB_SPECIAL, IDS(12, 9));
		else
			encode(v, "<|user|> \n ab", VOCAB_SPECIAL, IDS(12, 11, 14, 9));
		encode(v, "<|endoftext|>\nab", VOCAB_SPECIAL, IDS(13, 3, 14, 7));
		vocab_close(v);
	}
}

/* ---- WordPiece ------------------------------------------------------------------------------ */

/* 0 [UNK], 1 [CLS], 2 [SEP], then words, and what goes on from them. */
static void bert_words(void)
{
	static const char *const texts[] = { "[UNK]",
					     "[CLS]",
					     "[SEP]",
					     "\xe2\x96\x81"
					     "un",
					     "\xe2\x96\x81"
					     "cafe",
					     "able",
					     "a",
					     "\xe2\x96\x81,",
					     "\xe2\x96\x81\xe4\xb8\xad",
					     "\xe2\x96\x81"
					     "ss",
					     "\xe2\x96\x81\xce\xb1" };

	toy.model = "bert";
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		toy_add(&toy, texts[i], i < 3 ? TOKEN_CONTROL : TOKEN_NORMAL, 0);
}

static void wordpiece_takes_the_longest(void **state)
{
	struct vocab *v;

	(void)state;
	bert_words();
	v = toy_opened();
	assert_string_equal(vocab_kind(v), "bert");
	assert_int_equal(vocab_cls(v), 1);
	assert_int_equal(vocab_sep(v), 2);
	assert_int_equal(vocab_unknown(v), 0);
	encode(v, "unable una unx x", 0, IDS(3, 5, 3, 6, 0, 0));
	encode(v, "UNABLE,un", VOCAB_ENDS, IDS(1, 3, 5, 7, 3, 2));
	encode(v, "Caf\xc3\xa9 cafe\xcc\x81", 0, IDS(4, 4)); /* accents, composed or not */
	encode(v,
	       "\xe4\xb8\xad\xe4\xb8\xad"
	       "un",
	       0, IDS(8, 8, 3));
	encode(v, "\xe1\xbe\xb2", 0, IDS(10));                   /* one letter with two marks */
	encode(v, "u\xc2\xadn\x01 \xef\xbf\xbd\xff", 0, IDS(3)); /* what does not show goes */
	encode(v,
	       "un\xc2\xa0un\tun\x0c"
	       "un",
	       0, IDS(3, 3, 3, 3));
	encode(v, "[CLS] \xe2\x96\x81", 0, IDS(0, 0, 0, 0));
	encode(v, "[CLS]un", VOCAB_SPECIAL, IDS(1, 3));
	encode(v, "", VOCAB_ENDS, IDS(1, 2));
	decode(v, IDS(1, 3, 5, 7, 4, 2), false, "unable, cafe");
	decode(v, IDS(1, 3, 2), true, "[CLS]un[SEP]");
	vocab_close(v);
}

static void long_words_are_unknown(void **state)
{
	struct vocab *v;
	char text[128] = "un";
	struct tokens got = { 0 };

	(void)state;
	bert_words();
	v = toy_opened();
	memset(text + 2, 'a', 99);
	encode(v, text, 0, IDS(0));
	text[100] = '\0';
	assert_int_equal(vocab_encode(v, (struct ragd_str){ text, 100 }, 0, &got, NULL), 0);
	assert_int_equal(got.n, 99);
	tokens_fini(&got);
	vocab_close(v);
}

/* ---- questions ------------------------------------------------------------------------------ */

static void what_may_be_asked(void **state)
{
	struct vocab *v;
	struct buf b = BUF_INIT;

	(void)state;
	toy_spm(&toy, false);
	spm_letters();
	toy_u32(&toy, "tokenizer.ggml.eot_token_id", 6);
	v = toy_opened();
	assert_int_equal(vocab_size(v), 12);
	assert_int_equal(vocab_bos(v), 1);
	assert_int_equal(vocab_eos(v), 2);
	assert_int_equal(vocab_unknown(v), 0);
	assert_int_equal(vocab_sep(v), TOKEN_NONE);
	assert_int_equal(vocab_cls(v), TOKEN_NONE);
	assert_int_equal(vocab_find(v, RAGD_STR("</s>")), 2);
	assert_int_equal(vocab_find(v, RAGD_STR("bc")), 10);
	assert_int_equal(vocab_find(v, RAGD_STR("bcb")), TOKEN_NONE);
	assert_int_equal(vocab_find(v, RAGD_STR("")), TOKEN_NONE);
	assert_true(vocab_is_end(v, 2) && vocab_is_end(v, 6));
	assert_int_equal(vocab_type(v, 6), TOKEN_CONTROL); /* what ends a turn is none of text */
	assert_int_equal(vocab_text(v, 8).len, 4);
	assert_int_equal(vocab_text(v, 12).len, 0);
	assert_int_equal(vocab_text(v, -1).len, 0);
	vocab_piece(v, 12, true, &b);
	vocab_piece(v, INT32_MIN, true, &b);
	assert_int_equal(b.len, 0);
	decode(v, NULL, 0, false, "");
	buf_fini(&b);
	vocab_close(v);
	vocab_close(NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, toy_setup)
	const struct CMUnitTest tests[] = {
		T(spm_merges_by_score),
		T(spm_without_its_space_and_with_an_end),
		T(spm_unknown_characters_in_a_row_are_one_token),
		T(spm_bytes_where_there_is_no_token),
		T(user_tokens_are_matched_in_plain_text),
		T(spm_tokens_that_reach_over_a_space),
		T(a_space_mark_written_out_is_a_space),
		T(bpe_merges_by_rank_within_pieces),
		T(whole_pieces_where_merges_are_ignored),
		T(any_bytes_come_back),
		T(a_users_letter_is_not_a_byte),
		T(merging_is_what_it_is_defined_as),
		T(time_grows_with_the_text),
		T(words_that_come_again_give_the_same),
		T(control_tokens_only_where_they_are_asked_for),
		T(a_document_cannot_end_a_turn),
		T(control_tokens_in_random_pieces),
		T(phi3_takes_in_the_white_space_behind),
		T(wordpiece_takes_the_longest),
		T(long_words_are_unknown),
		T(what_may_be_asked),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
