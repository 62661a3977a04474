/* rag status: what the daemon is doing. */
#include "clients/rag/commands/commands.h"

static int status_run(struct rag *r)
{
	return rag_show(r, ragd_client_daemon);
}

const struct rag_command status_command = {
	.args = { .name = "status", .usage = "", .summary = "what the daemon is doing" },
	.run = status_run,
};
