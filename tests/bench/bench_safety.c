/*
 * What the filter costs: start, a prompt, a stream in pieces, a sentence's support. Times are best
 * of several, and stand beside one pass of memchr over the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/util.h"
#include "safety/grounding/ground.h"
#include "safety/stream/filter.h"
#include "safety/stream/filter_stream.h"
#include "tests/safety/claim_english.h"

#define ROUNDS 7
#define REPEAT 400

static struct stop_check stop; /* that nobody stops */

static const char prose[] =
	"The event loop is the central part of the library. It takes care of polling for I/O and "
	"scheduling "
	"callbacks to be run based on different sources of events. How can I change the size of "
	"the thread "
	"pool? Set the environment variable before the first use; its default is 4 and the maximum "
	"1,024. "
	"You could also call uv_queue_work (see chapter 3.2), which runs user code on a thread of "
	"the pool. "
	"All other functions are not safe to use from several threads at once. In 2019 the "
	"documentation "
	"was rewritten by people from many countries; write to the list if you find a mistake. A "
	"handle is "
	"closed with uv_close: after its callback ran, memory can be freed, not before. ";

static struct arena *arena;

static void *alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	(void)call;
	return arena_alloc(arena, n, size);
}

static const struct ragd_call call = { .size = sizeof(call), .alloc = alloc_cb };

static void fail(const struct ragd_err *err)
{
	fprintf(stderr, "bench_safety: %s\n", err->msg);
	exit(1);
}

static double start_ms(const struct filter_config *cfg, struct filter **out)
{
	struct ragd_err err = { 0 };
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t t = clock_us();

		filter_close(*out);
		if (filter_open(cfg, out, &err) < 0)
			fail(&err);
		best = MIN(best, (double)(clock_us() - t) / 1e3);
	}
	return best;
}

static double lexicon_ms(struct claim_lexicon **out)
{
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t t = clock_us();

		claim_lexicon_close(*out);
		*out = claim_english_open();
		if (*out == NULL)
			exit(1);
		best = MIN(best, (double)(clock_us() - t) / 1e3);
	}
	return best;
}

/* A result that the compiler cannot leave out. */
static volatile size_t sunk;

static double memchr_us(const char *text, size_t len)
{
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t t = clock_us();

		for (int k = 0; k < REPEAT * 10; k++)
			sunk += memchr(text, '\1' + k % 5, len) != NULL;
		best = MIN(best, (double)(clock_us() - t) / REPEAT / 10);
	}
	return best;
}

static double check_us(struct filter *f, enum ragd_stage stage, const char *text, size_t len)
{
	struct ragd_screen screen = { .size = sizeof(screen),
				      .stage = stage,
				      .text = { text, len } };
	struct ragd_err err = { 0 };
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t t = clock_us();

		for (int k = 0; k < REPEAT; k++) {
			struct ragd_verdict v;

			arena_reset(arena);
			if (filter_check(f, &call, &screen, &v, &err) < 0)
				fail(&err);
		}
		best = MIN(best, (double)(clock_us() - t) / REPEAT);
	}
	return best;
}

static double feed_us(struct filter *f, const char *text, size_t len, size_t piece)
{
	struct ragd_screen screen = { .size = sizeof(screen), .stage = RAGD_STAGE_RESPONSE };
	struct ragd_err err = { 0 };
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t t = clock_us();
		size_t n = 0;

		for (int k = 0; k < REPEAT / 4; k++) {
			struct filter_stream *s = filter_stream_open(f, RAGD_STAGE_RESPONSE);

			filter_stream_evidence(s, &screen);
			for (size_t at = 0; at < len; at += piece, n++) {
				struct ragd_release r;

				arena_reset(arena);
				if (filter_stream_feed(s, &call, text + at, MIN(piece, len - at),
						       at + piece >= len, &r, &err) < 0)
					fail(&err);
			}
			filter_stream_close(s);
		}
		best = MIN(best, (double)(clock_us() - t) / (double)n);
	}
	return best;
}

static void ground_us(const struct claim_lexicon *lexicon, double *open, double *check)
{
	static const char claim[] =
		"The default size of the thread pool is 4 and its maximum is 1024.";
	struct ragd_passage passages[8];
	struct ragd_screen screen = { .size = sizeof(screen),
				      .stage = RAGD_STAGE_RESPONSE,
				      .question = RAGD_STR("How large is the thread pool?"),
				      .passages = passages,
				      .n_passages = ARRAY_LEN(passages) };
	struct ragd_err err = { 0 };
	int64_t t;

	for (size_t i = 0; i < ARRAY_LEN(passages); i++)
		passages[i] = (struct ragd_passage){ .text = RAGD_STR(prose) };
	*open = *check = 1e9;
	for (int i = 0; i < ROUNDS; i++) {
		struct ground *g;

		t = clock_us();
		if (ground_new(&screen, lexicon, &stop, &g, &err) < 0)
			fail(&err);
		*open = MIN(*open, (double)(clock_us() - t));
		t = clock_us();
		for (int k = 0; k < REPEAT; k++) {
			struct ground_support s;
			enum ground_verdict v;

			ground_check(g, claim, sizeof(claim) - 1, 0, 0.6f, &stop, &v, &s);
			sunk += s.start;
		}
		*check = MIN(*check, (double)(clock_us() - t) / REPEAT);
		ground_free(g);
	}
}

int main(void)
{
	const char *src = getenv("RAGD_SRCDIR");
	struct filter_config cfg = { .level = LEVEL_BALANCED, .undo = true, .links = true };
	struct filter *f = NULL;
	char rules[4096], kib[1024];
	double start, base, prompt, document, words, open, check;
	struct claim_lexicon *lexicon = NULL;

	for (size_t i = 0; i < sizeof(kib); i++)
		kib[i] = prose[i % (sizeof(prose) - 1)];
	snprintf(rules, sizeof(rules), "%s/data/rules", src != NULL ? src : ".");
	filter_defaults(cfg.level, cfg.stage);
	cfg.rules = rules;
	arena = arena_new(16 << 20);
	start = start_ms(&cfg, &f);
	base = memchr_us(kib, sizeof(kib));
	prompt = check_us(f, RAGD_STAGE_PROMPT, kib, sizeof(kib));
	document = check_us(f, RAGD_STAGE_DOCUMENT, kib, sizeof(kib));
	printf("safety: start, nothing cached: %.1f ms\n", start);
	printf("safety: prompt of 1 KiB: %.1f us, %.0f times memchr\n", prompt, prompt / base);
	printf("safety: passage of 1 KiB: %.1f us, %.0f times memchr\n", document, document / base);
	for (size_t piece = 4; piece <= 256; piece *= 8) {
		double us = feed_us(f, kib, sizeof(kib), piece);

		printf("safety: stream, a piece of %zu bytes: %.2f us, %.0f times memchr\n", piece,
		       us, us * (double)sizeof(kib) / (double)piece / base);
	}
	words = lexicon_ms(&lexicon);
	printf("safety: start, words of a language: %.2f ms\n", words);
	ground_us(lexicon, &open, &check);
	printf("safety: evidence of 8 passages taken apart: %.0f us; a sentence checked: %.1f us\n",
	       open, check);
	claim_lexicon_close(lexicon);
	filter_close(f);
	arena_free(arena);
	return 0;
}
