/*
 * A made corpus as files, and questions to it: what the scripts here feed to a real daemon.
 *
 *     corpus_files DIR FROM_MB TO_MB       the documents in that part of the corpus, a file each
 *     corpus_files questions N             N lines of ten words out of its texts
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/corpus.h"

#define QUESTION_WORDS 10

static void corpus_need(struct corpus *c, double mb)
{
	if (corpus_load(c, (size_t)(mb * 1e6)) == 0)
		return;
	fprintf(stderr, "corpus_files: the documents of ../shared/retrieval are not there\n");
	exit(1);
}

static void document_write(const char *dir, const struct corpus_doc *d)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, d->id.s);
	f = fopen(path, "w");
	if (f == NULL || fwrite(d->text.s, 1, d->text.len, f) != d->text.len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void write_part(const char *dir, double from_mb, double to_mb)
{
	struct corpus c = { 0 };
	double at = 0;

	corpus_need(&c, to_mb);
	for (size_t i = 0; i < c.n && at < to_mb * 1e6; at += (double)c.docs[i++].text.len)
		if (at >= from_mb * 1e6)
			document_write(dir, &c.docs[i]);
	corpus_fini(&c);
}

/* Letters and single spaces only, so that it is a string of JSON as it stands. */
static void question_print(struct ragd_str text)
{
	int n_words = 0;
	char last = ' ';

	size_t at = text.len / 3;

	while (at < text.len && text.s[at] != ' ')
		at++;
	for (size_t i = at; i < text.len && n_words < QUESTION_WORDS; i++) {
		char ch = isalpha((unsigned char)text.s[i]) ? text.s[i] : ' ';

		n_words += ch == ' ' && last != ' ';
		if (n_words < QUESTION_WORDS && (ch != ' ' || last != ' '))
			putchar(ch);
		last = ch;
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct corpus c = { 0 };

	if (argc == 4) {
		write_part(argv[1], strtod(argv[2], NULL), strtod(argv[3], NULL));
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "questions") != 0) {
		fprintf(stderr, "usage: corpus_files DIR FROM_MB TO_MB\n"
				"       corpus_files questions N\n");
		return 2;
	}
	corpus_need(&c, 1);
	for (size_t i = 0, n = strtoul(argv[2], NULL, 10); i < n; i++)
		question_print(c.docs[i * 7919 % c.n].text);
	corpus_fini(&c);
	return 0;
}
