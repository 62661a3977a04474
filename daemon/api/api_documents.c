/* Collections, documents and search: the retrieval plugin's operations as endpoints. */
#include "daemon/api/api_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/users.h"
#include "base/util.h"
#include "daemon/api/api_error.h"
#include "daemon/api/collections.h"
#include "daemon/api/job.h"
#include "daemon/plugins/validate.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000

static const struct ragd_retrieval_ops *retrieval_ops(const struct job *job)
{
	return job->retrieval->descriptor->ops.retrieval;
}

/* call_leave follows the call, of the same: the job gets another when that one is given up. */
static int retrieval_enter(struct job *job, const char *op, struct ragd_err *err)
{
	return call_enter(job->call, job->retrieval, op, err);
}

/*
 * False, with the reply written, if no retrieval plugin runs or the path's names are not
 * well-formed; else its deadline begins.
 */
static bool retrieval_ready(struct job *job)
{
	if (job->retrieval == NULL) {
		job_fail(job, 503, "unavailable", NULL,
			 "no retrieval plugin is configured, so there are no documents");
		return false;
	}
	if (job->param[0].s != NULL && !codec_collection_valid(job->param[0])) {
		job_fail(job, 400, "invalid_value", "collection",
			 "a collection's name has up to 64 of a-z, 0-9, '.', '_' and '-', and "
			 "begins with a letter or digit");
		return false;
	}
	if (job->param[1].s != NULL && !codec_document_id_valid(job->param[1])) {
		job_fail(job, 400, "invalid_value", "id",
			 "a document's id has 1 to %d bytes of UTF-8 and no control characters",
			 CODEC_ID_MAX);
		return false;
	}
	job_deadline(job, job->retrieval);
	return true;
}

/* ---- collections --------------------------------------------------------------------------- */

/* What users_*_name() returned, or the number where there is no name; in the call's arena. */
static const char *name_or_number(struct arena *a, char *name, unsigned number)
{
	const char *text = name != NULL ? arena_strdup(a, name) : arena_printf(a, "%u", number);

	free(name);
	return text;
}

static struct codec_collection collection_named(struct job *job, const struct ragd_collection *c)
{
	return (struct codec_collection){
		.c = c,
		.owner = name_or_number(job->call->arena, users_user_name(c->owner), c->owner),
		.group = name_or_number(job->call->arena, users_group_name(c->group), c->group),
	};
}

/* Those the caller may read. */
static int list_collections(struct job *job, const struct ragd_collection **list, size_t *n,
			    struct ragd_err *err)
{
	struct call *call = job->call;
	int rc;

	*list = NULL;
	*n = 0;
	rc = retrieval_enter(job, "collections", err);
	if (rc < 0)
		return rc;
	rc = retrieval_ops(job)->collections(job->retrieval->self, &call->base, list, n, err);
	call_leave(call);
	return validate_collections(job->retrieval->name, rc, *list, *n, err);
}

static void api_collections(struct job *job)
{
	const struct ragd_collection *list;
	struct codec_collection *out;
	struct ragd_err err = { 0 };
	size_t n;

	if (!retrieval_ready(job))
		return;
	if (list_collections(job, &list, &n, &err) < 0) {
		job_fail_err(job, &err, "not_found");
		return;
	}
	out = arena_alloc(job->call->arena, n, sizeof(*out));
	if (out == NULL) {
		job_fail(job, 503, "unavailable", NULL, "out of memory for the list");
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = collection_named(job, &list[i]);
	codec_collections(&job->out, out, n);
}

/* The one of the path, among those the caller may read; NULL with the reply written. */
static const struct ragd_collection *collection_find(struct job *job)
{
	const struct ragd_collection *list;
	struct ragd_err err = { 0 };
	size_t n;

	if (list_collections(job, &list, &n, &err) < 0) {
		job_fail_err(job, &err, "not_found");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, job->param[0].s) == 0)
			return &list[i];
	job_fail(job, 404, "unknown_collection", NULL,
		 "there is no collection '%s', or you may not read it", job->param[0].s);
	return NULL;
}

static void api_collection_get(struct job *job)
{
	const struct ragd_collection *c;
	struct codec_collection out;

	if (!retrieval_ready(job) || (c = collection_find(job)) == NULL)
		return;
	out = collection_named(job, c);
	codec_collection(&job->out, &out);
}

/* What the request leaves open stays as it is, or is the caller's for a new collection. */
static bool collection_fill(struct job *job, const struct codec_collection_put *put,
			    struct ragd_collection *c)
{
	const struct ragd_collection *list;
	struct ragd_err err = { 0 };
	size_t n;

	*c = (struct ragd_collection){
		.name = job->param[0].s,
		.owner = job->call->caller.uid,
		.group = job->call->caller.gid,
		.mode = 0600,
	};
	if (list_collections(job, &list, &n, &err) == 0)
		for (size_t i = 0; i < n; i++)
			if (strcmp(list[i].name, c->name) == 0)
				*c = list[i];
	if (put->has_mode)
		c->mode = put->mode;
	if (put->owner != NULL && users_uid(put->owner, &c->owner) < 0) {
		job_fail(job, 400, "invalid_value", "owner", "there is no user '%s'", put->owner);
		return false;
	}
	if (put->group != NULL && users_gid(put->group, &c->group) < 0) {
		job_fail(job, 400, "invalid_value", "group", "there is no group '%s'", put->group);
		return false;
	}
	return true;
}

static void api_collection_put(struct job *job)
{
	struct call *call = job->call;
	struct codec_collection_put put;
	const struct ragd_collection *now;
	struct codec_collection out;
	struct codec_err cerr;
	struct ragd_collection c;
	struct ragd_err err = { 0 };
	bool created = false;
	int rc;

	if (!retrieval_ready(job))
		return;
	if (codec_collection_decode(job->call->arena, job->body, &put, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return;
	}
	if (!collection_fill(job, &put, &c))
		return;
	rc = retrieval_enter(job, "collection_put", &err);
	if (rc == 0) {
		rc = retrieval_ops(job)->collection_put(job->retrieval->self, &call->base, &c,
							&created, &err);
		call_leave(call);
	}
	if (validate_rc(job->retrieval->name, "collection_put", rc, &err) < 0) {
		job_fail_err(job, &err, "unknown_collection");
		return;
	}
	/*
	 * An admin may give a collection away and still see it; its owner may lose it from sight.
	 */
	now = collection_find(job);
	out = collection_named(job, now != NULL ? now : &c);
	buf_clear(&job->out);
	codec_collection(&job->out, &out);
	job->status = created ? 201 : 200;
}

static void api_collection_remove(struct job *job)
{
	struct call *call = job->call;
	struct ragd_err err = { 0 };
	int rc;

	if (!retrieval_ready(job))
		return;
	rc = retrieval_enter(job, "collection_remove", &err);
	if (rc == 0) {
		rc = retrieval_ops(job)->collection_remove(job->retrieval->self, &call->base,
							   job->param[0].s, &err);
		call_leave(call);
	}
	if (validate_rc(job->retrieval->name, "collection_remove", rc, &err) < 0)
		job_fail_err(job, &err, "unknown_collection");
	else
		codec_removed(&job->out);
}

static void api_collection_reindex(struct job *job)
{
	struct call *call = job->call;
	struct ragd_err err = { 0 };
	int rc = -ENOTSUP;

	if (!retrieval_ready(job))
		return;
	if (retrieval_ops(job)->reindex == NULL) {
		ragd_err_set(&err, rc, "'%s' makes no vectors", job->retrieval->name);
	} else {
		rc = retrieval_enter(job, "reindex", &err);
		if (rc == 0) {
			rc = retrieval_ops(job)->reindex(job->retrieval->self, &call->base,
							 job->param[0].s, &err);
			call_leave(call);
		}
		rc = validate_rc(job->retrieval->name, "reindex", rc, &err);
	}
	if (rc == -ENOTSUP) {
		job_fail(job, 400, "unsupported", NULL, "%s", err.msg);
	} else if (rc < 0) {
		job_fail_err(job, &err, "unknown_collection");
	} else {
		codec_reindexing(&job->out, job->param[0].s);
		job->status = 202;
	}
}

/* ---- documents ----------------------------------------------------------------------------- */

static void api_documents(struct job *job)
{
	struct call *call = job->call;
	struct ragd_str after = { job->after, job->after != NULL ? strlen(job->after) : 0 };
	const struct ragd_document_info *list = NULL;
	struct ragd_err err = { 0 };
	char *end = NULL;
	size_t n = 0, limit = LIST_DEFAULT;
	int rc;

	if (!retrieval_ready(job))
		return;
	if (job->limit != NULL) {
		limit = strtoul(job->limit, &end, 10);
		if (*end != '\0' || limit < 1 || limit > LIST_MAX) {
			job_fail(job, 400, "invalid_value", "limit",
				 "limit must be a number from 1 to %d", LIST_MAX);
			return;
		}
	}
	/* One more than asked for tells whether there are more. */
	rc = retrieval_enter(job, "list", &err);
	if (rc == 0) {
		rc = retrieval_ops(job)->list(job->retrieval->self, &call->base, job->param[0].s,
					      after, limit + 1, &list, &n, &err);
		call_leave(call);
	}
	if (validate_documents(job->retrieval->name, rc, list, n, limit + 1, &err) < 0) {
		job_fail_err(job, &err, "unknown_collection");
		return;
	}
	codec_documents(&job->out, list, MIN(n, limit), n > limit ? list[limit - 1].id : NULL);
}

/* Why the plugin did not take a document, as the protocol says it. In the arena. */
static const struct codec_err *put_err(struct job *job, const struct ragd_err *err)
{
	struct codec_err *e = arena_alloc(job->call->arena, 1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->status = api_status(err->code, "unknown_collection", &e->code);
	snprintf(e->msg, sizeof(e->msg), "%s", err->msg);
	return e;
}

static int documents_put(struct job *job, const struct ragd_document *docs, size_t n,
			 struct ragd_put_result *results, struct ragd_err *err)
{
	struct call *call = job->call;
	int rc = retrieval_enter(job, "put", err);

	if (rc < 0)
		return rc;
	validate_puts_prepare(results, n);
	rc = retrieval_ops(job)->put(job->retrieval->self, &call->base, job->param[0].s, docs, n,
				     results, err);
	call_leave(call);
	return validate_puts(job->retrieval->name, rc, results, n, err);
}

/* Hand the good lines of a bulk request to the plugin; puts[] then tells of each line. */
static int documents_put_all(struct job *job, const struct codec_document *lines, size_t n,
			     struct codec_put *puts, struct ragd_err *err)
{
	struct arena *a = job->call->arena;
	struct ragd_document *docs = arena_alloc(a, n, sizeof(*docs));
	struct ragd_put_result *results = arena_alloc(a, n, sizeof(*results));
	size_t n_docs = 0, at = 0;
	int rc = 0;

	if (docs == NULL || results == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for %zu documents", n);
	for (size_t i = 0; i < n; i++)
		if (lines[i].err == NULL)
			docs[n_docs++] = lines[i].doc;
	if (n_docs > 0)
		rc = documents_put(job, docs, n_docs, results, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		puts[i] = (struct codec_put){ .id = lines[i].doc.id,
					      .status = RAGD_PUT_FAILED,
					      .err = lines[i].err };
		if (lines[i].err != NULL)
			continue;
		puts[i].status = results[at].status;
		puts[i].n_passages = results[at].n_passages;
		if (results[at].status == RAGD_PUT_FAILED)
			puts[i].err = put_err(job, &results[at].err);
		at++;
	}
	return 0;
}

static void api_documents_add(struct job *job)
{
	struct codec_document *lines;
	struct codec_put *puts;
	struct codec_err cerr;
	struct ragd_err err = { 0 };
	size_t n;

	if (!retrieval_ready(job))
		return;
	if (codec_documents_decode(job->call->arena, job->body, &lines, &n, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return;
	}
	puts = arena_alloc(job->call->arena, n, sizeof(*puts));
	if (puts == NULL)
		job_fail(job, 503, "unavailable", NULL, "out of memory for %zu documents", n);
	else if (documents_put_all(job, lines, n, puts, &err) < 0)
		job_fail_err(job, &err, "unknown_collection");
	else
		codec_puts(&job->out, puts, n);
}

static void api_document_put(struct job *job)
{
	struct ragd_document doc = {
		.id = job->param[1],
		.title = { job->title, job->title != NULL ? strlen(job->title) : 0 },
		.content = job->body,
	};
	struct ragd_put_result result = { 0 };
	struct ragd_err err = { 0 };
	struct codec_put out = { .id = doc.id };

	if (!retrieval_ready(job))
		return;
	/* What curl sends when nobody said anything means just that. */
	if (strcmp(job->content_type, "application/octet-stream") != 0 &&
	    strcmp(job->content_type, "application/x-www-form-urlencoded") != 0)
		doc.media_type = (struct ragd_str){ job->content_type, strlen(job->content_type) };
	if (documents_put(job, &doc, 1, &result, &err) < 0) {
		job_fail_err(job, &err, "unknown_collection");
		return;
	}
	if (result.status == RAGD_PUT_FAILED) {
		job_fail_err(job, &result.err, "unknown_document");
		return;
	}
	out.status = result.status;
	out.n_passages = result.n_passages;
	job->status = result.status == RAGD_PUT_ADDED ? 201 : 200;
	codec_put(&job->out, &out);
}

/* The document of the path; false with the reply written. */
static bool document_find(struct job *job, struct ragd_document_info *info,
			  struct ragd_str *content)
{
	struct call *call = job->call;
	struct ragd_err err = { 0 };
	int rc;

	if (!retrieval_ready(job))
		return false;
	*info = (struct ragd_document_info){ 0 };
	*content = (struct ragd_str){ 0 };
	rc = retrieval_enter(job, "get", &err);
	if (rc == 0) {
		rc = retrieval_ops(job)->get(job->retrieval->self, &call->base, job->param[0].s,
					     job->param[1], info, content, &err);
		call_leave(call);
	}
	if (validate_document(job->retrieval->name, rc, info, *content, &err) < 0) {
		job_fail_err(job, &err, "unknown_document");
		return false;
	}
	return true;
}

static void api_document_get(struct job *job)
{
	struct ragd_document_info info;
	struct ragd_str content;

	if (document_find(job, &info, &content))
		codec_document(&job->out, &info);
}

static void api_document_content(struct job *job)
{
	struct ragd_document_info info;
	struct ragd_str content;

	if (!document_find(job, &info, &content))
		return;
	job->out_type = info.media_type;
	job->stored = true;
	buf_add(&job->out, content.s, content.len);
}

static void api_document_remove(struct job *job)
{
	struct call *call = job->call;
	struct ragd_err err = { 0 };
	int rc;

	if (!retrieval_ready(job))
		return;
	rc = retrieval_enter(job, "remove", &err);
	if (rc == 0) {
		rc = retrieval_ops(job)->remove(job->retrieval->self, &call->base, job->param[0].s,
						job->param[1], &err);
		call_leave(call);
	}
	if (validate_rc(job->retrieval->name, "remove", rc, &err) < 0)
		job_fail_err(job, &err, "unknown_document");
	else
		codec_removed(&job->out);
}

static void api_search(struct job *job)
{
	struct call *call = job->call;
	struct codec_search req;
	struct ragd_query q = { .size = sizeof(q) };
	const struct ragd_hit *hits = NULL;
	struct codec_err cerr;
	struct ragd_err err = { 0 };
	size_t n = 0;
	int rc;

	if (!retrieval_ready(job))
		return;
	if (codec_search_decode(job->call->arena, job->body, &req, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return;
	}
	q.text = req.query;
	q.k = req.k;
	q.collections = req.collections;
	q.n_collections = req.n_collections;
	q.tags = req.tags;
	q.n_tags = req.n_tags;
	q.per_document = req.per_document;
	rc = collections_known(job->retrieval, call, q.collections, q.n_collections, &err);
	if (rc == 0)
		rc = retrieval_enter(job, "search", &err);
	if (rc == 0) {
		rc = retrieval_ops(job)->search(job->retrieval->self, &call->base, &q, &hits, &n,
						&err);
		call_leave(call);
		rc = validate_hits(job->retrieval->name, rc, &q, hits, n, &err);
	}
	if (rc < 0)
		job_fail_err(job, &err, "unknown_collection");
	else
		codec_search(&job->out, hits, n);
}

const struct http_route api_documents_routes[] = {
	{ "GET", "/v1/collections", 0, ON_POOL(api_collections) },
	{ "PUT", "/v1/collections/{}", 0, ON_POOL(api_collection_put) },
	{ "GET", "/v1/collections/{}", 0, ON_POOL(api_collection_get) },
	{ "DELETE", "/v1/collections/{}", 0, ON_POOL(api_collection_remove) },
	{ "POST", "/v1/collections/{}/reindex", 0, ON_POOL(api_collection_reindex) },
	{ "GET", "/v1/collections/{}/documents", 0, ON_POOL(api_documents) },
	{ "POST", "/v1/collections/{}/documents", 0, ON_POOL(api_documents_add) },
	{ "PUT", "/v1/collections/{}/documents/{}", 0, ON_POOL(api_document_put) },
	{ "GET", "/v1/collections/{}/documents/{}", 0, ON_POOL(api_document_get) },
	{ "DELETE", "/v1/collections/{}/documents/{}", 0, ON_POOL(api_document_remove) },
	{ "GET", "/v1/collections/{}/documents/{}/content", 0, ON_POOL(api_document_content) },
	{ "POST", "/v1/search", 0, ON_POOL(api_search) },
	{ 0 },
};
