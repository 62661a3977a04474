#include "safety/rules/phrases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"

static int phrase_cmp(const void *pa, const void *pb)
{
	const struct phrase *a = pa, *b = pb;
	int c = memcmp(a->text, b->text, MIN(a->len, b->len));

	if (c == 0 && a->len == b->len)
		return (a->term > b->term) - (a->term < b->term);
	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

/*
 * A class for each byte, in the order of the bytes: one each for blank to '@' and what follows up
 * to 'z' without the capitals, which plain text has none of; the rest share the last.
 */
static unsigned class_of(char c)
{
	unsigned u = (unsigned char)c;

	if (u <= ' ')
		return 0;
	if (u <= '@')
		return u - ' ';
	if (u < 'a')
		return 33;
	return u <= 'z' ? u - 'a' + 34 : 60;
}

/* Phrases have at least two bytes. */
static unsigned slot_of(const char *s)
{
	return class_of(s[0]) * 64 + class_of(s[1]);
}

int phrases_init(struct phrases *p, const struct rules *rules, uint32_t stages)
{
	size_t n = 0;

	*p = (struct phrases){ 0 };
	for (size_t i = 0; i < rules->n_terms; i++)
		if (rules->terms[i].stages & stages)
			n += rules->terms[i].n_phrases;
	if (n == 0)
		return 0;
	p->item = calloc(n, sizeof(*p->item));
	if (p->item == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->n_terms; i++) {
		const struct rule_term *t = &rules->terms[i];

		for (size_t k = 0; t->stages & stages && k < t->n_phrases; k++) {
			const char *text = t->phrases[k].text;
			struct phrase *ph = &p->item[p->n++];

			*ph = (struct phrase){ text, (uint32_t)strlen(text), i,
					       !t->phrases[k].prefix };
			p->longest = MAX(p->longest, ph->len);
		}
	}
	qsort(p->item, p->n, sizeof(*p->item), phrase_cmp);
	for (size_t slot = 0, i = 0; slot < ARRAY_LEN(p->first); slot++) {
		while (i < p->n && slot_of(p->item[i].text) < slot)
			i++;
		p->first[slot] = (uint32_t)i;
	}
	return 0;
}

void phrases_fini(struct phrases *p)
{
	free(p->item);
	*p = (struct phrases){ 0 };
}

/*
 * The first of item[lo..hi), which agree in their first d bytes and are longer, with byte d >= c.
 */
static uint32_t narrow_from(const struct phrases *p, uint32_t lo, uint32_t hi, uint32_t d,
			    unsigned c)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((unsigned char)p->item[mid].text[d] < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* All phrases that begin at text[i). */
static void find_at(const struct phrases *p, const char *text, size_t len, size_t i,
		    void (*cb)(void *arg, const struct phrase *phrase, size_t start), void *arg)
{
	unsigned c, slot = slot_of(text + i);
	uint32_t lo = p->first[slot], hi = p->first[slot + 1], d = 0;

	/* Where a class is of one byte each, two are known to agree. */
	if (slot / 64 != 33 && slot / 64 != 60 && slot % 64 != 33 && slot % 64 != 60 &&
	    slot % 64 != 0)
		d = 2;

	while (lo < hi) {
		/* What ends here stands before what goes on. */
		for (; lo < hi && p->item[lo].len == d; lo++)
			if (!p->item[lo].whole || i + d == len || !ascii_is_alnum(text[i + d]) ||
			    !ascii_is_alnum(text[i + d - 1]))
				cb(arg, &p->item[lo], i);
		if (i + d == len)
			break;
		c = (unsigned char)text[i + d];
		lo = narrow_from(p, lo, hi, d, c);
		hi = narrow_from(p, lo, hi, d, c + 1);
		d++;
	}
}

void phrases_find(const struct phrases *p, const char *text, size_t len,
		  void (*cb)(void *arg, const struct phrase *phrase, size_t start), void *arg)
{
	if (p->n == 0)
		return;
	for (size_t i = 0; i + 1 < len; i++)
		if (text[i] != ' ' &&
		    (i == 0 || !ascii_is_alnum(text[i - 1]) || !ascii_is_alnum(text[i])))
			find_at(p, text, len, i, cb, arg);
}

bool phrases_may_begin(const struct phrases *p, const char *s, size_t len)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct phrase *ph = &p->item[mid];
		int c = memcmp(ph->text, s, MIN(ph->len, len));

		if (c < 0 || (c == 0 && ph->len <= len))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n && p->item[lo].len > len && memcmp(p->item[lo].text, s, len) == 0;
}
