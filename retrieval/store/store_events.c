#include "retrieval/store/store_events.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "retrieval/store/store_private.h"

void store_tell(struct store *s, enum store_event event, const char *fmt, ...)
{
	char line[240];
	va_list ap;

	if (s->options.event == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->options.event(s->options.event_arg, event, line);
}

int64_t store_now(void)
{
	return (int64_t)time(NULL);
}
