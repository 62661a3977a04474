#include "tests/bench/corpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define DOC_BYTES 8000 /* of a document cut from a longer file */

static FILE *open_shared(const char *name)
{
	const char *src = getenv("RAGD_SRCDIR");
	char path[1024];

	snprintf(path, sizeof(path), "%s/../shared/retrieval/%s", src != NULL ? src : ".", name);
	return fopen(path, "r");
}

static char *copy(const char *s, size_t len)
{
	char *p = malloc(len + 1);

	if (p == NULL)
		abort(); /* a benchmark without memory */
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

static void add(struct corpus *c, const char *suffix, const char *title, size_t title_len,
		const char *text, size_t len)
{
	struct corpus_doc *d;
	char id[48];
	int n = snprintf(id, sizeof(id), "doc-%06zu%s", c->n, suffix);

	if ((c->n & (c->n - 1)) == 0) {
		struct corpus_doc *p = realloc(c->docs, (c->n * 2 + 1) * sizeof(*p));

		if (p == NULL)
			abort();
		c->docs = p;
	}
	d = &c->docs[c->n++];
	d->id = (struct ragd_str){ copy(id, (size_t)n), (size_t)n };
	d->title = (struct ragd_str){ copy(title, title_len), title_len };
	d->text = (struct ragd_str){ copy(text, len), len };
	c->bytes += len;
}

/* A file cut at headings, or at blank lines, after DOC_BYTES. */
static int load_markdown(struct corpus *c, const char *name)
{
	FILE *f = open_shared(name);
	char *line = NULL, *text = NULL;
	size_t cap = 0, len = 0;
	ssize_t n;

	if (f == NULL)
		return -ENOENT;
	text = malloc(4 * DOC_BYTES + (1 << 20));
	while (text != NULL && (n = getline(&line, &cap, f)) > 0) {
		if (len > DOC_BYTES && (line[0] == '#' || line[0] == '\n')) {
			add(c, ".md", "", 0, text, len);
			len = 0;
		}
		if (len + (size_t)n < 4 * DOC_BYTES + (1 << 20)) {
			memcpy(text + len, line, (size_t)n);
			len += (size_t)n;
		}
	}
	if (len > 0)
		add(c, ".md", "", 0, text, len);
	free(text);
	free(line);
	fclose(f);
	return 0;
}

static int load_lines(struct corpus *c, const char *name)
{
	FILE *f = open_shared(name);
	json_error_t why;
	json_t *line;

	if (f == NULL)
		return -ENOENT;
	while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why)) != NULL) {
		const json_t *title = json_object_get(line, "title");
		const json_t *text = json_object_get(line, "text");

		if (json_is_string(text))
			add(c, ".txt", json_is_string(title) ? json_string_value(title) : "",
			    json_string_length(title), json_string_value(text),
			    json_string_length(text));
		json_decref(line);
	}
	fclose(f);
	return 0;
}

/* Each copy has words of its own, as other documents would: every long word gets a letter. */
static void add_again(struct corpus *c, const struct corpus_doc *d, char letter, const char *suffix)
{
	char *text = malloc(d->text.len * 2 + 1);
	size_t len = 0, run = 0;

	if (text == NULL)
		abort();
	for (size_t i = 0; i < d->text.len; i++) {
		unsigned char ch = (unsigned char)d->text.s[i];
		int is_letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');

		if (!is_letter && run >= 9)
			text[len++] = letter;
		run = is_letter ? run + 1 : 0;
		text[len++] = (char)ch;
	}
	add(c, suffix, d->title.s, d->title.len, text, len);
	free(text);
}

int corpus_load(struct corpus *c, size_t bytes)
{
	size_t n;

	if (load_markdown(c, "chunking/finance.md") < 0 ||
	    load_markdown(c, "chunking/state_of_the_union.md") < 0 ||
	    load_lines(c, "cranfield/corpus.jsonl") < 0 || load_lines(c, "cisi/corpus.jsonl") < 0 ||
	    load_lines(c, "squad2-dev-a/corpus.jsonl") < 0)
		return -ENOENT;
	n = c->n;
	for (size_t i = 0; n > 0 && c->bytes < bytes; i++) {
		const struct corpus_doc d = c->docs[i % n];
		const char *dot = strrchr(d.id.s, '.');

		add_again(c, &d, (char)('a' + i / n % 26), dot);
	}
	return n > 0 ? 0 : -ENOENT;
}

void corpus_fini(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free((void *)(uintptr_t)c->docs[i].id.s);
		free((void *)(uintptr_t)c->docs[i].title.s);
		free((void *)(uintptr_t)c->docs[i].text.s);
	}
	free(c->docs);
	memset(c, 0, sizeof(*c));
}
