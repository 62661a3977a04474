/* Options of the commands as rows: one row feeds the parser, --help and the manual page. */
#ifndef MODEL_ARGS_H
#define MODEL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum opt_type {
	OPT_FLAG,   /* bool */
	OPT_TEXT,   /* const char * */
	OPT_NUMBER, /* long, min..max */
	OPT_REAL,   /* double, min..max */
	OPT_CHOICE, /* const char *, one word of `choices` */
};

struct opt {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* as the help calls it; NULL for a flag */
	const char *help;
	enum opt_type type;
	size_t offset; /* of its place in struct args */
	double min, max;
	const char *choices; /* "q8_0 q4_0" */
};

/* What a command line may say; each command reads what its rows set. */
struct args {
	/* every command */
	const char *model;
	bool json;
	bool help;
	bool version;

	/* what runs a model */
	long n_threads; /* 0: as many as there are processors */
	const char *cpus;
	const char *kernel;
	const char *kv;

	/* info */
	bool digest;
	bool metadata;
	bool tensors;

	/* tokenize: --ids is a flag there */
	bool print_ids;
	bool no_special;

	/* quantize */
	const char *output;
	const char *type;
	bool pure;

	/* logits */
	const char *ids;
	long top;

	/* generate */
	const char *prompt;
	long n;
	double temp;
	double top_p;
	double min_p;
	double repeat;
	long top_k;
	long seed;
	bool chat;
	bool special;
	long draft;
	const char *system;

	/* perplexity */
	long window;

	/* bench */
	long n_prompt;
	long n_decode;
	long batch;
	long pass;
	long runs;

	char **rest; /* words that are no options */
	int n_rest;
};

/* Every command's; its own come before. */
extern const struct opt common_opts[];
/* Of commands that run the model. */
extern const struct opt run_opts[];

/*
 * Fill *a, which holds the defaults, from argv. `opts` and `more` may be NULL. With `stop` the first word that
 * is no option ends them. Returns 0, or -1 with a sentence in why.
 */
int args_parse(struct args *a, int argc, char **argv, const struct opt *opts,
	       const struct opt *more, bool stop, char *why, size_t size);

/* Rows as --help shows them, and as a manual page has them. */
void args_help(FILE *f, const struct opt *opts);
void args_man(FILE *f, const struct opt *opts);

#endif
