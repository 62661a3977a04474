/* What filters decided, as answers, the journal and metrics show it. */
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

/* The strongest of two actions. */
enum ragd_action action_max(enum ragd_action a, enum ragd_action b);
const char *action_name(enum ragd_action action);
const char *stage_name(enum ragd_stage stage);

#endif
