#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "safety/grounding/ground.h"
#include "safety/grounding/ground_stream.h"
#include "tests/safety/claim_english.h"
#include "tests/safety/support.h"
#include "tests/test.h"

static struct stop_check stop; /* that nobody stops */
static struct claim_lexicon *lexicon;

static const struct ragd_passage evidence[] = {
	{ .title = { "Timers", 6 },
	  .text = { "Timer handles are used to schedule callbacks. The function uv_timer_start "
		    "starts the "
		    "timer and takes the timeout in milliseconds. If the repeat value is non-zero, "
		    "the "
		    "callback fires first after the timeout and then repeatedly.",
		    0 } },
	{ .title = { "Thread pool", 11 },
	  .text = { "The default size of the thread pool is 4. It can be changed at startup time "
		    "by "
		    "setting the UV_THREADPOOL_SIZE environment variable. The absolute maximum is "
		    "1,024 "
		    "threads. Network I/O is never performed in the thread pool.",
		    0 } },
};

static struct ragd_passage passages[ARRAY_LEN(evidence)];

static struct ragd_screen screen_of(bool grounded)
{
	for (size_t i = 0; i < ARRAY_LEN(evidence); i++) {
		passages[i] = evidence[i];
		passages[i].text.len = strlen(passages[i].text.s);
	}
	return (struct ragd_screen){ .size = sizeof(struct ragd_screen),
				     .stage = RAGD_STAGE_RESPONSE,
				     .question = RAGD_STR("How large is the thread pool?"),
				     .passages = passages,
				     .n_passages = ARRAY_LEN(passages),
				     .grounded = grounded };
}

static void checks_what_a_reader_would_look_for(void **state)
{
	static const struct {
		const char *sentence;
		enum ground_verdict want;
		uint32_t passage;
		const char *quote;
	} rows[] = {
		{ "The default size of the thread pool is 4.", GROUND_SUPPORTED, 1,
		  "The default size of the thread pool is 4." },
		{ "The thread pool has a default size of four.", GROUND_SUPPORTED, 1,
		  "The default size of the thread pool is 4." },
		{ "At most 1024 threads are the absolute maximum.", GROUND_SUPPORTED, 1,
		  "The absolute maximum is 1,024 threads." },
		{ "The default size of the thread pool is 8.", GROUND_UNSUPPORTED, 0, NULL },
		{ "The absolute maximum is 128 threads.", GROUND_UNSUPPORTED, 0, NULL },
		{ "Network I/O is performed in the thread pool.", GROUND_UNSUPPORTED, 0, NULL },
		{ "Network I/O is never performed in the thread pool.", GROUND_SUPPORTED, 1,
		  "Network I/O is never performed in the thread pool." },
		{ "Set the environment variable UV_THREADPOOL_SIZE at startup.", GROUND_SUPPORTED,
		  1, NULL },
		{ "Set the environment variable UV_WORKER_COUNT at startup.", GROUND_UNSUPPORTED, 0,
		  NULL },
		{ "uv_timer_start takes the timeout in milliseconds.", GROUND_SUPPORTED, 0, NULL },
		{ "The first version was written by Ryan Dahl in Berlin.", GROUND_UNSUPPORTED, 0,
		  NULL },
		{ "Here is what the documents say:", GROUND_NO_CLAIM, 0, NULL },
		{ "According to the documents,", GROUND_NO_CLAIM, 0, NULL },
		{ "Would you like to know more?", GROUND_NO_CLAIM, 0, NULL },
		{ "---", GROUND_NO_CLAIM, 0, NULL },
		{ "I don't know.", GROUND_DISCLAIMER, 0, NULL },
		{ "The documents do not say that.", GROUND_DISCLAIMER, 0, NULL },
		{ "I could not find an answer in the passages.", GROUND_DISCLAIMER, 0, NULL },
	};
	struct ragd_screen screen = screen_of(true);
	struct ground *g = NULL;

	(void)state;
	assert_int_equal(ground_new(&screen, lexicon, &stop, &g, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ground_support s;
		enum ground_verdict v;

		assert_int_equal(ground_check(g, rows[i].sentence, strlen(rows[i].sentence), 0,
					      GROUND_THRESHOLD, &stop, &v, &s),
				 0);
		print_message("%.2f %s\n", (double)s.score, rows[i].sentence);
		assert_int_equal(v, rows[i].want);
		if (v != GROUND_SUPPORTED)
			continue;
		assert_int_equal(s.passage, rows[i].passage);
		if (rows[i].quote != NULL) {
			assert_int_equal(s.end - s.start, strlen(rows[i].quote));
			assert_memory_equal(passages[s.passage].text.s + s.start, rows[i].quote,
					    s.end - s.start);
		}
	}
	ground_free(g);
}

static void prefers_the_passage_that_the_sentence_names(void **state)
{
	struct ragd_passage twice[2];
	struct ragd_screen screen = screen_of(true);
	struct ground_support s;
	enum ground_verdict v;
	struct ground *g = NULL;
	static const char claim[] = "The default size of the thread pool is 4.";

	(void)state;
	twice[0] = twice[1] = passages[1];
	screen.passages = twice;
	assert_int_equal(ground_new(&screen, lexicon, &stop, &g, NULL), 0);
	assert_int_equal(ground_check(g, claim, strlen(claim), 0, 0.6f, &stop, &v, &s), 0);
	assert_int_equal(s.passage, 0);
	assert_int_equal(ground_check(g, claim, strlen(claim), 2, 0.6f, &stop, &v, &s), 0);
	assert_int_equal(s.passage, 1);
	ground_free(g);
}

struct result {
	struct buf text; /* with {passage} where a citation stands */
	size_t n_findings;
	size_t most_held;
};

static void feed_all(const struct ragd_screen *screen, struct ragd_str in, const size_t *cuts,
		     size_t n_cuts, struct result *out)
{
	struct ground_stream *gs = NULL;
	struct test_call c;
	size_t from = 0;

	*out = (struct result){ 0 };
	test_call_init(&c);
	assert_int_equal(ground_stream_open(NULL, screen, lexicon, 0.6f, &gs, NULL), 0);
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cuts[i] : in.len, at = 0;
		struct ragd_release r = { 0 };

		arena_reset(c.arena);
		assert_int_equal(ground_stream_feed(gs, &c.call, in.s + from, to - from,
						    i == n_cuts, &r, NULL),
				 0);
		for (size_t k = 0; k < r.n_cites; k++) {
			const struct ragd_cite *cite = &r.cites[k];

			assert_true(cite->at >= at && cite->at <= r.text.len);
			assert_true(cite->start < cite->end &&
				    cite->end <= screen->passages[cite->passage].text.len);
			buf_add(&out->text, r.text.s + at, cite->at - at);
			buf_printf(&out->text, "{%u}", cite->passage);
			at = cite->at;
		}
		if (r.text.len > at)
			buf_add(&out->text, r.text.s + at, r.text.len - at);
		out->n_findings += r.n_findings;
		from = to;
	}
	ground_stream_close(gs);
	test_call_fini(&c);
	buf_addc(&out->text, '\0');
}

static const struct {
	const char *in;
	const char *grounded;
	const char *open;
} answers[] = {
	{ "", "", "" },
	{ "The default size of the thread pool is 4.",
	  "The default size of the thread pool is 4.{1}",
	  "The default size of the thread pool is 4.{1}" },
	{ "The default size of the thread pool is 4 [2]. It was made in Berlin [1].\n",
	  "The default size of the thread pool is 4.{1}",
	  "The default size of the thread pool is 4.{1} It was made in Berlin.\n" },
	{ "It was made in Berlin. The default size of the thread pool is 4.\n",
	  "The default size of the thread pool is 4.{1}\n",
	  "It was made in Berlin. The default size of the thread pool is 4.{1}\n" },
	{ "Here is what the documents say:\n\n- The absolute maximum is 1,024 threads.\n- Bananas "
	  "are "
	  "yellow.\n- Network I/O is never performed in the thread pool.",
	  "Here is what the documents say:\n\n- The absolute maximum is 1,024 threads.{1}\n- "
	  "Network I/O "
	  "is never performed in the thread pool.{1}",
	  "Here is what the documents say:\n\n- The absolute maximum is 1,024 threads.{1}\n- "
	  "Bananas are "
	  "yellow.\n- Network I/O is never performed in the thread pool.{1}" },
	{ "Here is what the documents say:\n\nBananas are yellow.", "",
	  "Here is what the documents say:\n\nBananas are yellow." },
	{ "I don't know.", "I don't know.", "I don't know." },
	{ "The absolute maximum is 1,024 threads. Bananas are yellow.\n\nNetwork I/O is never "
	  "performed "
	  "in the thread pool.",
	  "The absolute maximum is 1,024 threads.{1}\n\nNetwork I/O is never performed in the "
	  "thread "
	  "pool.{1}",
	  "The absolute maximum is 1,024 threads.{1} Bananas are yellow.\n\nNetwork I/O is never "
	  "performed in the thread pool.{1}" },
	{ "The absolute maximum is 1,024 threads.[2][1]",
	  "The absolute maximum is 1,024 threads.{1}",
	  "The absolute maximum is 1,024 threads.{1}" },
	{ "The default `size[4]` of the thread pool is 4.",
	  "The default `size[4]` of the thread pool is 4.{1}",
	  "The default `size[4]` of the thread pool is 4.{1}" },
};

static void lets_out_what_is_supported_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct ragd_str in = { answers[i].in, strlen(answers[i].in) };

		for (int grounded = 0; grounded < 2; grounded++) {
			struct ragd_screen screen = screen_of(grounded);
			const char *want = grounded ? answers[i].grounded : answers[i].open;
			struct result whole, got;
			size_t bytes[1024];

			feed_all(&screen, in, NULL, 0, &whole);
			assert_string_equal(whole.text.data, want);
			for (size_t cut = 0; cut <= in.len; cut++) {
				feed_all(&screen, in, &cut, 1, &got);
				assert_string_equal(got.text.data, want);
				assert_int_equal(got.n_findings, whole.n_findings);
				buf_fini(&got.text);
			}
			for (size_t k = 0; k < in.len; k++)
				bytes[k] = k + 1;
			feed_all(&screen, in, bytes, in.len, &got);
			assert_string_equal(got.text.data, want);
			buf_fini(&got.text);
			buf_fini(&whole.text);
		}
	}
}

static void a_sentence_leaves_as_soon_as_it_is_complete(void **state)
{
	struct ragd_screen screen = screen_of(true);
	struct ground_stream *gs = NULL;
	struct test_call c;
	struct ragd_release r;
	static const char in[] = "The absolute maximum is 1,024 threads. Net";

	(void)state;
	test_call_init(&c);
	assert_int_equal(ground_stream_open(NULL, &screen, lexicon, 0.6f, &gs, NULL), 0);
	assert_int_equal(ground_stream_feed(gs, &c.call, in, strlen(in), false, &r, NULL), 0);
	assert_int_equal(r.text.len, strlen("The absolute maximum is 1,024 threads."));
	assert_int_equal(r.n_cites, 1);
	ground_stream_close(gs);
	test_call_fini(&c);
}

static void an_open_answer_without_evidence_passes_unchanged(void **state)
{
	struct ragd_screen screen = screen_of(false);
	struct result got;

	(void)state;
	screen.n_passages = 0;
	feed_all(&screen, RAGD_STR("It was made in Berlin [1]. a[0]\n"), NULL, 0, &got);
	assert_string_equal(got.text.data, "It was made in Berlin [1]. a[0]\n");
	assert_int_equal(got.n_findings, 0);
	buf_fini(&got.text);
}

static void a_long_answer_is_the_same_in_pieces(void **state)
{
	struct ragd_screen screen = screen_of(true);
	struct buf b = BUF_INIT;
	struct result whole, got;
	size_t cuts[2000], n = 0;

	(void)state;
	for (unsigned i = 0; b.len < 60000; i++)
		buf_adds(&b, i % 3 == 0 ? "The absolute maximum is 1,024 threads.\n\n"
			     : i % 3 == 1
				     ? "Bananas are yellow. "
				     : "Network I/O is never performed in the thread pool.\n\n");
	for (size_t at = 37; at < b.len && n < ARRAY_LEN(cuts); at += 37 + at % 11)
		cuts[n++] = at;
	feed_all(&screen, buf_str(&b), NULL, 0, &whole);
	feed_all(&screen, buf_str(&b), cuts, n, &got);
	assert_string_equal(whole.text.data, got.text.data);
	assert_int_equal(whole.n_findings, got.n_findings);
	assert_true(whole.n_findings > 100);
	buf_fini(&whole.text);
	buf_fini(&got.text);
	buf_fini(&b);
}

static int lexicon_open(void **state)
{
	(void)state;
	lexicon = claim_english_open();
	return lexicon != NULL ? 0 : -1;
}

static int lexicon_close(void **state)
{
	(void)state;
	claim_lexicon_close(lexicon);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_what_a_reader_would_look_for),
		cmocka_unit_test(prefers_the_passage_that_the_sentence_names),
		cmocka_unit_test(lets_out_what_is_supported_however_it_is_cut),
		cmocka_unit_test(a_sentence_leaves_as_soon_as_it_is_complete),
		cmocka_unit_test(an_open_answer_without_evidence_passes_unchanged),
		cmocka_unit_test(a_long_answer_is_the_same_in_pieces),
	};

	return cmocka_run_group_tests(tests, lexicon_open, lexicon_close);
}
