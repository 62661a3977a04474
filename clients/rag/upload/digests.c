#include "clients/rag/upload/digests.h"

#include <errno.h>

#define PAGE 1000

/* One page into *known; *next says where the next begins, and belongs to *page. */
static int digests_page(struct ragd_client *c, const char *collection, json_t *known,
			struct ragd_documents **page, const char **next, struct ragd_err *err)
{
	const struct ragd_document_row *row;
	struct ragd_documents *l;
	int rc = ragd_client_documents(c, collection, *next, PAGE, &l, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && (row = ragd_documents_at(l, i)) != NULL; i++)
		if (json_object_set_new(known, row->id, json_string(row->digest)) < 0)
			rc = ragd_err_set(err, -ENOMEM, "out of memory");
	*next = ragd_documents_next(l);
	ragd_documents_free(*page);
	*page = l;
	return rc;
}

int digests_fetch(struct ragd_client *c, const char *collection, json_t **out, struct ragd_err *err)
{
	struct ragd_documents *page = NULL;
	json_t *known = json_object();
	const char *next = NULL;
	int rc = known != NULL ? 0 : ragd_err_set(err, -ENOMEM, "out of memory");

	if (rc == 0)
		do
			rc = digests_page(c, collection, known, &page, &next, err);
		while (rc == 0 && next != NULL);
	if (rc == -ENOENT && page == NULL && ragd_client_status(c) == 404)
		rc = 0; /* it will be made */
	ragd_documents_free(page);
	if (rc == 0)
		*out = known;
	else
		json_decref(known);
	return rc;
}
