/*
 * Text in pieces, cleared of personal data, secrets and what the rules for responses name. What
 * leaves is the same however the text was cut, and no byte leaves before it is certain that it may:
 * held back is what may still become a find, to its first byte, and nothing else.
 */
#ifndef SAFETY_FILTER_STREAM_H
#define SAFETY_FILTER_STREAM_H

#include <ragd/plugin.h>

#include "safety/stream/filter.h"

struct filter_stream;

/* For one text at this stage. NULL when out of memory. */
struct filter_stream *filter_stream_open(const struct filter *f, enum ragd_stage stage);
void filter_stream_close(struct filter_stream *s);

/* Before the first feed: bytes that are to be redacted (or to block) whatever else is found. */
void filter_stream_mark(struct filter_stream *s, const struct text_span *span);

/*
 * Before the first feed: where the filter looks after links, check those of the answer by screen's
 * evidence, which is borrowed until filter_stream_close. -ENOMEM.
 */
int filter_stream_evidence(struct filter_stream *s, const struct ragd_screen *screen);

/*
 * As ragd_safety_ops.stream_feed; what it returns comes from call->alloc. After it returned
 * RAGD_BLOCK once, it keeps doing so, with no text.
 */
int filter_stream_feed(struct filter_stream *s, const struct ragd_call *call, const char *text,
		       size_t len, bool last, struct ragd_release *out, struct ragd_err *err);

/* Bytes of input that are held now. */
size_t filter_stream_held(const struct filter_stream *s);

/* The most that may be held: what a filter with these rules publishes. */
size_t filter_stream_holdback(const struct filter *f);

#endif
