#include "daemon/api/collections.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/util.h"
#include "daemon/plugins/validate.h"

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

static const struct ragd_collection *collection_find(const struct ragd_collection *list, size_t n,
						     const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

/*
 * Anybody may have created a collection of that name first, and assistants would answer everybody
 * from what its owner puts there. Group and mode may differ from what they are by default, for
 * its owner may change them; not from what the file says.
 */
static int collection_check(const struct config_collection *want,
			    const struct ragd_collection *have, struct ragd_err *err)
{
	if (have->owner == want->owner && (!want->group_is_set || have->group == want->group) &&
	    (!want->mode_is_set || have->mode == want->mode))
		return 0;
	return ragd_err_set(
		err, -EPERM,
		"it exists with owner %u, group %u, mode %04o; the configuration says owner "
		"%u, group %u, mode %04o: change one of the two",
		(unsigned)have->owner, (unsigned)have->group, (unsigned)have->mode,
		(unsigned)want->owner, (unsigned)want->group, (unsigned)want->mode);
}

static int collection_create(const struct plugin *p, const struct ragd_call *call,
			     const struct config_collection *want, struct ragd_err *err)
{
	const struct ragd_collection c = {
		.name = want->name, .owner = want->owner, .group = want->group, .mode = want->mode
	};
	bool created = false;
	int rc = p->descriptor->ops.retrieval->collection_put(p->self, call, &c, &created, err);

	rc = validate_rc(p->name, "collection_put", rc, err);
	if (rc == 0 && !created)
		return ragd_err_set(err, -EPERM, "somebody created it at this very moment");
	return rc;
}

static int collections_create(const struct config *cfg, const struct plugin *p,
			      const struct ragd_call *call, struct ragd_err *err)
{
	const struct ragd_collection *list = NULL, *have;
	struct ragd_err why = { 0 };
	size_t n = 0;
	int rc = p->descriptor->ops.retrieval->collections(p->self, call, &list, &n, &why);

	rc = validate_collections(p->name, rc, list, n, &why);
	if (rc < 0)
		return ragd_err_set(err, rc, "plugin \"%s\": list its collections: %s", p->name,
				    why.msg);
	for (size_t i = 0; rc == 0 && i < cfg->n_collections; i++) {
		have = collection_find(list, n, cfg->collections[i].name);
		rc = have != NULL ? collection_check(&cfg->collections[i], have, &why)
				  : collection_create(p, call, &cfg->collections[i], &why);
		if (rc < 0)
			ragd_err_set(err, rc, "plugin \"%s\": collection \"%s\": %s", p->name,
				     cfg->collections[i].name, why.msg);
	}
	return rc;
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
		rc = collections_create(cfg, p, &call.base, err);
	}
	arena_free(call.arena);
	return rc;
}

int collections_known(const struct plugin *retrieval, struct call *call, const char *const *names,
		      size_t n, struct ragd_err *err)
{
	const struct ragd_collection *list = NULL;
	size_t n_list = 0;
	int rc;

	if (n == 0)
		return 0;
	rc = call_enter(call, retrieval, "collections", err);
	if (rc < 0)
		return rc;
	rc = retrieval->descriptor->ops.retrieval->collections(retrieval->self, &call->base, &list,
							       &n_list, err);
	call_leave(call);
	rc = validate_collections(retrieval->name, rc, list, n_list, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (collection_find(list, n_list, names[i]) == NULL)
			rc = ragd_err_set(err, -ENOENT,
					  "there is no collection '%s', or you may not read it",
					  names[i]);
	return rc;
}
