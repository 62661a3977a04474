#include "clients/rag/completion.h"

#include <jansson.h>

#include <ragd/client.h>

#include "clients/rag/options.h"

#define COMPLETE_TIMEOUT_MS 1000 /* whoever pressed Tab does not wait long */

static void offer_collections(FILE *f, struct ragd_client *c)
{
	const struct ragd_collection_row *row;
	struct ragd_collections *l;

	if (ragd_client_collections(c, &l, NULL) < 0)
		return;
	for (size_t i = 0; (row = ragd_collections_at(l, i)) != NULL; i++)
		fprintf(f, "%s\n", row->name);
	ragd_collections_free(l);
}

static void offer_assistants(FILE *f, struct ragd_client *c)
{
	json_t *root, *one;
	char *text;
	size_t i;

	if (ragd_client_assistants(c, &text, NULL) < 0)
		return;
	root = json_loads(text, 0, NULL);
	json_array_foreach(json_object_get(root, "data"), i, one) {
		const char *id = json_string_value(json_object_get(one, "id"));

		if (id != NULL)
			fprintf(f, "%s\n", id);
	}
	json_decref(root);
	ragd_free(text);
}

void completion_offer(FILE *f, int words, const void *values)
{
	const struct rag_args *a = values;
	struct ragd_client *c;

	if (ragd_client_open(a->socket, &c, NULL) < 0)
		return;
	ragd_client_timeout(c, COMPLETE_TIMEOUT_MS);
	if (words == WORDS_COLLECTIONS)
		offer_collections(f, c);
	else
		offer_assistants(f, c);
	ragd_client_close(c);
}
