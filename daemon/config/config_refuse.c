#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/config_private.h"

int config_refuse(const char *file, int line, int code, struct ragd_err *err, const char *fmt, ...)
{
	char msg[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (line > 0)
		return ragd_err_set(err, code, "%s:%d: %s", file, line, msg);
	return ragd_err_set(err, code, "%s: %s", file, msg);
}

int config_refuse_section(struct config_build *cb, const struct config_block *b, const char *option,
			  const char *fmt, ...)
{
	const struct config_setting *setting = option != NULL ? config_block_get(b, option) : NULL;
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return config_refuse(b->file, setting != NULL ? setting->line : b->line, -EINVAL, cb->err,
			     "%s \"%s\": %s%s", config_section_name(b->kind), b->title, msg,
			     strcmp(b->file, CONFIG_BUILT_IN) == 0
				     ? "; a file with its own plugins or policies also needs the "
				       "sections that name them"
				     : "");
}
