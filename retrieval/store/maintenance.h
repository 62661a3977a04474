/*
 * Background maintenance: what the store does by itself, in one thread. It finishes removing
 * collections; for each collection, it learns an embedder when there are enough passages, and again
 * when they have grown by a quarter, gives every passage its vector, then swaps; or, with an
 * encoder, has it give vectors to the passages without (encode.h). Searches and writes go on
 * meanwhile, on the vectors there are.
 */
#ifndef RETRIEVAL_MAINTENANCE_H
#define RETRIEVAL_MAINTENANCE_H

#include <ragd/plugin.h>

struct catalog_collection;
struct store;
struct maintenance;

int maintenance_start(struct store *s, struct maintenance **out, struct ragd_err *err);
/* What is half done is left; the next start drops it. Accepts NULL. */
void maintenance_stop(struct maintenance *m);
/*
 * The collection was written to: look whether there is something to do, once it is left alone, and
 * after some seconds even if it is not. With the catalog locked for writing. NULL is fine for m.
 */
void maintenance_note_write(struct maintenance *m, struct catalog_collection *col);
/* Do what there is to do now and wait until it is done. */
int maintenance_settle(struct maintenance *m, struct ragd_err *err);

#endif
