/* Bodies to structs, and what is said of those that are not right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "ipc/codec/codec.h"
#include "tests/test.h"

static struct ragd_str str(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

#define assert_str(have, want)                                                                     \
	do {                                                                                       \
		assert_int_equal((have).len, strlen(want));                                        \
		assert_memory_equal((have).s, (want), strlen(want));                               \
	} while (0)

/* ---- chat ----------------------------------------------------------------------------------- */

static void chat_reads_every_member(void **state)
{
	static const char body[] =
		"{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"be brief\"},"
		"{\"role\":\"user\",\"name\":\"x\",\"content\":[{\"type\":\"text\",\"text\":"
		"\"one\"},"
		"{\"type\":\"text\",\"text\":\"two\"}]},{\"role\":\"assistant\",\"content\":null},"
		"{\"role\":\"user\",\"content\":\"gr\\u00fc\\u00dfe \\ud83d\\ude00\"}],"
		"\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":5,"
		"\"max_completion_tokens\":7,\"temperature\":0.5,\"top_p\":1,\"seed\":-1,"
		"\"stop\":[\"a\",\"bc\"],\"n\":1,\"collections\":[\"a.b-c_1\"],\"k\":50,"
		"\"presence_penalty\":-0.5,\"frequency_penalty\":2,"
		"\"logit_bias\":{\"128009\":-100,\"7\":1.5},\"verbosity\":{\"unknown\":[1,2]}}";
	struct arena *a = arena_new(1 << 20);
	struct codec_chat req;
	struct codec_err err;

	(void)state;
	assert_int_equal(codec_chat_decode(a, str(body), &req, &err), 0);
	assert_string_equal(req.model, "m");
	assert_int_equal(req.n_messages, 4);
	assert_int_equal(req.messages[0].role, RAGD_ROLE_SYSTEM);
	assert_str(req.messages[0].text, "be brief");
	assert_int_equal(req.messages[1].role, RAGD_ROLE_USER);
	assert_str(req.messages[1].text, "one\ntwo");
	assert_int_equal(req.messages[2].role, RAGD_ROLE_ASSISTANT);
	assert_int_equal(req.messages[2].text.len, 0);
	assert_str(req.messages[3].text, "gr\xc3\xbc\xc3\x9f"
					 "e \xf0\x9f\x98\x80");
	assert_int_equal(req.n_text, 8 + 7 + 0 + 12);
	assert_true(req.stream && req.include_usage);
	assert_true(req.has_max_tokens && req.has_temperature && req.has_top_p && req.has_seed);
	assert_int_equal(req.max_tokens, 7);
	assert_true(req.temperature == 0.5f && req.top_p == 1.0f);
	assert_true(req.seed == UINT64_MAX);
	assert_true(req.presence_penalty == -0.5f && req.frequency_penalty == 2.0f);
	assert_int_equal(req.n_bias, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(req.bias[i].token == 7
				    ? req.bias[i].add == 1.5f
				    : req.bias[i].token == 128009 && req.bias[i].add == -100.0f);
	assert_int_equal(req.n_stop, 2);
	assert_str(req.stop[1], "bc");
	assert_int_equal(req.n_collections, 1);
	assert_string_equal(req.collections[0], "a.b-c_1");
	assert_true(req.has_k);
	assert_int_equal(req.k, 50);
	arena_free(a);
}

static void chat_tells_absent_from_present(void **state)
{
	/* null is as good as absent: SDKs send it. */
	/* clang-format off */
	static const char *const bodies[] = {
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
		("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"model\":null,"
		 "\"stream\":null,"
		 "\"max_tokens\":null,\"temperature\":null,\"top_p\":null,\"seed\":null,"
		 "\"stop\":null,"
		 "\"n\":null,\"collections\":null,\"k\":null,\"stream_options\":null}"),
		("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"collections\":[],"
		 "\"stop\":[]}"),
	};
	/* clang-format on */
	struct codec_chat req;
	struct codec_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct arena *a = arena_new(1 << 20);

		assert_int_equal(codec_chat_decode(a, str(bodies[i]), &req, &err), 0);
		assert_string_equal(req.model, "default");
		assert_false(req.stream || req.include_usage || req.has_max_tokens ||
			     req.has_temperature || req.has_top_p || req.has_seed || req.has_k);
		assert_int_equal(req.n_stop, 0);
		assert_int_equal(req.n_collections, 0);
		arena_free(a);
	}
}

/* ---- what is refused ------------------------------------------------------------------------ */

enum what { CHAT, EMBEDDINGS, MODERATIONS, SEARCH, FEEDBACK, COLLECTION };

static int decode(enum what what, struct arena *a, struct ragd_str body, struct codec_err *err)
{
	union {
		struct codec_chat chat;
		struct codec_embeddings embeddings;
		struct codec_moderations moderations;
		struct codec_search search;
		struct codec_feedback feedback;
		struct codec_collection_put collection;
	} out;

	switch (what) {
	case CHAT:
		return codec_chat_decode(a, body, &out.chat, err);
	case EMBEDDINGS:
		return codec_embeddings_decode(a, body, &out.embeddings, err);
	case MODERATIONS:
		return codec_moderations_decode(a, body, &out.moderations, err);
	case SEARCH:
		return codec_search_decode(a, body, &out.search, err);
	case FEEDBACK:
		return codec_feedback_decode(a, body, &out.feedback, err);
	default:
		return codec_collection_decode(a, body, &out.collection, err);
	}
}

#define Q   "{\"role\":\"user\",\"content\":\"q\"}"
#define M   "\"messages\":[" Q "]"
#define FB  "\"answer_id\":\"ans-1\""
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* clang-format off */
static const struct {
	enum what what;
	const char *body;
	const char *code;
	const char *param;
} refused[] = {
	{ CHAT, "", "invalid_json", NULL },
	{ CHAT, "{", "invalid_json", NULL },
	{ CHAT, "[]", "invalid_json", NULL },
	{ CHAT, "\"x\"", "invalid_json", NULL },
	{ CHAT, "{" M "} x", "invalid_json", NULL },
	{ CHAT, "{" M "," M "}", "invalid_json", NULL },
	{ CHAT, "{'a':1}", "invalid_json", NULL },
	{ CHAT, "{\"a\":1e999," M "}", "invalid_json", NULL },
	{ CHAT, "{\"a\":99999999999999999999," M "}", "invalid_json", NULL },
	{ CHAT, "{\"a\":\"\xff\"," M "}", "invalid_utf8", NULL },
	{ CHAT, "{\"a\":\"\xed\xa0\x80\"," M "}", "invalid_utf8", NULL },
	{ CHAT, "{\"a\":\"\\ud800\"," M "}", "invalid_json", NULL },
	{ CHAT, "{\"a\":\"x\\u0000y\"," M "}", "invalid_value", NULL },
	{ CHAT, "{\"a\\u0000\":1," M "}", "invalid_value", NULL },
	{ CHAT, "{}", "missing_value", "messages" },
	{ CHAT, "{\"messages\":null}", "missing_value", "messages" },
	{ CHAT, "{\"messages\":[]}", "invalid_value", "messages" },
	{ CHAT, "{\"messages\":{}}", "invalid_value", "messages" },
	{ CHAT, "{\"messages\":\"hi\"}", "invalid_value", "messages" },
	{ CHAT, "{\"messages\":[" Q ",7]}", "invalid_value", "messages[1]" },
	{ CHAT, "{\"messages\":[{\"content\":\"x\"}]}", "missing_value", "messages[0].role" },
	{ CHAT, "{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "invalid_value",
	  "messages[0].role" },
	{ CHAT, "{\"messages\":[{\"role\":1,\"content\":\"x\"}]}", "invalid_value",
	  "messages[0].role" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\"}]}", "missing_value", "messages[0].content" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":null}]}", "missing_value",
	  "messages[0].content" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":7}]}", "invalid_value",
	  "messages[0].content" },
	{ CHAT, "{\"messages\":[" Q ",{\"role\":\"user\",\"content\":\"\"}]}", "invalid_value",
	  "messages[1].content" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\" \\n\\u00a0\\u200b\"}]}",
	  "invalid_value", "messages[0].content" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[]}]}", "invalid_value",
	  "messages[0].content" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
	  "invalid_value", "messages[0].content[0]" },
	{ CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
	  "invalid_value", "messages[0].content[0]" },
	{ CHAT, "{\"messages\":[" Q ",{\"role\":\"assistant\",\"content\":\"x\"}]}",
	  "invalid_value", "messages[1].role" },
	{ CHAT, "{" M ",\"model\":3}", "invalid_value", "model" },
	{ CHAT, "{" M ",\"model\":\"" X64 X64 X64 X64 "x\"}", "invalid_value", "model" },
	{ CHAT, "{" M ",\"stream\":\"yes\"}", "invalid_value", "stream" },
	{ CHAT, "{" M ",\"stream\":1}", "invalid_value", "stream" },
	{ CHAT, "{" M ",\"stream_options\":[]}", "invalid_value", "stream_options" },
	{ CHAT, "{" M ",\"stream_options\":{\"include_usage\":1}}", "invalid_value",
	  "stream_options.include_usage" },
	{ CHAT, "{" M ",\"max_tokens\":0}", "invalid_value", "max_tokens" },
	{ CHAT, "{" M ",\"max_tokens\":-1}", "invalid_value", "max_tokens" },
	{ CHAT, "{" M ",\"max_tokens\":1.5}", "invalid_value", "max_tokens" },
	{ CHAT, "{" M ",\"max_tokens\":3000000000}", "invalid_value", "max_tokens" },
	{ CHAT, "{" M ",\"max_completion_tokens\":\"4\"}", "invalid_value",
	  "max_completion_tokens" },
	{ CHAT, "{" M ",\"temperature\":2.1}", "invalid_value", "temperature" },
	{ CHAT, "{" M ",\"temperature\":-0.1}", "invalid_value", "temperature" },
	{ CHAT, "{" M ",\"presence_penalty\":2.1}", "invalid_value", "presence_penalty" },
	{ CHAT, "{" M ",\"frequency_penalty\":\"1\"}", "invalid_value", "frequency_penalty" },
	{ CHAT, "{" M ",\"logit_bias\":[1]}", "invalid_value", "logit_bias" },
	{ CHAT, "{" M ",\"logit_bias\":{\"x\":1}}", "invalid_value", "logit_bias" },
	{ CHAT, "{" M ",\"logit_bias\":{\"-1\":1}}", "invalid_value", "logit_bias" },
	{ CHAT, "{" M ",\"logit_bias\":{\"9999999999\":1}}", "invalid_value", "logit_bias" },
	{ CHAT, "{" M ",\"logit_bias\":{\"5\":101}}", "invalid_value", "logit_bias" },
	{ CHAT, "{" M ",\"temperature\":\"0\"}", "invalid_value", "temperature" },
	{ CHAT, "{" M ",\"top_p\":1.01}", "invalid_value", "top_p" },
	{ CHAT, "{" M ",\"seed\":0.5}", "invalid_value", "seed" },
	{ CHAT, "{" M ",\"n\":2}", "invalid_value", "n" },
	{ CHAT, "{" M ",\"stop\":7}", "invalid_value", "stop" },
	{ CHAT, "{" M ",\"stop\":\"\"}", "invalid_value", "stop" },
	{ CHAT, "{" M ",\"stop\":[\"a\",\"\"]}", "invalid_value", "stop[1]" },
	{ CHAT, "{" M ",\"stop\":[\"a\",null]}", "invalid_value", "stop[1]" },
	{ CHAT, "{" M ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "invalid_value", "stop" },
	{ CHAT, "{" M ",\"collections\":\"a\"}", "invalid_value", "collections" },
	{ CHAT, "{" M ",\"collections\":[\"a\",\"B\"]}", "invalid_value", "collections[1]" },
	{ CHAT, "{" M ",\"collections\":[\"../x\"]}", "invalid_value", "collections[0]" },
	{ CHAT, "{" M ",\"collections\":[\"" X64 "x\"]}", "invalid_value", "collections[0]" },
	{ CHAT, "{" M ",\"k\":0}", "invalid_value", "k" },
	{ CHAT, "{" M ",\"k\":51}", "invalid_value", "k" },

	{ EMBEDDINGS, "{}", "missing_value", "input" },
	{ EMBEDDINGS, "{\"input\":[]}", "invalid_value", "input" },
	{ EMBEDDINGS, "{\"input\":\"\"}", "invalid_value", "input" },
	{ EMBEDDINGS, "{\"input\":[\"a\",\"\"]}", "invalid_value", "input[1]" },
	{ EMBEDDINGS, "{\"input\":[[1,2]]}", "invalid_value", "input" },
	{ EMBEDDINGS, "{\"input\":[1,2]}", "invalid_value", "input" },
	{ EMBEDDINGS, "{\"input\":[\"a\",\" \\n\"]}", "invalid_value", "input[1]" },
	{ EMBEDDINGS, "{\"input\":\"x\",\"dimensions\":0}", "invalid_value", "dimensions" },
	{ EMBEDDINGS, "{\"input\":\"x\",\"dimensions\":\"many\"}", "invalid_value", "dimensions" },
	{ EMBEDDINGS, "{\"input\":7}", "invalid_value", "input" },
	{ EMBEDDINGS, "{\"input\":\"x\",\"encoding_format\":\"hex\"}", "invalid_value",
	  "encoding_format" },
	{ EMBEDDINGS, "{\"input\":\"x\",\"encoding_format\":1}", "invalid_value",
	  "encoding_format" },

	{ MODERATIONS, "{\"input\":{}}", "invalid_value", "input" },
	{ MODERATIONS, "{\"input\":\"x\",\"stage\":\"answer\"}", "invalid_value", "stage" },

	{ SEARCH, "{}", "missing_value", "query" },
	{ SEARCH, "{\"query\":\"\"}", "invalid_value", "query" },
	{ SEARCH, "{\"query\":\" \\t\"}", "invalid_value", "query" },
	{ SEARCH, "{\"query\":[]}", "invalid_value", "query" },
	{ SEARCH, "{\"query\":\"x\",\"k\":1001}", "invalid_value", "k" },
	{ SEARCH, "{\"query\":\"x\",\"tags\":\"t\"}", "invalid_value", "tags" },
	{ SEARCH, "{\"query\":\"x\",\"tags\":[\"\"]}", "invalid_value", "tags[0]" },
	{ SEARCH, "{\"query\":\"x\",\"per_document\":0}", "invalid_value", "per_document" },

	{ FEEDBACK, "{\"rating\":\"up\"}", "missing_value", "answer_id" },
	{ FEEDBACK, "{\"answer_id\":\"\",\"rating\":\"up\"}", "invalid_value", "answer_id" },
	{ FEEDBACK, "{\"answer_id\":\"a/b\",\"rating\":\"up\"}", "invalid_value", "answer_id" },
	{ FEEDBACK, "{" FB "}", "missing_value", "rating" },
	{ FEEDBACK, "{" FB ",\"rating\":1}", "invalid_value", "rating" },
	{ FEEDBACK, "{" FB ",\"rating\":\"meh\"}", "invalid_value", "rating" },
	{ FEEDBACK, "{" FB ",\"rating\":\"up\",\"reason\":\"bad\"}", "invalid_value", "reason" },
	{ FEEDBACK, "{" FB ",\"rating\":\"up\",\"comment\":7}", "invalid_value", "comment" },

	{ COLLECTION, "[]", "invalid_json", NULL },
	{ COLLECTION, "{\"mode\":416}", "invalid_value", "mode" },
	{ COLLECTION, "{\"mode\":\"0755\"}", "invalid_value", "mode" },
	{ COLLECTION, "{\"mode\":\"0440\"}", "invalid_value", "mode" },
	{ COLLECTION, "{\"mode\":\"0698\"}", "invalid_value", "mode" },
	{ COLLECTION, "{\"mode\":\"00640\"}", "invalid_value", "mode" },
	{ COLLECTION, "{\"mode\":\"\"}", "invalid_value", "mode" },
	{ COLLECTION, "{\"owner\":\"\"}", "invalid_value", "owner" },
	{ COLLECTION, "{\"owner\":-1}", "invalid_value", "owner" },
	{ COLLECTION, "{\"group\":[]}", "invalid_value", "group" },
};
/* clang-format on */

static void refuses_what_is_not_right_and_says_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct arena *a = arena_new(1 << 20);
		struct codec_err err = { 0 };

		print_message("%s\n", refused[i].body);
		assert_int_equal(decode(refused[i].what, a, str(refused[i].body), &err), -EINVAL);
		assert_int_equal(err.status, 400);
		assert_string_equal(err.code, refused[i].code);
		if (refused[i].param == NULL)
			assert_null(codec_param(&err));
		else
			assert_string_equal(codec_param(&err), refused[i].param);
		assert_true(strlen(err.msg) > 10 && err.msg[strlen(err.msg) - 1] == '.');
		assert_true(utf8_invalid_at(err.msg, strlen(err.msg)) < 0);
		arena_free(a);
	}
}

static void does_not_repeat_the_body_in_errors(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct codec_err err;

	(void)state;
	assert_int_equal(decode(CHAT, a, str("{\"messages\": secret-word }"), &err), -EINVAL);
	assert_null(strstr(err.msg, "secret"));
	assert_non_null(strstr(err.msg, "line 1, column "));
	arena_free(a);
}

static void bounds_depth_values_and_counts(void **state)
{
	static const struct {
		enum what what;
		int most;
	} inputs[] = { { EMBEDDINGS, CODEC_EMBED_MAX }, { MODERATIONS, CODEC_INPUTS_MAX } };
	struct arena *a = arena_new(16 << 20);
	struct buf b = BUF_INIT;
	struct codec_err err;

	(void)state;
	/* Brackets within a string count for nothing. */
	buf_adds(&b, "{\"query\":\"");
	for (int i = 0; i < 100; i++)
		buf_adds(&b, "[[,,\\\"\\\\");
	buf_adds(&b, "\"}");
	assert_int_equal(decode(SEARCH, a, buf_str(&b), &err), 0);
	buf_clear(&b);

	for (int depth = CODEC_DEPTH_MAX - 1; depth <= CODEC_DEPTH_MAX; depth++) {
		buf_adds(&b, "{\"query\":\"x\",\"a\":");
		for (int i = 0; i < depth; i++)
			buf_addc(&b, '[');
		for (int i = 0; i < depth; i++)
			buf_addc(&b, ']');
		buf_addc(&b, '}');
		assert_int_equal(decode(SEARCH, a, buf_str(&b), &err),
				 depth < CODEC_DEPTH_MAX ? 0 : -EINVAL);
		buf_clear(&b);
	}
	assert_string_equal(err.code, "invalid_json");

	/* A megabyte of brackets neither recurses nor takes memory. */
	for (int i = 0; i < 1 << 20; i++)
		buf_addc(&b, '[');
	assert_int_equal(decode(SEARCH, a, buf_str(&b), &err), -EINVAL);
	buf_clear(&b);

	buf_adds(&b, "{\"query\":\"x\",\"a\":[0");
	for (int i = 0; i < CODEC_VALUES_MAX; i++)
		buf_adds(&b, ",0");
	buf_adds(&b, "]}");
	assert_int_equal(decode(SEARCH, a, buf_str(&b), &err), -EINVAL);
	assert_non_null(strstr(err.msg, "values"));
	buf_clear(&b);

	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		buf_adds(&b, "{\"input\":[\"a\"");
		for (int n = 1; n < inputs[i].most; n++)
			buf_adds(&b, ",\"a\"");
		buf_adds(&b, "]}");
		assert_int_equal(decode(inputs[i].what, a, buf_str(&b), &err), 0);
		b.len -= 2;
		buf_adds(&b, ",\"a\"]}");
		assert_int_equal(decode(inputs[i].what, a, buf_str(&b), &err), -EINVAL);
		assert_string_equal(err.param, "input");
		buf_clear(&b);
	}

	buf_adds(&b, "{\"messages\":[" Q);
	for (int i = 0; i < CODEC_MESSAGES_MAX; i++)
		buf_adds(&b, "," Q);
	buf_adds(&b, "]}");
	assert_int_equal(decode(CHAT, a, buf_str(&b), &err), -EINVAL);
	assert_string_equal(err.param, "messages");
	buf_fini(&b);
	arena_free(a);
}

static void says_so_when_memory_is_spent(void **state)
{
	static const char chat[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		"\"text\":\"a\"}]}],\"collections\":[\"a\"],\"stop\":\"x\","
		"\"logit_bias\":{\"1\":1}}";
	size_t failed = 0;

	(void)state;
	for (size_t limit = 0; limit < 400; limit += 16) {
		struct arena *a = arena_new(limit);
		struct codec_err err = { 0 };
		int rc = decode(CHAT, a, str(chat), &err);

		if (rc < 0) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(err.status, 503);
			assert_string_equal(err.code, "unavailable");
			failed++;
		}
		arena_free(a);
	}
	assert_true(failed > 3 && failed < 25);
}

/* ---- the others ----------------------------------------------------------------------------- */

static void reads_the_flat_requests(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct codec_embeddings embeddings;
	struct codec_moderations moderations;
	struct codec_search search;
	struct codec_feedback feedback;
	struct codec_collection_put put;
	struct codec_err err;

	(void)state;
	assert_int_equal(codec_embeddings_decode(a, str("{\"input\":\"x\",\"dimensions\":8}"),
						 &embeddings, &err),
			 0);
	assert_string_equal(embeddings.model, "default");
	assert_int_equal(embeddings.n_input, 1);
	assert_str(embeddings.input[0], "x");
	assert_false(embeddings.base64);
	assert_int_equal(codec_embeddings_decode(a,
						 str("{\"input\":[\"x\",\"y\"],\"model\":\"m\","
						     "\"encoding_format\":\"base64\"}"),
						 &embeddings, &err),
			 0);
	assert_string_equal(embeddings.model, "m");
	assert_int_equal(embeddings.n_input, 2);
	assert_str(embeddings.input[1], "y");
	assert_true(embeddings.base64);

	assert_int_equal(codec_moderations_decode(a, str("{\"input\":\"\"}"), &moderations, &err),
			 0);
	assert_null(moderations.model);
	assert_int_equal(moderations.n_input, 1);
	assert_int_equal(moderations.stage, RAGD_STAGE_PROMPT);
	assert_int_equal(
		codec_moderations_decode(a,
					 str("{\"input\":[\"a\"],\"model\":\"strict\",\"stage\":"
					     "\"response\"}"),
					 &moderations, &err),
		0);
	assert_string_equal(moderations.model, "strict");
	assert_int_equal(moderations.stage, RAGD_STAGE_RESPONSE);

	assert_int_equal(codec_search_decode(a, str("{\"query\":\"what\"}"), &search, &err), 0);
	assert_int_equal(search.k, 10);
	assert_false(search.per_document);
	assert_int_equal(
		codec_search_decode(a,
				    str("{\"query\":\"what\",\"k\":1000,\"tags\":[\"a\",\"b\"],"
					"\"collections\":[\"c\"],\"per_document\":true}"),
				    &search, &err),
		0);
	assert_str(search.query, "what");
	assert_int_equal(search.k, 1000);
	assert_int_equal(search.n_tags, 2);
	assert_str(search.tags[1], "b");
	assert_string_equal(search.collections[0], "c");
	assert_true(search.per_document);

	assert_int_equal(
		codec_feedback_decode(a, str("{" FB ",\"rating\":\"down\"}"), &feedback, &err), 0);
	assert_string_equal(feedback.answer_id, "ans-1");
	assert_false(feedback.up);
	assert_string_equal(feedback.reason, "");
	assert_int_equal(feedback.comment.len, 0);
	assert_int_equal(codec_feedback_decode(a,
					       str("{" FB ",\"rating\":\"up\",\"reason\":\"other\","
						   "\"comment\":\"c\",\"better\":\"b\"}"),
					       &feedback, &err),
			 0);
	assert_true(feedback.up);
	assert_string_equal(feedback.reason, "other");
	assert_str(feedback.comment, "c");
	assert_str(feedback.better, "b");

	assert_int_equal(codec_collection_decode(a, str(""), &put, &err), 0);
	assert_false(put.has_mode);
	assert_null(put.owner);
	assert_null(put.group);
	assert_int_equal(codec_collection_decode(a,
						 str("{\"mode\":\"0640\",\"group\":\"staff\","
						     "\"owner\":1000}"),
						 &put, &err),
			 0);
	assert_true(put.has_mode);
	assert_int_equal(put.mode, 0640);
	assert_string_equal(put.group, "staff");
	assert_string_equal(put.owner, "1000");
	arena_free(a);
}

/* ---- documents ------------------------------------------------------------------------------ */

static void documents_stand_alone_line_by_line(void **state)
{
	static const char body[] =
		"{\"id\":\"a\",\"title\":\"A\",\"media_type\":\"text/plain\",\"tags\":[\"t\"],"
		"\"text\":\"one\"}\r\n"
		"\n"
		"not json\n"
		"{\"id\":\"b\",\"content_base64\":\"AP8AYQ==\"}\n"
		"   \n"
		"{\"id\":\"c\"}\n"
		"{\"text\":\"no id\"}\n"
		"{\"id\":\"d\\n\",\"text\":\"x\"}\n"
		"{\"id\":\"e\",\"text\":\"x\",\"content_base64\":\"\"}\n"
		"{\"id\":\"f\",\"content_base64\":\"A\"}\n"
		"{\"id\":\"g\",\"text\":\"\xff\"}\n"
		"{\"id\":\"h\",\"text\":\"\"}";
	static const struct {
		const char *id, *code, *param, *line;
	} want[] = {
		{ "a", NULL, NULL, NULL },
		{ "", "invalid_json", NULL, "Line 3: " },
		{ "b", NULL, NULL, NULL },
		{ "c", "missing_value", "text", "Line 6: " },
		{ "", "missing_value", "id", "Line 7: " },
		{ "", "invalid_value", "id", "Line 8: " },
		{ "e", "invalid_value", "content_base64", "Line 9: " },
		{ "f", "invalid_value", "content_base64", "Line 10: " },
		{ "", "invalid_utf8", NULL, "Line 11: " },
		{ "h", NULL, NULL, NULL },
	};
	struct arena *a = arena_new(1 << 20);
	struct codec_document *docs;
	struct codec_err err;
	size_t n;

	(void)state;
	assert_int_equal(codec_documents_decode(a, str(body), &docs, &n, &err), 0);
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_str(docs[i].doc.id, want[i].id);
		if (want[i].code == NULL) {
			assert_null(docs[i].err);
			continue;
		}
		assert_non_null(docs[i].err);
		assert_string_equal(docs[i].err->code, want[i].code);
		assert_memory_equal(docs[i].err->msg, want[i].line, strlen(want[i].line));
		if (want[i].param != NULL)
			assert_string_equal(codec_param(docs[i].err), want[i].param);
		assert_int_equal(docs[i].doc.content.len, 0);
	}
	assert_str(docs[0].doc.title, "A");
	assert_str(docs[0].doc.media_type, "text/plain");
	assert_str(docs[0].doc.content, "one");
	assert_int_equal(docs[0].doc.n_tags, 1);
	assert_int_equal(docs[2].doc.content.len, 4);
	assert_memory_equal(docs[2].doc.content.s, "\0\xff\0a", 4);
	assert_non_null(docs[9].doc.content.s);
	arena_free(a);
}

static void documents_are_bounded(void **state)
{
	struct arena *a = arena_new(64 << 20);
	struct codec_document *docs;
	struct buf b = BUF_INIT;
	struct codec_err err;
	size_t n;

	(void)state;
	assert_int_equal(codec_documents_decode(a, str(""), &docs, &n, &err), -EINVAL);
	assert_int_equal(codec_documents_decode(a, str("\n \r\n"), &docs, &n, &err), -EINVAL);
	for (int i = 0; i < CODEC_DOCUMENTS_MAX; i++)
		buf_printf(&b, "{\"id\":\"%d\",\"text\":\"x\"}\n", i);
	assert_int_equal(codec_documents_decode(a, buf_str(&b), &docs, &n, &err), 0);
	assert_int_equal(n, CODEC_DOCUMENTS_MAX);
	assert_null(docs[n - 1].err);
	buf_adds(&b, "{}");
	assert_int_equal(codec_documents_decode(a, buf_str(&b), &docs, &n, &err), -EINVAL);
	assert_string_equal(err.code, "invalid_value");
	arena_free(a);
	a = arena_new(1000);
	assert_int_equal(codec_documents_decode(a,
						str("{\"id\":\"a\",\"text\":\"x\"}\nbad\nbad\nbad"),
						&docs, &n, &err),
			 -ENOMEM);
	assert_int_equal(err.status, 503);
	arena_free(a);
	buf_fini(&b);
}

static void judges_names_and_ids(void **state)
{
	char id[CODEC_ID_MAX + 1];

	(void)state;
	assert_true(codec_collection_valid(str("a")));
	assert_true(codec_collection_valid(str("0.a_b-c")));
	assert_true(codec_collection_valid(str(X64)));
	assert_false(codec_collection_valid(str(X64 "x")));
	assert_false(codec_collection_valid(str("")));
	assert_false(codec_collection_valid(str(".a")));
	assert_false(codec_collection_valid(str("-a")));
	assert_false(codec_collection_valid(str("a/b")));
	assert_false(codec_collection_valid(str("A")));
	assert_false(codec_collection_valid((struct ragd_str){ "a\0b", 3 }));

	memset(id, 'x', sizeof(id));
	assert_true(codec_document_id_valid(str("../a b/\xc3\xa9.md")));
	assert_true(codec_document_id_valid((struct ragd_str){ id, CODEC_ID_MAX }));
	assert_false(codec_document_id_valid((struct ragd_str){ id, CODEC_ID_MAX + 1 }));
	assert_false(codec_document_id_valid(str("")));
	assert_false(codec_document_id_valid(str("a\tb")));
	assert_false(codec_document_id_valid(str("a\x7f")));
	assert_false(codec_document_id_valid(str("a\xc2\x80"))); /* a control character, too */
	assert_false(codec_document_id_valid(str("\xff")));
	assert_false(codec_document_id_valid((struct ragd_str){ "a\0b", 3 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chat_reads_every_member),
		cmocka_unit_test(chat_tells_absent_from_present),
		cmocka_unit_test(refuses_what_is_not_right_and_says_where),
		cmocka_unit_test(does_not_repeat_the_body_in_errors),
		cmocka_unit_test(bounds_depth_values_and_counts),
		cmocka_unit_test(says_so_when_memory_is_spent),
		cmocka_unit_test(reads_the_flat_requests),
		cmocka_unit_test(documents_stand_alone_line_by_line),
		cmocka_unit_test(documents_are_bounded),
		cmocka_unit_test(judges_names_and_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
