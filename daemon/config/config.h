/*
 * The configuration: one file (with includes) to one immutable tree of plain structs. Every
 * section's options are rows of a table that feeds the parser, the defaults and ragd.conf(5).
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ragd/plugin.h>

#include "ipc/http/http.h"

enum config_failure { CONFIG_CLOSED, CONFIG_OPEN };

/* plugin "basic" { module = "safety_basic" … } */
struct config_plugin {
	const char *name;                     /* of the instance */
	const char *module;                   /* file name without .so, or an absolute path */
	const struct ragd_plugin *descriptor; /* loaded; `options` follow its table */
	struct ragd_config options;
	enum config_failure on_failure; /* safety only: does a failing filter block or let pass */
	int64_t deadline_ms;            /* of one call */
};

#define CONFIG_FILTERS_MAX 16 /* of a policy */

/* policy "balanced" { filters = { "basic", "grounding" } … } */
struct config_policy {
	const char *name;
	const char *const *filters; /* instances of safety plugins, in order; NULL-ended */
	const char *refusal;        /* said when a filter blocks and has no message of its own */
	const char *viewpoints;     /* added to the system prompt of every answer; may be "" */
};

/* collection "default" { owner = … group = … mode = 0640 }: made at start if missing. */
struct config_collection {
	const char *name;
	uid_t owner;
	gid_t group;
	uint32_t mode;
	bool group_is_set; /* by the file: one that exists must agree */
	bool mode_is_set;
};

/* assistant "default" { … } */
struct config_assistant {
	const char *name;
	const char *description;
	const char *inference;    /* instance names */
	const char *inference_at; /* "FILE:LINE" of it, for what only shows once it is open */
	const char *retrieval;    /* "": answers without documents */
	const char *policy;
	const char *const *collections; /* NULL-ended; empty: all the caller may read */
	bool grounded;
	const char *system_prompt;
	const char *no_answer; /* said when nothing in the documents answers */
	uint32_t k;            /* passages in a prompt */
	int64_t deadline_ms;   /* of a whole answer */
	struct ragd_sampling sampling;
};

struct config {
	const char *path; /* "" where the defaults are all there is */

	/* ragd { … } */
	const char *socket;
	uid_t socket_owner;
	gid_t socket_group;
	uint32_t socket_mode;
	const char *state_dir;
	const char *data_dir;
	const char *const *plugin_dirs; /* NULL-ended */
	enum ragd_log_level log_level;
	int64_t drain_timeout_ms;
	unsigned n_threads;      /* of the pool */
	int64_t keep_answers_ms; /* how long records of answers and feedback are kept; 0: forever */

	struct http_limits limits;
	size_t queue_max;    /* answers at work or waiting; as many other requests */
	unsigned user_share; /* of them, percent */
	size_t question_max; /* bytes of messages */

	const struct config_plugin *plugins;
	size_t n_plugins;
	const struct config_policy *policies;
	size_t n_policies;
	const struct config_collection *collections;
	size_t n_collections;
	const struct config_assistant *assistants;
	size_t n_assistants;
};

/* Where a daemon keeps its files if it is told nothing else. */
enum config_scope { CONFIG_SYSTEM, CONFIG_USER };

/*
 * What the command line said; the same at start and at every reload. NULL: not said. Borrowed, so
 * the strings live as long as the process.
 */
struct config_source {
	enum config_scope scope;
	const char *path;   /* NULL: the scope's own file if it exists, else the defaults alone */
	const char *socket; /* these stand above the file */
	const char *state_dir;
	const char *data_dir;
	const char *plugin_dir; /* searched before those of the file */
};

/*
 * Read and validate the configuration. Modules are loaded for their descriptors and options and
 * each plugin's check runs, but nothing is opened. The error names file and line, what is wrong
 * and what is allowed. One at a time, on any thread.
 */
int config_load(const struct config_source *src, struct config **out, struct ragd_err *err);
/* The same of a text in place of a file; `name` stands for its path in errors and must be absolute
 * where the text has relative paths. */
int config_parse(const struct config_source *src, const char *name, const char *text, size_t len,
		 struct config **out, struct ragd_err *err);
/* What a daemon without a file runs, as the text of one. */
const char *config_defaults(void);
/*
 * What differs, as keys of a log line: " changed=ragd,plugin.basic added=assistant.x". A plugin is
 * changed, too, if reopened() says so of its name, as for files that its section only names; it may
 * be NULL. The caller frees; NULL when out of memory.
 */
char *config_diff(const struct config *was, const struct config *is,
		  bool (*reopened)(const char *plugin, void *arg), void *arg);
/* Unloads nothing: descriptors stay mapped for the life of the process. */
void config_free(struct config *cfg);

/* The named one, or NULL. */
const struct config_assistant *config_assistant(const struct config *cfg, const char *name);
const struct config_policy *config_policy(const struct config *cfg, const char *name);

#endif
