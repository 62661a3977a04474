/* A collection's vectors, made again because somebody asked for it. */
#include "retrieval/store/store.h"

#include <errno.h>

#include "base/util.h"
#include "retrieval/index/encoder.h"
#include "retrieval/store/collection_row.h"
#include "retrieval/store/store_private.h"

struct renew_job {
	struct writer_job job;
	struct store *store;
	const char *name;
	uint32_t collection; /* 0: there is nothing to do */
};

static int renew_allowed(const struct collection_row *row, const struct renew_job *j,
			 struct ragd_err *err)
{
	const struct ragd_caller *caller = j->job.call->caller;

	if (!acl_knows(&row->acl, caller))
		return acl_absent(j->name, err);
	if (caller->admin || caller->uid == row->acl.owner)
		return 0;
	return ragd_err_set(err, -EACCES,
			    "only its owner or an administrator may have the vectors of "
			    "collection '%s' made again",
			    j->name);
}

/* It is noted in the database, so that what was acknowledged happens, whatever happens before. */
static int renew_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct renew_job *j = container_of(job, struct renew_job, job);
	const struct catalog_collection *col;
	struct collection_row row;
	int rc = collection_row_find(db, j->name, &row, err);

	j->collection = 0;
	if (rc == -ENOENT)
		job->rc = acl_absent(j->name, &job->err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	job->rc = renew_allowed(&row, j, &job->err);
	col = catalog_collection(&j->store->catalog, row.id);
	/* Those under way are new enough. */
	if (job->rc < 0 || col == NULL || col->n_passages == 0 || col->next.embedder != NULL)
		return 0;
	j->collection = row.id;
	collection_row_renewal_add(db, row.id);
	return db_result(db, err);
}

static void renew_applied(struct writer_job *job)
{
	struct renew_job *j = container_of(job, struct renew_job, job);
	struct catalog_collection *col = catalog_collection(&j->store->catalog, j->collection);

	if (col == NULL)
		return;
	col->renewal = true;
	maintenance_note_write(j->store->maintenance, col);
}

int store_reindex(struct store *s, const struct ragd_call *call, const char *name,
		  struct ragd_err *err)
{
	struct renew_job j = { .job.call = call, .store = s, .name = name };
	struct encoder_identity identity;
	struct ragd_err why = { 0 };
	int rc = acl_name_check(name, err);

	if (rc < 0)
		return rc;
	if (s->encode == NULL)
		return ragd_err_set(err, -ENOTSUP,
				    "no embedder is configured: vectors are learned from the "
				    "documents, and again by themselves as these change");
	if (encoder_identify(s, s->encoder, &identity, &why) < 0)
		return ragd_err_set(err, -EAGAIN,
				    "the embedder '%s' cannot be asked at present: "
				    "%.150s",
				    s->encoder, why.msg);
	j.job.run = renew_run;
	j.job.applied = renew_applied;
	return writer_run(s->writer, &j.job, err);
}
