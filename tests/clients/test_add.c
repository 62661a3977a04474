/* rag add: what is sent, what is not, what fails. */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <ragd/client.h>

#include "tests/clients/run.h"
#include "tests/test.h"

/* Stores every line of a request: those whose text says so fail. */
static char *store(const struct fake_request *req, int *status, struct fake *f)
{
	json_t *results = json_array(), *reply;
	char *text;

	(void)f;
	(void)status;
	for (const char *line = req->body, *end; *line != '\0'; line = end + 1) {
		json_t *doc =
			json_loadb(line, (size_t)((end = strchr(line, '\n')) - line), 0, NULL);
		const char *body = json_string_value(json_object_get(doc, "text"));
		bool bad = body == NULL || strstr(body, "REFUSE") != NULL;

		assert(doc != NULL);
		json_array_append_new(
			results,
			json_pack("{s:O, s:s, s:i, s:o}", "id", json_object_get(doc, "id"),
				  "status", bad ? "failed" : "added", "passages", 1, "error",
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

static char *store_one(const struct fake_request *req, int *status, struct fake *f)
{
	(void)f;
	if (memmem(req->body, req->len, "REFUSE", 6) != NULL) {
		*status = 422;
		return strdup(ERROR("unprocessable", "It is refused."));
	}
	*status = 201;
	return strdup("{\"id\":\"x\",\"status\":\"updated\",\"passages\":1}");
}

#define NO_COLLECTION                                                                              \
	{                                                                                          \
		"GET", "/v1/collections/default/documents", 404, NULL,                             \
			ERROR("unknown_collection", "None."), 0, NULL                              \
	}

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
	r = add_in_folder(NULL,
			  (const char *[]){ "rag", "add", "-j", "1", "-v", "docs", "gone", NULL });
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "added 1, updated 0, unchanged 0, failed 5\n");
	assert_has(r.err, "docs/bad.md: It is refused.\n");
	assert_has(r.err, "docs/bin: binary, not text\n");
	assert_has(r.err, "docs/latin1.txt: It is refused.\n");
	assert_has(r.err, "docs/pipe: a FIFO, not a file\n");
	assert_has(r.err, "gone: there is no such file or folder\n");
	assert_has(r.err, "rag: skipped 1 hidden");
	assert_has(fake_request(server, 0)->body, "{\"id\":\"a.md\",\"text\":\"good\"}\n");
	assert_has(fake_request(server, 0)->body,
		   "{\"id\":\"latin1.txt\",\"content_base64\":\"Y2Fm6Q==\"}\n");
	ran_free(&r);
	r = add_in_folder(
		NULL, (const char *[]){ "rag", "add", "--json", "docs/a.md", "docs/bin", NULL });
	assert_int_equal(r.status, 1);
	assert_string_equal(
		r.out, "{\"added\":1,\"updated\":0,\"unchanged\":0,\"failed\":1,\"removed\":0,"
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
static char *list_known(const struct fake_request *req, int *status, struct fake *f)
{
	bool second = strstr(req->target, "after=p") != NULL;
	json_t *data = json_array(), *reply;
	char *text;

	(void)status;
	(void)f;
	for (int i = second ? 10 : 0; i < (second ? 18 : 10); i++) {
		char name[16], digest[RAGD_DIGEST_HEX + 1];

		snprintf(name, sizeof(name), "%02d.md", i);
		ragd_digest(i == 17 ? "other" : name, 5, digest);
		json_array_append_new(data, json_pack("{s:s, s:s}", "id", name, "digest", digest));
	}
	if (second)
		json_array_append_new(data,
				      json_pack("{s:s, s:s}", "id", "gone.md", "digest", "00"));
	reply = json_pack("{s:o, s:o}", "data", data, "next",
			  second ? json_null() : json_string("p"));
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
	last = fake_request(server, fake_n_requests(server) - 2);
	assert_string_equal(last->method, "DELETE");
	last = fake_request(server, fake_n_requests(server) - 1);
	assert_string_equal(last->target, "/v1/status"); /* how long till it is found by meaning */
	assert_string_equal(
		fake_request(server, 2)->body,
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
		    "{\"id\":\"b\",\"text\":\"two\",\"media_type\":\"text/html\"}\n{\"text\":\"no "
		    "id\"}\n",
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
	assert_string_equal(fake_request(server, 2)->body,
			    "{\"id\":\"p/x.md\",\"title\":\"X\",\"text\":\"hello\"}\n");
	ran_free(&r);
	r = run_rag("", "add", "--jsonl", "/nonexistent.jsonl");
	assert_int_equal(r.status, 1);
	assert_has(r.err, "/nonexistent.jsonl: No such file");
	ran_free(&r);
	server_stop();
}

/* A daemon whose bodies may have 100 bytes: what is too much together goes one by one. */
static char *store_little(const struct fake_request *req, int *status, struct fake *f)
{
	if (req->len <= 100)
		return store(req, status, f);
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
		{ "POST", "/v1/collections/default/documents", 507, NULL,
		  ERROR("no_space", "The disk is full."), 0, NULL },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_takes_what_it_can),
		cmocka_unit_test(add_sends_big_ones_alone_and_small_ones_together),
		cmocka_unit_test(add_skips_what_is_there_and_removes_what_is_gone),
		cmocka_unit_test(add_reads_lines_and_standard_input),
		cmocka_unit_test(add_goes_smaller_when_it_must),
		cmocka_unit_test(add_stops_when_going_on_makes_no_sense),
	};

	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
