/*
 * How fast the tokenizer and the sentence splitter are, beside ICU's word break iterator over the
 * same text in the same run: ratios mean more than MB/s on a machine that others use too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ubrk.h>
#include <unicode/ustring.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text/sentences.h"
#include "base/text/words.h"
#include "base/util.h"

#define WANTED (8u << 20) /* bytes of text for one round */
#define ROUNDS 3

static void add_file(struct buf *b, const char *dir, const char *name)
{
	char path[4096], chunk[16384];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	fclose(f);
}

/* Milliseconds of the fastest round. */
static double fastest(void (*work)(const struct buf *text, uint64_t *sum), const struct buf *text)
{
	double best = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t sum = 0;
		int64_t from = clock_us();
		double took;

		work(text, &sum);
		took = (double)(clock_us() - from) / 1000;
		if (sum == 0)
			exit(1);
		if (best == 0 || took < best)
			best = took;
	}
	return best;
}

static void run_words(const struct buf *text, uint64_t *sum)
{
	struct words *w = words_new("english");
	struct word word;

	words_start(w, text->data, text->len);
	while (words_next(w, &word))
		*sum += word.n_stem;
	words_free(w);
}

static void run_sentences(const struct buf *text, uint64_t *sum)
{
	struct sentences *s = sentences_new();
	size_t from, to;

	sentences_start(s, text->data, text->len);
	while (sentences_next(s, &from, &to))
		*sum += to - from;
	sentences_free(s);
}

/* Break and fold, without stems, identifiers and stop words. */
static void run_icu(const struct buf *text, uint64_t *sum)
{
	UErrorCode status = U_ZERO_ERROR;
	UText ut = UTEXT_INITIALIZER;
	UBreakIterator *it = ubrk_open(UBRK_WORD, "en", NULL, 0, &status);
	int32_t from, to;

	utext_openUTF8(&ut, text->data, (int64_t)text->len, &status);
	ubrk_setUText(it, &ut, &status);
	from = ubrk_first(it);
	while ((to = ubrk_next(it)) != UBRK_DONE) {
		UChar in[64], out[64];
		int32_t n = 0;

		if (ubrk_getRuleStatus(it) != UBRK_WORD_NONE) {
			u_strFromUTF8(in, ARRAY_LEN(in), &n, text->data + from, to - from, &status);
			*sum += (uint64_t)u_strFoldCase(out, ARRAY_LEN(out), in, n,
							U_FOLD_CASE_DEFAULT, &status);
			status = U_ZERO_ERROR;
		}
		from = to;
	}
	ubrk_close(it);
	utext_close(&ut);
}

static void bench(const char *what, struct buf *one)
{
	struct buf all = BUF_INIT, *text = &all;
	double words, sentences, icu, mb;

	if (one->len == 0) {
		printf("words: %s: not here\n", what);
		return;
	}
	while (all.len < WANTED)
		buf_add(&all, one->data, one->len);
	mb = (double)text->len / 1e6;
	words = fastest(run_words, text);
	sentences = fastest(run_sentences, text);
	icu = fastest(run_icu, text);
	printf("words: %s: words %.0f MB/s, %.1f times ICU's break and fold (%.0f MB/s); "
	       "sentences %.0f MB/s\n",
	       what, mb * 1000 / words, icu / words, mb * 1000 / icu, mb * 1000 / sentences);
	buf_fini(&all);
	buf_fini(one);
}

int main(void)
{
	const char *src = getenv("RAGD_SRCDIR");
	struct buf b = BUF_INIT;

	src = src != NULL ? src : ".";
	add_file(&b, src, "docs/protocol.md");
	add_file(&b, src, "README.md");
	bench("own documents", &b);
	add_file(&b, src, "../shared/retrieval/cranfield/corpus.jsonl");
	add_file(&b, src, "../shared/retrieval/squad2-dev-a/corpus.jsonl");
	bench("English", &b);
	add_file(&b, src, "../shared/retrieval/xquad/ru/corpus.jsonl");
	bench("Russian", &b);
	add_file(&b, src, "../shared/retrieval/xquad/zh/corpus.jsonl");
	bench("Chinese", &b);
	return 0;
}
