/*
 * peer LIBDIR MODEL THREADS RUNS [MEASURE …]: llama.cpp's own speed, through the C API of its
 * shared libraries (LIBDIR holds libllama, libggml and its processor backends), so that a table can
 * set it beside ours. Prints one JSON object of medians.
 *
 *   pp128, pp512   prompt tokens/s, one batch
 *   tg64           generated tokens/s, one by one
 *   tg64x8         generated tokens/s of 8 sequences in one batch, all together
 *   ttft3000       milliseconds for a prompt of 3,000 tokens and the logits after it
 *
 * No header of the peer is needed: parameters pass as opaque blocks, larger than the structures
 * are. The few fields that are set stand at the front of llama_context_params: context, batch,
 * micro-batch, sequences; the thread counts are the first two neighbours that have the library's
 * default, 4.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/bench/order.h"

#define RUNS_MAX 32

struct params {
	int32_t words[128];
};

/* llama_batch, which is passed by value. */
struct batch {
	int32_t n_tokens;
	int32_t *token;
	float *embd;
	int32_t *pos;
	int32_t *n_seq_id;
	int32_t **seq_id;
	int8_t *logits;
};

static struct {
	void (*log_set)(void (*)(int, const char *, void *), void *);
	void (*backend_init)(void);
	struct params (*model_defaults)(void);
	struct params (*context_defaults)(void);
	void *(*model_load)(const char *, struct params);
	void *(*context_new)(void *, struct params);
	void (*context_free)(void *);
	int32_t (*decode)(void *, struct batch);
	struct batch (*batch_init)(int32_t, int32_t, int32_t);
	void (*batch_free)(struct batch);
	void *(*memory)(void *);
	void (*memory_clear)(void *, bool);
	float *(*logits)(void *, int32_t);
} llama;

static void quiet(int level, const char *text, void *arg)
{
	(void)arg;
	if (level >= 4) /* errors */
		fputs(text, stderr);
}

static void *open_library(const char *dir, const char *prefix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];
	void *handle = NULL;

	while (d != NULL && handle == NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
		if (handle == NULL)
			fprintf(stderr, "peer: %s\n", dlerror());
	}
	if (d != NULL)
		closedir(d);
	return handle;
}

static bool find(void *library, const char *name, void *to)
{
	void *symbol = dlsym(library, name);

	if (symbol == NULL)
		fprintf(stderr, "peer: %s\n", dlerror());
	memcpy(to, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool open_peer(const char *dir)
{
	void *base = open_library(dir, "libggml-base");
	void *ggml = open_library(dir, "libggml."), *lib = open_library(dir, "libllama.");
	void (*load_backends)(const char *);

	if (base == NULL || ggml == NULL || lib == NULL ||
	    !find(ggml, "ggml_backend_load_all_from_path", &load_backends) ||
	    !find(lib, "llama_log_set", &llama.log_set) ||
	    !find(lib, "llama_backend_init", &llama.backend_init) ||
	    !find(lib, "llama_model_default_params", &llama.model_defaults) ||
	    !find(lib, "llama_context_default_params", &llama.context_defaults) ||
	    !find(lib, "llama_model_load_from_file", &llama.model_load) ||
	    !find(lib, "llama_init_from_model", &llama.context_new) ||
	    !find(lib, "llama_free", &llama.context_free) ||
	    !find(lib, "llama_decode", &llama.decode) ||
	    !find(lib, "llama_batch_init", &llama.batch_init) ||
	    !find(lib, "llama_batch_free", &llama.batch_free) ||
	    !find(lib, "llama_get_memory", &llama.memory) ||
	    !find(lib, "llama_memory_clear", &llama.memory_clear) ||
	    !find(lib, "llama_get_logits_ith", &llama.logits))
		return false;
	llama.log_set(quiet, NULL);
	load_backends(dir);
	llama.backend_init();
	return true;
}

static void *new_context(void *model, int threads, int tokens, int sequences)
{
	struct params p = llama.context_defaults();
	int at = 0;

	for (int i = 4; i < 12 && at == 0; i++)
		if (p.words[i] == 4 && p.words[i + 1] == 4)
			at = i;
	if (at == 0) {
		fprintf(stderr, "peer: the context's parameters look different in this release\n");
		return NULL;
	}
	p.words[0] = tokens;
	p.words[1] = p.words[2] = 512;
	p.words[3] = sequences;
	p.words[at] = p.words[at + 1] = threads;
	return llama.context_new(model, p);
}

/* The same ids as everybody's: any will do, weights are random. */
static int32_t id_at(int i)
{
	return i == 0 ? 1 : 300 + i * 7919 % 20000;
}

/* Tokens [first, first + n) of each of n_seq sequences, and the last one's logits. */
static bool feed(void *ctx, int first, int n, int n_seq)
{
	struct batch b = llama.batch_init(n * n_seq, 0, 1);
	bool ok;

	for (int s = 0; s < n_seq; s++)
		for (int i = 0; i < n; i++) {
			int at = b.n_tokens++;

			b.token[at] = id_at(first + i + s);
			b.pos[at] = first + i;
			b.n_seq_id[at] = 1;
			b.seq_id[at][0] = s;
			b.logits[at] = i == n - 1;
		}
	ok = llama.decode(ctx, b) == 0 && llama.logits(ctx, -1) != NULL;
	llama.batch_free(b);
	return ok;
}

static bool prompt(void *ctx, int n)
{
	bool ok = true;

	for (int at = 0; ok && at < n; at += 512)
		ok = feed(ctx, at, MIN(n - at, 512), 1);
	return ok;
}

static bool generate(void *ctx, int n, int n_seq)
{
	bool ok = true;

	for (int i = 0; ok && i < n; i++)
		ok = feed(ctx, i, 1, n_seq);
	return ok;
}

static const struct measure {
	const char *name;
	int n_prompt, n_generate, n_seq;
	bool time; /* milliseconds rather than tokens/s */
} measures[] = {
	{ "pp512", 512, 0, 1, false },    { "pp128", 128, 0, 1, false },
	{ "tg64", 0, 64, 1, false },      { "tg64x8", 0, 64, 8, false },
	{ "ttft3000", 3000, 0, 1, true },
};

static bool measure(void *model, int threads, int runs, const struct measure *m, double *out)
{
	void *ctx = new_context(model, threads, MAX(m->n_prompt, 128 * m->n_seq) + 128, m->n_seq);
	double values[RUNS_MAX];
	bool ok = ctx != NULL;

	for (int r = -1; ok && r < runs; r++) { /* the first warms up */
		int64_t from;
		double s;

		llama.memory_clear(llama.memory(ctx), true);
		from = clock_us();
		ok = prompt(ctx, m->n_prompt) && generate(ctx, m->n_generate, m->n_seq);
		s = (double)(clock_us() - from) / 1e6;
		if (r >= 0)
			values[r] =
				m->time ? s * 1000 : (m->n_prompt + m->n_generate * m->n_seq) / s;
	}
	if (ctx != NULL)
		llama.context_free(ctx);
	if (!ok)
		return false;
	qsort(values, (size_t)runs, sizeof(*values), order_double);
	*out = values[runs / 2];
	return true;
}

static bool wanted(const char *name, char **names)
{
	bool any = *names != NULL;

	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return !any;
}

int main(int argc, char **argv)
{
	int threads = argc > 4 ? atoi(argv[3]) : 0, runs = argc > 4 ? atoi(argv[4]) : 0;
	const char *comma = "";
	void *model;

	if (threads < 1 || runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: peer LIBDIR MODEL THREADS RUNS [MEASURE …]\n");
		return 2;
	}
	if (!open_peer(argv[1]))
		return 1;
	model = llama.model_load(argv[2], llama.model_defaults());
	if (model == NULL) {
		fprintf(stderr, "peer: cannot load '%s'\n", argv[2]);
		return 1;
	}
	printf("{");
	for (size_t i = 0; i < ARRAY_LEN(measures); i++) {
		double value;

		if (!wanted(measures[i].name, argv + 5))
			continue;
		if (!measure(model, threads, runs, &measures[i], &value)) {
			fprintf(stderr, "peer: %s failed\n", measures[i].name);
			return 1;
		}
		printf("%s\"%s\":%.2f", comma, measures[i].name, value);
		comma = ",";
	}
	printf("}\n");
	return 0;
}
