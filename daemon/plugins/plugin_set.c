#include "daemon/plugins/plugin_private.h"

#include <pthread.h>
#include <stdlib.h>

/* The sets that live, newest first: where host services look for peers. */
static struct {
	pthread_mutex_t lock;
	struct plugin_set *newest;
} sets = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct plugin_set *plugin_set_new(size_t max)
{
	struct plugin_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->plugins = calloc(max + 1, sizeof(*set->plugins));
	set->instances = calloc(max + 1, sizeof(struct plugin_instance *));
	if (set->plugins == NULL || set->instances == NULL) {
		plugin_set_free(set);
		return NULL;
	}
	atomic_init(&set->refs, 1);
	return set;
}

void plugin_set_publish(struct plugin_set *set)
{
	pthread_mutex_lock(&sets.lock);
	set->older = sets.newest;
	sets.newest = set;
	pthread_mutex_unlock(&sets.lock);
}

/* In reverse order: a plugin may use those before it. */
void plugin_set_free(struct plugin_set *set)
{
	if (set == NULL)
		return;
	while (set->n > 0)
		plugin_instance_unref(set->instances[--set->n]);
	free(set->instances);
	free(set->plugins);
	free(set);
}

struct plugin_set *plugin_set_ref(struct plugin_set *set)
{
	atomic_fetch_add(&set->refs, 1);
	return set;
}

void plugin_set_unref(struct plugin_set *set)
{
	struct plugin_set **p;
	bool last;

	if (set == NULL || atomic_fetch_sub(&set->refs, 1) > 1)
		return;
	pthread_mutex_lock(&sets.lock);
	for (p = &sets.newest; *p != set; p = &(*p)->older)
		;
	*p = set->older;
	pthread_mutex_unlock(&sets.lock);
	plugin_set_free(set);
	/* The process may end next: let what still closes finish first. */
	pthread_mutex_lock(&sets.lock);
	last = sets.newest == NULL;
	pthread_mutex_unlock(&sets.lock);
	if (last)
		plugin_pending_wait();
}

const struct plugin *plugin_set_find(const struct plugin_set *set, enum ragd_kind kind,
				     const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->plugins[i].name, name) == 0)
			return kind == 0 || set->plugins[i].descriptor->kind == kind
				       ? &set->plugins[i]
				       : NULL;
	return NULL;
}

size_t plugin_set_count(const struct plugin_set *set)
{
	return set->n;
}

const struct plugin *plugin_set_at(const struct plugin_set *set, size_t i)
{
	return i < set->n ? &set->plugins[i] : NULL;
}

static bool set_has(const struct plugin_set *set, const struct plugin_instance *inst)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->instances[i] == inst)
			return true;
	return false;
}

struct plugin_instance *plugin_instance_peer(const struct plugin_instance *from, const char *name)
{
	struct plugin_instance *peer = NULL;
	const struct plugin_set *set;

	pthread_mutex_lock(&sets.lock);
	for (set = sets.newest; set != NULL && !set_has(set, from); set = set->older)
		;
	for (size_t i = 0; set != NULL && i < set->n; i++)
		if (strcmp(set->instances[i]->name, name) == 0)
			peer = set->instances[i];
	if (peer != NULL)
		atomic_fetch_add(&peer->refs, 1);
	pthread_mutex_unlock(&sets.lock);
	return peer;
}
