/* Embeddings by inference_upstream. */
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

#define VECTOR(at, x, y) "{\"index\":" at ",\"embedding\":[" x "," y "]}"

static int up_embed(struct up *t, const struct ragd_str *texts, size_t n,
		    struct ragd_embeddings *out)
{
	const struct ragd_embed req = { .size = sizeof(req), .texts = texts, .n = n };

	return t->plugin->descriptor->ops.inference->embed(t->plugin->self, &t->call.call, &req,
							   out, &t->err);
}

static void texts_are_embedded_in_batches(void **state)
{
	static const struct act acts[] = {
		{ HEAD_JSON "{\"data\":[" VECTOR("1", "0", "2") "," VECTOR("0", "3", "4") "]}",
		  THEN_CLOSE, 0, NULL, 0 },
		{ ERROR_OF("503 Oops", "no"), THEN_CLOSE, 0, NULL, 0 }, /* tried again */
		{ HEAD_JSON "{\"data\":[" VECTOR("0", "-1", "0") "]}", THEN_CLOSE, 0, NULL, 0 },
	};
	static const struct ragd_str texts[] = { RAGD_STR("a"), RAGD_STR("b"), RAGD_STR("c") };
	static const float want[] = { 0.6f, 0.8f, 0, 1, -1, 0 };
	struct ragd_embeddings v = { .size = sizeof(v) };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "embed_model=e", "embed_batch=2");
	assert_int_equal(up_embed(&t, texts, 3, &v), 0);
	assert_int_equal(v.dim, 2);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_true(fabsf(v.values[i] - want[i]) < 1e-6f);
	assert_non_null(strstr(t.servers[0].head.data, "POST /v1/embeddings "));
	assert_string_equal(t.servers[0].body.data,
			    "{\"model\":\"e\",\"input\":[\"c\"],\"encoding_format\":\"float\"}");
	up_end(&t);
}

static void texts_have_the_prefix_of_their_use(void **state)
{
	static const struct act acts[] = {
		{ HEAD_JSON "{\"data\":[" VECTOR("0", "3", "4") "," VECTOR(
			  "1", "0", "2") "],\"usage\":{\"prompt_tokens\":11,\"total_tokens\":11}}",
		  THEN_CLOSE, 0, NULL, 0 },
	};
	static const struct ragd_str texts[] = { RAGD_STR("abc"), RAGD_STR("abcdefghijkl") };
	const struct ragd_embed req = {
		.size = sizeof(req), .use = RAGD_EMBED_QUERY, .texts = texts, .n = 2
	};
	struct ragd_embeddings v = { .size = sizeof(v) };
	struct ragd_embed_card card = { .size = sizeof(card) };
	const struct ragd_inference_ops *ops;
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "query_prefix=query: ");
	ops = t.plugin->descriptor->ops.inference;
	assert_int_equal(ops->embed(t.plugin->self, &t.call.call, &req, &v, &t.err), 0);
	assert_string_equal(t.servers[0].body.data,
			    "{\"model\":\"m\",\"input\":[\"query: abc\",\"query: abcdefghijkl\"],"
			    "\"encoding_format\":\"float\"}");
	assert_int_equal(v.n_tokens[0] + v.n_tokens[1], 11);
	assert_true(v.n_tokens[0] < v.n_tokens[1]);
	ops->embed_card(t.plugin->self, &card);
	assert_int_equal(strlen(card.stamp), 64);
	up_end(&t);
}

static void embeddings_that_cannot_be_are_errors(void **state)
{
	static const struct {
		struct act act;
		const char *option;
		int rc;
		const char *want;
	} rows[] = {
		{ { HEAD_JSON "{\"data\":[]}", THEN_CLOSE, 0, NULL, 0 },
		  "retries=0",
		  -EIO,
		  "one vector for each text" },
		{ { HEAD_JSON "{", THEN_CLOSE, 0, NULL, 0 }, "retries=0", -EIO, "not JSON" },
		{ { HEAD_SSE DONE, THEN_CLOSE, 0, NULL, 0 },
		  "retries=0",
		  -EIO,
		  "instead of application/json" },
		{ { ERROR_OF("404 No", "no embeddings here"), THEN_CLOSE, 0, NULL, 0 },
		  "retries=0",
		  -EIO,
		  "no embeddings here" },
		{ { NULL, THEN_HANG, 0, NULL, 0 },
		  "first_token_timeout=60ms",
		  -ETIMEDOUT,
		  "no first token" },
	};
	static const struct ragd_str text = RAGD_STR("a");
	struct ragd_embeddings v = { .size = sizeof(v) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		print_message("%s\n", rows[i].want);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_open(&t, QUICK, "model=m", rows[i].option);
		assert_int_equal(up_embed(&t, &text, 1, &v), rows[i].rc);
		if (strstr(t.err.msg, rows[i].want) == NULL)
			fail_msg("'%s' is not in '%s'", rows[i].want, t.err.msg);
		assert_int_equal(up_embed(&t, NULL, 0, &v), -EINVAL);
		up_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_embedded_in_batches),
		cmocka_unit_test(texts_have_the_prefix_of_their_use),
		cmocka_unit_test(embeddings_that_cannot_be_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
