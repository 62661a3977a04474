/* What families refuse, trim, put in place and leave out, and how they are recognised. */
#include "tests/engine/chat/render.h"

#define STR(s) ((struct ragd_str){ s, sizeof(s) - 1 })

static void refuses_what_templates_refuse(void **state)
{
	static const char alternate[] =
		"Conversation roles must alternate user/assistant/user/assistant/...";
	static const char after[] = "After the optional system message, conversation roles must "
				    "alternate user/assistant/user/assistant/...";
	static const char none[] = "the conversation has no messages";
	static const struct {
		const char *name, *family;
		struct ragd_message m[4];
		size_t n;
		const char *want;
	} rows[] = {
		{ "two questions", "llama2", { U("a"), U("b") }, 2, alternate },
		{ "two questions after a system message",
		  "gemma3",
		  { S("s"), U("a"), U("b") },
		  3,
		  alternate },
		{ "an answer first", "gemma", { A("a") }, 1, alternate },
		{ "a system message in between",
		  "llama2",
		  { U("a"), S("s"), U("b") },
		  3,
		  alternate },
		{ "two questions", "mistral-nemo", { U("a"), U("b") }, 2, after },
		{ "two answers", "mistral-v1", { U("a"), A("b"), A("c") }, 3, after },
		{ "a system message", "gemma", { S("s"), U("a") }, 2, "System role not supported" },
		{ "a system message", "mistral", { S("s"), U("a") }, 2, alternate },
		{ "a system message",
		  "magicoder",
		  { S("s"), U("a") },
		  2,
		  "System messages are not allowed in this template." },
		{ "a system message it would drop",
		  "phi3-first",
		  { S("s"), U("a") },
		  2,
		  "the template has no place for a system message" },
		{ "a system message it would drop",
		  "stablelm",
		  { U("a"), S("s") },
		  2,
		  "the template has no place for a system message" },
		{ "a system message it would drop",
		  "deepseek-r1",
		  { S("s"), U("a"), S("t") },
		  3,
		  "the template has a place for one system message only" },
		{ "a system message it would drop",
		  "mistral-nemo",
		  { S("s"), U("a"), A("b") },
		  3,
		  "the template has a place for a system message in a question that comes last, "
		  "and an "
		  "answer does" },
		{ "no messages", "llama3.1", { EMPTY }, 0, none },
		{ "no messages", "llama2", { EMPTY }, 0, none },
		{ "no messages", "mistral-v3", { EMPTY }, 0, none },
		{ "no messages", "gemma", { EMPTY }, 0, none },
		{ "no messages", "gemma3", { EMPTY }, 0, none },
		{ "no messages", "qwen2.5", { EMPTY }, 0, none },
		{ "no messages", "qwen3", { EMPTY }, 0, none },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s: %s\n", rows[i].family, rows[i].name);
		assert_int_equal(render(rows[i].family, &plain, rows[i].m, rows[i].n), -EINVAL);
		assert_string_equal(err.msg, rows[i].want);
	}
}

static void merges_system_messages(void **state)
{
	static const struct {
		struct ragd_message m[4];
		size_t n;
		const char *want;
	} rows[] = {
		{ { S("s"), U("a") }, 2, "<s>[INST] s\n\na [/INST]" },
		{ { S("s"), S("t"), U("a") }, 3, "<s>[INST] s\n\nt\n\na [/INST]" },
		{ { S("s") }, 1, "<s>[INST] s [/INST]" },
		{ { EMPTY, U("a") }, 2, "<s>[INST] \n\na [/INST]" },
		{ { U("a"), A("b"), U("c") }, 3, "<s>[INST] a [/INST]b</s>[INST] c [/INST]" },
		{ { EMPTY }, 0, "<s>" },
	};
	static const struct ragd_message late[] = { U("a"), S("s"), U("b") };
	static const struct ragd_message answer[] = { S("s"), A("a"), U("b") };
	struct chat_context ctx = plain;

	(void)state;
	ctx.merge_system = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(render("mistral", &ctx, rows[i].m, rows[i].n), 0);
		assert_string_equal(text, rows[i].want);
	}
	/* Only those in front, and only where there is no place of their own. */
	assert_int_equal(render("mistral", &ctx, late, 3), -EINVAL);
	assert_int_equal(render("mistral", &ctx, answer, 3), 0);
	assert_string_equal(text, "<s>[INST] s [/INST]a</s>[INST] b [/INST]");
	assert_int_equal(render("zephyr", &ctx, rows[0].m, 2), 0);
	assert_string_equal(text, "<|system|>\ns</s>\n<|user|>\na</s>\n<|assistant|>\n");
}

static void trims_as_templates_do(void **state)
{
	static const struct {
		const char *family;
		struct ragd_message m[3];
		size_t n;
		const char *want;
	} rows[] = {
		/* every white space of Unicode, and no more than that */
		{ "gemma",
		  { U("\xc2\xa0\xe2\x80\xa8\t\x1c a\xe2\x80\x8b \xe3\x80\x80\xc2\x85\n") },
		  1,
		  "<s><start_of_turn>user\na\xe2\x80\x8b<end_of_turn>\n<start_of_turn>model\n" },
		/* bytes that are no UTF-8 stay */
		{ "gemma",
		  { U(" \xa0\xff \x85 ") },
		  1,
		  "<s><start_of_turn>user\n\xa0\xff \x85<end_of_turn>\n<start_of_turn>model\n" },
		{ "gemma",
		  { U(" \n ") },
		  1,
		  "<s><start_of_turn>user\n<end_of_turn>\n<start_of_turn>model\n" },
		/* the system's text and the question are one to Llama 2 */
		{ "llama2", { S(" s "), U(" \n") }, 2, "<s>[INST] <<SYS>>\n s \n<</SYS>> [/INST]" },
		{ "llama2",
		  { U(" \n"), A(" "), U(" b ") },
		  3,
		  "<s>[INST]  [/INST]  </s><s>[INST] b [/INST]" },
		{ "mistral-nemo", { U(" a ") }, 1, "<s>[INST] a [/INST]" },
		{ "phi3", { EMPTY, U("") }, 2, "<|user|>\n<|end|>\n<|assistant|>\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(render(rows[i].family, &plain, rows[i].m, rows[i].n), 0);
		assert_string_equal(text, rows[i].want);
	}
}

static void puts_a_system_turn_in_place(void **state)
{
	static const struct ragd_message user[] = { U("a") }, silent[] = { EMPTY, U("a") };
	static const struct {
		const char *family, *want;
	} rows[] = {
		{ "qwen2.5",
		  "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a "
		  "helpful assistant.<|im_end|>\n<|im_start|>user\n" },
		{ "qwen2", "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" },
		{ "qwen1.5", "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n" },
		{ "smollm2",
		  "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained "
		  "by Hugging Face<|im_end|>\n" },
		{ "deepseek-coder", "<s>You are an AI programming assistant, utilizing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(render(rows[i].family, &plain, user, 1), 0);
		assert_memory_equal(text, rows[i].want, strlen(rows[i].want));
		assert_true(pieces[0].own);
	}
	/* One that is there but says nothing is left as it is. */
	assert_int_equal(render("qwen2", &plain, silent, 2), 0);
	assert_string_equal(text, "<|im_start|>system\n<|im_end|>\n<|im_start|>user\na<|im_end|>\n"
				  "<|im_start|>assistant\n");
}

static void names_the_day_where_it_is_asked(void **state)
{
	static const struct ragd_message user[] = { U("a") };
	struct chat_context ctx = plain;

	(void)state;
	assert_int_equal(render("llama3.2", &ctx, user, 1), 0);
	assert_non_null(strstr(text, "\nToday Date: 26 Jul 2024\n\n<|eot_id|>"));
	ctx.date = "31 Dec 2030";
	assert_int_equal(render("llama3.2", &ctx, user, 1), 0);
	assert_non_null(strstr(text, "\nToday Date: 31 Dec 2030\n\n<|eot_id|>"));
	assert_int_equal(render("llama3.3", &ctx, user, 1), 0);
	assert_non_null(strstr(text, "\nToday Date: 26 Jul 2024\n\n<|eot_id|>"));
}

static void leaves_thoughts_out(void **state)
{
	static const struct ragd_message m[] = { U("a"), A("<think>\nhm\n</think>\n\nb"), U("c") };
	static const struct ragd_message last[] = { U("a"), A("<think>\nhm\n</think>\n\nb") };
	struct chat_context ctx = plain;

	(void)state;
	ctx.no_think = true;
	assert_int_equal(render("qwen3", &ctx, m, 3), 0);
	assert_string_equal(text,
			    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
			    "<|im_start|>user\nc<|im_end|>\n"
			    "<|im_start|>assistant\n<think>\n\n</think>\n\n");
	assert_int_equal(render("qwen3-thinking", &ctx, m, 1), 0);
	assert_string_equal(text,
			    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\n");
	ctx.generation_prompt = false;
	assert_int_equal(render("qwen3", &ctx, last, 2), 0);
	assert_string_equal(text,
			    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n"
			    "</think>\n\nb<|im_end|>\n");
	assert_int_equal(render("deepseek-r1", &plain, m, 3), 0);
	assert_string_equal(text,
			    "<s><｜User｜>a<｜Assistant｜>\n\nb<｜end▁of▁sentence｜><｜User｜>c"
			    "<｜Assistant｜><think>\n");
	assert_int_equal(render("deepseek-v3", &plain, m, 2), 0);
	assert_non_null(strstr(text, "<｜Assistant｜><think>\nhm\n</think>\n\nb<"));
}

static void ends_without_a_prompt(void **state)
{
	static const struct ragd_message m[] = { U("a"), A("b") };
	static const struct {
		const char *family, *want;
	} rows[] = {
		{ "chatml", "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n" },
		{ "chatml-ends",
		  "<s><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
		  "</s>" },
		{ "phi3", "<|user|>\na<|end|>\n<|assistant|>\nb<|end|>\n</s>" },
		{ "vicuna", "USER: a\nASSISTANT: b</s>\n" },
		{ "gemma3", "<s><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n"
			    "b<end_of_turn>\n" },
		{ "llama3-first", "<s><|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
				  "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"
				  "<|start_header_id|>assistant<|end_header_id|>\n\n" },
	};
	struct chat_context ctx = plain;

	(void)state;
	ctx.generation_prompt = false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(render(rows[i].family, &ctx, m, 2), 0);
		assert_string_equal(text, rows[i].want);
	}
}

static void leaves_the_first_bos_to_the_tokenizer(void **state)
{
	static const struct ragd_message m[] = { U("a"), A("b"), U("c") };
	struct chat_context ctx = plain;

	(void)state;
	ctx.bos_is_added = true;
	assert_int_equal(render("llama2", &ctx, m, 3), 0);
	assert_string_equal(text, "[INST] a [/INST] b </s><s>[INST] c [/INST]");
	assert_int_equal(render("gemma", &ctx, m, 1), 0);
	assert_string_equal(text, "<start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n");
	ctx.bos = ctx.eos = (struct ragd_str){ NULL, 0 };
	ctx.bos_is_added = false;
	assert_int_equal(render("llama2", &ctx, m, 3), 0);
	assert_string_equal(text, "[INST] a [/INST] b [INST] c [/INST]");
}

/* Of the first message's beginning, wherever a family puts it, and of nothing else. */
static void marks_what_is_configured(void **state)
{
	static const struct ragd_message m[] = { S("  Be kind. And this was not configured."),
						 U("  Be kind. Who are you?"), A("Be kind."),
						 U("And who am I?") };
	static const size_t n_configured = 10; /* "  Be kind." */
	size_t n_families = 0, n_marked = 0;

	(void)state;
	for (const char *name; (name = chat_family_list(n_families)) != NULL; n_families++)
		for (size_t n = 2; n <= 4; n += 2) {
			struct chat_context ctx = { .generation_prompt = true,
						    .merge_system = true,
						    .n_configured = n_configured };
			struct arena *a = arena_new(65536);
			const struct vocab_piece *got;
			struct ragd_err why;
			size_t n_got = 0, found = 0;

			assert_non_null(a);
			if (chat_render(chat_family(name), &ctx, m, n, a, &got, &n_got, &why) < 0)
				n_got = 0; /* which refuses such a conversation */
			for (size_t i = 0; i < n_got; i++) {
				struct ragd_str t = got[i].text;
				size_t blanks = t.len > 0 && t.s[0] == ' ' ? 2 : 0;

				if (got[i].n_configured == 0)
					continue;
				assert_false(got[i].own);
				assert_int_equal(got[i].n_configured, 8 + blanks);
				assert_memory_equal(t.s + blanks, "Be kind. And this", 17);
				found++;
			}
			assert_true(found <= 1);
			n_marked += found;
			arena_free(a);
		}
	assert_true(n_families > 30 && n_marked > n_families);
}

static void recognises_by_marks(void **state)
{
	static const struct {
		const char *jinja, *want;
	} rows[] = {
		{ "", NULL },
		{ "{{ messages }}", NULL },
		{ "<|im_start|>", NULL },
		{ "{{ '<|im_start|>' + role + '<|im_end|>' }}", "chatml" },
		{ "{{ bos_token }}{{ '<|im_start|>' + role + '<|im_end|>' }}", "chatml-bos" },
		{ "{{-bos_token-}}{{ '<|im_start|>' + role + '<|im_end|>' }}", "chatml-bos" },
		{ "'[INST]' + m + '[/INST]'", "mistral-nemo" },
		{ "\"[INST]\" + m + \"[/INST]\"", "mistral-nemo" },
		{ "\"[INST] \" + m + \"[/INST]\"", "mistral-v3" },
		{ "{{ bos_token + '[INST] ' }} '<<SYS>>\\n'", "llama2" },
		/* a guard's template has Llama's marks but renders a task */
		{ "<|start_header_id|>user<|end_header_id|> check for unsafe content <|eot_id|>",
		  NULL },
		{ "'Question:\n' 'Answer:\n'", "granite-code" },
		{ "'Question:\\n' 'Answer:\\n'", "granite-code" },
		{ "'Question:\\t' 'Answer:\\", NULL },
	};
	static const char with_nul[] = "a\0<|im_start|>\0<|im_end|>";
	char *large = calloc(70000, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct chat_family *f =
			chat_recognise((struct ragd_str){ rows[i].jinja, strlen(rows[i].jinja) });

		print_message("%s\n", rows[i].jinja);
		if (rows[i].want == NULL)
			assert_null(f);
		else
			assert_string_equal(chat_family_name(f), rows[i].want);
	}
	assert_null(chat_recognise((struct ragd_str){ NULL, 0 }));
	assert_non_null(chat_recognise(STR(with_nul)));
	assert_non_null(large);
	memcpy(large, "<|im_start|><|im_end|>", 22);
	assert_non_null(chat_recognise((struct ragd_str){ large, 65536 }));
	assert_null(chat_recognise((struct ragd_str){ large, 65537 }));
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_templates_refuse),
		cmocka_unit_test(merges_system_messages),
		cmocka_unit_test(trims_as_templates_do),
		cmocka_unit_test(puts_a_system_turn_in_place),
		cmocka_unit_test(names_the_day_where_it_is_asked),
		cmocka_unit_test(leaves_thoughts_out),
		cmocka_unit_test(ends_without_a_prompt),
		cmocka_unit_test(leaves_the_first_bos_to_the_tokenizer),
		cmocka_unit_test(marks_what_is_configured),
		cmocka_unit_test(recognises_by_marks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
