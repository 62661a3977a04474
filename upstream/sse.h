/*
 * Server-sent events out of bytes that arrive in any pieces, from a server that need not mean well.
 * What comes out never depends on where the pieces were cut.
 */
#ifndef UPSTREAM_SSE_H
#define UPSTREAM_SSE_H

#include "base/buf.h"

#define SSE_LINE_MAX  ((size_t)1 << 20)
#define SSE_EVENT_MAX ((size_t)1 << 20)  /* bytes of the data of one event */
#define SSE_TOTAL_MAX ((size_t)64 << 20) /* bytes of one stream, comments included */

/*
 * One event, its data lines joined with a newline; borrowed. is_error: it came in a field called
 * `error`, as some servers send. Anything but 0 ends the stream and is what sse_feed returns.
 */
typedef int (*sse_event_cb)(void *arg, bool is_error, const char *data, size_t len,
			    struct ragd_err *err);

struct sse {
	struct buf line; /* the part of a line that has arrived */
	struct buf data; /* of the event so far */
	size_t n_total;
	bool started; /* past where a byte order mark may stand */
	bool has_data;
	bool is_error;
	bool after_cr; /* a line feed that comes next belongs to the line before */
	sse_event_cb event;
	void *arg;
};

void sse_init(struct sse *s, sse_event_cb event, void *arg);
void sse_fini(struct sse *s);
/* 0, -EPROTO with what is too long, -ENOMEM, or what the callback returned; then feed no more. */
int sse_feed(struct sse *s, const char *data, size_t len, struct ragd_err *err);

#endif
