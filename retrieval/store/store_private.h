/* The store from inside, for the files that work on it. */
#ifndef RETRIEVAL_STORE_PRIVATE_H
#define RETRIEVAL_STORE_PRIVATE_H

#include <stdatomic.h>

#include "retrieval/passages/chunk.h"
#include "retrieval/search/unrelated.h"
#include "retrieval/store/catalog.h"
#include "retrieval/store/catalog_load.h"
#include "retrieval/store/maintenance.h"
#include "retrieval/store/session.h"
#include "retrieval/store/store.h"
#include "retrieval/store/writer.h"

struct encode;

struct store {
	struct store_options options;
	char *dir;
	char *path; /* of the database */
	char *language;
	char *encoder; /* options.encoder.name; "": none */
	struct chunk_options chunks;
	int lock_fd;

	struct catalog catalog;
	struct sessions sessions;
	struct store_writer *writer;
	struct maintenance *maintenance;
	struct encode *encode;      /* NULL: without an encoder */
	atomic_bool rerank_failing; /* since the last time that it went well */
	struct unrelated unrelated;
	atomic_uint_fast64_t n_looked_at; /* see store_looked_at */

	/* The writer's alone. */
	struct terms *terms;
	struct arena *arena;
	struct catalog_next next;
};

/* How far the encoder is; without one, nothing waits. Any thread. */
void store_progress_read(struct store *s, struct store_progress *out);

#endif
