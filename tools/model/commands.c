/* The table of commands, and the options that those that run a model share. */
#include <string.h>

#include "engine/compute/threads.h"
#include "tools/model/tool.h"

extern const struct command info_command;
extern const struct command tokenize_command;
extern const struct command quantize_command;
extern const struct command logits_command;
extern const struct command generate_command;
extern const struct command perplexity_command;
extern const struct command embed_command;
extern const struct command bench_command;

/* clang-format off */
const struct command *const commands[] = {
	&info_command,
	&tokenize_command,
	&generate_command,
	&embed_command,
	&logits_command,
	&perplexity_command,
	&bench_command,
	&quantize_command,
	NULL,
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const struct opt run_opts[] = {
	{ .letter = 't',
	  .name = "threads",
	  .arg = "N",
	  .help = "threads to compute with; default: as many as there are processors",
	  .type = OPT_NUMBER,
	  .offset = offsetof(struct args, n_threads),
	  .min = 0,
	  .max = THREADS_MAX },
	{ .name = "cpus",
	  .arg = "LIST",
	  .help = "pin the threads to these processors, e.g. 0,2-5",
	  .type = OPT_TEXT,
	  .offset = offsetof(struct args, cpus) },
	{ .name = "kernel",
	  .arg = "SET",
	  .help = "kernels to compute with: portable, avx2, avx512 or vnni; default: the best that "
		  "this processor has",
	  .type = OPT_CHOICE,
	  .offset = offsetof(struct args, kernel),
	  .choices = "portable avx2 avx512 vnni" },
	{ .name = "kv",
	  .arg = "TYPE",
	  .help = "numbers of the KV cache: f16, or q8_0, which takes half the memory; default f16",
	  .type = OPT_CHOICE,
	  .offset = offsetof(struct args, kv),
	  .choices = "f16 q8_0" },
	{ .name = NULL },
};
