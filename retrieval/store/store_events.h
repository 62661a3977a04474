/* What the store tells its owner, and the time it stamps its rows with. */
#ifndef RETRIEVAL_STORE_EVENTS_H
#define RETRIEVAL_STORE_EVENTS_H

#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/store/store.h"

/* From any thread; the owner may log it. */
void store_tell(struct store *s, enum store_event event, const char *fmt, ...) RAGD_PRINTF(3, 4);
int64_t store_now(void); /* Unix time */

#endif
