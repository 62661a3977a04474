/*
 * A window on the text of a stream, as its bytes are or as it reads, with the scanners that go
 * along it. Keeps what its scanners have not decided yet and a little before that.
 */
#ifndef SAFETY_SCAN_WINDOW_H
#define SAFETY_SCAN_WINDOW_H

#include "safety/stream/scan.h"
#include "safety/text/folded.h"

#define WINDOW_SCANNERS 5

struct scan_window {
	struct folded text; /* at[] are offsets of the raw stream */
	struct scanner scan[WINDOW_SCANNERS];
	uint32_t open_end[WINDOW_SCANNERS]; /* raw: how far an open find is known to go */
	unsigned pii;                       /* PII_… wanted */
	bool secrets;
};

void scan_window_fini(struct scan_window *w);
/* Make *to a window that has come as far, for text that goes on in another way. */
bool scan_window_split(struct scan_window *to, const struct scan_window *from);
/* Append raw[0..len), which stands at raw offset `at`, as it is. */
void scan_window_add(struct scan_window *w, const char *raw, size_t len, uint32_t at);
/*
 * Run the scanners. What they find is added to out in raw offsets, parts of open finds as spans
 * that join. Returns the raw offset before which all is decided; `fed` is where the window's text
 * ends.
 */
uint32_t scan_window_scan(struct scan_window *w, uint32_t fed, bool end, struct spans *out);

#endif
