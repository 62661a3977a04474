/*
 * Inspection of one passage: its title, heading and text are filtered as the one text that a
 * reader sees, so that what is spread over them is found too, and what the filters change is put
 * back into the part that it came from.
 */
#ifndef DAEMON_INSPECT_H
#define DAEMON_INSPECT_H

#include "daemon/flow/filters.h"

struct inspect {
	const struct filters *filters;
	struct call *call;
	struct ragd_str question;
	struct findings *findings; /* findings are added; borrowed */
	struct notes *notes;       /* what filters want the prompt to say; the same */
};

/*
 * True with *p as it may go into a prompt, title and heading on one line each; false if
 * it is left out. A title that may not stay gives way to `id`, if that may be shown.
 * New texts live in call's arena.
 */
bool inspect_passage(const struct inspect *in, const char *id, struct ragd_passage *p);

#endif
