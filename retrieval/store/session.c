#include "retrieval/store/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/db/schema.h"

#define SESSION_ARENA ((size_t)1 << 30) /* a bound on one call, not a size */

void sessions_init(struct sessions *all)
{
	memset(all, 0, sizeof(*all));
	pthread_mutex_init(&all->lock, NULL);
}

static void session_free(struct session *session)
{
	if (session == NULL)
		return;
	db_close(&session->db);
	terms_free(session->terms);
	arena_free(session->arena);
	free(session->scores);
	free(session);
}

void sessions_fini(struct sessions *all)
{
	while (all->idle != NULL) {
		struct session *session = all->idle;

		all->idle = session->next;
		session_free(session);
	}
	pthread_mutex_destroy(&all->lock);
}

static int session_new(struct sessions *all, struct session **out, struct ragd_err *err)
{
	struct session *session = calloc(1, sizeof(*session));
	int rc = 0;

	if (session == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for one more caller");
	session->arena = arena_new(SESSION_ARENA);
	if (session->arena == NULL)
		rc = ragd_err_set(err, -ENOMEM, "out of memory for one more caller");
	if (rc == 0) {
		session->terms = terms_new(all->language, err);
		if (session->terms == NULL)
			rc = -ENOMEM; /* the language was known when the store opened */
	}
	if (rc == 0)
		rc = schema_connect(&session->db, all->path, DB_READER, err);
	if (rc < 0) {
		session_free(session);
		return rc;
	}
	*out = session;
	return 0;
}

int session_acquire(struct sessions *all, struct session **out, struct ragd_err *err)
{
	struct session *session;

	pthread_mutex_lock(&all->lock);
	session = all->idle;
	if (session != NULL)
		all->idle = session->next;
	pthread_mutex_unlock(&all->lock);
	if (session == NULL)
		return session_new(all, out, err);
	*out = session;
	return 0;
}

void session_release(struct sessions *all, struct session *session)
{
	if (session == NULL)
		return;
	assert(session->db.rc == 0); /* or the next caller would be told of it */
	arena_reset(session->arena);
	pthread_mutex_lock(&all->lock);
	session->next = all->idle;
	all->idle = session;
	pthread_mutex_unlock(&all->lock);
}

int session_begin(struct session *session, struct ragd_err *err)
{
	db_run(&session->db, SQL_BEGIN_READ, NULL);
	return db_result(&session->db, err);
}

void session_end(struct session *session)
{
	if (sqlite3_get_autocommit(session->db.h))
		return;
	db_run(&session->db, SQL_ROLLBACK, NULL); /* nothing was written */
	db_result(&session->db, NULL);
}

int session_scores(struct session *session, uint32_t n, struct ragd_err *err)
{
	float *scores;

	if (n <= session->n_scores)
		return 0;
	n += n / 4;
	scores = calloc(n, sizeof(*scores));
	if (scores == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the scores of a search");
	free(session->scores);
	session->scores = scores;
	session->n_scores = n;
	return 0;
}
