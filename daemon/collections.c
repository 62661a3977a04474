#include "daemon/collections.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/util.h"

#define MEMORY_MAX (16u << 20) /* of the list of collections */

/* A call of the daemon's own. */
struct own_call {
	struct ragd_call base;
	struct arena *arena;
};

static void *own_alloc(const struct ragd_call *call, size_t n, size_t size)
{
	return arena_alloc(container_of(call, struct own_call, base)->arena, n, size);
}

static bool own_cancelled(const struct ragd_call *call)
{
	(void)call;
	return false;
}

static bool has(const struct ragd_collection *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return true;
	return false;
}

static int make_in(const struct config *cfg, const struct plugin *p, const struct ragd_call *call,
		   struct ragd_err *err)
{
	const struct ragd_retrieval_ops *ops = p->descriptor->ops.retrieval;
	const struct ragd_collection *list = NULL;
	struct ragd_err why = { 0 };
	bool created;
	size_t n = 0;
	int rc = ops->collections(p->self, call, &list, &n, &why);

	for (size_t i = 0; rc == 0 && i < cfg->n_collections; i++) {
		struct ragd_collection c = { .name = cfg->collections[i].name,
					     .owner = cfg->collections[i].owner,
					     .group = cfg->collections[i].group,
					     .mode = cfg->collections[i].mode };

		if (!has(list, n, c.name))
			rc = ops->collection_put(p->self, call, &c, &created, &why);
		if (rc < 0)
			return ragd_err_set(err, rc, "plugin \"%s\": make collection \"%s\": %s",
					    p->name, c.name, why.msg);
	}
	if (rc < 0)
		return ragd_err_set(err, rc, "plugin \"%s\": list its collections: %s", p->name,
				    why.msg);
	return 0;
}

int collections_make(const struct config *cfg, const struct plugin_set *set, struct ragd_err *err)
{
	struct ragd_caller self = { .uid = geteuid(), .gid = getegid(), .admin = true };
	struct own_call call = { .base = { .size = sizeof(call.base),
					   .caller = &self,
					   .request_id = "start",
					   .alloc = own_alloc,
					   .cancelled = own_cancelled } };
	int rc = 0;

	call.arena = arena_new(MEMORY_MAX);
	if (call.arena == NULL)
		return ragd_err_set(err, -ENOMEM, "make collections: out of memory");
	for (size_t i = 0; rc == 0 && i < plugin_set_count(set); i++) {
		const struct plugin *p = plugin_set_at(set, i);

		if (p->descriptor->kind != RAGD_KIND_RETRIEVAL)
			continue;
		call.base.deadline_ms = clock_ms() + p->deadline_ms;
		rc = make_in(cfg, p, &call.base, err);
	}
	arena_free(call.arena);
	return rc;
}

int collections_known(const struct plugin *retrieval, const struct ragd_call *call,
		      const char *const *names, size_t n, struct ragd_err *err)
{
	const struct ragd_collection *list;
	size_t n_list;
	int rc;

	if (n == 0)
		return 0;
	rc = retrieval->descriptor->ops.retrieval->collections(retrieval->self, call, &list,
							       &n_list, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!has(list, n_list, names[i]))
			rc = ragd_err_set(err, -ENOENT,
					  "there is no collection '%s', or you may not read it",
					  names[i]);
	return rc;
}
