/* The bodies of requests. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/test.h"
#include "upstream/wire/request.h"

static void requests_say_what_was_asked_for(void **state)
{
	static const struct ragd_str stops[] = { RAGD_STR("###"), RAGD_STR("\n\n") };
	static const struct ragd_message messages[] = {
		{ RAGD_ROLE_SYSTEM, RAGD_STR("Be \"kind\".") },
		{ RAGD_ROLE_USER, RAGD_STR("wörds\n\x01") },
		{ RAGD_ROLE_ASSISTANT, { NULL, 0 } },
		{ RAGD_ROLE_USER, { "nul\0!", 5 } },
	};
	struct ragd_generate req = { .size = sizeof(req),
				     .messages = messages,
				     .n_messages = 4,
				     .sampling = &(struct ragd_sampling){ .max_tokens = 7,
									  .temperature = 0.3f,
									  .top_p = 0.95f,
									  .min_p = 0.05f,
									  .top_k = 40,
									  .seed = UINT64_MAX,
									  .stop = stops,
									  .n_stop = 2 } };
	struct ragd_err err = { 0 };
	char *body;

	(void)state;
	body = request_chat(&req, "m/1", true, NULL, &err);
	assert_string_equal(
		body,
		"{\"model\":\"m/1\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
		"\\\"kind\\\".\"},{\"role\":\"user\",\"content\":\"wörds\\n\\u0001\"},"
		"{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"user\",\"content\":"
		"\"nul\\u0000!\"}],\"stream\":true,\"stream_options\":{\"include_usage\":true},"
		"\"temperature\":0.3,\"seed\":9223372036854775807,\"top_p\":0.95,"
		"\"max_tokens\":7,\"stop\":[\"###\",\"\\n\\n\"],\"min_p\":0.05,\"top_k\":40}");
	free(body);
	req.n_messages = 0;
	req.sampling = &(struct ragd_sampling){ 0 };
	body = request_chat(&req, "", true, NULL, &err);
	assert_string_equal(body, "{\"messages\":[],\"stream\":true,\"stream_options\":"
				  "{\"include_usage\":true},\"temperature\":0.0,\"seed\":0}");
	free(body);
	req.sampling = &(struct ragd_sampling){ .min_p = 0.1f, .top_k = 3, .temperature = 1 };
	body = request_chat(&req, "", false, "s4lt", &err);
	assert_non_null(strstr(body, "\"cache_salt\":\"s4lt\"}"));
	assert_null(strstr(body, "min_p"));
	assert_null(strstr(body, "top_k"));
	free(body);
	body = request_embeddings(stops, 2, "e", &err);
	assert_string_equal(body, "{\"model\":\"e\",\"input\":[\"###\",\"\\n\\n\"],"
				  "\"encoding_format\":\"float\"}");
	free(body);
	body = request_rerank((struct ragd_str)RAGD_STR("q?"), stops, 2, "r", &err);
	assert_string_equal(body, "{\"model\":\"r\",\"query\":\"q?\",\"documents\":[\"###\","
				  "\"\\n\\n\"],\"top_n\":2}");
	free(body);
	body = request_embeddings(&(struct ragd_str){ NULL, 0 }, 1, "", &err);
	assert_string_equal(body, "{\"input\":[\" \"],\"encoding_format\":\"float\"}");
	free(body);
}

static void texts_that_are_no_utf8_are_refused(void **state)
{
	static const struct ragd_message bad = { RAGD_ROLE_USER, RAGD_STR("a\xff") };
	struct ragd_sampling sampling = { .size = sizeof(sampling) };
	struct ragd_generate req = {
		.size = sizeof(req), .messages = &bad, .n_messages = 1, .sampling = &sampling
	};
	struct ragd_err err = { 0 };

	(void)state;
	assert_null(request_chat(&req, "m", true, NULL, &err));
	assert_int_equal(err.code, -EILSEQ);
	assert_null(request_embeddings(&bad.text, 1, "m", &err));
	assert_int_equal(err.code, -EILSEQ);
	assert_null(request_rerank(bad.text, NULL, 0, "m", &err));
	assert_int_equal(err.code, -EILSEQ);
	assert_null(request_rerank((struct ragd_str)RAGD_STR("q"), &bad.text, 1, "m", &err));
	assert_int_equal(err.code, -EILSEQ);
	req.n_messages = 0;
	sampling.stop = &bad.text;
	sampling.n_stop = 1;
	assert_null(request_chat(&req, "m", true, NULL, &err));
	assert_int_equal(err.code, -EILSEQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_say_what_was_asked_for),
		cmocka_unit_test(texts_that_are_no_utf8_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
