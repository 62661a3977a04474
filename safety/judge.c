#include "safety/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "safety/chars.h"

#define SENTENCE_MAX 400 /* bytes; what is further away is another sentence */

/* Hits by term: of term t they are by_term[first[t] .. first[t + 1]), in the order of their ends. */
struct table {
	const struct hit **by_term;
	size_t *first;
};

struct chain {
	size_t start;
	size_t end;
};

static bool ends_sentence(const char *s, size_t len, size_t i)
{
	return (s[i] == '.' || s[i] == '!' || s[i] == '?') && (i + 1 == len || is_space(s[i + 1]));
}

/* Whether s[a..b) has no end of a sentence and at most n words. */
static bool within(const char *s, size_t len, size_t a, size_t b, unsigned n)
{
	bool in_word = false;

	for (size_t i = a; i < b; i++) {
		bool word = is_word(s[i]) || s[i] == '\'';

		if (word && !in_word && n-- == 0)
			return false;
		if (ends_sentence(s, len, i))
			return false;
		in_word = word;
	}
	return true;
}

void judge_sentence(const char *text, size_t len, size_t *start, size_t *end)
{
	size_t a = *start, b = *end;

	while (a > 0 && *start - a < SENTENCE_MAX && !ends_sentence(text, len, a - 1))
		a--;
	while (a < *start && is_space(text[a]))
		a++;
	while (b < len && b - *end < SENTENCE_MAX && !(b > a && ends_sentence(text, len, b - 1)))
		b++;
	*start = a;
	*end = b;
}

static int table_build(const struct rules *rules, const struct hits *hits, struct table *t)
{
	size_t *fill;

	t->first = calloc(rules->n_terms + 2, sizeof(*t->first));
	t->by_term = malloc((hits->n + 1) * sizeof(const struct hit *));
	if (t->first == NULL || t->by_term == NULL)
		return -ENOMEM;
	fill = t->first + 1; /* becomes first[t + 1] while it fills */
	for (size_t i = 0; i < hits->n; i++)
		if (hits->item[i].term + 1 <= rules->n_terms)
			fill[hits->item[i].term + 1]++;
	for (size_t i = 1; i <= rules->n_terms; i++)
		fill[i] += fill[i - 1];
	for (size_t i = 0; i < hits->n; i++)
		t->by_term[fill[hits->item[i].term]++] = &hits->item[i];
	return 0;
}

static bool vetoed(const struct rule *rule, const struct table *t, const char *text, size_t len,
		   const struct chain *c)
{
	for (size_t i = 0; i < rule->n_unless; i++) {
		unsigned term = rule->unless[i];

		for (size_t k = t->first[term]; k < t->first[term + 1]; k++) {
			const struct hit *h = t->by_term[k];
			size_t a = MIN(h->end, c->end), b = MAX(h->start, c->start);

			if (a >= b ||
			    (b - a < SENTENCE_MAX && within(text, len, a, b, SENTENCE_MAX)))
				return true;
		}
	}
	return false;
}

/* All chains of the find's terms; the number of them in *n, in the order of their ends. */
static void find_chains(const struct find *f, const struct table *t, const char *text, size_t len,
			struct chain *chains, size_t *n)
{
	struct chain *next;
	size_t n_next;

	*n = 0;
	for (size_t k = t->first[f->term[0]]; k < t->first[f->term[0] + 1]; k++)
		chains[(*n)++] = (struct chain){ t->by_term[k]->start, t->by_term[k]->end };
	for (unsigned i = 1; i<f->n && * n> 0; i++) {
		size_t c = 0;

		next = chains + *n;
		n_next = 0;
		for (size_t k = t->first[f->term[i]]; k < t->first[f->term[i] + 1]; k++) {
			const struct hit *h = t->by_term[k];

			/* The nearest chain before is the best: starts almost ascend with ends. */
			while (c + 1 < *n && chains[c + 1].end <= h->start)
				c++;
			while (c > 0 && chains[c].end > h->start)
				c--;
			if (chains[c].end <= h->start &&
			    within(text, len, chains[c].end, h->start, f->gap[i]))
				next[n_next++] = (struct chain){ chains[c].start, h->end };
		}
		memmove(chains, next, n_next * sizeof(*next));
		*n = n_next;
	}
}

static bool may_hold(const struct find *f, const struct table *t)
{
	for (unsigned i = 0; i < f->n; i++)
		if (t->first[f->term[i]] == t->first[f->term[i] + 1])
			return false;
	return true;
}

int judge(const struct rules *rules, enum ragd_stage stage, const char *text, size_t len,
	  const struct hits *hits,
	  void (*cb)(void *arg, const struct rule *rule, size_t start, size_t end), void *arg)
{
	struct table t = { 0 };
	struct chain *chains = NULL;
	size_t n;
	int rc = 0;

	if (hits->n == 0)
		return 0;
	rc = table_build(rules, hits, &t);
	/* A list of chains and the one made from it. */
	chains = malloc((hits->n + 1) * 2 * sizeof(*chains));
	if (chains == NULL)
		rc = -ENOMEM;
	for (size_t r = 0; rc == 0 && r < rules->n_rules; r++) {
		const struct rule *rule = &rules->rules[r];

		if (!(rule->stages & 1u << stage))
			continue;
		for (size_t f = 0; f < rule->n_finds; f++) {
			if (!may_hold(&rule->finds[f], &t))
				continue;
			find_chains(&rule->finds[f], &t, text, len, chains, &n);
			for (size_t i = 0; i < n; i++)
				if (!vetoed(rule, &t, text, len, &chains[i]))
					cb(arg, rule, chains[i].start, chains[i].end);
		}
	}
	free(chains);
	free(t.first);
	free(t.by_term);
	return rc;
}
