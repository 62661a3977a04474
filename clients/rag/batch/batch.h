/* Lines in, lines out: several at work at once, written in the order they were read. */
#ifndef RAG_BATCH_H
#define RAG_BATCH_H

#include "clients/rag/batch/json_lines.h"
#include "clients/rag/rag.h"

/*
 * What is done with one line: write the result to out, or return a negative errno with its
 * sentence. Runs on several threads at once, each with a client of its own; ctx is shared and must
 * not be written.
 */
typedef int (*batch_line_cb)(struct ragd_client *c, const struct json_line *line, void *ctx,
			     FILE *out, struct ragd_err *err);

/*
 * Run it over standard input with r->args.jobs (0: 4) in flight. A line that fails is named on
 * stderr with its number, and the others go on. Returns the exit code.
 */
int batch_run(struct rag *r, batch_line_cb work, void *ctx);

#endif
