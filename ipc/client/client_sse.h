/* Server-sent events out of bytes that arrive in any pieces. */
#ifndef IPC_CLIENT_SSE_H
#define IPC_CLIENT_SSE_H

#include "ipc/client/client_int.h"

#define SSE_EVENT_MAX ((size_t)16 << 20)

/* The data of one event, NUL-terminated; a negative errno ends the stream. */
typedef int (*sse_event_cb)(void *arg, const char *data, size_t len, struct ragd_err *err);

struct sse {
	struct buf line; /* the part of a line that has arrived */
	struct buf data; /* the data lines of the event so far */
	bool has_data;
	sse_event_cb event;
	void *arg;
};

void sse_init(struct sse *s, sse_event_cb event, void *arg);
void sse_fini(struct sse *s);
int sse_feed(struct sse *s, const char *data, size_t len, struct ragd_err *err);

#endif
