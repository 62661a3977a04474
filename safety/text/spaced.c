#include "safety/text/spaced.h"

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "safety/stream/scan.h"

#define SPACED_MIN   4 /* so many letters set apart are no initials */
#define SPACED_AGAIN 2 /* behind others that were */
#define GAP_MAX      3 /* blanks between words of such letters */

static bool is_sign(char c)
{
	return ascii_is_space(c) || c == '-' || c == '_' || c == '.' || c == '*' || c == '|' ||
	       c == '/' || c == '~' || c == '+' || c == ',';
}

static size_t char_len(const struct folded *f, size_t i)
{
	uint32_t cp;

	return (unsigned char)f->text[i] < 0x80 ? 1 : utf8_next(f->text + i, f->len - i, &cp);
}

/*
 * Whether the character at p stands alone: between blanks any, between other signs one of a word.
 */
static enum outcome stands_alone(const struct folded *f, size_t p, char sep, bool end)
{
	char c, next;

	if (p >= f->len)
		return end ? NO : MORE;
	c = f->text[p];
	if (ascii_is_space(sep) ? ascii_is_space(c) : !ascii_is_word(c))
		return NO;
	p += char_len(f, p);
	if (p >= f->len)
		return end ? YES : MORE;
	next = f->text[p];
	return next == sep || ascii_is_space(next) || (ascii_is_word(c) && !ascii_is_word(next))
		       ? YES
		       : NO;
}

/* What stands between two such characters at p, in bytes: the sign, or blanks. */
static enum outcome gap_between(const struct folded *f, size_t p, char sep, bool end, size_t *n)
{
	*n = 0;
	if (p >= f->len)
		return end ? NO : MORE;
	if (!ascii_is_space(sep)) {
		*n = f->text[p] == sep;
		return *n > 0 ? YES : NO;
	}
	while (p + *n < f->len && *n <= GAP_MAX && ascii_is_space(f->text[p + *n]))
		(*n)++;
	if (p + *n == f->len && *n <= GAP_MAX && !end)
		return MORE;
	return *n > 0 && *n <= GAP_MAX ? YES : NO;
}

/* Whether letters set apart begin at i. */
static enum outcome spaced_begins(const struct text_reading *r, size_t i, bool end)
{
	const struct folded *f = &r->shown;
	size_t p = i + char_len(f, i), n;
	unsigned count = 0, least = r->again ? SPACED_AGAIN : SPACED_MIN;
	enum outcome rc;
	char sep;

	if (ascii_is_word(r->before) || ascii_is_space(f->text[i]))
		return NO;
	if (p == f->len)
		return end ? NO : MORE;
	sep = f->text[p];
	if (!is_sign(sep))
		return NO;
	for (p = i;;) {
		rc = stands_alone(f, p, sep, end);
		if (rc != YES || ++count == least)
			return rc;
		p += char_len(f, p);
		rc = gap_between(f, p, sep, end, &n);
		if (rc != YES)
			return rc;
		p += n;
	}
}

static void give_run(struct text_reading *r, size_t i, size_t n, struct folded *out)
{
	const struct folded *f = &r->shown;

	for (size_t k = i; k < i + n; k++)
		folded_put(out, f->text[k], f->at[k].start, f->at[k].end);
	if (r->sep == 0 && ascii_is_word(r->before) && ascii_is_word(f->text[i]))
		r->again = false;
	r->before = f->text[i + n - 1];
}

/* Between two letters of a run: nothing, or one blank between words. */
static void give_gap(const struct text_reading *r, size_t i, size_t n, struct folded *out)
{
	const struct folded *f = &r->shown;
	char blank = ' ';

	if (!ascii_is_space(r->sep) || (n == 1 && f->text[i] == r->sep))
		return;
	for (size_t k = i; k < i + n; k++)
		blank = f->text[k] == '\n' ? '\n' : blank;
	folded_put(out, blank, f->at[i].start, f->at[i + n - 1].end);
}

/*
 * Character by character: whether one is the beginning of letters set apart, or still one of them,
 * takes a look at what follows. MORE keeps it and all behind it in r->shown, so that a cut in the
 * middle of a gap gives what the whole text would.
 */
void spaced_join(struct text_reading *r, bool end, struct folded *out)
{
	struct folded *f = &r->shown;
	enum outcome rc = NO;
	size_t i = 0, n, n_gap;

	while (i < f->len) {
		n = char_len(f, i);
		if (r->sep == 0) {
			rc = spaced_begins(r, i, end);
			if (rc == YES)
				r->sep = f->text[i + n];
		}
		if (rc != MORE && r->sep != 0) {
			rc = gap_between(f, i + n, r->sep, end, &n_gap);
			if (rc == YES)
				rc = stands_alone(f, i + n + n_gap, r->sep, end);
		}
		if (rc == MORE)
			break;
		give_run(r, i, n, out);
		i += n;
		if (r->sep == 0)
			continue;
		if (rc == YES) {
			give_gap(r, i, n_gap, out);
			i += n_gap;
		} else {
			r->sep = 0;
			r->again = true;
		}
	}
	folded_consume(f, i);
}

/*
 * What follows counts without reading: it runs over every text, and spaced_begins() only over those
 * that it lets through. As there, each miss is a hole, while a yes too many costs the second
 * window.
 */
void spaced_init(struct spaced *sp, char before)
{
	*sp = (struct spaced){ .prev = before };
	sp->n_token = !ascii_is_space(before) && before != '\0' ? 2 : 0;
	sp->n_word = ascii_is_word(before) ? 2 : 0;
	sp->sep = 'a'; /* what is before was no beginning, or it would be given again */
}

/* A blank at i: did a character stand alone before it? */
static void sees_blank(struct spaced *sp)
{
	sp->by_sign = 0;
	if (sp->n_token == 0) {
		if (++sp->n_blank > GAP_MAX)
			sp->by_blank = 0;
		return;
	}
	if (sp->n_token > 1)
		sp->by_blank = 0;
	if (sp->n_token == 1 || !ascii_is_word(sp->sep)) {
		if (sp->by_blank++ == 0)
			sp->blank_first = sp->last;
	}
	sp->n_token = 0;
	sp->n_blank = 1;
}

static void sees_sign(struct spaced *sp, char c)
{
	if (sp->n_word != 1 || (sp->by_sign > 0 && sp->sep != c))
		sp->by_sign = 0;
	if (sp->n_word == 1 && sp->by_sign++ == 0)
		sp->sign_first = sp->last;
}

void spaced_sees_word(struct spaced *sp, char c, size_t i, size_t n)
{
	sp->n_word += n;
	sp->n_token += n;
	if (sp->n_word > 1)
		sp->by_sign = 0;
	sp->sep = n > 1 ? 'a' : sp->prev;
	sp->prev = c;
	sp->last = i;
}

bool spaced_sees(struct spaced *sp, char c, size_t i)
{
	if (ascii_is_space(c)) {
		sees_blank(sp);
	} else {
		if (is_sign(c))
			sees_sign(sp, c);
		else
			sp->by_sign = 0;
		sp->n_token++;
		sp->sep = sp->prev;
		sp->last = i;
	}
	sp->n_word = 0;
	sp->prev = c;
	return sp->by_blank >= SPACED_MIN - 1 || sp->by_sign >= SPACED_MIN - 1;
}

size_t spaced_tail(const struct spaced *sp, size_t len)
{
	size_t tail = len;

	if (sp->by_blank > 0 && sp->n_token < 2)
		tail = sp->blank_first;
	if (sp->by_sign > 0 && sp->sign_first < tail)
		tail = sp->sign_first;
	if (sp->n_token > 0 && (sp->n_token == 1 || !ascii_is_word(sp->sep)) && sp->last < tail)
		tail = sp->last;
	return tail;
}
