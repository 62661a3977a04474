/* ragd-model: finds the command, reads its options, runs it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "tools/model/tool.h"

static void help_all(void)
{
	fputs("ragd-model looks at GGUF models and runs them.\n\nusage: ragd-model COMMAND -m FILE "
	      "[OPTION]…\n\n",
	      stdout);
	for (size_t i = 0; commands[i] != NULL; i++)
		printf("  %-12s%s\n", commands[i]->name, commands[i]->summary);
	fputs("\nOptions of every command:\n", stdout);
	args_help(stdout, common_opts);
	fputs("\nOptions of the commands that run a model:\n", stdout);
	args_help(stdout, run_opts);
	fputs("\nExit status: 0 done, 1 error, 2 usage.\n"
	      "`ragd-model COMMAND --help` and ragd-model(1) tell more.\n",
	      stdout);
}

static void help_command(const struct command *c)
{
	printf("ragd-model %s: %s\n\nusage: ragd-model %s -m FILE [OPTION]…%s%s\n", c->name,
	       c->summary, c->name, c->input != NULL ? " <" : "", c->input != NULL ? c->input : "");
	fputs("\nOptions:\n", stdout);
	args_help(stdout, c->opts);
	if (c->runs_model)
		args_help(stdout, run_opts);
	args_help(stdout, common_opts);
}

/* What the manual page is made with: --man-options COMMAND|run|common, --man-commands. */
static int manual_print(int argc, char **argv)
{
	const struct command *c;

	if (argc == 2 && strcmp(argv[1], "--man-commands") == 0) {
		for (size_t i = 0; commands[i] != NULL; i++)
			printf(".TP\n.B %s\n%s.\n", commands[i]->name, commands[i]->summary);
		return EXIT_DONE;
	}
	if (argc != 3 || strcmp(argv[1], "--man-options") != 0)
		return tool_usage("there is no option '%s'", argv[1]);
	c = command_find(argv[2]);
	if (c != NULL)
		args_man(stdout, c->opts);
	else if (strcmp(argv[2], "run") == 0)
		args_man(stdout, run_opts);
	else if (strcmp(argv[2], "common") == 0)
		args_man(stdout, common_opts);
	else
		return tool_usage("there is no command '%s'", argv[2]);
	return EXIT_DONE;
}

/* argv[0] is the command's name. */
static int run_command(const struct command *c, struct args *a, int argc, char **argv)
{
	char why[300];

	if (args_parse(a, argc, argv, c->opts, c->runs_model ? run_opts : NULL, false, why,
		       sizeof(why)) < 0)
		return tool_usage("%s: %s", c->name, why);
	if (a->help) {
		help_command(c);
		return EXIT_DONE;
	}
	if (a->version) {
		puts("ragd-model " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	if (a->n_rest > 0)
		return tool_usage("%s: '%s' is too much", c->name, a->rest[0]);
	if (a->model == NULL)
		return tool_usage("%s: which model? -m FILE is missing", c->name);
	return c->run(a);
}

static int command_run(int argc, char **argv)
{
	struct args a = {
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
	const struct command *c;
	char why[300];

	if (argc > 1 && strncmp(argv[1], "--man-", 6) == 0)
		return manual_print(argc, argv);
	if (args_parse(&a, argc, argv, NULL, run_opts, true, why, sizeof(why)) < 0)
		return tool_usage("%s", why);
	if (a.version) {
		puts("ragd-model " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	if (a.n_rest == 0) {
		if (!a.help)
			return tool_usage("which command?");
		help_all();
		return EXIT_DONE;
	}
	c = command_find(a.rest[0]);
	if (c == NULL)
		return tool_usage("there is no command '%s'", a.rest[0]);
	return run_command(c, &a, a.n_rest, a.rest);
}

int main(int argc, char **argv)
{
	int rc;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_IGN); /* a reader that left shows as an error of writing, and so */
	signal(SIGXFSZ, SIG_IGN); /* does a file that may not grow further */
	rc = command_run(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ragd-model: write");
		rc = rc == EXIT_DONE ? EXIT_FAILED : rc;
	}
	return rc;
}
