/*
 * Options of the commands as rows: one row feeds the parser, --help, the manual page and the completion.
 */
#ifndef RAG_ARGS_H
#define RAG_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum opt_type {
	OPT_FLAG,   /* bool */
	OPT_TEXT,   /* const char * */
	OPT_TEXTS,  /* struct texts; may be given again */
	OPT_NUMBER, /* long, min..max */
	OPT_CHOICE, /* const char *, one word of `choices` */
};

/* What an argument is, for the completion. */
enum opt_words {
	WORDS_NONE,
	WORDS_FILES,
	WORDS_COLLECTIONS,
	WORDS_ASSISTANTS,
};

struct opt {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* as the help calls it; NULL for a flag */
	const char *help;
	enum opt_type type;
	size_t offset; /* of its place in struct args */
	long min, max;
	const char *choices; /* "auto always never" */
	enum opt_words words;
};

struct texts {
	const char **at;
	size_t n;
};

/* What a command line may say; each command reads what its rows set. */
struct args {
	/* every command */
	const char *socket;
	const char *color; /* "auto", "always", "never" */
	bool json;
	bool verbose;
	bool help;
	bool version;

	struct texts collections;
	const char *collection;
	const char *assistant;
	long k;
	long jobs;
	bool batch;
	bool no_history;

	struct texts tags;
	bool per_document;

	const char *prefix;
	const char *id;
	const char *title;
	const char *media_type;
	bool jsonl;
	bool quiet;
	bool remove_missing;

	bool all;
	bool force;

	const char *owner, *group, *mode;

	const char *reason;
	const char *comment;
	const char *better;
	bool export;

	const char *policy;
	const char *stage;

	char **rest; /* what is no option; in argv */
	int n_rest;
};

/* Rows end with one whose name is NULL. */
extern const struct opt common_opts[];

/*
 * Parse argv[1..] by common_opts and opts (which may be NULL); argv is permuted. With stop the first word that
 * is no option ends it. 0, or -1 with a sentence in why.
 */
int args_parse(struct args *a, int argc, char **argv, const struct opt *opts, bool stop, char *why,
	       size_t why_size);
void args_fini(struct args *a);

/* The words that are no options, from the first-th on, with spaces between; to free(), NULL: out of memory. */
char *args_join(const struct args *a, int first);

/* "  -k, --passages N   help", wrapped at width. */
void args_help(FILE *f, const struct opt *opts, unsigned width);

#endif
