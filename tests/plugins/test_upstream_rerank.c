/* Passages ranked by inference_upstream, with real servers on a socket. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

#define RANK(at, x) "{\"index\":" at ",\"relevance_score\":" x "}"
#define RANKS(a, b) HEAD_JSON "{\"model\":\"r\",\"results\":[" a "," b "]}"
#define ACT(reply)                                                                                 \
	{                                                                                          \
		reply, THEN_CLOSE, 0, NULL, 0                                                      \
	}

static const struct ragd_str passages[] = { RAGD_STR("a"), RAGD_STR("b") };

static int up_rerank(struct up *t, double *scores)
{
	const struct ragd_rerank req = { sizeof(req), RAGD_STR("why?"), passages, 2 };

	return t->plugin->descriptor->ops.inference->rerank(t->plugin->self, &t->call.call, &req,
							    scores, &t->err);
}

static void passages_get_the_server_s_scores(void **state)
{
	static const struct act acts[] = {
		ACT(ERROR_OF("503 Oops", "no")), /* tried again */
		ACT(RANKS(RANK("1", "0.75"), RANK("0", "0.5"))),
	};
	double scores[2];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "embed_model=e", "rerank_model=r");
	assert_int_equal(up_rerank(&t, scores), 0);
	assert_true(scores[0] == 0 && fabs(scores[1] - log(3)) < 1e-9);
	assert_non_null(strstr(t.servers[0].head.data, "POST /v1/rerank "));
	assert_string_equal(t.servers[0].body.data,
			    "{\"model\":\"r\",\"query\":\"why?\",\"documents\":[\"a\",\"b\"],"
			    "\"top_n\":2}");
	up_end(&t);
}

static void scores_may_be_logits(void **state)
{
	static const struct act act = ACT(RANKS(RANK("0", "-3.5"), RANK("1", "7")));
	double scores[2];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &act, 1);
	up_open(&t, QUICK, "model=m", "rerank_scores=logit");
	assert_int_equal(up_rerank(&t, scores), 0);
	assert_true(scores[0] == -3.5 && scores[1] == 7);
	assert_non_null(strstr(t.servers[0].body.data, "\"model\":\"m\""));
	up_end(&t);
}

static void replies_that_cannot_be_are_errors(void **state)
{
	static const struct {
		struct act act;
		const char *option;
		int rc;
		const char *want;
	} rows[] = {
		{ ACT(HEAD_JSON "{\"results\":[]}"), "retries=0", -EIO, "one result for each" },
		{ ACT(RANKS(RANK("0", "1"), RANK("2", "1"))), "retries=0", -EIO, "out of range" },
		{ ACT(RANKS(RANK("0", "1"), RANK("0", "1"))), "retries=0", -EIO, "twice" },
		{ ACT(RANKS(RANK("0", "1"), RANK("1", "null"))), "retries=0", -EIO, "no finite" },
		{ ACT(RANKS(RANK("0", "1"), RANK("1", "1e999"))), "retries=0", -EIO, "not JSON" },
		{ ACT(RANKS(RANK("0", "1"), RANK("1", "9"))), "retries=0", -EIO, "rerank_scores" },
		{ ACT(HEAD_JSON "{"), "retries=0", -EIO, "not JSON" },
		{ ACT(HEAD_SSE DONE), "retries=0", -EIO, "instead of application/json" },
		{ ACT(ERROR_OF("404 No", "no reranker here")), "retries=0", -EIO, "no reranker" },
		{ { NULL, THEN_HANG, 0, NULL, 0 },
		  "first_token_timeout=60ms",
		  -ETIMEDOUT,
		  "no first token" },
	};
	double scores[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		print_message("%s\n", rows[i].want);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_open(&t, QUICK, "model=m", rows[i].option);
		assert_int_equal(up_rerank(&t, scores), rows[i].rc);
		if (strstr(t.err.msg, rows[i].want) == NULL)
			fail_msg("'%s' is not in '%s'", rows[i].want, t.err.msg);
		up_end(&t);
	}
}

/* The caller's time is over, and the server still thinks. */
static void a_deadline_ends_the_wait(void **state)
{
	static const struct act act = { NULL, THEN_HANG, 0, NULL, 0 };
	double scores[2];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &act, 1);
	up_open(&t, QUICK, "model=m");
	t.call.call.deadline_ms = clock_ms() + 50;
	assert_int_equal(up_rerank(&t, scores), -ETIMEDOUT);
	assert_non_null(strstr(t.err.msg, "the deadline passed"));
	up_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passages_get_the_server_s_scores),
		cmocka_unit_test(scores_may_be_logits),
		cmocka_unit_test(replies_that_cannot_be_are_errors),
		cmocka_unit_test(a_deadline_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
