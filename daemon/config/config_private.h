/* Between config.c, which reads, and config_judge.c, which judges. */
#ifndef DAEMON_CONFIG_PRIVATE_H
#define DAEMON_CONFIG_PRIVATE_H

#include "base/digest.h"
#include "daemon/config/config.h"
#include "daemon/config/config_tree.h"

#define CONFIG_BUILT_IN "built-in defaults" /* the file name of config_defaults() */

/* One section as it was written, to tell what a reload changed. */
struct config_mark {
	const char *what; /* "plugin.basic" */
	char digest[DIGEST_HEX + 1];
};

/* A struct config as it is allocated. */
struct config_made {
	struct config pub;
	struct arena *arena; /* owns everything in pub */
	struct config_mark *marks;
	size_t n_marks;
};

/* Fill made->pub from the tree. */
int config_judge(struct config_made *made, const struct config_source *src,
		 const struct config_tree *tree, struct ragd_err *err);

#endif
