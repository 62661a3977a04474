/* Lines that a person types, with editing and history; or lines of a pipe. */
#ifndef RAG_EDITOR_H
#define RAG_EDITOR_H

#include <stdbool.h>

#include <ragd/err.h>

struct editor;

/*
 * With keep, lines are kept in $XDG_STATE_HOME/ragd/history (~/.local/state), for the user's eyes
 * only.
 */
int editor_open(bool keep, struct editor **out, struct ragd_err *err);
void editor_close(struct editor *ed);
/* Do people type here. */
bool editor_is_tty(const struct editor *ed);
/*
 * The next line without white space at its ends, "" if it is empty or Ctrl-C threw it away; NULL at
 * the end. Borrowed until the next call.
 */
char *editor_line(struct editor *ed);

/* For a handler of SIGINT: throw the line away that is being typed, if one is. */
void editor_interrupt(void);

/* Where the history is kept: a string to free(), or NULL if there is no home. */
char *editor_history_path(void);

#endif
