#include "safety/stream/scan_window.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/secrets/secrets.h"

static const struct {
	scan_fn scan;
	unsigned pii; /* what it can find; 0: secrets */
} scanners[WINDOW_SCANNERS] = {
	{ secrets_scan_tokens, 0 },
	{ secrets_scan_assigned, 0 },
	{ pii_scan_email, PII_EMAIL | PII_ROLE },
	{ pii_scan_codes, PII_IBAN | PII_ID | PII_IP | PII_MAC },
	{ pii_scan_digits, PII_PHONE | PII_CARD | PII_SSN | PII_ID | PII_IP },
};

void scan_window_fini(struct scan_window *w)
{
	folded_fini(&w->text);
}

bool scan_window_split(struct scan_window *to, const struct scan_window *from)
{
	*to = *from;
	to->text = (struct folded){ 0 };
	folded_append(&to->text, &from->text);
	return !to->text.failed;
}

void scan_window_add(struct scan_window *w, const char *raw, size_t len, uint32_t at)
{
	for (size_t i = 0; i < len; i++)
		folded_put(&w->text, raw[i], at + (uint32_t)i, at + (uint32_t)i + 1);
}

/*
 * The raw offset before which a scanner has decided. What cannot be seen behind an open find is
 * part of it if the find goes on, so it is not decided yet.
 */
static uint32_t decided_before(const struct scan_window *w, const struct scanner *st, uint32_t fed)
{
	if (st->open && st->from > 0)
		return w->text.at[st->from - 1].end;
	return st->from < w->text.len ? w->text.at[st->from].start : fed;
}

static bool is_wanted(const struct scan_window *w, const struct span_kind *kind)
{
	return kind->bit == 0 ? w->secrets : (w->pii & kind->bit) != 0;
}

static void add_raw(const struct scan_window *w, size_t k, const struct text_span *found,
		    uint32_t start, uint32_t end, bool joins, struct spans *out)
{
	struct text_span span = *found;

	if (!is_wanted(w, found->kind) || start >= end)
		return;
	span.start = start;
	span.end = end;
	span.rank = (int)k;
	span.joins = joins;
	spans_add(out, &span);
}

/* What one scanner found from window offsets to raw ones. */
static void take_finds(struct scan_window *w, size_t k, bool was_open, const struct spans *found,
		       struct spans *out)
{
	struct scanner *st = &w->scan[k];
	uint32_t end;

	for (size_t i = 0; i < found->n; i++) {
		const struct text_span *f = &found->item[i];
		bool joins = was_open && i == 0;
		uint32_t start = joins ? w->open_end[k] : w->text.at[f->start].start;

		end = f->end > 0 ? w->text.at[f->end - 1].end : start;
		add_raw(w, k, f, start, end, joins, out);
	}
	if (!st->open)
		return;
	/* Still open: so far it goes to `from`. */
	end = st->from > 0 ? w->text.at[st->from - 1].end : 0;
	if (was_open && found->n == 0)
		add_raw(w, k, &st->found, w->open_end[k], end, true, out);
	else
		add_raw(w, k, &st->found, w->text.at[st->found.start].start, end, false, out);
	w->open_end[k] = MAX(end, was_open && found->n == 0 ? w->open_end[k] : 0);
}

/* Forget what no scanner will look at again. */
static void window_slide(struct scan_window *w, size_t least)
{
	size_t n = least > SCAN_BACK ? least - SCAN_BACK : 0;

	/* Not for a few bytes: moving what stays costs more than it does. */
	if (n < 4 * SCAN_BACK)
		return;
	folded_consume(&w->text, n);
	for (size_t k = 0; k < WINDOW_SCANNERS; k++) {
		struct scanner *st = &w->scan[k];

		st->from -= n;
		st->found.start = st->found.start > n ? st->found.start - n : 0;
	}
}

uint32_t scan_window_scan(struct scan_window *w, uint32_t fed, bool end, struct spans *out)
{
	struct scan_view v = { w->text.text, w->text.len, end };
	struct spans found = { 0 };
	size_t least = w->text.len;
	uint32_t safe = fed;

	for (size_t k = 0; k < WINDOW_SCANNERS; k++) {
		struct scanner *st = &w->scan[k];
		bool was_open = st->open;

		if (scanners[k].pii == 0 ? !w->secrets : !(scanners[k].pii & w->pii)) {
			st->from = w->text.len;
			continue;
		}
		spans_clear(&found);
		scanners[k].scan(st, &v, &found);
		take_finds(w, k, was_open, &found, out);
		out->failed = out->failed || found.failed;
		least = MIN(least, st->from);
		safe = MIN(safe, decided_before(w, st, fed));
	}
	spans_fini(&found);
	window_slide(w, least);
	return safe;
}
