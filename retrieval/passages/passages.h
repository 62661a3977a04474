/*
 * Reading what was stored: the content of documents, and their passages with text.
 */
#ifndef RETRIEVAL_PASSAGES_H
#define RETRIEVAL_PASSAGES_H

#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "retrieval/db/db.h"
#include "retrieval/wanted.h"

#define CONTENT_PIECE ((size_t)65536) /* content is stored in pieces of this many bytes */

struct passage {
	uint32_t id;
	uint64_t start; /* content[start .. end) */
	uint64_t end;
	struct ragd_str heading;
	struct ragd_str text;
	const struct ragd_run *runs; /* NULL: text is content[start .. end) */
	size_t n_runs;
};

/* Memory for results, zeroed: an arena's or a request's. */
struct memory {
	void *(*alloc)(void *from, size_t n, size_t size);
	void *from;
};

struct memory memory_of_arena(struct arena *arena);
struct memory memory_of_call(const struct ragd_call *call);
/* A copy, NUL-terminated; NULL when memory is out. */
char *memory_copy(const struct memory *m, struct ragd_str s);

/* Bytes [from .. to) of a document's content to out; -EBADMSG if they are not all there. */
int content_read(struct db *db, uint32_t document, uint64_t from, uint64_t to, char *out,
		 struct ragd_err *err);
int content_write(struct db *db, uint32_t document, struct ragd_str content, struct wanted *wanted,
		  struct ragd_err *err);

/*
 * Passages first .. first + n of a document. Fewer if some are not there any more. Returns their
 * number or a negative errno; *out is m's.
 */
ssize_t passages_read(struct db *db, const struct memory *m, uint32_t document, uint32_t first,
		      uint32_t n, struct passage **out, struct ragd_err *err);

#endif
