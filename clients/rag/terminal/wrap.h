/* Text that arrives in pieces, as lines that fit the terminal. */
#ifndef RAG_WRAP_H
#define RAG_WRAP_H

#include "clients/rag/terminal/out.h"

#define WRAP_MARKS_MAX 8

struct wrap {
	struct out *out;
	unsigned indent; /* columns before each line */
	unsigned col;    /* where the next character goes */
	unsigned spaces; /* seen, and written only if a word follows on the line */
	char *word;      /* whole characters, since the last break */
	size_t word_len, word_cap;
	unsigned word_cols;
	size_t n_chars; /* of the text so far, the word too */
	size_t word_at; /* the character the word begins with */
	struct {
		size_t from, to;
	} marks[WRAP_MARKS_MAX]; /* the last ones */
	unsigned n_marks;
	bool ended_line;
};

void wrap_init(struct wrap *w, struct out *out, unsigned indent);
/*
 * The characters from..to of the whole text are a mark, to be shown in its colour; before they
 * arrive.
 */
void wrap_mark(struct wrap *w, size_t from, size_t to);
/* Whole characters only. */
void wrap_text(struct wrap *w, const char *s, size_t len);
/* What is left, and the end of the line; frees. */
void wrap_end(struct wrap *w);

#endif
