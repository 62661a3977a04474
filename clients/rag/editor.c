#include "editor.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_LINES 1000

struct editor {
	EditLine *el; /* NULL where nobody types */
	History *history;
	char *path; /* NULL: not kept */
	char *line;
	size_t size;
};

static char *prompt(EditLine *el)
{
	static char text[] = "> ";

	(void)el;
	return text;
}

char *editor_history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path;

	if (state != NULL && state[0] == '/')
		return asprintf(&path, "%s/ragd/history", state) >= 0 ? path : NULL;
	if (home != NULL && home[0] == '/')
		return asprintf(&path, "%s/.local/state/ragd/history", home) >= 0 ? path : NULL;
	return NULL;
}

/* Make the folders above path and the file itself, closed to everybody else. */
static bool make_private(const char *path)
{
	char *copy = strdup(path);
	int fd;

	if (copy == NULL)
		return false;
	for (char *p = strchr(copy + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(copy, 0700); /* whether it worked, open() will tell */
		*p = '/';
	}
	free(copy);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	fchmod(fd, 0600);
	close(fd);
	return true;
}

static void history_begin(struct editor *ed)
{
	HistEvent ev;

	ed->path = editor_history_path();
	if (ed->path == NULL || !make_private(ed->path)) {
		free(ed->path);
		ed->path = NULL;
		return;
	}
	history(ed->history, &ev, H_LOAD, ed->path);
}

int editor_open(bool keep, struct editor **out, struct ragd_err *err)
{
	struct editor *ed = calloc(1, sizeof(*ed));
	HistEvent ev;

	if (ed == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	*out = ed;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return 0;
	ed->history = history_init();
	ed->el = el_init("rag", stdin, stdout, stderr);
	if (ed->history == NULL || ed->el == NULL) {
		editor_close(ed);
		return ragd_err_set(err, -ENOMEM, "the line editor does not start");
	}
	history(ed->history, &ev, H_SETSIZE, HISTORY_LINES);
	history(ed->history, &ev, H_SETUNIQUE, 1);
	el_set(ed->el, EL_PROMPT, prompt);
	el_set(ed->el, EL_EDITOR, "emacs");
	el_set(ed->el, EL_HIST, history, ed->history);
	el_set(ed->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(ed->el, NULL); /* the user's ~/.editrc */
	if (keep)
		history_begin(ed);
	return 0;
}

void editor_close(struct editor *ed)
{
	if (ed == NULL)
		return;
	if (ed->el != NULL)
		el_end(ed->el);
	if (ed->history != NULL)
		history_end(ed->history);
	free(ed->path);
	free(ed->line);
	free(ed);
}

bool editor_is_tty(const struct editor *ed)
{
	return ed->el != NULL;
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	for (len = strlen(s); len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL; len--)
		s[len - 1] = '\0';
	return s;
}

static void history_keep(struct editor *ed, const char *line)
{
	HistEvent ev;

	history(ed->history, &ev, H_ENTER, line);
	if (ed->path != NULL)
		history(ed->history, &ev, H_SAVE, ed->path);
}

/* One line of a terminal, copied: history and editor keep their own. */
static char *line_edited(struct editor *ed)
{
	const char *typed;
	char *line;
	int n = 0;

	errno = 0;
	typed = el_gets(ed->el, &n);
	free(ed->line);
	ed->line = NULL;
	if (typed == NULL || n <= 0) {
		putchar('\n');
		if (n < 0 && errno == EINTR) {
			el_reset(ed->el);
			return ed->line = strdup("");
		}
		return NULL;
	}
	ed->line = strdup(typed);
	if (ed->line == NULL)
		return NULL;
	line = trim(ed->line);
	if (line[0] != '\0')
		history_keep(ed, line);
	return line;
}

char *editor_line(struct editor *ed)
{
	if (ed->el != NULL)
		return line_edited(ed);
	return getline(&ed->line, &ed->size, stdin) > 0 ? trim(ed->line) : NULL;
}
