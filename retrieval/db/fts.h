/*
 * The full-text index: SQLite's FTS5 under a tokenizer of our own. Terms come ready-made (terms.h),
 * so the tokenizer only splits at spaces. What it puts in front of each is the collection: a word
 * has a list of postings for each collection, and a search reads those of the collections it may
 * read, so that not even its time depends on others. FTS5 is asked for one list at a time; scores
 * are ours (search.c), computed over what the caller may read and nothing else, so that no rank
 * depends on documents that stay hidden. That is also what makes long questions cheap: bm25() of
 * FTS5 costs about a microsecond for every row that has any of the words.
 */
#ifndef RETRIEVAL_FTS_H
#define RETRIEVAL_FTS_H

#include <stdint.h>

#include <sqlite3.h>

#include <ragd/plugin.h>

struct db;
struct terms_passage;

/* One passage that has the term; lists are in ascending order of passages. */
struct posting {
	uint32_t passage;
	float tf; /* occurrences, weighted by column */
};

struct postings {
	struct posting *p; /* malloc'd */
	size_t n;
	size_t cap;
};

/* Make the tokenizer and our functions known to a connection. schema_connect calls it. */
int fts_register(sqlite3 *h, struct ragd_err *err);

int fts_add(struct db *db, uint32_t collection, int64_t passage, const struct terms_passage *p,
	    struct ragd_err *err);
/* p as it was added: a contentless index is told what to forget. */
int fts_remove(struct db *db, uint32_t collection, int64_t passage, const struct terms_passage *p,
	       struct ragd_err *err);

/* All postings of a stem in a collection. Free them with postings_fini. */
int fts_postings(struct db *db, uint32_t collection, struct ragd_str stem, struct postings *out,
		 struct ragd_err *err);

void postings_fini(struct postings *list);

#endif
