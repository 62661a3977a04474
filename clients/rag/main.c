/* rag, the shell client: finds the command, reads its options, runs it. */
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "manual.h"
#include "rag.h"

static void help_all(struct out *o)
{
	fputs("rag asks ragd, which answers from your own documents.\n\nusage: rag COMMAND "
	      "[OPTION]…\n\n",
	      o->f);
	for (size_t i = 0; commands[i] != NULL; i++)
		fprintf(o->f, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
	fputs("\nOptions of every command:\n", o->f);
	args_help(o->f, common_opts, o->width);
	fputs("\nExit status: 0 answered, 1 error, 2 usage, 3 no grounded answer, 4 blocked by a "
	      "filter.\n"
	      "`rag COMMAND --help` and rag-COMMAND(1) tell more.\n",
	      o->f);
}

static void help_command(struct out *o, const struct command *c)
{
	fprintf(o->f, "rag %s: %s\n\nusage: rag %s [OPTION]… %s\n", c->name, c->summary, c->name,
		c->usage);
	if (c->opts != NULL) {
		fputs("\nOptions:\n", o->f);
		args_help(o->f, c->opts, o->width);
	}
	fputs("\nOptions of every command:\n", o->f);
	args_help(o->f, common_opts, o->width);
}

/* argv[0] is the command's name. */
static int run_command(struct rag *r, int argc, char **argv)
{
	const struct command *c = r->command;
	char why[300];

	if (args_parse(&r->args, argc, argv, c->opts, false, why, sizeof(why)) < 0)
		return rag_usage(r, "%s", why);
	out_init(&r->out, stdout, r->args.color);
	if (r->args.help) {
		help_command(&r->out, c);
		return EXIT_ANSWERED;
	}
	if (r->args.version) {
		printf("rag %s\n", ragd_client_version());
		return EXIT_ANSWERED;
	}
	if (r->args.n_rest < c->min_rest)
		return rag_usage(r, "%s: something is missing", c->name);
	if (c->max_rest >= 0 && r->args.n_rest > c->max_rest)
		return rag_usage(r, "%s: '%s' is too much", c->name, r->args.rest[c->max_rest]);
	return c->run(r);
}

static int run(struct rag *r, int argc, char **argv)
{
	char why[300];

	if (argc > 1 && strncmp(argv[1], "--man-", 6) == 0)
		return manual_main(argc, argv);
	if (args_parse(&r->args, argc, argv, NULL, true, why, sizeof(why)) < 0)
		return rag_usage(r, "%s", why);
	out_init(&r->out, stdout, r->args.color);
	if (r->args.version) {
		printf("rag %s\n", ragd_client_version());
		return EXIT_ANSWERED;
	}
	if (r->args.n_rest == 0) {
		if (!r->args.help)
			return rag_usage(r, "which command?");
		help_all(&r->out);
		return EXIT_ANSWERED;
	}
	argv = r->args.rest;
	argc = r->args.n_rest;
	r->command = command_find(argv[0]);
	if (r->command == NULL)
		return rag_usage(r, "there is no command '%s'", argv[0]);
	return run_command(r, argc, argv);
}

int main(int argc, char **argv)
{
	struct rag r = { .command = NULL };
	int rc;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_IGN); /* a reader that left shows as an error of writing */
	rc = run(&r, argc, argv);
	args_fini(&r.args);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("rag: write");
		rc = rc == EXIT_ANSWERED ? EXIT_FAILED : rc;
	}
	return rc;
}
