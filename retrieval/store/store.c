#include "retrieval/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/private.h"
#include "base/util.h"
#include "retrieval/db/schema.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/index/reindex.h"
#include "retrieval/index/vectors.h"
#include "retrieval/passages/prepare.h"
#include "retrieval/search/fuse.h"
#include "retrieval/search/wanted.h"
#include "retrieval/store/catalog_load.h"
#include "retrieval/store/collections.h"
#include "retrieval/store/document.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"

#define MAX_DOCUMENT ((size_t)32 << 20)
/* A database up to this size has every page looked at when the last process did not close it. */
#define THOROUGH_BYTES ((off_t)64 << 20)

/* ---- open and close ----------------------------------------------------------------------- */

static char *join(const char *dir, const char *name)
{
	size_t len = strlen(dir) + strlen(name) + 2;
	char *path = malloc(len);

	if (path != NULL)
		snprintf(path, len, "%s/%s", dir, name);
	return path;
}

/* Our catalog would not see what another process writes. */
static int lock_dir(struct store *s, struct ragd_err *err)
{
	char *path = join(s->dir, "lock");
	int rc = 0;

	if (path == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a path");
	s->lock_fd = private_open(path, O_RDWR, err);
	if (s->lock_fd < 0)
		rc = s->lock_fd;
	else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		rc = ragd_err_set(err, -EBUSY,
				  "another process has the store in '%s' open: stop it or choose "
				  "another state directory",
				  s->dir);
	free(path);
	return rc;
}

/* Whether the last process left its log behind, which closing the store removes. */
static bool was_killed(const struct store *s)
{
	char wal[4096];
	struct stat st;

	snprintf(wal, sizeof(wal), "%s-wal", s->path);
	return stat(wal, &st) == 0 && st.st_size > 0;
}

static int open_database(struct store *s, struct ragd_err *err)
{
	bool killed = was_killed(s), reindexed = false;
	struct stat st = { 0 };
	char pragma[64];
	struct db db;
	int rc;

	rc = schema_connect(&db, s->path, DB_WRITER, err);
	if (rc < 0)
		return rc;
	if (stat(s->path, &st) < 0)
		st.st_size = 0;
	rc = schema_ready(&db, killed && st.st_size <= THOROUGH_BYTES, err);
	if (rc == 0 && s->options.max_pages > 0) {
		snprintf(pragma, sizeof(pragma), "PRAGMA max_page_count = %lld",
			 (long long)s->options.max_pages);
		rc = db_exec(&db, pragma, err);
	}
	if (rc == 0)
		rc = reindex_if_needed(s, &db, err);
	if (rc > 0)
		reindexed = true;
	if (rc >= 0)
		rc = catalog_load(&s->catalog, &db, &s->next, err);
	if (rc == 0)
		rc = embedding_indexes_open(s, &db, err);
	if (rc < 0) {
		db_close(&db);
		return rc;
	}
	if (killed)
		store_tell(s, STORE_REPAIRED, "the store '%s' was not closed; recovered", s->path);
	if (reindexed)
		store_tell(s, STORE_REINDEXED, "the full text index of '%s' was made anew",
			   s->path);
	return writer_start(&db, &s->catalog, &s->writer, err);
}

static int set_up(struct store *s, const struct store_options *o, struct ragd_err *err)
{
	struct ragd_err why = { 0 };

	s->options = *o;
	if (s->options.max_document == 0)
		s->options.max_document = MAX_DOCUMENT;
	if (s->options.dim == 0)
		s->options.dim = 128;
	if (s->options.weight_vector < 0)
		s->options.weight_vector = FUSE_WEIGHT_VECTOR;
	s->chunks.target_bytes = o->passage_target;
	s->chunks.max_bytes = o->passage_max;
	s->lock_fd = -1;
	s->dir = strdup(o->dir);
	s->language = strdup(o->language != NULL ? o->language : "english");
	s->path = join(o->dir, "store.sqlite");
	s->arena = arena_new((size_t)1 << 30);
	if (s->dir == NULL || s->language == NULL || s->path == NULL || s->arena == NULL ||
	    catalog_init(&s->catalog) < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory for a store");
	lanes_init(&s->lanes, s->path, s->language);
	s->terms = terms_new(s->language, &why);
	return s->terms != NULL ? 0 : ragd_err_set(err, why.code, "%s", why.msg);
}

int store_open(const struct store_options *options, struct store **out, struct ragd_err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a store");
	rc = set_up(s, options, err);
	if (rc == 0)
		rc = lock_dir(s, err);
	if (rc == 0)
		rc = open_database(s, err);
	if (rc == 0)
		rc = tender_start(s, &s->tender, err);
	if (rc < 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	tender_stop(s->tender);
	embedding_indexes_close(s);
	lanes_fini(&s->lanes); /* before the writer: the last connection to close empties the log */
	writer_stop(s->writer);
	catalog_fini(&s->catalog);
	terms_free(s->terms);
	arena_free(s->arena);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->dir);
	free(s->path);
	free(s->language);
	free(s);
}

/* ---- what there is, and texts as vectors ---------------------------------------------------- */

/* Files of the store; a directory that cannot be read counts nothing. */
static uint64_t bytes_on_disk(const struct store *s)
{
	struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;
	DIR *dir = opendir(s->dir);

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	closedir(dir);
	return sum;
}

void store_stats(struct store *s, const struct ragd_caller *caller,
		 struct ragd_retrieval_stats *out)
{
	struct catalog *c = &s->catalog;

	memset(out, 0, sizeof(*out));
	pthread_rwlock_rdlock(&c->lock);
	for (uint32_t i = 0; i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col == NULL || !col->shown || !acl_may(&col->acl, caller, ACL_READ))
			continue;
		out->n_collections++;
		out->n_documents += col->n_documents;
		out->n_passages += col->n_passages;
		if (col->now.embedder != NULL) {
			out->dim = MAX(out->dim, col->now.embedder->dim);
			out->n_vectors += vectors_count(col->now.vectors);
		}
	}
	pthread_rwlock_unlock(&c->lock);
	if (caller->admin)
		out->n_bytes = bytes_on_disk(s);
}

/* Of a long text, its beginning. */
static int embed_texts(struct lane *lane, const struct ragd_call *call, const struct embedder *e,
		       const struct ragd_str *texts, size_t n, float *out, struct ragd_err *err)
{
	const struct ragd_str none = { NULL, 0 };
	struct terms_passage p;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct ragd_str text = { texts[i].s, MIN(texts[i].len, TERMS_TEXT_MAX) };

		arena_reset(lane->arena);
		rc = wanted_check(call, err);
		if (rc == 0)
			rc = terms_passage(lane->terms, lane->arena, none, none, text, &p, err);
		if (rc == 0)
			embedder_project(e, p.terms, p.n_terms, out + i * e->dim);
	}
	return rc;
}

/*
 * Of the collections that the caller may read, the embedder of the one that had most to learn from; of
 * equals the first made. Nothing that the caller may not read decides, nor is in it. Referenced.
 */
static struct embedder *choose_embedder(struct store *s, const struct ragd_caller *caller)
{
	const struct catalog *c = &s->catalog;
	struct embedder *best = NULL;

	pthread_rwlock_rdlock(&s->catalog.lock);
	for (uint32_t i = 0; i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col != NULL && col->shown && col->now.embedder != NULL &&
		    acl_may(&col->acl, caller, ACL_READ) &&
		    (best == NULL || col->now.embedder->n_fitted > best->n_fitted))
			best = col->now.embedder;
	}
	embedder_ref(best);
	pthread_rwlock_unlock(&s->catalog.lock);
	return best;
}

int store_embed(struct store *s, const struct ragd_call *call, const struct ragd_str *texts,
		size_t n, const float **out, uint32_t *dim, struct ragd_err *err)
{
	struct lane *lane = NULL;
	struct embedder *e = choose_embedder(s, call->caller);
	float *vectors;
	int rc;

	if (e == NULL)
		return ragd_err_set(err, -EAGAIN,
				    "there is nothing to have learned vectors from yet: add at "
				    "least %d passages of text to a collection that you may read",
				    EMBED_MIN_PASSAGES);
	vectors = call->alloc(call, n * e->dim + 1, sizeof(*vectors));
	rc = vectors != NULL ? lane_get(&s->lanes, &lane, err)
			     : ragd_err_set(err, -ENOMEM,
					    "the request's memory does not hold %zu "
					    "vectors",
					    n);
	if (rc == 0)
		rc = embed_texts(lane, call, e, texts, n, vectors, err);
	lane_put(&s->lanes, lane);
	if (rc == 0) {
		*out = vectors;
		*dim = e->dim;
	}
	embedder_unref(e);
	return rc;
}

uint64_t store_looked_at(struct store *s)
{
	return atomic_load_explicit(&s->n_looked_at, memory_order_relaxed);
}

int store_settle(struct store *s, struct ragd_err *err)
{
	return tender_settle(s->tender, err);
}
