/* The parts of inference_upstream that need no server. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "upstream/endpoint.h"
#include "upstream/keyfile.h"
#include "upstream/reply.h"
#include "upstream/request.h"
#include "upstream/retry.h"
#include "upstream/server_url.h"
#include "tests/plugins/support.h"

/* ---- the choice ------------------------------------------------------------------------------ */

static const struct endpoint_rules rules = { .failures = 2, .down_ms = 1000, .probed = true };

static void well(struct endpoint *v, size_t n, const unsigned *weights)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (struct endpoint){ .state = ENDPOINT_UP, .weight = weights[i] };
}

static void requests_go_round_smoothly_by_weight(void **state)
{
	static const unsigned weights[] = { 5, 1, 1 };
	struct endpoint v[3];
	char order[8] = "";

	(void)state;
	well(v, 3, weights);
	for (int i = 0; i < 7; i++) {
		int at = endpoint_pick(v, 3, 0, &rules, 0);

		order[i] = (char)('a' + at);
		endpoint_release(&v[at], false);
	}
	assert_string_equal(order, "aabacaa"); /* not aaaaabc */
}

static void of_equal_claims_the_one_with_less_to_do_goes_first(void **state)
{
	static const unsigned weights[] = { 1, 1, 1 };
	struct endpoint v[3];

	(void)state;
	well(v, 3, weights);
	v[0].outstanding = 2;
	v[1].outstanding = 1;
	v[2].outstanding = 2;
	assert_int_equal(endpoint_pick(v, 3, 0, &rules, 0), 1);
	assert_int_equal(v[1].outstanding, 2);
}

static void what_was_tried_is_down_or_busy_is_left_out(void **state)
{
	static const unsigned weights[] = { 1, 1, 1 };
	struct endpoint v[3];

	(void)state;
	well(v, 3, weights);
	assert_int_equal(endpoint_pick(v, 3, 3, &rules, 0), 2);
	assert_int_equal(endpoint_pick(v, 3, 7, &rules, 0), -1);
	endpoint_busy(&v[0], 500);
	v[1].state = ENDPOINT_DOWN;
	v[1].down_until_ms = 1000;
	assert_int_equal(endpoint_pick(v, 3, 4, &rules, 0), -1);
	assert_true(endpoint_any_open(v, 3, &rules, 0));
	assert_int_equal(endpoint_room_ms(v, 3, 0), 500);
	assert_int_equal(endpoint_pick(v, 3, 4, &rules, 500), 0);
	endpoint_busy(&v[0], 400); /* no earlier than it said before */
	assert_int_equal(v[0].busy_until_ms, 500);
	v[2].state = ENDPOINT_UNKNOWN;
	assert_int_equal(endpoint_pick(v, 3, 3, &rules, 0), 2);
	assert_int_equal(endpoint_pick(v, 3, 3, &(struct endpoint_rules){ .need_list = true }, 0),
			 -1);
}

static void a_server_that_fails_is_left_alone_then_tried_once(void **state)
{
	static const unsigned weights[] = { 1, 1 };
	struct endpoint v[2];

	(void)state;
	well(v, 2, weights);
	assert_false(endpoint_failed(&v[0], &rules, false, 0));
	assert_false(endpoint_ok(&v[0])); /* what is in a row is counted */
	assert_false(endpoint_failed(&v[0], &rules, false, 0));
	assert_true(endpoint_failed(&v[0], &rules, false, 0));
	assert_int_equal(v[0].state, ENDPOINT_DOWN);
	assert_int_equal(v[0].down_until_ms, 1000);
	assert_int_equal(endpoint_n_up(v, 2), 1);
	assert_false(endpoint_failed(&v[0], &rules, false, 10)); /* sent before it went down */
	assert_int_equal(v[0].down_until_ms, 1000);

	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 999), -1);
	assert_int_equal(endpoint_pick(v, 2, 0, &rules, 1000), 1); /* the one that is well */
	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 1000), 0); /* in need */
	assert_true(v[0].trial);
	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 1000), -1); /* one trial at a time */
	endpoint_release(&v[0], true);                              /* cancelled: the next tries */
	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 1000), 0);
	assert_false(endpoint_failed(&v[0], &rules, false, 1500)); /* one is enough now */
	assert_int_equal(v[0].down_until_ms, 1500 + 2000);         /* and longer */
	for (int i = 0; i < 10; i++)
		endpoint_failed(&v[0], &rules, false, v[0].down_until_ms);
	assert_true(endpoint_ok(&v[0]));
	assert_false(endpoint_ok(&v[0]));
	assert_true(endpoint_failed(&v[0], &rules, true, 0)); /* a check that finds nobody */
	assert_int_equal(v[0].down_until_ms, 1000);
}

static void without_checks_requests_try_a_server_that_is_down(void **state)
{
	static const struct endpoint_rules unprobed = { .failures = 1, .down_ms = 1000 };
	static const unsigned weights[] = { 1, 1 };
	struct endpoint v[2];

	(void)state;
	well(v, 2, weights);
	assert_true(endpoint_failed(&v[0], &unprobed, false, 0));
	assert_int_equal(endpoint_pick(v, 2, 0, &unprobed, 999), 1);
	assert_int_equal(endpoint_pick(v, 2, 0, &unprobed, 1000), 0);
	for (int i = 0; i < 20; i++) /* the longest time is 16 times the first */
		endpoint_failed(&v[0], &unprobed, false, v[0].down_until_ms);
	assert_true(endpoint_failed(&v[1], &unprobed, false, 0));
	endpoint_failed(&v[0], &unprobed, false, v[0].down_until_ms);
	v[0].down_until_ms = 0;
	endpoint_failed(&v[0], &unprobed, false, 0);
	assert_int_equal(v[0].down_until_ms, 16000);
}

/* ---- retries --------------------------------------------------------------------------------- */

static void what_a_status_means(void **state)
{
	static const struct {
		long status;
		int has_retry_after;
		enum attempt_result want;
	} rows[] = {
		{ 200, 0, ATTEMPT_OK },      { 204, 0, ATTEMPT_OK },
		{ 400, 0, ATTEMPT_REFUSED }, { 413, 0, ATTEMPT_REFUSED },
		{ 422, 1, ATTEMPT_REFUSED }, { 401, 0, ATTEMPT_MISFIT },
		{ 403, 0, ATTEMPT_MISFIT },  { 404, 0, ATTEMPT_MISFIT },
		{ 301, 0, ATTEMPT_MISFIT },  { 308, 1, ATTEMPT_MISFIT },
		{ 429, 0, ATTEMPT_BUSY },    { 429, 1, ATTEMPT_BUSY },
		{ 503, 1, ATTEMPT_BUSY },    { 503, 0, ATTEMPT_FAILED },
		{ 500, 1, ATTEMPT_FAILED },  { 502, 0, ATTEMPT_FAILED },
		{ 504, 0, ATTEMPT_FAILED },  { 408, 0, ATTEMPT_FAILED },
		{ 599, 0, ATTEMPT_FAILED },  { 999, 0, ATTEMPT_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%ld\n", rows[i].status);
		assert_int_equal(retry_classify(rows[i].status, rows[i].has_retry_after),
				 rows[i].want);
	}
}

static void delays_double_up_to_a_bound_and_differ(void **state)
{
	uint64_t seed = 42;
	double sum = 0, r;

	(void)state;
	assert_int_equal(retry_delay_ms(250, 10000, 1, 0), 250);
	assert_int_equal(retry_delay_ms(250, 10000, 2, 0), 500);
	assert_int_equal(retry_delay_ms(250, 10000, 3, 0), 1000);
	assert_int_equal(retry_delay_ms(250, 10000, 3, 0.5), 750);
	assert_int_equal(retry_delay_ms(250, 10000, 30, 0), 10000);
	assert_int_equal(retry_delay_ms(60000, 10000, 1, 0), 10000);
	for (int i = 0; i < 1000; i++) {
		r = retry_random(&seed);
		assert_true(r >= 0 && r < 1);
		sum += r;
		assert_true(retry_delay_ms(250, 10000, 2, r) > 249);
		assert_true(retry_delay_ms(250, 10000, 2, r) <= 500);
	}
	assert_true(sum > 450 && sum < 550);
}

/* ---- the key --------------------------------------------------------------------------------- */

struct dir {
	char path[64];
	char file[80];
};

static void dir_init(struct dir *d)
{
	snprintf(d->path, sizeof(d->path), "/tmp/ragd-upstream-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	snprintf(d->file, sizeof(d->file), "%s/key", d->path);
}

static void dir_fini(struct dir *d)
{
	unlink(d->file);
	assert_int_equal(rmdir(d->path), 0);
}

/* As editors do: a new file over the old one. */
static void write_file(const struct dir *d, const char *text, size_t len, mode_t mode)
{
	char next[96];
	int fd;

	snprintf(next, sizeof(next), "%s.next", d->file);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	fchmod(fd, mode);
	close(fd);
	assert_int_equal(rename(next, d->file), 0);
}

static void a_key_is_one_line_that_others_may_not_read(void **state)
{
	char huge[KEYFILE_MAX + 2];
	struct {
		const char *name, *text;
		mode_t mode;
		int rc;
		const char *want; /* the key, or part of the sentence */
	} rows[] = {
		{ "plain", "sk-123", 0600, 1, "sk-123" },
		{ "with a newline", "sk-123\n", 0400, 1, "sk-123" },
		{ "white space around it", " \r\n\tsk-123 \n\n", 0600, 1, "sk-123" },
		{ "its group may read it", "sk-123", 0640, 1, "sk-123" },
		{ "others may read it", "sk-123", 0644, -EACCES, "mode 0644" },
		{ "others may change it", "sk-123", 0602, -EACCES, "mode 0602" },
		{ "its group may change it", "sk-123", 0660, -EACCES, "chmod 0600" },
		{ "empty", "", 0600, -EINVAL, "is empty" },
		{ "nothing but white space", " \n", 0600, -EINVAL, "is empty" },
		{ "two lines", "sk-123\nX-Evil: 1", 0600, -EINVAL, "one line" },
		{ "a space in it", "sk 123", 0600, -EINVAL, "one line" },
		{ "no ASCII", "sk-\xc3\xa4", 0600, -EINVAL, "printable ASCII" },
		{ "too long", huge, 0600, -EINVAL, "that is no key" },
	};

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct keyfile k;
		struct dir d;

		print_message("%s\n", rows[i].name);
		dir_init(&d);
		write_file(&d, rows[i].text, strlen(rows[i].text), rows[i].mode);
		keyfile_init(&k, d.file);
		assert_int_equal(keyfile_refresh(&k, &err), rows[i].rc);
		if (rows[i].rc < 0) {
			assert_non_null(strstr(err.msg, rows[i].want));
			assert_null(strstr(err.msg, "sk-"));
			assert_string_equal(k.key, "");
		} else {
			assert_string_equal(k.key, rows[i].want);
		}
		assert_int_equal(keyfile_refresh(&k, &err), 0); /* told once */
		keyfile_fini(&k);
		assert_string_equal(k.key, "");
		dir_fini(&d);
	}
}

static void a_key_is_read_again_when_it_changes(void **state)
{
	struct ragd_err err = { 0 };
	struct keyfile k;
	struct dir d;

	(void)state;
	dir_init(&d);
	keyfile_init(&k, d.file);
	assert_int_equal(keyfile_refresh(&k, &err), -ENOENT);
	assert_non_null(strstr(err.msg, d.file));
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	write_file(&d, "one", 3, 0600);
	assert_int_equal(keyfile_refresh(&k, &err), 1);
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	write_file(&d, "two", 3, 0600);
	assert_int_equal(keyfile_refresh(&k, &err), 1);
	assert_string_equal(k.key, "two");
	write_file(&d, "two\n", 4, 0600); /* the same key */
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	write_file(&d, "three", 5, 0644);
	assert_int_equal(keyfile_refresh(&k, &err), -EACCES);
	assert_string_equal(k.key, "two"); /* the old one stays */
	chmod(d.file, 0600);
	assert_int_equal(keyfile_refresh(&k, &err), 1);
	assert_string_equal(k.key, "three");
	unlink(d.file);
	assert_int_equal(keyfile_refresh(&k, &err), -ENOENT);
	assert_string_equal(k.key, "three");
	keyfile_fini(&k);
	keyfile_init(&k, d.path); /* a directory */
	assert_int_equal(keyfile_refresh(&k, &err), -EINVAL);
	keyfile_init(&k, "");
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	dir_fini(&d);
}

static void a_key_is_hidden_in_what_servers_say(void **state)
{
	struct keyfile k = { .key = "sk-1" };
	char text[] = "bad key sk-1, I say: 'sk-1'sk-1";

	(void)state;
	keyfile_hide(&k, text);
	assert_string_equal(text, "bad key ****, I say: '****'****");
	k.key[0] = '\0';
	keyfile_hide(&k, text);
	assert_string_equal(text, "bad key ****, I say: '****'****");
}

/* ---- bodies of requests ---------------------------------------------------------------------- */

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
				     .sampling = { .max_tokens = 7,
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
	req.sampling = (struct ragd_sampling){ 0 };
	body = request_chat(&req, "", true, NULL, &err);
	assert_string_equal(body, "{\"messages\":[],\"stream\":true,\"stream_options\":"
				  "{\"include_usage\":true},\"temperature\":0.0,\"seed\":0}");
	free(body);
	req.sampling = (struct ragd_sampling){ .min_p = 0.1f, .top_k = 3, .temperature = 1 };
	body = request_chat(&req, "", false, "s4lt", &err);
	assert_non_null(strstr(body, "\"cache_salt\":\"s4lt\"}"));
	assert_null(strstr(body, "min_p"));
	assert_null(strstr(body, "top_k"));
	free(body);
	body = request_embeddings(stops, 2, "e", &err);
	assert_string_equal(body, "{\"model\":\"e\",\"input\":[\"###\",\"\\n\\n\"],"
				  "\"encoding_format\":\"float\"}");
	free(body);
	body = request_embeddings(&(struct ragd_str){ NULL, 0 }, 1, "", &err);
	assert_string_equal(body, "{\"input\":[\" \"],\"encoding_format\":\"float\"}");
	free(body);
}

static void texts_that_are_no_utf8_are_refused(void **state)
{
	static const struct ragd_message bad = { RAGD_ROLE_USER, RAGD_STR("a\xff") };
	struct ragd_generate req = { .size = sizeof(req), .messages = &bad, .n_messages = 1 };
	struct ragd_err err = { 0 };

	(void)state;
	assert_null(request_chat(&req, "m", true, NULL, &err));
	assert_int_equal(err.code, -EILSEQ);
	assert_null(request_embeddings(&bad.text, 1, "m", &err));
	assert_int_equal(err.code, -EILSEQ);
}

/* ---- replies --------------------------------------------------------------------------------- */

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

/* ---- options --------------------------------------------------------------------------------- */

static void options_are_validated_together(void **state)
{
	static const struct {
		const char *options[5];
		const char *why;
	} rows[] = {
		{ { NULL }, "at least one server" },
		{ { "endpoints=localhost:8000" }, "none of http://host:port" },
		{ { "endpoints=ftp://host" }, "none of http://host:port" },
		{ { "endpoints=file:///etc/passwd" }, "none of http://host:port" },
		{ { "endpoints=http://" }, "none of http://host:port" },
		{ { "endpoints=http://host:99999" }, "none of http://host:port" },
		{ { "endpoints=http://user:geheim@host" }, "no user" },
		{ { "endpoints=https://host/v1?key=1" }, "without '?'" },
		{ { "endpoints=https://host/v1#a" }, "without '#'" },
		{ { "endpoints=unix:run/x.sock" }, "begins with a slash" },
		{ { "endpoints=unix:/"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "x"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  "at most 107 bytes" },
		{ { "endpoints=http://a,http://a" }, "stands there twice" },
		{ { "endpoints=http://a,http://b", "weights=1" }, "1 for 2 endpoints" },
		{ { "endpoints=http://a", "weights=0" }, "from 1 to 100" },
		{ { "endpoints=http://a", "weights=101" }, "from 1 to 100" },
		{ { "endpoints=http://a", "weights=-1" }, "from 1 to 100" },
		{ { "endpoints=http://a", "weights=2x" }, "from 1 to 100" },
		{ { "endpoints=http://a", "health=none" }, "model must be given" },
		{ { "endpoints=http://a", "tls_ca=/ca.pem" }, "no endpoint begins with https" },
		{ { "endpoints=https://a", "tls_ca=/ca.pem", "tls_verify=no" }, "contradict" },
		{ { "endpoints=http://a", "proxy=proxy:3128" }, "proxy: none, environment" },
		{ { "endpoints=http://a", "proxy=http://svc:secret@proxy:3128" },
		  "proxy: a URL holds no user" },
		{ { "endpoints=http://a", "proxy=socks5h://svc@proxy" },
		  "proxy: a URL holds no user" },
		{ { "endpoints=http://a", "model=a\nb" }, "control character" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct world w;

		print_message("%s\n", rows[i].why);
		world_init(&w);
		assert_int_equal(world_try(&w, "up", "inference_upstream", rows[i].options, &err),
				 -EINVAL);
		assert_non_null(strstr(err.msg, rows[i].why));
		assert_null(strstr(err.msg, "geheim"));
		world_fini(&w);
	}
}

static void the_urls_of_servers_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *base, *origin;
		bool tls, local;
	} rows[] = {
		{ "http://host", "http://host/v1", "http://host", false, false },
		{ "HTTP://host:8000/", "http://host:8000/v1", "http://host:8000", false, false },
		{ "https://host/v1/", "https://host/v1", "https://host", true, false },
		{ "https://host/openai/v2", "https://host/openai/v2", "https://host", true, false },
		{ "https://host/openai", "https://host/openai/v1", "https://host", true, false },
		{ "https://host/rev1", "https://host/rev1/v1", "https://host", true, false },
		{ "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", "http://127.0.0.1:1", false,
		  true },
		{ "http://127.evil.com", "http://127.evil.com/v1", "http://127.evil.com", false,
		  false },
		{ "http://[::1]:8080", "http://[::1]:8080/v1", "http://[::1]:8080", false, true },
		{ "unix:/run/s.sock", "http://localhost/v1", "http://localhost", false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server_url u = { 0 };

		print_message("%s\n", rows[i].url);
		assert_int_equal(server_url_parse(rows[i].url, &u, NULL), 0);
		assert_string_equal(u.text, rows[i].url);
		assert_string_equal(u.base, rows[i].base);
		assert_string_equal(u.origin, rows[i].origin);
		assert_int_equal(u.tls, rows[i].tls);
		assert_int_equal(u.local, rows[i].local);
		server_url_fini(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_round_smoothly_by_weight),
		cmocka_unit_test(of_equal_claims_the_one_with_less_to_do_goes_first),
		cmocka_unit_test(what_was_tried_is_down_or_busy_is_left_out),
		cmocka_unit_test(a_server_that_fails_is_left_alone_then_tried_once),
		cmocka_unit_test(without_checks_requests_try_a_server_that_is_down),
		cmocka_unit_test(what_a_status_means),
		cmocka_unit_test(delays_double_up_to_a_bound_and_differ),
		cmocka_unit_test(a_key_is_one_line_that_others_may_not_read),
		cmocka_unit_test(a_key_is_read_again_when_it_changes),
		cmocka_unit_test(a_key_is_hidden_in_what_servers_say),
		cmocka_unit_test(requests_say_what_was_asked_for),
		cmocka_unit_test(texts_that_are_no_utf8_are_refused),
		cmocka_unit_test(texts_are_repaired_not_refused),
		cmocka_unit_test(chunks_are_read),
		cmocka_unit_test(usage_and_thoughts_are_told),
		cmocka_unit_test(messages_of_errors_are_one_short_line),
		cmocka_unit_test(lists_of_models_are_read),
		cmocka_unit_test(vectors_are_put_in_order_and_made_unit),
		cmocka_unit_test(options_are_validated_together),
		cmocka_unit_test(the_urls_of_servers_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
