/*
 * JSON straight into a buffer: no tree, and no allocation but the buffer's own. The writer takes
 * care of commas, colons, quotes and escapes; the caller adds values in order:
 *
 *	jsonw_init(&w, &out);
 *	jsonw_object_begin(&w);
 *	jsonw_member_str(&w, "title", title);
 *	jsonw_member_array_begin(&w, "pages");
 *	for (size_t i = 0; i < n; i++)
 *		jsonw_uint(&w, page[i]);
 *	jsonw_array_end(&w);
 *	jsonw_object_end(&w);
 *
 * What is written is valid JSON whatever the texts hold, and the same in every locale. A value
 * where a key belongs, an end without its begin and the like are programming errors: they trip an
 * assert. The buffer remembers that memory ran out: check buf_failed() once at the end.
 */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JSONW_DEPTH_MAX 32

struct json_writer {
	struct buf *out;
	uint32_t objects; /* bit d: what is open at depth d is an object, not an array */
	unsigned depth;   /* objects and arrays that are open */
	bool comma;       /* a comma belongs before the next value */
	bool keyed;       /* a key is waiting for its value */
};

/* Append one value to out, which must outlive the writer; nothing is to be released. */
void jsonw_init(struct json_writer *w, struct buf *out);

/* ---- values: elements of an array, what follows a key, or the whole ------------------------- */

void jsonw_object_begin(struct json_writer *w);
void jsonw_object_end(struct json_writer *w);
void jsonw_array_begin(struct json_writer *w);
void jsonw_array_end(struct json_writer *w);
void jsonw_null(struct json_writer *w);
void jsonw_bool(struct json_writer *w, bool v);
void jsonw_int(struct json_writer *w, int64_t v);
void jsonw_uint(struct json_writer *w, uint64_t v);
/* A score: at most four decimals; 0 for what is not finite. */
void jsonw_score(struct json_writer *w, double v);
/* Nine significant digits: reads back as the same float. 0 for what is not finite. */
void jsonw_float(struct json_writer *w, float v);
/*
 * With so many significant digits (17 read back as the same double), and always with a point or an
 * exponent, so that no reader takes it for an integer. 0.0 for what is not finite.
 */
void jsonw_double(struct json_writer *w, double v, int digits);
/* Invalid UTF-8 becomes U+FFFD, one for each bad byte. */
void jsonw_str(struct json_writer *w, struct ragd_str s);
/* NULL: null. */
void jsonw_cstr(struct json_writer *w, const char *s);
/* A string that is the bytes in base64. */
void jsonw_base64(struct json_writer *w, const void *data, size_t len);
/* A value that is JSON already. */
void jsonw_raw(struct json_writer *w, struct ragd_str json);
/* A string that the caller appends to w->out in pieces that need no escapes: a URL, digits. */
void jsonw_string_begin(struct json_writer *w);
void jsonw_string_end(struct json_writer *w);

/* ---- members: a key and its value ----------------------------------------------------------- */

/* Any text as key. */
void jsonw_key_str(struct json_writer *w, const char *key);
/*
 * A key that is a literal and needs no escapes: comma, quotes and colon are part of the literal,
 * whose length the compiler knows.
 */
#define jsonw_key(w, literal)                                                                      \
	jsonw_key_piece((w), ",\"" literal "\":", sizeof(",\"" literal "\":") - 1)
/* For jsonw_key(): `,"key":`, written without its comma where there is none. */
void jsonw_key_piece(struct json_writer *w, const char *piece, size_t len);

/* w is evaluated twice. A value may be a compound literal, whose commas the `...` is for. */
#define jsonw_member_object_begin(w, key)      (jsonw_key(w, key), jsonw_object_begin(w))
#define jsonw_member_array_begin(w, key)       (jsonw_key(w, key), jsonw_array_begin(w))
#define jsonw_member_null(w, key)              (jsonw_key(w, key), jsonw_null(w))
#define jsonw_member_bool(w, key, v)           (jsonw_key(w, key), jsonw_bool(w, v))
#define jsonw_member_int(w, key, v)            (jsonw_key(w, key), jsonw_int(w, v))
#define jsonw_member_uint(w, key, v)           (jsonw_key(w, key), jsonw_uint(w, v))
#define jsonw_member_score(w, key, v)          (jsonw_key(w, key), jsonw_score(w, v))
#define jsonw_member_float(w, key, v)          (jsonw_key(w, key), jsonw_float(w, v))
#define jsonw_member_double(w, key, v, digits) (jsonw_key(w, key), jsonw_double(w, v, digits))
#define jsonw_member_str(w, key, ...)          (jsonw_key(w, key), jsonw_str(w, __VA_ARGS__))
#define jsonw_member_cstr(w, key, ...)         (jsonw_key(w, key), jsonw_cstr(w, __VA_ARGS__))
#define jsonw_member_base64(w, key, data, len) (jsonw_key(w, key), jsonw_base64(w, data, len))
#define jsonw_member_raw(w, key, ...)          (jsonw_key(w, key), jsonw_raw(w, __VA_ARGS__))

#endif
