/*
 * Which server gets the next request: a smooth weighted choice among those that are well, and what
 * becomes of one that fails. Times are handed in, nothing here looks at a clock.
 *
 *     UNKNOWN --ok--> UP --failures in a row--> DOWN --time is over--> half-open (one trial)
 *                     ^                                                    |
 *                     +-----------------------ok---------------------------+--failed--> DOWN
 *
 * DOWN lasts twice as long each time.
 */
#ifndef UPSTREAM_SERVERS_ENDPOINT_H
#define UPSTREAM_SERVERS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum endpoint_state {
	ENDPOINT_UNKNOWN, /* nothing has come back from it yet */
	ENDPOINT_UP,
	ENDPOINT_DOWN, /* until down_until_ms; from then on one trial at a time */
};

struct endpoint {
	enum endpoint_state state;
	unsigned weight;
	int current;          /* of the smooth weighted round */
	unsigned outstanding; /* requests that it has now */
	unsigned failures;    /* in a row */
	unsigned downs;       /* in a row: how often it went down without getting well */
	int64_t down_until_ms;
	int64_t busy_until_ms; /* it asked to be left alone until then (Retry-After) */
	bool trial;            /* half-open, and one request is trying it */
};

/* How long to be patient; see struct settings. */
struct endpoint_rules {
	unsigned failures;
	int64_t down_ms;
	bool probed;    /* somebody checks it: requests try a server that is down only in need */
	bool need_list; /* without its list of models it cannot be asked anything */
};

/*
 * The index of the endpoint to ask, of v[0..n), without those whose bit is set in `tried`; it
 * counts as having one request more until endpoint_release(). -1: none may be asked now.
 */
int endpoint_pick(struct endpoint *v, size_t n, uint32_t tried, const struct endpoint_rules *rules,
		  int64_t now_ms);
/* The request that endpoint_pick() counted is over; trial: as e->trial was when it was picked. */
void endpoint_release(struct endpoint *e, bool trial);

/* What a request or a check says of it. True: its state changed. */
bool endpoint_ok(struct endpoint *e);
/* at_once: one failure is enough, as when a check finds nobody there. */
bool endpoint_failed(struct endpoint *e, const struct endpoint_rules *rules, bool at_once,
		     int64_t now_ms);
/* It is well, but has no room until then. */
void endpoint_busy(struct endpoint *e, int64_t until_ms);

/* Whether one could be asked now, if it were not for what this request tried already. */
bool endpoint_any_open(const struct endpoint *v, size_t n, const struct endpoint_rules *rules,
		       int64_t now_ms);
/* The earliest time at which one that is well but busy has room; INT64_MAX: none is busy. */
int64_t endpoint_room_ms(const struct endpoint *v, size_t n, int64_t now_ms);
size_t endpoint_n_up(const struct endpoint *v, size_t n);

#endif
