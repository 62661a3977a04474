/* What filters decided, as answers, the journal and metrics show it, and what they want said. */
#ifndef DAEMON_FINDINGS_H
#define DAEMON_FINDINGS_H

#include <ragd/plugin.h>

#include "base/arena.h"

/* One decision. */
struct finding {
	enum ragd_stage stage;
	enum ragd_action action;
	const char *plugin; /* instance; lives as long as the plugin set */
	const char *category;
	const char *rule; /* NULL: none by name */
	float score;
	bool failure; /* the filter failed, and this is what its configuration says of that */
};

struct findings {
	struct arena *arena; /* strings and the array */
	struct finding *v;
	size_t n;
	size_t cap;
	size_t n_before; /* n as it was before the text under way */
};

/* Appends a copy of *f. Without memory for it the list stays short; the verdict stands. */
void findings_add(struct findings *list, const struct finding *f);
/* What the text under way left in the list, for it to be filtered again. */
void findings_undo(struct findings *list);

/* What filters that steer want the prompt to say: one note a line, each once. */
struct notes {
	char *s;
	size_t len;
	size_t cap;
};

/*
 * Appends a copy of the note, in the arena. Not one of the struct: when a call is lost its arena is
 * still the lost thread's, and the notes gathered so far go on growing in that of the next call.
 * Without memory for it the notes stay as they are.
 */
void notes_add(struct notes *notes, struct arena *arena, struct ragd_str note);
struct ragd_str notes_str(const struct notes *notes);

/* The strongest of two actions. */
enum ragd_action action_max(enum ragd_action a, enum ragd_action b);

#endif
