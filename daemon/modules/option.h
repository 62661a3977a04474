/*
 * One row of a plugin's option table and the text of a value: the same parser for what stands in
 * the configuration and for the defaults in the table.
 */
#ifndef DAEMON_OPTION_H
#define DAEMON_OPTION_H

#include <stddef.h>

#include <ragd/plugin.h>

#define OPTIONS_MAX 64 /* rows of a table */

/*
 * Read text as a value of row `opt` and hold it against the row's range or choices. out->name is
 * the row's, out->s borrows text (a choice: the row's word is compared, text is kept); a
 * RAGD_OPT_PATH is not made absolute here. Not for RAGD_OPT_LIST. Returns 0 or -EINVAL with a
 * sentence that says what is allowed: "option 'threads': '0' is not a whole number from 1 to 64".
 */
int option_parse(const struct ragd_option *opt, const char *text, struct ragd_value *out,
		 struct ragd_err *err);

/* The same for a number that was read elsewhere: INT, SIZE and DURATION take i, FLOAT takes f. */
int option_range(const struct ragd_option *opt, double number, struct ragd_err *err);

/* What a value of the row may be, in words: "yes or no", "a whole number from 1 to 64". */
const char *option_allowed(const struct ragd_option *opt, char *buf, size_t size);

/* "a whole number", "one of …": the type's name for `rag plugins` and manual pages. */
const char *option_type_name(enum ragd_option_type type);

/*
 * Validate a table as a whole (NULL: none): ended within OPTIONS_MAX rows, names well-formed
 * and unique, types known, ranges in order, a help sentence each, every default a value of its own
 * row. Returns the number of rows or -EINVAL.
 */
int options_validate(const struct ragd_option *table, struct ragd_err *err);

#endif
