/*
 * Where documents to add come from: files of a walk, JSON lines, or standard input as one document.
 */
#ifndef RAG_SOURCE_H
#define RAG_SOURCE_H

#include <stdint.h>
#include <stdio.h>

#include <ragd/client.h>

#include "clients/rag/batch/json_lines.h"
#include "clients/rag/upload/walk.h"

/* One document. Made cheaply by source_next(), then loaded, perhaps on another thread. */
struct upload_item {
	char *label;     /* what people call it: its path, or "FILE line 3" */
	char *id;        /* NULL in a line that was not loaded yet */
	uint64_t cost;   /* bytes, for the progress bar */
	const char *why; /* NULL, or why it cannot be added */
	char *json;      /* a line as it was read; NULL for others */
	size_t json_len;
	size_t number;
	struct json_line line;        /* owns what doc borrows */
	char *data;                   /* a file's bytes; owned */
	const char **tags;            /* of a line; owned, the strings are the line's */
	struct ragd_new_document doc; /* borrows from all of these */
};

struct upload_source {
	const struct file_walk *walk; /* files, */
	size_t next_file;
	char *const *names; /* or files of lines, */
	size_t n_names, next_name;
	FILE *lines; /* the one being read */
	const char *lines_name;
	size_t line_number;
	int from_stdin; /* or one document with this id */
	const char *id;
};

/* The next one; 1, or 0 at the end, or a negative errno. One thread at a time. */
int source_next(struct upload_source *s, struct upload_item *out, struct ragd_err *err);
void source_fini(struct upload_source *s);

/* Fill it->doc. */
int item_load(struct upload_item *it, struct ragd_err *err);
void item_fini(struct upload_item *it);

#endif
