/*
 * JSON values straight into a buffer, for replies that are made thousands of times a second: no
 * tree, no allocation but the buffer's own. Independent of the locale.
 */
#ifndef IPC_JSON_WRITE_H
#define IPC_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A string in quotes. Invalid UTF-8 becomes U+FFFD, one for each bad byte. */
void json_write_text(struct buf *b, const char *s, size_t len);
void json_write_str(struct buf *b, struct ragd_str s);
/* s may be NULL: null. */
void json_write_cstr(struct buf *b, const char *s);
void json_write_bool(struct buf *b, bool v);
void json_write_int(struct buf *b, int64_t v);
void json_write_uint(struct buf *b, uint64_t v);
/* A score: at most four decimals; 0 for what is not finite. */
void json_write_score(struct buf *b, double v);
/* Nine significant digits: reads back as the same float. 0 for what is not finite. */
void json_write_float(struct buf *b, float v);
/* A string in quotes that is the bytes in base64. */
void json_write_base64(struct buf *b, const void *data, size_t len);

#endif
