/*
 * What one thread needs while it is inside the store: a connection that reads, a tokenizer, memory.
 * Sessions are kept for the next caller; there are never more than threads were inside at once.
 */
#ifndef RETRIEVAL_SESSION_H
#define RETRIEVAL_SESSION_H

#include <pthread.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "retrieval/db/db.h"
#include "retrieval/passages/terms.h"

struct session {
	struct db db;
	struct terms *terms;
	struct arena *arena; /* empty at session_acquire */
	float *scores;       /* [n_scores], all 0 between searches */
	uint32_t n_scores;
	struct session *next;
};

struct sessions {
	pthread_mutex_t lock;
	struct session *idle;
	/* Borrowed; to be set before the first session is acquired. */
	const char *path;
	const char *language;
};

void sessions_init(struct sessions *all);
void sessions_fini(struct sessions *all);
int session_acquire(struct sessions *all, struct session **out, struct ragd_err *err);
/* Accepts NULL. */
void session_release(struct sessions *all, struct session *session);

/*
 * Between them the session sees the database as of one moment. End accepts that begin failed or was
 * not called.
 */
int session_begin(struct session *session, struct ragd_err *err);
void session_end(struct session *session);

/* -ENOMEM if session->scores cannot have n places. */
int session_scores(struct session *session, uint32_t n, struct ragd_err *err);

#endif
