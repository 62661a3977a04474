/*
 * Searching: how long a question takes in a store of some ten thousand passages, and how long the
 * store takes to open; beside bm25() of a plain FTS5 table for the same questions and texts.
 *
 *     bench_search [MB]
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "retrieval/store/store.h"
#include "tests/bench/corpus.h"
#include "tests/bench/order.h"
#include "tests/retrieval/calls.h"

#define QUESTIONS 300

static int64_t report(const char *what, int64_t *us)
{
	qsort(us, QUESTIONS, sizeof(*us), order_int64);
	printf("%-28s p50 %6lld us  p95 %6lld us  max %6lld us\n", what,
	       (long long)us[QUESTIONS / 2], (long long)us[QUESTIONS * 95 / 100],
	       (long long)us[QUESTIONS - 1]);
	return us[QUESTIONS / 2];
}

/* A question of a dozen words: a piece out of the middle of a text. */
static struct ragd_str question(const struct corpus *c, size_t i)
{
	struct ragd_str text = c->docs[i * 7919 % c->n].text, q;
	size_t from = text.len / 3;

	while (from < text.len && text.s[from] != ' ')
		from++;
	q.s = text.s + from;
	q.len = text.len - from < 80 ? text.len - from : 80;
	while (q.len > 0 && q.len < text.len - from && (q.s[q.len - 1] & 0x80) != 0)
		q.len--;
	return q;
}

static void put_all(struct store *s, struct test_call *call, const struct corpus *c)
{
	struct ragd_document *docs = calloc(c->n, sizeof(*docs));
	struct ragd_put_result *results = calloc(c->n, sizeof(*results));
	struct ragd_err err = { 0 };

	for (size_t i = 0; i < c->n; i++)
		docs[i] = (struct ragd_document){ .id = c->docs[i].id,
						  .title = c->docs[i].title,
						  .content = c->docs[i].text };
	if (store_put(s, &call->call, "bench", docs, c->n, results, &err) < 0 ||
	    store_settle(s, &err) < 0) {
		fprintf(stderr, "put: %s\n", err.msg);
		exit(1);
	}
	free(docs);
	free(results);
}

static void ask_store(struct store *s, struct test_call *call, const struct corpus *c, int64_t *us)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct ragd_query q = { .size = sizeof(q), .text = question(c, i), .k = 10 };
		const struct ragd_hit *hits;
		size_t n;

		arena_reset(call->arena);
		us[i] = clock_us();
		if (store_search(s, &call->call, &q, &hits, &n, NULL) < 0)
			exit(1);
		us[i] = clock_us() - us[i];
	}
}

static struct store *open_store(const struct store_options *options, const char *what)
{
	struct ragd_err err = { 0 };
	struct store *s = NULL;
	int64_t us = clock_us();

	if (store_open(options, &s, &err) < 0) {
		fprintf(stderr, "open: %s\n", err.msg);
		exit(1);
	}
	printf("%-28s %.1f ms\n", what, (double)(clock_us() - us) / 1000);
	return s;
}

static int64_t run_store(const struct corpus *c)
{
	char dir[] = "/tmp/bench_search.XXXXXX";
	struct store_options options = { .dir = dir, .weight_vector = -1 };
	struct ragd_retrieval_stats st;
	struct test_call call;
	int64_t us[QUESTIONS], p50;
	struct store *s;

	if (mkdtemp(dir) == NULL)
		exit(1);
	test_call_init(&call);
	s = open_store(&options, "open an empty store");
	put_all(s, &call, c);
	store_stats(s, &test_admin, &st);
	printf("%llu passages, %llu vectors of %u\n", (unsigned long long)st.n_passages,
	       (unsigned long long)st.n_vectors, st.dim);
	store_close(s);
	s = open_store(&options, "open it full");
	ask_store(s, &call, c, us);
	report("store, first time", us);
	ask_store(s, &call, c, us);
	p50 = report("store", us);
	store_close(s);
	options.weight_vector = 0;
	s = open_store(&options, "open it for words only");
	ask_store(s, &call, c, us);
	ask_store(s, &call, c, us);
	report("store, words only", us);
	store_close(s);
	test_call_fini(&call);
	test_remove_dir(dir);
	return p50;
}

/* "a OR b OR c" of the letters and digits of the question. */
static void make_match(struct ragd_str q, char *out, size_t size)
{
	size_t len = 0;
	bool in = false;

	for (size_t i = 0; i < q.len && len + 16 < size; i++) {
		bool word = isalnum((unsigned char)q.s[i]) != 0;

		if (word && !in)
			len += (size_t)snprintf(out + len, size - len, "%s\"",
						len > 0 ? "\" OR " : "");
		if (word)
			out[len++] = q.s[i];
		in = word;
	}
	snprintf(out + len, size - len, len > 0 ? "\"" : "\"none\"");
}

static int64_t run_plain(const struct corpus *c)
{
	int64_t us[QUESTIONS];
	sqlite3_stmt *stmt = NULL;
	sqlite3 *h = NULL;
	char match[2048];

	if (sqlite3_open(":memory:", &h) != SQLITE_OK ||
	    sqlite3_exec(h,
			 "CREATE VIRTUAL TABLE t USING fts5(title, body, tokenize = 'porter');"
			 "BEGIN",
			 NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(h, "INSERT INTO t VALUES(?1, ?2)", -1, &stmt, NULL) != SQLITE_OK)
		exit(1);
	for (size_t i = 0; i < c->n; i++) {
		sqlite3_bind_text(stmt, 1, c->docs[i].title.s, (int)c->docs[i].title.len, NULL);
		sqlite3_bind_text(stmt, 2, c->docs[i].text.s, (int)c->docs[i].text.len, NULL);
		sqlite3_step(stmt);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	sqlite3_exec(h, "COMMIT", NULL, NULL, NULL);
	if (sqlite3_prepare_v2(h, "SELECT rowid FROM t WHERE t MATCH ?1 ORDER BY bm25(t) LIMIT 10",
			       -1, &stmt, NULL) != SQLITE_OK)
		exit(1);
	for (size_t i = 0; i < QUESTIONS; i++) {
		make_match(question(c, i), match, sizeof(match));
		us[i] = clock_us();
		sqlite3_bind_text(stmt, 1, match, -1, NULL);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			;
		sqlite3_reset(stmt);
		us[i] = clock_us() - us[i];
	}
	sqlite3_finalize(stmt);
	sqlite3_close(h);
	return report("plain FTS5 bm25(), in memory", us);
}

int main(int argc, char **argv)
{
	double mb = argc > 1 ? strtod(argv[1], NULL) : 8;
	struct corpus c = { 0 };
	int64_t ours, plain;

	if (corpus_load(&c, (size_t)(mb * 1e6)) < 0) {
		printf("SKIP: bench_search needs the documents of ../shared/retrieval\n");
		return 0;
	}
	ours = run_store(&c);
	plain = run_plain(&c);
	printf("ratio to plain FTS5: %.1f (p50)\n", (double)plain / (double)(ours > 0 ? ours : 1));
	corpus_fini(&c);
	return 0;
}
