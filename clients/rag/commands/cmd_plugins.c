/* rag plugins: the loaded plugins and their options. */
#include "clients/rag/commands/commands.h"

static int plugins_run(struct rag *r)
{
	return rag_show(r, ragd_client_plugins);
}

const struct rag_command plugins_command = {
	.args = { .name = "plugins",
		  .usage = "",
		  .summary = "the loaded plugins and their options" },
	.run = plugins_run,
};
