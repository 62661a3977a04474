#include "retrieval/store/tend.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/learn.h"
#include "retrieval/store/collections.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"

#define CALM_MS     300   /* how long nobody must have written to a collection */
#define PATIENCE_MS 5000  /* written to for so long on end, it does not wait for calm */
#define LOOK_MS     100   /* between two looks whether it is calm */
#define MANY        50000 /* so many passages without vectors do not wait either */

struct tender {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t settled;
	bool stop;
	bool nudged;
	unsigned asked;    /* settles asked for */
	unsigned answered; /* and done */
	int rc;            /* of the last work */
	struct ragd_err err;
};

static bool told_to_stop(void *arg)
{
	struct tender *t = arg;
	bool stop;

	pthread_mutex_lock(&t->lock);
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return stop;
}

enum due { DUE_NOT, DUE_WHEN_CALM, DUE_NOW };

/*
 * Grown by a quarter since it was learned: when nobody writes to it. Four times as many: if they are many,
 * or have been written for long. Asked to settle: at once, however little it has grown. What happens to
 * other collections does not matter. With the catalog locked.
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
	if (now_ms - col->written_ms >= CALM_MS)
		return DUE_NOW;
	return n >= 4 * had && (n >= MANY || now_ms - col->busy_since_ms >= PATIENCE_MS)
		       ? DUE_NOW
		       : DUE_WHEN_CALM;
}

/* The first collection from `*id` on for which something is due, `least` or more; DUE_NOT at the end. */
static enum due next_due(struct tender *t, bool asked, enum due least, uint32_t *id)
{
	const struct catalog *c = &t->store->catalog;
	enum due due = DUE_NOT;

	pthread_rwlock_rdlock(&t->store->catalog.lock);
	for (; *id < c->n_collections; ++*id) {
		if (c->collections[*id] != NULL)
			due = due_of(c->collections[*id], asked);
		if (due >= least)
			break;
		due = DUE_NOT;
	}
	pthread_rwlock_unlock(&t->store->catalog.lock);
	return due;
}

static int work_on(struct tender *t, uint32_t collection, struct ragd_err *err)
{
	struct store *s = t->store;
	struct catalog_collection *col;
	int rc = learn(s, collection, told_to_stop, t, err);

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
static void work(struct tender *t, bool asked)
{
	struct ragd_err first = { 0 };
	uint32_t id = 0;
	int rc = 0;

	for (; next_due(t, asked, DUE_NOW, &id) != DUE_NOT && !told_to_stop(t); id++) {
		struct ragd_err err = { 0 };
		int one = work_on(t, id, &err);

		if (one < 0 && rc == 0) {
			rc = one;
			first = err;
		}
	}
	pthread_mutex_lock(&t->lock);
	t->rc = rc;
	t->err = first;
	pthread_mutex_unlock(&t->lock);
}

static unsigned asked_for(struct tender *t, bool *waits)
{
	unsigned asked;

	pthread_mutex_lock(&t->lock);
	asked = t->asked;
	*waits = asked != t->answered;
	pthread_mutex_unlock(&t->lock);
	return asked;
}

/* Do what is due; true if something is left that waits for calm. */
static bool look(struct tender *t)
{
	bool waits;
	unsigned asked = asked_for(t, &waits);
	uint32_t id = 0;

	if (next_due(t, waits, DUE_NOW, &id) != DUE_NOT && !told_to_stop(t))
		work(t, waits);
	pthread_mutex_lock(&t->lock);
	t->answered = asked;
	pthread_cond_broadcast(&t->settled);
	pthread_mutex_unlock(&t->lock);
	id = 0;
	return next_due(t, false, DUE_WHEN_CALM, &id) != DUE_NOT;
}

/* Until there is something to look at, or for LOOK_MS if something waits for calm. False for stop. */
static bool rest(struct tender *t, bool waits_for_calm)
{
	struct timespec until;
	int rc = 0;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&t->lock);
	while (!t->stop && t->asked == t->answered && rc == 0 && (waits_for_calm || !t->nudged))
		rc = waits_for_calm ? pthread_cond_timedwait(&t->wake, &t->lock, &until)
				    : pthread_cond_wait(&t->wake, &t->lock);
	t->nudged = false;
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return !stop;
}

/* Collections that were being removed when the last process ended. */
static void sweep(struct tender *t)
{
	struct ragd_err err = { 0 };

	if (collections_sweep(t->store, &err) < 0)
		store_tell(t->store, STORE_TROUBLE, "%s", err.msg);
}

static void *tender_main(void *arg)
{
	struct tender *t = arg;
	bool waits_for_calm = false;

	/* On Linux the nice value is the thread's. */
	setpriority(PRIO_PROCESS, 0, 10);
	sweep(t);
	while (rest(t, waits_for_calm))
		waits_for_calm = look(t);
	return NULL;
}

int tender_start(struct store *s, struct tender **out, struct ragd_err *err)
{
	struct tender *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;
	int rc;

	if (t == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a thread");
	t->store = s;
	t->nudged = true; /* what the last process left */
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_cond_init(&t->settled, &attr);
	pthread_condattr_destroy(&attr);
	rc = -pthread_create(&t->thread, NULL, tender_main, t);
	if (rc < 0) {
		free(t);
		return ragd_err_set(err, rc, "start a thread: %s", strerror(-rc));
	}
	*out = t;
	return 0;
}

void tender_stop(struct tender *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->wake);
	pthread_cond_destroy(&t->settled);
	free(t);
}

void tender_written(struct tender *t, struct catalog_collection *col)
{
	int64_t now_ms = clock_ms();

	if (now_ms - col->written_ms >= CALM_MS)
		col->busy_since_ms = now_ms;
	col->written_ms = now_ms;
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->nudged = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

int tender_settle(struct tender *t, struct ragd_err *err)
{
	unsigned mine;
	int rc;

	pthread_mutex_lock(&t->lock);
	mine = ++t->asked;
	pthread_cond_signal(&t->wake);
	while ((int)(t->answered - mine) < 0)
		pthread_cond_wait(&t->settled, &t->lock);
	rc = t->rc;
	if (rc < 0 && err != NULL)
		*err = t->err;
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int store_settle(struct store *s, struct ragd_err *err)
{
	return tender_settle(s->tender, err);
}
