/* What the daemon tells of itself, for people: any JSON as indented names and values. */
#ifndef RAG_JSON_VIEW_H
#define RAG_JSON_VIEW_H

#include <jansson.h>

#include "clients/rag/rag.h"

void show_json(struct out *o, const json_t *value, unsigned indent);

/* One of the calls of client.h that reply with text. */
typedef int (*show_call)(struct ragd_client *c, char **json, struct ragd_err *err);
/* A command that shows one reply; with --json as it came. */
int show_run(struct rag *r, show_call call);

#endif
