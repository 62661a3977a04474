/*
 * A program's command line as rows: the same rows are its parser, its help, its manual page, its
 * shell completion, and what a misspelt word is compared with.
 *
 * Options may come before and after other words; "--" ends them. A long name may be shortened as
 * long as it is still unique. Every program has --help and --version without a row of its own.
 *
 * Needs nothing but the C library and <ragd/err.h>, since the shell client includes it, too.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <ragd/err.h>

/* What an option's value is, and what is stored at its offset. */
enum args_type {
	ARGS_FLAG,   /* bool: there is no value */
	ARGS_TEXT,   /* const char *, in argv */
	ARGS_TEXTS,  /* struct args_texts: the option may be given again */
	ARGS_NUMBER, /* long, min..max */
	ARGS_REAL,   /* double, min..max */
	ARGS_CHOICE, /* const char *, one word of `choices` */
};

/* What completion offers for a value or a word; a program adds kinds of its own. */
enum {
	ARGS_WORDS_NONE,
	ARGS_WORDS_FILES,
	ARGS_WORDS_OWN, /* the first that the program's `offer` is asked for */
};

/* Tables of them end with a row without a name. */
struct args_opt {
	char letter; /* 0: none */
	const char *name;
	const char *arg;  /* the value as the help calls it; NULL for a flag */
	const char *help; /* begins in lower case, without a full stop */
	const char *more; /* sentences that only the manual page has, or NULL */
	enum args_type type;
	size_t offset; /* of the value in the program's struct */
	double min, max;
	const char *choices; /* "auto always never" */
	int words;           /* ARGS_WORDS_… */
};

struct args_texts {
	const char **at;
	size_t n;
};

struct args_command {
	const char *name;
	const char *usage;           /* what follows the options: "[QUESTION | -]" */
	const char *summary;         /* one line, no full stop */
	const struct args_opt *opts; /* its own rows, or NULL */
	bool shared;                 /* takes the program's shared rows, too */
	int min_rest, max_rest;      /* words that are not options; max_rest -1: any number */
	int words;                   /* what these are: ARGS_WORDS_… */
};

struct args_program {
	const char *name;
	const char *about;             /* the help's first sentence */
	const char *usage;             /* "COMMAND [OPTION]..." */
	const char *closing;           /* the help's last lines */
	const struct args_opt *common; /* rows of every command */
	const struct args_opt *shared; /* rows of some commands, or NULL */
	const char *shared_heading;    /* "Options of the commands that run a model" */
	/* Ends with a NULL. Without any, the program takes options only. */
	const struct args_command *const *commands;
	bool command_pages; /* each command has a manual page of its own */
	/*
	 * Writes the words of one of the program's own kinds, one a line; values are those parsed
	 * so far.
	 */
	void (*offer)(FILE *f, int words, const void *values);
};

/* What a command line says besides the values of its options. */
struct args_line {
	const struct args_command *command; /* NULL: none is named */
	bool help;
	bool version;
	char **rest; /* the words that are not options, in argv */
	int n_rest;
};

/*
 * Read argv[1..] into *values, which holds the defaults, and *out. argv is modified: the words
 * that are not options move to its front. A command's counts of words are checked unless help or
 * version is asked for. -EINVAL or -ENOMEM with a sentence; out->command is set all the same if the
 * line got as far as naming one, for the caller's usage line.
 */
int args_parse(const struct args_program *p, int argc, char **argv, void *values,
	       struct args_line *out, struct ragd_err *err);
/* Free the lists of texts in *values. */
void args_free(const struct args_program *p, void *values);

const struct args_command *args_command_find(const struct args_program *p, const char *name);

/*
 * What --help shows: of the command, or of the whole program if it is NULL; lines wrapped at width.
 */
void args_help(const struct args_program *p, const struct args_command *c, FILE *f, unsigned width);

/*
 * What the build, the tests and the shells ask a program for. People never do, so no help lists it:
 *   --completion bash|zsh|fish     the file for that shell, which calls the next
 *   --complete WORD...             what the last word may become, one a line, then a tab and what
 *                                  it means; ":files" stands for any file
 *   --man-commands                 the commands, as roff
 *   --man-options COMMAND|common|shared    their options, as roff
 * Returns false if argv asks for none of them; *ok tells whether it could be given.
 */
bool args_hidden(const struct args_program *p, int argc, char **argv, void *values, FILE *f,
		 bool *ok);
/* words[0 .. n): the last is the one to complete, "" where nothing of it is typed. */
void args_complete(const struct args_program *p, char *const *words, int n, void *values, FILE *f);

#endif
