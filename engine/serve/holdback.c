/* The end of a text that is being written: stop strings and characters are never cut. */
#include "engine/serve/holdback.h"

#include <stdint.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"

void holdback_init(struct holdback *t, const struct ragd_str *stops, size_t n_stops)
{
	*t = (struct holdback){ .stops = stops, .n_stops = n_stops };
}

void holdback_fini(struct holdback *t)
{
	buf_fini(&t->held);
	buf_fini(&t->out);
}

/* Show the first n bytes that are held, which end with a whole character. */
static void holdback_release(struct holdback *t, size_t n)
{
	const char *s = t->held.data;
	size_t at = 0, take;
	uint32_t cp;

	while (at < n) {
		ssize_t bad = utf8_invalid_at(s + at, n - at);
		char put[4];

		take = bad < 0 ? n - at : (size_t)bad;
		buf_add(&t->out, s + at, take);
		at += take;
		if (at == n)
			break;
		at += utf8_next(s + at, n - at, &cp);
		buf_add(&t->out, put, utf8_put(cp, put));
	}
	buf_consume(&t->held, n);
}

/* The length of the longest stop string that ends in byte `end` of what is held, or 0. */
static size_t stop_at(const struct holdback *t, size_t end)
{
	size_t longest = 0;

	for (size_t i = 0; i < t->n_stops; i++) {
		size_t len = t->stops[i].len;

		if (len > longest && len <= end &&
		    memcmp(t->held.data + end - len, t->stops[i].s, len) == 0)
			longest = len;
	}
	return longest;
}

/* How many of the last bytes may be the beginning of a stop string. */
static size_t stop_prefix_len(const struct holdback *t)
{
	size_t most = 0;

	for (size_t i = 0; i < t->n_stops; i++) {
		size_t len = MIN(t->stops[i].len - 1, t->held.len);

		for (; len > most; len--)
			if (memcmp(t->held.data + t->held.len - len, t->stops[i].s, len) == 0)
				most = len;
	}
	return most;
}

bool holdback_feed(struct holdback *t, const char *bytes, size_t len, bool last)
{
	size_t old = t->held.len;

	buf_clear(&t->out);
	buf_add(&t->held, bytes, len);
	if (t->held.len == 0 || buf_failed(&t->held))
		return false;
	for (size_t end = old + 1; t->n_stops > 0 && end <= t->held.len; end++) {
		size_t stop = stop_at(t, end);

		if (stop > 0) {
			holdback_release(t, utf8_whole(t->held.data, end - stop));
			buf_consume(&t->held, t->held.len);
			return true;
		}
	}
	holdback_release(t,
			 utf8_whole(t->held.data, t->held.len - (last ? 0 : stop_prefix_len(t))));
	if (last)
		buf_consume(&t->held, t->held.len);
	return false;
}

bool holdback_failed(const struct holdback *t)
{
	return buf_failed(&t->held) || buf_failed(&t->out);
}
