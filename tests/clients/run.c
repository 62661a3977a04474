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

/*
 * In the child: become rag, or under tests/valgrind, which sets VALGRIND, Valgrind on the program
 * itself.
 */
static void become_rag(const char *build, const char *const *args)
{
	static const char *const valgrind[] = { "valgrind", "-q", "--error-exitcode=99",
						"--leak-check=full",
						"--errors-for-leak-kinds=definite" };
	const char *words[64];
	char path[4200];
	size_t n = 0;

	if (getenv("VALGRIND") == NULL) {
		snprintf(path, sizeof(path), "%s/rag", build);
		execv(path, (char *const *)args);
		return;
	}
	snprintf(path, sizeof(path), "%s/.libs/rag", build); /* not libtool's script */
	for (size_t i = 0; i < sizeof(valgrind) / sizeof(valgrind[0]); i++)
		words[n++] = valgrind[i];
	words[n++] = path;
	while (*++args != NULL && n < 63)
		words[n++] = *args;
	words[n] = NULL;
	execvp(words[0], (char *const *)words);
}

struct ran run_in(const char *folder, const char *input, const char *const *args)
{
	FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	const char *named = getenv("RAGD_BUILDDIR");
	char build[4096];
	struct ran r;
	int status;
	pid_t pid;

	fputs(input != NULL ? input : "", in);
	rewind(in);
	if (realpath(named != NULL ? named : ".", build) == NULL)
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		dup2(fileno(err), 2);
		setenv("RAGD_SOCKET", fake_socket(server), 1);
		if (folder == NULL || chdir(folder) == 0)
			become_rag(build, args);
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
	server = fake_start(rows);
}

void server_stop(void)
{
	fake_stop(server);
	server = NULL;
}
