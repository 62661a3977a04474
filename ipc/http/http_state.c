/*
 * The states of a connection and of the exchange on it, and which may follow which: what is not
 * listed is a mistake of ours.
 */
#include "ipc/http/http_private.h"

#include <assert.h>

#include "base/util.h"

#define TO(state) (1u << (state))

/* clang-format off */
static const unsigned conn_next[] = {
	[CONN_NEW]     = TO(CONN_NEW) | TO(CONN_PENDING) | TO(CONN_HEAD),
	[CONN_PENDING] = TO(CONN_LINGER),
	[CONN_IDLE]    = TO(CONN_HEAD),
	[CONN_HEAD]    = TO(CONN_BODY) | TO(CONN_LINGER),
	[CONN_BODY]    = TO(CONN_BUSY) | TO(CONN_LINGER),
	[CONN_BUSY]    = TO(CONN_IDLE) | TO(CONN_LINGER) | TO(CONN_CLOSING),
	[CONN_LINGER]  = TO(CONN_CLOSING),
	[CONN_CLOSING] = TO(CONN_CLOSING), /* a stream that is written on in the same round */
};

static const unsigned exchange_next[] = {
	[EXCHANGE_ARRIVING]  = TO(EXCHANGE_WORKING) | TO(EXCHANGE_OVER),
	[EXCHANGE_WORKING]   = TO(EXCHANGE_STREAMING) | TO(EXCHANGE_ENDED) | TO(EXCHANGE_ORPHAN) |
			       TO(EXCHANGE_OVER),
	[EXCHANGE_STREAMING] = TO(EXCHANGE_ENDED) | TO(EXCHANGE_ORPHAN) | TO(EXCHANGE_OVER),
	[EXCHANGE_ENDED]     = TO(EXCHANGE_FRAMED) | TO(EXCHANGE_OVER),
	[EXCHANGE_FRAMED]    = TO(EXCHANGE_OVER),
	[EXCHANGE_ORPHAN]    = 0,
	[EXCHANGE_OVER]      = 0,
};
/* clang-format on */

void http_conn_state(struct http_conn *c, enum conn_state state)
{
	assert((conn_next[c->state] & TO(state)) != 0);
	/* Head and body share one bound. */
	if (!(c->state == CONN_HEAD && state == CONN_BODY))
		c->since_ms = (int64_t)uv_now(c->s->loop);
	c->state = state;
}

void http_exchange_state(struct http_exchange *x, enum exchange_state state)
{
	assert((exchange_next[x->state] & TO(state)) != 0);
	x->state = state;
}
