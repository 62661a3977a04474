/*
 * Vocabularies that nobody made, and texts encoded with them and decoded again. An input is either
 * the letter g, the length of a text (two bytes, little end first), the text, and a GGUF file; or a
 * recipe in lines, after which a line of = and the text:
 *
 *   kKIND [PRE]   the kind of the file; llama and gpt2 begin with bytes in capitals (LLAMA, GPT2)
 *   tNSTEXT       a token of type N with the score 'a' - S
 *   mLINE         a merge
 *   iR NUMBER     an id: b(os), e(os), u(nknown), t (eot)
 *   p             no space in front
 *   s             spaces stay as many as they are
 *   cWHAT=AS      the map of characters reads WHAT as AS
 *   xNUMBER BITS  unit NUMBER of that map is what BITS say
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/token/map.h"
#include "tests/engine/token/toy.h"
#include "tests/fuzz/fuzz.h"

static bool is_control(const struct vocab *v, int32_t id)
{
	return vocab_type(v, id) == TOKEN_CONTROL && id != vocab_unknown(v);
}

/* The tokens are such as the promises of vocab.h allow. */
static void check_tokens(const struct vocab *v, const struct tokens *t, bool control)
{
	for (size_t i = 0; i < t->n; i++) {
		CHECK(t->ids[i] >= 0 && (uint32_t)t->ids[i] < vocab_size(v));
		CHECK(control || !is_control(v, t->ids[i]));
	}
}

/* Whether every byte has a token of its own. */
static bool all_bytes(const struct vocab *v)
{
	for (unsigned b = 0; b < 256; b++) {
		bool spm = strcmp(vocab_kind(v), "llama") == 0;
		char text[8];
		int32_t id;

		if (spm)
			snprintf(text, sizeof(text), "<0x%02X>", b);
		else
			text[utf8_put(letter_of_byte((uint8_t)b), text)] = '\0';
		id = vocab_find(v, (struct ragd_str){ text, strlen(text) });
		if (id < 0 || vocab_type(v, id) != (spm ? TOKEN_BYTE : TOKEN_NORMAL))
			return false;
	}
	return true;
}

/* Byte-level BPE gives back every text, control tokens shown. */
static void check_round_trip(const struct vocab *v, struct ragd_str text, const struct tokens *t)
{
	struct buf b = BUF_INIT;

	vocab_decode(v, t->ids, t->n, true, &b);
	CHECK(!buf_failed(&b));
	if (strcmp(vocab_kind(v), "gpt2") == 0 && all_bytes(v)) {
		CHECK(b.len == text.len);
		CHECK(b.len == 0 || memcmp(b.data, text.s, b.len) == 0);
	}
	buf_fini(&b);
}

static void check_pieces(const struct vocab *v, struct ragd_str text, const struct tokens *plain)
{
	size_t a = text.len / 3, b = text.len / 2;
	struct vocab_piece pieces[] = { { .text = { text.s, a }, .own = false },
					{ .text = { text.s + a, b - a }, .own = false },
					{ .text = { text.s + b, text.len - b }, .own = false } };
	struct tokens t = { 0 };

	CHECK(vocab_encode_pieces(v, pieces, ARRAY_LEN(pieces), VOCAB_SPECIAL, &t, NULL) == 0);
	CHECK(t.n == plain->n && (t.n == 0 || memcmp(t.ids, plain->ids, t.n * 4) == 0));
	t.n = 0;
	pieces[1].own = true;
	CHECK(vocab_encode_pieces(v, pieces, ARRAY_LEN(pieces), VOCAB_ENDS, &t, NULL) == 0);
	check_tokens(v, &t, true);
	tokens_fini(&t);
}

static void use(const struct vocab *v, struct ragd_str text)
{
	struct tokens plain = { 0 }, t = { 0 };
	struct buf b = BUF_INIT;

	CHECK(vocab_encode(v, text, 0, &plain, NULL) == 0);
	check_tokens(v, &plain, false);
	check_round_trip(v, text, &plain);
	CHECK(vocab_encode(v, text, VOCAB_SPECIAL, &t, NULL) == 0);
	check_tokens(v, &t, true);
	check_round_trip(v, text, &t);
	check_pieces(v, text, &plain);
	for (int32_t id = -1; id <= (int32_t)MIN(vocab_size(v), 64u); id++) {
		struct ragd_str name = vocab_text(v, id);
		int32_t found = vocab_find(v, name);

		vocab_piece(v, id, true, &b);
		CHECK(id < 0 || (uint32_t)id >= vocab_size(v) || found >= 0);
		CHECK(!vocab_is_end(v, id) || vocab_type(v, id) == TOKEN_CONTROL);
	}
	CHECK(!buf_failed(&b));
	tokens_fini(&plain);
	tokens_fini(&t);
	buf_fini(&b);
}

static void file(const uint8_t *data, size_t size)
{
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;
	struct gguf *g = NULL;
	struct ragd_str text;
	size_t n;

	if (size < 2)
		return;
	n = MIN((size_t)(data[0] | data[1] << 8), size - 2);
	text = (struct ragd_str){ (const char *)data + 2, n };
	if (gguf_read(data + 2 + n, size - 2 - n, &g, &err) < 0)
		return;
	if (vocab_open(g, &v, &err) == 0)
		use(v, text);
	else
		CHECK(err.msg[0] != '\0');
	vocab_close(v);
	gguf_close(g);
}

static struct toy toy;
static struct map map;
static char kind[64], pre[64];

static void begin(struct ragd_str line)
{
	const char *space = line.len > 0 ? memchr(line.s, ' ', line.len) : NULL;
	size_t n = space != NULL ? (size_t)(space - line.s) : line.len;

	if (toy.model != NULL)
		return;
	snprintf(kind, sizeof(kind), "%.*s", (int)n, line.s);
	snprintf(pre, sizeof(pre), "%.*s", (int)(line.len - n), line.s + n);
	if (strcmp(kind, "LLAMA") == 0)
		toy_spm(&toy, true);
	else if (strcmp(kind, "GPT2") == 0)
		toy_bpe(&toy, NULL);
	else
		toy.model = kind;
	toy.pre = space != NULL ? pre + 1 : NULL;
}

/* A rule of the map, or a unit of it overwritten: what no writer would write. */
static void map_ingredient(struct ragd_str line)
{
	char what[64], *rest;
	size_t unit;

	snprintf(what, sizeof(what), "%.*s", (int)MIN(line.len - 1, sizeof(what) - 1), line.s + 1);
	if (line.s[0] == 'c') {
		rest = strchr(what, '=');
		if (rest == NULL)
			return;
		*rest++ = '\0';
		map_add(&map, what, rest);
		return;
	}
	unit = strtoul(what, &rest, 10) % map.n_units;
	map.units[unit] = (uint32_t)strtoul(rest, NULL, 0);
}

static void ingredient(struct ragd_str line)
{
	static const struct {
		char letter;
		const char *key;
	} roles[] = {
		{ 'b', "tokenizer.ggml.bos_token_id" },
		{ 'e', "tokenizer.ggml.eos_token_id" },
		{ 'u', "tokenizer.ggml.unknown_token_id" },
		{ 't', "tokenizer.ggml.eot_token_id" },
	};
	char number[16];

	if (line.len >= 3 && line.s[0] == 't' && toy.n < TOY_TOKENS_MAX)
		toy.tokens[toy.n++] = (struct toy_token){ { line.s + 3, line.len - 3 },
							  line.s[1] - '0',
							  (float)('a' - line.s[2]) };
	else if (line.len >= 1 && line.s[0] == 'm' && toy.n_merges < TOY_TOKENS_MAX)
		toy.merges[toy.n_merges++] = (struct ragd_str){ line.s + 1, line.len - 1 };
	else if (line.len >= 1 && line.s[0] == 'p')
		toy_bool(&toy, "tokenizer.ggml.add_space_prefix", false);
	else if (line.len >= 1 && line.s[0] == 's')
		toy_bool(&toy, "tokenizer.ggml.remove_extra_whitespaces", false);
	else if (line.len >= 1 && (line.s[0] == 'c' || line.s[0] == 'x'))
		map_ingredient(line);
	for (size_t i = 0; i < ARRAY_LEN(roles) && line.len > 2 && line.s[0] == 'i'; i++)
		if (line.s[1] == roles[i].letter) {
			snprintf(number, sizeof(number), "%.*s", (int)MIN(line.len - 2, 9u),
				 line.s + 2);
			toy_u32(&toy, roles[i].key, (uint32_t)strtoul(number, NULL, 10));
		}
}

static void recipe(const uint8_t *data, size_t size)
{
	struct ragd_str text = { (const char *)data, size };
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;

	memset(&toy, 0, sizeof(toy));
	map_begin(&map);
	while (text.len > 0) {
		const char *end = memchr(text.s, '\n', text.len);
		struct ragd_str line = { text.s, end != NULL ? (size_t)(end - text.s) : text.len };

		text.len -= MIN(line.len + 1, text.len);
		text.s += end != NULL ? line.len + 1 : line.len;
		if (line.len == 1 && line.s[0] == '=')
			break;
		if (line.len > 0 && line.s[0] == 'k')
			begin((struct ragd_str){ line.s + 1, line.len - 1 });
		else
			ingredient(line);
	}
	if (toy.model == NULL)
		toy.model = "llama";
	if (strcmp(toy.model, "t5") == 0) {
		struct buf b = BUF_INIT;

		map_write(&map, &b);
		toy_bytes(&toy, "tokenizer.ggml.precompiled_charsmap", b.data, b.len);
		buf_fini(&b);
	}
	if (toy_open(&toy, &v, &err) == 0)
		use(v, text);
	else
		CHECK(err.msg[0] != '\0');
	vocab_close(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 'g')
		file(data + 1, size - 1);
	else
		recipe(data, size);
	return 0;
}
