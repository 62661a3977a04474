#include "clients/rag/terminal/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 1000

struct editor {
	EditLine *el; /* NULL where nobody types */
	History *history;
	char *path; /* NULL: not kept */
	char *line;
	size_t size;
	/* The mask while it waits for a key, which lets SIGINT, SIGWINCH and SIGCONT through. */
	sigset_t typing;
	struct sigaction old_winch, old_cont;
};

/* Signals are blocked but while waiting for a key, so that none is lost between two keys. */
static volatile sig_atomic_t interrupted, changed;

void editor_interrupt(void)
{
	interrupted = 1;
}

/* The window has another size, or the shell gave the terminal back. */
static void on_change(int sig)
{
	(void)sig;
	changed = 1;
}

/* Wait for input: 0, or -1 with EINTR if Ctrl-C was pressed. */
static int wait_for_key(struct editor *ed)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	while (ppoll(&in, 1, NULL, &ed->typing) < 0) {
		if (errno != EINTR)
			return -1;
		if (interrupted) {
			errno = EINTR;
			return -1;
		}
		if (changed) {
			changed = 0;
			el_set(ed->el, EL_PREP_TERM, 1);
			el_resize(ed->el);
			el_set(ed->el, EL_REFRESH);
		}
	}
	return 0;
}

/* The editor's way to the next character: 1, 0 at the end, -1. */
static int read_key(EditLine *el, wchar_t *out)
{
	mbstate_t state = { 0 };
	struct editor *ed;
	char byte;

	el_get(el, EL_CLIENTDATA, &ed);
	for (;;) {
		ssize_t n;
		size_t got;

		if (wait_for_key(ed) < 0)
			return -1;
		n = read(STDIN_FILENO, &byte, 1);
		if (n <= 0)
			return n < 0 && errno == EINTR ? -1 : (int)n;
		got = mbrtowc(out, &byte, 1, &state);
		if (got == (size_t)-2)
			continue;        /* in the middle of a character */
		if (got == (size_t)-1) { /* no character of this locale: pass over it */
			memset(&state, 0, sizeof(state));
			continue;
		}
		return 1;
	}
}

static char *prompt_show(EditLine *el)
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

static void signals_begin(struct editor *ed)
{
	struct sigaction act = { .sa_handler = on_change };

	sigaction(SIGWINCH, &act, &ed->old_winch);
	sigaction(SIGCONT, &act, &ed->old_cont);
}

static void signals_end(struct editor *ed)
{
	sigaction(SIGWINCH, &ed->old_winch, NULL);
	sigaction(SIGCONT, &ed->old_cont, NULL);
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
	el_set(ed->el, EL_CLIENTDATA, ed);
	el_set(ed->el, EL_GETCFN, read_key);
	el_set(ed->el, EL_PROMPT, prompt_show);
	el_set(ed->el, EL_EDITOR, "emacs");
	el_set(ed->el, EL_HIST, history, ed->history);
	el_set(ed->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(ed->el, NULL); /* the user's ~/.editrc */
	signals_begin(ed);
	if (keep)
		history_begin(ed);
	return 0;
}

void editor_close(struct editor *ed)
{
	if (ed == NULL)
		return;
	if (ed->el != NULL && ed->history != NULL)
		signals_end(ed);
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

static char *line_trim(char *s)
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

/* el_gets() with the signals blocked that read_key() waits for. */
static const char *type_line(struct editor *ed, int *n)
{
	const char *typed;
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGWINCH);
	sigaddset(&block, SIGCONT);
	interrupted = 0;
	pthread_sigmask(SIG_BLOCK, &block, &ed->typing);
	/*
	 * libedit shows the prompt before it takes the terminal over: keys that came between were
	 * lost.
	 */
	el_set(ed->el, EL_PREP_TERM, 1);
	typed = el_gets(ed->el, n);
	pthread_sigmask(SIG_SETMASK, &ed->typing, NULL);
	return typed;
}

/* One line of a terminal, copied: history and editor keep their own. */
static char *line_edited(struct editor *ed)
{
	const char *typed;
	char *line;
	int n = 0;

	typed = type_line(ed, &n);
	free(ed->line);
	ed->line = NULL;
	if (typed == NULL || n <= 0) {
		putchar('\n');
		if (interrupted) {
			el_reset(ed->el);
			return ed->line = strdup("");
		}
		return NULL;
	}
	ed->line = strdup(typed);
	if (ed->line == NULL)
		return NULL;
	line = line_trim(ed->line);
	if (line[0] != '\0')
		history_keep(ed, line);
	return line;
}

char *editor_line(struct editor *ed)
{
	if (ed->el != NULL)
		return line_edited(ed);
	return getline(&ed->line, &ed->size, stdin) > 0 ? line_trim(ed->line) : NULL;
}
