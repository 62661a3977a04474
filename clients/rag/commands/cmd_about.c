/* rag about: what this system is, runs and stores. */
#include "clients/rag/commands/commands.h"
#include "clients/rag/terminal/json_view.h"

static int about_run(struct rag *r)
{
	return show_run(r, ragd_client_system_card);
}

const struct command about_command = {
	.args = { .name = "about", .usage = "", .summary = "what this system is, runs and stores" },
	.run = about_run,
};
