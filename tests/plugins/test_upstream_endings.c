/*
 * inference_upstream against a server that does what a good one never does, over both kinds of
 * sockets.
 */
#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

/* What a server does, and what comes of it. */
struct ending {
	const char *name;
	struct act act;
	const char *option;
	int rc;
	const char *want; /* the answer; where rc < 0: part of the sentence */
	enum ragd_finish finish;
	const char *text; /* where rc < 0: what came before */
};

#define SAYS(text)                                                                                 \
	{                                                                                          \
		text, THEN_CLOSE, 0, NULL, 0                                                       \
	}

static void check_ending(const struct ending *row, bool on_unix)
{
	struct up t;

	print_message("%s\n", row->name);
	up_init(&t);
	up_server(&t, on_unix, &row->act, 1);
	up_open(&t, QUICK, "model=m", "retries=0", "failures=100",
		row->option != NULL ? row->option : "max_requests=3");
	do /* once more where a short time was over before the server was asked */
		up_ask(&t);
	while (row->rc == -ETIMEDOUT && server_read(&t.servers[0], &t.servers[0].n_posts) == 0);
	assert_int_equal(t.sink.rc, row->rc);
	if (row->rc == 0) {
		assert_string_equal(up_answer(&t), row->want);
		assert_int_equal(t.sink.finish, row->finish);
	} else {
		if (strstr(t.sink.err.msg, row->want) == NULL)
			fail_msg("'%s' is not in '%s'", row->want, t.sink.err.msg);
		assert_string_equal(up_answer(&t), row->text);
	}
	/* Whoever hangs or goes on without end is left: nothing of ours stays there. */
	if (row->act.then != THEN_CLOSE)
		server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
	up_end(&t);
}

static void check_endings(const struct ending *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_ending(&rows[i], i % 2 == 0);
}

static void an_answer_ends_in_many_ways(void **state)
{
	static const struct ending rows[] = {
		{ "length", SAYS(HEAD_SSE TOKEN("a") FINISH("length") DONE), NULL, 0, "a",
		  RAGD_FINISH_LENGTH, NULL },
		{ "tool calls", SAYS(HEAD_SSE TOKEN("a") FINISH("tool_calls") DONE), NULL, 0, "a",
		  RAGD_FINISH_STOP, NULL },
		{ "filtered in the middle", SAYS(HEAD_SSE TOKEN("a") FINISH("content_filter") DONE),
		  NULL, 0, "a", RAGD_FINISH_LENGTH, NULL },
		{ "filtered at once", SAYS(HEAD_SSE FINISH("content_filter") DONE), NULL, 0, "",
		  RAGD_FINISH_NO_ANSWER, NULL },
		{ "nothing to say", SAYS(HEAD_SSE FINISH("stop") DONE), NULL, 0, "",
		  RAGD_FINISH_STOP, NULL },
		{ "no [DONE]", SAYS(HEAD_SSE TOKEN("a") FINISH("stop")), NULL, 0, "a",
		  RAGD_FINISH_STOP, NULL },
		{ "no reason, only [DONE]", SAYS(HEAD_SSE TOKEN("a") DONE), NULL, 0, "a",
		  RAGD_FINISH_STOP, NULL },
		{ "two ends",
		  SAYS(HEAD_SSE TOKEN("a") FINISH("length") FINISH("stop") TOKEN("b") DONE), NULL,
		  0, "a", RAGD_FINISH_LENGTH, NULL },
		{ "an early [DONE]", SAYS(HEAD_SSE TOKEN("a") DONE TOKEN("b") FINISH("length")),
		  NULL, 0, "a", RAGD_FINISH_STOP, NULL },
		{ "garbage behind [DONE]", SAYS(HEAD_SSE TOKEN("a") DONE "data: <html>\n\n"), NULL,
		  0, "a", RAGD_FINISH_STOP, NULL },
		{ "[DONE], and the connection stays open",
		  { HEAD_SSE TOKEN("a") DONE, THEN_HANG, 0, NULL, 0 },
		  NULL,
		  0,
		  "a",
		  RAGD_FINISH_STOP,
		  NULL },
		{ "no stream but a whole answer",
		  SAYS(HEAD_JSON
		       "{\"choices\":[{\"message\":{\"content\":\"all\"},\"finish_reason\":"
		       "\"length\"}],\"usage\":{\"prompt_tokens\":1}}"),
		  NULL, 0, "all", RAGD_FINISH_LENGTH, NULL },
		{ "bytes that are no UTF-8",
		  SAYS(HEAD_SSE
		       "data: {\"choices\":[{\"delta\":{\"content\":\"a\xff\xc3\"}}]}\n\n" TOKEN(
			       "\\ud83d") TOKEN("\\u0000") FINISH("stop") DONE),
		  NULL, 0, "a\ufffd\ufffd\ufffd\ufffd", RAGD_FINISH_STOP, NULL },
	};

	(void)state;
	check_endings(rows, ARRAY_LEN(rows));
}

#define X64          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512         X64 X64 X64 X64 X64 X64 X64 X64
#define LONG_COMMENT ":" X512 X512 X512 X512 X512 X512 X512 X512 "\n"

static void a_server_that_says_nothing_is_left(void **state)
{
	static const struct ending rows[] = {
		{ "hangs before the head",
		  { NULL, THEN_HANG, 0, NULL, 0 },
		  "first_token_timeout=60ms",
		  -ETIMEDOUT,
		  "no first token within 60 ms",
		  0,
		  "" },
		{ "hangs in the head",
		  { "HTTP/1.1 200 O", THEN_HANG, 0, NULL, 0 },
		  "first_token_timeout=60ms",
		  -ETIMEDOUT,
		  "no first token within 60 ms",
		  0,
		  "" },
		{ "hangs behind the head",
		  { HEAD_SSE, THEN_HANG, 0, NULL, 0 },
		  "first_token_timeout=60ms",
		  -ETIMEDOUT,
		  "no first token within 60 ms",
		  0,
		  "" },
		{ "comments are no tokens",
		  { HEAD_SSE, THEN_FLOOD, 0, ": wait\n\n" TOKEN(""), 5 },
		  "first_token_timeout=60ms",
		  -ETIMEDOUT,
		  "no first token within 60 ms",
		  0,
		  "" },
		{ "hangs in the middle",
		  { HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 },
		  "token_timeout=60ms",
		  -ETIMEDOUT,
		  "in the middle of the answer: no further token",
		  0,
		  "a" },
		{ "drips comments in the middle",
		  { HEAD_SSE TOKEN("a"), THEN_FLOOD, 0, ":\n", 5 },
		  "token_timeout=60ms",
		  -ETIMEDOUT,
		  "no further token within 60 ms",
		  0,
		  "a" },
	};

	(void)state;
	check_endings(rows, ARRAY_LEN(rows));
}

static void what_breaks_off_or_is_no_answer_is_an_error(void **state)
{
	static const struct ending rows[] = {
		{ "closes at once",
		  { NULL, THEN_CLOSE, 0, NULL, 0 },
		  NULL,
		  -EBUSY,
		  "Empty reply",
		  0,
		  "" },
		{ "closes in the middle", SAYS(HEAD_SSE TOKEN("a")), NULL, -EIO,
		  "in the middle of the answer: the stream ended before", 0, "a" },
		{ "cuts a chunk",
		  SAYS("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n3d\r\n" TOKEN("a") "\r\n20\r\ndata: {"),
		  NULL, -EIO, "in the middle of the answer", 0, "a" },
		{ "no HTTP", SAYS("220 mail.example.org ESMTP\r\n"), NULL, -EBUSY, "HTTP", 0, "" },
		{ "garbage", SAYS(HEAD_SSE "data: {\"choices\":[{\"del\n\n"), NULL, -EIO,
		  "not JSON", 0, "" },
		{ "garbage in the middle", SAYS(HEAD_SSE TOKEN("a") "data: ]]\n\n"), NULL, -EIO,
		  "not JSON", 0, "a" },
		{ "JSON of another kind", SAYS(HEAD_SSE "data: {\"a\":1}\n\n"), NULL, -EIO,
		  "without 'choices'", 0, "" },
		{ "no answer", SAYS(HEAD_SSE DONE), NULL, -EIO, "without an answer", 0, "" },
		{ "another type", SAYS(HEAD_OF("200 OK", "text/html") "<html>"), NULL, -EIO,
		  "'text/html' instead of text/event-stream", 0, "" },
		{ "an error in the stream",
		  SAYS(HEAD_SSE "data: {\"error\":{\"message\":\"oops\"}}\n\n"), NULL, -EIO, "oops",
		  0, "" },
		{ "an error field", SAYS(HEAD_SSE TOKEN("a") "error: {\"message\":\"oops\"}\n\n"),
		  NULL, -EIO, "oops", 0, "a" },
		{ "a line without end",
		  { HEAD_SSE "data: ", THEN_FLOOD, 0, "xxxxxxxxxxxxxxxx", 0 },
		  NULL,
		  -EIO,
		  "a line is longer",
		  0,
		  "" },
		{ "comments without end",
		  { HEAD_SSE, THEN_FLOOD, 0, LONG_COMMENT, 0 },
		  "first_token_timeout=1h",
		  -EIO,
		  "the stream is longer",
		  0,
		  "" },
	};

	(void)state;
	check_endings(rows, ARRAY_LEN(rows));
}

static void a_status_is_told_with_the_servers_words(void **state)
{
	static const struct ending rows[] = {
		{ "500", SAYS(ERROR_OF("500 Oops", "no luck")), NULL, -EIO, "answers 500: no luck",
		  0, "" },
		{ "400", SAYS(ERROR_OF("400 Bad Request", "context of 4096 tokens")), NULL, -EINVAL,
		  "answers 400: context of 4096 tokens", 0, "" },
		{ "401", SAYS(ERROR_OF("401 Unauthorized", "key?")), NULL, -EIO,
		  "answers 401: key?", 0, "" },
		{ "404 in HTML", SAYS(HEAD_OF("404 Not Found", "text/html") "<html>"), NULL, -EIO,
		  "answers 404", 0, "" },
		{ "429", SAYS(ERROR_OF("429 Too Many", "later")), NULL, -EBUSY,
		  "answers 429: later", 0, "" },
		{ "a redirect",
		  SAYS("HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: "
		       "0\r\n\r\n"),
		  NULL, -EIO, "redirect, which is not followed", 0, "" },
	};

	(void)state;
	check_endings(rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_ends_in_many_ways),
		cmocka_unit_test(a_server_that_says_nothing_is_left),
		cmocka_unit_test(what_breaks_off_or_is_no_answer_is_an_error),
		cmocka_unit_test(a_status_is_told_with_the_servers_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
