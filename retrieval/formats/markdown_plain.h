/* A line of Markdown without its inline markup, for labels: "**Use** [`x`](y.md)" to "Use x". */
#ifndef RETRIEVAL_MARKDOWN_PLAIN_H
#define RETRIEVAL_MARKDOWN_PLAIN_H

#include <stddef.h>

#include "base/buf.h"

/* Of s[0..len), at most its first MARKDOWN_PLAIN_MAX bytes. */
#define MARKDOWN_PLAIN_MAX 600
void markdown_plain(struct buf *out, const char *s, size_t len);

#endif
