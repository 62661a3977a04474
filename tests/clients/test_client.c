/* libragd: finding a daemon, answers and streams, and what goes wrong. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ragd/plugin.h> /* both in one program, as in a plugin that asks another daemon */

#include "tests/clients/pair.h"
#include "tests/test.h"

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
	struct fake *f = fake_start(rows);
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

/* As another user of the machine, whose folder in /tmp is nobody's yet. */
static int look_in_tmp(uid_t uid, char *dir, size_t size)
{
	struct ragd_place places[4];

	unsetenv("RAGD_SOCKET");
	setenv("XDG_RUNTIME_DIR", "relative", 1); /* as good as none */
	assert_int_equal(ragd_client_places(places, 4), 2);
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(ragd_client_places(places, 4), 2);
	snprintf(dir, size, "/tmp/ragd-%u", (unsigned)uid);
	assert_has(places[0].path, dir);
	assert_string_equal(places[0].from, "no XDG_RUNTIME_DIR");
	return places[0].rc;
}

static void without_a_runtime_dir_it_looks_in_tmp(void **state)
{
	const uid_t uid = geteuid() == 0 ? 61000 + (uid_t)getpid() % 4000 : geteuid(),
		    was = geteuid();
	struct ragd_client *c;
	struct ragd_err err;
	char dir[64];

	(void)state;
	assert_int_equal(seteuid(uid), 0);
	snprintf(dir, sizeof(dir), "/tmp/ragd-%u", (unsigned)uid);
	if (access(dir, F_OK) == 0) { /* this user's, in use */
		assert_int_equal(seteuid(was), 0);
		skip();
	}
	assert_int_equal(look_in_tmp(uid, dir, sizeof(dir)), -ENOENT);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(look_in_tmp(uid, dir, sizeof(dir)), -ENOENT);
	/* A folder that others may write to is not trusted, whatever is in it. */
	assert_int_equal(chmod(dir, 0770), 0);
	assert_int_equal(look_in_tmp(uid, dir, sizeof(dir)), -EPERM);
	assert_true(ragd_client_open(NULL, &c, &err) < 0 ||
		    access("/run/ragd/ragd.sock", F_OK) == 0);
	if (access("/run/ragd/ragd.sock", F_OK) != 0)
		assert_has(err.msg, "others may write to that folder");
	assert_int_equal(rmdir(dir), 0);
	/* Nor is a link, or another user's. */
	assert_int_equal(symlink("/var/tmp", dir), 0);
	assert_int_equal(look_in_tmp(uid, dir, sizeof(dir)), -EPERM);
	assert_int_equal(unlink(dir), 0);
	assert_int_equal(seteuid(was), 0);
	if (was == 0) {
		assert_int_equal(mkdir(dir, 0700), 0);
		assert_int_equal(seteuid(uid), 0);
		assert_int_equal(look_in_tmp(uid, dir, sizeof(dir)), -EPERM);
		assert_int_equal(seteuid(was), 0);
		assert_int_equal(rmdir(dir), 0);
	}
}

static void says_that_the_daemon_went_away(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/healthz", 200, NULL, "{\"status\":\"ok\"}", 0, NULL }, { .method = NULL }
	};
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
		{ 400, "invalid_value", -EINVAL },
		{ 403, "forbidden", -EACCES },
		{ 404, "unknown_model", -ENOENT },
		{ 405, "method_not_allowed", -EINVAL },
		{ 408, "timeout", -ETIMEDOUT },
		{ 409, "not_ready", -EAGAIN },
		{ 411, "length_required", -EINVAL },
		{ 413, "body_too_large", -EFBIG },
		{ 415, "unsupported_media_type", -EILSEQ },
		{ 422, "unprocessable", -EILSEQ },
		{ 429, "queue_full", -EBUSY },
		{ 431, "headers_too_large", -EFBIG },
		{ 500, "internal", -EREMOTEIO },
		{ 503, "draining", -EAGAIN },
		{ 504, "deadline", -ETIMEDOUT },
		{ 507, "no_space", -ENOSPC },
		{ 418, "teapot", -EINVAL },
		{ 599, "odd", -EREMOTEIO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[200];
		struct fake_row rows[] = { { "GET", "/v1/status", cases[i].status, NULL, body, 0,
					     NULL },
					   { .method = NULL } };
		struct pair p = pair_open(rows);
		char *text = NULL;

		print_message("%d\n", cases[i].status);
		snprintf(body, sizeof(body), ERROR("%s", "sentence %d"), cases[i].code,
			 cases[i].status);
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
		  "status 500 without an error from ragd (text/html" },
		{ "HTML in place of JSON",
		  { "GET", "/v1/collections", 200, "text/html", "<html>hi</html>", 0, NULL },
		  -EPROTO,
		  "not ragd's" },
		{ "JSON of another shape",
		  { "GET", "/v1/collections", 200, NULL, "[1]", 0, NULL },
		  -EPROTO,
		  "not an object" },
		{ "half a reply",
		  { "GET", "/v1/collections", 200, NULL, "{\"data\":[]}", FAKE_TRUNCATED, NULL },
		  -ECONNRESET,
		  "broke before the reply was complete" },
		{ "no reply",
		  { "GET", "/v1/collections", 200, NULL, "", FAKE_CLOSE, NULL },
		  -ECONNRESET,
		  "broke" },
		{ "another protocol",
		  { "GET", "/v1/collections", 200, NULL, "", FAKE_GARBAGE, NULL },
		  -EPROTO,
		  "not ragd's" },
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
	static const struct fake_row rows[] = {
		{ "GET", "/v1/status", 200, NULL, "{", FAKE_HANG, NULL }, { .method = NULL }
	};
	struct pair p = pair_open(rows);
	char *text, within[32];

	(void)state;
	/* Where the time is over before the request has left, once more with twice as much. */
	for (int ms = 50; fake_n_requests(p.f) == 0; ms *= 2) {
		ragd_client_timeout(p.c, ms);
		assert_int_equal(ragd_client_daemon(p.c, &text, &p.err), -ETIMEDOUT);
		snprintf(within, sizeof(within), "within %d ms", ms);
		assert_has(p.err.msg, within);
	}
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
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, NULL, ANSWER, 0, NULL }, { .method = NULL }
	};
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
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, NULL, BLOCKED, 0, NULL }, { .method = NULL }
	};
	static const struct fake_row other[] = { { "POST", "/v1/chat/completions", 200, NULL,
						   ABSTAINED, 0, NULL },
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
	assert_int_equal(ragd_client_request(p.c, "GET", "v1", NULL, NULL, 0, NULL, NULL, &p.err),
			 -EINVAL);
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
			{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM, ways[i],
			  NULL },
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
		{ "ended without its end", STREAM_BEGIN, FAKE_PIECES, -ECONNRESET,
		  "broke off before its end" },
		{ "no event at all", "", FAKE_FINE, -EPROTO, "no event" },
		{ "an event that is no JSON", "data: hello\n\n", FAKE_FINE, -EPROTO,
		  "not a JSON object" },
		{ "an error after the first byte",
		  STREAM_BEGIN
		  "data: " ERROR("deadline", "The answer took longer than 30 s.") "\n\n",
		  FAKE_FINE, -ETIMEDOUT, "longer than 30 s" },
		{ "another error",
		  STREAM_BEGIN "data: " ERROR("internal", "The model failed.") "\n\n", FAKE_FINE,
		  -EREMOTEIO, "The model failed." },
		{ "draining", STREAM_BEGIN "data: " ERROR("draining", "Bye.") "\n\n", FAKE_FINE,
		  -EAGAIN, "Bye." },
	};
	const struct ragd_ask ask = { .question = "?" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200,
					     "text/event-stream", cases[i].body, cases[i].fault,
					     NULL },
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
		  CHUNK("{\"index\":0,\"delta\":{\"refusal\":\"No.\"},\"finish_reason\":\"content_"
			"filter\"}",
			"") "data: [DONE]\r\n\r\n",
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
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_HANG,
		  NULL },
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
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_HANG,
		  NULL },
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
	/*
	 * The handle goes on to work; cancelled while idle it refuses the next call, and that one
	 * only.
	 */
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
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_HANG,
		  NULL },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_why_there_is_no_daemon),
		cmocka_unit_test(looks_where_it_says),
		cmocka_unit_test(without_a_runtime_dir_it_looks_in_tmp),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
