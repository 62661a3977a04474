/*
 * Conversations as tokens of real vocabularies: the control tokens of a prompt are those that the
 * template wrote, whatever the messages say. Every control token of the vocabulary stands in every
 * message here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "engine/chat/chat.h"
#include "engine/gguf/gguf.h"
#include "tests/engine/token/models.h"
#include "tests/test.h"

/* The control tokens of a prompt in order, and in `decoded` its text. */
static void tokens_of(const struct vocab *v, const char *family, struct ragd_str text,
		      struct tokens *control, struct buf *rendered, struct buf *decoded)
{
	const struct ragd_message m[] = {
		{ RAGD_ROLE_SYSTEM, text },
		{ RAGD_ROLE_USER, text },
		{ RAGD_ROLE_ASSISTANT, text },
		{ RAGD_ROLE_USER, text },
	};
	struct chat_context ctx = { .generation_prompt = true, .merge_system = true };
	struct arena *arena = arena_new(1 << 20);
	const struct vocab_piece *pieces;
	struct tokens all = { 0 };
	struct ragd_err err = { 0 };
	size_t n;

	if (vocab_bos(v) != TOKEN_NONE)
		ctx.bos = vocab_text(v, vocab_bos(v));
	if (vocab_eos(v) != TOKEN_NONE)
		ctx.eos = vocab_text(v, vocab_eos(v));
	if (chat_render(chat_family(family), &ctx, m, ARRAY_LEN(m), arena, &pieces, &n, &err) < 0 ||
	    vocab_encode_pieces(v, pieces, n, 0, &all, &err) < 0)
		fail_msg("%s: %s", family, err.msg);
	for (size_t i = 0; i < n; i++)
		buf_add(rendered, pieces[i].text.s, pieces[i].text.len);
	vocab_decode(v, all.ids, all.n, true, decoded);
	for (size_t i = 0; i < all.n; i++)
		if (vocab_type(v, all.ids[i]) == TOKEN_CONTROL)
			tokens_add(control, all.ids[i]);
	tokens_fini(&all);
	arena_free(arena);
}

static void people_end_no_turn(void **state)
{
	static const struct {
		const char *vocab, *family;
		size_t n; /* control tokens that the template writes for four messages */
	} rows[] = {
		{ "llama-bpe", "llama3", 15 },
		{ "llama-bpe", "llama3.1", 15 },
		{ "llama-bpe", "llama3.2", 15 },
		{ "qwen2", "qwen2.5", 9 },
		{ "qwen2", "qwen3", 9 },
		{ "qwen2", "chatml", 9 },
		{ "llama-spm", "llama2", 3 },
		{ "llama-spm", "mistral", 2 },
		{ "llama-spm", "mistral-nemo", 2 },
		{ "llama-spm", "zephyr", 4 },
		{ "phi-3", "phi3", 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vocab *v = models_tokenizer(rows[i].vocab);
		struct tokens quiet = { 0 }, loud = { 0 };
		struct buf text = BUF_INIT, rendered = BUF_INIT, decoded = BUF_INIT;
		size_t n_names = 0;

		buf_adds(&text, "say");
		for (int32_t id = 0; id < (int32_t)vocab_size(v); id++) {
			struct ragd_str name = vocab_text(v, id);

			if (vocab_type(v, id) != TOKEN_CONTROL)
				continue;
			buf_add(&text, name.s, name.len);
			n_names++;
		}
		tokens_of(v, rows[i].family, (struct ragd_str){ "say", 3 }, &quiet, &rendered,
			  &decoded);
		rendered.len = decoded.len = 0;
		tokens_of(v, rows[i].family, (struct ragd_str){ text.data, text.len }, &loud,
			  &rendered, &decoded);
		print_message("%s as %s: %zu names of control tokens in each message, %zu control "
			      "tokens in the prompt\n",
			      rows[i].vocab, rows[i].family, n_names, loud.n);
		assert_true(n_names > 0);
		assert_int_equal(quiet.n, rows[i].n);
		assert_int_equal(loud.n, quiet.n);
		assert_memory_equal(loud.ids, quiet.ids, quiet.n * sizeof(*quiet.ids));
		/* The line feeds after Phi's marks are part of the marks to its tokenizer. */
		if (strcmp(rows[i].family, "phi3") != 0) {
			assert_int_equal(decoded.len, rendered.len);
			assert_memory_equal(decoded.data, rendered.data, rendered.len);
		}
		tokens_fini(&quiet);
		tokens_fini(&loud);
		buf_fini(&text);
		buf_fini(&rendered);
		buf_fini(&decoded);
		vocab_close(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(people_end_no_turn) };

	if (!models_find("tokenizers"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
