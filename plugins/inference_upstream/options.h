/* The options of one instance, as settings of the library. */
#ifndef PLUGINS_INFERENCE_UPSTREAM_OPTIONS_H
#define PLUGINS_INFERENCE_UPSTREAM_OPTIONS_H

#include "upstream/servers/settings.h"

extern const struct ragd_option upstream_options[];

/* -EINVAL and what does not hold, -ENOMEM. settings_fini() takes what either left behind. */
int options_read(const struct ragd_config *cfg, struct settings *out, struct ragd_err *err);

#endif
