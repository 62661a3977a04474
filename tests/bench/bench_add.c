/*
 * Adding documents: how fast, beside a plain FTS5 table of SQLite's own that gets the same texts in
 * the same run. Wall clock and CPU, since machines are shared. The store's time ends when
 * everything can be found by words and by vectors; the plain table has neither documents, passages
 * nor vectors.
 *
 *     bench_add [MB]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/clock.h"
#include "retrieval/store/store.h"
#include "tests/bench/corpus.h"
#include "tests/retrieval/calls.h"

#define AT_ONCE 500 /* documents in one call, as `rag add` sends them */

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

struct timing {
	int64_t wall;
	int64_t cpu;
};

static void start(struct timing *t)
{
	t->wall = clock_us();
	t->cpu = cpu_us();
}

static void stop(struct timing *t)
{
	t->wall = clock_us() - t->wall;
	t->cpu = cpu_us() - t->cpu;
}

static void add_all(struct store *s, struct test_call *call, const struct corpus *c)
{
	struct ragd_put_result *results = calloc(AT_ONCE, sizeof(*results));
	struct ragd_document *docs = calloc(AT_ONCE, sizeof(*docs));
	struct ragd_err err = { 0 };

	for (size_t i = 0; i < c->n;) {
		size_t n = 0;

		for (; n < AT_ONCE && i < c->n; n++, i++)
			docs[n] = (struct ragd_document){ .id = c->docs[i].id,
							  .title = c->docs[i].title,
							  .content = c->docs[i].text };
		arena_reset(call->arena);
		if (store_put(s, &call->call, "bench", docs, n, results, &err) < 0) {
			fprintf(stderr, "put: %s\n", err.msg);
			exit(1);
		}
	}
	free(results);
	free(docs);
}

static void run_store(const struct corpus *c, struct timing *added, struct timing *ready,
		      struct timing *again)
{
	char dir[] = "/tmp/bench_add.XXXXXX";
	struct store_options options = { .dir = dir, .weight_vector = -1 };
	struct ragd_retrieval_stats st;
	struct ragd_err err = { 0 };
	struct test_call call;
	struct store *s;

	if (mkdtemp(dir) == NULL || store_open(&options, &s, &err) < 0) {
		fprintf(stderr, "open: %s\n", err.msg);
		exit(1);
	}
	test_call_init(&call);
	start(added);
	*ready = *added;
	add_all(s, &call, c);
	stop(added);
	if (store_settle(s, &err) < 0)
		fprintf(stderr, "settle: %s\n", err.msg);
	stop(ready);
	start(again);
	add_all(s, &call, c);
	stop(again);
	store_stats(s, &test_admin, &st);
	printf("store: %llu documents, %llu passages, %llu vectors of %u, %.1f MB on disk\n",
	       (unsigned long long)st.n_documents, (unsigned long long)st.n_passages,
	       (unsigned long long)st.n_vectors, st.dim, (double)st.n_bytes / 1e6);
	store_close(s);
	test_call_fini(&call);
	test_remove_dir(dir);
}

static void run_plain(const struct corpus *c, struct timing *t)
{
	char dir[] = "/tmp/bench_add.XXXXXX", path[64];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *h = NULL;

	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(path, sizeof(path), "%s/plain.sqlite", dir);
	if (sqlite3_open(path, &h) != SQLITE_OK ||
	    sqlite3_exec(h,
			 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			 "CREATE VIRTUAL TABLE t USING fts5(title, body, tokenize = 'porter')",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(h, "INSERT INTO t VALUES(?1, ?2)", -1, &stmt, NULL) != SQLITE_OK) {
		fprintf(stderr, "plain: %s\n", sqlite3_errmsg(h));
		exit(1);
	}
	start(t);
	for (size_t i = 0; i < c->n; i++) {
		if (i % AT_ONCE == 0)
			sqlite3_exec(h, "BEGIN", NULL, NULL, NULL);
		sqlite3_bind_text(stmt, 1, c->docs[i].title.s, (int)c->docs[i].title.len, NULL);
		sqlite3_bind_text(stmt, 2, c->docs[i].text.s, (int)c->docs[i].text.len, NULL);
		sqlite3_step(stmt);
		sqlite3_reset(stmt);
		if (i % AT_ONCE == AT_ONCE - 1 || i == c->n - 1)
			sqlite3_exec(h, "COMMIT", NULL, NULL, NULL);
	}
	stop(t);
	sqlite3_finalize(stmt);
	sqlite3_close(h);
	test_remove_dir(dir);
}

static void say(const char *what, double mb, const struct timing *t)
{
	printf("%-28s %7.1f MB/s  %6.2f s wall  %6.2f s CPU\n", what, mb * 1e6 / (double)t->wall,
	       (double)t->wall / 1e6, (double)t->cpu / 1e6);
}

int main(int argc, char **argv)
{
	double want = argc > 1 ? strtod(argv[1], NULL) : 10;
	struct timing added, ready, again, plain;
	struct corpus c = { 0 };
	double mb;

	if (corpus_load(&c, (size_t)(want * 1e6)) < 0) {
		printf("SKIP: bench_add needs the documents of ../shared/retrieval\n");
		return 0;
	}
	mb = (double)c.bytes / 1e6;
	printf("%zu documents, %.1f MB of Markdown and text\n", c.n, mb);
	run_store(&c, &added, &ready, &again);
	run_plain(&c, &plain);
	say("plain FTS5 porter", mb, &plain);
	say("store, added and found", mb, &added);
	say("store, with vectors", mb, &ready);
	say("store, again unchanged", mb, &again);
	printf("ratio to plain FTS5: %.2f (wall), %.2f (CPU)\n",
	       (double)plain.wall / (double)ready.wall, (double)plain.cpu / (double)ready.cpu);
	corpus_fini(&c);
	return 0;
}
