/* What the files of libragd share: the handle, one HTTP call, JSON in both directions. */
#ifndef IPC_CLIENT_INT_H
#define IPC_CLIENT_INT_H

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/client.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/util.h"

/* A reply that is kept in memory may not be longer; the daemon's own limits are far below. */
#define CLIENT_REPLY_MAX ((size_t)256 << 20)

struct ragd_client {
	char *socket;
	CURLM *multi; /* holds the connections that are used again */
	CURL *easy;
	int wake; /* eventfd: readable once ragd_client_cancel() was called */
	unsigned timeout_ms;
	int status;
	char code[48];
	char request_id[80];
};

/* Bytes of a reply with a 2xx status; a negative errno, with its sentence, ends the call. */
typedef int (*client_sink_cb)(void *arg, const char *data, size_t len, struct ragd_err *err);

struct client_call {
	const char *method;
	const char *path; /* percent-encoded */
	const char *type; /* of the body; NULL without one */
	const char *body;
	size_t len;
	client_sink_cb sink;
	void *arg;
};

/* One exchange. What is not 2xx becomes an error with the daemon's sentence. */
int client_call(struct ragd_client *c, const struct client_call *call, struct ragd_err *err);

/* The same with the reply's bytes appended to *reply. */
int client_get(struct ragd_client *c, const char *method, const char *path, const char *type,
	       const char *body, size_t len, struct buf *reply, struct ragd_err *err);

/* A reply that is JSON: the text as it came, and what it says. */
struct client_reply {
	char *text;
	json_t *root; /* an object */
};

void client_reply_fini(struct client_reply *r);
/* Parse text (stolen, also on failure). */
int client_reply_parse(char *text, size_t len, struct client_reply *out, struct ragd_err *err);

/*
 * Zeroed memory for a list of n rows that borrows from the reply, which is freed, with a sentence,
 * where there is none.
 */
void *client_list_new(struct client_reply *reply, size_t head, size_t n, size_t row,
		      struct ragd_err *err);
/* The rows of a reply that is a list under `data`, or one object, which is the only row. */
size_t client_rows(const struct client_reply *r);
const json_t *client_row(const struct client_reply *r, size_t i);

/* "/v1/collections/{}" with an argument, percent-encoded, for every {}. NULL: out of memory. */
char *client_path(const char *pattern, ...);

/* 0, or -EINVAL with "WHAT is not UTF-8 at byte N". */
int client_check_utf8(const char *what, const char *s, size_t len, struct ragd_err *err);

/* A member of an object, "" or 0 if it is absent or of another type. Borrowed. */
const char *client_text(const json_t *object, const char *key);
uint64_t client_number(const json_t *object, const char *key);
double client_real(const json_t *object, const char *key);
bool client_true(const json_t *object, const char *key);

/* A request being written: the first thing that is wrong stays in rc, and it is not sent. */
struct client_body {
	struct json_writer w; /* within the object that is the body */
	struct buf text;
	int rc;
	struct ragd_err *err;
};

void client_body_init(struct client_body *b, struct ragd_err *err);
/* A member, unless value is NULL; -EINVAL if it is not UTF-8. */
void client_body_text(struct client_body *b, const char *key, const char *value);
/* An array of them, unless there are none. */
void client_body_texts(struct client_body *b, const char *key, const char *const *values, size_t n);
/* Nothing follows: 0, or what went wrong on the way. */
int client_body_end(struct client_body *b);
void client_body_fini(struct client_body *b);

/* One exchange whose reply is JSON; path is freed. type and body.s NULL: without a body. */
int client_exchange(struct ragd_client *c, const char *method, char *path, const char *type,
		    struct ragd_str body, struct client_reply *out, struct ragd_err *err);
int client_delete(struct ragd_client *c, char *path, struct ragd_err *err);
/* POST without anything to say; the reply is for whoever wants it: json may be NULL. Frees path. */
int client_post(struct ragd_client *c, char *path, char **json, struct ragd_err *err);
int client_fetch(struct ragd_client *c, char *path, struct client_reply *out, struct ragd_err *err);
/* The same with a body, which is ended and freed. */
int client_send(struct ragd_client *c, const char *method, char *path, struct client_body *b,
		struct client_reply *out);

static inline int client_no_memory(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "out of memory");
}

#endif
