#include "retrieval/store/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "retrieval/wanted.h"

#define QUEUE_BYTES ((size_t)8 << 20) /* once so much of one user's waits, its submitters do, too */
#define GROUP_MS    100               /* how long a transaction takes further jobs in */
#define ASK_MS      50 /* between two questions whether a waiting job is still wanted */

#define NOBODY ((uid_t)-1) /* owns the store's own jobs */

/*
 * One user's waiting jobs, oldest first. Lives while there are any, or while a submitter waits for
 * room.
 */
struct queue {
	uid_t uid;
	struct writer_job *head;
	struct writer_job **tail;
	size_t bytes;
	unsigned n_blocked; /* submitters that wait for room */
	pthread_cond_t room;
	struct queue *next;
};

struct store_writer {
	struct db db;
	struct catalog *catalog;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a queue is no longer empty, or stop */
	struct queue *queues; /* the next turn is the first one's */
	bool stop;
};

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* ---- the queues, with the lock held --------------------------------------------------------- */

static uid_t uid_of(const struct writer_job *job)
{
	return job->call != NULL ? job->call->caller->uid : NOBODY;
}

/* Where the queue of a user hangs; where a new one would, if there is none. */
static struct queue **queue_at(struct store_writer *w, uid_t uid)
{
	struct queue **at = &w->queues;

	while (*at != NULL && (*at)->uid != uid)
		at = &(*at)->next;
	return at;
}

/* The user's queue, made if need be; NULL if memory is out. */
static struct queue *queue_get(struct store_writer *w, uid_t uid)
{
	struct queue **at = queue_at(w, uid), *q = *at;

	if (q != NULL)
		return q;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return NULL;
	q->uid = uid;
	q->tail = &q->head;
	cond_init(&q->room);
	*at = q;
	return q;
}

static void queue_push(struct queue *q, struct writer_job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
	q->bytes += job->cost;
}

static void queue_unlink(struct queue *q, struct writer_job *job)
{
	struct writer_job **at = &q->head;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (*at == NULL)
		q->tail = at;
	job->next = NULL;
	q->bytes -= job->cost;
	pthread_cond_broadcast(&q->room);
}

/* Free the queue at *at if nobody needs it. */
static void queue_release(struct queue **at)
{
	struct queue *q = *at;

	if (q->head != NULL || q->n_blocked > 0)
		return;
	*at = q->next;
	pthread_cond_destroy(&q->room);
	free(q);
}

/* The first queue with a job in it. */
static struct queue **next_turn(struct store_writer *w)
{
	struct queue **at = &w->queues;

	while (*at != NULL && (*at)->head == NULL)
		at = &(*at)->next;
	return at;
}

/* Take one job of the user whose turn it is, and put that user last; NULL if none waits. */
static struct writer_job *take_job(struct store_writer *w)
{
	struct writer_job *job = NULL;
	struct queue **at, *q;

	pthread_mutex_lock(&w->lock);
	at = next_turn(w);
	q = *at;
	if (q != NULL) {
		job = q->head;
		job->state = JOB_BEGUN;
		queue_unlink(q, job);
		*at = q->next;
		q->next = NULL;
		while (*at != NULL)
			at = &(*at)->next;
		*at = q;
		queue_release(at);
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

/* ---- the writer's thread -------------------------------------------------------------------- */

static void jobs_finish(struct store_writer *w, struct writer_job *jobs)
{
	pthread_mutex_lock(&w->lock);
	while (jobs != NULL) {
		struct writer_job *next = jobs->next;

		jobs->state = JOB_DONE;
		pthread_cond_signal(&jobs->news);
		/* once the lock is free, a job's owner may free it: it was read before */
		jobs = next;
	}
	pthread_mutex_unlock(&w->lock);
}

static int run_statement(struct store_writer *w, enum sql id, struct ragd_err *err)
{
	db_run(&w->db, id, NULL);
	return db_result(&w->db, err);
}

static void roll_back(struct store_writer *w, struct writer_job *jobs)
{
	for (struct writer_job *job = jobs; job != NULL; job = job->next)
		if (job->undo != NULL)
			job->undo(job);
	db_roll_back(&w->db);
}

static int run_job(struct store_writer *w, struct writer_job *job, struct ragd_err *err)
{
	job->rc = 0;
	job->removes = false;
	job->err = (struct ragd_err){ 0 };
	return job->run(job, &w->db, err);
}

/* A search takes its snapshot of the database with the catalog locked for reading. */
static int transaction_commit(struct store_writer *w, struct writer_job *jobs, struct ragd_err *err)
{
	bool removes = false;
	int rc;

	for (struct writer_job *job = jobs; job != NULL; job = job->next)
		removes = removes || job->removes;
	if (removes)
		pthread_rwlock_wrlock(&w->catalog->lock);
	rc = run_statement(w, SQL_COMMIT, err);
	if (!removes)
		pthread_rwlock_wrlock(&w->catalog->lock);
	for (struct writer_job *job = jobs; rc == 0 && job != NULL; job = job->next)
		if (job->applied != NULL && job->rc == 0)
			job->applied(job);
	pthread_rwlock_unlock(&w->catalog->lock);
	return rc;
}

/* One transaction: first, and whatever else waits meanwhile. *jobs is then all of them. */
static int run_transaction(struct store_writer *w, struct writer_job *first, bool alone,
			   struct ragd_err *err)
{
	struct writer_job *last = first, *job = first;
	int64_t end_ms = clock_ms() + GROUP_MS;
	int rc;

	rc = run_statement(w, SQL_BEGIN, err);
	while (rc == 0 && job != NULL) {
		rc = run_job(w, job, err);
		if (rc < 0 || alone || clock_ms() >= end_ms)
			break;
		job = take_job(w);
		if (job != NULL) {
			last->next = job;
			last = job;
		}
	}
	if (rc == 0)
		rc = transaction_commit(w, first, err);
	if (rc < 0)
		roll_back(w, first);
	return rc;
}

static void run_alone(struct store_writer *w, struct writer_job *job)
{
	struct ragd_err err = { 0 };
	int rc = run_transaction(w, job, true, &err);

	if (rc < 0) {
		job->rc = rc;
		job->err = err;
	}
	jobs_finish(w, job);
}

static void run_group(struct store_writer *w, struct writer_job *first)
{
	struct ragd_err err = { 0 };
	int rc = run_transaction(w, first, false, &err);

	if (rc == 0) {
		jobs_finish(w, first);
	} else if (first->next == NULL) {
		first->rc = rc;
		first->err = err;
		jobs_finish(w, first);
	} else {
		for (struct writer_job *job = first, *next; job != NULL; job = next) {
			next = job->next;
			job->next = NULL;
			run_alone(w, job);
		}
	}
}

static void *writer_main(void *arg)
{
	struct store_writer *w = arg;
	struct writer_job *job;
	bool idle;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		while (*next_turn(w) == NULL && !w->stop)
			pthread_cond_wait(&w->work, &w->lock);
		idle = *next_turn(w) == NULL;
		pthread_mutex_unlock(&w->lock);
		if (idle)
			return NULL; /* stop, and nothing is left */
		job = take_job(w);
		if (job != NULL) /* else it was given up */
			run_group(w, job);
	}
}

/* ---- the submitters' threads ---------------------------------------------------------------- */

static void writer_free(struct store_writer *w)
{
	db_close(&w->db);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	free(w);
}

int writer_start(struct db *db, struct catalog *catalog, struct store_writer **out,
		 struct ragd_err *err)
{
	struct store_writer *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL) {
		db_close(db);
		return ragd_err_set(err, -ENOMEM, "out of memory for the store's writer");
	}
	w->db = *db;
	*db = (struct db){ 0 };
	w->catalog = catalog;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	rc = -pthread_create(&w->thread, NULL, writer_main, w);
	if (rc == 0) {
		*out = w;
		return 0;
	}
	writer_free(w);
	return ragd_err_set(err, rc, "start the store's writer: %s", strerror(-rc));
}

void writer_stop(struct store_writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	writer_free(w);
}

/* Of a job that is not begun: wait for news on `cond`, asking now and then whether it is wanted. */
static int wait_unbegun(struct store_writer *w, pthread_cond_t *cond, struct writer_job *job)
{
	struct timespec until;

	if (job->call == NULL) {
		pthread_cond_wait(cond, &w->lock);
		return 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ASK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	if (pthread_cond_timedwait(cond, &w->lock, &until) != ETIMEDOUT || job->state != JOB_QUEUED)
		return 0;
	return wanted_check(job->call, &job->err);
}

void writer_submit(struct store_writer *w, struct writer_job *job)
{
	struct queue *q;

	cond_init(&job->news);
	job->state = JOB_QUEUED;
	job->rc = 0;
	pthread_mutex_lock(&w->lock);
	q = queue_get(w, uid_of(job));
	if (q == NULL) {
		job->rc = ragd_err_set(&job->err, -ENOMEM, "out of memory for the store's queue");
		job->state = JOB_DONE;
		pthread_mutex_unlock(&w->lock);
		return;
	}
	q->n_blocked++;
	while (job->rc == 0 && q->bytes >= QUEUE_BYTES)
		job->rc = wait_unbegun(w, &q->room, job);
	q->n_blocked--;
	if (job->rc == 0) {
		queue_push(q, job);
		pthread_cond_signal(&w->work);
	} else {
		job->state = JOB_DONE;
		queue_release(queue_at(w, q->uid));
	}
	pthread_mutex_unlock(&w->lock);
}

int writer_wait(struct store_writer *w, struct writer_job *job, struct ragd_err *err)
{
	pthread_mutex_lock(&w->lock);
	while (job->state == JOB_QUEUED) {
		int rc = wait_unbegun(w, &job->news, job);
		struct queue **at;

		if (rc == 0)
			continue;
		at = queue_at(w, uid_of(job));
		queue_unlink(*at, job);
		queue_release(at);
		job->rc = rc;
		job->state = JOB_DONE;
	}
	while (job->state == JOB_BEGUN)
		pthread_cond_wait(&job->news, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&job->news);
	if (job->rc < 0 && err != NULL)
		*err = job->err;
	return job->rc;
}

int writer_run(struct store_writer *w, struct writer_job *job, struct ragd_err *err)
{
	writer_submit(w, job);
	return writer_wait(w, job, err);
}
