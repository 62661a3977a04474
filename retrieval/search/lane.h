/*
 * What one thread needs while it is inside the store: a connection that reads, a tokenizer, memory.
 * Lanes are kept for the next caller; there are never more than threads were inside at once.
 */
#ifndef RETRIEVAL_LANE_H
#define RETRIEVAL_LANE_H

#include <pthread.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "retrieval/db/db.h"
#include "retrieval/passages/terms.h"

struct lane {
	struct db db;
	struct terms *terms;
	struct arena *arena; /* empty at lane_get */
	float *scores;       /* [n_scores], all 0 between searches */
	uint32_t n_scores;
	struct lane *next;
};

struct lanes {
	pthread_mutex_t lock;
	struct lane *idle;
	const char *path; /* borrowed */
	const char *language;
};

void lanes_init(struct lanes *l, const char *path, const char *language);
void lanes_fini(struct lanes *l);
int lane_get(struct lanes *l, struct lane **out, struct ragd_err *err);
/* Accepts NULL. */
void lane_put(struct lanes *l, struct lane *lane);

/*
 * Between them the lane sees the database as of one moment. End accepts that begin failed or was not
 * called.
 */
int lane_begin(struct lane *lane, struct ragd_err *err);
void lane_end(struct lane *lane);

/* -ENOMEM if lane->scores cannot have n places. */
int lane_scores(struct lane *lane, uint32_t n, struct ragd_err *err);

#endif
