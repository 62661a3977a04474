/* libragd: every call against a server that says what a daemon says, or what goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ragd/client.h>
#include <ragd/plugin.h> /* both in one program, as in a plugin that asks another daemon */

#include "tests/clients/fake.h"
#include "tests/clients/replies.h"

/* A server with these rows and a client on it. */
struct pair {
	struct fake *f;
	struct ragd_client *c;
	struct ragd_err err;
};

static struct pair pair_open(const struct fake_row *rows)
{
	struct pair p = { .f = fake_start(rows, NULL) };

	assert_int_equal(ragd_client_open(fake_socket(p.f), &p.c, &p.err), 0);
	assert_string_equal(ragd_client_socket(p.c), fake_socket(p.f));
	return p;
}

static void pair_close(struct pair *p)
{
	ragd_client_close(p->c);
	fake_stop(p->f);
}

#define assert_has(text, part) assert_non_null(strstr(text, part))

/* ---- opening ---- */

static void says_why_there_is_no_daemon(void **state)
{
	char folder[] = "/tmp/ragd-client-XXXXXX", file[64], deep[300];
	struct ragd_client *c = NULL;
	struct ragd_err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/ragd.sock", folder);
	assert_int_equal(ragd_client_open(file, &c, &err), -ENOENT);
	assert_has(err.msg, "there is none");
	fclose(fopen(file, "w"));
	assert_int_equal(ragd_client_open(file, &c, &err), -ENOTSOCK);
	assert_has(err.msg, "not a stream socket");
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(ragd_client_open(deep, &c, &err), -ENAMETOOLONG);
	assert_has(err.msg, "no ragd at");
	assert_int_equal(ragd_client_open("", &c, NULL), -ENOENT);
	assert_null(c);
	unlink(file);
	rmdir(folder);
}

static void looks_where_it_says(void **state)
{
	static const struct fake_row rows[] = { { .method = NULL } };
	struct fake *f = fake_start(rows, NULL);
	char folder[160], link_to[200];
	struct ragd_place places[4];
	struct ragd_client *c;
	struct ragd_err err;

	(void)state;
	/* What is named is used, and nothing else is looked at. */
	setenv("RAGD_SOCKET", "/nonexistent/ragd.sock", 1);
	setenv("XDG_RUNTIME_DIR", fake_folder(f), 1);
	assert_int_equal(ragd_client_places(places, 4), 1);
	assert_string_equal(places[0].from, "RAGD_SOCKET");
	assert_int_equal(ragd_client_open(NULL, &c, &err), -ENOENT);
	assert_has(err.msg, "/nonexistent/ragd.sock (there is none)");
	assert_has(err.msg, "ragd --user");
	setenv("RAGD_SOCKET", fake_socket(f), 1);
	assert_int_equal(ragd_client_open(NULL, &c, &err), 0);
	ragd_client_close(c);
	/* Else the user's own. */
	unsetenv("RAGD_SOCKET");
	assert_int_equal(ragd_client_places(places, 4), 2);
	assert_int_equal(places[0].rc, -ENOENT);
	snprintf(folder, sizeof(folder), "%s/ragd", fake_folder(f));
	snprintf(link_to, sizeof(link_to), "%s/ragd.sock", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(symlink(fake_socket(f), link_to), 0);
	assert_int_equal(ragd_client_places(places, 1), 1);
	assert_int_equal(places[0].rc, 0);
	assert_int_equal(ragd_client_open(NULL, &c, &err), 0);
	assert_string_equal(ragd_client_socket(c), link_to);
	ragd_client_close(c);
	/* One that is dead is passed over, and the sentence says so. */
	fake_stop(f);
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	if (access("/run/ragd/ragd.sock", F_OK) != 0) {
		assert_true(ragd_client_open(NULL, &c, &err) < 0);
		assert_has(err.msg, "/nonexistent/ragd/ragd.sock");
		assert_has(err.msg, "/run/ragd/ragd.sock");
	}
	unsetenv("XDG_RUNTIME_DIR");
}

static void says_that_the_daemon_went_away(void **state)
{
	static const struct fake_row rows[] = { { "GET", "/healthz", 200, NULL, "{\"status\":\"ok\"}", 0, NULL },
						{ .method = NULL } };
	struct pair p = pair_open(rows);
	char *text;

	(void)state;
	assert_int_equal(ragd_client_health(p.c, &text, &p.err), 0);
	ragd_free(text);
	fake_stop(p.f);
	assert_int_equal(ragd_client_health(p.c, &text, &p.err), -ENOENT);
	assert_has(p.err.msg, "connect to");
	assert_int_equal(ragd_client_status(p.c), 0);
	ragd_client_close(p.c);
}

/* ---- what can be refused, and what can break ---- */

static void refusals_carry_the_daemons_sentence(void **state)
{
	static const struct {
		int status;
		const char *code;
		int want;
	} cases[] = {
		{ 400, "invalid_value", -EINVAL },  { 403, "forbidden", -EACCES },
		{ 404, "unknown_model", -ENOENT },  { 405, "method_not_allowed", -EINVAL },
		{ 408, "timeout", -ETIMEDOUT },     { 409, "not_ready", -EAGAIN },
		{ 411, "length_required", -EINVAL }, { 413, "body_too_large", -EFBIG },
		{ 415, "unsupported_media_type", -EILSEQ }, { 422, "unprocessable", -EILSEQ },
		{ 429, "queue_full", -EBUSY },      { 431, "headers_too_large", -EFBIG },
		{ 500, "internal", -EREMOTEIO },    { 503, "draining", -EAGAIN },
		{ 504, "deadline", -ETIMEDOUT },    { 507, "no_space", -ENOSPC },
		{ 418, "teapot", -EINVAL },         { 599, "odd", -EREMOTEIO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[200];
		struct fake_row rows[] = { { "GET", "/v1/status", cases[i].status, NULL, body, 0, NULL },
					   { .method = NULL } };
		struct pair p = pair_open(rows);
		char *text = NULL;

		print_message("%d\n", cases[i].status);
		snprintf(body, sizeof(body), ERROR("%s", "sentence %d"), cases[i].code, cases[i].status);
		assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), cases[i].want);
		assert_int_equal(p.err.code, cases[i].want);
		assert_int_equal(strncmp(p.err.msg, "sentence ", 9), 0);
		assert_int_equal(ragd_client_status(p.c), cases[i].status);
		assert_string_equal(ragd_client_code(p.c), cases[i].code);
		assert_int_equal(strncmp(ragd_client_request_id(p.c), "req-", 4), 0);
		assert_null(text);
		pair_close(&p);
	}
}

static void replies_of_others_are_told_from_ragds(void **state)
{
	static const struct {
		const char *name;
		struct fake_row row;
		int want;
		const char *part;
	} cases[] = {
		{ "an error page",
		  { "GET", "/v1/collections", 500, "text/html", "<html>oops</html>", 0, NULL },
		  -EPROTO,
		  "status 500 without an error of ragd's in it (text/html" },
		{ "HTML in place of JSON",
		  { "GET", "/v1/collections", 200, "text/html", "<html>hi</html>", 0, NULL },
		  -EPROTO,
		  "not ragd's" },
		{ "JSON of another shape", { "GET", "/v1/collections", 200, NULL, "[1]", 0, NULL }, -EPROTO, "no object" },
		{ "half a reply",
		  { "GET", "/v1/collections", 200, NULL, "{\"data\":[]}", FAKE_TRUNCATED, NULL },
		  -ECONNRESET,
		  "broke before the reply was complete" },
		{ "no reply", { "GET", "/v1/collections", 200, NULL, "", FAKE_CLOSE, NULL }, -ECONNRESET, "broke" },
		{ "another protocol", { "GET", "/v1/collections", 200, NULL, "", FAKE_GARBAGE, NULL }, -EPROTO, "not ragd's" },
		{ "an error without a message",
		  { "GET", "/v1/collections", 400, NULL, "{\"error\":{}}", 0, NULL },
		  -EPROTO,
		  "status 400" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_row rows[] = { cases[i].row, { .method = NULL } };
		struct pair p = pair_open(rows);
		struct ragd_collections *l = NULL;

		print_message("%s\n", cases[i].name);
		assert_int_equal(ragd_client_collections(p.c, &l, &p.err), cases[i].want);
		assert_has(p.err.msg, cases[i].part);
		assert_null(l);
		/* NULL for the error is fine, too. */
		assert_int_equal(ragd_client_collections(p.c, &l, NULL), cases[i].want);
		pair_close(&p);
	}
}

static void gives_up_after_its_timeout(void **state)
{
	static const struct fake_row rows[] = { { "GET", "/v1/status", 200, NULL, "{", FAKE_HANG, NULL },
						{ .method = NULL } };
	struct pair p = pair_open(rows);
	char *text;

	(void)state;
	ragd_client_timeout(p.c, 50);
	assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), -ETIMEDOUT);
	assert_has(p.err.msg, "within 50 ms");
	fake_wait_gone(p.f);
	pair_close(&p);
}

static void uses_one_connection_again_and_again(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/status", 200, NULL, "{\"version\":\"1\"}", 0, NULL },
		{ "GET", "/v1/plugins", 404, NULL, ERROR("not_found", "none"), 0, NULL },
		{ .method = NULL },
	};
	struct pair p = pair_open(rows);
	size_t n_before;
	char *text;

	(void)state;
	assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), 0);
	ragd_free(text);
	n_before = fake_n_connections(p.f);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), 0);
		assert_string_equal(text, "{\"version\":\"1\"}");
		ragd_free(text);
		assert_int_equal(ragd_client_plugins(p.c, &text, &p.err), -ENOENT);
	}
	assert_int_equal(fake_n_connections(p.f), n_before);
	assert_int_equal(fake_n_requests(p.f), 41);
	pair_close(&p);
}

/* ---- answers ---- */

static void check_answer(const struct ragd_answer *a)
{
	const struct ragd_citation *cite = ragd_answer_citation(a, 0);
	const struct ragd_source *source = ragd_answer_source(a, 0);
	const struct ragd_flag *flag = ragd_answer_redaction(a, 0);

	assert_string_equal(ragd_answer_id(a), "ans-1");
	assert_string_equal(ragd_answer_assistant(a), "default");
	assert_string_equal(ragd_answer_text(a), "The default size is 4. [1]");
	assert_string_equal(ragd_answer_finish(a), "stop");
	assert_true(ragd_answer_grounded(a));
	assert_false(ragd_answer_abstained(a));
	assert_null(ragd_answer_blocked_by(a));
	assert_int_equal(ragd_answer_dropped_sentences(a), 2);
	assert_non_null(cite);
	assert_int_equal(cite->n, 1);
	assert_int_equal(cite->mark_start, 23);
	assert_int_equal(cite->mark_end, 26);
	assert_string_equal(cite->collection, "default");
	assert_string_equal(cite->document, "threadpool.rst");
	assert_string_equal(cite->title, "Thread pool");
	assert_string_equal(cite->heading, "Size");
	assert_int_equal(cite->start, 412);
	assert_int_equal(cite->end, 434);
	assert_string_equal(cite->quote, "Its default size is 4");
	assert_float_equal(cite->score, 0.93, 1e-9);
	assert_null(ragd_answer_citation(a, 1));
	assert_non_null(source);
	assert_string_equal(source->title, "Thread pool");
	assert_null(ragd_answer_source(a, 1));
	assert_non_null(flag);
	assert_string_equal(flag->category, "card_number");
	assert_string_equal(flag->action, "redact");
	assert_null(ragd_answer_redaction(a, 1));
}

static void asks_and_reads_the_answer(void **state)
{
	static const struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, NULL, ANSWER, 0, NULL },
						{ .method = NULL } };
	static const char *const names[] = { "notes", "default" };
	const struct ragd_turn turns[] = { { "user", "Hello \"you\"" }, { "assistant", "Hi" } };
	const struct ragd_ask ask = {
		.assistant = "helper",
		.question = "How large?\n",
		.turns = turns,
		.n_turns = 2,
		.collections = names,
		.n_collections = 2,
		.k = 7,
		.options = "{\"temperature\":0,\"seed\":3,\"model\":\"overwritten\"}",
	};
	struct pair p = pair_open(rows);
	struct ragd_answer *a;

	(void)state;
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, &a, &p.err), 0);
	check_answer(a);
	assert_string_equal(ragd_answer_json(a), ANSWER);
	ragd_answer_free(a);
	ragd_answer_free(NULL);
	assert_string_equal(fake_request(p.f, 0)->body,
			    "{\"temperature\":0,\"seed\":3,\"model\":\"helper\",\"messages\":["
			    "{\"role\":\"user\",\"content\":\"Hello \\\"you\\\"\"},"
			    "{\"role\":\"assistant\",\"content\":\"Hi\"},"
			    "{\"role\":\"user\",\"content\":\"How large?\\n\"}],"
			    "\"collections\":[\"notes\",\"default\"],\"k\":7,\"stream\":false}");
	assert_has(fake_request(p.f, 0)->headers, "Content-Type: application/json\r\n");
	pair_close(&p);
}

static void blocked_and_abstaining_answers_are_normal_ones(void **state)
{
	static const struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, NULL, BLOCKED, 0, NULL },
						{ .method = NULL } };
	static const struct fake_row other[] = { { "POST", "/v1/chat/completions", 200, NULL, ABSTAINED, 0, NULL },
						 { .method = NULL } };
	const struct ragd_ask ask = { .question = "?" };
	struct pair p = pair_open(rows);
	struct ragd_answer *a;

	(void)state;
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, &a, &p.err), 0);
	assert_string_equal(ragd_answer_finish(a), "content_filter");
	assert_string_equal(ragd_answer_blocked_by(a)->category, "injection");
	assert_string_equal(ragd_answer_blocked_by(a)->rule, "ignore-previous");
	ragd_answer_free(a);
	pair_close(&p);
	p = pair_open(other);
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, &a, &p.err), 0);
	assert_true(ragd_answer_abstained(a));
	assert_null(ragd_answer_citation(a, 0));
	ragd_answer_free(a);
	pair_close(&p);
}

static void refuses_what_cannot_be_sent(void **state)
{
	static const struct fake_row rows[] = { { .method = NULL } };
	struct ragd_ask ask = { .question = "caf\xe9" };
	struct pair p = pair_open(rows);
	struct ragd_new_document doc = { .id = "", .data = "x", .len = 1 };
	struct ragd_added *added;
	struct ragd_answer *a;

	(void)state;
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, &a, &p.err), -EINVAL);
	assert_has(p.err.msg, "not UTF-8 at byte 3");
	ask.question = "fine";
	ask.options = "{";
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, &a, &p.err), -EINVAL);
	assert_has(p.err.msg, "options:");
	ask.options = "[]";
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, &a, &p.err), -EINVAL);
	assert_int_equal(ragd_client_ask(p.c, &ask, NULL, NULL, &p.err), -EINVAL);
	assert_int_equal(ragd_client_add(p.c, "default", &doc, 1, &added, &p.err), -EINVAL);
	assert_has(p.err.msg, "without an id");
	doc.id = "\xff";
	assert_int_equal(ragd_client_put(p.c, "default", &doc, &added, &p.err), -EINVAL);
	assert_int_equal(ragd_client_request(p.c, "GET", "v1", NULL, NULL, 0, NULL, NULL, &p.err), -EINVAL);
	assert_int_equal(fake_n_requests(p.f), 0);
	pair_close(&p);
}

/* ---- streams ---- */

/* What the callbacks were told. */
struct told {
	char text[256];
	char order[16]; /* c, t, d: citation, text, done */
	int stop_at;    /* the callback that says stop, counted from 1 */
	int n;
	struct ragd_client *cancel;
};

static int tell(struct told *t, char what)
{
	size_t len = strlen(t->order);

	if (len + 1 < sizeof(t->order))
		t->order[len] = what;
	if (t->cancel != NULL)
		ragd_client_cancel(t->cancel);
	return ++t->n == t->stop_at;
}

static int on_text(void *arg, const char *text, size_t len)
{
	struct told *t = arg;

	assert_int_equal(strlen(text), len);
	strcat(t->text, text);
	return tell(t, 't');
}

static int on_citation(void *arg, const struct ragd_citation *c)
{
	assert_string_equal(c->quote, "Its default size is 4");
	return tell(arg, 'c');
}

static int on_done(void *arg, const struct ragd_answer *a)
{
	assert_string_equal(ragd_answer_id(a), "ans-1");
	return tell(arg, 'd');
}

static struct ragd_events events_of(struct told *t)
{
	return (struct ragd_events){ on_citation, on_text, on_done, t };
}

static void streams_however_it_is_cut(void **state)
{
	static const enum fake_fault ways[] = { FAKE_FINE, FAKE_PIECES };
	const struct ragd_ask ask = { .question = "?" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fake_row rows[] = {
			{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM, ways[i], NULL },
			{ .method = NULL },
		};
		struct pair p = pair_open(rows);
		struct told t = { .n = 0 };
		struct ragd_events ev = events_of(&t);
		struct ragd_answer *a;

		assert_int_equal(ragd_client_ask(p.c, &ask, &ev, &a, &p.err), 0);
		assert_string_equal(t.text, "The default size is 4. [1]");
		assert_string_equal(t.order, "tctd");
		check_answer(a);
		assert_has(ragd_answer_json(a), "\"total_tokens\":16");
		assert_has(ragd_answer_json(a), "\"object\":\"chat.completion\"");
		ragd_answer_free(a);
		/* The answer need not be kept. */
		assert_int_equal(ragd_client_ask(p.c, &ask, &ev, NULL, &p.err), 0);
		assert_has(fake_request(p.f, 0)->body, "\"stream\":true");
		pair_close(&p);
	}
}

static void streams_can_end_badly(void **state)
{
	static const struct {
		const char *name, *body;
		enum fake_fault fault;
		int want;
		const char *part;
	} cases[] = {
		{ "cut in the middle of bytes", STREAM, FAKE_TRUNCATED, -ECONNRESET, "broke" },
		{ "ended without its end", STREAM_BEGIN, FAKE_PIECES, -ECONNRESET, "broke off before its end" },
		{ "no event at all", "", FAKE_FINE, -EPROTO, "no event" },
		{ "an event that is no JSON", "data: hello\n\n", FAKE_FINE, -EPROTO, "no JSON object" },
		{ "an error after the first byte",
		  STREAM_BEGIN "data: " ERROR("deadline", "The answer took longer than 30 s.") "\n\n", FAKE_FINE,
		  -ETIMEDOUT, "longer than 30 s" },
		{ "another error",
		  STREAM_BEGIN "data: " ERROR("internal", "The model failed.") "\n\n", FAKE_FINE, -EREMOTEIO,
		  "The model failed." },
		{ "draining", STREAM_BEGIN "data: " ERROR("draining", "Bye.") "\n\n", FAKE_FINE, -EAGAIN, "Bye." },
	};
	const struct ragd_ask ask = { .question = "?" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, "text/event-stream",
					     cases[i].body, cases[i].fault, NULL },
					   { .method = NULL } };
		struct pair p = pair_open(rows);
		struct told t = { .n = 0 };
		struct ragd_events ev = events_of(&t);
		struct ragd_answer *a = NULL;

		print_message("%s\n", cases[i].name);
		assert_int_equal(ragd_client_ask(p.c, &ask, &ev, &a, &p.err), cases[i].want);
		assert_has(p.err.msg, cases[i].part);
		assert_null(strchr(t.order, 'd'));
		assert_null(a);
		pair_close(&p);
	}
}

static void a_refusal_alone_is_the_text(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream",
		  CHUNK("{\"index\":0,\"delta\":{\"refusal\":\"No.\"},\"finish_reason\":\"content_filter\"}", "")
		  "data: [DONE]\r\n\r\n",
		  0, NULL },
		{ .method = NULL },
	};
	const struct ragd_ask ask = { .question = "?" };
	struct pair p = pair_open(rows);
	struct told t = { .n = 0 };
	struct ragd_events ev = events_of(&t);
	struct ragd_answer *a;

	(void)state;
	assert_int_equal(ragd_client_ask(p.c, &ask, &ev, &a, &p.err), 0);
	assert_string_equal(t.text, "No.");
	assert_string_equal(ragd_answer_text(a), "No.");
	assert_string_equal(ragd_answer_finish(a), "content_filter");
	ragd_answer_free(a);
	pair_close(&p);
}

static void a_callback_ends_the_work(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_HANG, NULL },
		{ .method = NULL },
	};
	const struct ragd_ask ask = { .question = "?" };

	(void)state;
	for (int at = 1; at <= 3; at++) { /* text, citation, text */
		struct pair p = pair_open(rows);
		struct told t = { .stop_at = at };
		struct ragd_events ev = events_of(&t);

		assert_int_equal(ragd_client_ask(p.c, &ask, &ev, NULL, &p.err), -ECANCELED);
		assert_int_equal(t.n, at);
		fake_wait_gone(p.f); /* the server saw it */
		pair_close(&p);
	}
}

static void *cancel_once_asked(void *arg)
{
	struct pair *p = arg;

	fake_wait_requests(p->f, 1);
	ragd_client_cancel(p->c);
	return NULL;
}

static void is_cancelled_from_elsewhere(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_HANG, NULL },
		{ "GET", "/v1/status", 200, NULL, "{}", 0, NULL },
		{ .method = NULL },
	};
	const struct ragd_ask ask = { .question = "?" };
	struct pair p = pair_open(rows);
	struct told t = { .n = 0 };
	struct ragd_events ev = events_of(&t);
	pthread_t thread;
	char *text;

	(void)state;
	pthread_create(&thread, NULL, cancel_once_asked, &p);
	assert_int_equal(ragd_client_ask(p.c, &ask, &ev, NULL, &p.err), -ECANCELED);
	pthread_join(thread, NULL);
	fake_wait_gone(p.f);
	/* The handle goes on to work; cancelled while idle it refuses the next call, and that one only. */
	assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), 0);
	ragd_free(text);
	ragd_client_cancel(p.c);
	ragd_client_cancel(p.c);
	assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), -ECANCELED);
	assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), 0);
	ragd_free(text);
	pair_close(&p);
}

static void is_cancelled_from_a_callback(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_HANG, NULL },
		{ .method = NULL },
	};
	const struct ragd_ask ask = { .question = "?" };
	struct pair p = pair_open(rows);
	struct told t = { .cancel = p.c };
	struct ragd_events ev = events_of(&t);

	(void)state;
	assert_int_equal(ragd_client_ask(p.c, &ask, &ev, NULL, &p.err), -ECANCELED);
	pair_close(&p);
}

/* ---- the other endpoints ---- */

static void searches(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/search", 200, NULL,
		  "{\"object\":\"list\",\"data\":[{\"collection\":\"default\",\"document\":\"a.md\",\"title\":\"A\","
		  "\"heading\":\"H\",\"text\":\"nul \\u0000 byte\",\"start\":3,\"end\":9,\"score\":0.5,"
		  "\"lexical\":0.25,\"vector\":1}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const char *const tags[] = { "x" };
	const struct ragd_search search = { .query = "words", .tags = tags, .n_tags = 1, .per_document = true };
	struct pair p = pair_open(rows);
	const struct ragd_hit_row *hit;
	struct ragd_hits *hits;

	(void)state;
	assert_int_equal(ragd_client_search(p.c, &search, &hits, &p.err), 0);
	hit = ragd_hits_at(hits, 0);
	assert_string_equal(hit->document, "a.md");
	assert_int_equal(hit->end, 9);
	assert_float_equal(hit->vector, 1, 1e-9); /* an integer in JSON */
	assert_null(ragd_hits_at(hits, 1));
	assert_has(ragd_hits_json(hits), "\"score\":0.5");
	ragd_hits_free(hits);
	ragd_hits_free(NULL);
	assert_string_equal(fake_request(p.f, 0)->body,
			    "{\"query\":\"words\",\"k\":10,\"tags\":[\"x\"],\"per_document\":true}");
	pair_close(&p);
}

static void lists_and_changes_collections(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections", 200, NULL,
		  "{\"data\":[{\"name\":\"a b\",\"owner\":\"root\",\"group\":\"7\",\"mode\":\"0640\","
		  "\"documents\":3,\"passages\":9,\"bytes\":12345678901,\"updated\":1760000000}]}",
		  0, NULL },
		{ "PUT", "/v1/collections/new", 201, NULL, "{\"name\":\"new\"}", 0, NULL },
		{ "PUT", "/v1/collections/old%2Fer", 200, NULL, "{\"name\":\"old\"}", 0, NULL },
		{ "GET", "/v1/collections/new", 200, NULL, "{\"name\":\"new\",\"mode\":\"0600\"}", 0, NULL },
		{ "DELETE", "/v1/collections/new", 200, NULL, "", 0, NULL },
		{ .method = NULL },
	};
	struct pair p = pair_open(rows);
	struct ragd_collections *l;

	(void)state;
	assert_int_equal(ragd_client_collections(p.c, &l, &p.err), 0);
	assert_string_equal(ragd_collections_at(l, 0)->name, "a b");
	assert_true(ragd_collections_at(l, 0)->bytes == 12345678901u);
	assert_null(ragd_collections_at(l, 1));
	ragd_collections_free(l);
	assert_int_equal(ragd_client_collection_set(p.c, "new", NULL, "staff", "0640", &p.err), 1);
	assert_string_equal(fake_request(p.f, 1)->body, "{\"group\":\"staff\",\"mode\":\"0640\"}");
	assert_int_equal(ragd_client_collection_set(p.c, "old/er", "me", NULL, NULL, &p.err), 0);
	assert_int_equal(ragd_client_collection(p.c, "new", &l, &p.err), 0);
	assert_string_equal(ragd_collections_at(l, 0)->mode, "0600");
	assert_null(ragd_collections_at(l, 1));
	ragd_collections_free(l);
	assert_int_equal(ragd_client_collection_remove(p.c, "new", &p.err), 0);
	assert_int_equal(ragd_client_collection_remove(p.c, "other", &p.err), -ENOENT);
	pair_close(&p);
}

static int gather(void *arg, const void *data, size_t len)
{
	strncat(arg, data, len);
	return 0;
}

static int gather_none(void *arg, const void *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return 1;
}

static void lists_shows_and_removes_documents(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections/c%20d/documents?limit=100&after=a%26b*", 200, NULL,
		  "{\"object\":\"list\",\"data\":[],\"next\":null}", 0, NULL },
		{ "GET", "/v1/collections/c%20d/documents", 200, NULL,
		  "{\"object\":\"list\",\"data\":[{\"id\":\"a&b\",\"title\":\"T\",\"media_type\":\"text/plain\","
		  "\"digest\":\"00\",\"bytes\":5,\"passages\":1,\"updated\":9}],\"next\":\"a&b\"}",
		  0, NULL },
		{ "GET", "/v1/collections/c/documents/dir%2F%C3%A4.md", 200, NULL, "{\"id\":\"dir/ä.md\"}", 0, NULL },
		{ "GET", "/v1/collections/c/documents/x/content", 200, "text/plain", "the bytes", FAKE_PIECES, NULL },
		{ "DELETE", "/v1/collections/c/documents/x", 200, NULL, "{}", 0, NULL },
		{ .method = NULL },
	};
	struct pair p = pair_open(rows);
	struct ragd_documents *l;
	char text[64] = "";

	(void)state;
	assert_int_equal(ragd_client_documents(p.c, "c d", NULL, 0, &l, &p.err), 0);
	assert_string_equal(ragd_documents_at(l, 0)->digest, "00");
	assert_string_equal(ragd_documents_next(l), "a&b");
	ragd_documents_free(l);
	assert_int_equal(ragd_client_documents(p.c, "c d", "a&b", 0, &l, &p.err), 0);
	assert_null(ragd_documents_at(l, 0));
	assert_null(ragd_documents_next(l));
	ragd_documents_free(l);
	assert_int_equal(ragd_client_document(p.c, "c", "dir/ä.md", &l, &p.err), 0);
	assert_string_equal(ragd_documents_at(l, 0)->id, "dir/ä.md");
	assert_null(ragd_documents_at(l, 1));
	ragd_documents_free(l);
	assert_int_equal(ragd_client_content(p.c, "c", "x", gather, text, &p.err), 0);
	assert_string_equal(text, "the bytes");
	assert_int_equal(ragd_client_content(p.c, "c", "x", gather_none, NULL, &p.err), -ECANCELED);
	assert_int_equal(ragd_client_document_remove(p.c, "c", "x", &p.err), 0);
	assert_int_equal(ragd_client_document_remove(p.c, "c", "y", &p.err), -ENOENT);
	pair_close(&p);
}

static void adds_documents_as_lines(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/collections/c/documents", 200, NULL,
		  "{\"added\":1,\"updated\":0,\"unchanged\":0,\"failed\":1,\"results\":["
		  "{\"id\":\"a\",\"status\":\"added\",\"passages\":2,\"error\":null},"
		  "{\"id\":\"b\",\"status\":\"failed\",\"passages\":0,\"error\":{\"code\":\"unprocessable\","
		  "\"message\":\"It is not text.\"}}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const char *const tags[] = { "x", "y\"z" };
	const struct ragd_new_document docs[] = {
		{ .id = "a", .title = "T", .tags = tags, .n_tags = 2, .data = "one\n\"two\"\t\\\x01ü", .len = 14 },
		{ .id = "b", .media_type = "text/plain", .data = "\xff\x00\x01", .len = 3 },
	};
	struct pair p = pair_open(rows);
	struct ragd_added *added;

	(void)state;
	assert_int_equal(ragd_client_add(p.c, "c", docs, 2, &added, &p.err), 0);
	assert_string_equal(ragd_added_at(added, 0)->status, "added");
	assert_int_equal(ragd_added_at(added, 0)->passages, 2);
	assert_string_equal(ragd_added_at(added, 1)->code, "unprocessable");
	assert_string_equal(ragd_added_at(added, 1)->error, "It is not text.");
	assert_null(ragd_added_at(added, 2));
	ragd_added_free(added);
	assert_string_equal(fake_request(p.f, 0)->body,
			    "{\"id\":\"a\",\"title\":\"T\",\"tags\":[\"x\",\"y\\\"z\"],"
			    "\"text\":\"one\\n\\\"two\\\"\\u0009\\\\\\u0001ü\"}\n"
			    "{\"id\":\"b\",\"media_type\":\"text/plain\",\"content_base64\":\"/wAB\"}\n");
	assert_has(fake_request(p.f, 0)->headers, "Content-Type: application/x-ndjson\r\n");
	/* A reply that does not account for every document is none. */
	assert_int_equal(ragd_client_add(p.c, "c", docs, 1, &added, &p.err), -EPROTO);
	assert_int_equal(ragd_client_add(p.c, "c", docs, 10001, &added, &p.err), -EINVAL);
	pair_close(&p);
}

static void puts_a_document_as_it_is(void **state)
{
	static const struct fake_row rows[] = {
		{ "PUT", "/v1/collections/c/documents/big.md?title=A%20B*", 201, NULL,
		  "{\"id\":\"big.md\",\"status\":\"added\",\"passages\":3}", 0, NULL },
		{ "PUT", "/v1/collections/c/documents/empty", 200, NULL,
		  "{\"id\":\"empty\",\"status\":\"unchanged\",\"passages\":0}", 0, NULL },
		{ .method = NULL },
	};
	struct ragd_new_document doc = { .id = "big.md", .title = "A B", .media_type = "text/markdown" };
	size_t len = 3 << 20;
	char *data = malloc(len);
	struct pair p = pair_open(rows);
	struct ragd_added *added;

	(void)state;
	memset(data, 'x', len);
	doc.data = data;
	doc.len = len;
	assert_int_equal(ragd_client_put(p.c, "c", &doc, &added, &p.err), 0);
	assert_string_equal(ragd_added_at(added, 0)->status, "added");
	assert_null(ragd_added_at(added, 1));
	ragd_added_free(added);
	assert_int_equal(fake_request(p.f, 0)->len, len);
	assert_has(fake_request(p.f, 0)->headers, "Content-Type: text/markdown\r\n");
	doc = (struct ragd_new_document){ .id = "empty" };
	assert_int_equal(ragd_client_put(p.c, "c", &doc, &added, &p.err), 0);
	ragd_added_free(added);
	assert_has(fake_request(p.f, 1)->headers, "Content-Type: application/octet-stream\r\n");
	assert_has(fake_request(p.f, 1)->headers, "Content-Length: 0\r\n");
	free(data);
	pair_close(&p);
}

static void encodes_base64_of_every_length(void **state)
{
	static const char *const want[] = { "", "/w==", "//8=", "////", "/////w==" };
	static const struct fake_row rows[] = { { "POST", "/v1/collections/c/documents", 200, NULL, "{}", 0, NULL },
						{ .method = NULL } };
	struct pair p = pair_open(rows);

	(void)state;
	for (size_t i = 1; i < 5; i++) {
		const struct ragd_new_document doc = { .id = "x", .data = "\xff\xff\xff\xff", .len = i };
		struct ragd_added *added;
		char body[80];

		assert_int_equal(ragd_client_add(p.c, "c", &doc, 1, &added, &p.err), -EPROTO);
		snprintf(body, sizeof(body), "{\"id\":\"x\",\"content_base64\":\"%s\"}\n", want[i]);
		assert_string_equal(fake_request(p.f, i - 1)->body, body);
	}
	pair_close(&p);
}

static void moderates(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/moderations", 200, NULL,
		  "{\"results\":[{\"flagged\":true,\"categories\":{\"pii\":true,\"violence\":false},"
		  "\"category_scores\":{\"pii\":0.9,\"violence\":0.1},\"ragd\":{\"action\":\"redact\",\"score\":0.9,"
		  "\"rules\":[\"card\",\"iban\"],\"text\":\"pay [card]\",\"note\":null}},"
		  "{\"flagged\":false,\"categories\":{},\"category_scores\":{},\"ragd\":{\"action\":\"allow\","
		  "\"score\":0,\"rules\":[],\"text\":\"hi\",\"note\":\"n\"}}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const char *const texts[] = { "pay 4111…", "hi" };
	const struct ragd_moderate m = { .texts = texts, .n_texts = 2, .policy = "strict", .stage = "response" };
	const struct ragd_moderate one = { .texts = texts, .n_texts = 1 };
	struct pair p = pair_open(rows);
	struct ragd_verdicts *v;

	(void)state;
	assert_int_equal(ragd_client_moderate(p.c, &m, &v, &p.err), 0);
	assert_true(ragd_verdicts_at(v, 0)->flagged);
	assert_string_equal(ragd_verdicts_at(v, 0)->action, "redact");
	assert_string_equal(ragd_verdicts_at(v, 0)->text, "pay [card]");
	assert_string_equal(ragd_verdicts_at(v, 1)->note, "n");
	assert_null(ragd_verdicts_at(v, 2));
	assert_string_equal(ragd_verdicts_category(v, 0, 0)->name, "pii");
	assert_true(ragd_verdicts_category(v, 0, 0)->flagged);
	assert_float_equal(ragd_verdicts_category(v, 0, 1)->score, 0.1, 1e-9);
	assert_null(ragd_verdicts_category(v, 0, 2));
	assert_null(ragd_verdicts_category(v, 1, 0));
	assert_string_equal(ragd_verdicts_rule(v, 0, 1), "iban");
	assert_null(ragd_verdicts_rule(v, 0, 2));
	assert_null(ragd_verdicts_rule(v, 2, 0));
	ragd_verdicts_free(v);
	assert_string_equal(fake_request(p.f, 0)->body,
			    "{\"input\":[\"pay 4111…\",\"hi\"],\"model\":\"strict\",\"stage\":\"response\"}");
	assert_int_equal(ragd_client_moderate(p.c, &one, &v, &p.err), -EPROTO);
	pair_close(&p);
}

static void embeds(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/embeddings", 200, NULL,
		  "{\"data\":[{\"index\":0,\"embedding\":[0.5,-1]},{\"index\":1,\"embedding\":[2,0.25]}]}", 0, NULL },
		{ .method = NULL },
	};
	static const struct fake_row odd[] = {
		{ "POST", "/v1/embeddings", 200, NULL,
		  "{\"data\":[{\"embedding\":[0.5,-1]},{\"embedding\":[2]}]}", 0, NULL },
		{ .method = NULL },
	};
	static const char *const texts[] = { "a", "b" };
	struct pair p = pair_open(rows);
	struct ragd_vectors *v;

	(void)state;
	assert_int_equal(ragd_client_embed(p.c, NULL, texts, 2, &v, &p.err), 0);
	assert_int_equal(ragd_vectors_dim(v), 2);
	assert_float_equal(ragd_vectors_at(v, 1)[1], 0.25, 1e-9);
	assert_null(ragd_vectors_at(v, 2));
	ragd_vectors_free(v);
	assert_int_equal(ragd_client_embed(p.c, NULL, texts, 1, &v, &p.err), -EPROTO);
	pair_close(&p);
	p = pair_open(odd);
	assert_int_equal(ragd_client_embed(p.c, "x", texts, 2, &v, &p.err), -EPROTO);
	pair_close(&p);
}

static void rates_and_administers(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/feedback", 201, NULL, "{\"id\":\"fb-1\",\"answer_id\":\"ans-1\"}", 0, NULL },
		{ "GET", "/v1/feedback/export", 200, "application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n", FAKE_PIECES, NULL },
		{ "POST", "/v1/admin/reload", 200, NULL, "{\"generation\":2}", 0, NULL },
		{ "GET", "/metrics", 200, "text/plain", "ragd_up 1\n", 0, NULL },
		{ "GET", "/v1/system-card", 200, NULL, "{\"ai\":true}", 0, NULL },
		{ "GET", "/v1/models", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/any?x=1*", 200, NULL, "any", 0, NULL },
		{ .method = NULL },
	};
	const struct ragd_feedback f = { .answer_id = "ans-1", .rating = "down", .reason = "wrong", .better = "5" };
	struct pair p = pair_open(rows);
	char text[64] = "", *got;
	size_t len;

	(void)state;
	assert_int_equal(ragd_client_feedback(p.c, &f, &got, &p.err), 0);
	assert_string_equal(got, "fb-1");
	ragd_free(got);
	assert_int_equal(ragd_client_feedback(p.c, &f, NULL, &p.err), 0);
	assert_string_equal(fake_request(p.f, 0)->body, "{\"answer_id\":\"ans-1\",\"rating\":\"down\","
							"\"reason\":\"wrong\",\"better\":\"5\"}");
	assert_int_equal(ragd_client_feedback_export(p.c, gather, text, &p.err), 0);
	assert_string_equal(text, "{\"a\":1}\n{\"a\":2}\n");
	assert_int_equal(ragd_client_reload(p.c, &got, &p.err), 0);
	assert_string_equal(got, "{\"generation\":2}");
	ragd_free(got);
	assert_int_equal(ragd_client_reload(p.c, NULL, &p.err), 0);
	assert_int_equal(ragd_client_metrics(p.c, &got, &p.err), 0);
	assert_string_equal(got, "ragd_up 1\n");
	ragd_free(got);
	assert_int_equal(ragd_client_system_card(p.c, &got, &p.err), 0);
	ragd_free(got);
	assert_int_equal(ragd_client_assistants(p.c, &got, &p.err), 0);
	ragd_free(got);
	assert_int_equal(ragd_client_request(p.c, "GET", "/v1/any?x=1", NULL, NULL, 0, &got, &len, &p.err), 0);
	assert_string_equal(got, "any");
	assert_int_equal(len, 3);
	ragd_free(got);
	pair_close(&p);
}

static void knows_its_digest(void **state)
{
	char hex[RAGD_DIGEST_HEX + 1];

	(void)state;
	ragd_digest("abc", 3, hex); /* FIPS 180-4, appendix */
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ragd_digest("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_why_there_is_no_daemon),
		cmocka_unit_test(looks_where_it_says),
		cmocka_unit_test(says_that_the_daemon_went_away),
		cmocka_unit_test(refusals_carry_the_daemons_sentence),
		cmocka_unit_test(replies_of_others_are_told_from_ragds),
		cmocka_unit_test(gives_up_after_its_timeout),
		cmocka_unit_test(uses_one_connection_again_and_again),
		cmocka_unit_test(asks_and_reads_the_answer),
		cmocka_unit_test(blocked_and_abstaining_answers_are_normal_ones),
		cmocka_unit_test(refuses_what_cannot_be_sent),
		cmocka_unit_test(streams_however_it_is_cut),
		cmocka_unit_test(streams_can_end_badly),
		cmocka_unit_test(a_refusal_alone_is_the_text),
		cmocka_unit_test(a_callback_ends_the_work),
		cmocka_unit_test(is_cancelled_from_elsewhere),
		cmocka_unit_test(is_cancelled_from_a_callback),
		cmocka_unit_test(searches),
		cmocka_unit_test(lists_and_changes_collections),
		cmocka_unit_test(lists_shows_and_removes_documents),
		cmocka_unit_test(adds_documents_as_lines),
		cmocka_unit_test(puts_a_document_as_it_is),
		cmocka_unit_test(encodes_base64_of_every_length),
		cmocka_unit_test(moderates),
		cmocka_unit_test(embeds),
		cmocka_unit_test(rates_and_administers),
		cmocka_unit_test(knows_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
