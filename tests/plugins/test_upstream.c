/* inference_upstream against a server that does what a good one never does, over both kinds of sockets. */
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

#include "base/clock.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "daemon/plugins/plugin_metrics.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/plugins/upstream_server.h"

#define N_SERVERS 3

#define X64          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512         X64 X64 X64 X64 X64 X64 X64 X64
#define LONG_COMMENT ":" X512 X512 X512 X512 X512 X512 X512 X512 "\n"

/* Short times; what is not about one of them has the rest of the options as it is. */
#define QUICK "retry_delay=1 ms", "health_interval=1 h"

struct up {
	struct world w;
	struct plugin_set *set;
	const struct plugin *plugin;
	struct server servers[N_SERVERS];
	size_t n_servers;
	struct test_call call;
	struct test_sink sink;
	struct ragd_err err;
};

static void up_server(struct up *t, bool on_unix, const struct act *acts, size_t n_acts)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%.80s/%zu.sock", t->w.dir, t->n_servers);
	server_start(&t->servers[t->n_servers++], on_unix ? path : NULL, acts, n_acts);
}

static void up_init(struct up *t)
{
	memset(t, 0, sizeof(*t));
	world_init(&t->w);
	test_call_init(&t->call);
	test_sink_init(&t->sink);
}

/* Open the plugin on all servers that were started, with up to 8 more options. */
static int up_try(struct up *t, const char *const *more)
{
	const char *options[12] = { NULL };
	char endpoints[512] = "endpoints=";
	size_t n = 0;

	for (size_t i = 0; i < t->n_servers; i++)
		snprintf(endpoints + strlen(endpoints), sizeof(endpoints) - strlen(endpoints),
			 "%s%s", i > 0 ? "," : "", t->servers[i].url);
	options[n++] = endpoints;
	for (; *more != NULL; more++)
		options[n++] = *more;
	if (world_try(&t->w, "up", "inference_upstream", options, &t->err) < 0)
		return t->err.code;
	if (plugin_set_open(&t->w.cfg, NULL, &t->set, &t->err) < 0)
		return t->err.code;
	t->plugin = plugin_set_at(t->set, 0);
	return 0;
}

#define up_open(t, ...)                                                                            \
	do {                                                                                       \
		if (up_try(t, (const char *const[]){ __VA_ARGS__, NULL }) < 0)                     \
			fail_msg("%s", (t)->err.msg);                                              \
	} while (0)

/* The plugin goes first: it may be at work with a server. */
static void up_end(struct up *t)
{
	if (t->set != NULL)
		plugin_set_unref(t->set);
	for (size_t i = 0; i < t->n_servers; i++)
		server_stop(&t->servers[i]);
	test_sink_fini(&t->sink);
	test_call_fini(&t->call);
	world_fini(&t->w);
}

static int up_generate_to(struct up *t, struct test_sink *sink)
{
	static const struct ragd_message messages[] = {
		{ RAGD_ROLE_SYSTEM, RAGD_STR("Be brief.") },
		{ RAGD_ROLE_USER, RAGD_STR("What is new?") },
	};
	static const struct ragd_generate req = {
		.size = sizeof(req),
		.messages = messages,
		.n_messages = 2,
		.sampling = { .temperature = 0.5f, .top_p = 1, .min_p = 0.25f, .max_tokens = 9 },
	};

	return t->plugin->descriptor->ops.inference->generate(t->plugin->self, &t->call.call, &req,
							      &sink->sink, &t->err);
}

/* Ask, and wait for the end. */
static void up_ask(struct up *t)
{
	test_sink_fini(&t->sink);
	test_sink_init(&t->sink);
	assert_int_equal(up_generate_to(t, &t->sink), 0);
	test_sink_wait(&t->sink);
	assert_int_equal(t->sink.n_done, 1);
	assert_true((t->sink.rc < 0) == (t->sink.err.msg[0] != '\0'));
	assert_true(utf8_invalid_at(t->sink.err.msg, strlen(t->sink.err.msg)) < 0);
}

static const char *answer(const struct up *t)
{
	return t->sink.text.data != NULL ? t->sink.text.data : "";
}

/* A counter or gauge of /metrics. */
struct wanted {
	const char *name;
	double value;
};

static void metric_cb(const char *instance, const char *name, bool counter, double value, void *arg)
{
	struct wanted *w = arg;

	(void)instance;
	(void)counter;
	if (strcmp(name, w->name) == 0)
		w->value = value;
}

static double metric(const char *name)
{
	struct wanted w = { name, 0 };

	plugin_metrics(metric_cb, &w);
	return w.value;
}

/* Wait for a gauge; tests that need more than 20 s for it fail. */
static void wait_metric(const char *name, double value)
{
	int64_t until_ms = clock_ms() + 20000;

	while (metric(name) != value && clock_ms() < until_ms)
		usleep(1000); /* there is nothing to wait on: whoever reads /metrics polls too */
	assert_true(metric(name) == value);
}

/* ---- one server, one request ---------------------------------------------------------------- */

static void an_answer_streams_through(void **state)
{
	static const struct act good = {
		HEAD_SSE
		": hello\n\n"
		"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n" TOKEN("Nothing ")
			TOKEN("much: ä") TOKEN("\\ud83d\\ude00.") FINISH("stop") USAGE("17", "3")
				DONE,
		THEN_CLOSE, 0, NULL, 0
	};

	(void)state;
	for (int on_unix = 0; on_unix < 2; on_unix++) {
		struct up t;

		up_init(&t);
		up_server(&t, on_unix, &good, 1);
		up_open(&t, "model=m1");
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
		assert_string_equal(answer(&t), "Nothing much: ä\U0001f600.");
		assert_int_equal(t.sink.n_pieces, 3);
		assert_int_equal(t.sink.finish, RAGD_FINISH_STOP);
		assert_int_equal(t.sink.usage.n_prompt, 17);
		assert_int_equal(t.sink.usage.n_output, 3);
		assert_string_equal(
			t.servers[0].body.data,
			"{\"model\":\"m1\",\"messages\":[{\"role\":\"system\",\"content\":"
			"\"Be brief.\"},{\"role\":\"user\",\"content\":\"What is new?\"}],"
			"\"stream\":true,\"stream_options\":{\"include_usage\":true},"
			"\"temperature\":0.5,\"seed\":0,\"top_p\":1.0,\"max_tokens\":9,"
			"\"min_p\":0.25}");
		assert_non_null(
			strstr(t.servers[0].head.data, "POST /v1/chat/completions HTTP/1.1"));
		assert_non_null(strstr(t.servers[0].head.data, "X-Request-Id: test"));
		assert_null(strstr(t.servers[0].head.data, "Authorization"));
		assert_null(strstr(t.servers[0].head.data, "Expect"));
		up_end(&t);
	}
}

static void pieces_may_be_cut_anywhere(void **state)
{
	static const struct act good = { HEAD_SSE TOKEN("a\xc3\xa4\xf0\x9f\x98\x80") TOKEN("b")
						 FINISH("stop") DONE,
					 THEN_CLOSE, 1, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &good, 1);
	up_open(&t, "model=m");
	up_ask(&t);
	assert_int_equal(t.sink.rc, 0);
	assert_string_equal(answer(&t), "aä\U0001f600b");
	up_end(&t);
}

static void whatever_a_server_does_has_an_end(void **state)
{
	static const struct {
		const char *name;
		struct act act;
		const char *option;
		int rc;
		const char *want; /* the answer; where rc < 0: part of the sentence */
		enum ragd_finish finish;
		const char *text; /* where rc < 0: what came before */
	} rows[] = {
#define SAYS(text) { text, THEN_CLOSE, 0, NULL, 0 }
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

		{ "closes at once",
		  { NULL, THEN_CLOSE, 0, NULL, 0 },
		  NULL,
		  -EBUSY,
		  "Empty reply",
		  0,
		  "" },
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
		{ "closes in the middle", SAYS(HEAD_SSE TOKEN("a")), NULL, -EIO,
		  "in the middle of the answer: the stream ended before", 0, "a" },
		{ "cuts a chunk",
		  SAYS("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n3d\r\n" TOKEN("a") "\r\n20\r\ndata: {"),
		  NULL, -EIO, "in the middle of the answer", 0, "a" },
		{ "no HTTP", SAYS("220 mail.example.org ESMTP\r\n"), NULL, -EBUSY, "HTTP", 0, "" },
		{ "garbage", SAYS(HEAD_SSE "data: {\"choices\":[{\"del\n\n"), NULL, -EIO, "no JSON",
		  0, "" },
		{ "garbage in the middle", SAYS(HEAD_SSE TOKEN("a") "data: ]]\n\n"), NULL, -EIO,
		  "no JSON", 0, "a" },
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
#undef SAYS
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		print_message("%s\n", rows[i].name);
		up_init(&t);
		up_server(&t, i % 2 == 0, &rows[i].act, 1);
		up_open(&t, QUICK, "model=m", "retries=0",
			rows[i].option != NULL ? rows[i].option : "max_requests=3");
		up_ask(&t);
		assert_int_equal(t.sink.rc, rows[i].rc);
		if (rows[i].rc == 0) {
			assert_string_equal(answer(&t), rows[i].want);
			assert_int_equal(t.sink.finish, rows[i].finish);
		} else {
			if (strstr(t.sink.err.msg, rows[i].want) == NULL)
				fail_msg("'%s' is not in '%s'", rows[i].want, t.sink.err.msg);
			assert_string_equal(answer(&t), rows[i].text);
		}
		/* Whoever hangs or goes on for ever is left: nothing of ours stays there. */
		if (rows[i].act.then != THEN_CLOSE)
			server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
		up_end(&t);
	}
}

static void usage_is_counted_where_nobody_tells(void **state)
{
	static const struct act good = { HEAD_SSE TOKEN("a") TOKEN("b") FINISH("stop"), THEN_CLOSE,
					 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &good, 1);
	up_open(&t, "model=m");
	up_ask(&t);
	assert_int_equal(t.sink.usage.n_prompt, 0);
	assert_int_equal(t.sink.usage.n_output, 2);
	up_end(&t);
}

/* The salt of the last request, which has one. */
static void salt_of(struct up *t, char out[65])
{
	const char *at = t->servers[0].body.data, *last = NULL;

	while ((at = strstr(at, "\"cache_salt\":\"")) != NULL)
		last = at += 14;
	assert_non_null(last);
	memcpy(out, last, 64);
	out[64] = '\0';
	assert_int_equal(strspn(out, "0123456789abcdef"), 64);
}

static void users_share_nothing_in_a_server_that_knows_salts(void **state)
{
	static const struct act good = { HEAD_SSE TOKEN("a") FINISH("stop") USAGE("17", "3") DONE,
					 THEN_CLOSE, 0, NULL, 0 };
	static const uid_t who[] = { 1000, 1001, 1000 };
	const struct act acts[] = { good, good, good };
	char salt[ARRAY_LEN(who)][65], other[65];
	struct up t;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		up_init(&t);
		up_server(&t, true, acts, ARRAY_LEN(acts));
		up_open(&t, "model=m", "cache_salt=yes");
		for (size_t i = 0; i < ARRAY_LEN(who); i++) {
			t.call.caller.uid = who[i];
			up_ask(&t);
			assert_int_equal(t.sink.rc, 0);
			salt_of(&t, salt[i]);
		}
		assert_string_equal(salt[0], salt[2]);
		assert_string_not_equal(salt[0], salt[1]);
		if (turn == 0)
			memcpy(other, salt[0], sizeof(other));
		else
			assert_string_not_equal(salt[0], other); /* no user's to be known */
		up_end(&t);
	}
}

/* ---- leaving -------------------------------------------------------------------------------- */

static void who_leaves_leaves_the_server_at_once(void **state)
{
	static const struct {
		const char *name;
		struct act act;
		unsigned pieces; /* to wait for before */
	} rows[] = {
		{ "before the head", { NULL, THEN_HANG, 0, NULL, 0 }, 0 },
		{ "before the first token", { HEAD_SSE, THEN_HANG, 0, NULL, 0 }, 0 },
		{ "between two", { HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		print_message("%s\n", rows[i].name);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_open(&t, "model=m");
		assert_int_equal(up_generate_to(&t, &t.sink), 0);
		server_wait(&t.servers[0], &t.servers[0].n_posts, 1);
		test_sink_wait_pieces(&t.sink, rows[i].pieces);
		atomic_store(&t.call.is_cancelled, true);
		test_sink_wait(&t.sink);
		assert_int_equal(t.sink.rc, -ECANCELED);
		server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
		up_end(&t);
	}
}

static void a_sink_that_takes_no_more_ends_it(void **state)
{
	static const struct act endless = { HEAD_SSE, THEN_FLOOD, 0, TOKEN("word "), 0 };
	static const struct {
		int code, rc;
	} rows[] = { { -ECANCELED, -ECANCELED }, { -ENOBUFS, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		up_init(&t);
		up_server(&t, true, &endless, 1);
		up_open(&t, "model=m");
		t.sink.stop_after = 5;
		t.sink.stop_code = rows[i].code;
		assert_int_equal(up_generate_to(&t, &t.sink), 0);
		test_sink_wait(&t.sink);
		assert_int_equal(t.sink.rc, rows[i].rc);
		assert_int_equal(t.sink.n_pieces, 5);
		if (rows[i].rc == 0)
			assert_int_equal(t.sink.finish, RAGD_FINISH_LENGTH);
		server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
		up_end(&t);
	}
}

static void the_callers_deadline_holds(void **state)
{
	static const struct act slow = { HEAD_SSE, THEN_FLOOD, 0, TOKEN("word "), 5 };
	static const struct act busy = { "HTTP/1.1 429 Busy\r\nRetry-After: 5\r\n\r\n", THEN_CLOSE,
					 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &slow, 1);
	up_open(&t, "model=m");
	t.call.call.deadline_ms = clock_ms() + 80;
	up_ask(&t);
	assert_int_equal(t.sink.rc, -ETIMEDOUT);
	assert_non_null(strstr(t.sink.err.msg, "deadline"));
	server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
	up_end(&t);

	up_init(&t); /* while it waits to try again */
	up_server(&t, true, &busy, 1);
	up_open(&t, "model=m");
	t.call.call.deadline_ms = clock_ms() + 500;
	up_ask(&t);
	assert_int_equal(t.sink.rc, -ETIMEDOUT);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void beyond_max_requests_the_answer_is_said(void **state)
{
	static const struct act slow = { HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 };
	struct test_sink other;
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &slow, 1);
	up_open(&t, "model=m", "max_requests=2");
	test_sink_init(&other);
	assert_int_equal(up_generate_to(&t, &t.sink), 0);
	assert_int_equal(up_generate_to(&t, &other), 0);
	assert_int_equal(up_generate_to(&t, &t.sink), -EBUSY);
	assert_non_null(strstr(t.err.msg, "2 requests are at the servers, which is the limit"));
	test_sink_wait_pieces(&t.sink, 1);
	test_sink_wait_pieces(&other, 1);
	atomic_store(&t.call.is_cancelled, true);
	test_sink_wait(&t.sink);
	test_sink_wait(&other);
	test_sink_fini(&other);
	wait_metric("active_requests", 0);
	atomic_store(&t.call.is_cancelled, false);
	test_sink_fini(&t.sink);
	test_sink_init(&t.sink);
	assert_int_equal(up_generate_to(&t, &t.sink), 0); /* there is room again */
	test_sink_wait_pieces(&t.sink, 1);
	atomic_store(&t.call.is_cancelled, true);
	test_sink_wait(&t.sink);
	up_end(&t);
}

/* ---- several servers, several tries ---------------------------------------------------------- */

static const struct act fine = { HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL,
				 0 };

static void before_the_first_token_another_server_is_asked(void **state)
{
	static const struct {
		const char *name;
		struct act act;
	} rows[] = {
		{ "closes", { NULL, THEN_CLOSE, 0, NULL, 0 } },
		{ "hangs", { HEAD_SSE, THEN_HANG, 0, NULL, 0 } },
		{ "500", { ERROR_OF("500 Oops", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "429", { ERROR_OF("429 Busy", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "503",
		  { "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n\r\n", THEN_CLOSE, 0, NULL, 0 } },
		{ "401", { ERROR_OF("401 No", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "404", { ERROR_OF("404 No", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "garbage", { HEAD_SSE "data: {\n\n", THEN_CLOSE, 0, NULL, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;
		double failovers = metric("failovers");

		print_message("%s\n", rows[i].name);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_server(&t, true, &fine, 1);
		up_open(&t, QUICK, "model=m", "retries=0", "weights=100,1",
			rows[i].act.then == THEN_HANG ? "first_token_timeout=1s"
						      : "max_requests=9");
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
		assert_string_equal(answer(&t), "fine");
		assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
		assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 1);
		assert_true(metric("failovers") == failovers + 1);
		up_end(&t);
	}
}

static void after_the_first_token_none_is(void **state)
{
	static const struct act breaks = { HEAD_SSE TOKEN("so "), THEN_CLOSE, 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &breaks, 1);
	up_server(&t, true, &fine, 1);
	up_open(&t, QUICK, "model=m", "weights=100,1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EIO);
	assert_string_equal(answer(&t), "so ");
	assert_non_null(strstr(t.sink.err.msg, "in the middle of the answer"));
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 0);
	up_end(&t);
}

static void what_the_request_is_at_fault_for_is_not_tried_again(void **state)
{
	static const struct act bad = { ERROR_OF("400 Bad", "too long"), THEN_CLOSE, 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &bad, 1);
	up_server(&t, true, &fine, 1);
	up_open(&t, QUICK, "model=m", "weights=100,1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EINVAL);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 0);
	up_end(&t);
}

static void a_server_is_tried_again_after_a_while(void **state)
{
	static const struct act acts[] = {
		{ ERROR_OF("500 Oops", "no"), THEN_CLOSE, 0, NULL, 0 },
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
	};
	double retries = metric("retries");
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "retries=2");
	up_ask(&t);
	assert_int_equal(t.sink.rc, 0);
	assert_string_equal(answer(&t), "fine");
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 3);
	assert_true(metric("retries") == retries + 2);
	up_end(&t);

	up_init(&t); /* one time too few */
	up_server(&t, true, acts, 2);
	up_open(&t, QUICK, "model=m", "retries=1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 2);
	up_end(&t);
}

static void a_key_that_is_refused_is_not_tried_again(void **state)
{
	static const struct act no = { ERROR_OF("401 No", "no such key"), THEN_CLOSE, 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &no, 1);
	up_open(&t, QUICK, "model=m", "retries=5");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EIO);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void retry_after_is_honoured_within_its_bound(void **state)
{
	static const struct act acts[] = {
		{ "HTTP/1.1 429 Busy\r\nRetry-After: 1\r\n\r\n", THEN_CLOSE, 0, NULL, 0 },
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
	};
	static const struct act late = { "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n\r\n",
					 THEN_CLOSE, 0, NULL, 0 };
	int64_t began_ms = clock_ms();
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "retries=1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, 0);
	assert_true(clock_ms() - began_ms >= 1000);
	up_end(&t);

	up_init(&t);
	up_server(&t, true, &late, 1);
	up_open(&t, QUICK, "model=m", "retries=5");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	assert_non_null(strstr(t.sink.err.msg, "answers 503"));
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void weights_share_the_requests(void **state)
{
	struct up t;

	(void)state;
	up_init(&t);
	for (int i = 0; i < 3; i++)
		up_server(&t, true, &fine, 1);
	up_open(&t, QUICK, "model=m", "weights=5,3,2");
	wait_metric("healthy_endpoints", 3); /* all known, so that the shares are exact */
	for (int i = 0; i < 20; i++) {
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
	}
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 10);
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 6);
	assert_int_equal(server_read(&t.servers[2], &t.servers[2].n_posts), 4);
	up_end(&t);
}

/* ---- health ---------------------------------------------------------------------------------- */

static void a_server_that_is_gone_is_left_out_and_found_again(void **state)
{
	char path[PATH_MAX + 16];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &fine, 1);
	up_server(&t, true, &fine, 1);
	up_open(&t, "model=m", "retry_delay=1ms", "health_interval=20ms", "down_time=20ms",
		"failures=2");
	wait_metric("healthy_endpoints", 2);
	server_refuse(&t.servers[0]);
	wait_metric("healthy_endpoints", 1);
	for (int i = 0; i < 4; i++) {
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
	}
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 4);
	snprintf(path, sizeof(path), "%s", t.servers[0].url + strlen("unix:"));
	server_stop(&t.servers[0]);
	server_start(&t.servers[0], path, &fine, 1);
	wait_metric("healthy_endpoints", 2);
	up_ask(&t);
	up_ask(&t);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void requests_alone_find_out_where_nobody_checks(void **state)
{
	static const struct act acts[] = {
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
		{ HEAD_SSE TOKEN("back") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
	};
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, "model=m", "retry_delay=40ms", "health=none", "down_time=20ms", "failures=1",
		"retries=3");
	up_ask(&t);
	assert_string_equal(answer(&t), "back");
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_gets), 0);
	assert_true(metric("healthy_endpoints") == 1);
	up_end(&t);
}

static void where_none_is_there_the_answer_says_so(void **state)
{
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, false, NULL, 0);
	server_refuse(&t.servers[0]);
	up_open(&t, "model=m", "retry_delay=1ms", "retries=1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	up_end(&t);
}

static void health_is_asked_for_where_it_is(void **state)
{
	static const struct {
		const char *option, *want;
	} rows[] = {
		{ "health=models", "GET /v1/models HTTP/1.1" },
		{ "health=health", "GET /health HTTP/1.1" },
		{ "health=healthz", "GET /healthz HTTP/1.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		up_init(&t);
		up_server(&t, true, &fine, 1);
		up_open(&t, "model=m", rows[i].option);
		server_wait(&t.servers[0], &t.servers[0].n_gets, 1);
		assert_non_null(strstr(t.servers[0].get.data, rows[i].want));
		up_end(&t);
	}
}

/* ---- models ---------------------------------------------------------------------------------- */

static void the_servers_list_tells_the_model(void **state)
{
	struct ragd_card card;
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &fine, 1);
	server_models(&t.servers[0],
		      HEAD_JSON "{\"data\":[{\"id\":\"first\",\"max_model_len\":512},"
				"{\"id\":\"second\"}]}");
	up_open(&t, QUICK);
	up_ask(&t); /* before the list is there it waits for it */
	assert_int_equal(t.sink.rc, 0);
	assert_non_null(strstr(t.servers[0].body.data, "{\"model\":\"first\","));
	t.plugin->descriptor->ops.inference->card(t.plugin->self, &card);
	assert_string_equal(card.name, "first");
	assert_int_equal(card.n_context, 512);
	assert_non_null(strstr(card.summary, "on this machine"));
	up_end(&t);

	up_init(&t); /* the model that was asked for is the one on the card */
	up_server(&t, true, &fine, 1);
	up_open(&t, "model=mine", QUICK);
	t.plugin->descriptor->ops.inference->card(t.plugin->self, &card);
	assert_string_equal(card.name, "mine");
	up_end(&t);
}

static void without_a_list_there_is_no_model_to_ask_for(void **state)
{
	static const char *const lists[] = { HEAD_JSON "{\"data\":[]}", HEAD_JSON "{}",
					     HEAD_JSON "<html>", ERROR_OF("404 No", "none"), "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct up t;

		up_init(&t);
		up_server(&t, true, &fine, 1);
		server_models(&t.servers[0], lists[i]);
		up_open(&t, QUICK, "retries=0");
		up_ask(&t);
		assert_int_equal(t.sink.rc, -EBUSY);
		assert_non_null(strstr(t.sink.err.msg, "none of the servers can be reached"));
		assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 0);
		up_end(&t);
	}
}

/* ---- the key --------------------------------------------------------------------------------- */

static void key_write(const struct up *t, const char *key, mode_t mode, char path[PATH_MAX + 16])
{
	int fd;

	snprintf(path, PATH_MAX + 16, "%s/key", t->w.dir);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, key, strlen(key)), (ssize_t)strlen(key));
	fchmod(fd, mode);
	close(fd);
}

static void the_key_goes_to_the_server_and_nowhere_else(void **state)
{
	static const struct act acts[] = {
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
		{ ERROR_OF("400 Bad", "your key is sk-two!"), THEN_CLOSE, 0, NULL, 0 },
	};
	char path[PATH_MAX + 16], option[PATH_MAX + 32];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	key_write(&t, "sk-one\n", 0600, path);
	snprintf(option, sizeof(option), "api_key_file=%s", path);
	up_open(&t, "model=m", option);
	server_wait(&t.servers[0], &t.servers[0].n_gets, 1);
	assert_non_null(strstr(t.servers[0].get.data, "\r\nAuthorization: Bearer sk-one"));
	up_ask(&t);
	assert_non_null(strstr(t.servers[0].head.data, "\r\nAuthorization: Bearer sk-one\r\n"));
	key_write(&t, "sk-two\n", 0600, path);
	up_ask(&t);
	assert_non_null(strstr(t.servers[0].head.data, "\r\nAuthorization: Bearer sk-two\r\n"));
	assert_int_equal(t.sink.rc, -EINVAL);
	assert_non_null(strstr(t.sink.err.msg, "your key is ******!"));
	up_end(&t);
}

static void a_key_that_others_may_read_does_not_open(void **state)
{
	char path[PATH_MAX + 16], option[PATH_MAX + 32];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &fine, 1);
	key_write(&t, "sk-one\n", 0644, path);
	snprintf(option, sizeof(option), "api_key_file=%s", path);
	assert_int_equal(up_try(&t, (const char *const[]){ "model=m", option, NULL }), -EACCES);
	assert_non_null(strstr(t.err.msg, "chmod 0600"));
	up_end(&t);
}

/* ---- what leaves ----------------------------------------------------------------------------- */

static void no_proxy_of_the_environment_is_used_unless_told(void **state)
{
	struct server proxy;
	struct up t;

	(void)state;
	server_start(&proxy, NULL, &fine, 1);
	setenv("http_proxy", proxy.url, 1);
	setenv("all_proxy", proxy.url, 1);
	unsetenv("no_proxy");
	for (int told = 0; told < 2; told++) {
		up_init(&t);
		up_server(&t, false, &fine, 1);
		up_open(&t, "model=m", told ? "proxy=environment" : "proxy=none");
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
		assert_int_equal(server_read(&proxy, &proxy.n_posts), told);
		assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), !told);
		up_end(&t);
	}
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	server_stop(&proxy);
}

/* ---- embeddings ------------------------------------------------------------------------------ */

#define VECTOR(at, x, y) "{\"index\":" at ",\"embedding\":[" x "," y "]}"

static int up_embed(struct up *t, const struct ragd_str *texts, size_t n, const float **v,
		    uint32_t *dim)
{
	return t->plugin->descriptor->ops.inference->embed(t->plugin->self, &t->call.call, texts, n,
							   v, dim, &t->err);
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
	const float *v;
	uint32_t dim;
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "embed_model=e", "embed_batch=2");
	assert_int_equal(up_embed(&t, texts, 3, &v, &dim), 0);
	assert_int_equal(dim, 2);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_true(fabsf(v[i] - want[i]) < 1e-6f);
	assert_non_null(strstr(t.servers[0].head.data, "POST /v1/embeddings "));
	assert_string_equal(t.servers[0].body.data,
			    "{\"model\":\"e\",\"input\":[\"c\"],\"encoding_format\":\"float\"}");
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
		{ { HEAD_JSON "{", THEN_CLOSE, 0, NULL, 0 }, "retries=0", -EIO, "no JSON" },
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
	const float *v;
	uint32_t dim;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		print_message("%s\n", rows[i].want);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_open(&t, QUICK, "model=m", rows[i].option);
		assert_int_equal(up_embed(&t, &text, 1, &v, &dim), rows[i].rc);
		if (strstr(t.err.msg, rows[i].want) == NULL)
			fail_msg("'%s' is not in '%s'", rows[i].want, t.err.msg);
		assert_int_equal(up_embed(&t, NULL, 0, &v, &dim), -EINVAL);
		up_end(&t);
	}
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Answers, failures, cancellations and hang-ups side by side: all come to their end, once. */
static void many_at_once_come_to_their_ends(void **state)
{
	enum { N = 200 };
	static const struct act acts[] = {
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 3, NULL, 0 },
		{ HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 },
		{ ERROR_OF("500 Oops", ""), THEN_CLOSE, 0, NULL, 0 },
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
	};
	static struct act all[4 * N];
	static struct test_sink sinks[N];
	unsigned n_ok = 0;
	struct up t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = acts[i % ARRAY_LEN(acts)];
	up_init(&t);
	up_server(&t, true, all, ARRAY_LEN(all));
	up_server(&t, false, &fine, 1);
	up_open(&t, QUICK, "model=m", "max_requests=200", "token_timeout=1500ms", "failures=100");
	for (int i = 0; i < N; i++) {
		test_sink_init(&sinks[i]);
		assert_int_equal(up_generate_to(&t, &sinks[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		test_sink_wait(&sinks[i]);
		assert_int_equal(sinks[i].n_done, 1);
		n_ok += sinks[i].rc == 0;
		if (sinks[i].rc == 0)
			assert_string_equal(sinks[i].text.data, "fine");
		else
			assert_true(sinks[i].rc == -ETIMEDOUT);
		test_sink_fini(&sinks[i]);
	}
	assert_true(n_ok >= N / 2);
	wait_metric("active_requests", 0);
	up_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_streams_through),
		cmocka_unit_test(pieces_may_be_cut_anywhere),
		cmocka_unit_test(whatever_a_server_does_has_an_end),
		cmocka_unit_test(usage_is_counted_where_nobody_tells),
		cmocka_unit_test(users_share_nothing_in_a_server_that_knows_salts),
		cmocka_unit_test(who_leaves_leaves_the_server_at_once),
		cmocka_unit_test(a_sink_that_takes_no_more_ends_it),
		cmocka_unit_test(the_callers_deadline_holds),
		cmocka_unit_test(beyond_max_requests_the_answer_is_said),
		cmocka_unit_test(before_the_first_token_another_server_is_asked),
		cmocka_unit_test(after_the_first_token_none_is),
		cmocka_unit_test(what_the_request_is_at_fault_for_is_not_tried_again),
		cmocka_unit_test(a_server_is_tried_again_after_a_while),
		cmocka_unit_test(a_key_that_is_refused_is_not_tried_again),
		cmocka_unit_test(retry_after_is_honoured_within_its_bound),
		cmocka_unit_test(weights_share_the_requests),
		cmocka_unit_test(a_server_that_is_gone_is_left_out_and_found_again),
		cmocka_unit_test(requests_alone_find_out_where_nobody_checks),
		cmocka_unit_test(where_none_is_there_the_answer_says_so),
		cmocka_unit_test(health_is_asked_for_where_it_is),
		cmocka_unit_test(the_servers_list_tells_the_model),
		cmocka_unit_test(without_a_list_there_is_no_model_to_ask_for),
		cmocka_unit_test(the_key_goes_to_the_server_and_nowhere_else),
		cmocka_unit_test(a_key_that_others_may_read_does_not_open),
		cmocka_unit_test(no_proxy_of_the_environment_is_used_unless_told),
		cmocka_unit_test(texts_are_embedded_in_batches),
		cmocka_unit_test(embeddings_that_cannot_be_are_errors),
		cmocka_unit_test(many_at_once_come_to_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
