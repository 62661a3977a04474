/* What the daemon has that a shell may offer: collections, assistants. */
#ifndef RAG_COMPLETION_H
#define RAG_COMPLETION_H

#include <stdio.h>

/* See struct args_program; values are a struct rag_args. Writes nothing if there is no daemon. */
void completion_offer(FILE *f, int words, const void *values);

#endif
