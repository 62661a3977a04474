/*
 * How well the store ranks, without a daemon: adds a corpus of {"id","title","text"} lines to a new
 * store, asks its queries, writes a TREC run (best passage of each document), and says how long
 * both took.
 *
 *     search_eval CORPUS.jsonl QUERIES.jsonl RUN.tsv [weight_vector] [dim]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "retrieval/store/store.h"
#include "tests/bench/order.h"
#include "tests/retrieval/calls.h"

#define DEPTH 100

static struct ragd_str member(const json_t *line, const char *name)
{
	const json_t *value = json_object_get(line, name);

	return (struct ragd_str){ json_string_value(value), json_string_length(value) };
}

/* All lines of a file; exits with a message when it cannot be read. */
static json_t *load(const char *path)
{
	json_t *lines = json_array();
	FILE *f = fopen(path, "r");
	json_error_t why;
	json_t *line;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why)) != NULL)
		json_array_append_new(lines, line);
	fclose(f);
	return lines;
}

static void add(struct store *s, struct test_call *call, const json_t *corpus)
{
	size_t n = json_array_size(corpus);
	struct ragd_document *docs = calloc(n, sizeof(*docs));
	struct ragd_put_result *results = calloc(n, sizeof(*results));
	struct ragd_err err = { 0 };
	size_t failed = 0, bytes = 0;
	int64_t start = clock_us();

	for (size_t i = 0; i < n; i++) {
		const json_t *line = json_array_get(corpus, i);

		docs[i].id = member(line, "id");
		docs[i].title = member(line, "title");
		docs[i].content = member(line, "text");
		docs[i].media_type = RAGD_STR("text/plain");
		bytes += docs[i].content.len;
	}
	if (store_put(s, &call->call, "eval", docs, n, results, &err) < 0) {
		fprintf(stderr, "put: %s\n", err.msg);
		exit(1);
	}
	for (size_t i = 0; i < n; i++)
		failed += results[i].status == RAGD_PUT_FAILED;
	fprintf(stderr, "added %zu documents, %zu failed, %.1f MB/s\n", n - failed, failed,
		(double)bytes / (double)(clock_us() - start));
	if (store_settle(s, &err) < 0)
		fprintf(stderr, "learn: %s\n", err.msg);
	fprintf(stderr, "ready after %.1f ms, %.1f MB/s\n", (double)(clock_us() - start) / 1000,
		(double)bytes / (double)(clock_us() - start));
	free(docs);
	free(results);
}

static void ask(struct store *s, struct test_call *call, const json_t *queries, FILE *run)
{
	size_t n = json_array_size(queries);
	int64_t *us = calloc(n + 1, sizeof(*us));

	for (size_t i = 0; i < n; i++) {
		const json_t *line = json_array_get(queries, i);
		struct ragd_query q = { .size = sizeof(q), .k = DEPTH, .per_document = true };
		const struct ragd_hit *hits = NULL;
		struct ragd_err err = { 0 };
		size_t n_hits = 0;

		arena_reset(call->arena);
		q.text = member(line, "text");
		us[i] = clock_us();
		if (store_search(s, &call->call, &q, &hits, &n_hits, &err) < 0) {
			fprintf(stderr, "search: %s\n", err.msg);
			exit(1);
		}
		us[i] = clock_us() - us[i];
		for (size_t h = 0; h < n_hits; h++)
			fprintf(run, "%s Q0 %s %zu %.6f ragd\n", member(line, "id").s,
				hits[h].document, h + 1, (double)hits[h].passage.score);
	}
	qsort(us, n, sizeof(*us), order_int64);
	if (n > 0)
		fprintf(stderr, "asked %zu questions: p50 %lld us, p95 %lld us, max %lld us\n", n,
			(long long)us[n / 2], (long long)us[n * 95 / 100], (long long)us[n - 1]);
	free(us);
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/search_eval.XXXXXX";
	struct store_options options = { .dir = dir, .weight_vector = -1 };
	struct ragd_err err = { 0 };
	struct store *s = NULL;
	struct test_call call;
	json_t *corpus, *queries;
	FILE *run;

	if (argc < 4) {
		fprintf(stderr, "usage: search_eval CORPUS QUERIES RUN [weight_vector] [dim]\n");
		return 2;
	}
	if (argc > 4)
		options.weight_vector = strtod(argv[4], NULL);
	if (argc > 5)
		options.dim = (uint32_t)strtoul(argv[5], NULL, 10);
	corpus = load(argv[1]);
	queries = load(argv[2]);
	run = fopen(argv[3], "w");
	if (run == NULL || mkdtemp(dir) == NULL) {
		perror("search_eval");
		return 1;
	}
	if (store_open(&options, &s, &err) < 0) {
		fprintf(stderr, "open: %s\n", err.msg);
		return 1;
	}
	test_call_init(&call);
	add(s, &call, corpus);
	ask(s, &call, queries, run);
	test_call_fini(&call);
	store_close(s);
	test_remove_dir(dir);
	fclose(run);
	json_decref(corpus);
	json_decref(queries);
	return 0;
}
