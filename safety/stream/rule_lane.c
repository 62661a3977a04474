#include "safety/stream/rule_lane.h"

#include <stdlib.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/text/plain.h"

#define RANK_RULES 100

bool rule_lane_open(struct rule_lane *l, const struct patterns *patterns, const struct rules *rules)
{
	*l = (struct rule_lane){ .patterns = patterns, .rules = rules };
	return pattern_stream_open(patterns, &l->ps) == 0;
}

void rule_lane_fini(struct rule_lane *l)
{
	pattern_stream_close(l->ps);
	folded_fini(&l->plain);
	hits_fini(&l->hits);
}

/* A confirmed hit: a span for each rule that looks for the term. */
static void rule_lane_add(const struct rule_lane *l, const struct hit *hit, struct spans *out)
{
	const struct rules *rules = l->rules;
	const struct folded *plain = &l->plain;
	size_t a = hit->start - l->base, b = hit->end - l->base;

	for (size_t r = 0; r < rules->n_rules; r++) {
		const struct rule *rule = &rules->rules[r];

		if (!(rule->stages & 1u << RAGD_STAGE_RESPONSE) || rule->action < RAGD_REDACT)
			continue;
		for (size_t f = 0; f < rule->n_finds; f++)
			if (rule->finds[f].term[0] == hit->term)
				spans_add(out, &(struct span){ .start = plain->at[a].start,
							       .end = plain->at[b - 1].end,
							       .kind = &rule->kind,
							       .rule = rule->name,
							       .score = 1.0f,
							       .rank = RANK_RULES + (int)r });
	}
}

/* Confirm, drop or keep each hit. Returns the window offset of the first that is kept. */
static size_t rule_lane_confirm(struct rule_lane *l, bool last, struct spans *out)
{
	size_t n = 0, first = l->plain.len;

	for (size_t i = 0; i < l->hits.n; i++) {
		const struct hit *h = &l->hits.item[i];
		size_t a = h->start - l->base, b = h->end - l->base;
		const char *text = l->plain.text;

		if (h->end <= h->start ||
		    (h->phrase && a > 0 && ascii_is_alnum(text[a - 1]) && ascii_is_alnum(text[a])))
			continue;
		if (h->whole && b == l->plain.len && !last) {
			first = MIN(first, a);
			l->hits.item[n++] = *h;
			continue;
		}
		if (h->whole && b < l->plain.len && ascii_is_alnum(text[b]))
			continue;
		rule_lane_add(l, h, out);
	}
	l->hits.n = n;
	return first;
}

bool rule_lane_split(struct rule_lane *to, const struct rule_lane *from)
{
	*to = (struct rule_lane){ .patterns = from->patterns, .rules = from->rules };
	folded_append(&to->plain, &from->plain);
	if (to->plain.failed || pattern_stream_open(to->patterns, &to->ps) < 0)
		return false;
	/* No pattern reaches further back than the window. What ends in it has been found already... */
	if (to->plain.len > 0 &&
	    pattern_stream_feed(to->ps, to->plain.text, to->plain.len, &to->hits) < 0)
		return false;
	hits_fini(&to->hits);
	if (from->hits.n == 0)
		return true;
	/* ...and is kept where it waits for what follows. */
	to->hits.item = malloc(from->hits.n * sizeof(*to->hits.item));
	if (to->hits.item == NULL)
		return false;
	to->hits.n = to->hits.cap = from->hits.n;
	for (size_t i = 0; i < from->hits.n; i++) {
		to->hits.item[i] = from->hits.item[i];
		to->hits.item[i].start -= from->base;
		to->hits.item[i].end -= from->base;
	}
	return true;
}

bool rule_lane_feed(struct rule_lane *l, const struct folded *piece, uint32_t fed, bool last,
		    struct spans *out, uint32_t *safe)
{
	const struct patterns *p = l->patterns;
	size_t before = l->plain.len, decided, keep;
	int rc = 0;

	plain_add(&l->plain, piece, PLAIN_GAP_MAX);
	if (l->plain.failed)
		return false;
	if (l->plain.len > before)
		rc = pattern_stream_feed(l->ps, l->plain.text + before, l->plain.len - before,
					 &l->hits);
	if (rc == 0 && last)
		rc = pattern_stream_end(l->ps, &l->hits);
	if (rc < 0)
		return false;
	decided = rule_lane_confirm(l, last, out);
	if (!last)
		decided = MIN(decided,
			      l->plain.len - patterns_partial(p, l->plain.text, l->plain.len));
	*safe = decided < l->plain.len ? l->plain.at[decided].start : fed;
	keep = patterns_width(p) + 2;
	if (l->plain.len > 4 * keep) {
		l->base += l->plain.len - keep;
		folded_consume(&l->plain, l->plain.len - keep);
	}
	return true;
}
