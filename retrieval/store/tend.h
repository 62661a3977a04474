/*
 * What the store does by itself, in one thread: finish removing collections; for each collection, learn
 * an embedder when it has enough passages, learn it again when they have grown by a quarter, give every
 * passage its vector, then swap. Searches and writes go on meanwhile, on the vectors there are.
 */
#ifndef RETRIEVAL_TEND_H
#define RETRIEVAL_TEND_H

#include <ragd/plugin.h>

struct catalog_collection;
struct store;
struct tender;

int tender_start(struct store *s, struct tender **out, struct ragd_err *err);
/* Leaves what is half done; the next start drops it. Accepts NULL. */
void tender_stop(struct tender *t);
/*
 * The collection was written to: look whether there is something to do, once it is left alone, and after
 * some seconds even if it is not. With the catalog locked for writing. NULL is fine for t.
 */
void tender_written(struct tender *t, struct catalog_collection *col);
/* Do what there is to do now and wait until it is done. */
int tender_settle(struct tender *t, struct ragd_err *err);

#endif
