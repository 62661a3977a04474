#include <string.h>

#include "base/util.h"
#include "daemon/flow/compose.h"
#include "daemon/flow/evidence.h"
#include "tests/test.h"

static void a_mark_names_the_bytes_of_the_document(void **state)
{
	/* "AT&amp;T rules" at 100: text "AT&T rules", whose byte 3 ("T") stands at 107. */
	static const struct ragd_run runs[] = { { 0, 100 }, { 2, 102 }, { 3, 107 } };
	const struct ragd_hit hits[] = {
		{ .collection = "c",
		  .document = "a",
		  .passage = { .text = RAGD_STR("one. two.") },
		  .start = 40,
		  .end = 49 },
		{ .collection = "c",
		  .document = "b",
		  .passage = { .text = RAGD_STR("AT&T rules") },
		  .start = 100,
		  .end = 114,
		  .runs = runs,
		  .n_runs = ARRAY_LEN(runs) },
		{ .collection = "c",
		  .document = "a",
		  .passage = { .text = RAGD_STR("redacted") },
		  .start = 60,
		  .end = 90 },
	};
	static const struct {
		const char *name;
		struct ragd_cite cite;
		unsigned n;
		uint64_t start, end;
		const char *quote;
	} rows[] = {
		{ "verbatim", { 0, 0, 5, 9, 1 }, 1, 45, 49, "two." },
		{ "through runs", { 0, 1, 3, 10, 1 }, 2, 107, 114, "T rules" },
		{ "the same document has the same number", { 0, 0, 0, 4, 1 }, 1, 40, 44, "one." },
		{ "a redacted passage is named whole", { 0, 2, 0, 8, 1 }, 1, 60, 90, "redacted" },
		{ "a span beyond the text is cut", { 0, 0, 5, 900, 1 }, 1, 45, 49, "two." },
	};
	struct ragd_passage passages[3];
	const struct ragd_hit *of[3];
	bool redacted[3] = { false, false, true };
	struct evidence_source room[3];
	struct sources sources = { room, 0 };
	struct evidence ev = { .passages = passages, .hits = of, .redacted = redacted, .n = 3 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		passages[i] = hits[i].passage;
		of[i] = &hits[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct citation c;

		print_message("%s\n", rows[i].name);
		evidence_cite(&ev, &rows[i].cite, &sources, &c);
		assert_int_equal(c.source->n, rows[i].n);
		assert_int_equal(c.start, rows[i].start);
		assert_int_equal(c.end, rows[i].end);
		assert_int_equal(c.quote.len, strlen(rows[i].quote));
		assert_memory_equal(c.quote.s, rows[i].quote, c.quote.len);
	}
	assert_int_equal(sources.n, 2);
}

static void a_prompt_begins_with_what_stays_the_same(void **state)
{
	struct arena *a = arena_new(1 << 20);
	const struct config_assistant assistant = {
		.system_prompt = "Be brief.",
		.retrieval = "r",
		.grounded = true,
	};
	const struct config_policy policy = { .viewpoints = "Several views." };
	struct ragd_passage passage = { RAGD_STR("T"), RAGD_STR("H"), RAGD_STR("The text."), 1 };
	struct evidence ev = { .passages = &passage, .n = 1 };
	const struct ragd_message in[] = {
		{ RAGD_ROLE_USER, RAGD_STR("First?") },
		{ RAGD_ROLE_ASSISTANT, RAGD_STR("Yes.") },
		{ RAGD_ROLE_USER, RAGD_STR("Second?") },
	};
	struct compose c = { &assistant, &policy, in, ARRAY_LEN(in), &ev, RAGD_STR("Be kind.") };
	struct ragd_generate g = { .size = sizeof(g) };
	const struct ragd_message *out;

	(void)state;
	assert_int_equal(compose_prompt(a, &c, &g, NULL), 0);
	out = g.messages;
	assert_int_equal(g.n_messages, 4);
	assert_int_equal(g.n_configured, out[0].text.len); /* nothing of the request is in it */
	assert_int_equal(out[0].role, RAGD_ROLE_SYSTEM);
	assert_int_equal(strncmp(out[0].text.s,
				 "Be brief.\n\nSeveral views.\n\nAnswer from the numbered", 48),
			 0);
	assert_ptr_equal(out[1].text.s, in[0].text.s);
	assert_string_equal(
		out[3].text.s,
		"Documents:\n\n[1] T: H\nThe text.\n\nNote: Be kind.\n\nQuestion: Second?");
	arena_free(a);
}

static void a_short_question_is_searched_with_the_one_before(void **state)
{
	struct arena *a = arena_new(1 << 20);
	const struct ragd_message in[] = {
		{ RAGD_ROLE_USER, RAGD_STR("How large is the pool on Linux?") },
		{ RAGD_ROLE_ASSISTANT, RAGD_STR("4.") },
		{ RAGD_ROLE_USER, RAGD_STR("And on Windows?") },
	};
	struct ragd_str q = compose_query(a, in, 3);

	(void)state;
	assert_int_equal(q.len, strlen("How large is the pool on Linux?\nAnd on Windows?"));
	assert_memory_equal(q.s, "How large is the pool on Linux?\nAnd on Windows?", q.len);
	q = compose_query(a, in, 1);
	assert_ptr_equal(q.s, in[0].text.s);
	q = compose_query(a, in + 2, 1);
	assert_ptr_equal(q.s, in[2].text.s);
	arena_free(a);
}

static void how_long_a_question_is_counts_words_in_any_script(void **state)
{
	static const struct {
		const char *question;
		bool alone;
	} rows[] = {
		{ "And on Windows?", false },
		{ "What does UV_THREADPOOL_SIZE mean?", false }, /* a word in parts is one */
		{ "What does the variable POOL_SIZE mean?", true },
		{ "Windows上呢？", false },             /* and on Windows? */
		{ "如何更改线程池的默认大小？", true }, /* how to change the pool's default size */
		{ "Windowsではどうですか？", false },   /* how is it on Windows? */
		{ "スレッドプールの既定のサイズは？", true },
		{ "แล้วบน Windows ล่ะ", false },     /* and on Windows? */
		{ "ขนาดเริ่มต้นของพูลคือเท่าไร", true }, /* what is the pool's default size? */
		{ "А на Windows?", false },
		{ "Какой размер пула по умолчанию?", true },
		{ "", false },
		{ "? - / !  … 。", false },
	};
	struct arena *a = arena_new(1 << 20);
	const struct ragd_str before = RAGD_STR("How large is the pool on Linux?");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct ragd_str question = { rows[i].question, strlen(rows[i].question) };
		const struct ragd_message in[] = { { RAGD_ROLE_USER, before },
						   { RAGD_ROLE_USER, question } };
		struct ragd_str q = compose_query(a, in, 2);

		print_message("%s\n", rows[i].question);
		assert_int_equal(q.len, question.len + (rows[i].alone ? 0 : before.len + 1));
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_names_the_bytes_of_the_document),
		cmocka_unit_test(a_prompt_begins_with_what_stays_the_same),
		cmocka_unit_test(a_short_question_is_searched_with_the_one_before),
		cmocka_unit_test(how_long_a_question_is_counts_words_in_any_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
