/* The first hits reranked by a model outside of the store, which may fail, be late, or be gone. */
#include <errno.h>
#include <math.h>

#include "base/clock.h"
#include "base/text/utf8.h"
#include "tests/retrieval/stores.h"

#define N_SEEN 64

/* Finds a passage the more relevant the more often it has a word that no question has. */
struct word_reranker {
	const char *word;
	int rc;              /* what calls return, if negative */
	bool cancels;        /* looks whether anybody waits */
	int64_t deadline_ms; /* of the last call */
	unsigned n_calls;
	char query[200];
	char seen[N_SEEN][200]; /* the passages of the last call */
	size_t n_seen;
};

static double word_relevance(const struct word_reranker *r, struct ragd_str text)
{
	double n = -2;

	for (size_t at = 0; at + strlen(r->word) <= text.len; at++)
		n += memcmp(text.s + at, r->word, strlen(r->word)) == 0;
	return n;
}

static int word_rerank(void *arg, const char *name, const struct ragd_call *call,
		       const struct ragd_rerank *req, double *scores, struct ragd_err *err)
{
	struct word_reranker *r = arg;

	assert_string_equal(name, "ranker");
	assert_non_null(call->alloc(call, 1, 1));
	assert_true(utf8_invalid_at(req->query.s, req->query.len) < 0);
	r->n_calls++;
	snprintf(r->query, sizeof(r->query), "%.*s", (int)req->query.len, req->query.s);
	r->n_seen = req->n;
	assert_true(req->n <= N_SEEN);
	for (size_t i = 0; i < req->n; i++) {
		snprintf(r->seen[i], sizeof(r->seen[i]), "%.*s", (int)req->passages[i].len,
			 req->passages[i].s);
		scores[i] = word_relevance(r, req->passages[i]);
	}
	r->deadline_ms = call->deadline_ms;
	if (r->cancels && call->cancelled(call))
		return ragd_err_set(err, -ECANCELED, "nobody waits");
	return r->rc < 0 ? ragd_err_set(err, r->rc, "the reranker is out of order") : 0;
}

static struct word_reranker *reranker(struct fixture *f)
{
	return f->options.reranker.arg;
}

static int rerank_setup(void **state)
{
	struct word_reranker *r = calloc(1, sizeof(*r));
	struct fixture *f;

	assert_int_equal(fixture_setup(state), 0);
	f = *state;
	fixture_close(f);
	r->word = "good";
	f->options.weight_vector = 0;
	f->options.reranker = (struct store_reranker){ "ranker", 20, 60000, word_rerank, r };
	fixture_open(f);
	return 0;
}

static int rerank_teardown(void **state)
{
	struct fixture *f = *state;
	void *r = f->options.reranker.arg;
	int rc = fixture_teardown(state);

	free(r);
	return rc;
}

static void reopen_with(struct fixture *f, uint32_t top, int64_t time_ms)
{
	fixture_close(f);
	f->options.reranker.top = top;
	f->options.reranker.time_ms = time_ms;
	fixture_open(f);
}

/* Words put the six in the order of their names, the reranker the other way round. */
static void add_six(struct fixture *f)
{
	char text[200], id[8];

	for (int i = 0; i < 6; i++) {
		int len = snprintf(text, sizeof(text), "harbour");

		for (int k = 0; k < 6; k++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, " %s",
					k < i ? "good" : "harbour");
		snprintf(id, sizeof(id), "d%d", i);
		add(f, "c", id, text);
	}
}

/* The ids of the k first as one text; scores descend within 0 and 1. */
static const char *order(struct fixture *f, uint32_t k)
{
	static char out[200];
	struct ragd_query q = { .size = sizeof(q), .text = str("harbour"), .k = k };
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };
	size_t n = 0, at = 0;

	arena_reset(f->call.arena);
	if (store_search(f->store, &f->call.call, &q, &hits, &n, &err) < 0)
		fail_msg("search: %s", err.msg);
	assert_true(n <= k);
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		float score = hits[i].passage.score;

		assert_true(score >= 0 && score <= (i > 0 ? hits[i - 1].passage.score : 1));
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s ", hits[i].document);
	}
	return out;
}

static void hits_come_in_the_order_of_their_relevance(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;

	add_six(f);
	assert_string_equal(order(f, 10), "d5 d4 d3 d2 d1 d0 ");
	assert_int_equal(reranker(f)->n_calls, 1);
	assert_string_equal(reranker(f)->query, "harbour");
	assert_non_null(strstr(reranker(f)->seen[0], "harbour harbour"));
	assert_int_equal(find(f, "harbour", &hits), 6);
	for (int i = 0; i < 6; i++) /* the logistic of what it said; the parts stay */
		assert_true(fabs((double)hits[i].passage.score - 1 / (1 + exp(2 - (5 - i)))) <
			    1e-6);
	assert_true(hits[5].lexical == 1 && hits[0].lexical < 1);
	/* What is asked for is found among more. */
	assert_string_equal(order(f, 2), "d5 d4 ");
	assert_int_equal(reranker(f)->n_seen, 6);
}

static void those_behind_the_first_stay_below(void **state)
{
	struct fixture *f = *state;

	add_six(f);
	reopen_with(f, 3, 60000);
	assert_string_equal(order(f, 10), "d2 d1 d0 d3 d4 d5 ");
	assert_int_equal(reranker(f)->n_seen, 3);
	assert_string_equal(order(f, 2), "d2 d1 ");
	assert_string_equal(order(f, 1), "d2 ");
}

static void equal_ones_stay_in_their_order(void **state)
{
	struct fixture *f = *state;

	reranker(f)->word = "no such word";
	add_six(f);
	assert_string_equal(order(f, 10), "d0 d1 d2 d3 d4 d5 ");
}

static void a_failure_leaves_the_order_as_it_was(void **state)
{
	struct fixture *f = *state;

	add_six(f);
	reranker(f)->rc = -EIO;
	assert_string_equal(order(f, 10), "d0 d1 d2 d3 d4 d5 ");
	assert_string_equal(order(f, 2), "d0 d1 ");
	assert_int_equal(reranker(f)->n_calls, 2);
	assert_int_equal(f->events[STORE_TROUBLE], 1); /* told once */
	assert_non_null(strstr(f->last_event, "the reranker is out of order"));
	reranker(f)->rc = 0;
	assert_string_equal(order(f, 2), "d5 d4 ");
	reranker(f)->rc = -ENOENT;
	assert_string_equal(order(f, 2), "d0 d1 ");
	assert_int_equal(f->events[STORE_TROUBLE], 2);
}

static void its_time_ends_before_the_search_s(void **state)
{
	struct fixture *f = *state;
	int64_t before_ms, after_ms, end_ms;

	add_six(f);
	reopen_with(f, 20, 20000);
	reranker(f)->rc = -ETIMEDOUT; /* as one that is late */
	before_ms = clock_ms();
	assert_string_equal(order(f, 10), "d0 d1 d2 d3 d4 d5 ");
	after_ms = clock_ms();
	assert_true(reranker(f)->deadline_ms >= before_ms + 20000);
	assert_true(reranker(f)->deadline_ms <= after_ms + 20000);
	/* However much it may take, half of what the search has left is for the rest. */
	reopen_with(f, 20, 600000);
	end_ms = f->call.call.deadline_ms = clock_ms() + 120000;
	assert_string_equal(order(f, 10), "d0 d1 d2 d3 d4 d5 ");
	assert_true(end_ms - reranker(f)->deadline_ms >= (end_ms - clock_ms()) / 2);
	f->call.call.deadline_ms = 0;
}

static void nothing_is_asked_where_nothing_is_found(void **state)
{
	struct fixture *f = *state;
	struct ragd_str tag = str("t");
	struct ragd_query q = {
		.size = sizeof(q), .text = str(" \n"), .k = 10, .tags = &tag, .n_tags = 1
	};
	const struct ragd_hit *hits;
	size_t n;

	add_tagged(f, "c", "d", "harbour", "t");
	assert_int_equal(find(f, "bridge", &hits), 0);
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), 0);
	assert_int_equal(reranker(f)->n_calls, 0);
}

/* Of a long question the beginning, cut between characters. */
static void a_long_question_is_cut(void **state)
{
	enum { LEN = (64 << 10) + 10 };
	static char text[LEN + 1];
	struct ragd_query q = { .size = sizeof(q), .text = { text, LEN }, .k = 10 };
	struct fixture *f = *state;
	const struct ragd_hit *hits;
	size_t n;

	add_six(f);
	memcpy(text, "harbour ", 8);
	for (size_t i = 8; i < LEN; i++) /* letters of two bytes, the first at an odd place */
		text[i] = i == 8 ? ' ' : i % 2 == 1 ? '\xc3' : '\xa4';
	text[LEN - 1] = ' ';
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), 0);
	assert_int_equal(reranker(f)->n_calls, 1);
}

static void a_search_that_nobody_waits_for_ends(void **state)
{
	struct ragd_query q = { .size = sizeof(q), .text = str("harbour"), .k = 10 };
	struct fixture *f = *state;
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };
	size_t n;

	add_six(f);
	reranker(f)->cancels = true;
	f->call.cancelled = true;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), -ECANCELED);
	f->call.cancelled = false;
}

/* Passages of others are neither shown to the reranker nor moved by it. */
static void it_reads_only_what_the_caller_may_read(void **state)
{
	struct ragd_collection secret = {
		.name = "secret", .owner = 2000, .group = 2000, .mode = 0600
	};
	struct fixture *f = *state;

	as_user(f, 2000, 2000, true);
	assert_int_equal(store_collection_put(f->store, &f->call.call, &secret, NULL, NULL), 0);
	add(f, "secret", "theirs", "harbour good good good good good good good good");
	as_user(f, 1000, 1000, false);
	add_six(f);
	assert_string_equal(order(f, 10), "d5 d4 d3 d2 d1 d0 ");
	assert_int_equal(reranker(f)->n_seen, 6);
	for (size_t i = 0; i < 6; i++)
		assert_null(strstr(reranker(f)->seen[i], "good good good good good good"));
	as_user(f, 2000, 2000, true);
	assert_int_equal(strncmp(order(f, 10), "theirs ", 7), 0);
	assert_int_equal(reranker(f)->n_seen, 7);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rerank_setup, rerank_teardown)
	const struct CMUnitTest tests[] = {
		CASE(hits_come_in_the_order_of_their_relevance),
		CASE(those_behind_the_first_stay_below),
		CASE(equal_ones_stay_in_their_order),
		CASE(a_failure_leaves_the_order_as_it_was),
		CASE(its_time_ends_before_the_search_s),
		CASE(nothing_is_asked_where_nothing_is_found),
		CASE(a_long_question_is_cut),
		CASE(a_search_that_nobody_waits_for_ends),
		CASE(it_reads_only_what_the_caller_may_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
