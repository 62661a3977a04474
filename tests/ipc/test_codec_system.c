/* What runs here, as docs/protocol.md shows it, and how much of it each user sees. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/codec/codec.h"
#include "tests/test.h"

static void replies_of_one_word(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	codec_health(&b, "draining");
	assert_string_equal(b.data, "{\"status\":\"draining\"}");
	buf_clear(&b);
	codec_reloaded(&b, 3);
	assert_string_equal(b.data, "{\"status\":\"reloaded\",\"generation\":3}");
	buf_fini(&b);
}

/* ---- status --------------------------------------------------------------------------------- */

static void a_start_says_what_it_waits_for(void **state)
{
	static const struct codec_process process = { "1.2", 42, "starting", 1.5 };
	struct buf b = BUF_INIT;

	(void)state;
	codec_status_starting(&b, &process, NULL);
	assert_string_equal(
		b.data, "{\"version\":\"1.2\",\"pid\":42,\"state\":\"starting\",\"uptime_s\":1.5}");
	buf_clear(&b);
	codec_status_starting(&b, &process, "local: reading the model, 40 %");
	assert_string_equal(
		b.data, "{\"version\":\"1.2\",\"pid\":42,\"state\":\"starting\",\"uptime_s\":1.5,"
			"\"opening\":\"local: reading the model, 40 %\"}");
	buf_fini(&b);
}

static void a_status_says_more_to_administrators(void **state)
{
	static const char *const assistants[] = { "default", "x", NULL };
	static const char *const plugins[] = { "hybrid", NULL };
	static const struct codec_load load = { "/etc/ragd.conf", 12, 1, 3, 99 };
	struct codec_retrieval retrieval = { .plugin = "hybrid",
					     .stats = { .n_collections = 1,
							.n_documents = 2,
							.n_passages = 3,
							.n_vectors = 4,
							.dim = 384,
							.n_bytes = 1000 } };
	struct codec_status s = { .process = { "1.2", 42, "ready", 2 },
				  .generation = 7,
				  .assistants = assistants,
				  .plugins = plugins,
				  .retrieval = &retrieval,
				  .n_retrieval = 1 };
	static const char head[] =
		"{\"version\":\"1.2\",\"pid\":42,\"state\":\"ready\",\"uptime_s\":2.0,"
		"\"generation\":7,\"assistants\":[\"default\",\"x\"],\"plugins\":[\"hybrid\"],"
		"\"retrieval\":[{\"plugin\":\"hybrid\",\"collections\":1,\"documents\":2,"
		"\"passages\":3,\"vectors\":4,\"dim\":384";
	struct buf b = BUF_INIT;

	(void)state;
	codec_status(&b, &s);
	assert_memory_equal(b.data, head, sizeof(head) - 1);
	assert_string_equal(b.data + sizeof(head) - 1, "}]}");
	buf_clear(&b);
	retrieval.with_bytes = true;
	s.load = &load;
	codec_status(&b, &s);
	assert_memory_equal(b.data, head, sizeof(head) - 1);
	assert_string_equal(b.data + sizeof(head) - 1,
			    ",\"bytes\":1000}],\"configuration\":\"/etc/ragd.conf\","
			    "\"answers\":{\"total\":12,\"active\":1},\"connections\":3,"
			    "\"requests\":99}");
	buf_fini(&b);
}

static void a_status_says_how_far_an_encoder_is(void **state)
{
	struct codec_retrieval retrieval = { .plugin = "hybrid",
					     .stats = { .n_waiting = 5,
							.waiting_s = 7,
							.n_foreign = 3,
							.encoder = "enc",
							.trouble = "it is out" } };
	static const char *const none[] = { NULL };
	struct codec_status s = { .process = { "1.2", 42, "ready", 2 },
				  .assistants = none,
				  .plugins = none,
				  .retrieval = &retrieval,
				  .n_retrieval = 1 };
	struct buf b = BUF_INIT;

	(void)state;
	codec_status(&b, &s);
	assert_non_null(strstr(b.data, "\"embedder\":\"enc\",\"waiting\":5,\"waiting_s\":7,"
				       "\"foreign\":3,"
				       "\"trouble\":\"it is out\"}"));
	buf_fini(&b);
}

/* ---- plugins -------------------------------------------------------------------------------- */

static const struct ragd_option options[] = {
	{ .name = "fast", .type = RAGD_OPT_BOOL, .everyone = true },
	{ .name = "n", .type = RAGD_OPT_INT, .everyone = true },
	{ .name = "f", .type = RAGD_OPT_FLOAT, .everyone = true },
	{ .name = "words", .type = RAGD_OPT_LIST, .everyone = true },
	{ .name = "unset", .type = RAGD_OPT_STRING, .everyone = true },
	{ .name = "key", .type = RAGD_OPT_PATH },
	{ .name = NULL },
};

static const char *const words[] = { "a", "b\"", NULL };

static const struct ragd_value values[] = {
	{ .name = "fast", .b = true },  { .name = "n", .i = -1 },
	{ .name = "f", .f = 0.5 },      { .name = "words", .list = words },
	{ .name = "unset", .s = NULL }, { .name = "key", .s = "/k" },
};

static const struct ragd_safety_ops ops = {
	.stages = 1u << RAGD_STAGE_PROMPT | 1u << RAGD_STAGE_RESPONSE,
};

static const struct ragd_plugin descriptor = {
	.abi = 9,
	.kind = RAGD_KIND_SAFETY,
	.name = "blocklist",
	.version = "0.1",
	.licence = "MIT",
	.summary = "Blocks words.",
	.ops = { .safety = &ops },
};

static void options_are_for_everyone_or_not(void **state)
{
	struct codec_plugin p = {
		.name = "mine",
		.descriptor = &descriptor,
		.deadline_ms = 500,
		.options = { options, values, ARRAY_LEN(values), false },
	};
	static const char head[] =
		"{\"object\":\"list\",\"data\":[{\"name\":\"mine\",\"module\":\"blocklist\","
		"\"kind\":\"safety\",\"version\":\"0.1\",\"licence\":\"MIT\","
		"\"summary\":\"Blocks words.\",\"abi\":9,\"deadline_ms\":500,\"options\":{"
		"\"fast\":true,\"n\":-1,\"f\":0.5,\"words\":[\"a\",\"b\\\"\"]";
	struct buf b = BUF_INIT;

	(void)state;
	codec_plugins(&b, &p, 1);
	assert_memory_equal(b.data, head, sizeof(head) - 1);
	assert_string_equal(b.data + sizeof(head) - 1, "}}]}");
	buf_clear(&b);
	p.options.all = true;
	codec_plugins(&b, &p, 1);
	assert_memory_equal(b.data, head, sizeof(head) - 1);
	assert_string_equal(b.data + sizeof(head) - 1, ",\"key\":\"/k\"}}]}");
	buf_clear(&b);
	codec_plugins(&b, &p, 0);
	assert_string_equal(b.data, "{\"object\":\"list\",\"data\":[]}");
	buf_fini(&b);
}

/* ---- the system card ------------------------------------------------------------------------ */

static void a_card_names_models_and_filters(void **state)
{
	static const char *const collections[] = { "handbook", NULL };
	const struct codec_assistant assistants[] = {
		{ "default",
		  "d",
		  true,
		  "balanced",
		  "hybrid",
		  collections,
		  "Be kind.",
		  "local",
		  { .name = "m", .n_parameters = 135, .n_context = 2048 } },
		{ "bare", "", false, "none", "", collections + 1, "", NULL, { 0 } },
	};
	const struct codec_filter filter = {
		"mine", &descriptor, true, { options, values, 1, false }
	};
	const struct codec_policy policies[] = {
		{ "balanced", &filter, 1, 64, "asked" },
		{ "none", NULL, 0, SIZE_MAX, "" },
	};
	const struct codec_system_card card = { "1.2", assistants, 2, policies, 2, 3600 };
	struct buf b = BUF_INIT;

	(void)state;
	codec_system_card(&b, &card);
	assert_non_null(strstr(b.data, "{\"system\":\"ragd\",\"version\":\"1.2\",\"ai\":true,"
				       "\"notice\":\"Answers are put together by a machine (AI)"));
	assert_non_null(strstr(
		b.data,
		"\"assistants\":[{\"name\":\"default\",\"description\":\"d\",\"grounded\":true,"
		"\"policy\":\"balanced\",\"retrieval\":\"hybrid\",\"collections\":[\"handbook\"],"
		"\"system_prompt\":\"Be kind.\",\"model\":{\"plugin\":\"local\",\"name\":\"m\","
		"\"family\":null,\"parameters\":135,\"quantisation\":null,\"context\":2048,"
		"\"licence\":null,\"digest\":null,\"summary\":null}},{\"name\":\"bare\","
		"\"description\":\"\",\"grounded\":false,\"policy\":\"none\",\"retrieval\":\"\","
		"\"collections\":[],\"system_prompt\":\"\",\"model\":null}],"));
	assert_non_null(strstr(
		b.data,
		"\"policies\":[{\"name\":\"balanced\",\"filters\":[{\"plugin\":\"mine\","
		"\"module\":\"blocklist\",\"version\":\"0.1\",\"summary\":\"Blocks words.\","
		"\"stages\":[\"prompt\",\"response\"],\"on_failure\":\"open\","
		"\"options\":{\"fast\":true}}],\"holdback_bytes\":64,\"viewpoints\":\"asked\"},"
		"{\"name\":\"none\",\"filters\":[],\"holdback_bytes\":null,"
		"\"viewpoints\":\"\"}],"));
	assert_non_null(strstr(b.data, "\"keep_answers_s\":3600},\"feedback\":\"POST /v1/feedback, "
				       "or: rag feedback\"}"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_of_one_word),
		cmocka_unit_test(a_start_says_what_it_waits_for),
		cmocka_unit_test(a_status_says_more_to_administrators),
		cmocka_unit_test(a_status_says_how_far_an_encoder_is),
		cmocka_unit_test(options_are_for_everyone_or_not),
		cmocka_unit_test(a_card_names_models_and_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
