/* What the files of base/args share. */
#ifndef BASE_ARGS_PRIVATE_H
#define BASE_ARGS_PRIVATE_H

#include "base/args/args.h"

/* What every program has: --help and --version. Their offsets are into struct args_line. */
extern const struct args_opt args_standard[];

/* The tables of rows that are legal with command c, or before there is one; ends with a NULL. */
#define ARGS_TABLES 5
void args_tables(const struct args_program *p, const struct args_command *c,
		 const struct args_opt *tables[ARGS_TABLES]);

/* The row with that letter, or NULL. */
const struct args_opt *args_letter_find(const struct args_opt *const *tables, char letter);
/*
 * The row whose name is name[0 .. len), or of which that is the beginning and of no other. NULL if
 * there is none; then *twin is NULL, or the first of two that it could be, and *other the second.
 */
const struct args_opt *args_name_find(const struct args_opt *const *tables, const char *name,
				      size_t len, const struct args_opt **twin,
				      const struct args_opt **other);
/* Put a value where the row says. */
int args_value_set(const struct args_opt *o, const char *value, void *values, struct ragd_err *err);

/* Letters to add, remove, change or swap to make one word of the other. */
size_t args_distance(const char *a, size_t a_len, const char *b);

/* See args_hidden(). */
void args_man_commands(const struct args_program *p, FILE *f);
bool args_man_options(const struct args_program *p, const char *what, FILE *f);

#endif
