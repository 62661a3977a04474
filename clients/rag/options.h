/* What the command line of rag may say; base/args/args.h reads it. */
#ifndef RAG_OPTIONS_H
#define RAG_OPTIONS_H

#include <stdbool.h>

#include "base/args/args.h"

/* What only the daemon can say for the completion. */
enum { WORDS_COLLECTIONS = ARGS_WORDS_OWN, WORDS_ASSISTANTS };

/* Each command reads what its rows set. */
struct rag_args {
	/* every command */
	const char *socket;
	const char *color; /* "auto", "always", "never" */
	bool json;
	bool verbose;

	struct args_texts collections;
	const char *collection;
	const char *assistant;
	long k;
	long jobs;
	bool batch;
	bool no_history;

	struct args_texts tags;
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
};

#endif
