/*
 * The options of each section as rows: one row feeds the parser, the defaults, ragd.conf(5) and
 * docs/configuration.md. The options of plugins come from their own tables.
 */
#ifndef DAEMON_CONFIG_ROWS_H
#define DAEMON_CONFIG_ROWS_H

#include "daemon/config/config_tree.h"

/* How a value is stored in the member at `offset`. */
enum config_as {
	CONFIG_AS_BOOL,     /* bool */
	CONFIG_AS_UNSIGNED, /* unsigned, uint32_t */
	CONFIG_AS_INT64,
	CONFIG_AS_UINT64,
	CONFIG_AS_SIZE,    /* size_t */
	CONFIG_AS_FLOAT,   /* float */
	CONFIG_AS_TEXT,    /* const char * */
	CONFIG_AS_LIST,    /* const char *const * */
	CONFIG_AS_MODE,    /* uint32_t; octal */
	CONFIG_AS_USER,    /* uid_t; a name or a number */
	CONFIG_AS_GROUP,   /* gid_t */
	CONFIG_AS_LEVEL,   /* enum ragd_log_level */
	CONFIG_AS_FAILURE, /* enum config_failure */
	CONFIG_AS_STOPS,   /* struct ragd_sampling */
};

struct config_row {
	struct ragd_option option;
	enum config_as as;
	size_t offset;
	/* What an empty default stands for, in words; NULL: for an empty text. */
	const char *fallback;
};

/* The rows of a section, ended by one without a name. Those of plugins precede the plugin's own. */
const struct config_row *config_rows(enum config_section kind);
const struct config_row *config_row_find(enum config_section kind, const char *name);

#endif
