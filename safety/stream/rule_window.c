#include "safety/stream/rule_window.h"

#include <stdlib.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/text/plain.h"

#define RANK_RULES 100

bool rule_window_open(struct rule_window *w, const struct patterns *patterns,
		      const struct rules *rules)
{
	*w = (struct rule_window){ .patterns = patterns, .rules = rules };
	return pattern_stream_open(patterns, &w->ps) == 0;
}

void rule_window_fini(struct rule_window *w)
{
	pattern_stream_close(w->ps);
	folded_fini(&w->plain);
	hits_fini(&w->hits);
}

/* A confirmed hit: a span for each rule that looks for the term. */
static void rule_window_add(const struct rule_window *w, const struct pattern_hit *hit,
			    struct spans *out)
{
	const struct rules *rules = w->rules;
	const struct folded *plain = &w->plain;
	size_t a = hit->start - w->base, b = hit->end - w->base;

	for (size_t r = 0; r < rules->n_rules; r++) {
		const struct rule *rule = &rules->rules[r];

		if (!(rule->stages & 1u << RAGD_STAGE_RESPONSE) || rule->action < RAGD_REDACT)
			continue;
		for (size_t f = 0; f < rule->n_finds; f++)
			if (rule->finds[f].term[0] == hit->term)
				spans_add(out, &(struct text_span){ .start = plain->at[a].start,
								    .end = plain->at[b - 1].end,
								    .kind = &rule->kind,
								    .rule = rule->name,
								    .score = 1.0f,
								    .rank = RANK_RULES + (int)r });
	}
}

/* Confirm, drop or keep each hit. Returns the window offset of the first that is kept. */
static size_t rule_window_confirm(struct rule_window *w, bool last, struct spans *out)
{
	size_t n = 0, first = w->plain.len;

	for (size_t i = 0; i < w->hits.n; i++) {
		const struct pattern_hit *h = &w->hits.item[i];
		size_t a = h->start - w->base, b = h->end - w->base;
		const char *text = w->plain.text;

		if (h->end <= h->start ||
		    (h->phrase && a > 0 && ascii_is_alnum(text[a - 1]) && ascii_is_alnum(text[a])))
			continue;
		if (h->whole && b == w->plain.len && !last) {
			first = MIN(first, a);
			w->hits.item[n++] = *h;
			continue;
		}
		if (h->whole && b < w->plain.len && ascii_is_alnum(text[b]))
			continue;
		rule_window_add(w, h, out);
	}
	w->hits.n = n;
	return first;
}

bool rule_window_split(struct rule_window *to, const struct rule_window *from)
{
	*to = (struct rule_window){ .patterns = from->patterns, .rules = from->rules };
	folded_append(&to->plain, &from->plain);
	if (to->plain.failed || pattern_stream_open(to->patterns, &to->ps) < 0)
		return false;
	/*
	 * No pattern reaches further back than the window. What ends in it has been found
	 * already...
	 */
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

bool rule_window_feed(struct rule_window *w, const struct folded *piece, uint32_t fed, bool last,
		      struct spans *out, uint32_t *safe)
{
	const struct patterns *p = w->patterns;
	size_t before = w->plain.len, decided, keep;
	int rc = 0;

	plain_add(&w->plain, piece, PLAIN_GAP_MAX);
	if (w->plain.failed)
		return false;
	if (w->plain.len > before)
		rc = pattern_stream_feed(w->ps, w->plain.text + before, w->plain.len - before,
					 &w->hits);
	if (rc == 0 && last)
		rc = pattern_stream_end(w->ps, &w->hits);
	if (rc < 0)
		return false;
	decided = rule_window_confirm(w, last, out);
	if (!last)
		decided = MIN(decided,
			      w->plain.len - patterns_partial(p, w->plain.text, w->plain.len));
	*safe = decided < w->plain.len ? w->plain.at[decided].start : fed;
	keep = patterns_width(p) + 2;
	if (w->plain.len > 4 * keep) {
		w->base += w->plain.len - keep;
		folded_consume(&w->plain, w->plain.len - keep);
	}
	return true;
}
