/*
 * What the hostile modules share: a request says by the word behind KEY in its text how it is to be
 * misbehaved; without one they do honest work. One module for each kind; tests/flow/test_hostile.sh
 * has the list.
 */
#ifndef TESTS_PLUGINS_HOSTILE_H
#define TESTS_PLUGINS_HOSTILE_H

#include <math.h>
#include <stdlib.h>

#include <ragd/plugin.h>

#define MODE_LEN 32
/* No character of it is in UTF-8. */
#define NOT_UTF8 "\xff\xfe\xff"

/* No NUL behind it, as far as anybody may look. */
static char endless[1 << 17];

/* The word behind KEY in the text; "" if there is none. */
static inline void mode_of(struct ragd_str text, char mode[MODE_LEN])
{
	const char *at = text.len > 0 ? memmem(text.s, text.len, KEY, sizeof(KEY) - 1) : NULL;
	size_t n = 0;

	if (at != NULL)
		for (at += sizeof(KEY) - 1; n < MODE_LEN - 1 && at < text.s + text.len &&
					    ((*at >= 'a' && *at <= 'z') || *at == '_');
		     at++)
			mode[n++] = *at;
	mode[n] = '\0';
}

#define IS(name) (strcmp(mode, name) == 0)

static inline int hostile_open(const struct ragd_host *host, const struct ragd_config *cfg,
			       void **self, struct ragd_err *err)
{
	(void)host;
	(void)err;
	memset(endless, 'a', sizeof(endless));
	*self = (void *)cfg;
	return 0;
}

static inline void hostile_close(void *self)
{
	(void)self;
}

#endif
