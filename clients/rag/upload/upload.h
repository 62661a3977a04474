/*
 * Documents from a source to the daemon: several requests in flight, what it has already is not
 * sent again.
 */
#ifndef RAG_UPLOAD_H
#define RAG_UPLOAD_H

#include <jansson.h>
#include <pthread.h>

#include "clients/rag/rag.h"
#include "clients/rag/terminal/progress.h"
#include "clients/rag/upload/source.h"

struct upload {
	struct rag *r;
	const char *collection;
	struct upload_source *source;
	const json_t *known;            /* id to digest of what the daemon has; NULL: send all */
	const char *title, *media_type; /* for every document, or NULL */
	struct args_texts tags;
	unsigned jobs;

	pthread_mutex_t lock; /* over the source and all below */
	struct progress progress;
	uint64_t n_added, n_updated, n_unchanged, n_failed;
	json_t *failures; /* [{"path","error"}] */
	bool stopped;     /* an error that ends it all; it was said */
};

/* Runs until the source is empty; returns the exit code. Failures go to stderr, one line each. */
int upload_run(struct upload *u);

#endif
