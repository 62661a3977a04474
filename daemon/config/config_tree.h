/*
 * What stands in the configuration's files, as words with the line they are from: sections of
 * options, not checked yet. Parsed by libconfuse.
 */
#ifndef DAEMON_CONFIG_TREE_H
#define DAEMON_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum config_section {
	CONFIG_RAGD,
	CONFIG_LIMITS,
	CONFIG_PLUGIN,
	CONFIG_POLICY,
	CONFIG_COLLECTION,
	CONFIG_ASSISTANT,
	CONFIG_N_SECTIONS,
};

/* NAME = WORD, or NAME = { WORD, … } */
struct config_setting {
	const char *name;
	const char *const *words;
	size_t n;
	int line;
};

struct config_block {
	enum config_section kind;
	const char *title; /* "" for those without */
	const char *file;
	int line;
	const struct config_setting *settings;
	size_t n_settings;
};

struct config_tree {
	struct config_block *blocks; /* malloc()ed; what it points to is the arena's */
	size_t n;
	size_t cap;
};

const char *config_section_name(enum config_section kind);

/*
 * Add what stands in the file at `path` and in those it includes, or in a text that has `name`
 * for a path. An optional file that is not there is 1. The same section may not be there twice.
 * Not from two threads at once: libconfuse's scanner has one state for the whole process.
 */
int config_tree_read(struct config_tree *t, struct arena *a, const char *path, bool optional,
		     struct ragd_err *err);
int config_tree_parse(struct config_tree *t, struct arena *a, const char *name, const char *text,
		      size_t len, struct ragd_err *err);
/* Add one section, unless it is there already. */
int config_tree_add(struct config_tree *t, const struct config_block *b, struct ragd_err *err);
void config_tree_fini(struct config_tree *t);

const struct config_block *config_tree_find(const struct config_tree *t, enum config_section kind,
					    const char *title);
size_t config_tree_count(const struct config_tree *t, enum config_section kind);
const struct config_setting *config_block_get(const struct config_block *b, const char *name);

#endif
