/*
 * How long the extractive reader takes for ten passages of a thousand bytes, beside merely taking
 * them apart into words in the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text/words.h"
#include "base/util.h"
#include "engine/reader/extract.h"
#include "tests/bench/order.h"
#include "tests/engine/reader/english.h"

#define PASSAGES 10
#define BYTES    1000
#define ROUNDS   2000

static const char *const questions[] = {
	"What is the default of the body limit, and how do I change it?",
	"Which status tells that the queue is full?",
	"Who may rate an answer?",
	"How many documents does one request take?",
	"Does closing the connection cancel the work?",
};

int main(void)
{
	static int64_t took[ROUNDS], words_took[ROUNDS];
	const struct extract_options options = { .max_sentences = 3, .threshold = 0.4 };
	const char *src = getenv("RAGD_SRCDIR");
	struct ragd_passage passages[PASSAGES];
	struct lexicon *lexicon = english_open();
	struct extract_reader *x = lexicon != NULL ? extract_new("english", lexicon) : NULL;
	struct words *w = words_new("english");
	struct buf b = BUF_INIT;
	char path[4096], chunk[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/protocol.md", src != NULL ? src : ".");
	f = fopen(path, "re");
	while (f != NULL && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	if (f == NULL || x == NULL || w == NULL || b.len < BYTES * 2) {
		printf("extract: docs/protocol.md is not here\n");
		return 1;
	}
	fclose(f);
	for (size_t i = 0; i < PASSAGES; i++)
		passages[i] = (struct ragd_passage){
			.title = RAGD_STR("The protocol"),
			.text = { b.data + i * (b.len - BYTES) / PASSAGES, BYTES },
			.score = (float)(PASSAGES - i),
		};
	for (size_t i = 0; i < ROUNDS; i++) {
		const char *q = questions[i % ARRAY_LEN(questions)];
		struct extract_pick picks[EXTRACT_MAX];
		int64_t from = clock_us();
		struct word word;
		double sure;

		if (extract_read(x, (struct ragd_str){ q, strlen(q) }, passages, PASSAGES, &options,
				 NULL, picks, &sure) < 0)
			return 1;
		took[i] = clock_us() - from;
		from = clock_us();
		for (size_t p = 0; p < PASSAGES; p++) {
			words_start(w, passages[p].text.s, passages[p].text.len);
			while (words_next(w, &word))
				;
		}
		words_took[i] = clock_us() - from;
	}
	qsort(took, ROUNDS, sizeof(*took), order_int64);
	qsort(words_took, ROUNDS, sizeof(*words_took), order_int64);
	printf("extract: 10 passages of 1000 bytes: p50 %lld us, p99 %lld us; %.1f times their "
	       "words alone\n",
	       (long long)took[ROUNDS / 2], (long long)took[ROUNDS * 99 / 100],
	       (double)took[ROUNDS / 2] / (double)MAX(words_took[ROUNDS / 2], 1));
	extract_free(x);
	lexicon_close(lexicon);
	words_free(w);
	buf_fini(&b);
	return 0;
}
