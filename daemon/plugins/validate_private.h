/*
 * What the files of the validator share: validate.c (the checks, safety),
 * validate_retrieval.c, validate_inference.c.
 */
#ifndef DAEMON_VALIDATE_PRIVATE_H
#define DAEMON_VALIDATE_PRIVATE_H

#include <ragd/plugin.h>

#include "daemon/plugins/plugin_metrics.h"
#include "daemon/plugins/validate.h"

/* What is being checked: whose, of which operation, and where the sentence goes. */
struct returned {
	const char *plugin;
	const char *op;
	struct ragd_err *err;
};

/* "PLUGIN: OP returned …"; logged and counted; -EPROTO. fmt holds nothing that the plugin wrote. */
int returned_fault(const struct returned *r, enum plugin_fault kind, const char *fmt, ...)
	RAGD_PRINTF(3, 4);
/* 0, the plugin's own error with a sentence, or its fault. */
int returned_code(const struct returned *r, int rc);

/*
 * Each 0, or the plugin's fault; `what` names the part in the sentence. An array with a length
 * has a pointer, a text is UTF-8 as well; a string ends within max bytes and is UTF-8, a name has
 * at least one character and no control characters.
 */
int returned_array(const struct returned *r, const char *what, const void *v, size_t n,
		   size_t size);
int returned_text(const struct returned *r, const char *what, struct ragd_str s);
int returned_string(const struct returned *r, const char *what, const char *s, size_t max);
int returned_name(const struct returned *r, const char *what, const char *s, size_t max);
/* In 0 .. 1. */
int returned_share(const struct returned *r, const char *what, float x);

#endif
