/* Passages without an answer. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

struct ragd_hits {
	struct client_reply reply; /* what the rows borrow from */
	size_t n;
	struct ragd_hit_row rows[];
};

static struct ragd_hit_row hit_row(const json_t *o)
{
	return (struct ragd_hit_row){
		.collection = client_text(o, "collection"),
		.document = client_text(o, "document"),
		.title = client_text(o, "title"),
		.heading = client_text(o, "heading"),
		.text = client_text(o, "text"),
		.start = client_number(o, "start"),
		.end = client_number(o, "end"),
		.score = client_real(o, "score"),
		.lexical = client_real(o, "lexical"),
		.vector = client_real(o, "vector"),
	};
}

int ragd_client_search(struct ragd_client *c, const struct ragd_search *search,
		       struct ragd_hits **out, struct ragd_err *err)
{
	struct client_reply reply;
	struct ragd_hits *hits;
	struct client_body b;
	const json_t *data;
	int rc;

	client_body_init(&b, err);
	client_body_text(&b, "query", search->query != NULL ? search->query : "");
	jsonw_member_uint(&b.w, "k", search->k > 0 ? search->k : 10);
	client_body_texts(&b, "collections", search->collections, search->n_collections);
	client_body_texts(&b, "tags", search->tags, search->n_tags);
	jsonw_member_bool(&b.w, "per_document", search->per_document);
	rc = client_send(c, "POST", client_path("/v1/search"), &b, &reply);
	if (rc < 0)
		return rc;
	data = json_object_get(reply.root, "data");
	hits = client_list_new(&reply, sizeof(*hits), json_array_size(data), sizeof(hits->rows[0]),
			       err);
	if (hits == NULL)
		return -ENOMEM;
	hits->reply = reply;
	for (size_t i = 0; i < json_array_size(data); i++)
		hits->rows[hits->n++] = hit_row(json_array_get(data, i));
	*out = hits;
	return 0;
}

const struct ragd_hit_row *ragd_hits_at(const struct ragd_hits *hits, size_t i)
{
	return i < hits->n ? &hits->rows[i] : NULL;
}

const char *ragd_hits_json(const struct ragd_hits *hits)
{
	return hits->reply.text;
}

void ragd_hits_free(struct ragd_hits *hits)
{
	if (hits == NULL)
		return;
	client_reply_fini(&hits->reply);
	free(hits);
}
