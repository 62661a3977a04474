/*
 * The forms in which the rules see a text: as it reads, as it is written, and behind disguises.
 * Each is a plain text of its own with the way back.
 */
#ifndef SAFETY_VIEWS_H
#define SAFETY_VIEWS_H

#include "safety/text/folded.h"
#include "safety/text/unjoin.h"

/* views_init, then views_next until it says no; views_fini. */
struct views {
	struct folded read;         /* as it reads */
	struct folded written;      /* folded; empty where the reading has all that is written */
	const struct unjoin *words; /* NULL: nothing behind disguises */
	struct stop_check *stop;
	unsigned next;
};

/*
 * text[0..len) need not outlive the call, words and stop must outlive the views. False when out of
 * memory. Once it is stopped, views are short and to be thrown away.
 */
bool views_init(struct views *v, const char *text, size_t len, const struct unjoin *words,
		struct stop_check *stop);
void views_fini(struct views *v);

/*
 * Put the next view into *plain, whatever that holds; false after the last. plain->failed: no
 * memory.
 */
bool views_next(struct views *v, struct folded *plain);

#endif
