/* Documents on their way in. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

#include "base/text/utf8.h"

#define ADD_MAX 10000

struct ragd_added {
	struct client_reply reply; /* what the rows borrow from */
	size_t n;
	struct ragd_added_row rows[];
};

static struct ragd_added_row added_row(const json_t *o)
{
	const json_t *error = json_object_get(o, "error");

	return (struct ragd_added_row){
		.id = client_text(o, "id"),
		.status = client_text(o, "status"),
		.code = client_text(error, "code"),
		.error = client_text(error, "message"),
		.passages = client_number(o, "passages"),
	};
}

/* rows is the array of results, or NULL: then the reply is the one result. */
static int added_new(struct client_reply *reply, const json_t *rows, size_t n,
		     struct ragd_added **out, struct ragd_err *err)
{
	struct ragd_added *added =
		client_list_new(reply, sizeof(*added), n, sizeof(added->rows[0]), err);

	if (added == NULL)
		return -ENOMEM;
	added->reply = *reply;
	added->n = n;
	for (size_t i = 0; i < n; i++)
		added->rows[i] = added_row(rows != NULL ? json_array_get(rows, i) : reply->root);
	*out = added;
	return 0;
}

static int check_document(const struct ragd_new_document *d, struct ragd_err *err)
{
	int rc;

	if (d->id == NULL || d->id[0] == '\0')
		return ragd_err_set(err, -EINVAL, "a document without an id");
	rc = client_check_utf8("id", d->id, strlen(d->id), err);
	if (rc == 0 && d->title != NULL)
		rc = client_check_utf8("title", d->title, strlen(d->title), err);
	for (size_t i = 0; rc == 0 && i < d->n_tags; i++)
		rc = client_check_utf8("tag", d->tags[i], strlen(d->tags[i]), err);
	return rc;
}

static void line_write(struct buf *b, const struct ragd_new_document *d)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "id", d->id);
	if (d->title != NULL)
		jsonw_member_cstr(&w, "title", d->title);
	if (d->media_type != NULL)
		jsonw_member_cstr(&w, "media_type", d->media_type);
	if (d->n_tags > 0) {
		jsonw_member_array_begin(&w, "tags");
		for (size_t i = 0; i < d->n_tags; i++)
			jsonw_cstr(&w, d->tags[i]);
		jsonw_array_end(&w);
	}
	if (utf8_invalid_at(d->data, d->len) < 0)
		jsonw_member_str(&w, "text", (struct ragd_str){ d->data, d->len });
	else
		jsonw_member_base64(&w, "content_base64", d->data, d->len);
	jsonw_object_end(&w);
	buf_addc(b, '\n');
}

static int add_lines(struct buf *b, const struct ragd_new_document *docs, size_t n,
		     struct ragd_err *err)
{
	if (n > ADD_MAX)
		return ragd_err_set(err, -EINVAL, "%zu documents at once; the limit is %d", n,
				    ADD_MAX);
	for (size_t i = 0; i < n; i++) {
		int rc = check_document(&docs[i], err);

		if (rc < 0)
			return rc;
		line_write(b, &docs[i]);
	}
	return buf_failed(b) ? client_no_memory(err) : 0;
}

int ragd_client_add(struct ragd_client *c, const char *collection,
		    const struct ragd_new_document *docs, size_t n, struct ragd_added **out,
		    struct ragd_err *err)
{
	struct buf body = BUF_INIT;
	struct client_reply reply;
	const json_t *results;
	int rc;

	buf_add(&body, "", 0); /* a body, even of no documents */
	rc = add_lines(&body, docs, n, err);
	if (rc == 0)
		rc = client_exchange(c, "POST",
				     client_path("/v1/collections/{}/documents", collection),
				     "application/x-ndjson", buf_str(&body), &reply, err);
	buf_fini(&body);
	if (rc < 0)
		return rc;
	results = json_object_get(reply.root, "results");
	if (json_array_size(results) != n) {
		rc = ragd_err_set(err, -EPROTO, "%zu documents were sent, %zu results came back", n,
				  json_array_size(results));
		client_reply_fini(&reply);
		return rc;
	}
	return added_new(&reply, results, n, out, err);
}

int ragd_client_put(struct ragd_client *c, const char *collection,
		    const struct ragd_new_document *d, struct ragd_added **out,
		    struct ragd_err *err)
{
	const char *type = d->media_type != NULL ? d->media_type : "application/octet-stream";
	const struct ragd_str body = { d->len > 0 ? d->data : "", d->len };
	struct client_reply reply;
	char *path;
	int rc = check_document(d, err);

	if (rc < 0)
		return rc;
	path = d->title != NULL ? client_path("/v1/collections/{}/documents/{}?title={}",
					      collection, d->id, d->title)
				: client_path("/v1/collections/{}/documents/{}", collection, d->id);
	rc = client_exchange(c, "PUT", path, type, body, &reply, err);
	return rc == 0 ? added_new(&reply, NULL, 1, out, err) : rc;
}

const struct ragd_added_row *ragd_added_at(const struct ragd_added *added, size_t i)
{
	return i < added->n ? &added->rows[i] : NULL;
}

const char *ragd_added_json(const struct ragd_added *added)
{
	return added->reply.text;
}

void ragd_added_free(struct ragd_added *added)
{
	if (added == NULL)
		return;
	client_reply_fini(&added->reply);
	free(added);
}
