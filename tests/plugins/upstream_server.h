/*
 * A server for tests of what asks one: it speaks just enough HTTP, and does what it is told to,
 * above all what a good server never does.
 */
#ifndef TESTS_PLUGINS_UPSTREAM_SERVER_H
#define TESTS_PLUGINS_UPSTREAM_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum then {
	THEN_CLOSE, /* close the connection */
	THEN_HANG,  /* say nothing more until the client hangs up */
	THEN_KEEP,  /* wait for the next request on the same connection */
	THEN_FLOOD, /* go on with `more` until the client hangs up */
};

/* What becomes of one POST. */
struct act {
	const char *reply; /* as it goes over the wire; NULL: nothing */
	enum then then;
	size_t piece;     /* bytes a write; 0: all at once */
	const char *more; /* of a flood */
	int pace_ms;      /* between two writes of it */
};

struct server {
	char url[128]; /* for `endpoints` */

	int listen_fd;
	int stop_fd; /* readable once the server stops */
	pthread_t thread;
	bool running;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct act *acts; /* for POSTs in their order; then all get the last one */
	size_t n_acts;
	const char *models; /* the reply to GET …/models, other paths get an empty 200 */
	unsigned n_posts;
	unsigned n_gets;
	unsigned n_hangups; /* clients that left before the server was done */
	unsigned n_threads;
	struct buf head; /* of the latest POST */
	struct buf body;
	struct buf get; /* the head of the latest GET */
};

/*
 * On a Unix socket of that path, or (NULL) on some port of 127.0.0.1. Fails the test if it cannot.
 */
void server_start(struct server *s, const char *path, const struct act *acts, size_t n_acts);
void server_stop(struct server *s);
/* Close the socket: connections are refused from now on. Those at work go on. */
void server_refuse(struct server *s);
void server_models(struct server *s, const char *reply);

/* Wait until a counter is at least n; fail the test after 20 s. */
void server_wait(struct server *s, const unsigned *counter, unsigned n);
unsigned server_read(struct server *s, const unsigned *counter);

/* ---- what to say ---------------------------------------------------------------------------- */

#define HEAD_OF(status, type)                                                                      \
	"HTTP/1.1 " status "\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n"
#define HEAD_SSE    HEAD_OF("200 OK", "text/event-stream; charset=utf-8")
#define HEAD_JSON   HEAD_OF("200 OK", "application/json")
#define TOKEN(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH(why)                                                                                \
	"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" why "\"}]}\n\n"
#define USAGE(in, out)                                                                             \
	"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":" in ",\"completion_tokens\":" out     \
	"}}\n\n"
#define DONE "data: [DONE]\n\n"
#define ERROR_OF(status, words)                                                                    \
	HEAD_OF(status, "application/json") "{\"error\":{\"message\":\"" words "\"}}"
#define MODELS_OF(id) HEAD_JSON "{\"object\":\"list\",\"data\":[{\"id\":\"" id "\"}]}"

#endif
