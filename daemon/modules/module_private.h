/*
 * What the files of the module loader share; others include daemon/modules/module.h.
 *
 *   module.c           file to module: search, cache
 *   module_probe.c     modules that crash or hang while they load
 *   module_open.c      dlopen
 *   module_validate.c  is a descriptor what the ABI says
 *   option.c           rows of option tables and the text of a value
 */
#ifndef DAEMON_MODULE_PRIVATE_H
#define DAEMON_MODULE_PRIVATE_H

#include <stdbool.h>

#include "daemon/modules/module.h"

/*
 * A descriptor as the host uses it, plugin.ops included: as large as in this host's header, zero
 * beyond where the module's own, which may be older, ends. What the module has beyond it, being
 * newer, is left out.
 */
struct module_descriptor {
	struct ragd_plugin plugin;
	union {
		struct ragd_inference_ops inference;
		struct ragd_retrieval_ops retrieval;
		struct ragd_safety_ops safety;
	} ops;
};

/*
 * dlopen the file that is open as fd and validate its descriptor; for module_load() and for the
 * probe. `path` is for the error. Sets *mapped if the module came into the process, even if it was
 * refused. *out must stay where it is: it points into itself.
 */
int module_open(int fd, const char *path, const char *name, struct module_descriptor *out,
		bool *mapped, struct ragd_err *err);

/*
 * Copy the descriptor at `sym`, `avail` bytes large, of the module called `name`, and validate the
 * copy; reads nothing that the module's own abi and sizes do not vouch for.
 */
int module_validate(const char *name, const void *sym, size_t avail, struct module_descriptor *out,
		    struct ragd_err *err);

/*
 * Load the file that is open as fd in a child process. An error says why it was refused there, or
 * that it crashed, ended the process or hung; then nothing of it was loaded here.
 */
int module_probe(int fd, const char *path, const char *name, struct ragd_err *err);
extern int module_probe_timeout_ms; /* tests are less patient */
/*
 * Around a load in this process: a crash or a hang in between says which module it was, on stderr,
 * and ends the process. For start and check, when nothing runs yet that could be lost.
 */
void module_guard_begin(const char *path, const char *name);
void module_guard_end(void);

#endif
