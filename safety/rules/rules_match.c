#include "safety/rules/rules_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"

/*
 * Hits by term: of term t they are by_term[first[t] .. first[t + 1]), in the order of their ends;
 * least[k] is where the first of by_term[k], by_term[k + 1], ... of the same term begins.
 */
struct hit_table {
	const struct pattern_hit **by_term;
	size_t *least;
	size_t *first;
};

/* One text and what is found in it. */
struct matching {
	const char *text;
	size_t len;
	struct stop_check *stop;
	struct hit_table table;
};

struct chain {
	size_t start;
	size_t end;
};

static bool ends_sentence(const char *s, size_t len, size_t i)
{
	return (s[i] == '.' || s[i] == '!' || s[i] == '?') &&
	       (i + 1 == len || ascii_is_space(s[i + 1]));
}

/* Whether text[a..b) has no end of a sentence and at most n words. */
static bool gap_holds(const struct matching *m, size_t a, size_t b, unsigned n)
{
	bool in_word = false, ok = true;
	size_t i;

	for (i = a; i < b && ok; i++) {
		bool word = ascii_is_word(m->text[i]) || m->text[i] == '\'';

		ok = !(word && !in_word && n-- == 0) && !ends_sentence(m->text, m->len, i);
		in_word = word;
	}
	return stop_check_step(m->stop, i - a) && ok;
}

void rules_match_sentence(const char *text, size_t len, size_t *start, size_t *end)
{
	size_t a = *start, b = *end;

	while (a > 0 && *start - a < RULES_MATCH_CONTEXT && !ends_sentence(text, len, a - 1))
		a--;
	while (a < *start && ascii_is_space(text[a]))
		a++;
	while (b < len && b - *end < RULES_MATCH_CONTEXT &&
	       !(b > a && ends_sentence(text, len, b - 1)))
		b++;
	*start = a;
	*end = b;
}

static int table_build(const struct rules *rules, const struct pattern_hits *hits,
		       struct hit_table *t)
{
	size_t *fill;

	t->first = calloc(rules->n_terms + 2, sizeof(*t->first));
	t->by_term = malloc((hits->n + 1) * sizeof(const struct pattern_hit *));
	t->least = malloc((hits->n + 1) * sizeof(*t->least));
	if (t->first == NULL || t->by_term == NULL || t->least == NULL)
		return -ENOMEM;
	fill = t->first + 1; /* becomes first[t + 1] while it fills */
	for (size_t i = 0; i < hits->n; i++)
		if (hits->item[i].term + 1 <= rules->n_terms)
			fill[hits->item[i].term + 1]++;
	for (size_t i = 1; i <= rules->n_terms; i++)
		fill[i] += fill[i - 1];
	for (size_t i = 0; i < hits->n; i++)
		t->by_term[fill[hits->item[i].term]++] = &hits->item[i];
	for (size_t i = hits->n; i-- > 0;) {
		const struct pattern_hit *h = t->by_term[i];

		t->least[i] = h->start;
		if (i + 1 < hits->n && t->by_term[i + 1]->term == h->term)
			t->least[i] = MIN(h->start, t->least[i + 1]);
	}
	return 0;
}

/* The first hit of the term that does not end before `end`. */
static size_t first_from(const struct hit_table *t, unsigned term, size_t end)
{
	size_t lo = t->first[term], hi = t->first[term + 1];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->by_term[mid]->end < end)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Whether an unless of the rule stands in the sentence of the chain: ends in it or behind, and
 * begins in it or before.
 */
static bool has_unless(const struct matching *m, const struct rule *rule, const struct chain *c)
{
	const struct hit_table *t = &m->table;
	size_t a = c->start, b = c->end;

	if (rule->n_unless == 0)
		return false;
	while (a > 0 && c->start - a + 1 < RULES_MATCH_CONTEXT &&
	       !ends_sentence(m->text, m->len, a - 1))
		a--;
	while (b < m->len && b - c->end + 1 < RULES_MATCH_CONTEXT &&
	       !ends_sentence(m->text, m->len, b))
		b++;
	stop_check_step(m->stop, c->start - a + b - c->end + rule->n_unless);
	for (size_t i = 0; i < rule->n_unless; i++) {
		size_t k = first_from(t, rule->unless[i], a);

		if (k < t->first[rule->unless[i] + 1] && t->least[k] <= b)
			return true;
	}
	return false;
}

/*
 * The last of n chains, which are in the order of their ends, that ends at `end` or before; n:
 * none.
 */
static size_t last_before(const struct chain *chains, size_t n, size_t end)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (chains[mid].end <= end)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? lo - 1 : n;
}

/* All chains of the find's terms, in the order of their ends; returns their number. */
static size_t find_chains(const struct matching *m, const struct rule_find *f, struct chain *chains)
{
	const struct hit_table *t = &m->table;
	size_t n = 0;

	for (size_t k = t->first[f->term[0]]; k < t->first[f->term[0] + 1]; k++)
		chains[n++] = (struct chain){ t->by_term[k]->start, t->by_term[k]->end };
	for (unsigned i = 1; i < f->n && n > 0; i++) {
		struct chain *next = chains + n;
		size_t n_next = 0;

		for (size_t k = t->first[f->term[i]]; k < t->first[f->term[i] + 1]; k++) {
			const struct pattern_hit *h = t->by_term[k];
			/* The nearest chain before is the best: starts almost ascend with ends. */
			size_t c = last_before(chains, n, h->start);

			if (c < n && gap_holds(m, chains[c].end, h->start, f->gap[i]))
				next[n_next++] = (struct chain){ chains[c].start, h->end };
		}
		memmove(chains, next, n_next * sizeof(*next));
		n = n_next;
	}
	return n;
}

static bool may_hold(const struct rule_find *f, const struct hit_table *t)
{
	for (unsigned i = 0; i < f->n; i++)
		if (t->first[f->term[i]] == t->first[f->term[i] + 1])
			return false;
	return true;
}

static void rule_match(const struct matching *m, const struct rule *rule, struct chain *chains,
		       rules_match_fn cb, void *arg)
{
	for (size_t f = 0; f < rule->n_finds; f++) {
		size_t n;

		if (!may_hold(&rule->finds[f], &m->table))
			continue;
		n = find_chains(m, &rule->finds[f], chains);
		for (size_t i = 0; i < n; i++) {
			if (!stop_check_step(m->stop, 1))
				return;
			if (!has_unless(m, rule, &chains[i]) &&
			    !cb(arg, rule, chains[i].start, chains[i].end))
				return;
		}
	}
}

int rules_match(const struct rules *rules, enum ragd_stage stage, const char *text, size_t len,
		const struct pattern_hits *hits, struct stop_check *stop, rules_match_fn cb,
		void *arg)
{
	struct matching m = { .text = text, .len = len, .stop = stop };
	struct chain *chains = NULL;
	int rc = 0;

	if (hits->n == 0)
		return 0;
	rc = table_build(rules, hits, &m.table);
	/* A list of chains and the one made from it. */
	chains = malloc((hits->n + 1) * 2 * sizeof(*chains));
	if (chains == NULL)
		rc = -ENOMEM;
	for (size_t r = 0; rc == 0 && r < rules->n_rules; r++) {
		if (rules->rules[r].stages & 1u << stage)
			rule_match(&m, &rules->rules[r], chains, cb, arg);
		rc = stop->rc;
	}
	free(chains);
	free(m.table.first);
	free(m.table.least);
	free(m.table.by_term);
	return rc;
}
