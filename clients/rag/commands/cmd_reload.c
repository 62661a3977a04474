/* rag reload: have the daemon read its configuration again. */
#include "clients/rag/commands/commands.h"
#include "clients/rag/terminal/json_view.h"

static int reload_run(struct rag *r)
{
	return show_run(r, ragd_client_reload);
}

const struct command reload_command = {
	.args = { .name = "reload",
		  .usage = "",
		  .summary = "have the daemon read its configuration again" },
	.run = reload_run,
};
