/* The commands of rag but `add`: what they write, how they end. */
#include <stdlib.h>

#include <ragd/client.h>

#include "tests/clients/run.h"
#include "tests/test.h"

/* ---- ask ---- */

static void ask_shows_text_sources_and_label(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM, FAKE_PIECES,
		  NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "ask", "-c", "notes", "-k", "3", "How", "large?");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out,
			    "The default size is 4. [1]\n"
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
		struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, NULL,
					     cases[i].reply, 0, NULL },
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
			   "{\"blocked_by\":{\"stage\":\"prompt\",\"plugin\":\"basic\","
			   "\"category\":\"injection\","
			   "\"rule\":null,\"action\":\"block\",\"score\":1}}"),
		  0, NULL },
		{ .method = NULL },
	};
	static const struct fake_row unknown[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream",
		  STREAMED("It is not in the documents.", "stop",
			   "{\"abstained\":true,\"grounded\":true}"),
		  0, NULL },
		{ .method = NULL },
	};
	static const struct fake_row free_form[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream",
		  STREAMED("A guess", "length", "{\"abstained\":false,\"grounded\":false}"), 0,
		  NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(blocked);
	r = run_rag(NULL, "ask", "x");
	assert_int_equal(r.status, 4);
	assert_string_equal(
		r.out,
		"I will not.\n\nBlocked by a filter: the question: injection (filter basic)\n");
	ran_free(&r);
	server_stop();
	server_start(unknown);
	r = run_rag(NULL, "ask", "x");
	assert_int_equal(r.status, 3);
	assert_string_equal(
		r.out,
		"It is not in the documents.\n\nNo grounded answer: nothing in the documents "
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
		{ { "POST", "/v1/chat/completions", 404, NULL,
		    ERROR("unknown_model", "There is no assistant 'x'."), 0, NULL },
		  "",
		  "rag: There is no assistant 'x'.\n" },
		{ { "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM_BEGIN,
		    FAKE_PIECES, NULL },
		  "The default size is 4. [1]\n",
		  "rag: the answer broke off before its end\n" },
		{ { "POST", "/v1/chat/completions", 500, "text/html", "<html>", 0, NULL },
		  "",
		  "rag: status 500 without an error from ragd "
		  "(text/html, 6 bytes)\n" },
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
		{ { "rag", "add", "--id", "x", "--delete", "-" }, "or --delete" },
		{ { "rag", "add", "--jsonl", "--prefix", "x" }, "ids are in the lines" },
		{ { "rag", "add", "--id", "x", ".", "." }, "for a single file" },
		{ { "rag", "rm" }, "which documents?" },
		{ { "rag", "rm", "--all" }, "goes with -c" },
		{ { "rag", "feedback", "ans-1" }, "up or down?" },
		{ { "rag", "feedback", "ans-1", "sideways" }, "not 'sideways'" },
		{ { "rag", "feedback", "--export", "x", "up" }, "takes no other arguments" },
		{ { "rag", "status", "now" }, "unexpected argument 'now'" },
		{ { "rag", "collection" }, "missing argument" },
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
static char *answer_late(const struct fake_request *req, int *status, struct fake *f)
{
	if (strstr(req->body, "first") != NULL)
		fake_wait_requests(f, 3);
	if (strstr(req->body, "broken") != NULL) {
		*status = 400;
		return strdup(ERROR("invalid_value", "Not that."));
	}
	return strdup(strstr(req->body, "bad one") != NULL ? BLOCKED : ANSWER);
}

static void ask_batch_keeps_the_order(void **state)
{
	static const struct fake_row rows[] = { { "POST", "/v1/chat/completions", 200, NULL, NULL,
						  0, answer_late },
						{ .method = NULL } };
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("{\"id\":\"q1\",\"text\":\"first\"}\n\n{\"id\":2,\"question\":\"bad "
		    "one\"}\nnonsense\n"
		    "{\"id\":\"q4\",\"text\":\"broken\"}\n",
		    "ask", "--batch", "-j", "4");
	assert_int_equal(r.status, 1);
	assert_string_equal(
		r.out,
		"{\"id\":\"q1\",\"answer\":\"The default size is 4. "
		"[1]\",\"abstained\":false,\"blocked_by\":null,"
		"\"citations\":[{\"document\":\"threadpool.rst\",\"collection\":\"default\","
		"\"start\":412,\"end\":434,"
		"\"quote\":\"Its default size is 4\"}],\"answer_id\":\"ans-1\"}\n"
		"{\"id\":2,\"answer\":\"I will not help with "
		"that.\",\"abstained\":false,\"blocked_by\":"
		"{\"stage\":\"prompt\",\"plugin\":\"basic\",\"category\":\"injection\",\"rule\":"
		"\"ignore-previous\","
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
		  "{\"data\":[{\"document\":\"a "
		  "b.md\",\"score\":1.5},{\"document\":\"c.md\",\"score\":0.25}]}",
		  0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("{\"id\":\"q1\",\"text\":\"x\"}\n{\"id\":\"q2\",\"text\":\"y\"}", "search",
		    "--batch");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "q1 Q0 a%20b.md 1 1.500000 ragd\nq1 Q0 c.md 2 0.250000 ragd\n"
				   "q2 Q0 a%20b.md 1 1.500000 ragd\nq2 Q0 c.md 2 0.250000 ragd\n");
	assert_has(fake_request(server, 0)->body, "\"k\":100");
	assert_has(fake_request(server, 0)->body, "\"per_document\":true");
	ran_free(&r);
	server_stop();
}

#define VERDICT(action)                                                                            \
	"{\"results\":[{\"flagged\":true,\"categories\":{\"pii\":true},\"category_scores\":"       \
	"{\"pii\":0.5},\"ragd\":{\"action\":\"" action "\",\"score\":0.5,\"rules\":[\"card\"],"    \
	"\"text\":\"pay [card]\",\"note\":null}}]}"

static void moderate_reads_lines_or_a_text(void **state)
{
	static const struct fake_row rows[] = { { "POST", "/v1/moderations", 200, NULL,
						  VERDICT("redact"), 0, NULL },
						{ .method = NULL } };
	static const struct fake_row strict[] = { { "POST", "/v1/moderations", 200, NULL,
						    VERDICT("block"), 0, NULL },
						  { .method = NULL } };
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("{\"id\":\"m1\",\"text\":\"x\"}\n{\"id\":\"m2\",\"text\":\"y\",\"stage\":"
		    "\"response\"}\n"
		    "{\"id\":\"m3\",\"text\":\"y\",\"stage\":5}\n",
		    "moderate", "-j", "1");
	assert_int_equal(r.status, 1);
	assert_string_equal(
		r.out,
		"{\"id\":\"m1\",\"action\":\"redact\",\"score\":0.5,\"categories\":{\"pii\":0.5},"
		"\"rules\":[\"card\"],\"text\":\"pay [card]\"}\n"
		"{\"id\":\"m2\",\"action\":\"redact\",\"score\":0.5,\"categories\":{\"pii\":0.5},"
		"\"rules\":[\"card\"],\"text\":\"pay [card]\"}\n");
	assert_has(r.err, "line 3: \"stage\" is not a string");
	assert_string_equal(fake_request(server, 1)->body,
			    "{\"input\":[\"y\"],\"stage\":\"response\"}");
	ran_free(&r);
	r = run_rag(NULL, "moderate", "--policy", "strict", "pay", "me");
	assert_int_equal(r.status, 0);
	assert_string_equal(
		r.out,
		"redact (score 0.50)\n  pii                      0.50\n  rule card\npay [card]\n");
	assert_string_equal(fake_request(server, 2)->body,
			    "{\"input\":[\"pay me\"],\"model\":\"strict\"}");
	ran_free(&r);
	server_stop();
	server_start(strict);
	r = run_rag(NULL, "moderate", "x");
	assert_int_equal(r.status, 4);
	ran_free(&r);
	server_stop();
}

/* ---- the others ---- */

static void lists_and_removes(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections", 200, NULL,
		  "{\"data\":[{\"name\":\"notes\",\"owner\":\"me\",\"group\":\"us\",\"mode\":"
		  "\"0640\",\"documents\":2,"
		  "\"passages\":5,\"bytes\":2048}]}",
		  0, NULL },
		{ "GET", "/v1/collections/notes/documents?limit=1000&after=a*", 200, NULL,
		  "{\"data\":[{\"id\":\"b.md\",\"bytes\":1}],\"next\":null}", 0, NULL },
		{ "GET", "/v1/collections/notes/documents", 200, NULL,
		  "{\"data\":[{\"id\":\"a.md\",\"title\":\"Aha\",\"bytes\":3,\"passages\":1,"
		  "\"media_type\":\"text/x\","
		  "\"digest\":\"d1\"}],\"next\":\"a\"}",
		  0, NULL },
		{ "DELETE", "/v1/collections/notes/documents/a.md", 200, NULL, "{}", 0, NULL },
		{ "GET", "/v1/collections/notes", 200, NULL,
		  "{\"name\":\"notes\",\"mode\":\"0640\",\"owner\":\"me\"}", 0, NULL },
		{ "PUT", "/v1/collections/notes", 200, NULL, "{}", 0, NULL },
		{ "DELETE", "/v1/collections/notes", 200, NULL, "{}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "list");
	assert_int_equal(r.status, 0);
	assert_has(r.out,
		   "notes                0640 me:us                     2          5    2.0 KiB");
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
		  "{\"version\":\"0.1\",\"uptime_s\":93784.5,\"assistants\":[\"a\",\"b\"],"
		  "\"empty\":\"\","
		  "\"store\":{\"bytes\":3145728},\"list\":[]}",
		  0, NULL },
		{ "GET", "/v1/plugins", 200, NULL,
		  "{\"data\":[{\"name\":\"x\",\"deadline_ms\":2500},{\"name\":\"y\"}]}", 0, NULL },
		{ "GET", "/v1/system-card", 200, NULL, "{\"ai\":true,\"note\":null}", 0, NULL },
		{ "POST", "/v1/admin/reload", 422, NULL, ERROR("unprocessable", "ragd.conf:3: no."),
		  0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "status");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out,
			    "version               0.1\nuptime                1 d 2 h\nassistants  "
			    "          a, b\n"
			    "empty                 -\nstore\n  bytes                 3.0 MiB\n"
			    "list                  none\n");
	ran_free(&r);
	r = run_rag(NULL, "plugins");
	assert_string_equal(r.out, "name                  x\ndeadline              2.5 s\n\nname   "
				   "               y\n");
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
		{ "POST", "/v1/feedback", 201, NULL, "{\"id\":\"fb-9\",\"answer_id\":\"ans-1\"}", 0,
		  NULL },
		{ "GET", "/v1/feedback/export", 200, "application/x-ndjson", "{\"a\":1}\n",
		  FAKE_PIECES, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "feedback", "ans-1", "down", "--reason", "wrong", "--comment", "no",
		    "--better", "yes");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "Noted as fb-9, thank you.\n");
	assert_string_equal(fake_request(server, 0)->body,
			    "{\"answer_id\":\"ans-1\",\"rating\":\"down\",\"reason\":\"wrong\","
			    "\"comment\":\"no\",\"better\":\"yes\"}");
	ran_free(&r);
	r = run_rag(NULL, "feedback", "--export");
	assert_string_equal(r.out, "{\"a\":1}\n");
	ran_free(&r);
	server_stop();
}

static char *answer_by_turn(const struct fake_request *req, int *status, struct fake *f)
{
	(void)f;
	(void)status;
	if (strstr(req->body, "forbidden\"}]") != NULL)
		return strdup(STREAMED("No.", "content_filter",
				       "{\"blocked_by\":{\"stage\":\"prompt\",\"plugin\":\"p\","
				       "\"category\":\"c\",\"action\":\"block\"}}"));
	return strdup(STREAM);
}

static void chat_goes_on_from_what_was_said(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", NULL, 0,
		  answer_by_turn },
		{ "POST", "/v1/feedback", 201, NULL, "{\"id\":\"fb-1\"}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag("/up\none\n\n  two  \n/sources\n/down too "
		    "short\nforbidden\nthree\n/new\nfour\n/nope\n/quit\nfive\n",
		    "chat");
	assert_int_equal(r.status, 0);
	assert_int_equal(fake_n_requests(server), 6);
	assert_has(r.out, "There is no answer yet.\n");
	assert_has(r.out,
		   "[1] threadpool.rst in default, bytes 412-434: \"Its default size is 4\"\n");
	assert_has(r.out, "There is no command '/nope'; /help lists them.\n");
	assert_has(fake_request(server, 0)->body,
		   "\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]");
	assert_has(fake_request(server, 1)->body,
		   "[{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":"
		   "\"The default size is 4. [1]\"},{\"role\":\"user\",\"content\":\"two\"}]");
	assert_string_equal(
		fake_request(server, 2)->body,
		"{\"answer_id\":\"ans-1\",\"rating\":\"down\",\"comment\":\"too short\"}");
	assert_hasnt(fake_request(server, 4)->body, "forbidden"); /* was blocked: not said again */
	assert_has(fake_request(server, 4)->body, "\"content\":\"two\"");
	assert_has(fake_request(server, 5)->body,
		   "\"messages\":[{\"role\":\"user\",\"content\":\"four\"}]");
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
		cmocka_unit_test(lists_and_removes),
		cmocka_unit_test(shows_what_the_daemon_tells),
		cmocka_unit_test(rates),
		cmocka_unit_test(chat_goes_on_from_what_was_said),
	};

	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
