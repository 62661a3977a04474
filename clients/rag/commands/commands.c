/* The table of commands, and the options that all of them have. */
#include "clients/rag/commands/commands.h"

#include "clients/rag/completion.h"

/* clang-format off */
static const struct args_command *const commands[] = {
	&ask_command.args,
	&chat_command.args,
	&add_command.args,
	&search_command.args,
	&list_command.args,
	&rm_command.args,
	&collection_command.args,
	&reindex_command.args,
	&status_command.args,
	&feedback_command.args,
	&about_command.args,
	&moderate_command.args,
	&plugins_command.args,
	&reload_command.args,
	&doctor_command.args,
	NULL,
};
/* clang-format on */

static const struct args_opt common_opts[] = {
	{ .name = "socket",
	  .arg = "PATH",
	  .help = "the daemon's socket (default: $RAGD_SOCKET, else the user's own, else the "
		  "system's)",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, socket),
	  .words = ARGS_WORDS_FILES },
	{ .name = "json",
	  .help = "write what the daemon replied, as JSON",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, json) },
	{ .name = "color",
	  .arg = "WHEN",
	  .help = "colours: auto (on a terminal, unless NO_COLOR is set), always or never",
	  .type = ARGS_CHOICE,
	  .offset = offsetof(struct rag_args, color),
	  .choices = "auto always never" },
	{ .letter = 'v',
	  .name = "verbose",
	  .help = "show more: quotes, ids, what was skipped",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, verbose) },
	{ .name = NULL },
};

const struct args_program rag_program = {
	.name = "rag",
	.about = "rag asks ragd, which answers from your own documents.",
	.usage = "COMMAND [OPTION]...",
	.closing =
		"Exit status: 0 answered, 1 error, 2 usage, 3 no grounded answer, 4 blocked by a "
		"filter.\n"
		"`rag COMMAND --help` and rag-COMMAND(1) say more.",
	.common = common_opts,
	.commands = commands,
	.command_pages = true,
	.offer = completion_offer,
};
