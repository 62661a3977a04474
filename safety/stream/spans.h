/*
 * Spans: which bytes of a text a scanner found to be what. One growing list; out of memory is
 * remembered and asked once.
 */
#ifndef SAFETY_SPANS_H
#define SAFETY_SPANS_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

/* What was found; static or as long-lived as the filter. */
struct span_kind {
	const char *category; /* "pii.email" */
	const char *marker;   /* what stands in its place: "[e-mail removed]" */
	unsigned bit;         /* one of PII_…; 0 for secrets and rules */
	enum ragd_action
		action; /* of a rule; RAGD_ALLOW: what the filter says for all of its sort */
};

struct text_span {
	size_t start; /* bytes [start, end) */
	size_t end;
	const struct span_kind *kind;
	const char *rule; /* which pattern; NULL: the kind says it all */
	float score;
	int rank;   /* of two that begin together, the lower one names the marker */
	bool joins; /* goes on with a span that ends where this one begins */
	/* The marker where a reading of the text does not leave the span out; NULL: the kind's. */
	const char *fallback;
};

struct spans {
	struct text_span *item;
	size_t n;
	size_t cap;
	bool failed; /* memory ran out: the list is not complete */
};

void spans_add(struct spans *s, const struct text_span *span);
/* The first n go. */
void spans_drop(struct spans *s, size_t n);
void spans_clear(struct spans *s);
void spans_fini(struct spans *s);
/* By start, those that join first, then rank, then end downwards. */
void spans_sort(struct spans *s);

#endif
