#include "safety/rules/expand.h"

#include <stdbool.h>
#include <string.h>

#include "base/text/ascii.h"

#define DEPTH_MAX 32

/*
 * Depth-first: `out` holds what was chosen so far; at the end of a bracket the walk goes on behind
 * it, which the stack of positions remembers.
 */
struct walk {
	const char *text;
	size_t len;
	char out[LITERAL_MAX];
	unsigned n_literals;
	int (*cb)(void *arg, const char *literal, size_t len);
	void *arg;
	struct ragd_err *err;
};

static size_t closing(const struct walk *w, size_t i)
{
	char open = w->text[i], close = open == '(' ? ')' : ']';
	int depth = 0;

	for (; i < w->len; i++) {
		if (w->text[i] == '(' || w->text[i] == '[')
			depth++;
		else if (w->text[i] == ')' || w->text[i] == ']')
			depth--;
		if (depth == 0)
			return w->text[i] == close ? i : w->len;
	}
	return w->len;
}

/* The end of the alternative that begins at i: its `|` or `end`. */
static size_t alternative(const struct walk *w, size_t i, size_t end)
{
	int depth = 0;

	for (; i < end; i++) {
		if (w->text[i] == '(' || w->text[i] == '[')
			depth++;
		else if (w->text[i] == ')' || w->text[i] == ']')
			depth--;
		else if (w->text[i] == '|' && depth == 0)
			break;
	}
	return i;
}

/* Where the walk goes on after the part it is in. */
struct rest {
	size_t from;
	size_t end;
	const struct rest *up;
};

static int emit(struct walk *w, size_t n)
{
	while (n > 0 && w->out[n - 1] == ' ')
		n--;
	if (n == 0)
		return ragd_err_set(w->err, -EINVAL, "an alternative is empty");
	if (++w->n_literals > EXPAND_MAX)
		return ragd_err_set(w->err, -EINVAL, "it stands for more than %d phrases",
				    EXPAND_MAX);
	return w->cb(w->arg, w->out, n);
}

static int step(struct walk *w, size_t i, size_t end, const struct rest *up, size_t n, int depth);

/* Each alternative of text[i..end), with `rest` behind it. */
static int choose(struct walk *w, size_t i, size_t end, const struct rest *rest, size_t n,
		  int depth)
{
	for (;;) {
		size_t stop = alternative(w, i, end);
		int rc = step(w, i, stop, rest, n, depth);

		if (rc < 0 || stop == end)
			return rc;
		i = stop + 1;
	}
}

static int step(struct walk *w, size_t i, size_t end, const struct rest *up, size_t n, int depth)
{
	for (; i < end; i++) {
		char c = w->text[i];

		if (c == '(' || c == '[') {
			size_t close = closing(w, i);
			struct rest rest = { close + 1, end, up };
			int rc;

			if (close >= end)
				return ragd_err_set(w->err, -EINVAL, "'%c' is not closed", c);
			if (depth == DEPTH_MAX)
				return ragd_err_set(w->err, -EINVAL, "there are too many brackets");
			if (c == '[') {
				rc = step(w, close + 1, end, up, n, depth + 1);
				if (rc < 0)
					return rc;
			}
			return choose(w, i + 1, close, &rest, n, depth + 1);
		}
		if (c == ')' || c == ']')
			return ragd_err_set(w->err, -EINVAL, "'%c' closes nothing", c);
		if (ascii_is_space(c) || c == '-' || c == '_') {
			if (n == 0 || w->out[n - 1] == ' ')
				continue;
			c = ' ';
		}
		if (n == LITERAL_MAX)
			return ragd_err_set(w->err, -EINVAL, "a phrase is longer than %d bytes",
					    LITERAL_MAX);
		w->out[n++] = ascii_to_lower(c);
	}
	if (up != NULL)
		return step(w, up->from, up->end, up->up, n, depth);
	return emit(w, n);
}

int expand(const char *text, size_t len, int (*cb)(void *arg, const char *literal, size_t len),
	   void *arg, struct ragd_err *err)
{
	struct walk w = { .text = text, .len = len, .cb = cb, .arg = arg, .err = err };

	return choose(&w, 0, len, NULL, 0, 0);
}
