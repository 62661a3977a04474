/* Which collections a search looks into. */
#include <string.h>

#include "retrieval/search/search.h"

static bool is_wanted(const struct ragd_query *q, const char *name)
{
	for (size_t i = 0; i < q->n_collections; i++)
		if (strcmp(q->collections[i], name) == 0)
			return true;
	return q->n_collections == 0;
}

bool search_includes(const struct search *se, const struct catalog_collection *col)
{
	return col->shown && is_wanted(se->query, col->name) &&
	       acl_may(&col->acl, se->call->caller, ACL_READ);
}
