#include "retrieval/store/maintenance.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/encode.h"
#include "retrieval/index/learn.h"
#include "retrieval/store/collections.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"

#define QUIET_MS    300   /* how long a collection must not have been written to */
#define BUSY_MAX_MS 5000  /* written to for so long without a pause, it does not wait for quiet */
#define POLL_MS     100   /* between two looks at whether it is quiet */
#define IDLE_MS     5000  /* between two looks at whether the encoder is another one */
#define BACKLOG_MAX 50000 /* more passages without vectors than these do not wait either */

struct maintenance {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t settled;
	bool stop;
	bool woken;
	unsigned asked;    /* settles asked for */
	unsigned answered; /* and done */
	int rc;            /* of the last work */
	struct ragd_err err;
};

static bool is_stopping(void *arg)
{
	struct maintenance *m = arg;
	bool stop;

	pthread_mutex_lock(&m->lock);
	stop = m->stop;
	pthread_mutex_unlock(&m->lock);
	return stop;
}

enum due { DUE_NOT, DUE_WHEN_QUIET, DUE_NOW };

/*
 * Grown by a quarter since it was learned: once it is quiet. Grown fourfold: also if its passages
 * are many, or it has been written to for long. Asked to settle: at once, however little it has
 * grown. What happens to other collections does not matter. With the catalog locked.
 */
static enum due due_of(const struct catalog_collection *col, bool asked)
{
	uint64_t n = col->n_passages, had = 0;
	int64_t now_ms = clock_ms();

	if (!col->shown)
		return DUE_NOT;
	if (col->now.embedder != NULL)
		had = col->now.embedder->n_fitted;
	had = MAX(had, col->gave_up_at);
	if (asked && n >= EMBED_MIN_PASSAGES && n != had)
		return DUE_NOW;
	if (n < EMBED_MIN_PASSAGES || n < had + had / 4)
		return DUE_NOT;
	if (now_ms - col->written_ms >= QUIET_MS)
		return DUE_NOW;
	return n >= 4 * had && (n >= BACKLOG_MAX || now_ms - col->busy_since_ms >= BUSY_MAX_MS)
		       ? DUE_NOW
		       : DUE_WHEN_QUIET;
}

/*
 * The first collection from `*id` on for which something is due, `least` or more; DUE_NOT at the
 * end.
 */
static enum due next_due(struct maintenance *m, bool asked, enum due least, uint32_t *id)
{
	const struct catalog *c = &m->store->catalog;
	enum due due = DUE_NOT;

	pthread_rwlock_rdlock(&m->store->catalog.lock);
	for (; *id < c->n_collections; ++*id) {
		if (c->collections[*id] != NULL)
			due = due_of(c->collections[*id], asked);
		if (due >= least)
			break;
		due = DUE_NOT;
	}
	pthread_rwlock_unlock(&m->store->catalog.lock);
	return due;
}

static int maintain_collection(struct maintenance *m, uint32_t collection, struct ragd_err *err)
{
	struct store *s = m->store;
	struct catalog_collection *col;
	int rc = learn_collection(s, collection, is_stopping, m, err);

	pthread_rwlock_wrlock(&s->catalog.lock);
	col = catalog_collection(&s->catalog, collection);
	if (col != NULL)
		col->gave_up_at = rc < 0 ? col->n_passages : 0;
	pthread_rwlock_unlock(&s->catalog.lock);
	if (rc == -ENODATA || rc == -ENOENT)
		return 0;
	if (rc < 0 && rc != -ECANCELED)
		store_tell(s, STORE_TROUBLE, "%s", err->msg);
	return rc;
}

/* All that is due now, one collection after the other; the first failure is what is told. */
static void run_due(struct maintenance *m, bool asked)
{
	struct ragd_err first = { 0 };
	uint32_t id = 0;
	int rc = 0;

	for (; next_due(m, asked, DUE_NOW, &id) != DUE_NOT && !is_stopping(m); id++) {
		struct ragd_err err = { 0 };
		int one = maintain_collection(m, id, &err);

		if (one < 0 && rc == 0) {
			rc = one;
			first = err;
		}
	}
	pthread_mutex_lock(&m->lock);
	m->rc = rc;
	m->err = first;
	pthread_mutex_unlock(&m->lock);
}

static unsigned settles_asked(struct maintenance *m, bool *waits)
{
	unsigned asked;

	pthread_mutex_lock(&m->lock);
	asked = m->asked;
	*waits = asked != m->answered;
	pthread_mutex_unlock(&m->lock);
	return asked;
}

static void settles_answer(struct maintenance *m, unsigned asked)
{
	pthread_mutex_lock(&m->lock);
	m->answered = asked;
	pthread_cond_broadcast(&m->settled);
	pthread_mutex_unlock(&m->lock);
}

/* When to look again: after `ms`, or, if a write may come before, when it does. */
struct pause {
	int64_t ms; /* < 0: only a write is waited for */
	bool write_ends_it;
};

/* Learn what is due. */
static struct pause learn_due(struct maintenance *m)
{
	bool waits;
	unsigned asked = settles_asked(m, &waits);
	uint32_t id = 0;

	if (next_due(m, waits, DUE_NOW, &id) != DUE_NOT && !is_stopping(m))
		run_due(m, waits);
	settles_answer(m, asked);
	id = 0;
	if (next_due(m, false, DUE_WHEN_QUIET, &id) != DUE_NOT)
		return (struct pause){ POLL_MS, false };
	return (struct pause){ -1, true };
}

static void tell_progress(struct store *s)
{
	struct store_progress p;

	if (s->options.progress == NULL)
		return;
	store_progress_read(s, &p);
	s->options.progress(s->options.event_arg, &p);
}

/* Encode some of what is due. */
static struct pause encode_due(struct maintenance *m)
{
	bool waits;
	unsigned asked = settles_asked(m, &waits);
	struct ragd_err err = { 0 };
	int rc;
	int64_t ms = encode_round(m->store->encode, is_stopping, m, &rc, &err);

	tell_progress(m->store);
	if (ms == 0)
		return (struct pause){ 0, false };
	pthread_mutex_lock(&m->lock);
	m->rc = rc;
	m->err = err;
	pthread_mutex_unlock(&m->lock);
	settles_answer(m, asked);
	return ms > 0 ? (struct pause){ ms, false } : (struct pause){ IDLE_MS, true };
}

/* False for stop. */
static bool wait_for_work(struct maintenance *m, struct pause pause)
{
	struct timespec until;
	int rc = 0;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += pause.ms / 1000;
	until.tv_nsec += pause.ms % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&m->lock);
	while (!m->stop && pause.ms != 0 && m->asked == m->answered && rc == 0 &&
	       !(pause.write_ends_it && m->woken))
		rc = pause.ms > 0 ? pthread_cond_timedwait(&m->wake, &m->lock, &until)
				  : pthread_cond_wait(&m->wake, &m->lock);
	m->woken = false;
	stop = m->stop;
	pthread_mutex_unlock(&m->lock);
	return !stop;
}

/* Collections that were being removed when the last process ended. */
static void finish_removals(struct maintenance *m)
{
	struct ragd_err err = { 0 };

	if (collections_sweep(m->store, &err) < 0)
		store_tell(m->store, STORE_TROUBLE, "%s", err.msg);
}

static void *maintenance_main(void *arg)
{
	struct maintenance *m = arg;
	struct pause pause = { -1, true };

	/* On Linux the nice value is the thread's. */
	setpriority(PRIO_PROCESS, 0, 10);
	finish_removals(m);
	while (wait_for_work(m, pause))
		pause = m->store->encode != NULL ? encode_due(m) : learn_due(m);
	return NULL;
}

static void maintenance_free(struct maintenance *m)
{
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->wake);
	pthread_cond_destroy(&m->settled);
	free(m);
}

int maintenance_start(struct store *s, struct maintenance **out, struct ragd_err *err)
{
	struct maintenance *m = calloc(1, sizeof(*m));
	pthread_condattr_t attr;
	int rc;

	if (m == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a thread");
	m->store = s;
	m->woken = true; /* what the last process left */
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_cond_init(&m->settled, &attr);
	pthread_condattr_destroy(&attr);
	rc = -pthread_create(&m->thread, NULL, maintenance_main, m);
	if (rc < 0) {
		maintenance_free(m);
		return ragd_err_set(err, rc, "start a thread: %s", strerror(-rc));
	}
	*out = m;
	return 0;
}

void maintenance_stop(struct maintenance *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	maintenance_free(m);
}

void maintenance_note_write(struct maintenance *m, struct catalog_collection *col)
{
	int64_t now_ms = clock_ms();

	if (now_ms - col->written_ms >= QUIET_MS)
		col->busy_since_ms = now_ms;
	col->written_ms = now_ms;
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->woken = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

int maintenance_settle(struct maintenance *m, struct ragd_err *err)
{
	unsigned mine;
	int rc;

	pthread_mutex_lock(&m->lock);
	mine = ++m->asked;
	pthread_cond_signal(&m->wake);
	while ((int)(m->answered - mine) < 0) /* the counters may wrap */
		pthread_cond_wait(&m->settled, &m->lock);
	rc = m->rc;
	if (rc < 0 && err != NULL)
		*err = m->err;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int store_settle(struct store *s, struct ragd_err *err)
{
	return maintenance_settle(s->maintenance, err);
}
