/*
 * Chunker: a document's blocks to passages, the unit that is indexed, found, cited. A passage is
 * whole blocks of one section; a heading begins a new one and stands in it, along with the path of
 * the headings above it. Tables and code are cut only where they alone exceed max_bytes (at
 * lines), long paragraphs at sentence ends, long sentences after a comma or a word, what has
 * neither between characters. Small neighbouring sections share a passage, which has the path of
 * the larger one. Nothing is joined over text that no block holds (comments, rules).
 */
#ifndef RETRIEVAL_CHUNK_H
#define RETRIEVAL_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "retrieval/formats/format.h"

struct chunk_options {
	uint32_t target_bytes; /* what a passage grows to; 0: 1000 */
	uint32_t max_bytes;    /* what none exceeds, at least 2 * target; 0: 2 * target */
	uint32_t min_bytes;    /* sections below it join a neighbour; 0: target / 5 */
};

struct chunk {
	uint64_t start; /* content[start .. end) is the passage in the document */
	uint64_t end;
	struct ragd_str text;        /* borrowed from the document's text */
	struct ragd_str heading;     /* "Title > Section > Sub"; empty before the first heading */
	const struct ragd_run *runs; /* text to content; NULL: text is content[start .. end) */
	size_t n_runs;
};

/*
 * Passages in the order of the text; they do not overlap and cover every block. options may be
 * NULL. *out is the arena's. Returns the number of passages, or -ENOMEM (CHUNK_ARENA_BYTES beyond
 * what the document took always suffices), -EINVAL for options that contradict each other, or what
 * doc->wanted says.
 */
ssize_t chunk_document(struct arena *arena, const struct format_document *doc,
		       const struct chunk_options *options, struct chunk **out,
		       struct ragd_err *err);

#define CHUNK_ARENA_BYTES(len) (64 * (size_t)(len) + 65536)

#endif
