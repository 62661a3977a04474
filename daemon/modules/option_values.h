/*
 * The values of an option table, as an instance keeps them: a copy that outlives
 * the configuration it came from.
 */
#ifndef DAEMON_OPTION_VALUES_H
#define DAEMON_OPTION_VALUES_H

#include <ragd/plugin.h>

/* -ENOMEM, and then *to holds what option_values_free() has to free. */
int option_values_copy(const struct ragd_option *table, const struct ragd_config *from,
		       struct ragd_config *to);
/* Of a copy; one that is all zero has nothing to free. */
void option_values_free(const struct ragd_option *table, struct ragd_config *cfg);
bool option_values_equal(const struct ragd_option *table, const struct ragd_config *a,
			 const struct ragd_config *b);

#endif
