/* What servers say, well or badly. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "tests/test.h"
#include "upstream/wire/reply.h"

static void texts_are_repaired_not_refused(void **state)
{
	static const struct {
		const char *name, *in;
		size_t len;
		const char *want;
	} rows[] = {
#define ROW(name, in, want) { name, in, sizeof(in) - 1, want }
		ROW("as it is", "[\"a\\u00e4\\n\\\\u0000\"]", "aä\n\\u0000"),
		ROW("bytes that are no UTF-8", "[\"a\xff\xc3(\"]", "a\ufffd\ufffd("),
		ROW("a character cut in two", "[\"\xf0\x9f\x98\"]", "\ufffd\ufffd\ufffd"),
		ROW("a NUL, escaped", "[\"a\\u0000b\"]", "a\ufffdb"),
		ROW("a NUL as it is", "[\"a\0b\"]", "a\ufffdb"),
		ROW("a pair", "[\"\\ud83d\\ude00\\u0000\"]", "\U0001f600\ufffd"),
		ROW("the first half", "[\"a\\ud83d\"]", "a\ufffd"),
		ROW("the second half", "[\"\\uDE00a\"]", "\ufffda"),
		ROW("two first halves", "[\"\\ud83d\\ud83d\\ude00\"]", "\ufffd\U0001f600"),
		ROW("behind a backslash", "[\"\\\\\\ud83dx\\\\ud83d\"]", "\\\ufffdx\\ud83d"),
		ROW("the end of the text", "[\"a\\", NULL),
		ROW("half an escape", "[\"a\\ud8", NULL),
		ROW("no JSON", "<html>", NULL),
		ROW("nothing", "", NULL),
		ROW("more than one", "[\"a\"] 1", NULL),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = reply_parse(rows[i].in, rows[i].len);
		const char *got = json_string_value(json_array_get(v, 0));

		print_message("%s\n", rows[i].name);
		assert_true((rows[i].want == NULL) == (v == NULL));
		if (v != NULL)
			assert_string_equal(got, rows[i].want);
		json_decref(v);
	}
}

static void chunks_are_read(void **state)
{
	static const struct {
		const char *name, *in;
		bool whole;
		int rc;
		const char *text; /* or part of the sentence */
		enum reply_finish finish;
	} rows[] = {
#define DELTA(d, more) "{\"choices\":[{\"delta\":" d more "}]}"
		{ "text", DELTA("{\"content\":\"hi\"}", ""), false, 0, "hi", REPLY_GOES_ON },
		{ "a role", DELTA("{\"role\":\"assistant\",\"content\":\"\"}", ""), false, 0, NULL,
		  REPLY_GOES_ON },
		{ "null", DELTA("{\"content\":null}", ",\"finish_reason\":null"), false, 0, NULL,
		  REPLY_GOES_ON },
		{ "the end", DELTA("{}", ",\"finish_reason\":\"stop\""), false, 0, NULL,
		  REPLY_STOP },
		{ "text and end", DELTA("{\"content\":\".\"}", ",\"finish_reason\":\"length\""),
		  false, 0, ".", REPLY_LENGTH },
		{ "a filter", DELTA("{}", ",\"finish_reason\":\"content_filter\""), false, 0, NULL,
		  REPLY_FILTERED },
		{ "an end we do not know", DELTA("{}", ",\"finish_reason\":\"eos\""), false, 0,
		  NULL, REPLY_STOP },
		{ "a refusal", DELTA("{\"refusal\":\"no\"}", ""), false, 0, "no", REPLY_GOES_ON },
		{ "content that is no text", DELTA("{\"content\":[1]}", ""), false, 0, NULL,
		  REPLY_GOES_ON },
		{ "no delta", DELTA("7", ""), false, 0, NULL, REPLY_GOES_ON },
		{ "a whole answer", "{\"choices\":[{\"message\":{\"content\":\"all\"}}]}", true, 0,
		  "all", REPLY_STOP },
		{ "usage alone", "{\"choices\":[],\"usage\":{}}", false, 0, NULL, REPLY_GOES_ON },
		{ "an error", "{\"error\":{\"message\":\"out of\\ncookies\"}}", false, -EREMOTEIO,
		  "out of cookies", 0 },
		{ "an error of few words", "{\"error\":true}", false, -EREMOTEIO, "an error", 0 },
		{ "an error of another shape", "{\"object\":\"error\",\"message\":\"m\"}", false,
		  -EREMOTEIO, "m", 0 },
		{ "no error", "{\"error\":null,\"choices\":[]}", false, 0, NULL, REPLY_GOES_ON },
		{ "no choices", "{}", false, -EPROTO, "without 'choices'", 0 },
		{ "choices of no use", "{\"choices\":[1]}", false, -EPROTO, "'choices'", 0 },
		{ "an array", "[]", false, -EPROTO, "without 'choices'", 0 },
#undef DELTA
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = reply_parse(rows[i].in, strlen(rows[i].in));
		struct reply_chunk c = { 0 };
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_non_null(v);
		assert_int_equal(reply_chunk_read(v, rows[i].whole, &c, &err), rows[i].rc);
		if (rows[i].rc < 0) {
			assert_non_null(strstr(err.msg, rows[i].text));
		} else {
			assert_int_equal(c.finish, rows[i].finish);
			assert_true((c.text == NULL) == (rows[i].text == NULL));
			if (c.text != NULL)
				assert_string_equal(c.text, rows[i].text);
		}
		json_decref(v);
	}
}

static void usage_and_thoughts_are_told(void **state)
{
	static const char in[] =
		"{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}],\"ragd\":{\"abstained\":"
		"true},\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":99999999999,"
		"\"prompt_tokens_details\":{\"cached_tokens\":7}}}";
	json_t *v = reply_parse(in, sizeof(in) - 1);
	struct reply_chunk c;

	(void)state;
	assert_int_equal(reply_chunk_read(v, false, &c, NULL), 0);
	assert_true(c.thinks && c.has_usage && c.abstained);
	assert_null(c.text);
	assert_int_equal(c.usage.n_prompt, 12);
	assert_int_equal(c.usage.n_output, UINT32_MAX);
	assert_int_equal(c.usage.n_cached, 0); /* whose they were nobody knows */
	json_decref(v);
}

static void messages_of_errors_are_one_short_line(void **state)
{
	char body[2000], out[REPLY_MESSAGE_MAX + 1];

	(void)state;
	reply_message("{\"detail\":\"Not\\tFound\"}", 23, out);
	assert_string_equal(out, "Not Found");
	reply_message("<html>", 6, out);
	assert_string_equal(out, "");
	snprintf(
		body, sizeof(body), "{\"error\":\"%.*sä\"}", REPLY_MESSAGE_MAX - 1,
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	reply_message(body, strlen(body), out);
	assert_int_equal(strlen(out), REPLY_MESSAGE_MAX - 1); /* not half of the ä */
}

static void lists_of_models_are_read(void **state)
{
	static const char vllm[] = "{\"data\":[{\"id\":\"a\",\"max_model_len\":4096},{\"id\":\"b\","
				   "\"max_model_len\":8192}]}";
	static const char llama[] =
		"{\"data\":[{\"id\":7},{\"id\":\"m.gguf\",\"meta\":{\"n_ctx_train\":"
		"2048,\"n_params\":1100000000}}]}";
	struct reply_models m;
	struct ragd_err err = { 0 };
	json_t *v;

	(void)state;
	v = reply_parse(vllm, sizeof(vllm) - 1);
	assert_int_equal(reply_models_read(v, "", &m, &err), 0);
	assert_string_equal(m.first, "a");
	assert_int_equal(m.n_context, 4096);
	assert_false(m.listed);
	assert_int_equal(reply_models_read(v, "b", &m, &err), 0);
	assert_true(m.listed);
	assert_int_equal(m.n, 2);
	assert_int_equal(m.n_context, 8192);
	json_decref(v);
	v = reply_parse(llama, sizeof(llama) - 1);
	assert_int_equal(reply_models_read(v, "", &m, &err), 0);
	assert_string_equal(m.first, "m.gguf");
	assert_int_equal(m.n_context, 2048);
	assert_int_equal(m.n_parameters, 1100000000);
	json_decref(v);
	v = reply_parse("{\"data\":[]}", 11);
	assert_int_equal(reply_models_read(v, "", &m, &err), 0);
	assert_int_equal(m.n, 0);
	json_decref(v);
	v = reply_parse("{}", 2);
	assert_int_equal(reply_models_read(v, "", &m, &err), -EPROTO);
	json_decref(v);
}

static void vectors_are_put_in_order_and_made_unit(void **state)
{
	static const struct {
		const char *name, *in, *why;
	} rows[] = {
#define V(at, v) "{\"index\":" at ",\"embedding\":" v "}"
		{ "one too few", "{\"data\":[" V("0", "[1,0]") "]}", "one vector for each text" },
		{ "an index twice", "{\"data\":[" V("0", "[1,0]") "," V("0", "[1,0]") "]}",
		  "twice" },
		{ "an index out of range", "{\"data\":[" V("0", "[1,0]") "," V("2", "[1,0]") "]}",
		  "out of range" },
		{ "below 0", "{\"data\":[" V("-1", "[1,0]") "," V("0", "[1,0]") "]}",
		  "out of range" },
		{ "of two lengths", "{\"data\":[" V("0", "[1,0]") "," V("1", "[1]") "]}",
		  "different lengths" },
		{ "not numbers", "{\"data\":[" V("0", "[1,0]") "," V("1", "[1,\"0\"]") "]}",
		  "than numbers" },
		{ "zero", "{\"data\":[" V("0", "[1,0]") "," V("1", "[0,0]") "]}",
		  "without a length" },
		{ "too long", "{\"data\":[" V("0", "[1e300,0]") "," V("1", "[1,0]") "]}",
		  "without a length" },
		{ "none", "{\"data\":[" V("0", "[]") "," V("1", "[]") "]}", "no vector" },
		{ "no data", "{}", "one vector for each text" },
	};
	static const char good[] = "{\"data\":[" V("1", "[0,2]") "," V("0", "[3,4]") "]}";
	uint32_t dim = 0;
	float *v = NULL;
	struct ragd_err err = { 0 };
	json_t *root = reply_parse(good, sizeof(good) - 1);
#undef V

	(void)state;
	assert_int_equal(reply_embeddings_read(root, 2, &dim, &v, &err), 0);
	assert_int_equal(dim, 2);
	assert_true(fabsf(v[0] - 0.6f) < 1e-6f && fabsf(v[1] - 0.8f) < 1e-6f);
	assert_true(v[2] == 0 && v[3] == 1);
	free(v);
	dim = 3; /* as an earlier batch had it */
	assert_int_equal(reply_embeddings_read(root, 2, &dim, &v, &err), -EPROTO);
	json_decref(root);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		dim = 0;
		root = reply_parse(rows[i].in, strlen(rows[i].in));
		assert_non_null(root);
		assert_int_equal(reply_embeddings_read(root, 2, &dim, &v, &err), -EPROTO);
		assert_non_null(strstr(err.msg, rows[i].why));
		assert_int_equal(dim, 0);
		json_decref(root);
	}
}

static void scores_are_put_in_order_and_made_logits(void **state)
{
#define R(at, v)      "{\"index\":" at ",\"relevance_score\":" v "}"
#define RESULTS(a, b) "{\"results\":[" a "," b "]}"
	static const struct {
		const char *name, *in, *why;
	} rows[] = {
		{ "one too few", "{\"results\":[" R("0", "0.5") "]}", "one result for each" },
		{ "an index twice", RESULTS(R("0", "0.5"), R("0", "0.5")), "twice" },
		{ "out of range", RESULTS(R("0", "0.5"), R("2", "0.5")), "out of range" },
		{ "below 0", RESULTS(R("-1", "0.5"), R("0", "0.5")), "out of range" },
		{ "no index", RESULTS(R("0", "0.5"), "{\"relevance_score\":0.5}"), "missing" },
		{ "an index that is none", RESULTS(R("0", "0.5"), R("1.0", "0.5")), "missing" },
		{ "no score", RESULTS(R("0", "0.5"), "{\"index\":1}"), "no finite number" },
		{ "no number", RESULTS(R("0", "0.5"), R("1", "\"1\"")), "no finite number" },
		{ "no probability", RESULTS(R("0", "0.5"), R("1", "1.5")), "rerank_scores" },
		{ "no results", "{\"data\":[]}", "one result for each" },
		{ "no object", "[1,2]", "one result for each" },
	};
	static const char good[] = RESULTS(R("1", "0.75"), R("0", "0"));
	static const char logits[] = RESULTS(R("1", "-3.5"), R("0", "7"));
	double scores[2] = { NAN, NAN };
	struct ragd_err err = { 0 };
	json_t *root = reply_parse(good, sizeof(good) - 1);
#undef RESULTS
#undef R

	(void)state;
	assert_int_equal(reply_ranks_read(root, 2, false, scores, &err), 0);
	assert_true(fabs(scores[1] - log(3)) < 1e-9);
	assert_true(scores[0] < -10 && isfinite(scores[0]));
	json_decref(root);
	root = reply_parse(logits, sizeof(logits) - 1);
	assert_int_equal(reply_ranks_read(root, 2, false, scores, &err), -EPROTO);
	assert_int_equal(reply_ranks_read(root, 2, true, scores, &err), 0);
	assert_true(scores[0] == 7 && scores[1] == -3.5);
	json_decref(root);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		root = reply_parse(rows[i].in, strlen(rows[i].in));
		assert_non_null(root);
		assert_int_equal(reply_ranks_read(root, 2, false, scores, &err), -EPROTO);
		assert_non_null(strstr(err.msg, rows[i].why));
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_repaired_not_refused),
		cmocka_unit_test(chunks_are_read),
		cmocka_unit_test(usage_and_thoughts_are_told),
		cmocka_unit_test(messages_of_errors_are_one_short_line),
		cmocka_unit_test(lists_of_models_are_read),
		cmocka_unit_test(vectors_are_put_in_order_and_made_unit),
		cmocka_unit_test(scores_are_put_in_order_and_made_logits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
