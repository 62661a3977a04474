/* What filters decided, as shown in answers, the journal and metrics, and their notes. */
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
	const char *rule; /* NULL: it has no name */
	float score;
	bool failure; /* the filter failed, and its configuration says to do this */
};

struct findings {
	struct arena *arena; /* strings and the array */
	struct finding *v;
	size_t n;
	size_t cap;
	size_t n_before; /* n as it was before the text now being filtered */
};

/* Appends a copy of *f. Without memory for it the list stays short; the verdict stands. */
void findings_add(struct findings *list, const struct finding *f);
/* Remove what the text now being filtered has added, so that it can be filtered again. */
void findings_undo(struct findings *list);

/* What filters that steer want the prompt to say: one note a line, each once. */
struct notes {
	char *s;
	size_t len;
	size_t cap;
};

/*
 * Appends a copy of the note, in the arena. The arena is not in the struct: that of a lost call
 * still belongs to the lost thread, and the notes gathered so far go on growing in that of the next
 * call. Without memory for it the notes stay as they are.
 */
void notes_add(struct notes *notes, struct arena *arena, struct ragd_str note);
struct ragd_str notes_str(const struct notes *notes);

/* The stronger of two actions. */
enum ragd_action action_max(enum ragd_action a, enum ragd_action b);

#endif
