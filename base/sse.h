/*
 * Server-sent events from bytes that arrive in any pieces, from a server that is not trusted. What
 * comes out never depends on where the pieces were cut.
 */
#ifndef BASE_SSE_H
#define BASE_SSE_H

#include "base/buf.h"

/*
 * One event, its data lines joined with a newline and NUL-terminated; borrowed. is_error: it came
 * in a field called `error`, as some servers send. Anything but 0 ends the stream and is what
 * sse_feed returns.
 */
typedef int (*sse_event_cb)(void *arg, bool is_error, const char *data, size_t len,
			    struct ragd_err *err);

struct sse {
	struct buf line; /* the part of a line that has arrived */
	struct buf data; /* of the event so far */
	size_t event_max;
	size_t total_max;
	size_t n_total;
	bool started; /* past where a byte order mark may stand */
	bool has_data;
	bool is_error;
	bool after_cr; /* a line feed that comes next belongs to the line before */
	sse_event_cb event;
	void *arg;
};

/*
 * event_max: bytes of one line, and of the data of one event; total_max: bytes of the whole stream,
 * comments included, or SIZE_MAX.
 */
void sse_init(struct sse *s, size_t event_max, size_t total_max, sse_event_cb event, void *arg);
void sse_fini(struct sse *s);
/* 0, -EPROTO with what is too long, -ENOMEM, or what the callback returned; then feed no more. */
int sse_feed(struct sse *s, const char *data, size_t len, struct ragd_err *err);

#endif
