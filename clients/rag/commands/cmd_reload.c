/* rag reload: have the daemon read its configuration again. */
#include "clients/rag/commands/commands.h"

static int reload_run(struct rag *r)
{
	return rag_show(r, ragd_client_reload);
}

const struct rag_command reload_command = {
	.args = { .name = "reload",
		  .usage = "",
		  .summary = "have the daemon read its configuration again" },
	.run = reload_run,
};
