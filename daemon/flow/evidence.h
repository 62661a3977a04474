/*
 * Evidence: the passages an answer may rest on, from retrieval through inspection to citations.
 */
#ifndef DAEMON_EVIDENCE_H
#define DAEMON_EVIDENCE_H

#include <ragd/plugin.h>

#include "daemon/flow/filters.h"

/* All in one call's arena. Entry i of each array is about passage i, whose number is i + 1. */
struct evidence {
	struct ragd_passage *passages; /* as inspection left them: what prompts and filters see */
	const struct ragd_hit **hits;
	bool *redacted; /* the passage's text is no longer the document's */
	size_t n;
	size_t n_inspected; /* hits, including those left out */
};

/* One source of an answer: a document, numbered in the order in which the answer first cites it. */
struct evidence_source {
	unsigned n;
	const char *collection;
	const char *document;
	struct ragd_str shown; /* its id as the reply may show it */
	struct ragd_str title;
	struct ragd_str heading; /* of the passage that was cited first */
};

/* What a citation rests on: content[start .. end) of the source's document. */
struct citation {
	const struct evidence_source *source;
	uint64_t start;
	uint64_t end;
	struct ragd_str quote; /* the text there; borrowed from the evidence */
	float score;
	size_t mark_start; /* where "[n]" is, in bytes of the piece of the answer */
	size_t mark_end;
};

struct sources {
	struct evidence_source *v; /* room for one a passage */
	size_t n;
};

/*
 * Put hits through the filters (stage document), title and heading included: each is kept,
 * redacted or left out. notes gathers what filters want the prompt to say. Begin with an
 * *ev of zeros. Called again after a filter did not return, it continues with the
 * passage that was being inspected. -ENOMEM.
 */
int evidence_inspect(struct evidence *ev, const struct filters *filters, struct call *call,
		     struct ragd_str question, const struct ragd_hit *hits, size_t n,
		     struct findings *findings, struct notes *notes, struct ragd_err *err);

/* Fill *out (except the mark) from what a filter cited; numbers the source if it is new. */
void evidence_cite(const struct evidence *ev, const struct ragd_cite *cite, struct sources *sources,
		   struct citation *out);

#endif
