/*
 * Runs of characters that nobody sees, cut to a bound: what is beyond it is taken out of the text,
 * so that whatever stands on both sides stays together and a find cannot span raw text without end.
 * And the way back to offsets of the text before.
 */
#ifndef SAFETY_UNSEEN_H
#define SAFETY_UNSEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a run that stay: a joiner and a variation selector, as emoji have them. */
#define UNSEEN_MAX 8

/* Zero-initialise; unseen_fini. */
struct unseen {
	struct unseen_cut {
		uint32_t at; /* of what is kept: here bytes are missing */
		uint32_t n;  /* so many here and before */
	} * cut;
	size_t n_cuts;
	size_t cap;
	uint32_t before; /* bytes missing in front of cut[0] */
	size_t run;      /* bytes of the run that goes on */
	bool failed;     /* memory ran out */
};

void unseen_fini(struct unseen *u);

/*
 * Take the excess out of text[0..len), in place; it stands at offset `at` of what is kept and ends
 * with a whole character. Returns how much is left.
 */
size_t unseen_cut(struct unseen *u, char *text, size_t len, uint32_t at);

/* Where what stands at an offset of the kept text begins, or ends, in the text before. */
uint32_t unseen_start(const struct unseen *u, uint32_t at);
uint32_t unseen_end(const struct unseen *u, uint32_t at);
/* And the other way round. */
uint32_t unseen_kept(const struct unseen *u, uint32_t at);

/* No offset before `at` will be asked for any more. */
void unseen_forget(struct unseen *u, uint32_t at);

#endif
