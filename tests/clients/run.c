#include "tests/clients/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake *server;

static char *slurp(FILE *f)
{
	char *text = NULL;
	size_t size = 0;

	rewind(f);
	if (getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

struct ran run_in(const char *folder, const char *input, const char *const *args)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	const char *build = getenv("RAGD_BUILDDIR");
	struct ran r;
	char named[2048], path[4096];
	int status;
	pid_t pid;

	fputs(input != NULL ? input : "", in);
	rewind(in);
	snprintf(named, sizeof(named), "%s/rag", build != NULL ? build : ".");
	if (realpath(named, path) == NULL)
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		setenv("RAGD_SOCKET", fake_socket(server), 1);
		if (folder == NULL || chdir(folder) == 0)
			execv(path, (char *const *)args);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		abort();
	r = (struct ran){ slurp(out), slurp(err), WEXITSTATUS(status) };
	fclose(in);
	return r;
}

void ran_free(struct ran *r)
{
	free(r->out);
	free(r->err);
}

void server_start(const struct fake_row *rows)
{
	server = fake_start(rows, NULL);
}

void server_stop(void)
{
	fake_stop(server);
	server = NULL;
}
