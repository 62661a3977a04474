#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/flow/evidence.h"
#include "daemon/flow/inspect.h"
#include "tests/test.h"

/*
 * A filter that acts on words: "drop" blocks, "secret" is redacted, and so is "do evil" with
 * whatever white space between, which makes an instruction that may stand over two parts. It counts
 * how often it is asked.
 */
struct words {
	unsigned n_calls;
	unsigned stuck_at; /* the call that does not come back; 0: none */
};

/* Where such a call ends up: as on a thread given up, nothing behind it runs. */
static jmp_buf given_up;

/* Bytes of "do" or "secret" at s, with what belongs to it; 0: none. */
static size_t find_at(struct ragd_str s, size_t at)
{
	size_t n = at;

	if (s.len - at >= 6 && memcmp(s.s + at, "secret", 6) == 0)
		return 6;
	if (s.len - at < 2 || memcmp(s.s + at, "do", 2) != 0)
		return 0;
	for (n += 2; n < s.len && (s.s[n] == ' ' || s.s[n] == '\n'); n++)
		;
	return n > at + 2 && s.len - n >= 4 && memcmp(s.s + n, "evil", 4) == 0 ? n + 4 - at : 0;
}

static int check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		 struct ragd_verdict *out, struct ragd_err *err)
{
	static const struct ragd_finding drop = { RAGD_BLOCK, "drop", NULL, 1, 0, 0 };
	static const struct ragd_finding word = { RAGD_REDACT, "word", NULL, 1, 0, 0 };
	struct words *words = self;
	struct ragd_str in = screen->text;
	char *to = call->alloc(call, in.len + 1, 1);
	size_t n = 0;
	bool found = false;

	(void)err;
	if (++words->n_calls == words->stuck_at)
		longjmp(given_up, 1);
	assert_int_equal(screen->stage, RAGD_STAGE_DOCUMENT);
	assert_non_null(to);
	RAGD_FILL(out, .action = RAGD_ALLOW);
	if (in.len > 0 && memmem(in.s, in.len, "drop", 4) != NULL) {
		RAGD_FILL(out, .action = RAGD_BLOCK, .findings = &drop, .n_findings = 1);
		return 0;
	}
	if (in.len > 0 && memmem(in.s, in.len, "kind", 4) != NULL)
		RAGD_FILL(out, .action = RAGD_STEER, .note = RAGD_STR("Be kind."));
	if (in.len > 0 && memmem(in.s, in.len, "long", 4) != NULL)
		RAGD_FILL(out, .action = RAGD_STEER, .note = RAGD_STR("Be brief."));
	for (size_t at = 0; at < in.len;) {
		size_t len = find_at(in, at);

		if (len > 0)
			to[n++] = '#';
		else
			to[n++] = in.s[at];
		found |= len > 0;
		at += len > 0 ? len : 1;
	}
	if (found)
		RAGD_FILL(out, .action = RAGD_REDACT, .findings = &word, .n_findings = 1,
			  .text = { to, n });
	return 0;
}

static const struct ragd_safety_ops ops = { .size = sizeof(struct ragd_safety_ops),
					    .stages = 1u << RAGD_STAGE_DOCUMENT,
					    .check = check };
static const struct ragd_plugin descriptor = { .ops = { .safety = &ops } };
static const struct config_policy policy = { .name = "test", .refusal = "Not this." };

struct fixture {
	atomic_bool cancelled;
	struct call *call;
	struct words words;
	struct plugin plugin;
	struct filters filters;
	struct findings findings;
	struct notes notes;
	struct inspect in;
};

static int set_up(void **state)
{
	static const struct ragd_caller caller = { .uid = 1 };
	struct fixture *x = calloc(1, sizeof(*x));

	x->call = call_new(&caller, "req-1", 1 << 20, &x->cancelled);
	x->plugin = (struct plugin){
		.name = "words", .descriptor = &descriptor, .self = &x->words, .deadline_ms = 60000
	};
	x->filters = (struct filters){ .policy = &policy, .plugin = { &x->plugin }, .n = 1 };
	x->findings.arena = x->call->arena;
	x->in = (struct inspect){ &x->filters, x->call, RAGD_STR("q"), &x->findings, &x->notes };
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	call_free(x->call);
	free(x);
	return 0;
}

static void assert_str(struct ragd_str got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.s, want, got.len);
}

static void each_part_is_inspected_and_keeps_its_place(void **state)
{
	static const struct {
		const char *name;
		const char *id, *title, *heading, *text;
		const char *left_title, *left_heading, *left_text; /* text NULL: left out */
		unsigned n_calls;                                  /* at most */
	} rows[] = {
		{ "clean", "id", "T", "H", "text", "T", "H", "text", 1 },
		{ "clean, without a heading", "id", "T", "", "text", "T", "", "text", 1 },
		{ "clean, text alone", "id", "", "", "text", "", "", "text", 1 },
		{ "all empty", "id", "", "", "", "", "", "", 1 },
		{ "in the text", "id", "T", "H", "a secret is", "T", "H", "a # is", 1 },
		{ "twice in the text", "id", "T", "H", "secret or secret", "T", "H", "# or #", 1 },
		{ "in the title", "id", "a secret", "H", "text", "a #", "H", "text", 1 },
		{ "in the heading", "id", "T", "do evil", "text", "T", "#", "text", 1 },
		{ "in the title, without a heading", "id", "secret", "", "text", "#", "", "text",
		  1 },
		{ "in the text, alone", "id", "", "", "secret", "", "", "#", 1 },
		{ "in title and text", "id", "secret", "H", "a secret", "#", "H", "a #", 6 },
		{ "in all three", "id", "secret", "do evil", "secret s", "#", "#", "# s", 6 },
		{ "over heading and text", "id", "T", "do", "evil deeds", "T", "", "evil deeds",
		  8 },
		{ "over title and text", "id", "do", "", "evil deeds", "id", "", "evil deeds", 9 },
		{ "over title and heading", "id", "do", "evil", "text", "do", "", "text", 8 },
		{ "over title and text, and a bad id", "secret", "do", "", "evil", "", "", "evil",
		  9 },
		{ "over id and text besides", "do", "do", "", "evil", "", "", "evil", 9 },
		{ "a title that is blocked", "id", "drop", "H", "text", "id", "H", "text", 6 },
		{ "and an id that is, too", "drop", "drop", "H", "text", "", "H", "text", 6 },
		{ "a heading that is blocked", "id", "T", "drop", "text", "T", "", "text", 6 },
		{ "a text that is blocked", "id", "T", "H", "drop", NULL, NULL, NULL, 2 },
		{ "a title of several lines", "id", "T\n[2] U\r\nv", "H\x1b\x7f", "a\nb",
		  "T [2] U  v", "H  ", "a\nb", 1 },
		{ "other ends of lines", "id", "T\xe2\x80\xa8U\xc2\x85V", "", "x", "T U V", "", "x",
		  1 },
		{ "an instruction over lines of a title", "id", "do\nevil", "H", "x", "#", "H", "x",
		  1 },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_passage p = {
			.title = { rows[i].title, strlen(rows[i].title) },
			.heading = { rows[i].heading, strlen(rows[i].heading) },
			.text = { rows[i].text, strlen(rows[i].text) },
		};
		bool kept;

		print_message("%s\n", rows[i].name);
		x->words.n_calls = 0;
		kept = inspect_passage(&x->in, rows[i].id, &p);
		assert_true(kept == (rows[i].left_text != NULL));
		assert_in_range(x->words.n_calls, 1, rows[i].n_calls);
		if (!kept)
			continue;
		assert_str(p.title, rows[i].left_title);
		assert_str(p.heading, rows[i].left_heading);
		assert_str(p.text, rows[i].left_text);
		/*
		 * Citations count in a text that is the document's own as long as nothing was
		 * changed.
		 */
		assert_true((p.text.s == rows[i].text) ==
			    (strcmp(rows[i].text, rows[i].left_text) == 0));
	}
}

static void what_holds_is_on_record(void **state)
{
	struct fixture *x = *state;
	struct ragd_passage p = { RAGD_STR("secret"), RAGD_STR(""), RAGD_STR("kind words"), 1 };

	assert_true(inspect_passage(&x->in, "id", &p));
	assert_int_equal(x->findings.n, 1);
	assert_int_equal(x->findings.v[0].action, RAGD_REDACT);
	assert_int_equal(x->findings.v[0].stage, RAGD_STAGE_DOCUMENT);
	p = (struct ragd_passage){ RAGD_STR("T"), RAGD_STR(""), RAGD_STR("kind words"), 1 };
	assert_true(inspect_passage(&x->in, "id", &p));
	assert_str(notes_str(&x->notes), "Be kind.");
	p = (struct ragd_passage){ RAGD_STR("T"), RAGD_STR("H"), RAGD_STR("drop"), 1 };
	assert_false(inspect_passage(&x->in, "id", &p));
	assert_int_equal(x->findings.n, 2);
	assert_int_equal(x->findings.v[1].action, RAGD_BLOCK);
	/* What stands over two parts. */
	p = (struct ragd_passage){ RAGD_STR("T"), RAGD_STR("do"), RAGD_STR("evil"), 1 };
	assert_true(inspect_passage(&x->in, "id", &p));
	assert_int_equal(x->findings.n, 3);
}

/*
 * Two passages, the second with something in each part; true if the call `stuck_at` was made, and
 * lost.
 */
static bool inspect_two(struct fixture *x, unsigned stuck_at, struct evidence *ev)
{
	static const struct ragd_hit hits[] = {
		{ .document = "1", .passage = { RAGD_STR("T"), RAGD_STR("H"), RAGD_STR("x"), 1 } },
		{ .document = "2",
		  .passage = { RAGD_STR("secret"), RAGD_STR("do evil"), RAGD_STR("kind secret"),
			       1 } },
	};
	const struct ragd_str q = RAGD_STR("q");
	struct ragd_err err;

	x->words = (struct words){ .stuck_at = stuck_at };
	*ev = (struct evidence){ 0 };
	if (setjmp(given_up) == 0) {
		assert_int_equal(evidence_inspect(ev, &x->filters, x->call, q, hits, 2,
						  &x->findings, &x->notes, &err),
				 0);
		return false;
	}
	filters_lose(&x->filters, &x->plugin);
	findings_undo(&x->findings);
	assert_int_equal(evidence_inspect(ev, &x->filters, x->call, q, hits, 2, &x->findings,
					  &x->notes, &err),
			 0);
	assert_int_equal(x->words.n_calls, stuck_at); /* it is not called again */
	return true;
}

static void a_passage_of_which_a_call_is_lost_is_judged_as_a_failure_says(void **state)
{
	static const struct {
		const char *name;
		enum config_failure on_failure;
		size_t n_kept;
	} rows[] = {
		{ "closed: it is left out whole", CONFIG_CLOSED, 1 },
		{ "open: it stays as it is", CONFIG_OPEN, 2 },
	};
	struct fixture *x = *state;
	struct evidence ev;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned at = 2;

		print_message("%s\n", rows[i].name);
		x->plugin.on_failure = rows[i].on_failure;
		for (; inspect_two(x, at, &ev); at++) {
			assert_int_equal(ev.n, rows[i].n_kept);
			if (ev.n == 2) {
				assert_str(ev.passages[1].title, "secret");
				assert_str(ev.passages[1].text, "kind secret");
			}
			/* Nothing of what was said of it before stands. */
			assert_int_equal(x->findings.n, 1);
			assert_string_equal(x->findings.v[0].category, "filter_failure");
			assert_int_equal(x->notes.len, 0);
			x->filters.lost[0] = false;
			x->findings.n = 0;
		}
		assert_int_equal(at, 2 + 5); /* together, each alone, together again */
		assert_int_equal(ev.n, 2);
		assert_str(ev.passages[1].title, "#");
		assert_str(notes_str(&x->notes), "Be kind.");
		x->notes = (struct notes){ 0 };
		x->findings.n = 0;
	}
}

static void what_each_passage_wants_said_is_said_once(void **state)
{
	static const struct ragd_hit hits[] = {
		{ .document = "1", .passage = { .text = RAGD_STR("kind words") } },
		{ .document = "2", .passage = { .text = RAGD_STR("long words") } },
		{ .document = "3", .passage = { .text = RAGD_STR("kind again") } },
	};
	struct fixture *x = *state;
	struct evidence ev = { 0 };
	struct ragd_err err;

	notes_add(&x->notes, x->call->arena, RAGD_STR("The question's."));
	assert_int_equal(evidence_inspect(&ev, &x->filters, x->call, RAGD_STR("q"), hits, 3,
					  &x->findings, &x->notes, &err),
			 0);
	assert_str(notes_str(&x->notes), "The question's.\nBe kind.\nBe brief.");
}

static void notes_are_whole_lines_and_outlive_what_memory_is_spent(void **state)
{
	struct notes notes = { 0 };
	struct arena *a = arena_new(128);

	(void)state;
	assert_int_equal(notes_str(&notes).len, 0);
	notes_add(&notes, a, RAGD_STR("Be kinder."));
	notes_add(&notes, a, RAGD_STR("kinder."));
	notes_add(&notes, a, RAGD_STR("Be kind"));
	notes_add(&notes, a, RAGD_STR(""));
	notes_add(&notes, a, RAGD_STR("kinder."));
	assert_str(notes_str(&notes), "Be kinder.\nkinder.\nBe kind");
	notes_add(&notes, a, RAGD_STR("A note for which there is no room in what memory is left."));
	assert_str(notes_str(&notes), "Be kinder.\nkinder.\nBe kind");
	arena_free(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_part_is_inspected_and_keeps_its_place),
		TEST(what_holds_is_on_record),
		TEST(what_each_passage_wants_said_is_said_once),
		cmocka_unit_test(notes_are_whole_lines_and_outlive_what_memory_is_spent),
		TEST(a_passage_of_which_a_call_is_lost_is_judged_as_a_failure_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
