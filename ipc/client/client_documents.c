/* Documents: listed, shown, removed, their bytes and digests. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

#include "base/digest.h"

struct ragd_documents {
	struct client_reply reply; /* what the rows borrow from */
	const char *next;
	size_t n;
	struct ragd_document_row rows[];
};

static struct ragd_document_row document_row(const json_t *o)
{
	return (struct ragd_document_row){
		.id = client_text(o, "id"),
		.title = client_text(o, "title"),
		.media_type = client_text(o, "media_type"),
		.digest = client_text(o, "digest"),
		.bytes = client_number(o, "bytes"),
		.passages = client_number(o, "passages"),
		.updated = (int64_t)client_number(o, "updated"),
	};
}

static int documents_new(struct client_reply *reply, struct ragd_documents **out,
			 struct ragd_err *err)
{
	size_t n = client_rows(reply);
	struct ragd_documents *l = client_list_new(reply, sizeof(*l), n, sizeof(l->rows[0]), err);

	if (l == NULL)
		return -ENOMEM;
	l->reply = *reply;
	l->n = n;
	l->next = json_string_value(json_object_get(l->reply.root, "next"));
	for (size_t i = 0; i < n; i++)
		l->rows[i] = document_row(client_row(reply, i));
	*out = l;
	return 0;
}

int ragd_client_documents(struct ragd_client *c, const char *collection, const char *after,
			  unsigned limit, struct ragd_documents **out, struct ragd_err *err)
{
	struct client_reply reply;
	char number[16];
	char *path;
	int rc;

	snprintf(number, sizeof(number), "%u", limit > 0 ? limit : 100);
	path = after != NULL
		       ? client_path("/v1/collections/{}/documents?limit={}&after={}", collection,
				     number, after)
		       : client_path("/v1/collections/{}/documents?limit={}", collection, number);
	rc = client_fetch(c, path, &reply, err);
	return rc == 0 ? documents_new(&reply, out, err) : rc;
}

int ragd_client_document(struct ragd_client *c, const char *collection, const char *id,
			 struct ragd_documents **out, struct ragd_err *err)
{
	struct client_reply reply;
	char *path = client_path("/v1/collections/{}/documents/{}", collection, id);
	int rc = client_fetch(c, path, &reply, err);

	return rc == 0 ? documents_new(&reply, out, err) : rc;
}

const struct ragd_document_row *ragd_documents_at(const struct ragd_documents *l, size_t i)
{
	return i < l->n ? &l->rows[i] : NULL;
}

const char *ragd_documents_next(const struct ragd_documents *l)
{
	return l->next;
}

const char *ragd_documents_json(const struct ragd_documents *l)
{
	return l->reply.text;
}

void ragd_documents_free(struct ragd_documents *l)
{
	if (l == NULL)
		return;
	client_reply_fini(&l->reply);
	free(l);
}

int ragd_client_document_remove(struct ragd_client *c, const char *collection, const char *id,
				struct ragd_err *err)
{
	return client_delete(c, client_path("/v1/collections/{}/documents/{}", collection, id),
			     err);
}

struct bytes {
	ragd_bytes_cb sink;
	void *arg;
};

static int on_bytes(void *arg, const char *data, size_t len, struct ragd_err *err)
{
	const struct bytes *to = arg;

	if (to->sink(to->arg, data, len) != 0)
		return ragd_err_set(err, -ECANCELED, "the receiver stopped it");
	return 0;
}

static int get_bytes(struct ragd_client *c, char *path, ragd_bytes_cb sink, void *arg,
		     struct ragd_err *err)
{
	struct bytes to = { sink, arg };
	const struct client_call call = { "GET", path, NULL, NULL, 0, on_bytes, &to };
	int rc = path != NULL ? client_call(c, &call, err) : client_no_memory(err);

	free(path);
	return rc;
}

int ragd_client_content(struct ragd_client *c, const char *collection, const char *id,
			ragd_bytes_cb sink, void *arg, struct ragd_err *err)
{
	return get_bytes(c, client_path("/v1/collections/{}/documents/{}/content", collection, id),
			 sink, arg, err);
}

int ragd_client_feedback_export(struct ragd_client *c, ragd_bytes_cb sink, void *arg,
				struct ragd_err *err)
{
	return get_bytes(c, client_path("/v1/feedback/export"), sink, arg, err);
}

void ragd_digest(const void *data, size_t len, char out[RAGD_DIGEST_HEX + 1])
{
	digest_hex(data, len, out);
}
