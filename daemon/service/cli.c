#include "daemon/service/cli.h"

#include <limits.h>
#include <unistd.h>

#include "base/args/args.h"
#include "base/util.h"

#define HELP_WIDTH 96

struct cli_values {
	const char *config, *socket, *state_dir, *data_dir, *plugin_dir;
	bool test, user, print_defaults;
};

static const struct args_opt cli_opts[] = {
	{ .letter = 'c',
	  .name = "config",
	  .arg = "FILE",
	  .help = "read FILE instead of the scope's own configuration",
	  .more = "See FILES.",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_values, config),
	  .words = ARGS_WORDS_FILES },
	{ .letter = 't',
	  .name = "test",
	  .help = "check the configuration, its rules and models, and exit",
	  .more = "Loads the modules and reads rule files and models as a start would, then prints "
		  "\"FILE: ok\", or what is wrong with file and line. A running daemon notices "
		  "nothing, and its stores are not opened.",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct cli_values, test) },
	{ .name = "user",
	  .help = "run for this user alone",
	  .more = "Configuration, state and socket are in the user's XDG directories, and only the "
		  "user may connect.",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct cli_values, user) },
	{ .name = "socket",
	  .arg = "PATH",
	  .help = "listen here, whatever the configuration says",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_values, socket),
	  .words = ARGS_WORDS_FILES },
	{ .name = "state-dir",
	  .arg = "DIR",
	  .help = "keep documents, indexes, answers and ratings here, whatever the configuration "
		  "says",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_values, state_dir),
	  .words = ARGS_WORDS_FILES },
	{ .name = "data-dir",
	  .arg = "DIR",
	  .help = "find the rules and policies that came with ragd here",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_values, data_dir),
	  .words = ARGS_WORDS_FILES },
	{ .name = "plugin-dir",
	  .arg = "DIR",
	  .help = "look for modules here before anywhere else",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct cli_values, plugin_dir),
	  .words = ARGS_WORDS_FILES },
	{ .name = "print-defaults",
	  .help = "print the configuration that runs without a file, and exit",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct cli_values, print_defaults) },
	{ .name = NULL },
};

static const struct args_program cli_program = {
	.name = "ragd",
	.about = "ragd answers questions from your own documents over a Unix socket.",
	.usage = "[OPTION]...",
	.closing = "See ragd(8) and ragd.conf(5).",
	.common = cli_opts,
};

void cli_help(FILE *f)
{
	args_help(&cli_program, NULL, f, HELP_WIDTH);
}

bool cli_hidden(int argc, char **argv, FILE *f, bool *ok)
{
	struct cli_values values = { .config = NULL };

	return args_hidden(&cli_program, argc, argv, &values, f, ok);
}

/* SIGHUP comes when the directory we started in may be gone, so paths are made absolute here. */
static const char *path_absolute(struct arena *a, const char *path)
{
	char cwd[PATH_MAX];

	if (path[0] == '/')
		return path;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return NULL;
	return arena_printf(a, "%s/%s", cwd, path);
}

static int path_set(struct arena *a, const char *option, const char *path, const char **out,
		    struct ragd_err *err)
{
	if (path == NULL)
		return 0;
	if (path[0] == '\0')
		return ragd_err_set(err, -EINVAL, "%s needs a path, but it is empty", option);
	*out = path_absolute(a, path);
	return *out != NULL ? 0 : ragd_err_sys(err, "%s %s", option, path);
}

static int source_set(struct arena *a, const struct cli_values *v, struct config_source *out,
		      struct ragd_err *err)
{
	const struct {
		const char *option, *path, **out;
	} paths[] = {
		{ "--config", v->config, &out->path },
		{ "--socket", v->socket, &out->socket },
		{ "--state-dir", v->state_dir, &out->state_dir },
		{ "--data-dir", v->data_dir, &out->data_dir },
		{ "--plugin-dir", v->plugin_dir, &out->plugin_dir },
	};
	int rc = 0;

	out->scope = v->user ? CONFIG_USER : CONFIG_SYSTEM;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(paths); i++)
		rc = path_set(a, paths[i].option, paths[i].path, paths[i].out, err);
	return rc;
}

int cli_parse(int argc, char **argv, struct arena *a, struct cli *out, struct ragd_err *err)
{
	struct cli_values values = { .config = NULL };
	struct cli cli = { .action = CLI_RUN };
	struct args_line line;
	int rc = args_parse(&cli_program, argc, argv, &values, &line, err);

	if (rc < 0)
		return rc;
	if (line.help)
		cli.action = CLI_HELP;
	else if (line.version)
		cli.action = CLI_VERSION;
	else if (values.print_defaults)
		cli.action = CLI_PRINT_DEFAULTS;
	else if (values.test)
		cli.action = CLI_CHECK;
	rc = source_set(a, &values, &cli.source, err);
	if (rc == 0)
		*out = cli;
	return rc;
}
