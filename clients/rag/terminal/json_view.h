/* Any JSON for people: indented names and values. */
#ifndef RAG_JSON_VIEW_H
#define RAG_JSON_VIEW_H

#include <jansson.h>

#include "clients/rag/terminal/out.h"

void json_view_put(struct out *o, const json_t *value, unsigned indent);

#endif
