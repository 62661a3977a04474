/* Collections: listed, created, changed, removed. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

struct ragd_collections {
	struct client_reply reply; /* what the rows borrow from */
	size_t n;
	struct ragd_collection_row rows[];
};

static struct ragd_collection_row collection_row(const json_t *o)
{
	return (struct ragd_collection_row){
		.name = client_text(o, "name"),
		.owner = client_text(o, "owner"),
		.group = client_text(o, "group"),
		.mode = client_text(o, "mode"),
		.documents = client_number(o, "documents"),
		.passages = client_number(o, "passages"),
		.bytes = client_number(o, "bytes"),
		.updated = (int64_t)client_number(o, "updated"),
	};
}

static int collections_new(struct client_reply *reply, struct ragd_collections **out,
			   struct ragd_err *err)
{
	size_t n = client_rows(reply);
	struct ragd_collections *l = client_list_new(reply, sizeof(*l), n, sizeof(l->rows[0]), err);

	if (l == NULL)
		return -ENOMEM;
	l->reply = *reply;
	l->n = n;
	for (size_t i = 0; i < n; i++)
		l->rows[i] = collection_row(client_row(reply, i));
	*out = l;
	return 0;
}

int ragd_client_collections(struct ragd_client *c, struct ragd_collections **out,
			    struct ragd_err *err)
{
	struct client_reply reply;
	int rc = client_fetch(c, client_path("/v1/collections"), &reply, err);

	return rc == 0 ? collections_new(&reply, out, err) : rc;
}

int ragd_client_collection(struct ragd_client *c, const char *name, struct ragd_collections **out,
			   struct ragd_err *err)
{
	struct client_reply reply;
	int rc = client_fetch(c, client_path("/v1/collections/{}", name), &reply, err);

	return rc == 0 ? collections_new(&reply, out, err) : rc;
}

int ragd_client_collection_set(struct ragd_client *c, const char *name, const char *owner,
			       const char *group, const char *mode, struct ragd_err *err)
{
	struct client_reply reply = { NULL, NULL };
	struct client_body b;
	int rc;

	client_body_init(&b, err);
	client_body_text(&b, "owner", owner);
	client_body_text(&b, "group", group);
	client_body_text(&b, "mode", mode);
	rc = client_send(c, "PUT", client_path("/v1/collections/{}", name), &b, &reply);
	client_reply_fini(&reply);
	return rc == 0 && c->status == 201 ? 1 : rc;
}

int ragd_client_collection_remove(struct ragd_client *c, const char *name, struct ragd_err *err)
{
	return client_delete(c, client_path("/v1/collections/{}", name), err);
}

int ragd_client_reindex(struct ragd_client *c, const char *name, char **json, struct ragd_err *err)
{
	return client_post(c, client_path("/v1/collections/{}/reindex", name), json, err);
}

const struct ragd_collection_row *ragd_collections_at(const struct ragd_collections *l, size_t i)
{
	return i < l->n ? &l->rows[i] : NULL;
}

const char *ragd_collections_json(const struct ragd_collections *l)
{
	return l->reply.text;
}

void ragd_collections_free(struct ragd_collections *l)
{
	if (l == NULL)
		return;
	client_reply_fini(&l->reply);
	free(l);
}
