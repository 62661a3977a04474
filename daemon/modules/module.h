/*
 * Modules: shared objects that export a descriptor, found, checked and loaded. What a configuration
 * makes of them, instances with options, is daemon/plugins/.
 */
#ifndef DAEMON_MODULE_H
#define DAEMON_MODULE_H

#include <ragd/plugin.h>

/*
 * Find `module` in dirs (or at an absolute path), dlopen it and validate its descriptor; cached by
 * file. kind 0: any. Refuses, each with its own sentence: no such file, changeable by others (the
 * file, any folder above it or link on the way), not a shared object, no descriptor, another ABI,
 * too small, another kind, a name that is not the file's. Both results live as long as the process:
 * a file that was replaced is another module, with another descriptor. Any thread.
 *
 * Loading runs code of the module. Until module_probe_enable(), a module that crashes there ends
 * the process with a sentence on stderr.
 */
int module_load(const char *const *dirs, const char *module, enum ragd_kind kind,
		const struct ragd_plugin **out, const char **path, struct ragd_err *err);

/*
 * From now on each module that was not loaded before is first loaded in a child process, so that a
 * reload cannot take the daemon down.
 */
void module_probe_enable(void);

/* The file that a descriptor of module_load() came from; "" for any other descriptor. */
const char *module_path(const struct ragd_plugin *descriptor);

#endif
