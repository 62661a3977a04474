/*
 * A lane: the text of a stream, as its bytes are or as it reads, with the scanners that go along it.
 * Keeps what its scanners have not decided yet and a little before that.
 */
#ifndef SAFETY_LANE_H
#define SAFETY_LANE_H

#include "safety/stream/scan.h"
#include "safety/text/folded.h"

#define LANE_SCANNERS 5

struct lane {
	struct folded text; /* a window; at[] are offsets of the raw stream */
	struct scanner scan[LANE_SCANNERS];
	uint32_t open_end[LANE_SCANNERS]; /* raw: how far an open find is known to go */
	unsigned pii;                     /* PII_… wanted */
	bool secrets;
};

void lane_fini(struct lane *l);
/* Make *to a lane that has come as far, for text that goes on in another way. */
bool lane_split(struct lane *to, const struct lane *from);
/* Append raw[0..len), which stands at raw offset `at`, as it is. */
void lane_add(struct lane *l, const char *raw, size_t len, uint32_t at);
/*
 * Run the scanners. What they find is added to out in raw offsets, parts of open finds as spans that
 * join. Returns the raw offset before which all is decided; `fed` is where the lane's text ends.
 */
uint32_t lane_scan(struct lane *l, uint32_t fed, bool end, struct spans *out);

#endif
