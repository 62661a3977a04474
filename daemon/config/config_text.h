/*
 * The text of a configuration file, looked at before libconfuse parses it. libconfuse lets some
 * mistakes pass in silence (a missing '}', stray bytes, variables that are not set) and counts
 * lines wrong after comments. So the text is scanned first: what is broken is refused with its
 * line, comments are blanked out, and the names of options are gathered, since those of plugins are
 * not known yet.
 */
#ifndef DAEMON_CONFIG_TEXT_H
#define DAEMON_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define CONFIG_TEXT_MAX (1u << 20) /* bytes of one file */

/* A section began here. */
struct config_head {
	const char *section;
	int line;
};

/* NAME = …, somewhere in a section. */
struct config_key {
	const char *name;
	bool list; /* at least once with braces */
};

struct config_text {
	char *clean; /* the text without comments, every line where it was; NUL-terminated */
	size_t len;
	const struct config_head *heads; /* in the order of the text */
	size_t n_heads;
	const struct config_key *keys; /* each name once */
	size_t n_keys;
};

/*
 * Scan text[0..len); `name` is the file's, for the error: "name:3: …". All of *out is the arena's.
 */
int config_text_scan(struct arena *a, const char *name, const char *text, size_t len,
		     struct config_text *out, struct ragd_err *err);

#endif
