/* What the commands of rag share: how they are listed, what they are given, how they end. */
#ifndef RAG_H
#define RAG_H

#include <ragd/client.h>

#include "clients/rag/options.h"
#include "clients/rag/terminal/out.h"

#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

enum {
	EXIT_ANSWERED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNGROUNDED = 3, /* nothing in the documents answers */
	EXIT_BLOCKED = 4,    /* by a filter */
};

/* One run of rag. */
struct rag {
	const struct args_program *program;
	struct args_line line;
	struct rag_args args;
	struct out out; /* stdout */
};

struct rag_command {
	struct args_command args;
	int (*run)(struct rag *r); /* returns the exit code */
};

/* Say why on stderr (with --json also as an object on stdout); returns EXIT_FAILED. */
int rag_fail(struct rag *r, const struct ragd_err *err);
/* The same for what was typed; returns EXIT_USAGE. */
int rag_usage(struct rag *r, const char *fmt, ...) RAGD_PRINTF(2, 3);
/* A client on the socket of the command line; it has failed and said so if this is not 0. */
int rag_connect(struct rag *r, struct ragd_client **out);
/* "default" unless the command line names one. */
const char *rag_collection(const struct rag *r);
/* The question as the command line says whom to ask, and about what. Borrows from both. */
struct ragd_ask rag_ask(const struct rag *r, const char *question);
/*
 * The words that are no options, from the first-th on, with spaces between; to free(), NULL: out of
 * memory.
 */
char *rag_words(const struct rag *r, int first);

/* One of the calls of client.h that reply with text. */
typedef int (*rag_call)(struct ragd_client *c, char **json, struct ragd_err *err);
/* A command that shows one reply: for people, or with --json as it came. Returns the exit code. */
int rag_show(struct rag *r, rag_call call);

#endif
