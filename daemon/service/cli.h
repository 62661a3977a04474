/* The command line of ragd. */
#ifndef DAEMON_CLI_H
#define DAEMON_CLI_H

#include <stdio.h>

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

/* -EINVAL with a sentence for what is not a command line of ragd. argv is written into. */
int cli_parse(int argc, char **argv, struct arena *a, struct cli *out, struct ragd_err *err);
void cli_help(FILE *f);
/*
 * What the build and the shells ask for, see args_hidden(): true if it was that, *ok if it could be
 * given.
 */
bool cli_hidden(int argc, char **argv, FILE *f, bool *ok);

#endif
