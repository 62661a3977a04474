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
	bool wait;

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

/* Rows that several commands have. What the help says of them is each command's own. */
/* clang-format off */
#define OPT_COLLECTION(what) { \
	.letter = 'c', .name = "collection", .arg = "NAME", .help = what, \
	.type = ARGS_TEXT, .offset = offsetof(struct rag_args, collection), \
	.words = WORDS_COLLECTIONS }
#define OPT_COLLECTIONS(what) { \
	.letter = 'c', .name = "collection", .arg = "NAME", .help = what "; may be repeated", \
	.type = ARGS_TEXTS, .offset = offsetof(struct rag_args, collections), \
	.words = WORDS_COLLECTIONS }
#define OPT_ASSISTANT { \
	.letter = 'a', .name = "assistant", .arg = "NAME", \
	.help = "the assistant to ask (default: default)", \
	.type = ARGS_TEXT, .offset = offsetof(struct rag_args, assistant), \
	.words = WORDS_ASSISTANTS }
#define OPT_PASSAGES(most, what) { \
	.letter = 'k', .name = "passages", .arg = "N", .help = what, \
	.type = ARGS_NUMBER, .offset = offsetof(struct rag_args, k), .min = 1, .max = most }
#define OPT_BATCH(what) { \
	.name = "batch", \
	.help = "read JSON lines {\"id\",\"text\"} from standard input, write " what, \
	.type = ARGS_FLAG, .offset = offsetof(struct rag_args, batch) }
#define OPT_JOBS(most, what) { \
	.letter = 'j', .name = "jobs", .arg = "N", .help = what, \
	.type = ARGS_NUMBER, .offset = offsetof(struct rag_args, jobs), .min = 1, .max = most }
/* clang-format on */

#endif
