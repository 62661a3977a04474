/*
 * Document formats: the bytes of a document, as they are on its owner's disk, to its title and its
 * blocks (headings, paragraphs, lists, tables, code) with byte offsets. One parser per format; the
 * rows in format.c say which media types and file name extensions each one takes.
 *
 * Plain text, Markdown and reStructuredText stay verbatim: document.text is the content itself, so
 * that a quote always equals the bytes in the file. HTML and manual pages are extracted:
 * document.text is new text, and runs say where in the content each piece of it stands.
 */
#ifndef RETRIEVAL_FORMAT_H
#define RETRIEVAL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "retrieval/wanted.h"

#define FORMAT_MAX_BYTES ((size_t)64 << 20) /* unless the input says otherwise */
#define FORMAT_MAX_LEVEL 16                 /* heading levels beyond it count as it */

enum format_block_kind {
	FORMAT_HEADING,
	FORMAT_PARAGRAPH,
	FORMAT_LIST,  /* one item, its marker included */
	FORMAT_TABLE, /* all rows, one per line */
	FORMAT_CODE,  /* fences, literal blocks, whole source files */
	FORMAT_ENTRY, /* a described object with its description: ".. c:function::", "<dt><dd>" */
};

/*
 * text[start .. end) of the document. Blocks are in order, do not overlap, begin and end at a
 * character boundary, and are not empty. Between them stand white space, and what is no text to
 * read (front matter, comments).
 */
struct format_block {
	uint32_t start;
	uint32_t end;
	uint8_t kind;  /* enum format_block_kind */
	uint8_t level; /* FORMAT_HEADING: 1 is the outermost; else 0 */
};

/* The label of a heading: one line without markup, "Thread pool work scheduling". */
struct format_label {
	uint32_t block; /* index into blocks; labels are in order, one for each FORMAT_HEADING */
	struct ragd_str text;
};

struct format_document {
	const char *media_type; /* of the format that it was read as: a constant, "text/markdown" */
	struct ragd_str title;  /* one line; the input's, else the document's, else from the id */
	struct ragd_str content; /* the input's */
	struct ragd_str text;
	const struct ragd_run *runs; /* text to content, from ascending; NULL: text is content */
	size_t n_runs;
	const struct format_block *blocks;
	size_t n_blocks;
	const struct format_label *labels;
	size_t n_labels;
	struct wanted *wanted; /* the input's */
};

struct format_input {
	struct ragd_str id;         /* its extension tells the kind, its last part the title */
	struct ragd_str title;      /* empty: the document's own */
	struct ragd_str media_type; /* its parameters are ignored; empty: by id, then by look */
	struct ragd_str content;    /* borrowed; *out points into it */
	size_t max_bytes;           /* 0: FORMAT_MAX_BYTES */
	struct wanted *wanted; /* whether to go on; NULL: yes. Asked here and by the chunker. */
};

/*
 * Read one document. Linear in its length, whatever it holds. What *out points to is content, the
 * arena's, or constant. A document that is empty or only white space is taken, with no blocks.
 * Returns 0, or
 *   -ENOTSUP  no format takes this kind (PDF, images, archives, unknown media types)
 *   -EBADMSG  binary: a NUL byte where text should be
 *   -EILSEQ   not UTF-8; the sentence names the byte, or the encoding if a mark tells it
 *   -EFBIG    longer than max_bytes
 *   -ETIMEDOUT, -ECANCELED  in->wanted said so
 *   -ENOMEM   out of memory; an arena of FORMAT_ARENA_BYTES(len) is never too small
 */
int format_read(struct arena *arena, const struct format_input *in, struct format_document *out,
		struct ragd_err *err);

/*
 * Where the character ends whose first or other byte stands for content[at]: behind it, or behind
 * the whole of the reference ("&amp;") that it comes from.
 */
uint64_t format_place_end(const struct format_document *doc, uint64_t at);

#define FORMAT_ARENA_BYTES(len) (24 * (size_t)(len) + 65536)

/*
 * The media type that format_read would take this as, a constant; NULL with -ENOTSUP's sentence in
 * *err if none. What `rag add` asks before it sends a file.
 */
const char *format_media_type(const struct format_input *in, struct ragd_err *err);

#endif
