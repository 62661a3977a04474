#include "daemon/plugins/validate_private.h"

#include <math.h>
#include <stdint.h>

#include "ipc/codec/codec.h"

/* Titles and the like, as far as they are strings. */
#define STRING_MAX 65536
#define TYPE_MAX   255
#define DIGEST_LEN 64
#define MODE_BITS  0666u

/* No status of the ABI: what stays there was left out. */
#define PUT_LEFT_OUT ((enum ragd_put_status)127)

static int collection_name_check(const struct returned *r, const char *name)
{
	int rc = returned_name(r, "a collection's name", name, 64);

	if (rc == 0 && !codec_collection_valid((struct ragd_str){ name, strlen(name) }))
		rc = returned_fault(r, PLUGIN_FAULT_NAME, "an invalid collection name");
	return rc;
}

/* A string that its bound ends is an id if the protocol takes it as one. */
static int document_id_check(const struct returned *r, const char *id)
{
	return returned_name(r, "a document's id", id, CODEC_ID_MAX);
}

int validate_collections(const char *plugin, int rc, const struct ragd_collection *list, size_t n,
			 struct ragd_err *err)
{
	const struct returned r = { plugin, "collections", err };

	rc = returned_code(&r, rc);
	if (rc == 0)
		rc = returned_array(&r, "collections", list, n, sizeof(*list));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = collection_name_check(&r, list[i].name);
		if (rc == 0 && (list[i].mode & ~MODE_BITS) != 0)
			rc = returned_fault(&r, PLUGIN_FAULT_NUMBER, "a collection of mode %#o",
					    (unsigned)list[i].mode);
	}
	return rc;
}

/* ---- documents ------------------------------------------------------------------------------ */

void validate_puts_prepare(struct ragd_put_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		results[i] = (struct ragd_put_result){ .status = PUT_LEFT_OUT };
}

int validate_puts(const char *plugin, int rc, struct ragd_put_result *results, size_t n,
		  struct ragd_err *err)
{
	const struct returned r = { plugin, "put", err };

	rc = returned_code(&r, rc);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct ragd_put_result *p = &results[i];
		const struct returned one = { plugin, "put", &p->err };

		if (p->status == PUT_LEFT_OUT)
			return returned_fault(&r, PLUGIN_FAULT_LENGTH,
					      "nothing about document %zu of %zu", i + 1, n);
		if ((unsigned)p->status > RAGD_PUT_FAILED)
			return returned_fault(&r, PLUGIN_FAULT_ACTION,
					      "status %d, which does not exist", (int)p->status);
		if (p->status != RAGD_PUT_FAILED)
			continue;
		if (p->err.code >= 0)
			return returned_fault(&r, PLUGIN_FAULT_CODE,
					      "%d as the error of a document that failed",
					      p->err.code);
		returned_code(&one, p->err.code);
	}
	return rc;
}

static bool is_digest(const char *s)
{
	size_t len = strspn(s, "0123456789abcdef");

	return s[len] == '\0' && (len == 0 || len == DIGEST_LEN);
}

static int info_check(const struct returned *r, const struct ragd_document_info *d)
{
	int rc = document_id_check(r, d->id);

	if (rc == 0)
		rc = returned_string(r, "a title", d->title, STRING_MAX);
	if (rc == 0)
		rc = returned_string(r, "a media type", d->media_type, TYPE_MAX);
	if (rc == 0 && d->media_type[0] != '\0') /* it becomes a header */
		rc = returned_name(r, "a media type", d->media_type, TYPE_MAX);
	if (rc == 0)
		rc = returned_string(r, "a digest", d->digest, DIGEST_LEN);
	if (rc == 0 && !is_digest(d->digest))
		rc = returned_fault(r, PLUGIN_FAULT_NAME, "an invalid digest");
	return rc;
}

int validate_documents(const char *plugin, int rc, const struct ragd_document_info *list, size_t n,
		       size_t limit, struct ragd_err *err)
{
	const struct returned r = { plugin, "list", err };

	rc = returned_code(&r, rc);
	if (rc == 0 && n > limit)
		rc = returned_fault(&r, PLUGIN_FAULT_LENGTH, "%zu documents where %zu were wanted",
				    n, limit);
	if (rc == 0)
		rc = returned_array(&r, "documents", list, n, sizeof(*list));
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = info_check(&r, &list[i]);
	return rc;
}

int validate_document(const char *plugin, int rc, const struct ragd_document_info *info,
		      struct ragd_str content, struct ragd_err *err)
{
	const struct returned r = { plugin, "get", err };

	rc = returned_code(&r, rc);
	if (rc == 0)
		rc = returned_array(&r, "content", content.s, content.len, 1);
	if (rc == 0)
		rc = info_check(&r, info);
	return rc;
}

/* ---- hits ----------------------------------------------------------------------------------- */

static int runs_check(const struct returned *r, const struct ragd_hit *h)
{
	int rc = returned_array(r, "runs", h->runs, h->n_runs, sizeof(*h->runs));

	if (rc < 0)
		return rc;
	if (h->n_runs == 0 && h->end - h->start != h->passage.text.len)
		return returned_fault(r, PLUGIN_FAULT_SPAN,
				      "a text of %zu bytes for %llu bytes of a document, no runs",
				      h->passage.text.len, (unsigned long long)(h->end - h->start));
	for (size_t i = 0; i < h->n_runs; i++) {
		const struct ragd_run *at = &h->runs[i];

		if (at->from > h->passage.text.len || at->to < h->start || at->to > h->end ||
		    (i > 0 && (at->from < at[-1].from || at->to < at[-1].to)))
			return returned_fault(r, PLUGIN_FAULT_SPAN,
					      "runs that do not ascend within text and document");
	}
	return 0;
}

static bool collection_wanted(const struct ragd_query *q, const char *collection)
{
	for (size_t i = 0; i < q->n_collections; i++)
		if (strcmp(q->collections[i], collection) == 0)
			return true;
	return q->n_collections == 0;
}

static int hit_check(const struct returned *r, const struct ragd_query *q, const struct ragd_hit *h)
{
	int rc = collection_name_check(r, h->collection);

	if (rc == 0 && !collection_wanted(q, h->collection))
		rc = returned_fault(r, PLUGIN_FAULT_NAME, "a hit of a collection not asked for");
	if (rc == 0)
		rc = document_id_check(r, h->document);
	if (rc == 0)
		rc = returned_text(r, "a title", h->passage.title);
	if (rc == 0)
		rc = returned_text(r, "a heading", h->passage.heading);
	if (rc == 0)
		rc = returned_text(r, "a passage", h->passage.text);
	if (rc == 0 && !isfinite(h->passage.score))
		rc = returned_fault(r, PLUGIN_FAULT_NUMBER, "a score that is not a finite number");
	if (rc == 0)
		rc = returned_share(r, "a lexical score", h->lexical);
	if (rc == 0)
		rc = returned_share(r, "a vector score", h->vector);
	if (rc == 0 && h->start > h->end)
		rc = returned_fault(r, PLUGIN_FAULT_SPAN, "a hit that ends before it starts");
	return rc < 0 ? rc : runs_check(r, h);
}

int validate_hits(const char *plugin, int rc, const struct ragd_query *query,
		  const struct ragd_hit *hits, size_t n, struct ragd_err *err)
{
	const struct returned r = { plugin, "search", err };

	rc = returned_code(&r, rc);
	if (rc == 0 && n > query->k)
		rc = returned_fault(&r, PLUGIN_FAULT_LENGTH, "%zu hits where %u were wanted", n,
				    (unsigned)query->k);
	if (rc == 0)
		rc = returned_array(&r, "hits", hits, n, sizeof(*hits));
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = hit_check(&r, query, &hits[i]);
	return rc;
}

void validate_stats(const char *plugin, struct ragd_retrieval_stats *s)
{
	struct ragd_err err;
	const struct returned r = { plugin, "stats", &err };

	/* JSON's whole numbers are signed. */
	if (s->n_collections <= INT64_MAX && s->n_documents <= INT64_MAX &&
	    s->n_passages <= INT64_MAX && s->n_vectors <= INT64_MAX && s->n_bytes <= INT64_MAX &&
	    s->dim <= INT32_MAX && s->n_waiting <= s->n_passages && s->n_foreign <= s->n_passages) {
		/* Cut off where a plugin forgot the end. */
		s->encoder[sizeof(s->encoder) - 1] = '\0';
		s->trouble[sizeof(s->trouble) - 1] = '\0';
		return;
	}
	returned_fault(&r, PLUGIN_FAULT_NUMBER, "a count beyond all numbers");
	*s = (struct ragd_retrieval_stats){ 0 };
}
