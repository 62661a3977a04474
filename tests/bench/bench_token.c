/*
 * How long a vocabulary takes to open and a prompt of some 3,000 tokens to encode, beside copying
 * its bytes in the same run, and a long run of one letter, which takes little more than twice as
 * long as half of it. Vocabularies are given as arguments, or those of ../shared/models.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/token/vocab.h"
#include "tests/bench/order.h"

#define PROMPT_BYTES 12000
#define ROUNDS       200
#define OPENS        9
#define RUN_BYTES    (1u << 20)

static int64_t median(int64_t *took, size_t n)
{
	qsort(took, n, sizeof(*took), order_int64);
	return took[n / 2];
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Bytes that malloc() has handed out; 0 where nobody counts them. */
static size_t allocated(void)
{
#ifdef __GLIBC__
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#else
	return 0;
#endif
}

static int read_text(struct buf *b)
{
	const char *src = getenv("RAGD_SRCDIR");
	char path[4096], chunk[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/safety.md", src != NULL ? src : ".");
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	fclose(f);
	return buf_failed(b) || b->len < PROMPT_BYTES ? -1 : 0;
}

static int bench_open(const char *path, struct vocab **out)
{
	int64_t took[OPENS];
	struct ragd_err err;
	struct gguf *g;
	size_t before, after = 0;

	if (gguf_open(path, &g, &err) < 0) {
		printf("%s\n", err.msg);
		return -1;
	}
	before = allocated();
	for (size_t i = 0; i < OPENS; i++) {
		int64_t from = now_ns();

		if (vocab_open(g, out, &err) < 0) {
			printf("%s: %s\n", path, err.msg);
			gguf_close(g);
			return -1;
		}
		took[i] = now_ns() - from;
		if (i == 0)
			after = allocated();
		if (i + 1 < OPENS)
			vocab_close(*out);
	}
	printf("  open: %u tokens in %.1f ms, %.1f MB\n", (unsigned)vocab_size(*out),
	       (double)median(took, OPENS) / 1e6,
	       after > before ? (double)(after - before) / 1e6 : 0.0);
	gguf_close(g);
	return 0;
}

static int64_t encode_ns(const struct vocab *v, struct ragd_str text, size_t rounds, size_t *n)
{
	int64_t *took = calloc(rounds, sizeof(*took)), result;
	struct tokens t = { 0 };

	for (size_t i = 0; took != NULL && i < rounds; i++) {
		int64_t from = now_ns();

		t.n = 0;
		if (vocab_encode(v, text, VOCAB_ENDS, &t, NULL) < 0)
			exit(1);
		took[i] = now_ns() - from;
	}
	*n = t.n;
	result = took != NULL ? median(took, rounds) : 0;
	tokens_fini(&t);
	free(took);
	return result;
}

static int64_t copy_ns(struct ragd_str text)
{
	static char to[PROMPT_BYTES];
	int64_t took[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		int64_t from = now_ns();

		for (int k = 0; k < 100; k++) {
			memcpy(to, text.s, text.len);
			__asm__ volatile("" : : "r"(to) : "memory");
		}
		took[i] = (now_ns() - from) / 100;
	}
	return median(took, ROUNDS);
}

static int bench(const char *path, struct ragd_str prompt)
{
	char *letters = malloc(RUN_BYTES);
	int64_t prompt_ns, half_ns, run_ns, memcpy_ns = copy_ns(prompt);
	struct vocab *v;
	size_t n, n_run;

	if (letters == NULL)
		return -1;
	printf("%s\n", path);
	if (bench_open(path, &v) < 0) {
		free(letters);
		return -1;
	}
	prompt_ns = encode_ns(v, prompt, ROUNDS, &n);
	printf("  prompt: %zu bytes, %zu tokens in %.3f ms: %.1f million tokens/s, %.1f MB/s, "
	       "%.0f times a memcpy\n",
	       prompt.len, n, (double)prompt_ns / 1e6, (double)n * 1e3 / (double)prompt_ns,
	       (double)prompt.len * 1e3 / (double)prompt_ns,
	       (double)prompt_ns / (double)MAX(memcpy_ns, 1));
	memset(letters, 'a', RUN_BYTES);
	half_ns = encode_ns(v, (struct ragd_str){ letters, RUN_BYTES / 2 }, 3, &n_run);
	run_ns = encode_ns(v, (struct ragd_str){ letters, RUN_BYTES }, 3, &n_run);
	printf("  one letter: 1 MiB in %.0f ms, %.2f times half of it\n", (double)run_ns / 1e6,
	       (double)run_ns / (double)MAX(half_ns, 1));
	free(letters);
	vocab_close(v);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "llama-bpe", "qwen2", "llama-spm", "bert-bge" };
	const char *src = getenv("RAGD_SRCDIR");
	struct buf text = BUF_INIT;
	struct ragd_str prompt;
	int rc = 0;

	if (read_text(&text) < 0) {
		printf("token: docs/safety.md is not here\n");
		return 1;
	}
	prompt = (struct ragd_str){ text.data, PROMPT_BYTES };
	for (int i = 1; i < argc; i++)
		rc |= bench(argv[i], prompt);
	for (size_t i = 0; argc == 1 && i < ARRAY_LEN(names); i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/../shared/models/tokenizers/ggml-vocab-%s.gguf",
			 src != NULL ? src : ".", names[i]);
		if (access(path, R_OK) == 0)
			rc |= bench(path, prompt);
		else
			printf("token: no %s; name vocabularies as arguments\n", path);
	}
	buf_fini(&text);
	return rc != 0;
}
