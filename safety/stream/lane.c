#include "safety/stream/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/secrets/secrets.h"

static const struct {
	scan_fn scan;
	unsigned pii; /* what it can find; 0: secrets */
} scanners[LANE_SCANNERS] = {
	{ secrets_scan_tokens, 0 },
	{ secrets_scan_assigned, 0 },
	{ pii_scan_email, PII_EMAIL | PII_ROLE },
	{ pii_scan_codes, PII_IBAN | PII_ID | PII_IP | PII_MAC },
	{ pii_scan_digits, PII_PHONE | PII_CARD | PII_SSN | PII_ID | PII_IP },
};

void lane_fini(struct lane *l)
{
	folded_fini(&l->text);
}

bool lane_split(struct lane *to, const struct lane *from)
{
	*to = *from;
	to->text = (struct folded){ 0 };
	folded_append(&to->text, &from->text);
	return !to->text.failed;
}

void lane_add(struct lane *l, const char *raw, size_t len, uint32_t at)
{
	for (size_t i = 0; i < len; i++)
		folded_put(&l->text, raw[i], at + (uint32_t)i, at + (uint32_t)i + 1);
}

/*
 * The raw offset before which a scanner has decided. What cannot be seen behind an open find is part of
 * it if the find goes on, so it is not decided yet.
 */
static uint32_t decided(const struct lane *l, const struct scanner *st, uint32_t fed)
{
	if (st->open && st->from > 0)
		return l->text.at[st->from - 1].end;
	return st->from < l->text.len ? l->text.at[st->from].start : fed;
}

static bool wanted(const struct lane *l, const struct kind *kind)
{
	return kind->bit == 0 ? l->secrets : (l->pii & kind->bit) != 0;
}

static void add_raw(const struct lane *l, size_t k, const struct span *found, uint32_t start,
		    uint32_t end, bool joins, struct spans *out)
{
	struct span span = *found;

	if (!wanted(l, found->kind) || start >= end)
		return;
	span.start = start;
	span.end = end;
	span.rank = (int)k;
	span.joins = joins;
	spans_add(out, &span);
}

/* What one scanner found from window offsets to raw ones. */
static void take_finds(struct lane *l, size_t k, bool was_open, const struct spans *found,
		       struct spans *out)
{
	struct scanner *st = &l->scan[k];
	uint32_t end;

	for (size_t i = 0; i < found->n; i++) {
		const struct span *f = &found->item[i];
		bool joins = was_open && i == 0;
		uint32_t start = joins ? l->open_end[k] : l->text.at[f->start].start;

		end = f->end > 0 ? l->text.at[f->end - 1].end : start;
		add_raw(l, k, f, start, end, joins, out);
	}
	if (!st->open)
		return;
	/* Still open: so far it goes to `from`. */
	end = st->from > 0 ? l->text.at[st->from - 1].end : 0;
	if (was_open && found->n == 0)
		add_raw(l, k, &st->found, l->open_end[k], end, true, out);
	else
		add_raw(l, k, &st->found, l->text.at[st->found.start].start, end, false, out);
	l->open_end[k] = MAX(end, was_open && found->n == 0 ? l->open_end[k] : 0);
}

/* Forget what no scanner will look at again. */
static void slide(struct lane *l, size_t least)
{
	size_t n = least > SCAN_BACK ? least - SCAN_BACK : 0;

	/* Not for a few bytes: moving what stays costs more than it does. */
	if (n < 4 * SCAN_BACK)
		return;
	folded_consume(&l->text, n);
	for (size_t k = 0; k < LANE_SCANNERS; k++) {
		struct scanner *st = &l->scan[k];

		st->from -= n;
		st->found.start = st->found.start > n ? st->found.start - n : 0;
	}
}

uint32_t lane_scan(struct lane *l, uint32_t fed, bool end, struct spans *out)
{
	struct scan_view v = { l->text.text, l->text.len, end };
	struct spans found = { 0 };
	size_t least = l->text.len;
	uint32_t safe = fed;

	for (size_t k = 0; k < LANE_SCANNERS; k++) {
		struct scanner *st = &l->scan[k];
		bool was_open = st->open;

		if (scanners[k].pii == 0 ? !l->secrets : !(scanners[k].pii & l->pii)) {
			st->from = l->text.len;
			continue;
		}
		spans_clear(&found);
		scanners[k].scan(st, &v, &found);
		take_finds(l, k, was_open, &found, out);
		out->failed = out->failed || found.failed;
		least = MIN(least, st->from);
		safe = MIN(safe, decided(l, st, fed));
	}
	spans_fini(&found);
	slide(l, least);
	return safe;
}
