/* What the command line of ragd-model may say; base/args/args.h reads it. */
#ifndef MODEL_OPTIONS_H
#define MODEL_OPTIONS_H

#include <stdbool.h>

#include "base/args/args.h"
#include "engine/threads/threads.h"

/* Each command reads what its rows set. */
struct model_args {
	/* every command */
	const char *model;
	bool json;

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
};

/* A row of the commands that run a model, and of quantize. */
/* clang-format off */
#define OPT_THREADS { \
	.letter = 't', .name = "threads", .arg = "N", \
	.help = "threads to compute with (default: as many as there are processors)", \
	.type = ARGS_NUMBER, .offset = offsetof(struct model_args, n_threads), \
	.min = 0, .max = THREADS_MAX }
/* clang-format on */

extern const struct args_program model_program;

#endif
