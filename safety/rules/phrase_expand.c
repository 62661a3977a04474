#include "safety/rules/phrase_expand.h"

#include <stdbool.h>
#include <string.h>

#include "base/text/ascii.h"

#define DEPTH_MAX 32

/*
 * Depth-first: `out` holds what was chosen so far; at the end of a bracket the walk goes on behind
 * it, which the stack of positions remembers.
 */
struct expansion {
	const char *text;
	size_t len;
	char out[LITERAL_MAX];
	unsigned n_literals;
	int (*cb)(void *arg, const char *literal, size_t len);
	void *arg;
	struct ragd_err *err;
};

static size_t bracket_end(const struct expansion *x, size_t i)
{
	char open = x->text[i], close = open == '(' ? ')' : ']';
	int depth = 0;

	for (; i < x->len; i++) {
		if (x->text[i] == '(' || x->text[i] == '[')
			depth++;
		else if (x->text[i] == ')' || x->text[i] == ']')
			depth--;
		if (depth == 0)
			return x->text[i] == close ? i : x->len;
	}
	return x->len;
}

/* The end of the alternative that begins at i: its `|` or `end`. */
static size_t alternative_end(const struct expansion *x, size_t i, size_t end)
{
	int depth = 0;

	for (; i < end; i++) {
		if (x->text[i] == '(' || x->text[i] == '[')
			depth++;
		else if (x->text[i] == ')' || x->text[i] == ']')
			depth--;
		else if (x->text[i] == '|' && depth == 0)
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

static int emit_literal(struct expansion *x, size_t n)
{
	while (n > 0 && x->out[n - 1] == ' ')
		n--;
	if (n == 0)
		return ragd_err_set(x->err, -EINVAL, "an alternative is empty");
	if (++x->n_literals > EXPAND_MAX)
		return ragd_err_set(x->err, -EINVAL, "it stands for more than %d phrases",
				    EXPAND_MAX);
	return x->cb(x->arg, x->out, n);
}

static int expand_from(struct expansion *x, size_t i, size_t end, const struct rest *up, size_t n,
		       int depth);

/* Each alternative of text[i..end), with `rest` behind it. */
static int expand_each(struct expansion *x, size_t i, size_t end, const struct rest *rest, size_t n,
		       int depth)
{
	for (;;) {
		size_t stop = alternative_end(x, i, end);
		int rc = expand_from(x, i, stop, rest, n, depth);

		if (rc < 0 || stop == end)
			return rc;
		i = stop + 1;
	}
}

static int expand_from(struct expansion *x, size_t i, size_t end, const struct rest *up, size_t n,
		       int depth)
{
	for (; i < end; i++) {
		char c = x->text[i];

		if (c == '(' || c == '[') {
			size_t close = bracket_end(x, i);
			struct rest rest = { close + 1, end, up };
			int rc;

			if (close >= end)
				return ragd_err_set(x->err, -EINVAL, "'%c' is not closed", c);
			if (depth == DEPTH_MAX)
				return ragd_err_set(x->err, -EINVAL, "there are too many brackets");
			if (c == '[') {
				rc = expand_from(x, close + 1, end, up, n, depth + 1);
				if (rc < 0)
					return rc;
			}
			return expand_each(x, i + 1, close, &rest, n, depth + 1);
		}
		if (c == ')' || c == ']')
			return ragd_err_set(x->err, -EINVAL, "'%c' closes nothing", c);
		if (ascii_is_space(c) || c == '-' || c == '_') {
			if (n == 0 || x->out[n - 1] == ' ')
				continue;
			c = ' ';
		}
		if (n == LITERAL_MAX)
			return ragd_err_set(x->err, -EINVAL, "a phrase is longer than %d bytes",
					    LITERAL_MAX);
		x->out[n++] = ascii_to_lower(c);
	}
	if (up != NULL)
		return expand_from(x, up->from, up->end, up->up, n, depth);
	return emit_literal(x, n);
}

int phrase_expand(const char *text, size_t len,
		  int (*cb)(void *arg, const char *literal, size_t len), void *arg,
		  struct ragd_err *err)
{
	struct expansion x = { .text = text, .len = len, .cb = cb, .arg = arg, .err = err };

	return expand_each(&x, 0, len, NULL, 0, 0);
}
