/* rag about: what this system is, what it runs and what it stores. */
#include "clients/rag/commands/commands.h"

static int about_run(struct rag *r)
{
	return rag_show(r, ragd_client_system_card);
}

const struct rag_command about_command = {
	.args = { .name = "about",
		  .usage = "",
		  .summary = "what this system is, what it runs and what it stores" },
	.run = about_run,
};
