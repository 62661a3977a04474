/*
 * What an answer means for the attempt that got it, and how long to wait before the next one.
 */
#ifndef UPSTREAM_SERVERS_RETRY_H
#define UPSTREAM_SERVERS_RETRY_H

#include <stdint.h>

enum attempt_result {
	ATTEMPT_OK,
	ATTEMPT_REFUSED, /* the request itself is at fault: no other server would take it */
	ATTEMPT_MISFIT,  /* this server will not, however often it is asked; another one may */
	ATTEMPT_BUSY,    /* it is well and has no room: later, or another one now */
	ATTEMPT_FAILED,  /* it is not well */
};

/* Of a status line; has_retry_after: the server said when to come again. */
enum attempt_result retry_classify(long status, int has_retry_after);

/*
 * The wait before round `round` (1, 2, …): base doubled each time, at most cap; half of it is
 * chance, `random` from [0, 1), so that those who failed together do not come back together.
 */
int64_t retry_delay_ms(int64_t base_ms, int64_t cap_ms, unsigned round, double random);

/* From [0, 1). */
double retry_random(uint64_t *state);

#endif
