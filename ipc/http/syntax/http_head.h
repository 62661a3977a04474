/*
 * A request's head: bytes to method, target and fields. Strict, since what two programs read in two
 * ways is how a request hides in another: lines end in CRLF, a field is a token, a colon and its
 * value, nothing is folded, and a body's length is said once. Pure functions.
 */
#ifndef IPC_HTTP_HEAD_H
#define IPC_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FIELDS_MAX 128

enum http_head_result {
	HTTP_HEAD_MORE,    /* well-formed so far */
	HTTP_HEAD_OK,      /* complete and well-formed */
	HTTP_HEAD_BAD,     /* 400 */
	HTTP_HEAD_VERSION, /* 505 */
	HTTP_HEAD_LARGE,   /* 431: no end within the bound, or too many fields */
};

/* How far a head that arrives in pieces was looked at. Zero before the first. */
struct http_head_scan {
	size_t line; /* offset of the line that is not complete yet */
	size_t seen; /* no line ends before it */
	unsigned n_lines;
	size_t len; /* of the head with its empty line, once it is complete */
};

/*
 * Look at buf[0 .. len), the same bytes as at the last call and what has come since; max is the
 * bound on a head. Every line is looked at once, as soon as it is there.
 */
enum http_head_result http_head_scan(struct http_head_scan *scan, const char *buf, size_t len,
				     size_t max);

struct http_field {
	const char *name;
	const char *value; /* without blanks around it */
};

struct http_head {
	const char *method;
	const char *target;
	unsigned minor; /* of HTTP/1.x */
	struct http_field field[HTTP_FIELDS_MAX];
	size_t n_fields;
	bool chunked; /* the body comes in chunks; otherwise it has `length` bytes */
	bool coded;   /* it comes in a form that is not chunked: nobody knows its end */
	uint64_t length;
	bool close; /* the client wants no further request */
};

/*
 * Split a head that http_head_scan() found to be well-formed: text[0 .. len) and room for one byte
 * more. It is written into, and the strings point into it. HTTP_HEAD_OK or HTTP_HEAD_BAD, with why.
 */
enum http_head_result http_head_split(char *text, size_t len, struct http_head *out,
				      const char **why);
/* The first field of that name, or NULL. */
const char *http_head_field(const struct http_head *head, const char *name);

#endif
