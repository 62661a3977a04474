/* Runs of digits in groups: what the scanners of numbers share. */
#ifndef SAFETY_DIGITS_H
#define SAFETY_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "safety/stream/scan.h"

#define GROUPS_MAX 10
#define DIGITS_MAX 24

struct digit_group {
	size_t start; /* offsets into the view */
	size_t end;
	/* before it, "" for the first; at most 3 of " -./()"; of a wide run, its kind */
	char sep[3];
	size_t n_sep;
};

struct digit_run {
	struct digit_group g[GROUPS_MAX];
	size_t n;
	char digits[DIGITS_MAX]; /* all of them, as '0' .. '9' */
	size_t n_digits;
	bool plus;   /* begins with '+' */
	bool paren;  /* the first group stands in parentheses */
	bool joined; /* what stands before belongs to it: 1.2-[555-1234] */
	bool wide;   /* read with any separators */
	size_t start;
};

/* A separator of a wide run has at most so many bytes. */
#define SEP_MAX 16
/* Numbers with so many digits next to such a run make it a row of a table. */
#define ROW_DIGITS 3

/*
 * Read the run that begins at s[i], a digit, '+' or '('. Returns 1; 0 if there is none; -1 if more
 * text could change it. A wide run goes on over white space, lines, cells of a table and one sign:
 * its separators are each one character, ' ' or the sign.
 */
int digit_run_read(const struct scan_view *v, size_t i, bool wide, struct digit_run *r);

/*
 * The length of such a separator at s[p), 0 for none, -1 if more text could change it; what it is
 * in *kind.
 */
ssize_t digit_run_wide_sep(const struct scan_view *v, size_t p, char *kind);

/* Digits in the first k groups. */
size_t digit_run_count(const struct digit_run *r, size_t k);
/* Whether the groups have exactly these lengths: "3-2-4" with `sep` between each; sep 0: any. */
bool digit_run_has_shape(const struct digit_run *r, const char *lengths, char sep);

bool luhn_ok(const char *digits, size_t n);

#endif
