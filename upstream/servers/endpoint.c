#include "upstream/servers/endpoint.h"

#include "base/util.h"

#define DOWNS_MAX 5 /* doublings of the time that an endpoint is down, and one */

/* Whether it takes requests at all now; others than the trial wait for its outcome. */
static bool is_open(const struct endpoint *e, const struct endpoint_rules *rules, int64_t now_ms)
{
	if (now_ms < e->busy_until_ms)
		return false;
	switch (e->state) {
	case ENDPOINT_UP:
		return true;
	case ENDPOINT_UNKNOWN:
		return !rules->need_list;
	case ENDPOINT_DOWN:
		return now_ms >= e->down_until_ms && !e->trial;
	}
	return false;
}

/* Of two with the same claim the one with less to do. */
static bool endpoint_precedes(const struct endpoint *a, const struct endpoint *b)
{
	return a->current != b->current ? a->current > b->current : a->outstanding < b->outstanding;
}

int endpoint_pick(struct endpoint *v, size_t n, uint32_t tried, const struct endpoint_rules *rules,
		  int64_t now_ms)
{
	struct endpoint *best = NULL;
	bool some_up = false;
	int total = 0;

	for (size_t i = 0; i < n; i++)
		some_up |= (tried & 1u << i) == 0 && v[i].state != ENDPOINT_DOWN &&
			   is_open(&v[i], rules, now_ms);
	for (size_t i = 0; i < n; i++) {
		struct endpoint *e = &v[i];

		if ((tried & 1u << i) != 0 || !is_open(e, rules, now_ms) ||
		    (e->state == ENDPOINT_DOWN && rules->probed && some_up))
			continue;
		e->current += (int)e->weight;
		total += (int)e->weight;
		if (best == NULL || endpoint_precedes(e, best))
			best = e;
	}
	if (best == NULL)
		return -1;
	best->current -= total;
	best->outstanding++;
	best->trial = best->state == ENDPOINT_DOWN;
	return (int)(best - v);
}

void endpoint_release(struct endpoint *e, bool trial)
{
	e->outstanding--;
	if (trial)
		e->trial = false; /* it may have ended without telling: the next one tries */
}

bool endpoint_ok(struct endpoint *e)
{
	bool changed = e->state != ENDPOINT_UP;

	e->state = ENDPOINT_UP;
	e->failures = 0;
	e->downs = 0;
	e->trial = false;
	return changed;
}

bool endpoint_failed(struct endpoint *e, const struct endpoint_rules *rules, bool at_once,
		     int64_t now_ms)
{
	bool was_down = e->state == ENDPOINT_DOWN;

	e->failures++;
	if (was_down && now_ms < e->down_until_ms)
		return false; /* a request from before it went down says nothing new */
	e->trial = false;
	if (!was_down && !at_once && e->failures < rules->failures)
		return false;
	e->state = ENDPOINT_DOWN;
	e->downs = MIN(e->downs + 1, (unsigned)DOWNS_MAX);
	e->down_until_ms = now_ms + (rules->down_ms << (e->downs - 1));
	return !was_down;
}

void endpoint_busy(struct endpoint *e, int64_t until_ms)
{
	e->busy_until_ms = MAX(e->busy_until_ms, until_ms);
}

bool endpoint_any_open(const struct endpoint *v, size_t n, const struct endpoint_rules *rules,
		       int64_t now_ms)
{
	for (size_t i = 0; i < n; i++)
		if (is_open(&v[i], rules, now_ms))
			return true;
	return false;
}

int64_t endpoint_room_ms(const struct endpoint *v, size_t n, int64_t now_ms)
{
	int64_t room = INT64_MAX;

	for (size_t i = 0; i < n; i++)
		if (v[i].state != ENDPOINT_DOWN && v[i].busy_until_ms > now_ms)
			room = MIN(room, v[i].busy_until_ms);
	return room;
}

size_t endpoint_n_up(const struct endpoint *v, size_t n)
{
	size_t up = 0;

	for (size_t i = 0; i < n; i++)
		up += v[i].state == ENDPOINT_UP;
	return up;
}
