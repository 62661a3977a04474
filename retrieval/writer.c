#include "retrieval/writer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

#define QUEUE_BYTES ((size_t)32 << 20) /* what may wait before submitters do */
#define GROUP_MS    100                /* how long a transaction takes further jobs in */

struct writer {
	struct db db;
	struct catalog *catalog;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work; /* the queue is no longer empty, or stop */
	pthread_cond_t news; /* jobs are done, or there is room */
	struct job *head;
	struct job **tail;
	size_t queued; /* bytes */
	size_t n_open; /* jobs not done */
	bool stop;
};

/* Take the first waiting job, or NULL. */
static struct job *take(struct writer *w)
{
	struct job *job;

	pthread_mutex_lock(&w->lock);
	job = w->head;
	if (job != NULL) {
		w->head = job->next;
		if (w->head == NULL)
			w->tail = &w->head;
		w->queued -= job->cost;
		job->next = NULL;
		pthread_cond_broadcast(&w->news);
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void finish(struct writer *w, struct job *jobs)
{
	pthread_mutex_lock(&w->lock);
	while (jobs != NULL) {
		struct job *next = jobs->next;

		jobs->done = true;
		w->n_open--;
		jobs = next; /* its owner may be gone from here on, once the lock is free */
	}
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
}

static int statement(struct writer *w, enum sql id, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(&w->db, id, err);

	if (stmt == NULL)
		return db_fail(&w->db, "write", err);
	return db_done(&w->db, stmt, err);
}

static void roll_back(struct writer *w, struct job *jobs)
{
	for (struct job *job = jobs; job != NULL; job = job->next)
		if (job->undo != NULL)
			job->undo(job);
	if (!sqlite3_get_autocommit(w->db.h)) /* SQLite may have done so by itself */
		statement(w, SQL_ROLLBACK, NULL);
}

static int run_job(struct writer *w, struct job *job, struct ragd_err *err)
{
	job->rc = 0;
	job->removes = false;
	job->err = (struct ragd_err){ 0 };
	return job->run(job, &w->db, err);
}

/* A search takes its snapshot of the database with the catalog locked for reading. */
static int commit(struct writer *w, struct job *jobs, struct ragd_err *err)
{
	bool removes = false;
	int rc;

	for (struct job *job = jobs; job != NULL; job = job->next)
		removes = removes || job->removes;
	if (removes)
		pthread_rwlock_wrlock(&w->catalog->lock);
	rc = statement(w, SQL_COMMIT, err);
	if (!removes)
		pthread_rwlock_wrlock(&w->catalog->lock);
	for (struct job *job = jobs; rc == 0 && job != NULL; job = job->next)
		if (job->applied != NULL && job->rc == 0)
			job->applied(job);
	pthread_rwlock_unlock(&w->catalog->lock);
	return rc;
}

/* One transaction: first, and whatever else waits meanwhile. *jobs is then all of them. */
static int transact(struct writer *w, struct job *first, bool alone, struct ragd_err *err)
{
	struct job *last = first, *job = first;
	int64_t end_ms = clock_ms() + GROUP_MS;
	int rc;

	rc = statement(w, SQL_BEGIN, err);
	while (rc == 0 && job != NULL) {
		rc = run_job(w, job, err);
		if (rc < 0 || alone || clock_ms() >= end_ms)
			break;
		job = take(w);
		if (job != NULL) {
			last->next = job;
			last = job;
		}
	}
	if (rc == 0)
		rc = commit(w, first, err);
	if (rc < 0)
		roll_back(w, first);
	return rc;
}

static void run_alone(struct writer *w, struct job *job)
{
	struct ragd_err err = { 0 };
	int rc = transact(w, job, true, &err);

	if (rc < 0) {
		job->rc = rc;
		job->err = err;
	}
	finish(w, job);
}

static void run_group(struct writer *w, struct job *first)
{
	struct ragd_err err = { 0 };
	int rc = transact(w, first, false, &err);

	if (rc == 0) {
		finish(w, first);
	} else if (first->next == NULL) {
		first->rc = rc;
		first->err = err;
		finish(w, first);
	} else {
		for (struct job *job = first, *next; job != NULL; job = next) {
			next = job->next;
			job->next = NULL;
			run_alone(w, job);
		}
	}
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct job *job;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		while (w->head == NULL && !w->stop)
			pthread_cond_wait(&w->work, &w->lock);
		pthread_mutex_unlock(&w->lock);
		job = take(w);
		if (job == NULL)
			return NULL; /* stop, and nothing is left */
		run_group(w, job);
	}
}

int writer_start(struct db *db, struct catalog *catalog, struct writer **out, struct ragd_err *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL) {
		db_close(db);
		return ragd_err_set(err, -ENOMEM, "out of memory for the store's writer");
	}
	w->db = *db;
	*db = (struct db){ 0 };
	w->catalog = catalog;
	w->tail = &w->head;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->news, NULL);
	rc = -pthread_create(&w->thread, NULL, writer_main, w);
	if (rc == 0) {
		*out = w;
		return 0;
	}
	db_close(&w->db);
	free(w);
	return ragd_err_set(err, rc, "start the store's writer: %s", strerror(-rc));
}

void writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	db_close(&w->db);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->news);
	free(w);
}

void writer_submit(struct writer *w, struct job *job)
{
	job->next = NULL;
	job->done = false;
	pthread_mutex_lock(&w->lock);
	while (w->queued > 0 && w->queued + job->cost > QUEUE_BYTES)
		pthread_cond_wait(&w->news, &w->lock);
	*w->tail = job;
	w->tail = &job->next;
	w->queued += job->cost;
	w->n_open++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

int writer_wait(struct writer *w, struct job *job, struct ragd_err *err)
{
	pthread_mutex_lock(&w->lock);
	while (!job->done)
		pthread_cond_wait(&w->news, &w->lock);
	pthread_mutex_unlock(&w->lock);
	if (job->rc < 0 && err != NULL)
		*err = job->err;
	return job->rc;
}

int writer_run(struct writer *w, struct job *job, struct ragd_err *err)
{
	writer_submit(w, job);
	return writer_wait(w, job, err);
}

bool writer_busy(struct writer *w)
{
	bool busy;

	pthread_mutex_lock(&w->lock);
	busy = w->n_open > 0;
	pthread_mutex_unlock(&w->lock);
	return busy;
}
