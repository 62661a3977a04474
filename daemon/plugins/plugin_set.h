/*
 * The plugin host: opens instances of the modules that a configuration
 * names and hands them to flows.
 *
 * A set is one generation of instances, opened from one configuration. Whoever works with
 * it holds a reference; a reload makes a new set and drops the daemon's reference to the
 * old one, whose instances close when the last flow lets go. An instance whose module,
 * options and files are the same in both is carried over, so that a store is never open
 * twice, nor a model that did not change.
 */
#ifndef DAEMON_PLUGINS_H
#define DAEMON_PLUGINS_H

#include <ragd/plugin.h>

#include "daemon/config/config.h"

struct plugin_set;
struct plugin_instance;

/* One opened plugin. */
struct plugin {
	const char *name; /* of the instance */
	const struct ragd_plugin *descriptor;
	const char *path; /* of the module */
	void *self;
	struct ragd_config options;
	enum config_failure on_failure;
	int64_t deadline_ms;
	struct plugin_instance *instance; /* for plugin_lost() */
};

/*
 * Open every plugin of cfg; previous (may be NULL) lends the instances that did not change. All or
 * nothing. May block: models load. cfg must outlive the set.
 */
int plugin_set_open(const struct config *cfg, struct plugin_set *previous, struct plugin_set **out,
		    struct ragd_err *err);
/*
 * Open every plugin of cfg but those of retrieval, one after another, and close it again: rules
 * are read, models checked, as at a start. What they keep goes to a temporary folder; a daemon
 * that runs notices nothing, and stores stay closed. For a process that does nothing else.
 */
int plugin_trial(const struct config *cfg, struct ragd_err *err);
struct plugin_set *plugin_set_ref(struct plugin_set *set);
/* From any thread; closing runs on the thread that drops the last reference. */
void plugin_set_unref(struct plugin_set *set);

/* The instance of that name and kind (0: any), or NULL; lives as long as the set. */
const struct plugin *plugin_set_find(const struct plugin_set *set, enum ragd_kind kind,
				     const char *name);
size_t plugin_set_count(const struct plugin_set *set);
const struct plugin *plugin_set_at(const struct plugin_set *set, size_t i);

/*
 * Calls of its instance, of whatever set, that were given up and have not come back: add may be 1
 * or -1, or 0 to ask; returns how many there are then. Any thread.
 */
unsigned plugin_lost(const struct plugin *p, int add);

/*
 * The plugin that is opening and how far it says it is: "plugin 'llm': packing weights, 43 %".
 * False if none opens or it has not said. Any thread.
 */
bool plugin_progress(char *out, size_t room);

/* ---- abilities: plugin_ability.c ------------------------------------------------------------ */

/* Has it this ability: by its operations and, of inference, by what its card says. */
bool plugin_can(const struct ragd_plugin *descriptor, void *self, enum ragd_ability ability);
/* -EINVAL, with file and line, if an assistant is to write with plugin `name`, which can not. */
int plugin_assistants_check(const struct config *cfg, const char *name,
			    const struct ragd_plugin *descriptor, void *self, struct ragd_err *err);
/* An inference plugin that only embeds: the one of that name, or the first (NULL). NULL: none. */
const struct plugin *plugin_set_encoder(const struct plugin_set *set, const char *name);
/*
 * Turn texts into vectors, which inference and retrieval can; -EINVAL where one is blank. *out has
 * its size; what comes back is for validate_vectors(), but for the stamp, which is set here.
 */
int plugin_embed(const struct ragd_plugin *descriptor, void *self, const struct ragd_call *call,
		 const struct ragd_embed *req, struct ragd_embeddings *out, struct ragd_err *err);
/* How relevant passages are to a query, validated; inference that can rerank only. */
int plugin_rerank(const char *name, const struct ragd_plugin *descriptor, void *self,
		  const struct ragd_call *call, const struct ragd_rerank *req, double *scores,
		  struct ragd_err *err);
/* What its vectors are, validated; false if it does not say. `name` is the instance's. */
bool plugin_embed_card(const char *name, const struct ragd_plugin *descriptor, void *self,
		       struct ragd_embed_card *out);

#endif
