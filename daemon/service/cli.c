#include "daemon/service/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_USER = 256, OPT_SOCKET, OPT_STATE_DIR, OPT_DATA_DIR, OPT_PLUGIN_DIR, OPT_DEFAULTS };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "user", no_argument, NULL, OPT_USER },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "data-dir", required_argument, NULL, OPT_DATA_DIR },
	{ "plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR },
	{ "print-defaults", no_argument, NULL, OPT_DEFAULTS },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

const char *cli_help(void)
{
	return "usage: ragd [OPTION]...\n"
	       "Answers questions from your own documents over a Unix socket.\n"
	       "\n"
	       "  -c, --config FILE     read FILE in place of the scope's own\n"
	       "  -t, --test            check the configuration, its rules and models, and exit\n"
	       "      --user            run for this user alone (XDG directories)\n"
	       "      --socket PATH     listen here\n"
	       "      --state-dir DIR   keep everything here\n"
	       "      --data-dir DIR    find rules and policies here\n"
	       "      --plugin-dir DIR  look for modules here first (also: RAGD_PLUGIN_PATH)\n"
	       "      --print-defaults  print the configuration that runs without a file, and "
	       "exit\n"
	       "  -V, --version         print the version, and exit\n"
	       "  -h, --help            print this, and exit\n"
	       "\n"
	       "See ragd(8) and ragd.conf(5).\n";
}

/* HUP comes when the directory we started in may be gone, so paths are made absolute here. */
static const char *absolute(struct arena *a, const char *path)
{
	char cwd[PATH_MAX];

	if (path[0] == '/')
		return path;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return NULL;
	return arena_printf(a, "%s/%s", cwd, path);
}

static int set_path(struct arena *a, const char *option, const char *path, const char **out,
		    struct ragd_err *err)
{
	if (path[0] == '\0')
		return ragd_err_set(err, -EINVAL, "%s wants a path, not an empty text", option);
	*out = absolute(a, path);
	return *out != NULL ? 0 : ragd_err_sys(err, "%s %s", option, path);
}

static int one_option(int c, const char *arg, struct arena *a, struct cli *cli,
		      struct ragd_err *err)
{
	struct config_source *s = &cli->source;

	switch (c) {
	case 'c':
		return set_path(a, "-c", arg, &s->path, err);
	case 't':
		cli->action = CLI_CHECK;
		return 0;
	case 'V':
		cli->action = CLI_VERSION;
		return 0;
	case 'h':
		cli->action = CLI_HELP;
		return 0;
	case OPT_USER:
		s->scope = CONFIG_USER;
		return 0;
	case OPT_SOCKET:
		return set_path(a, "--socket", arg, &s->socket, err);
	case OPT_STATE_DIR:
		return set_path(a, "--state-dir", arg, &s->state_dir, err);
	case OPT_DATA_DIR:
		return set_path(a, "--data-dir", arg, &s->data_dir, err);
	case OPT_PLUGIN_DIR:
		return set_path(a, "--plugin-dir", arg, &s->plugin_dir, err);
	case OPT_DEFAULTS:
		cli->action = CLI_PRINT_DEFAULTS;
		return 0;
	default:
		return -EINVAL;
	}
}

int cli_parse(int argc, char *const *argv, struct arena *a, struct cli *out, struct ragd_err *err)
{
	struct cli cli = { .action = CLI_RUN, .source = { .scope = CONFIG_SYSTEM } };
	int c, rc = 0;

	optind = 0; /* also forgets a scan before, as tests do */
	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":c:tVh", options, NULL)) != -1) {
		if (c == ':')
			rc = ragd_err_set(err, -EINVAL, "%s wants a value", argv[optind - 1]);
		else if (c == '?')
			rc = ragd_err_set(err, -EINVAL, "unknown or ambiguous option %s",
					  argv[optind - 1]);
		else
			rc = one_option(c, optarg, a, &cli, err);
	}
	if (rc == 0 && optind < argc)
		rc = ragd_err_set(err, -EINVAL, "'%s' is more than ragd takes", argv[optind]);
	if (rc == 0)
		*out = cli;
	return rc;
}
