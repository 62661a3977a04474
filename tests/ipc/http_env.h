/*
 * A real server on a real socket, and raw clients of it, all in one thread: whoever waits for
 * something turns the loop meanwhile. Nothing sleeps; what does not come within TIMEOUT_MS fails
 * the test.
 */
#ifndef TESTS_IPC_HTTP_ENV_H
#define TESTS_IPC_HTTP_ENV_H

#include <stdbool.h>

#include "base/buf.h"
#include "ipc/http/http.h"
#include "tests/test.h"

#define TIMEOUT_MS 200000

struct env {
	uv_loop_t loop;
	struct http_server *server;
	char dir[64];
	char path[96];
	bool closed; /* the server's closed_cb ran */

	/* Exchanges that routes /late and /stream keep, in their order. */
	struct http_exchange *kept[64];
	size_t n_kept;
	unsigned n_gone;          /* gone callbacks that ran */
	unsigned n_handled;       /* handlers that ran */
	struct http_request last; /* of the last handler; its texts are copied below */
	char last_path[512];
	char last_param[4][512];
	char last_body[512];
	size_t last_body_len;
	struct ragd_caller last_caller; /* its groups are copied below */
	gid_t last_groups[256];
	unsigned n_failures; /* that the server told of, and the last of them */
	int last_failure;
	char last_failure_id[64];
	char last_failure_body[256];
};

/* Bounds that no test meets by accident. */
extern const struct http_limits env_limits;

/* cmocka's setup and teardown; the teardown stops the server and checks that all is gone. */
int env_setup(void **state);
int env_teardown(void **state);
/* One turn of the loop that does not wait. */
void env_turn(struct env *e);
/* Turn until *flag >= want. */
void env_wait(struct env *e, const unsigned *flag, unsigned want);
/* Turn for ms: only to show that something does not happen. */
void env_turn_for(struct env *e, int ms);

/* A connected non-blocking socket. */
int client_open(struct env *e);
void client_send(struct env *e, int fd, const void *data, size_t len);
void client_text(struct env *e, int fd, const char *text);

struct reply {
	int status;
	char head[4096];
	struct buf body; /* de-chunked */
	bool chunked;
	bool close; /* Connection: close */
};

/* The next reply; bytes beyond it stay in *rest, which belongs to fd. */
void reply_read(struct env *e, int fd, struct buf *rest, struct reply *r);
/* A reply to a HEAD request: no body whatever its head says. */
void reply_read_head(struct env *e, int fd, struct buf *rest, struct reply *r);
void reply_fini(struct reply *r);
/* The value of a header in the reply; "" if it is not there. */
const char *reply_header(struct reply *r, const char *name);
/* The server closes fd without a further byte. */
void client_expect_eof(struct env *e, int fd);
/* Read once what is there, turning until there is something; 0 at the end. */
size_t client_recv(struct env *e, int fd, struct buf *into);
/* A whole request and its reply on a connection of its own; r NULL: it must be 200. */
void request(struct env *e, const char *text, struct reply *r);

#endif
