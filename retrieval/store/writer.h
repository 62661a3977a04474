/*
 * The one thread that writes. Jobs from many threads that wait at the same moment join one
 * transaction and share its way to the disk; each is acknowledged when that commit is durable and
 * the catalog shows it. If a transaction of several fails, each is tried again alone, so that one
 * document too large for the disk does not take others with it.
 *
 * Each user has a queue, and they take turns, a job at a time: what one has waiting puts another's
 * job off by one of his, and by the transaction that is open. Of one user, what was submitted first
 * is written first.
 */
#ifndef RETRIEVAL_WRITER_H
#define RETRIEVAL_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#include "retrieval/db/db.h"
#include "retrieval/store/catalog.h"

struct writer_job {
	/*
	 * On the writer's thread, inside the transaction. A refusal (no such document, not allowed)
	 * is written to job->rc and job->err, and 0 returned: it changed nothing. Negative: the
	 * transaction has to be rolled back, and run may come once more.
	 */
	int (*run)(struct writer_job *job, struct db *db, struct ragd_err *err);
	/*
	 * After the commit, with the catalog locked for writing. Cannot fail. NULL: nothing to do.
	 */
	void (*applied)(struct writer_job *job);
	/* After a rollback: forget what run noted. NULL: nothing to do. */
	void (*undo)(struct writer_job *job);
	const struct ragd_call *call; /* whose it is; NULL: the store's own */
	size_t cost;                  /* bytes, for the bound of its user's queue */
	/*
	 * Set by run: takes away what a search may have seen. Such a commit keeps searches out
	 * until the catalog has it, so that a document being replaced is found at every moment.
	 */
	bool removes;

	int rc; /* the outcome, after writer_wait */
	struct ragd_err err;

	/* The writer's. */
	struct writer_job *next;
	enum { JOB_QUEUED, JOB_BEGUN, JOB_DONE } state;
	pthread_cond_t news; /* it is done */
};

struct store_writer;

/* Opens nothing: takes the connection over (also on failure) and starts the thread. */
int writer_start(struct db *db, struct catalog *catalog, struct store_writer **out,
		 struct ragd_err *err);
/* Finish what is queued, end the thread, close the connection. Accepts NULL. */
void writer_stop(struct store_writer *w);

/*
 * Queue a job, which stays the caller's until writer_wait returned; blocks while the queue of its
 * user is full. Cannot fail: what could not be queued, or is no longer wanted before there is room,
 * is done with its rc set.
 */
void writer_submit(struct store_writer *w, struct writer_job *job);
/*
 * The job's rc. One that is no longer wanted before it began is taken out of the queue and never
 * runs: -ECANCELED, -ETIMEDOUT. One that began is waited for. Once for each job submitted.
 */
int writer_wait(struct store_writer *w, struct writer_job *job, struct ragd_err *err);
int writer_run(struct store_writer *w, struct writer_job *job, struct ragd_err *err);

#endif
