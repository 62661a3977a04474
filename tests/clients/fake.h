/*
 * A daemon that says what the test wants: HTTP/1.1 on a real Unix socket in a fresh folder, one
 * thread a connection, canned or made-up replies, and the ways in which a reply can go wrong.
 */
#ifndef TESTS_CLIENTS_FAKE_H
#define TESTS_CLIENTS_FAKE_H

#include <stdbool.h>
#include <stddef.h>

enum fake_fault {
	FAKE_FINE,
	FAKE_PIECES,    /* the same as chunks of three bytes */
	FAKE_TRUNCATED, /* half the body, then the end */
	FAKE_CLOSE,     /* no reply at all */
	FAKE_GARBAGE,   /* bytes that are no HTTP */
	FAKE_HANG,      /* headers and a first event, then nothing until the client leaves */
};

/* A request that came. */
struct fake_request {
	char *method;
	char *target; /* path and query, as sent */
	char *body;
	size_t len;
	char *headers; /* as sent */
};

struct fake;

/* Makes a reply's body from the request to f; free()d by the server. It may change *status. */
typedef char *(*fake_reply_cb)(const struct fake_request *req, int *status, struct fake *f);

struct fake_row {
	const char *method;
	const char *path; /* without the query; a '*' at its end stands for anything */
	int status;
	const char *type; /* NULL: application/json */
	const char *body;
	enum fake_fault fault;
	fake_reply_cb make; /* instead of body */
};

/*
 * Rows end with one whose method is NULL; the first that fits is taken, 404 if none. They must
 * outlive it.
 */
struct fake *fake_start(const struct fake_row *rows);
void fake_stop(struct fake *f);

const char *fake_folder(const struct fake *f); /* removed by fake_stop() with what is in it */
const char *fake_socket(const struct fake *f);

/* The i-th request that was complete, from 0; NULL if there is none. Lives until fake_stop(). */
const struct fake_request *fake_request(struct fake *f, size_t i);
size_t fake_n_requests(struct fake *f);
size_t fake_n_connections(struct fake *f);
/* Until a client hung up on a FAKE_HANG. */
void fake_wait_gone(struct fake *f);
/* Until n requests are there. */
void fake_wait_requests(struct fake *f, size_t n);

#endif
