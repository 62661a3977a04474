/*
 * What the files of the configuration share; others include daemon/config/config.h. Each calls only
 * those above it:
 *
 *   config.c           what was built: look-ups, differences
 *   config_refuse.c    sentences with file and line
 *   config_text.c      the text, scanned for what libconfuse would let pass
 *   config_tree.c      files and their includes to sections of options, as words
 *   config_rows.c      the options of each section
 *   config_fill.c      one section's words to values
 *   config_validate.c  do the sections fit each other
 *   config_build.c     sections to structs
 *   config_load.c      a file or a text to a configuration
 */
#ifndef DAEMON_CONFIG_PRIVATE_H
#define DAEMON_CONFIG_PRIVATE_H

#include "base/digest.h"
#include "daemon/config/config.h"
#include "daemon/config/config_tree.h"

#define CONFIG_BUILT_IN "built-in defaults" /* the file name of config_defaults() */

/* One section as it was written, to tell what a reload changed. */
struct config_section_digest {
	const char *name; /* "plugin.basic" */
	char digest[DIGEST_HEX + 1];
};

/* A struct config as it is allocated. */
struct config_built {
	struct config pub;
	struct arena *arena; /* owns everything in pub */
	struct config_section_digest *sections;
	size_t n_sections;
};

/* A configuration while it is built. */
struct config_build {
	struct config *cfg;
	struct arena *arena;
	const struct config_source *src;
	const struct config_tree *tree;
	struct ragd_err *err;
};

/* "FILE:LINE: …"; line 0: of the whole file. Returns code. */
int config_refuse(const char *file, int line, int code, struct ragd_err *err, const char *fmt, ...)
	RAGD_PRINTF(5, 6);
/* "FILE:LINE: SECTION: …", with the line of the option where it is set. Returns -EINVAL. */
int config_refuse_section(struct config_build *cb, const struct config_block *b, const char *option,
			  const char *fmt, ...) RAGD_PRINTF(4, 5);

/* Fill built->pub from the tree, and validate it. */
int config_build(struct config_built *built, const struct config_source *src,
		 const struct config_tree *tree, struct ragd_err *err);
/* What sections name in other sections is there, and of the right kind. */
int config_validate(struct config_build *cb);

#endif
