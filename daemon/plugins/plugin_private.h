/*
 * What the files of the plugin host share; others include daemon/plugins/plugin_set.h. Each calls
 * only those above it:
 *
 *   plugin_metrics.c   counters and gauges of instances, faults
 *   plugin_progress.c  how far a plugin that is being opened has come
 *   plugin_files.c     which files an instance was made from
 *   plugin_instance.c  one opened plugin: its memory, references, closing
 *   plugin_set.c       the instances of a configuration, and the sets that live
 *   plugin_ability.c   what an instance can do; its vectors
 *   plugin_host.c      what the host does for a plugin: log, metrics, abilities of others
 *   plugin_set_open.c  a set from a configuration, carrying over what did not change
 *   plugin_trial.c     opens plugins as a start would, and closes them again
 */
#ifndef DAEMON_PLUGIN_PRIVATE_H
#define DAEMON_PLUGIN_PRIVATE_H

#include <stdatomic.h>

#include "base/digest.h"
#include "daemon/plugins/plugin_metrics.h"
#include "daemon/plugins/plugin_set.h"

/* ---- instances ----------------------------------------------------------------------------- */

struct plugin_instance {
	struct ragd_host host; /* what the plugin got: container_of leads back */
	const struct ragd_plugin *descriptor;
	void *self;
	char *name;
	char *state_dir;
	char *data_dir;
	struct ragd_config options; /* a copy: outlives the configuration it came from */
	char files[DIGEST_HEX + 1]; /* plugin_files_digest(), from before it was opened */
	struct plugin_meter *meter;
	atomic_uint refs;
	atomic_uint n_lost; /* calls given up that have not come back */
};

/*
 * A new instance of the section, with a folder for its state; neither opened nor with a host yet.
 */
int plugin_instance_new(const struct config *cfg, const struct config_plugin *cp,
			struct plugin_instance **out, struct ragd_err *err);
/* Of one that was not opened, or is closed. */
void plugin_instance_free(struct plugin_instance *inst);

/*
 * Identifies what the options name (files, and folders with the files in them) and, for safety, the
 * installed rules and languages, for inference the latter: another digest after a change. -ENOMEM.
 */
int plugin_files_digest(const struct ragd_plugin *descriptor, const struct ragd_config *options,
			const char *data_dir, char out[DIGEST_HEX + 1]);

/* The service `progress`; sets open one after another, so there is one to tell of at a time. */
void plugin_progress_set(const struct ragd_host *host, double done, const char *what);
/* Its open() has returned. */
void plugin_progress_end(const struct ragd_host *host);

/* Closes on the calling thread if it was the last reference. */
void plugin_instance_unref(struct plugin_instance *inst);
/*
 * Drop such a reference (inst may be NULL). The caller's thread may be one that the plugin has to
 * end before it can close, so if it was the last reference, closing runs on a thread of its own.
 */
void plugin_instance_unref_later(struct plugin_instance *inst);
/* Something is under way that holds an instance: dropping the last set waits for it. */
void plugin_pending_begin(void);
void plugin_pending_end(void);
void plugin_pending_wait(void);

/* ---- sets ---------------------------------------------------------------------------------- */

struct plugin_set {
	struct plugin_set *older; /* of those that live */
	atomic_uint refs;
	size_t n;
	struct plugin *plugins;             /* [n] */
	struct plugin_instance **instances; /* [n], in the same order */
};

/* An empty one with room for `max` plugins, or NULL; for its maker alone until it is published. */
struct plugin_set *plugin_set_new(size_t max);
void plugin_set_free(struct plugin_set *set);
/* From now on its plugins find each other. */
void plugin_set_publish(struct plugin_set *set);

/*
 * The instance called `name` in the newest living set that `from` is in, with a reference; NULL if
 * there is none.
 */
struct plugin_instance *plugin_instance_peer(const struct plugin_instance *from, const char *name);

/* ---- opening ------------------------------------------------------------------------------- */

/*
 * A new instance of the section, opened, with one reference. Where it cannot open because what it
 * needs is taken, an instance of that name in the previous set (or NULL) is named as the likely
 * holder. A trial tells the plugin that it will be closed at once.
 */
int plugin_instance_open(const struct config *cfg, const struct config_plugin *cp,
			 const struct plugin_set *previous, bool trial,
			 struct plugin_instance **out, struct ragd_err *err);

/* ---- host services ------------------------------------------------------------------------- */

/* Fill inst->host from its names and directories. */
void plugin_host_init(struct plugin_instance *inst);

#endif
