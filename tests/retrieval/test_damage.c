/* What the disk may do to a store: kills, full disks, damaged files, foreign files. */
#include "tests/retrieval/stores.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

static void path_in(const struct fixture *f, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", f->dir, name);
}

/* Overwrite len bytes of a file at `at` (from its end if negative) with a pattern. */
static void spoil(const struct fixture *f, const char *name, off_t at, size_t len)
{
	char path[200];
	struct stat st;
	int fd;

	path_in(f, name, path, sizeof(path));
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (at < 0)
		at += st.st_size;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(pwrite(fd, "\xa5", 1, at + (off_t)i), 1);
	close(fd);
}

static bool exists(const struct fixture *f, const char *name)
{
	char path[200];
	struct stat st;

	path_in(f, name, path, sizeof(path));
	return stat(path, &st) == 0;
}

static int try_open(struct fixture *f, struct ragd_err *err)
{
	*err = (struct ragd_err){ 0 };
	return store_open(&f->options, &f->store, err);
}

static void teach(struct fixture *f)
{
	char text[400], id[16];

	for (unsigned i = 0; i < 250; i++) {
		make_text(text, sizeof(text), i + 1, 40);
		snprintf(id, sizeof(id), "%03u.txt", i);
		add(f, "c", id, text);
	}
	assert_int_equal(store_settle(f->store, NULL), 0);
}

/* ---- kill -9 -------------------------------------------------------------------------------- */

enum op { OP_NONE, OP_PUT, OP_REPLACE, OP_REMOVE };

/* What the child says before and after each call. */
struct said {
	unsigned id;
	enum op op;
	bool done;
};

#define ROUNDS     20
#define ROUND_DOCS 200 /* more than are heard of before the kill */
#define MAX_DOCS   (ROUNDS * ROUND_DOCS)

/* What the parent knows of each document. */
struct known {
	enum op op;    /* the last that was acknowledged */
	enum op begun; /* one that was begun and not acknowledged */
};

static void name_of(unsigned i, char *out, size_t size)
{
	snprintf(out, size, "%06u", i);
}

static void do_op(struct fixture *f, int fd, unsigned i, enum op op)
{
	struct ragd_document doc = { .media_type = RAGD_STR("text/plain") };
	struct ragd_put_result result = { .status = RAGD_PUT_ADDED };
	struct said said = { i, op, false };
	char text[400], id[16];
	int rc;

	name_of(i, id, sizeof(id));
	make_text(text, sizeof(text), i, 50);
	doc.id = str(id);
	doc.content = op == OP_REPLACE ? str("replaced") : str(text);
	if (write(fd, &said, sizeof(said)) != (ssize_t)sizeof(said))
		_exit(1);
	if (op == OP_REMOVE)
		rc = store_remove(f->store, &f->call.call, "c", doc.id, NULL);
	else
		rc = store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL);
	said.done = true;
	if (rc < 0 || result.status == RAGD_PUT_FAILED ||
	    write(fd, &said, sizeof(said)) != (ssize_t)sizeof(said))
		_exit(1);
	arena_reset(f->call.arena);
}

static void write_until_killed(struct fixture *f, int fd, unsigned first)
{
	if (store_open(&f->options, &f->store, NULL) < 0)
		_exit(1);
	for (unsigned i = first; i < first + ROUND_DOCS; i++) {
		do_op(f, fd, i, OP_PUT);
		if (i > first + 3 && i % 5 == 4) {
			do_op(f, fd, i - 2, OP_REPLACE);
			do_op(f, fd, i - 3, OP_REMOVE);
		}
	}
	for (;;) /* the parent is slow: its kill comes */
		pause();
}

/* What was acknowledged is there, exactly; what was only begun is there whole or not at all. */
static void verify_one(struct fixture *f, unsigned i, struct known *k)
{
	struct ragd_str content = { NULL, 0 };
	char text[400], id[16];
	enum op is;
	int rc;

	name_of(i, id, sizeof(id));
	make_text(text, sizeof(text), i, 50);
	rc = store_get(f->store, &f->call.call, "c", str(id), NULL, &content, NULL);
	if (rc == -ENOENT) {
		is = k->op == OP_NONE ? OP_NONE : OP_REMOVE;
	} else {
		assert_int_equal(rc, 0);
		is = content.len == 8 ? OP_REPLACE : OP_PUT;
		assert_string_equal(content.s, is == OP_REPLACE ? "replaced" : text);
	}
	if (is != k->op && is != k->begun)
		fail_msg("document %u: is %d, acknowledged %d, begun %d", i, is, k->op, k->begun);
	*k = (struct known){ is, OP_NONE }; /* settled, one way or the other */
	arena_reset(f->call.arena);
}

/* Nothing is listed twice, and its own words find each document, once. */
static void verify_all(struct fixture *f, struct known *known, unsigned n)
{
	struct ragd_query q = { .size = sizeof(q), .k = 1000 };
	struct ragd_retrieval_stats st;
	const struct ragd_document_info *infos;
	const struct ragd_hit *hits;
	char text[400], prev[16] = "";
	size_t n_infos, n_hits;

	for (unsigned i = 0; i < n; i++)
		verify_one(f, i, &known[i]);
	assert_int_equal(
		store_list(f->store, &f->call.call, "c", str(""), 1000, &infos, &n_infos, NULL), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, n_infos);
	assert_true(n_infos < 1000);
	for (size_t i = 0; i < n_infos; i++) {
		assert_true(strcmp(prev, infos[i].id) < 0);
		snprintf(prev, sizeof(prev), "%s", infos[i].id);
	}
	for (unsigned i = n > 10 ? n - 10 : 0; i < n; i++) {
		unsigned times = 0;

		if (known[i].op != OP_PUT || known[i].begun != OP_NONE)
			continue;
		make_text(text, sizeof(text), i, 50);
		q.text = str(text);
		assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n_hits, NULL),
				 0);
		for (size_t h = 0; h < n_hits; h++)
			times += hits[h].passage.text.len == strlen(text) &&
				 memcmp(hits[h].passage.text.s, text, strlen(text)) == 0;
		assert_int_equal(times, 1);
		arena_reset(f->call.arena);
	}
}

static unsigned listen_to(int fd, struct known *known, unsigned n, unsigned *left)
{
	struct said said;

	while (*left > 0 && read(fd, &said, sizeof(said)) == (ssize_t)sizeof(said)) {
		known[said.id].begun = said.done ? OP_NONE : said.op;
		if (said.done)
			known[said.id].op = said.op;
		n = MAX(n, said.id + 1);
		(*left)--;
	}
	return n;
}

static void every_acknowledged_document_survives_a_kill(void **state)
{
	static struct known known[MAX_DOCS];
	struct fixture *f = *state;
	unsigned n = 0, seed = 4711;

	fixture_close(f);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned left, rest = UINT32_MAX;
		int fds[2], status;
		pid_t pid;

		seed = seed * 1664525u + 1013904223u;
		left = 1 + (seed >> 20) % 60; /* messages to hear before the kill */
		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			close(fds[0]);
			write_until_killed(f, fds[1], n);
		}
		close(fds[1]);
		n = listen_to(fds[0], known, n, &left);
		kill(pid, SIGKILL); /* it went on meanwhile: anywhere in its calls */
		n = listen_to(fds[0], known, n, &rest);
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		fixture_open(f);
		verify_all(f, known, n);
		fixture_close(f);
	}
	assert_true(f->events[STORE_REPAIRED] > 0);
	assert_int_equal(f->events[STORE_TROUBLE], 0);
}

/* ---- no space ------------------------------------------------------------------------------- */

/* Reads go on, nothing is lost, and what fits is still taken. */
static void check_not_lost(struct fixture *f, int rc, const struct ragd_put_result *result,
			   const struct ragd_err *err)
{
	const struct ragd_hit *hits;

	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(result->status, RAGD_PUT_FAILED);
	assert_int_equal(result->err.code, -ENOSPC);
	assert_non_null(strstr(err->msg, "full"));
	print_message("%s\n", err->msg);
	assert_int_equal(count_documents(f), 1);
	assert_true(find(f, "small", &hits) > 0);
	add(f, "c", "small-too.txt", "small as well");
	assert_int_equal(count_documents(f), 2);
}

static int put_much(struct fixture *f, struct ragd_put_result *result, struct ragd_err *err)
{
	struct ragd_document doc = { .id = RAGD_STR("too-much.txt") };
	size_t len = 4 << 20;
	char *text = malloc(len);
	int rc;

	make_text(text, len, 99, 2000000);
	doc.content = str(text);
	rc = store_put(f->store, &f->call.call, "c", &doc, 1, result, err);
	free(text);
	return rc;
}

static void a_full_disk_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct ragd_put_result result;
	struct ragd_err err = { 0 };

	add(f, "c", "small.txt", "a small text");
	fixture_close(f);
	f->options.max_pages = 300;
	fixture_open(f);
	check_not_lost(f, put_much(f, &result, &err), &result, &err);
	fixture_close(f);
	f->options.max_pages = 0;
	fixture_open(f);
	assert_int_equal(count_documents(f), 2);
}

static void a_file_size_limit_is_a_full_disk(void **state)
{
	struct fixture *f = *state;
	struct ragd_put_result result;
	struct ragd_err err = { 0 };
	struct rlimit old, limit;
	int rc;

	add(f, "c", "small.txt", "a small text");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	rc = put_much(f, &result, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	check_not_lost(f, rc, &result, &err);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(count_documents(f), 2);
}

/* ---- damaged and foreign databases ---------------------------------------------------------- */

static void a_damaged_database_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		off_t at;
		size_t len;
	} rows[] = {
		{ "the header", 0, 100 },
		{ "the page of the schema", 100, 1000 },
		{ "the size in the header", 28, 4 },
	};
	char path[200], copy[70000];
	struct ragd_err err;

	teach(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ssize_t len;
		int fd;

		print_message("%s\n", rows[i].name);
		fixture_close(f);
		path_in(f, "store.sqlite", path, sizeof(path));
		fd = open(path, O_RDWR);
		len = read(fd, copy, sizeof(copy));
		spoil(f, "store.sqlite", rows[i].at, rows[i].len);
		if (rows[i].at == 28) { /* a size that the file does not have shows in the check */
			assert_int_equal(pwrite(fd, "\0\0\0\x05", 4, 28), 4);
			assert_int_equal(ftruncate(fd, 5 * 4096), 0);
		}
		assert_int_equal(try_open(f, &err), -EBADMSG);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, "damaged"));
		assert_non_null(strstr(err.msg, "move it away"));
		assert_null(f->store);
		if (rows[i].at == 28)
			return;
		assert_int_equal(pwrite(fd, copy, (size_t)len, 0), len);
		close(fd);
		fixture_open(f); /* as it was: nothing else was touched */
		assert_int_equal(count_documents(f), 250);
	}
}

static void a_foreign_file_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	char path[200], before[4096], after[4096];
	struct ragd_err err;
	sqlite3 *h;
	ssize_t n;
	int fd;

	fixture_close(f);
	test_remove_dir(f->dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	path_in(f, "store.sqlite", path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "CREATE TABLE mine(x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
	fd = open(path, O_RDONLY);
	n = read(fd, before, sizeof(before));
	assert_int_equal(try_open(f, &err), -EINVAL);
	print_message("%s\n", err.msg);
	assert_int_equal(pread(fd, after, sizeof(after), 0), n);
	assert_memory_equal(before, after, (size_t)n);
	close(fd);

	assert_int_equal(unlink(path), 0);
	fixture_open(f);
	fixture_close(f);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
	assert_int_equal(try_open(f, &err), -ENOTSUP);
	print_message("%s\n", err.msg);
}

static void two_processes_do_not_share_a_store(void **state)
{
	struct fixture *f = *state;
	struct store *second = NULL;
	struct ragd_err err = { 0 };

	assert_int_equal(store_open(&f->options, &second, &err), -EBUSY);
	print_message("%s\n", err.msg);
	assert_null(second);
}

static void a_directory_that_cannot_be_written_is_said(void **state)
{
	struct fixture *f = *state;
	struct store_options options = f->options;
	struct store *s = NULL;
	struct ragd_err err = { 0 };

	options.dir = "/nonexistent/for/sure";
	assert_int_equal(store_open(&options, &s, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent"));
	options.dir = f->dir;
	options.language = "klingon";
	assert_int_equal(store_open(&options, &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "klingon"));
}

/* ---- the index of vectors ------------------------------------------------------------------- */

static void the_index_of_vectors_is_rebuilt_when_it_does_not_fit(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		off_t at; /* where it is spoiled; 0: removed */
		unsigned rebuilt;
	} rows[] = {
		{ "as it was saved", 1, 0 },  { "missing", 0, 1 },
		{ "header spoiled", 3, 1 },   { "stamp spoiled", 40, 1 },
		{ "sum spoiled", 110, 1 },    { "vectors spoiled", -200, 1 },
		{ "places spoiled", 170, 1 },
	};
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;
	struct ragd_hit first;
	char text[400];
	float vector;

	teach(f);
	make_text(text, sizeof(text), 77, 40);
	assert_true(find(f, text, &hits) > 1);
	first = hits[1];
	vector = first.vector;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned before = f->events[STORE_VECTORS_REBUILT];
		char path[200];

		print_message("%s\n", rows[i].name);
		fixture_close(f);
		assert_true(exists(f, "vectors-1.faiss"));
		path_in(f, "vectors-1.faiss", path, sizeof(path));
		if (rows[i].at == 0)
			assert_int_equal(unlink(path), 0);
		else if (rows[i].rebuilt > 0)
			spoil(f, "vectors-1.faiss", rows[i].at, 4);
		fixture_open(f);
		assert_int_equal(f->events[STORE_VECTORS_REBUILT], before + rows[i].rebuilt);
		store_stats(f->store, &test_admin, &st);
		assert_int_equal(st.n_vectors, 250);
		assert_true(find(f, text, &hits) > 1);
		assert_true(hits[1].vector == vector);
	}
}

/* One saved before the last change: of another state. */
static void an_old_index_of_vectors_is_not_taken(void **state)
{
	struct fixture *f = *state;
	char path[200], copy[200], command[420];

	teach(f);
	fixture_close(f);
	path_in(f, "vectors-1.faiss", path, sizeof(path));
	path_in(f, "old", copy, sizeof(copy));
	snprintf(command, sizeof(command), "cp %s %s", path, copy);
	assert_int_equal(system(command), 0);
	fixture_open(f);
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("000.txt"), NULL), 0);
	add(f, "c", "new.txt", "something new");
	fixture_close(f);
	assert_int_equal(rename(copy, path), 0);
	fixture_open(f);
	assert_int_equal(f->events[STORE_VECTORS_REBUILT], 1);
	assert_non_null(strstr(f->last_event, "out of date"));
}

static void a_damaged_embedder_is_learned_again(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;
	char path[200];
	sqlite3 *h;

	teach(f);
	fixture_close(f);
	path_in(f, "store.sqlite", path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(h, "UPDATE embedder SET model = zeroblob(1000)", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(h);
	fixture_open(f);
	assert_true(f->events[STORE_TROUBLE] > 0);
	assert_int_equal(count_documents(f), 250);
	assert_int_equal(store_settle(f->store, NULL), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_vectors, 250);
}

/*
 * Another language gives other terms: the index is built again, and what was learned is learned
 * again.
 */
static void another_language_makes_the_index_anew(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;

	add(f, "c", "a.txt", "Die Katzen schlafen auf den Dächern.");
	assert_int_equal(find(f, "Katze", &hits), 0);
	fixture_close(f);
	f->options.language = "german";
	fixture_open(f);
	assert_int_equal(f->events[STORE_REINDEXED], 1);
	assert_int_equal(find(f, "Katze", &hits), 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->events[STORE_REINDEXED], 1);
	assert_int_equal(find(f, "Dach", &hits), 1);
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("a.txt"), NULL), 0);
	assert_int_equal(find(f, "Katze", &hits), 0);
}

/* As a crash leaves it between hiding a collection and dropping its documents. */
static void a_removal_that_was_cut_short_is_finished(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;
	char path[200];
	sqlite3 *h;

	for (unsigned i = 0; i < 40; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", i);
		add(f, "gone", id, "hidden words");
	}
	add(f, "kept", "k", "other words");
	fixture_close(f);
	path_in(f, "store.sqlite", path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h,
				      "UPDATE collection SET name = ' ' || id WHERE name = 'gone'",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(h);
	fixture_open(f);
	assert_int_equal(find(f, "words", &hits), 1); /* at once */
	assert_int_equal(store_settle(f->store, NULL), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_collections, 1);
	assert_int_equal(st.n_documents, 1);
	assert_int_equal(st.n_passages, 1);
	fixture_close(f);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h,
				      "CREATE TEMP TABLE t(x CHECK(x = 1));"
				      "INSERT INTO t SELECT count(*) FROM content;"
				      "INSERT INTO t SELECT count(*) FROM passage;"
				      "INSERT INTO t SELECT count(*) FROM collection",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(h);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(every_acknowledged_document_survives_a_kill),
		CASE(a_full_disk_loses_nothing),
		CASE(a_file_size_limit_is_a_full_disk),
		CASE(a_damaged_database_is_refused_and_left_alone),
		CASE(a_foreign_file_is_refused_and_left_alone),
		CASE(two_processes_do_not_share_a_store),
		CASE(a_directory_that_cannot_be_written_is_said),
		CASE(the_index_of_vectors_is_rebuilt_when_it_does_not_fit),
		CASE(an_old_index_of_vectors_is_not_taken),
		CASE(a_damaged_embedder_is_learned_again),
		CASE(another_language_makes_the_index_anew),
		CASE(a_removal_that_was_cut_short_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
