/*
 * Scanners: functions that go through text from left to right and say what they found. The text may
 * still be growing, so a scanner stops where more text could change its mind and is called again
 * from there. Two rules make what it finds independent of where the text is cut:
 *
 *  - before `from` it looks at no more than SCAN_BACK bytes, which the caller keeps;
 *  - what it decided before `from` no later byte can change.
 *
 * A find that may go on without end (a token, a private key) is decided as soon as it is certain
 * and stays open: the scanner then goes on to its end without holding anything back.
 */
#ifndef SAFETY_SCAN_H
#define SAFETY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/stream/spans.h"

#define SCAN_BACK 64
/* No scanner leaves more than this undecided, in bytes of the text it sees. */
#define SCAN_HOLD 256

struct scan_view {
	const char *s;
	size_t len;
	bool end; /* nothing follows s[len) */
};

/* What is said of a place; MORE: that takes more text. */
enum outcome { NO, YES, MORE };

/* Where one scanner is in one text. Zero-initialise. */
struct scanner {
	size_t from; /* all before is decided */
	bool open;   /* a find goes on: `found`, its end not known yet */
	struct text_span found;
	unsigned detail; /* the scanner's own, while open */
};

/* Appends what it found to out, offsets into v->s; sets st->from, which is v->len when v->end. */
typedef void (*scan_fn)(struct scanner *st, const struct scan_view *v, struct spans *out);

/*
 * Whether one of the words, lower case, separated by '|', begins a word in the `back` bytes before
 * s[i], back <= SCAN_BACK - 2.
 */
bool scan_near(const char *s, size_t i, size_t back, const char *words);
/* Bits of information per byte of s[0..len): 0 for one byte repeated. */
float scan_entropy(const char *s, size_t len);

#endif
