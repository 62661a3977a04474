#include "clients/rag/terminal/wrap.h"

#include <stdlib.h>
#include <string.h>

void wrap_init(struct wrap *w, struct out *out, unsigned indent)
{
	*w = (struct wrap){ .out = out, .indent = indent, .ended_line = true };
}

void wrap_mark(struct wrap *w, size_t from, size_t to)
{
	unsigned i = w->n_marks++ % WRAP_MARKS_MAX;

	w->marks[i].from = from;
	w->marks[i].to = to;
}

static bool is_marked(const struct wrap *w, size_t at)
{
	unsigned n = w->n_marks < WRAP_MARKS_MAX ? w->n_marks : WRAP_MARKS_MAX;

	for (unsigned i = 0; i < n; i++)
		if (at >= w->marks[i].from && at < w->marks[i].to)
			return true;
	return false;
}

/*
 * The characters s, which begin with the at-th of the text, with marks in their colour; returns how
 * many.
 */
static size_t put_marked(struct wrap *w, const char *s, size_t len, size_t at)
{
	size_t n_chars = 0;
	bool on = false;
	unsigned cp;

	for (size_t i = 0, n; i < len; i += n, n_chars++) {
		bool want = is_marked(w, at + n_chars);

		n = text_char(s + i, len - i, &cp);
		if (want != on)
			out_style(w->out, want ? STYLE_MARK : STYLE_PLAIN);
		on = want;
		out_text(w->out, s + i, n);
	}
	if (on)
		out_style(w->out, STYLE_PLAIN);
	return n_chars;
}

static void put_spaces(struct wrap *w, unsigned n)
{
	fprintf(w->out->f, "%*s", (int)n, "");
}

static void word_flush(struct wrap *w)
{
	if (w->word_len == 0)
		return;
	if (w->col > 0 && w->indent + w->col + w->spaces + w->word_cols > w->out->width) {
		fputc('\n', w->out->f);
		w->col = 0;
		w->spaces = 0;
	}
	if (w->col == 0)
		put_spaces(w, w->indent);
	put_spaces(w, w->spaces);
	put_marked(w, w->word, w->word_len, w->word_at);
	w->col += w->spaces + w->word_cols;
	w->spaces = 0;
	w->word_len = 0;
	w->word_cols = 0;
}

static void word_add(struct wrap *w, const char *s, size_t len, unsigned cols)
{
	if (w->word_len + len > w->word_cap) {
		size_t cap = 2 * (w->word_len + len) + 64;
		char *word = realloc(w->word, cap);

		if (word == NULL) { /* rather an ugly break than a lost word */
			word_flush(w);
			put_marked(w, s, len, w->n_chars);
			return;
		}
		w->word = word;
		w->word_cap = cap;
	}
	if (w->word_len == 0)
		w->word_at = w->n_chars;
	memcpy(w->word + w->word_len, s, len);
	w->word_len += len;
	w->word_cols += cols;
}

static void wrap_char(struct wrap *w, const char *s, size_t len, unsigned cp)
{
	unsigned cols = text_columns(cp);

	if (cp == '\n') {
		word_flush(w);
		fputc('\n', w->out->f);
		w->col = 0;
		w->spaces = 0;
	} else if (cp == ' ' || cp == '\t') {
		word_flush(w);
		w->spaces += cp == '\t' ? 4 : 1;
	} else {
		if (cols == 2) /* lines of Chinese or Japanese may end after any character */
			word_flush(w);
		word_add(w, s, len, cols);
		if (cols == 2)
			word_flush(w);
	}
	w->n_chars++;
}

void wrap_text(struct wrap *w, const char *s, size_t len)
{
	if (len == 0)
		return;
	w->ended_line = s[len - 1] == '\n';
	if (!w->out->tty) {
		w->n_chars += put_marked(w, s, len, w->n_chars);
		return;
	}
	for (size_t i = 0, n; i < len; i += n) {
		unsigned cp;

		n = text_char(s + i, len - i, &cp);
		wrap_char(w, s + i, n, cp);
	}
}

void wrap_end(struct wrap *w)
{
	word_flush(w);
	if (!w->ended_line)
		fputc('\n', w->out->f);
	free(w->word);
	wrap_init(w, w->out, w->indent);
}
