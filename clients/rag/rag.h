/* What the commands of rag share: how they are listed, what they are given, how they end. */
#ifndef RAG_H
#define RAG_H

#include <ragd/client.h>

#include "args.h"
#include "out.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))

enum {
	EXIT_ANSWERED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNGROUNDED = 3, /* nothing in the documents answers */
	EXIT_BLOCKED = 4,    /* by a filter */
};

struct command;

/* One run of rag. */
struct rag {
	const struct command *command;
	struct args args;
	struct out out; /* stdout */
};

struct command {
	const char *name;
	const char *usage;         /* "[QUESTION]" */
	const char *summary;       /* one line, no full stop */
	int (*run)(struct rag *r); /* returns the exit code */
	const struct opt *opts;    /* its own rows */
	int min_rest, max_rest;    /* words beside the options; -1: any number */
	enum opt_words words;      /* what they are */
};

/* Ends with a NULL. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);

/* Say why on stderr (with --json also as an object on stdout); returns EXIT_FAILED. */
int rag_fail(struct rag *r, const struct ragd_err *err);
/* The same for what was typed; returns EXIT_USAGE. */
int rag_usage(struct rag *r, const char *fmt, ...) RAGD_PRINTF(2, 3);
/* A client on the socket of the command line; it has failed and said so if this is not 0. */
int rag_connect(struct rag *r, struct ragd_client **out);
/* "default" unless the command line names one. */
const char *rag_collection(const struct rag *r);

#endif
