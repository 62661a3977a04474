/* What the tests of the validator share. */
#ifndef TESTS_DAEMON_JUDGED_H
#define TESTS_DAEMON_JUDGED_H

#include <string.h>

#include <ragd/plugin.h>

#include "tests/test.h"

#define NO_ACTION ((enum ragd_action) - 5)
#define NOT_UTF8  "\xff\xfe"
#define LONG      ((size_t)-1 / 2)

/* A string whose end is beyond what anybody may look at. */
static char endless[1 << 17];

static inline int endless_fill(void **state)
{
	(void)state;
	memset(endless, 'a', sizeof(endless));
	return 0;
}

/* Of what was judged: a fault says who did what, a failure of the plugin's own passes as it is. */
static inline void assert_judged(int got, int want, const struct ragd_err *err)
{
	assert_int_equal(got, want);
	if (want == -EPROTO)
		assert_int_equal(strncmp(err->msg, "p: ", 3), 0);
	if (want < 0) {
		assert_int_equal(err->code, want);
		assert_true(err->msg[0] != '\0' &&
			    strnlen(err->msg, sizeof(err->msg)) < sizeof(err->msg));
	}
}

#endif
