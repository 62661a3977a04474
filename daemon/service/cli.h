/* The command line of ragd. */
#ifndef DAEMON_CLI_H
#define DAEMON_CLI_H

#include "base/arena.h"
#include "daemon/config/config.h"

enum cli_action {
	CLI_RUN,
	CLI_CHECK,          /* -t */
	CLI_PRINT_DEFAULTS, /* --print-defaults */
	CLI_VERSION,
	CLI_HELP,
};

struct cli {
	enum cli_action action;
	struct config_source source; /* paths absolute, in the arena */
};

/* -EINVAL with a sentence for what is not a command line of ragd. */
int cli_parse(int argc, char *const *argv, struct arena *a, struct cli *out, struct ragd_err *err);
const char *cli_help(void);

#endif
