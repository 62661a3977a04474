#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "daemon/flow/filters.h"
#include "tests/test.h"

/*
 * Filters of a few lines each, for what the chain makes of them. `self` is a struct trait.
 */
struct trait {
	const char *find;    /* text that it acts on */
	const char *replace; /* RAGD_REDACT */
	enum ragd_action action;
	int fail;  /* what each call returns */
	bool late; /* overruns its deadline */
};

/* Where a call ends up that does not come back: as on a thread given up, nothing behind it runs. */
static jmp_buf given_up;
static const struct trait stuck = { "stuck", NULL, RAGD_BLOCK, 0, false };

static bool is_stuck(const struct trait *t)
{
	return strcmp(t->find, stuck.find) == 0;
}

static void *must_alloc(const struct ragd_call *call, size_t n, size_t size)
{
	void *p = call->alloc(call, n, size);

	assert_non_null(p);
	return p;
}

static struct ragd_str replaced(const struct ragd_call *call, struct ragd_str text,
				const char *find, const char *with)
{
	char *out = must_alloc(call, text.len * (strlen(with) + 1) + 1, 1);
	size_t at = 0, n = strlen(find);

	for (size_t i = 0; i < text.len;) {
		if (text.len - i >= n && memcmp(text.s + i, find, n) == 0) {
			memcpy(out + at, with, strlen(with));
			at += strlen(with);
			i += n;
		} else {
			out[at++] = text.s[i++];
		}
	}
	return (struct ragd_str){ out, at };
}

static bool has(struct ragd_str text, const char *find)
{
	return text.len > 0 && memmem(text.s, text.len, find, strlen(find)) != NULL;
}

static int check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		 struct ragd_verdict *out, struct ragd_err *err)
{
	const struct trait *t = self;
	struct ragd_finding *f;

	if (t->fail < 0)
		return ragd_err_set(err, t->fail, "out of order");
	while (t->late && clock_ms() <= call->deadline_ms)
		; /* a filter that is busy, not one that sleeps */
	RAGD_FILL(out, .action = RAGD_ALLOW);
	if (!has(screen->text, t->find))
		return 0;
	if (is_stuck(t))
		longjmp(given_up, 1);
	f = must_alloc(call, 1, sizeof(*f));
	*f = (struct ragd_finding){
		.action = t->action, .category = "word", .rule = t->find, .score = 0.5f
	};
	out->action = t->action;
	out->findings = f;
	out->n_findings = 1;
	if (t->action == RAGD_REDACT)
		out->text = replaced(call, screen->text, t->find, t->replace);
	if (t->action == RAGD_STEER)
		out->note = (struct ragd_str){ t->replace, strlen(t->replace) };
	return 0;
}

/* The streaming form holds nothing back: the tests cut only between words. */
static int stream_open(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		       void **stream, struct ragd_err *err)
{
	(void)call;
	(void)screen;
	(void)err;
	*stream = self;
	return 0;
}

static int stream_feed(void *stream, const struct ragd_call *call, const char *text, size_t len,
		       bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct ragd_screen screen = { .text = { text, len } };
	struct ragd_verdict v = { .size = sizeof(v) };
	int rc = check(stream, call, &screen, &v, err);

	(void)last;
	if (rc < 0)
		return rc;
	RAGD_FILL(out, .action = v.action,
		  .text = v.action == RAGD_REDACT  ? v.text
			  : v.action == RAGD_BLOCK ? (struct ragd_str){ NULL, 0 }
						   : screen.text,
		  .findings = v.findings, .n_findings = v.n_findings);
	return 0;
}

static void stream_close(void *stream)
{
	(void)stream;
}

static size_t holdback(void *self)
{
	(void)self;
	return 7;
}

static const struct ragd_safety_ops streaming = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 7,
	.holdback = holdback,
	.check = check,
	.stream_open = stream_open,
	.stream_feed = stream_feed,
	.stream_close = stream_close,
};
static const struct ragd_safety_ops whole = { .size = sizeof(struct ragd_safety_ops),
					      .stages = 7,
					      .check = check };
static const struct ragd_plugin streaming_descriptor = { .ops = { .safety = &streaming } };
static const struct ragd_plugin whole_descriptor = { .ops = { .safety = &whole } };
static const struct config_policy policy = { .name = "test", .refusal = "Not this." };

struct fixture {
	atomic_bool cancelled;
	struct call *call;
	struct findings list;
	struct filters filters;
	struct plugin plugins[4];
	struct trait traits[4];
};

static int set_up(void **state)
{
	static const struct ragd_caller caller = { .uid = 1 };
	struct fixture *x = calloc(1, sizeof(*x));

	x->call = call_new(&caller, "req-1", 1 << 20, &x->cancelled);
	x->list.arena = arena_new(1 << 20);
	x->filters.policy = &policy;
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	call_free(x->call);
	arena_free(x->list.arena);
	free(x);
	return 0;
}

static void add(struct fixture *x, const struct ragd_plugin *descriptor, struct trait t)
{
	size_t i = x->filters.n++;

	x->traits[i] = t;
	x->plugins[i] = (struct plugin){
		.name = "f", .descriptor = descriptor, .self = &x->traits[i], .deadline_ms = 60000
	};
	x->filters.plugin[i] = &x->plugins[i];
}

static struct filters_verdict judge(struct fixture *x, const char *text)
{
	struct ragd_screen s = { .size = sizeof(s), .text = { text, strlen(text) } };
	struct filters_verdict v;

	filters_check(&x->filters, x->call, &s, &x->list, &v);
	return v;
}

static void each_filter_sees_what_the_one_before_left(void **state)
{
	struct fixture *x = *state;
	struct filters_verdict v;

	add(x, &streaming_descriptor, (struct trait){ "one", "two", RAGD_REDACT, 0, false });
	add(x, &streaming_descriptor, (struct trait){ "two", "three", RAGD_REDACT, 0, false });
	v = judge(x, "one and two");
	assert_int_equal(v.action, RAGD_REDACT);
	assert_int_equal(v.text.len, strlen("three and three"));
	assert_memory_equal(v.text.s, "three and three", v.text.len);
	assert_int_equal(x->list.n, 2);
	assert_string_equal(x->list.v[1].rule, "two");
	assert_true(v.score == 0.5f);
}

static void untouched_text_is_the_same_text(void **state)
{
	struct fixture *x = *state;
	const char *text = "nothing of that kind";
	struct filters_verdict v;

	add(x, &streaming_descriptor, (struct trait){ "one", "two", RAGD_REDACT, 0, false });
	v = judge(x, text);
	assert_int_equal(v.action, RAGD_ALLOW);
	assert_ptr_equal(v.text.s, text);
	assert_int_equal(x->list.n, 0);
}

static void the_strongest_verdict_holds_and_a_block_ends_it(void **state)
{
	struct fixture *x = *state;
	struct filters_verdict v;

	add(x, &streaming_descriptor, (struct trait){ "sad", "be kind", RAGD_STEER, 0, false });
	add(x, &streaming_descriptor, (struct trait){ "bomb", NULL, RAGD_BLOCK, 0, false });
	add(x, &streaming_descriptor, (struct trait){ "sad", "glad", RAGD_REDACT, 0, false });
	v = judge(x, "a sad bomb");
	assert_int_equal(v.action, RAGD_BLOCK);
	assert_memory_equal(v.message.s, "Not this.", v.message.len);
	assert_int_equal(x->list.n, 2);
	v = judge(x, "a sad day");
	assert_int_equal(v.action, RAGD_REDACT);
	assert_memory_equal(v.text.s, "a glad day", v.text.len);
	assert_memory_equal(v.note.s, "be kind", v.note.len);
}

static void a_failing_filter_blocks_unless_it_fails_open(void **state)
{
	struct fixture *x = *state;
	struct filters_verdict v;

	add(x, &streaming_descriptor, (struct trait){ "x", NULL, RAGD_ALLOW, -EIO, false });
	v = judge(x, "hello");
	assert_int_equal(v.action, RAGD_BLOCK);
	assert_string_equal(x->list.v[0].category, "filter_failure");
	assert_string_equal(x->list.v[0].rule, "out of order");
	x->plugins[0].on_failure = CONFIG_OPEN;
	v = judge(x, "hello");
	assert_int_equal(v.action, RAGD_ALLOW);
	assert_int_equal(x->list.n, 2);
}

static void a_late_filter_has_failed(void **state)
{
	struct fixture *x = *state;
	struct filters_verdict v;

	add(x, &streaming_descriptor, (struct trait){ "x", NULL, RAGD_ALLOW, 0, true });
	x->plugins[0].deadline_ms = 1;
	v = judge(x, "hello");
	assert_int_equal(v.action, RAGD_BLOCK);
	assert_string_equal(x->list.v[0].category, "filter_failure");
}

static void filters_are_asked_only_of_stages_they_know(void **state)
{
	static const struct ragd_safety_ops prompts = { .size = sizeof(struct ragd_safety_ops),
							.stages = 1u << RAGD_STAGE_PROMPT,
							.check = check };
	static const struct ragd_plugin descriptor = { .ops = { .safety = &prompts } };
	struct fixture *x = *state;
	struct ragd_screen s = { .size = sizeof(s),
				 .stage = RAGD_STAGE_DOCUMENT,
				 .text = RAGD_STR("bomb") };
	struct filters_verdict v;

	add(x, &descriptor, (struct trait){ "bomb", NULL, RAGD_BLOCK, 0, false });
	filters_check(&x->filters, x->call, &s, &x->list, &v);
	assert_int_equal(v.action, RAGD_ALLOW);
	s.stage = RAGD_STAGE_PROMPT;
	filters_check(&x->filters, x->call, &s, &x->list, &v);
	assert_int_equal(v.action, RAGD_BLOCK);
}

/* Feed pieces; the released text, joined. */
static enum ragd_action feed(struct fixture *x, const char *const *pieces, struct buf *out,
			     struct ragd_str *message)
{
	struct ragd_screen s = { .size = sizeof(s) };
	struct filters_stream *stream = NULL;
	struct filters_release r = { .action = RAGD_ALLOW };

	assert_int_equal(filters_stream_open(&x->filters, x->call, &s, &x->list, &stream), 0);
	for (; *pieces != NULL && r.action != RAGD_BLOCK; pieces++) {
		filters_stream_feed(stream, x->call, (struct ragd_str){ *pieces, strlen(*pieces) },
				    pieces[1] == NULL, &r);
		buf_add(out, r.text.s, r.text.len);
	}
	*message = r.message;
	filters_stream_close(stream, x->call);
	assert_false(filters_stream_is_open(stream));
	filters_stream_free(stream);
	return r.action;
}

static void a_stream_passes_through_all_filters(void **state)
{
	static const char *const pieces[] = { "one ", "for ", "two", NULL };
	struct fixture *x = *state;
	struct buf out = BUF_INIT;
	struct ragd_str message;

	add(x, &streaming_descriptor, (struct trait){ "one", "two", RAGD_REDACT, 0, false });
	add(x, &whole_descriptor, (struct trait){ "two for two", "2:2", RAGD_REDACT, 0, false });
	assert_int_not_equal(feed(x, pieces, &out, &message), RAGD_BLOCK);
	assert_string_equal(out.data, "2:2");
	buf_fini(&out);
}

static void a_blocked_stream_keeps_what_was_let_out_before(void **state)
{
	static const char *const pieces[] = { "fine ", "bomb ", "after", NULL };
	struct fixture *x = *state;
	struct buf out = BUF_INIT;
	struct ragd_str message;

	add(x, &streaming_descriptor, (struct trait){ "bomb", NULL, RAGD_BLOCK, 0, false });
	add(x, &streaming_descriptor, (struct trait){ "fine", "good", RAGD_REDACT, 0, false });
	assert_int_equal(feed(x, pieces, &out, &message), RAGD_BLOCK);
	assert_string_equal(out.data, "good ");
	assert_memory_equal(message.s, "Not this.", message.len);
	buf_fini(&out);
}

static void a_filter_that_fails_in_a_stream_blocks_or_is_left_out(void **state)
{
	static const char *const pieces[] = { "a ", "b", NULL };
	struct fixture *x = *state;
	struct buf out = BUF_INIT;
	struct ragd_str message;

	add(x, &streaming_descriptor, (struct trait){ "x", NULL, RAGD_ALLOW, -EIO, false });
	assert_int_equal(feed(x, pieces, &out, &message), RAGD_BLOCK);
	assert_int_equal(out.len, 0);
	x->plugins[0].on_failure = CONFIG_OPEN;
	assert_int_not_equal(feed(x, pieces, &out, &message), RAGD_BLOCK);
	assert_string_equal(out.data, "a b");
	buf_fini(&out);
}

static void quotes_are_redacted_like_answers(void **state)
{
	struct fixture *x = *state;
	struct ragd_str plain = RAGD_STR("two"), out;

	add(x, &streaming_descriptor, (struct trait){ "one", "1", RAGD_REDACT, 0, false });
	add(x, &streaming_descriptor, (struct trait){ "bomb", NULL, RAGD_BLOCK, 0, false });
	out = filters_quote(&x->filters, x->call, RAGD_STR("one more"));
	assert_int_equal(out.len, strlen("1 more"));
	assert_memory_equal(out.s, "1 more", out.len);
	out = filters_quote(&x->filters, x->call, plain);
	assert_ptr_equal(out.s, plain.s);
	out = filters_quote(&x->filters, x->call, RAGD_STR("one bomb"));
	assert_int_equal(out.len, 0);
}

static void holdbacks_add_up(void **state)
{
	struct fixture *x = *state;

	add(x, &streaming_descriptor, (struct trait){ 0 });
	add(x, &streaming_descriptor, (struct trait){ 0 });
	assert_int_equal(filters_holdback(&x->filters), 14);
	add(x, &whole_descriptor, (struct trait){ 0 });
	assert_true(filters_holdback(&x->filters) == SIZE_MAX);
}

static void what_a_filter_held_leaves_when_it_fails_open(void **state)
{
	static const char *const pieces[] = { "one ", "for ", "two", NULL };
	struct fixture *x = *state;
	struct ragd_str message;
	struct buf out = BUF_INIT;

	add(x, &whole_descriptor, (struct trait){ "three", "four", RAGD_REDACT, -EIO, false });
	x->plugins[0].on_failure = CONFIG_OPEN;
	assert_int_equal(feed(x, pieces, &out, &message), RAGD_ALLOW);
	assert_int_equal(out.len, strlen("one for two"));
	assert_memory_equal(out.data, "one for two", out.len);
	buf_fini(&out);
}

/*
 * A streaming form that lets out a piece with the next, as it was or something else, and fails at
 * the end.
 */
struct holder {
	struct ragd_str held;
	bool changes;
};

static int holder_feed(void *stream, const struct ragd_call *call, const char *text, size_t len,
		       bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct holder *h = stream;

	(void)call;
	if (last)
		return ragd_err_set(err, -EIO, "out of order");
	RAGD_FILL(out, .action = RAGD_ALLOW, .text = h->held);
	if (h->changes && h->held.len > 0)
		out->text = RAGD_STR("# ");
	h->held = (struct ragd_str){ text, len };
	return 0;
}

static void what_a_stream_held_leaves_if_it_is_known(void **state)
{
	static const struct ragd_safety_ops ops = {
		.size = sizeof(struct ragd_safety_ops),
		.stages = 7,
		.check = check,
		.stream_open = stream_open,
		.stream_feed = holder_feed,
		.stream_close = stream_close,
	};
	static const struct ragd_plugin descriptor = { .ops = { .safety = &ops } };
	static const char *const pieces[] = { "one ", "for ", "two ", "three", NULL };
	static const struct {
		const char *name;
		bool changes;
		const char *out;
	} rows[] = {
		{ "let out as it was", false, "one for two three" },
		{ "let out otherwise: the piece under way only", true, "# # three" },
	};
	struct fixture *x = *state;

	add(x, &descriptor, (struct trait){ "", NULL, RAGD_ALLOW, 0, false });
	x->plugins[0].on_failure = CONFIG_OPEN;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct holder h = { .changes = rows[i].changes };
		struct buf out = BUF_INIT;
		struct ragd_str message;

		print_message("%s\n", rows[i].name);
		x->plugins[0].self = &h;
		assert_int_equal(feed(x, pieces, &out, &message), RAGD_ALLOW);
		assert_string_equal(out.data, rows[i].out);
		buf_fini(&out);
	}
}

/* ---- calls that do not come back ---- */

static void three(struct fixture *x, enum config_failure on_failure)
{
	add(x, &streaming_descriptor, (struct trait){ "one", "two", RAGD_REDACT, 0, false });
	add(x, &streaming_descriptor, stuck);
	add(x, &streaming_descriptor, (struct trait){ "two", "three", RAGD_REDACT, 0, false });
	x->plugins[1].on_failure = on_failure;
}

/* What filters do when they begin again behind a call that was given up. */
static void go_on(struct fixture *x)
{
	filters_lose(&x->filters, &x->plugins[1]);
	findings_undo(&x->list);
}

static void a_text_is_judged_behind_a_lost_call(void **state)
{
	struct fixture *x = *state;
	struct filters_verdict v;

	three(x, CONFIG_OPEN);
	judge(x, "one that passes");
	assert_int_equal(x->list.n, 2);
	if (setjmp(given_up) == 0) {
		judge(x, "one is stuck");
		fail();
	}
	go_on(x);
	v = judge(x, "one is stuck");
	assert_memory_equal(v.text.s, "three is stuck", v.text.len);
	assert_int_equal(x->list.n, 5); /* two redactions, each once, and the failure */
	assert_string_equal(x->list.v[3].category, "filter_failure");
	v = judge(x, "stuck again"); /* it is not called any more */
	assert_int_equal(v.action, RAGD_ALLOW);
}

static void a_lost_call_blocks_where_it_fails_closed(void **state)
{
	struct fixture *x = *state;
	struct filters_verdict v;

	three(x, CONFIG_CLOSED);
	if (setjmp(given_up) == 0) {
		judge(x, "one is stuck");
		fail();
	}
	go_on(x);
	v = judge(x, "one is stuck");
	assert_int_equal(v.action, RAGD_BLOCK);
	assert_memory_equal(v.message.s, policy.refusal, v.message.len);
	assert_int_equal(filters_quote(&x->filters, x->call, RAGD_STR("a quote")).len, 0);
}

static void a_stream_goes_on_behind_a_lost_call(void **state)
{
	static const struct {
		const char *name;
		enum config_failure on_failure;
		enum ragd_action action;
		const char *text;
	} rows[] = {
		{ "open: the piece passes the filters behind", CONFIG_OPEN, RAGD_REDACT,
		  "three is stuck" },
		{ "closed: nothing of it leaves", CONFIG_CLOSED, RAGD_BLOCK, "" },
	};
	struct ragd_screen screen = { .size = sizeof(screen) };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *x = *state;
		struct filters_stream *stream = NULL;
		struct filters_release r = { 0 };

		print_message("%s\n", rows[i].name);
		x->filters = (struct filters){ .policy = &policy };
		three(x, rows[i].on_failure);
		assert_int_equal(
			filters_stream_open(&x->filters, x->call, &screen, &x->list, &stream), 0);
		filters_stream_feed(stream, x->call, RAGD_STR("one "), false, &r);
		assert_memory_equal(r.text.s, "three ", r.text.len);
		if (setjmp(given_up) == 0) {
			filters_stream_feed(stream, x->call, RAGD_STR("one is stuck"), true, &r);
			fail();
		}
		filters_lose(&x->filters, &x->plugins[1]);
		filters_stream_feed(stream, x->call, RAGD_STR("one is stuck"), true, &r);
		assert_int_equal(r.action, rows[i].action);
		assert_int_equal(r.text.len, strlen(rows[i].text));
		assert_memory_equal(r.text.s, rows[i].text, r.text.len);
		filters_stream_close(stream, x->call);
		assert_false(filters_stream_is_open(stream));
		filters_stream_free(stream);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_filter_sees_what_the_one_before_left),
		TEST(untouched_text_is_the_same_text),
		TEST(the_strongest_verdict_holds_and_a_block_ends_it),
		TEST(a_failing_filter_blocks_unless_it_fails_open),
		TEST(a_late_filter_has_failed),
		TEST(filters_are_asked_only_of_stages_they_know),
		TEST(a_stream_passes_through_all_filters),
		TEST(a_blocked_stream_keeps_what_was_let_out_before),
		TEST(a_filter_that_fails_in_a_stream_blocks_or_is_left_out),
		TEST(quotes_are_redacted_like_answers),
		TEST(holdbacks_add_up),
		TEST(what_a_filter_held_leaves_when_it_fails_open),
		TEST(what_a_stream_held_leaves_if_it_is_known),
		TEST(a_text_is_judged_behind_a_lost_call),
		TEST(a_lost_call_blocks_where_it_fails_closed),
		TEST(a_stream_goes_on_behind_a_lost_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
