/* ragd-model: finds the command, reads its options, runs it. */
#include <config.h>

#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "base/util.h"
#include "tools/model/tool.h"

/* Lines of help are no longer than this, however wide the terminal is. */
#define HELP_WIDTH 96

static int command_run(const struct args_line *line, const struct model_args *a)
{
	const struct args_command *c = line->command;

	if (a->model == NULL)
		return tool_usage("%s: which model? -m FILE is missing", c->name);
	return container_of(c, const struct model_command, args)->run(a);
}

static int line_run(int argc, char **argv)
{
	struct model_args a = {
		.top = 10,
		.top_p = 1,
		.repeat = 1,
		.draft = 8,
		.window = 512,
		.n_prompt = 512,
		.n_decode = 64,
		.batch = 1,
		.pass = 512,
	};
	struct args_line line;
	struct ragd_err err;
	bool ok;

	if (args_hidden(&model_program, argc, argv, &a, stdout, &ok))
		return ok ? EXIT_DONE : EXIT_USAGE;
	if (args_parse(&model_program, argc, argv, &a, &line, &err) < 0)
		return tool_usage("%s%s%s", line.command != NULL ? line.command->name : "",
				  line.command != NULL ? ": " : "", err.msg);
	if (line.version) {
		puts("ragd-model " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	if (line.help) {
		args_help(&model_program, line.command, stdout, HELP_WIDTH);
		return EXIT_DONE;
	}
	if (line.command == NULL)
		return tool_usage("which command?");
	return command_run(&line, &a);
}

int main(int argc, char **argv)
{
	int rc;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_IGN); /* a reader that left shows as an error of writing, and so */
	signal(SIGXFSZ, SIG_IGN); /* does a file that may not grow further */
	rc = line_run(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ragd-model: write");
		rc = rc == EXIT_DONE ? EXIT_FAILED : rc;
	}
	return rc;
}
