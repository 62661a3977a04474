/* The commands of rag as one types them, against a server that says what a daemon says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ragd/client.h>

#include "tests/clients/fake.h"
#include "tests/clients/replies.h"

#define assert_has(text, part)  assert_non_null(strstr(text, part))
#define assert_hasnt(text, part) assert_null(strstr(text, part))

/* One run of rag: what it wrote, how it ended. */
struct ran {
	char *out, *err;
	int status;
};

/* The server of the test that runs, for replies that look at what else came. */
static struct fake *server;

static char *slurp(FILE *f)
{
	char *text = NULL;
	size_t size = 0;

	rewind(f);
	if (getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

static struct ran run_in(const char *folder, const char *input, const char *const *args)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	const char *build = getenv("RAGD_BUILDDIR");
	struct ran r;
	char named[2048], path[4096];
	int status;
	pid_t pid;

	fputs(input != NULL ? input : "", in);
	rewind(in);
	snprintf(named, sizeof(named), "%s/rag", build != NULL ? build : ".");
	assert_non_null(realpath(named, path));
	pid = fork();
	if (pid == 0) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		setenv("RAGD_SOCKET", fake_socket(server), 1);
		if (folder == NULL || chdir(folder) == 0)
			execv(path, (char *const *)args);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	r = (struct ran){ slurp(out), slurp(err), WEXITSTATUS(status) };
	fclose(in);
	return r;
}

#define run_rag(input, ...) run_in(NULL, input, (const char *[]){ "rag", __VA_ARGS__, NULL })

static void ran_free(struct ran *r)
{
	free(r->out);
	free(r->err);
}

static void server_start(const struct fake_row *rows)
{
	server = fake_start(rows, NULL);
}

static void server_stop(void)
{
	fake_stop(server);
	server = NULL;
}

/* ---- ask ---- */

static void ask_shows_text_sources_and_label(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM, FAKE_PIECES, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "ask", "-c", "notes", "-k", "3", "How", "large?");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "The default size is 4. [1]\n"
				   "\nSources\n"
				   "  [1] Thread pool, Size (threadpool.rst, bytes 412-434)\n"
				   "\nRedacted in the answer: card_number (filter basic, rule luhn)\n"
				   "\nAI-generated from your documents; check the sources.\n");
	assert_string_equal(r.err, "");
	assert_has(fake_request(server, 0)->body, "\"content\":\"How large?\"");
	assert_has(fake_request(server, 0)->body, "\"collections\":[\"notes\"],\"k\":3");
	ran_free(&r);
	r = run_rag("  from standard input \n", "ask", "-v", "--color=always", "-");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "4. \033[36m[1]\033[0m");
	assert_has(r.out, "      \"Its default size is 4\"\n");
	assert_has(r.out, "2 unsupported sentences were left out.");
	assert_has(r.out, "rag feedback ans-1 up|down");
	assert_has(fake_request(server, 1)->body, "\"content\":\"from standard input\"");
	ran_free(&r);
	server_stop();
}

static void ask_ends_as_the_answer_does(void **state)
{
	static const struct {
		const char *reply, *part;
		int status;
	} cases[] = {
		{ ANSWER, "\"answer\"", 0 },
		{ ABSTAINED, "", 3 },
		{ BLOCKED, "", 4 },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, NULL, cases[i].reply, 0, NULL },
					   { .method = NULL } };
		struct ran r;

		server_start(rows);
		r = run_rag(NULL, "ask", "--json", "x");
		assert_int_equal(r.status, cases[i].status);
		assert_memory_equal(r.out, cases[i].reply, strlen(cases[i].reply));
		ran_free(&r);
		server_stop();
	}
}

#define STREAMED(delta, finish, ragd)                                                              \
	CHUNK("{\"index\":0,\"delta\":{\"content\":\"" delta "\"},\"finish_reason\":null}", "")    \
	CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" finish "\"}", ",\"ragd\":" ragd)    \
	"data: [DONE]\n\n"

static void ask_says_that_it_was_blocked_or_knows_nothing(void **state)
{
	static const struct fake_row blocked[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream",
		  STREAMED("I will not.", "content_filter",
			   "{\"blocked_by\":{\"stage\":\"prompt\",\"plugin\":\"basic\",\"category\":\"injection\","
			   "\"rule\":null,\"action\":\"block\",\"score\":1}}"),
		  0, NULL },
		{ .method = NULL },
	};
	static const struct fake_row unknown[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream",
		  STREAMED("It is not in the documents.", "stop", "{\"abstained\":true,\"grounded\":true}"), 0, NULL },
		{ .method = NULL },
	};
	static const struct fake_row free_form[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream",
		  STREAMED("A guess", "length", "{\"abstained\":false,\"grounded\":false}"), 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(blocked);
	r = run_rag(NULL, "ask", "x");
	assert_int_equal(r.status, 4);
	assert_string_equal(r.out, "I will not.\n\nBlocked by a filter: the question: injection (filter basic)\n");
	ran_free(&r);
	server_stop();
	server_start(unknown);
	r = run_rag(NULL, "ask", "x");
	assert_int_equal(r.status, 3);
	assert_string_equal(r.out, "It is not in the documents.\n\nNo grounded answer: nothing in the documents "
				   "supports one.\n");
	ran_free(&r);
	server_stop();
	server_start(free_form);
	r = run_rag(NULL, "ask", "x");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "cut off");
	assert_has(r.out, "AI-generated; it names no source, so check it elsewhere.");
	ran_free(&r);
	server_stop();
}

static void ask_fails_with_a_sentence(void **state)
{
	static const struct {
		struct fake_row row;
		const char *out, *err;
	} cases[] = {
		{ { "POST", "/v1/chat/completions", 404, NULL, ERROR("unknown_model", "There is no assistant 'x'."), 0, NULL },
		  "", "rag: There is no assistant 'x'.\n" },
		{ { "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN, FAKE_PIECES, NULL },
		  "The default size is 4. [1]\n", "rag: the answer broke off before its end\n" },
		{ { "POST", "/v1/chat/completions", 500, "text/html", "<html>", 0, NULL },
		  "", "rag: POST /v1/chat/completions: status 500 without an error of ragd's in it (text/html, 6 bytes)\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_row rows[] = { cases[i].row, { .method = NULL } };
		struct ran r;

		server_start(rows);
		r = run_rag(NULL, "ask", "x");
		assert_int_equal(r.status, 1);
		assert_string_equal(r.out, cases[i].out);
		assert_string_equal(r.err, cases[i].err);
		ran_free(&r);
		server_stop();
	}
}

static void the_command_line_is_checked(void **state)
{
	static const struct fake_row rows[] = { { .method = NULL } };
	static const struct {
		const char *args[8];
		const char *part;
	} cases[] = {
		{ { "rag" }, "which command?" },
		{ { "rag", "nope" }, "there is no command 'nope'" },
		{ { "rag", "--nope" }, "there is no option '--nope'" },
		{ { "rag", "ask", "  " }, "the question is empty" },
		{ { "rag", "ask", "--batch", "x" }, "standard input" },
		{ { "rag", "search" }, "search for what?" },
		{ { "rag", "add" }, "add what?" },
		{ { "rag", "add", "-" }, "needs an --id" },
		{ { "rag", "add", "--id", "x", "--delete", "-" }, "without --delete" },
		{ { "rag", "add", "--jsonl", "--prefix", "x" }, "ids are in the lines" },
		{ { "rag", "add", "--id", "x", ".", "." }, "for a single file" },
		{ { "rag", "rm" }, "which documents?" },
		{ { "rag", "rm", "--all" }, "goes with -c" },
		{ { "rag", "feedback", "ans-1" }, "up or down?" },
		{ { "rag", "feedback", "ans-1", "sideways" }, "not 'sideways'" },
		{ { "rag", "feedback", "--export", "x", "up" }, "stands alone" },
		{ { "rag", "status", "now" }, "'now' is too much" },
		{ { "rag", "collection" }, "something is missing" },
		{ { "rag", "moderate", "--stage", "x", "y" }, "prompt document response" },
	};

	(void)state;
	server_start(rows);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ran r = run_in(fake_folder(server), "", cases[i].args);

		print_message("%s\n", cases[i].part);
		assert_int_equal(r.status, 2);
		assert_has(r.err, cases[i].part);
		assert_has(r.err, "usage: rag");
		assert_string_equal(r.out, "");
		ran_free(&r);
	}
	assert_int_equal(fake_n_requests(server), 0);
	server_stop();
}

static void help_and_version_need_no_daemon(void **state)
{
	static const struct fake_row rows[] = { { .method = NULL } };
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "--help");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "  moderate    what the filters say");
	ran_free(&r);
	r = run_rag(NULL, "add", "--help");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "--jsonl");
	assert_has(r.out, "--socket PATH");
	ran_free(&r);
	r = run_rag(NULL, "--socket", "/nonexistent", "--version");
	assert_int_equal(r.status, 0);
	assert_has(r.out, ragd_client_version());
	ran_free(&r);
	r = run_rag(NULL, "--socket", "/nonexistent", "--json", "status");
	assert_int_equal(r.status, 1);
	assert_has(r.err, "no ragd at '/nonexistent': there is none");
	assert_has(r.out, "{\"error\":{\"errno\":2,\"message\":\"no ragd at '/nonexistent'");
	ran_free(&r);
	server_stop();
}

/* ---- batches ---- */

/* The answer to the first question waits until the others have come. */
static char *answer_late(const struct fake_request *req, int *status, void *arg)
{
	(void)arg;
	if (strstr(req->body, "first") != NULL)
		fake_wait_requests(server, 3);
	if (strstr(req->body, "broken") != NULL) {
		*status = 400;
		return strdup(ERROR("invalid_value", "Not that."));
	}
	return strdup(strstr(req->body, "bad one") != NULL ? BLOCKED : ANSWER);
}

static void ask_batch_keeps_the_order(void **state)
{
	static const struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, NULL, NULL, 0, answer_late },
						{ .method = NULL } };
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("{\"id\":\"q1\",\"text\":\"first\"}\n\n{\"id\":2,\"question\":\"bad one\"}\nnonsense\n"
		    "{\"id\":\"q4\",\"text\":\"broken\"}\n",
		    "ask", "--batch", "-j", "4");
	assert_int_equal(r.status, 1);
	assert_string_equal(
		r.out,
		"{\"id\":\"q1\",\"answer\":\"The default size is 4. [1]\",\"abstained\":false,\"blocked_by\":null,"
		"\"citations\":[{\"document\":\"threadpool.rst\",\"collection\":\"default\",\"start\":412,\"end\":434,"
		"\"quote\":\"Its default size is 4\"}],\"answer_id\":\"ans-1\"}\n"
		"{\"id\":2,\"answer\":\"I will not help with that.\",\"abstained\":false,\"blocked_by\":"
		"{\"stage\":\"prompt\",\"plugin\":\"basic\",\"category\":\"injection\",\"rule\":\"ignore-previous\","
		"\"action\":\"block\",\"score\":0.9},\"citations\":[],\"answer_id\":\"ans-2\"}\n");
	assert_has(r.err, "rag: line 4: not JSON");
	assert_has(r.err, "rag: line 5: Not that.\n");
	ran_free(&r);
	server_stop();
}

static void batches_of_nothing_are_fine(void **state)
{
	static const struct fake_row rows[] = { { .method = NULL } };
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("", "search", "--batch");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "");
	ran_free(&r);
	server_stop();
}

static void search_batch_writes_a_run(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/search", 200, NULL,
		  "{\"data\":[{\"document\":\"a b.md\",\"score\":1.5},{\"document\":\"c.md\",\"score\":0.25}]}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("{\"id\":\"q1\",\"text\":\"x\"}\n{\"id\":\"q2\",\"text\":\"y\"}", "search", "--batch");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "q1 Q0 a%20b.md 1 1.500000 ragd\nq1 Q0 c.md 2 0.250000 ragd\n"
				   "q2 Q0 a%20b.md 1 1.500000 ragd\nq2 Q0 c.md 2 0.250000 ragd\n");
	assert_has(fake_request(server, 0)->body, "\"k\":100");
	assert_has(fake_request(server, 0)->body, "\"per_document\":true");
	ran_free(&r);
	server_stop();
}

#define VERDICT(action)                                                                             \
	"{\"results\":[{\"flagged\":true,\"categories\":{\"pii\":true},\"category_scores\":"        \
	"{\"pii\":0.5},\"ragd\":{\"action\":\"" action "\",\"score\":0.5,\"rules\":[\"card\"],"     \
	"\"text\":\"pay [card]\",\"note\":null}}]}"

static void moderate_reads_lines_or_a_text(void **state)
{
	static const struct fake_row rows[] = { { "POST", "/v1/moderations", 200, NULL, VERDICT("redact"), 0, NULL },
						{ .method = NULL } };
	static const struct fake_row strict[] = { { "POST", "/v1/moderations", 200, NULL, VERDICT("block"), 0, NULL },
						  { .method = NULL } };
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("{\"id\":\"m1\",\"text\":\"x\"}\n{\"id\":\"m2\",\"text\":\"y\",\"stage\":\"response\"}\n"
		    "{\"id\":\"m3\",\"text\":\"y\",\"stage\":5}\n",
		    "moderate", "-j", "1");
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "{\"id\":\"m1\",\"action\":\"redact\",\"score\":0.5,\"categories\":{\"pii\":0.5},"
				   "\"rules\":[\"card\"],\"text\":\"pay [card]\"}\n"
				   "{\"id\":\"m2\",\"action\":\"redact\",\"score\":0.5,\"categories\":{\"pii\":0.5},"
				   "\"rules\":[\"card\"],\"text\":\"pay [card]\"}\n");
	assert_has(r.err, "line 3: \"stage\" is not a string");
	assert_string_equal(fake_request(server, 1)->body, "{\"input\":[\"y\"],\"stage\":\"response\"}");
	ran_free(&r);
	r = run_rag(NULL, "moderate", "--policy", "strict", "pay", "me");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "redact (score 0.50)\n  pii                      0.50\n  rule card\npay [card]\n");
	assert_string_equal(fake_request(server, 2)->body, "{\"input\":[\"pay me\"],\"model\":\"strict\"}");
	ran_free(&r);
	server_stop();
	server_start(strict);
	r = run_rag(NULL, "moderate", "x");
	assert_int_equal(r.status, 4);
	ran_free(&r);
	server_stop();
}

/* ---- add ---- */

/* Stores every line of a request: those whose text says so fail. */
static char *store(const struct fake_request *req, int *status, void *arg)
{
	json_t *results = json_array(), *reply;
	char *text;

	(void)arg;
	(void)status;
	for (const char *line = req->body, *end; *line != '\0'; line = end + 1) {
		json_t *doc = json_loadb(line, (size_t)((end = strchr(line, '\n')) - line), 0, NULL);
		const char *body = json_string_value(json_object_get(doc, "text"));
		bool bad = body == NULL || strstr(body, "REFUSE") != NULL;

		assert(doc != NULL);
		json_array_append_new(results,
				      json_pack("{s:O, s:s, s:i, s:o}", "id", json_object_get(doc, "id"), "status",
						bad ? "failed" : "added", "passages", 1, "error",
						bad ? json_pack("{s:s, s:s}", "code", "unprocessable", "message",
								"It is refused.")
						    : json_null()));
		json_decref(doc);
	}
	reply = json_pack("{s:o}", "results", results);
	text = json_dumps(reply, 0);
	json_decref(reply);
	return text;
}

static char *store_one(const struct fake_request *req, int *status, void *arg)
{
	(void)arg;
	if (memmem(req->body, req->len, "REFUSE", 6) != NULL) {
		*status = 422;
		return strdup(ERROR("unprocessable", "It is refused."));
	}
	*status = 201;
	return strdup("{\"id\":\"x\",\"status\":\"updated\",\"passages\":1}");
}

#define NO_COLLECTION \
	{ "GET", "/v1/collections/default/documents", 404, NULL, ERROR("unknown_collection", "None."), 0, NULL }

static const struct fake_row adding[] = {
	NO_COLLECTION,
	{ "POST", "/v1/collections/default/documents", 200, NULL, NULL, 0, store },
	{ "PUT", "/v1/collections/default/documents/*", 201, NULL, NULL, 0, store_one },
	{ .method = NULL },
};

static void make_file(const char *name, const char *text, size_t len)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fake_folder(server), name);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

static void make_folder(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", fake_folder(server), name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static struct ran add_in_folder(const char *input, const char *const *args)
{
	return run_in(fake_folder(server), input, args);
}

static void add_takes_what_it_can(void **state)
{
	char path[300];
	struct ran r;

	(void)state;
	server_start(adding);
	make_folder("docs");
	make_file("docs/a.md", "good", 4);
	make_file("docs/bad.md", "REFUSE", 6);
	make_file("docs/bin", "a\0b", 3);
	make_file("docs/latin1.txt", "caf\xe9", 4);
	make_file("docs/.hidden", "h", 1);
	snprintf(path, sizeof(path), "%s/docs/pipe", fake_folder(server));
	assert_int_equal(mkfifo(path, 0600), 0);
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "-j", "1", "-v", "docs", "gone", NULL });
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "added 1, updated 0, unchanged 0, failed 5\n");
	assert_has(r.err, "docs/bad.md: It is refused.\n");
	assert_has(r.err, "docs/bin: binary, not text\n");
	assert_has(r.err, "docs/latin1.txt: It is refused.\n");
	assert_has(r.err, "docs/pipe: a FIFO, not a file\n");
	assert_has(r.err, "gone: there is no such file or folder\n");
	assert_has(r.err, "rag: skipped 1 hidden");
	assert_has(fake_request(server, 0)->body, "{\"id\":\"a.md\",\"text\":\"good\"}\n");
	assert_has(fake_request(server, 0)->body, "{\"id\":\"latin1.txt\",\"content_base64\":\"Y2Fm6Q==\"}\n");
	ran_free(&r);
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "--json", "docs/a.md", "docs/bin", NULL });
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "{\"added\":1,\"updated\":0,\"unchanged\":0,\"failed\":1,\"removed\":0,"
				   "\"failures\":[{\"path\":\"docs/bin\",\"error\":\"binary, not text\"}]}\n");
	ran_free(&r);
	server_stop();
}

static void add_sends_big_ones_alone_and_small_ones_together(void **state)
{
	static char big[(1 << 20) + 1];
	char name[32];
	size_t n_posts = 0, n_puts = 0, n_lines = 0;
	struct ran r;

	(void)state;
	server_start(adding);
	make_folder("docs");
	memset(big, 'x', sizeof(big));
	make_file("docs/big.md", big, sizeof(big));
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "docs/%03d.md", i);
		make_file(name, name, strlen(name));
	}
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "docs", NULL });
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "added 600, updated 1, unchanged 0, failed 0\n");
	assert_string_equal(r.err, "");
	for (size_t i = 0; i < fake_n_requests(server); i++) {
		const struct fake_request *req = fake_request(server, i);

		n_puts += strcmp(req->method, "PUT") == 0;
		n_posts += strcmp(req->method, "POST") == 0;
		for (size_t j = 0; strcmp(req->method, "POST") == 0 && j < req->len; j++)
			n_lines += req->body[j] == '\n';
	}
	assert_int_equal(n_puts, 1);
	assert_true(n_posts >= 3 && n_posts <= 6); /* 256 at most, three workers */
	assert_int_equal(n_lines, 600);
	ran_free(&r);
	server_stop();
}

/* A daemon that has 00.md to 17.md already, in two pages, the last with other bytes. */
static char *list_known(const struct fake_request *req, int *status, void *arg)
{
	bool second = strstr(req->target, "after=p") != NULL;
	json_t *data = json_array(), *reply;
	char *text;

	(void)status;
	(void)arg;
	for (int i = second ? 10 : 0; i < (second ? 18 : 10); i++) {
		char name[16], digest[RAGD_DIGEST_HEX + 1];

		snprintf(name, sizeof(name), "%02d.md", i);
		ragd_digest(i == 17 ? "other" : name, 5, digest);
		json_array_append_new(data, json_pack("{s:s, s:s}", "id", name, "digest", digest));
	}
	if (second)
		json_array_append_new(data, json_pack("{s:s, s:s}", "id", "gone.md", "digest", "00"));
	reply = json_pack("{s:o, s:o}", "data", data, "next", second ? json_null() : json_string("p"));
	text = json_dumps(reply, 0);
	json_decref(reply);
	return text;
}

static void add_skips_what_is_there_and_removes_what_is_gone(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections/default/documents", 200, NULL, NULL, 0, list_known },
		{ "POST", "/v1/collections/default/documents", 200, NULL, NULL, 0, store },
		{ "DELETE", "/v1/collections/default/documents/gone.md", 200, NULL, "{}", 0, NULL },
		{ .method = NULL },
	};
	const struct fake_request *last;
	char name[32];
	struct ran r;

	(void)state;
	server_start(rows);
	make_folder("docs");
	for (int i = 0; i < 19; i++) {
		snprintf(name, sizeof(name), "docs/%02d.md", i);
		make_file(name, name + 5, 5);
	}
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "-j1", "--delete", "docs", NULL });
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "added 2, updated 0, unchanged 17, failed 0, removed 1\n");
	last = fake_request(server, fake_n_requests(server) - 1);
	assert_string_equal(last->method, "DELETE");
	assert_string_equal(fake_request(server, 2)->body,
			    "{\"id\":\"17.md\",\"text\":\"17.md\"}\n{\"id\":\"18.md\",\"text\":\"18.md\"}\n");
	ran_free(&r);
	/* What fails to be read must not look as if it were gone. */
	make_file("docs/bin", "\0", 1);
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "--delete", "docs", NULL });
	assert_int_equal(r.status, 1);
	assert_has(r.err, "nothing was removed");
	assert_has(r.out, "removed 0");
	ran_free(&r);
	server_stop();
}

static void add_reads_lines_and_standard_input(void **state)
{
	struct ran r;

	(void)state;
	server_start(adding);
	r = run_rag("{\"id\":\"a\",\"title\":\"T\",\"text\":\"one\",\"tags\":[\"x\"]}\nnot json\n"
		    "{\"id\":\"b\",\"text\":\"two\",\"media_type\":\"text/html\"}\n{\"text\":\"no id\"}\n",
		    "add", "--jsonl", "-j", "1");
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "added 2, updated 0, unchanged 0, failed 2\n");
	assert_has(r.err, "standard input line 2: not JSON");
	assert_has(r.err, "standard input line 4: \"id\" is missing\n");
	assert_string_equal(fake_request(server, 1)->body,
			    "{\"id\":\"a\",\"title\":\"T\",\"tags\":[\"x\"],\"text\":\"one\"}\n"
			    "{\"id\":\"b\",\"media_type\":\"text/html\",\"text\":\"two\"}\n");
	ran_free(&r);
	r = run_rag("hello", "add", "-q", "--id", "x.md", "--prefix", "p", "--title", "X", "-");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "");
	assert_string_equal(fake_request(server, 2)->body, "{\"id\":\"p/x.md\",\"title\":\"X\",\"text\":\"hello\"}\n");
	ran_free(&r);
	r = run_rag("", "add", "--jsonl", "/nonexistent.jsonl");
	assert_int_equal(r.status, 1);
	assert_has(r.err, "/nonexistent.jsonl: No such file");
	ran_free(&r);
	server_stop();
}

/* A daemon whose bodies may have 100 bytes: what is too much together goes one by one. */
static char *store_little(const struct fake_request *req, int *status, void *arg)
{
	if (req->len <= 100)
		return store(req, status, arg);
	*status = 413;
	return strdup(ERROR("body_too_large", "More than 100 bytes."));
}

static void add_goes_smaller_when_it_must(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/collections/default/documents", 200, NULL, NULL, 0, store_little },
		{ .method = NULL },
	};
	char long_text[200];
	struct ran r;

	(void)state;
	server_start(rows);
	memset(long_text, 'x', sizeof(long_text));
	make_file("a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 38);
	make_file("b", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 38);
	make_file("c", long_text, sizeof(long_text));
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "-j1", "a", "b", "c", NULL });
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "added 2, updated 0, unchanged 0, failed 1\n");
	assert_string_equal(r.err, "c: More than 100 bytes.\n");
	ran_free(&r);
	server_stop();
}

static void add_stops_when_going_on_makes_no_sense(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/collections/default/documents", 507, NULL, ERROR("no_space", "The disk is full."), 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	make_file("a", "a", 1);
	make_file("b", "b", 1);
	r = add_in_folder(NULL, (const char *[]){ "rag", "add", "-j2", "a", "b", NULL });
	assert_int_equal(r.status, 1);
	assert_string_equal(r.err, "rag: The disk is full.; stopped\n");
	assert_has(r.out, "added 0");
	ran_free(&r);
	server_stop();
}

/* ---- the others ---- */

static void lists_and_removes(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections", 200, NULL,
		  "{\"data\":[{\"name\":\"notes\",\"owner\":\"me\",\"group\":\"us\",\"mode\":\"0640\",\"documents\":2,"
		  "\"passages\":5,\"bytes\":2048}]}",
		  0, NULL },
		{ "GET", "/v1/collections/notes/documents?limit=1000&after=a*", 200, NULL,
		  "{\"data\":[{\"id\":\"b.md\",\"bytes\":1}],\"next\":null}", 0, NULL },
		{ "GET", "/v1/collections/notes/documents", 200, NULL,
		  "{\"data\":[{\"id\":\"a.md\",\"title\":\"Aha\",\"bytes\":3,\"passages\":1,\"media_type\":\"text/x\","
		  "\"digest\":\"d1\"}],\"next\":\"a\"}",
		  0, NULL },
		{ "DELETE", "/v1/collections/notes/documents/a.md", 200, NULL, "{}", 0, NULL },
		{ "GET", "/v1/collections/notes", 200, NULL, "{\"name\":\"notes\",\"mode\":\"0640\",\"owner\":\"me\"}", 0, NULL },
		{ "PUT", "/v1/collections/notes", 200, NULL, "{}", 0, NULL },
		{ "DELETE", "/v1/collections/notes", 200, NULL, "{}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "list");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "notes                0640 me:us                     2          5    2.0 KiB");
	ran_free(&r);
	r = run_rag(NULL, "list", "-v", "notes");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "a.md  Aha  text/x d1\n");
	assert_has(r.out, "  b.md");
	ran_free(&r);
	r = run_rag(NULL, "rm", "-c", "notes", "a.md", "z.md");
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "removed a.md\n");
	ran_free(&r);
	r = run_rag("", "rm", "--all", "-c", "notes");
	assert_int_equal(r.status, 2);
	assert_has(r.err, "--force");
	ran_free(&r);
	r = run_rag("", "rm", "--all", "-f", "-c", "notes");
	assert_int_equal(r.status, 0);
	ran_free(&r);
	r = run_rag(NULL, "collection", "notes", "--mode", "0640");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "notes: mode 0640, owner me");
	ran_free(&r);
	server_stop();
}

static void shows_what_the_daemon_tells(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/status", 200, NULL,
		  "{\"version\":\"0.1\",\"uptime_s\":93784.5,\"assistants\":[\"a\",\"b\"],\"empty\":\"\","
		  "\"store\":{\"bytes\":3145728},\"list\":[]}",
		  0, NULL },
		{ "GET", "/v1/plugins", 200, NULL, "{\"data\":[{\"name\":\"x\",\"deadline_ms\":2500},{\"name\":\"y\"}]}", 0, NULL },
		{ "GET", "/v1/system-card", 200, NULL, "{\"ai\":true,\"note\":null}", 0, NULL },
		{ "POST", "/v1/admin/reload", 422, NULL, ERROR("unprocessable", "ragd.conf:3: no."), 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "status");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "version               0.1\nuptime                1 d 2 h\nassistants            a, b\n"
				   "empty                 -\nstore\n  bytes                 3.0 MiB\n"
				   "list                  none\n");
	ran_free(&r);
	r = run_rag(NULL, "plugins");
	assert_string_equal(r.out, "name                  x\ndeadline              2.5 s\n\nname                  y\n");
	ran_free(&r);
	r = run_rag(NULL, "about", "--json");
	assert_string_equal(r.out, "{\"ai\":true,\"note\":null}\n");
	ran_free(&r);
	r = run_rag(NULL, "reload");
	assert_int_equal(r.status, 1);
	assert_string_equal(r.err, "rag: ragd.conf:3: no.\n");
	ran_free(&r);
	server_stop();
}

static void rates(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/feedback", 201, NULL, "{\"id\":\"fb-9\",\"answer_id\":\"ans-1\"}", 0, NULL },
		{ "GET", "/v1/feedback/export", 200, "application/x-ndjson", "{\"a\":1}\n", FAKE_PIECES, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "feedback", "ans-1", "down", "--reason", "wrong", "--comment", "no", "--better", "yes");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "Noted as fb-9, thank you.\n");
	assert_string_equal(fake_request(server, 0)->body, "{\"answer_id\":\"ans-1\",\"rating\":\"down\",\"reason\":\"wrong\","
							   "\"comment\":\"no\",\"better\":\"yes\"}");
	ran_free(&r);
	r = run_rag(NULL, "feedback", "--export");
	assert_string_equal(r.out, "{\"a\":1}\n");
	ran_free(&r);
	server_stop();
}

static char *answer_by_turn(const struct fake_request *req, int *status, void *arg)
{
	(void)arg;
	(void)status;
	if (strstr(req->body, "forbidden\"}]") != NULL)
		return strdup(STREAMED("No.", "content_filter", "{\"blocked_by\":{\"stage\":\"prompt\",\"plugin\":\"p\","
								"\"category\":\"c\",\"action\":\"block\"}}"));
	return strdup(STREAM);
}

static void chat_goes_on_from_what_was_said(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", NULL, 0, answer_by_turn },
		{ "POST", "/v1/feedback", 201, NULL, "{\"id\":\"fb-1\"}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("/up\none\n\n  two  \n/sources\n/down too short\nforbidden\nthree\n/new\nfour\n/nope\n/quit\nfive\n",
		    "chat");
	assert_int_equal(r.status, 0);
	assert_int_equal(fake_n_requests(server), 6);
	assert_has(r.out, "There is no answer yet.\n");
	assert_has(r.out, "[1] threadpool.rst in default, bytes 412-434: \"Its default size is 4\"\n");
	assert_has(r.out, "There is no command '/nope'; /help lists them.\n");
	assert_has(fake_request(server, 0)->body, "\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]");
	assert_has(fake_request(server, 1)->body,
		   "[{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":"
		   "\"The default size is 4. [1]\"},{\"role\":\"user\",\"content\":\"two\"}]");
	assert_string_equal(fake_request(server, 2)->body,
			    "{\"answer_id\":\"ans-1\",\"rating\":\"down\",\"comment\":\"too short\"}");
	assert_hasnt(fake_request(server, 4)->body, "forbidden"); /* was blocked: not said again */
	assert_has(fake_request(server, 4)->body, "\"content\":\"two\"");
	assert_has(fake_request(server, 5)->body, "\"messages\":[{\"role\":\"user\",\"content\":\"four\"}]");
	ran_free(&r);
	server_stop();
}

static void doctor_finds_what_is_missing(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/healthz", 503, NULL, ERROR("starting", "It is starting."), 0, NULL },
		{ "GET", "/v1/status", 200, NULL, "{\"version\":\"0.0.1\"}", 0, NULL },
		{ "GET", "/v1/models", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/collections", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/plugins", 200, NULL, "{\"data\":[{\"name\":\"x\"}]}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "doctor");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  health       It is starting.\n");
	assert_has(r.out, "note version      the daemon is 0.0.1");
	assert_has(r.out, "bad  assistants   none");
	assert_has(r.out, "note documents    there are none yet");
	assert_has(r.out, "ok   plugins      1 loaded");
	ran_free(&r);
	r = run_rag(NULL, "doctor", "--json");
	assert_has(r.out, "{\"ok\":false,\"checks\":[{\"check\":\"you\"");
	ran_free(&r);
	r = run_rag(NULL, "doctor", "--socket", "/nonexistent");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  connect      no ragd at '/nonexistent'");
	ran_free(&r);
	server_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_shows_text_sources_and_label),
		cmocka_unit_test(ask_ends_as_the_answer_does),
		cmocka_unit_test(ask_says_that_it_was_blocked_or_knows_nothing),
		cmocka_unit_test(ask_fails_with_a_sentence),
		cmocka_unit_test(the_command_line_is_checked),
		cmocka_unit_test(help_and_version_need_no_daemon),
		cmocka_unit_test(ask_batch_keeps_the_order),
		cmocka_unit_test(batches_of_nothing_are_fine),
		cmocka_unit_test(search_batch_writes_a_run),
		cmocka_unit_test(moderate_reads_lines_or_a_text),
		cmocka_unit_test(add_takes_what_it_can),
		cmocka_unit_test(add_sends_big_ones_alone_and_small_ones_together),
		cmocka_unit_test(add_skips_what_is_there_and_removes_what_is_gone),
		cmocka_unit_test(add_reads_lines_and_standard_input),
		cmocka_unit_test(add_goes_smaller_when_it_must),
		cmocka_unit_test(add_stops_when_going_on_makes_no_sense),
		cmocka_unit_test(lists_and_removes),
		cmocka_unit_test(shows_what_the_daemon_tells),
		cmocka_unit_test(rates),
		cmocka_unit_test(chat_goes_on_from_what_was_said),
		cmocka_unit_test(doctor_finds_what_is_missing),
	};

	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
