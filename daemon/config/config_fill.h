/*
 * One section's words to values: by the section's rows into the members of a struct, and by a
 * plugin's own table into a struct ragd_config.
 */
#ifndef DAEMON_CONFIG_FILL_H
#define DAEMON_CONFIG_FILL_H

#include "daemon/config/config_rows.h"

/*
 * Set every member that has a row: from the block, else the row's default. `own` (may be NULL) is a
 * plugin's table, whose names are not refused here.
 */
int config_fill(struct arena *a, const struct config_block *b, const struct ragd_option *own,
		void *target, struct ragd_err *err);

/* The same for a plugin's own options; paths that begin with "ragd:" are in data_dir. */
int config_fill_plugin(struct arena *a, const struct config_block *b,
		       const struct ragd_option *table, const char *data_dir,
		       struct ragd_config *out, struct ragd_err *err);

#endif
