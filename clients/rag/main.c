/* rag, the shell client: finds the command, reads its options, runs it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "clients/rag/commands/commands.h"
#include "clients/rag/rag.h"

static int line_run(struct rag *r, int argc, char **argv)
{
	struct args_line *line = &r->line;
	struct ragd_err err;
	bool ok;

	if (args_hidden(r->program, argc, argv, &r->args, stdout, &ok))
		return ok ? EXIT_ANSWERED : EXIT_USAGE;
	if (args_parse(r->program, argc, argv, &r->args, line, &err) < 0)
		return rag_usage(r, "%s", err.msg);
	out_init(&r->out, stdout, r->args.color);
	if (line->version) {
		printf("rag %s\n", ragd_client_version());
		return EXIT_ANSWERED;
	}
	if (line->help) {
		args_help(r->program, line->command, r->out.f, r->out.width);
		return EXIT_ANSWERED;
	}
	if (line->command == NULL)
		return rag_usage(r, "which command?");
	return container_of(line->command, const struct rag_command, args)->run(r);
}

int main(int argc, char **argv)
{
	struct rag r = { .program = &rag_program };
	int rc;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	signal(SIGPIPE, SIG_IGN); /* a reader that left shows as an error of writing */
	rc = line_run(&r, argc, argv);
	args_free(r.program, &r.args);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("rag: write");
		rc = rc == EXIT_ANSWERED ? EXIT_FAILED : rc;
	}
	return rc;
}
