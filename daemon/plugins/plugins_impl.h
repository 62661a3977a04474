/*
 * What the files of the plugin host share; not for others, who use daemon/plugins/plugins.h.
 *
 *   plugins.c          sets and instances
 *   plugins_load.c     file to module: search, permissions, dlopen, cache
 *   plugins_judge.c    is a descriptor what the ABI says
 *   plugins_probe.c    modules that crash or hang while they load
 *   plugins_host.c     what the host does for a plugin: log, metrics, abilities of others
 *   plugins_progress.c how far a plugin that opens has come
 *   plugins_options.c  option tables
 *   plugins_files.c    which files an instance was made from
 *   plugins_trial.c    opens plugins as a start would, and closes them again
 */
#ifndef DAEMON_PLUGINS_IMPL_H
#define DAEMON_PLUGINS_IMPL_H

#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "base/digest.h"
#include "daemon/plugins/plugins.h"

/* ---- modules ------------------------------------------------------------------------------- */

/* A loaded shared object; never unloaded, so that no pointer into it can dangle. */
struct plugin_module {
	struct plugin_module *next;
	char *path; /* absolute, symbolic links resolved */
	/*
	 * What was judged and loaded. Stays open: the dynamic linker knows a library by its name
	 * before it looks at the file, and this one's is the descriptor's number.
	 */
	int fd;
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	const struct ragd_plugin *descriptor; /* NULL: refused */
	bool listed;
};

/* The module that a descriptor of plugin_load() belongs to. */
const struct plugin_module *plugin_module_of(const struct ragd_plugin *descriptor);

/* From now on a module that was not loaded before is tried in a child process first. */
void plugin_load_carefully(void);

/*
 * dlopen the file that is open as fd and judge its descriptor; for plugin_load() and for the probe.
 * `path` is for the error. Sets *mapped if the module came into the process, be it refused or not.
 */
int plugin_module_open(int fd, const char *path, const char *name, const struct ragd_plugin **out,
		       bool *mapped, struct ragd_err *err);

/*
 * Judge the descriptor at `sym`, `avail` bytes large, of the module called `name`; reads nothing
 * that the descriptor's own abi and size do not vouch for.
 */
int plugin_judge(const char *name, const void *sym, size_t avail, struct ragd_err *err);
const char *plugin_kind_name(enum ragd_kind kind);

/*
 * Load the file that is open as fd in a child process. An error says why it was refused there, or that it crashed, ended
 * the process or hung; then nothing of it was loaded here.
 */
int plugin_probe(int fd, const char *path, const char *name, struct ragd_err *err);
extern int plugin_probe_timeout_ms; /* tests are less patient */
/*
 * Around a load in this process: a crash or a hang in between says which module it was, on stderr,
 * and ends the process. For start and check, when nothing runs yet that could be lost.
 */
void plugin_guard_begin(const char *path, const char *name);
void plugin_guard_end(void);

/* ---- instances ----------------------------------------------------------------------------- */

struct plugin_meter;

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

/* A new instance of the section, not opened yet, with a folder for its state. */
int plugin_instance_new(const struct config *cfg, const struct config_plugin *cp,
			struct plugin_instance **out, struct ragd_err *err);
/* One that was not opened, or is closed. */
void plugin_instance_free(struct plugin_instance *inst);
/* The sentence for an open() that returned rc, which is not 0, and said why. Returns the code. */
int plugin_open_failed(const struct config_plugin *cp, int rc, const struct ragd_err *why,
		       struct ragd_err *err);

/*
 * Identifies what the options name (files, and folders with the files in them) and, for safety, the
 * installed rules: another digest after a change. -ENOMEM.
 */
int plugin_files_digest(const struct ragd_plugin *descriptor, const struct ragd_config *options,
			const char *data_dir, char out[DIGEST_HEX + 1]);

/* The service `progress`; sets open one after another, so there is one to tell of at a time. */
void plugin_progress_set(const struct ragd_host *host, double done, const char *what);
/* Its open() has returned. */
void plugin_progress_end(const struct ragd_host *host);

/*
 * The instance called `name` in the newest living set that `from` is in, with a reference; NULL if
 * there is none.
 */
struct plugin_instance *plugin_instance_peer(const struct plugin_instance *from, const char *name);
/*
 * Drop such a reference (inst may be NULL). The caller's thread may be one that the plugin has to
 * end before it can close, so if it was the last reference, closing runs on a thread of its own.
 */
void plugin_instance_unref_later(struct plugin_instance *inst);
/* Something is under way that holds an instance: dropping the last set waits for it. */
void plugin_pending_begin(void);
void plugin_pending_end(void);

/* ---- host services ------------------------------------------------------------------------- */

/* Fill inst->host from its names and directories. */
void plugin_host_init(struct plugin_instance *inst);

/* The counters and gauges of an instance's name; shared by instances of that name across reloads.
 */
struct plugin_meter *plugin_meter_ref(const char *instance);
void plugin_meter_unref(struct plugin_meter *meter);

#endif
