/* What the commands of ragd-model share: how they are listed, what they are given, how they end. */
#ifndef MODEL_TOOL_H
#define MODEL_TOOL_H

#include <jansson.h>

#include <ragd/err.h>

#include "base/buf.h"
#include "engine/gguf/gguf.h"
#include "tools/model/options.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct model_command {
	struct args_command args;
	/* The exit code; a failure has been told. */
	int (*run)(const struct model_args *a);
};

/* Say why on stderr; returns EXIT_FAILED. */
int tool_fail(const struct ragd_err *err);
/* The same for what was typed; returns EXIT_USAGE. */
int tool_usage(const char *fmt, ...) RAGD_PRINTF(1, 2);

/* All of standard input; -EIO, -ENOMEM. */
int tool_stdin(struct buf *out, struct ragd_err *err);

/* Bytes, numbers: "1.2 GiB", "1.2 B" (billions). Returns buf. */
const char *tool_bytes(double n, char *buf, size_t size);
const char *tool_count(double n, char *buf, size_t size);

/* Print and free. Returns the exit code. */
int tool_print_json(json_t *j);
/* A text as JSON has it: invalid UTF-8 replaced. */
json_t *tool_json_text(const char *s, size_t len);

#endif
