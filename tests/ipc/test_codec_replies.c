/* Structs to bodies: always JSON, and what docs/protocol.md shows. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/codec/codec.h"
#include "tests/test.h"

static struct ragd_str str(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

static json_t *parse(const struct buf *b)
{
	json_error_t e;
	json_t *v = json_loadb(b->data, b->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);

	if (v == NULL)
		print_error("%s: %s\n", e.text, b->data);
	assert_non_null(v);
	return v;
}

/* ---- answers -------------------------------------------------------------------------------- */

static const struct codec_finding finding = {
	.stage = RAGD_STAGE_RESPONSE,
	.plugin = "basic",
	.category = "pii.email",
	.rule = NULL,
	.action = RAGD_REDACT,
	.score = 0.875f,
};

static struct codec_citation citation_of(const char *document)
{
	return (struct codec_citation){
		.n = 1,
		.at = 23,
		.mark = str("[1]"),
		.collection = str("default"),
		.document = str(document),
		.title = str("Thread \"pool\""),
		.heading = str("A > B"),
		.start = 412,
		.end = 470,
		.quote = str("Its default\nsize is 4"),
		.score = 0.93f,
	};
}

static void an_answer_is_as_the_protocol_shows(void **state)
{
	struct codec_citation c = citation_of("threadpool.rst");
	struct codec_source source = { 1, c.collection, c.document, c.title, c.heading };
	struct codec_chat_reply r = {
		.id = "ans-1",
		.created_s = 1760000000,
		.model = "default",
		.content = str("The default size is 4. [1]"),
		.citations = &c,
		.n_citations = 1,
		.finish_reason = "stop",
		.usage = { .n_prompt = 10, .n_cached = 3, .n_output = 5 },
		.outcome = { .grounded = true,
			     .redactions = &finding,
			     .n_redactions = 1,
			     .n_dropped = 2,
			     .sources = &source,
			     .n_sources = 1 },
	};
	static const char want[] =
		"{\"id\":\"ans-1\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":"
		"\"default\","
		"\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
		"\"assistant\","
		"\"refusal\":null,\"content\":\"The default size is 4. "
		"[1]\",\"annotations\":[{\"type\":"
		"\"url_citation\",\"url_citation\":{\"start_index\":23,\"end_index\":26,\"title\":"
		"\"Thread "
		"\\\"pool\\\"\",\"url\":\"ragd:/collections/default/documents/"
		"threadpool.rst?start=412"
		"&end=470\"},\"ragd\":{\"n\":1,\"collection\":\"default\",\"document\":"
		"\"threadpool.rst\","
		"\"heading\":\"A > B\",\"start\":412,\"end\":470,\"quote\":\"Its default\\nsize is "
		"4\","
		"\"score\":0.93}}]}}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
		"\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":3}},\"ragd\":{"
		"\"ai_generated\":true,\"grounded\":true,\"abstained\":false,\"blocked_by\":null,"
		"\"steered\":[],"
		"\"redactions\":[{\"stage\":\"response\",\"plugin\":\"basic\",\"category\":\"pii."
		"email\","
		"\"rule\":null,\"action\":\"redact\",\"score\":0.875}],\"dropped_sentences\":2,"
		"\"sources\":["
		"{\"n\":1,\"collection\":\"default\",\"document\":\"threadpool.rst\",\"title\":"
		"\"Thread \\\"pool\\\"\",\"heading\":\"A > B\"}]}}";
	struct buf b = BUF_INIT;

	(void)state;
	codec_chat_reply(&b, &r);
	assert_string_equal(b.data, want);
	json_decref(parse(&b));
	buf_fini(&b);
}

static void a_refusal_is_said_twice(void **state)
{
	struct codec_chat_reply r = {
		.id = "ans-1",
		.model = "m",
		.content = str("No."),
		.refused = true,
		.finish_reason = "content_filter",
		.outcome = { .blocked_by = &finding },
	};
	struct buf b = BUF_INIT;
	const char *refusal, *content, *category;
	json_t *v;

	(void)state;
	codec_chat_reply(&b, &r);
	v = parse(&b);
	assert_int_equal(json_unpack(v, "{s:[{s:{s:s, s:s}}], s:{s:{s:s}}}", "choices", "message",
				     "refusal", &refusal, "content", &content, "ragd", "blocked_by",
				     "category", &category),
			 0);
	assert_string_equal(refusal, "No.");
	assert_string_equal(content, "No.");
	assert_string_equal(category, "pii.email");
	json_decref(v);
	buf_fini(&b);
}

static void urls_of_documents_are_encoded(void **state)
{
	struct codec_citation c = citation_of("dir/a b?#%&\"\xc3\xa9.md");
	struct codec_chat_chunk chunk = {
		.id = "a", .model = "m", .citations = &c, .n_citations = 1
	};
	struct buf b = BUF_INIT;

	(void)state;
	codec_chat_chunk(&b, &chunk);
	assert_non_null(strstr(b.data, "/documents/dir%2Fa%20b%3F%23%25%26%22%C3%A9.md?start=412"));
	buf_fini(&b);
}

static void pieces_are_events(void **state)
{
	struct codec_outcome outcome = { .grounded = true, .abstained = true };
	struct codec_chat_chunk c = { .id = "ans-1", .created_s = 7, .model = "m", .first = true };
	struct ragd_usage usage = { sizeof(usage), 1, 0, 2 };
	struct buf b = BUF_INIT;

	(void)state;
#define HEAD                                                                                       \
	"data: "                                                                                   \
	"{\"id\":\"ans-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\","    \
	"\"choices\":["
	codec_chat_chunk(&b, &c);
	assert_string_equal(b.data,
			    HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
				 "\"finish_reason\":null}]}\n\n");
	buf_clear(&b);
	c.first = false;
	c.text = str("a\n\nb");
	codec_chat_chunk(&b, &c);
	assert_string_equal(b.data, HEAD "{\"index\":0,\"delta\":{\"content\":\"a\\n\\nb\"},"
					 "\"finish_reason\":null}]}\n\n");
	buf_clear(&b);
	c.refused = true;
	codec_chat_chunk(&b, &c);
	assert_non_null(strstr(b.data, "{\"content\":\"a\\n\\nb\",\"refusal\":\"a\\n\\nb\"}"));
	buf_clear(&b);
	c.refused = false;
	c.text = str("");
	c.finish_reason = "stop";
	c.outcome = &outcome;
	codec_chat_chunk(&b, &c);
	assert_string_equal(b.data,
			    HEAD "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"ragd\":{"
				 "\"ai_generated\":true,\"grounded\":true,\"abstained\":true,"
				 "\"blocked_by\":null,\"steered\":[],\"redactions\":[],"
				 "\"dropped_sentences\":0,\"sources\":[]}}\n\n");
	buf_clear(&b);
	codec_chat_usage(&b, &c, &usage);
	assert_string_equal(b.data, HEAD "],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
					 "\"total_tokens\":3,\"prompt_tokens_details\":{"
					 "\"cached_tokens\":0}}}\n\n");
	buf_clear(&b);
	codec_chat_error(&b, 504, "deadline", "Too slow.");
	assert_string_equal(b.data,
			    "data: {\"error\":{\"code\":\"deadline\",\"type\":\"server_error\","
			    "\"message\":\"Too slow.\",\"param\":null}}\n\n");
	buf_clear(&b);
	codec_chat_done(&b);
	assert_string_equal(b.data, "data: [DONE]\n\n");
	buf_fini(&b);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void lists_are_as_the_protocol_shows(void **state)
{
	static const float vectors[] = { 1, -0.5f, 0.25f, 0 };
	struct codec_model models[] = { { "a", "About a", 5 }, { "b", "", 6 } };
	struct codec_category cats[] = { { "S1", true, 0.9f }, { "pii", false, 0.1f } };
	const char *rules[] = { "r1", "r2" };
	struct codec_moderation mods[] = {
		{ RAGD_BLOCK, 0.9f, cats, 2, rules, 2, str("t"), { NULL, 0 } },
		{ RAGD_ALLOW, 0, NULL, 0, NULL, 0, str(""), str("note") },
	};
	struct ragd_hit hit = { .collection = "c",
				.document = "d",
				.passage = { str("T"), str("H"), str("text"), 0.5f },
				.start = 1,
				.end = 5,
				.lexical = 0.25f,
				.vector = 0.75f };
	struct ragd_collection rc = { "c", 0, 0, 0640, 1, 2, 3, 4 };
	struct codec_collection coll = { &rc, "root", "staff" };
	struct ragd_document_info doc = { "d", "T", "text/plain", "abc", 1, 2, 3 };
	struct ragd_usage usage = { sizeof(usage), 3, 0, 0 };
	struct buf b = BUF_INIT;

	(void)state;
#define SHOWS(call, want)                                                                          \
	do {                                                                                       \
		buf_clear(&b);                                                                     \
		call;                                                                              \
		assert_string_equal(b.data, want);                                                 \
		json_decref(parse(&b));                                                            \
	} while (0)

	SHOWS(codec_models(&b, models, 2), "{\"object\":\"list\",\"data\":[{\"id\":\"a\","
					   "\"object\":\"model\",\"created\":5,\"owned_by\":"
					   "\"ragd\",\"description\":\"About "
					   "a\"},{\"id\":\"b\",\"object\":\"model\",\"created\":6,"
					   "\"owned_by\":\"ragd\",\"description\":\"\"}]}");
	SHOWS(codec_models(&b, NULL, 0), "{\"object\":\"list\",\"data\":[]}");
	SHOWS(codec_embeddings(&b, "m", vectors, 2, 2, false, &usage),
	      "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":["
	      "1,-0.5]},"
	      "{\"object\":\"embedding\",\"index\":1,\"embedding\":[0.25,0]}],\"model\":\"m\","
	      "\"usage\":{"
	      "\"prompt_tokens\":3,\"total_tokens\":3}}");
	SHOWS(codec_embeddings(&b, "m", vectors, 1, 2, true, &usage),
	      "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
	      "\"AACAPwAAAL8=\"}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"total_tokens\":"
	      "3}}");
	SHOWS(codec_moderations(&b, "modr-1", "balanced", mods, 2),
	      "{\"id\":\"modr-1\",\"model\":\"balanced\",\"results\":[{\"flagged\":true,"
	      "\"categories\":{"
	      "\"S1\":true,\"pii\":false},\"category_scores\":{\"S1\":0.9,\"pii\":0.1},\"ragd\":{"
	      "\"action\":"
	      "\"block\",\"score\":0.9,\"rules\":[\"r1\",\"r2\"],\"text\":\"t\",\"note\":null}},{"
	      "\"flagged\":"
	      "false,\"categories\":{},\"category_scores\":{},\"ragd\":{\"action\":\"allow\","
	      "\"score\":0,"
	      "\"rules\":[],\"text\":\"\",\"note\":\"note\"}}]}");
	SHOWS(codec_search(&b, &hit, 1), "{\"object\":\"list\",\"data\":[{\"collection\":\"c\","
					 "\"document\":\"d\",\"title\":\"T\","
					 "\"heading\":\"H\",\"text\":\"text\",\"start\":1,\"end\":"
					 "5,\"score\":0.5,\"lexical\":0.25,"
					 "\"vector\":0.75}]}");
	SHOWS(codec_collections(&b, &coll, 1),
	      "{\"object\":\"list\",\"data\":[{\"name\":\"c\",\"owner\":\"root\",\"group\":"
	      "\"staff\","
	      "\"mode\":\"0640\",\"documents\":1,\"passages\":2,\"bytes\":3,\"updated\":4}]}");
	SHOWS(codec_documents(&b, &doc, 1, "d"),
	      "{\"object\":\"list\",\"data\":[{\"id\":\"d\",\"title\":\"T\",\"media_type\":\"text/"
	      "plain\","
	      "\"digest\":\"abc\",\"bytes\":1,\"passages\":2,\"updated\":3}],\"next\":\"d\"}");
	SHOWS(codec_documents(&b, NULL, 0, NULL),
	      "{\"object\":\"list\",\"data\":[],\"next\":null}");
	buf_fini(&b);
}

static void puts_are_counted(void **state)
{
	struct codec_err err = { 422, "unprocessable", "text", "Not \"text\"." };
	struct codec_put puts[] = {
		{ str("a"), RAGD_PUT_ADDED, 3, NULL },
		{ str("b"), RAGD_PUT_UNCHANGED, 1, NULL },
		{ str("c"), RAGD_PUT_FAILED, 0, &err },
		{ str("d"), RAGD_PUT_ADDED, 2, NULL },
	};
	struct buf b = BUF_INIT;

	(void)state;
	SHOWS(codec_puts(&b, puts, 4),
	      "{\"added\":2,\"updated\":0,\"unchanged\":1,\"failed\":1,\"results\":["
	      "{\"id\":\"a\",\"status\":\"added\",\"passages\":3,\"error\":null},"
	      "{\"id\":\"b\",\"status\":\"unchanged\",\"passages\":1,\"error\":null},"
	      "{\"id\":\"c\",\"status\":\"failed\",\"passages\":0,\"error\":{\"code\":"
	      "\"unprocessable\","
	      "\"type\":\"invalid_request_error\",\"message\":\"Not "
	      "\\\"text\\\".\",\"param\":\"text\"}},"
	      "{\"id\":\"d\",\"status\":\"added\",\"passages\":2,\"error\":null}]}");
	SHOWS(codec_put(&b, &puts[0]), "{\"id\":\"a\",\"status\":\"added\",\"passages\":3}");
	SHOWS(codec_puts(&b, NULL, 0),
	      "{\"added\":0,\"updated\":0,\"unchanged\":0,\"failed\":0,\"results\":[]}");
	buf_fini(&b);
}

static void removals_and_ratings_are_confirmed(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	codec_removed(&b);
	assert_string_equal(b.data, "{\"removed\":true}");
	buf_clear(&b);
	codec_reindexing(&b, "notes");
	assert_string_equal(b.data, "{\"collection\":\"notes\",\"status\":\"reindexing\"}");
	buf_clear(&b);
	codec_feedback_reply(&b, "fb-1", "ans-1");
	assert_string_equal(b.data, "{\"id\":\"fb-1\",\"answer_id\":\"ans-1\"}");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_as_the_protocol_shows),
		cmocka_unit_test(a_refusal_is_said_twice),
		cmocka_unit_test(urls_of_documents_are_encoded),
		cmocka_unit_test(pieces_are_events),
		cmocka_unit_test(lists_are_as_the_protocol_shows),
		cmocka_unit_test(puts_are_counted),
		cmocka_unit_test(removals_and_ratings_are_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
