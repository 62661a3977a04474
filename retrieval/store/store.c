#include "retrieval/store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/private.h"
#include "base/util.h"
#include "retrieval/db/schema.h"
#include "retrieval/index/encode.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/index/reindex.h"
#include "retrieval/search/fuse.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"

#define MAX_DOCUMENT ((size_t)32 << 20)
/* A database up to this size has every page looked at when the last process did not close it. */
#define THOROUGH_BYTES ((off_t)64 << 20)

static char *join_path(const char *dir, const char *name)
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
	char *path = join_path(s->dir, "lock");

	if (path == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a path");
	s->lock_fd = private_open(path, O_RDWR, err);
	free(path);
	if (s->lock_fd < 0)
		return s->lock_fd;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return ragd_err_set(err, -EBUSY,
				    "another process has the store in '%s' open: stop it or choose "
				    "another state directory",
				    s->dir);
	/* Not known to be alone, which two that write would pay for with the store. */
	return ragd_err_sys(err, "lock the store in '%s', which needs a file system with locks",
			    s->dir);
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
		db_exec(&db, pragma);
		rc = db_result(&db, err);
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
		store_tell(s, STORE_REINDEXED, "the full-text index of '%s' was built again",
			   s->path);
	return writer_start(&db, &s->catalog, &s->writer, err);
}

/* With its locks made, so that store_close may destroy them however far opening came. */
static struct store *store_new(void)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL || catalog_init(&s->catalog) < 0) {
		free(s);
		return NULL;
	}
	sessions_init(&s->sessions);
	unrelated_init(&s->unrelated);
	s->lock_fd = -1;
	return s;
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
		s->options.weight_vector = FUSE_WEIGHT;
	s->chunks.target_bytes = o->passage_target;
	s->chunks.max_bytes = o->passage_max;
	s->dir = strdup(o->dir);
	s->language = strdup(o->language != NULL ? o->language : "english");
	s->encoder = strdup(o->encoder.name != NULL ? o->encoder.name : "");
	s->path = join_path(o->dir, "store.sqlite");
	s->arena = arena_new((size_t)1 << 30);
	if (s->dir == NULL || s->language == NULL || s->encoder == NULL || s->path == NULL ||
	    s->arena == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a store");
	s->sessions.path = s->path;
	s->sessions.language = s->language;
	s->terms = terms_new(s->language, &why);
	return s->terms != NULL ? 0 : ragd_err_set(err, why.code, "%s", why.msg);
}

int store_open(const struct store_options *options, struct store **out, struct ragd_err *err)
{
	struct store *s = store_new();
	int rc;

	if (s == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a store");
	rc = set_up(s, options, err);
	if (rc == 0)
		rc = lock_dir(s, err);
	if (rc == 0)
		rc = open_database(s, err);
	if (rc == 0 && s->encoder[0] != '\0')
		rc = encode_open(s, &s->encode, err);
	if (rc == 0)
		rc = maintenance_start(s, &s->maintenance, err);
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
	maintenance_stop(s->maintenance);
	encode_close(s->encode);
	unrelated_fini(&s->unrelated);
	embedding_indexes_close(s);
	/* Before the writer: the last connection to close empties the log. */
	sessions_fini(&s->sessions);
	writer_stop(s->writer);
	catalog_fini(&s->catalog);
	terms_free(s->terms);
	arena_free(s->arena);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->dir);
	free(s->path);
	free(s->language);
	free(s->encoder);
	free(s);
}
