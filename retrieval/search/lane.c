#include "retrieval/search/lane.h"

#include <stdlib.h>
#include <string.h>

#include "retrieval/db/schema.h"

#define LANE_ARENA ((size_t)1 << 30) /* a bound on one call, not a size */

void lanes_init(struct lanes *l, const char *path, const char *language)
{
	memset(l, 0, sizeof(*l));
	pthread_mutex_init(&l->lock, NULL);
	l->path = path;
	l->language = language;
}

static void lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	db_close(&lane->db);
	terms_free(lane->terms);
	arena_free(lane->arena);
	free(lane->scores);
	free(lane);
}

void lanes_fini(struct lanes *l)
{
	while (l->idle != NULL) {
		struct lane *lane = l->idle;

		l->idle = lane->next;
		lane_free(lane);
	}
	pthread_mutex_destroy(&l->lock);
}

static int lane_new(struct lanes *l, struct lane **out, struct ragd_err *err)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	int rc = 0;

	if (lane == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for one more caller");
	lane->arena = arena_new(LANE_ARENA);
	if (lane->arena == NULL)
		rc = ragd_err_set(err, -ENOMEM, "out of memory for one more caller");
	if (rc == 0) {
		lane->terms = terms_new(l->language, err);
		if (lane->terms == NULL)
			rc = -ENOMEM; /* the language was known when the store opened */
	}
	if (rc == 0)
		rc = schema_connect(&lane->db, l->path, DB_READER, err);
	if (rc < 0) {
		lane_free(lane);
		return rc;
	}
	*out = lane;
	return 0;
}

int lane_get(struct lanes *l, struct lane **out, struct ragd_err *err)
{
	struct lane *lane;

	pthread_mutex_lock(&l->lock);
	lane = l->idle;
	if (lane != NULL)
		l->idle = lane->next;
	pthread_mutex_unlock(&l->lock);
	if (lane == NULL)
		return lane_new(l, out, err);
	*out = lane;
	return 0;
}

void lane_put(struct lanes *l, struct lane *lane)
{
	if (lane == NULL)
		return;
	arena_reset(lane->arena);
	pthread_mutex_lock(&l->lock);
	lane->next = l->idle;
	l->idle = lane;
	pthread_mutex_unlock(&l->lock);
}

int lane_begin(struct lane *lane, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(&lane->db, SQL_BEGIN_READ, err);

	return stmt != NULL ? db_done(&lane->db, stmt, err) : db_fail(&lane->db, "read", err);
}

void lane_end(struct lane *lane)
{
	sqlite3_stmt *stmt;

	if (sqlite3_get_autocommit(lane->db.h))
		return;
	stmt = db_stmt(&lane->db, SQL_ROLLBACK, NULL); /* nothing was written */
	if (stmt != NULL)
		db_done(&lane->db, stmt, NULL);
}

int lane_scores(struct lane *lane, uint32_t n, struct ragd_err *err)
{
	float *scores;

	if (n <= lane->n_scores)
		return 0;
	n += n / 4;
	scores = calloc(n, sizeof(*scores));
	if (scores == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the scores of a search");
	free(lane->scores);
	lane->scores = scores;
	lane->n_scores = n;
	return 0;
}
