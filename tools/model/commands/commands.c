/* The table of commands, and the options that several of them have. */
#include "tools/model/tool.h"

extern const struct model_command info_command;
extern const struct model_command tokenize_command;
extern const struct model_command quantize_command;
extern const struct model_command logits_command;
extern const struct model_command generate_command;
extern const struct model_command perplexity_command;
extern const struct model_command embed_command;
extern const struct model_command bench_command;

/* clang-format off */
static const struct args_command *const commands[] = {
	&info_command.args,
	&tokenize_command.args,
	&generate_command.args,
	&embed_command.args,
	&logits_command.args,
	&perplexity_command.args,
	&bench_command.args,
	&quantize_command.args,
	NULL,
};
/* clang-format on */

static const struct args_opt common_opts[] = {
	{ .letter = 'm',
	  .name = "model",
	  .arg = "FILE",
	  .help = "the GGUF file; for a model in several files, the first of them",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct model_args, model),
	  .words = ARGS_WORDS_FILES },
	{ .name = "json",
	  .help = "write JSON",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, json) },
	{ .name = NULL },
};

static const struct args_opt run_opts[] = {
	OPT_THREADS,
	{ .name = "cpus",
	  .arg = "LIST",
	  .help = "pin the threads to these processors, e.g. 0,2-5",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct model_args, cpus) },
	{ .name = "kernel",
	  .arg = "SET",
	  .help = "kernels to compute with: portable, avx2, avx512 or vnni (default: the best "
		  "that this processor has)",
	  .type = ARGS_CHOICE,
	  .offset = offsetof(struct model_args, kernel),
	  .choices = "portable avx2 avx512 vnni" },
	{ .name = "kv",
	  .arg = "TYPE",
	  .help = "type of the KV cache: f16, or q8_0, which takes half the memory (default: f16)",
	  .type = ARGS_CHOICE,
	  .offset = offsetof(struct model_args, kv),
	  .choices = "f16 q8_0" },
	{ .name = NULL },
};

const struct args_program model_program = {
	.name = "ragd-model",
	.about = "ragd-model looks at GGUF models and runs them.",
	.usage = "COMMAND -m FILE [OPTION]...",
	.closing = "Exit status: 0 done, 1 error, 2 usage.\n"
		   "`ragd-model COMMAND --help` and ragd-model(1) say more.",
	.common = common_opts,
	.shared = run_opts,
	.shared_heading = "Options of the commands that run a model",
	.commands = commands,
};
