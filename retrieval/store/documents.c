/* Documents as they are stored: listed, given back, removed. */
#include "retrieval/store/store_private.h"

#include "base/util.h"
#include "retrieval/passages/passages.h"
#include "retrieval/wanted.h"
#include "retrieval/store/collection_row.h"
#include "retrieval/store/collections.h"
#include "retrieval/store/document.h"
#include "retrieval/store/store_events.h"
#include "retrieval/passages/document_validate.h"

#define MAX_LIST 4096 /* rows at once; the API asks for one more than a page of 1000 */

/* ---- list and get ------------------------------------------------------------------------- */

/* Columns from `at`: name, title, media_type, digest, n_bytes, n_passages, updated. */
static int copy_info(sqlite3_stmt *stmt, const struct memory *m, struct ragd_document_info *out)
{
	out->id = memory_copy(m, db_column_str(stmt, 0));
	out->title = memory_copy(m, db_column_str(stmt, 1));
	out->media_type = memory_copy(m, db_column_str(stmt, 2));
	out->digest = memory_copy(m, db_column_str(stmt, 3));
	out->n_bytes = (uint64_t)sqlite3_column_int64(stmt, 4);
	out->n_passages = (uint32_t)sqlite3_column_int64(stmt, 5);
	out->updated_s = sqlite3_column_int64(stmt, 6);
	return out->id != NULL && out->title != NULL && out->media_type != NULL &&
			       out->digest != NULL
		       ? 0
		       : -ENOMEM;
}

static int list_rows(struct db *db, const struct ragd_call *call, uint32_t collection,
		     struct ragd_str after, size_t limit, struct ragd_document_info *list,
		     size_t *n, struct ragd_err *err)
{
	sqlite3_stmt *stmt =
		db_query(db, SQL_DOCUMENT_PAGE,
			 DB_ARGS(db_int(collection), db_str(after), db_int((int64_t)limit)));
	struct memory m = memory_of_call(call);
	int rc = 0;

	*n = 0;
	while (rc == 0 && *n < limit && db_next(db, stmt)) {
		rc = wanted_check(call, err);
		if (rc == 0 && copy_info(stmt, &m, &list[(*n)++]) < 0)
			rc = ragd_err_set(err, -ENOMEM,
					  "the request's memory has no room for %zu documents: ask "
					  "for fewer",
					  limit);
	}
	db_reset(stmt);
	return rc < 0 ? rc : db_result(db, err);
}

int store_list(struct store *s, const struct ragd_call *call, const char *collection,
	       struct ragd_str after, size_t limit, const struct ragd_document_info **out,
	       size_t *n, struct ragd_err *err)
{
	struct ragd_document_info *list;
	struct catalog_collection col;
	struct session *session = NULL;
	size_t found = 0;
	int rc;

	rc = store_collection(s, call, collection, ACL_READ, &col, err);
	if (rc < 0)
		return rc;
	limit = MIN(limit, MAX_LIST);
	list = call->alloc(call, limit + 1, sizeof(*list));
	if (list == NULL)
		return ragd_err_set(err, -ENOMEM, "the request's memory is used up");
	rc = session_acquire(&s->sessions, &session, err);
	if (rc == 0)
		rc = list_rows(&session->db, call, col.id, after, limit, list, &found, err);
	session_release(&s->sessions, session);
	if (rc < 0)
		return rc;
	*out = list;
	*n = found;
	return 0;
}

/* Info, and content unless NULL, as of one moment. */
static int get_document(struct db *db, const struct ragd_call *call, uint32_t collection,
			struct ragd_str id, struct ragd_document_info *info,
			struct ragd_str *content, struct ragd_err *err)
{
	sqlite3_stmt *stmt =
		db_query(db, SQL_DOCUMENT_INFO, DB_ARGS(db_int(collection), db_str(id)));
	struct memory m = memory_of_call(call);
	uint32_t document = 0;
	char *bytes;
	bool found = db_next(db, stmt);
	int rc = db_result(db, err);

	if (found) {
		document = (uint32_t)sqlite3_column_int64(stmt, 7);
		rc = copy_info(stmt, &m, info);
		if (rc < 0)
			ragd_err_set(err, rc, "the request's memory is used up");
	} else if (rc == 0) {
		rc = ragd_err_set(err, -ENOENT, "the collection has no document '%.*s'",
				  (int)MIN(id.len, 120), id.s);
	}
	if (rc == 0 && content != NULL) { /* while the row keeps its snapshot */
		bytes = call->alloc(call, info->n_bytes + 1, 1);
		if (bytes == NULL)
			rc = ragd_err_set(
				err, -ENOMEM,
				"the request's memory has no room for the %llu bytes of the "
				"document",
				(unsigned long long)info->n_bytes);
		else
			rc = content_read(db, document, 0, info->n_bytes, bytes, err);
		*content = (struct ragd_str){ bytes, info->n_bytes };
	}
	db_reset(stmt);
	return rc;
}

int store_get(struct store *s, const struct ragd_call *call, const char *collection,
	      struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
	      struct ragd_err *err)
{
	struct ragd_document_info found = { 0 };
	struct ragd_str bytes = { NULL, 0 };
	struct catalog_collection col;
	struct session *session = NULL;
	int rc;

	rc = store_collection(s, call, collection, ACL_READ, &col, err);
	if (rc < 0)
		return rc;
	rc = session_acquire(&s->sessions, &session, err);
	if (rc == 0)
		rc = get_document(&session->db, call, col.id, id, &found,
				  content != NULL ? &bytes : NULL, err);
	session_release(&s->sessions, session);
	if (rc < 0)
		return rc;
	if (info != NULL)
		*info = found;
	if (content != NULL)
		*content = bytes;
	return 0;
}

/* ---- remove a document -------------------------------------------------------------------- */

struct remove_job {
	struct writer_job job;
	struct store *store;
	const char *collection;
	struct ragd_str id;
	uint32_t collection_id;
	struct change change;
};

static int remove_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct remove_job *j = container_of(job, struct remove_job, job);
	struct collection_row row;
	int rc = collection_row_find(db, j->collection, &row, err);

	if (rc == 0) {
		j->collection_id = row.id;
		job->rc = acl_check(&row.acl, j->collection, j->job.call->caller, ACL_WRITE,
				    &job->err);
		if (job->rc == 0)
			rc = document_drop(j->store, db, row.id, j->id, &j->change, err);
		if (rc == -ENOENT && !acl_may(&row.acl, j->job.call->caller, ACL_READ))
			return 0; /* what was there is not told */
		job->removes = true;
		if (rc == 0 && job->rc == 0) {
			collection_row_count_change(db, row.id);
			rc = db_result(db, err);
		}
	}
	if (rc == -ENOENT) {
		job->rc = rc;
		if (err != NULL)
			job->err = *err;
		rc = 0;
	}
	return rc;
}

static void remove_applied(struct writer_job *job)
{
	struct remove_job *j = container_of(job, struct remove_job, job);

	change_apply(j->store, &j->change);
	change_clear(&j->change);
	j->store->catalog.collections[j->collection_id]->updated_s = store_now();
}

int store_remove(struct store *s, const struct ragd_call *call, const char *collection,
		 struct ragd_str id, struct ragd_err *err)
{
	struct remove_job j = { .job.call = call, .store = s, .collection = collection, .id = id };
	int rc;

	rc = acl_name_check(collection, err);
	if (rc == 0)
		rc = document_validate_id(id, err);
	if (rc < 0)
		return rc;
	j.job.run = remove_run;
	j.job.applied = remove_applied;
	return writer_run(s->writer, &j.job, err);
}
