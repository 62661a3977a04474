#include "base/text/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/fold.h"
#include "base/text/stems.h"
#include "base/text/utf8.h"

/* What a byte is; also what a token has in it. */
enum {
	LOWER = 1,
	UPPER = 2,
	DIGIT = 4,
	UNDER = 8,
	JOINT = 16, /* ' . , may stand inside a word */
	HIGH = 32,  /* a byte of a character beyond ASCII */
	HUMP = 64,  /* a token only: camelCase */
	SIGN = 128, /* a token only: C++, C# */
};

#define INSIDE    (LOWER | UPPER | DIGIT | UNDER)
#define LETTER    (LOWER | UPPER | HIGH)
#define PARTS_MAX 16 /* an "identifier" of more parts is base64 */

struct part {
	uint32_t start, end;
};

struct words {
	struct stems *stems;
	const unsigned char *text;
	uint32_t len;
	uint32_t pos;
	bool in_run; /* the piece at pos was the second of a pair already given */
	bool high;   /* the token that parts are of has characters beyond ASCII */
	uint8_t part, n_parts;
	struct part parts[PARTS_MAX];
	uint8_t class_of[256];
	unsigned char lower[256];
};

struct words *words_new(const char *language)
{
	struct words *w;

	if (!fold_ready() || (w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	if (language != NULL && (w->stems = stems_new(language)) == NULL) {
		free(w);
		return NULL;
	}
	for (int c = 0; c < 256; c++) {
		w->lower[c] = (unsigned char)c;
		if (c >= 'a' && c <= 'z')
			w->class_of[c] = LOWER;
		else if (c >= 'A' && c <= 'Z')
			w->class_of[c] = UPPER, w->lower[c] = (unsigned char)(c - 'A' + 'a');
		else if (c >= '0' && c <= '9')
			w->class_of[c] = DIGIT;
		else if (c >= 0x80)
			w->class_of[c] = HIGH;
	}
	w->class_of['_'] = UNDER;
	w->class_of['\''] = w->class_of['.'] = w->class_of[','] = JOINT;
	return w;
}

void words_free(struct words *w)
{
	if (w == NULL)
		return;
	stems_free(w->stems);
	free(w);
}

void words_start(struct words *w, const char *text, size_t len)
{
	w->text = (const unsigned char *)text;
	w->len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
	w->pos = 0;
	w->in_run = false;
	w->part = w->n_parts = 0;
}

static uint32_t decode_class(const struct words *w, uint32_t at, enum fold_class *class)
{
	uint32_t cp, n = (uint32_t)utf8_next((const char *)w->text + at, w->len - at, &cp);

	*class = fold_class(cp);
	return n;
}

static unsigned class_at(const struct words *w, uint32_t at)
{
	return at < w->len ? w->class_of[w->text[at]] : 0;
}

static bool letter_at(const struct words *w, uint32_t at)
{
	unsigned k = class_at(w, at);
	enum fold_class class;

	if (k != HIGH)
		return (k & (LOWER | UPPER)) != 0;
	decode_class(w, at, &class);
	return class == FOLD_LETTER;
}

/* Bytes of thousands separators: a comma that exactly three digits follow. */
static bool groups_digits(const struct words *w, uint32_t at)
{
	for (uint32_t i = 1; i <= 3; i++)
		if (class_at(w, at + i) != DIGIT)
			return false;
	return class_at(w, at + 4) != DIGIT;
}

/*
 * Whether the token goes on at a byte that is not plainly inside a word: bytes to take, 0 to end
 * it. `prev` is the class of the character before, and becomes that of the one taken.
 */
static uint32_t token_joins(const struct words *w, uint32_t at, unsigned *flags, unsigned *prev)
{
	enum fold_class class;
	uint32_t n;

	switch (w->text[at]) {
	case '\'':
		return (*prev & LETTER) && letter_at(w, at + 1) ? 1 : 0;
	case '.': /* 1.30.0, v1.2 */
		return *prev == DIGIT && class_at(w, at + 1) == DIGIT ? 1 : 0;
	case ',': /* 10,000 */
		return *flags == DIGIT && *prev == DIGIT && groups_digits(w, at) ? 1 : 0;
	default:
		if (w->text[at] < 0x80)
			return 0;
	}
	n = decode_class(w, at, &class);
	switch (class) {
	case FOLD_LETTER:
		*prev = HIGH;
		break;
	case FOLD_DIGIT:
		*prev = DIGIT;
		*flags |= DIGIT;
		break;
	case FOLD_MARK:
		break;
	case FOLD_APOSTROPHE:
		if (!(*prev & LETTER) || !letter_at(w, at + n))
			return 0;
		break;
	case FOLD_PIECE:
	case FOLD_OTHER:
		return 0;
	}
	*flags |= HIGH;
	return n;
}

/* The end of the token at pos; 0 < end - pos. */
static uint32_t token_scan(const struct words *w, unsigned *token_flags)
{
	uint32_t at = w->pos, n;
	unsigned flags = 0, prev = 0, prev2 = 0, k;

	while (at < w->len) {
		k = w->class_of[w->text[at]];
		if (k & INSIDE) {
			/* xX, and XXx: both begin a part. */
			if ((k == UPPER && (prev & (LOWER | DIGIT))) ||
			    (k == LOWER && prev == UPPER && prev2 == UPPER))
				flags |= HUMP;
			flags |= k;
			prev2 = prev;
			prev = k;
			at++;
			continue;
		}
		if (!(k & (JOINT | HIGH)) || (n = token_joins(w, at, &flags, &prev)) == 0)
			break;
		prev2 = 0;
		at += n;
	}
	*token_flags = flags;
	return at;
}

/* C++ and C#: one letter and its signs. */
static uint32_t token_signs(const struct words *w, uint32_t end, unsigned *flags)
{
	uint32_t n = 0;

	if (*flags & ~(unsigned)(LOWER | UPPER))
		return end;
	if (end + 1 < w->len && w->text[end] == '+' && w->text[end + 1] == '+')
		n = 2;
	else if (end < w->len && w->text[end] == '#')
		n = 1;
	if (n == 0 || letter_at(w, end + n))
		return end;
	*flags |= SIGN;
	return end + n;
}

/* Whether a part begins at `at`, start < at < end. */
static bool part_begins(const struct words *w, uint32_t at, uint32_t end)
{
	unsigned prev = class_at(w, at - 1);

	if (class_at(w, at) != UPPER)
		return false;
	if (prev == LOWER || prev == DIGIT)
		return true;
	/* The last capital of a run belongs to what follows: UV|Handle; but not in IDs, IPv4. */
	return prev == UPPER && at + 2 < end && class_at(w, at + 1) == LOWER &&
	       class_at(w, at + 2) == LOWER;
}

/* Parts of one letter say nothing. */
static bool part_add(struct words *w, uint32_t start, uint32_t end)
{
	if (end - start < 1 || (end - start == 1 && class_at(w, start) != DIGIT))
		return true;
	if (w->n_parts == PARTS_MAX)
		return false;
	w->parts[w->n_parts++] = (struct part){ start, end };
	return true;
}

static void parts_of_identifier(struct words *w, uint32_t start, uint32_t end)
{
	uint32_t from = start;

	for (uint32_t at = start; at <= end; at++) {
		bool cut = at == end || w->text[at] == '_';

		if (!cut && !(at > from && part_begins(w, at, end)))
			continue;
		if (!part_add(w, from, at)) {
			w->n_parts = 0;
			return;
		}
		from = cut ? at + 1 : at;
	}
	if (w->n_parts == 1 && w->parts[0].start == start && w->parts[0].end == end)
		w->n_parts = 0;
}

/* 10MB and 1980s: the number, and the unit if it is more than the ending of an ordinal. */
static void parts_of_quantity(struct words *w, uint32_t start, uint32_t end)
{
	uint32_t at = start;

	while (at < end && (w->class_of[w->text[at]] & (DIGIT | JOINT)))
		at++;
	if (at == start || at == end)
		return;
	for (uint32_t i = at; i < end; i++)
		if (!(w->class_of[w->text[i]] & (LOWER | UPPER)))
			return;
	part_add(w, start, at);
	if (end - at == 2 && strchr("sSnNrRtT", w->text[at]) != NULL &&
	    strchr("tTdDhH", w->text[at + 1]) != NULL)
		return;
	part_add(w, at, end);
}

/* Fold text[start .. end) into out and find its stem. False if nothing is left of it. */
static bool word_fill(struct words *w, uint32_t start, uint32_t end, unsigned flags,
		      struct word *out)
{
	const unsigned char *text = w->text;
	unsigned seen = 0;
	size_t n = 0;

	out->start = start;
	out->end = end;
	out->stop = false;
	out->name = w->class_of[text[start]] == UPPER;
	if (flags & HIGH) {
		uint32_t cp;

		n = fold_text((const char *)text + start, end - start, out->fold, WORD_MAX);
		for (size_t i = 0; i < n; i++)
			seen |= w->class_of[(unsigned char)out->fold[i]];
		if (text[start] >= 0x80) {
			utf8_next((const char *)text + start, end - start, &cp);
			out->name = fold_is_upper(cp);
		}
	} else {
		for (uint32_t at = start; at < end && n < WORD_MAX; at++) {
			seen |= w->class_of[text[at]];
			out->fold[n] = (char)w->lower[text[at]];
			n += text[at] != ',';
		}
	}
	if (n == 0)
		return false;
	out->n_fold = (uint8_t)n;
	out->kind = seen & DIGIT ? WORD_NUMBER : WORD_LETTERS;
	if ((seen & (DIGIT | UNDER)) || (flags & SIGN)) {
		memcpy(out->stem, out->fold, n);
		out->n_stem = out->n_fold;
	} else if (w->stems == NULL) {
		out->n_stem = 0;
	} else {
		out->n_stem = stems_find(w->stems, out->fold, out->n_fold, out->stem, &out->stop);
	}
	return true;
}

/* The token at pos, which begins with a letter or a digit or '_'. False if it is none. */
static bool give_token(struct words *w, struct word *out)
{
	uint32_t start = w->pos, end;
	unsigned flags;

	end = token_scan(w, &flags);
	if (end - start == 1)
		end = token_signs(w, end, &flags);
	w->pos = end;
	if (flags & UNDER) { /* _emphasis_, __init__ */
		while (start < end && w->text[start] == '_')
			start++;
		while (start < end && w->text[end - 1] == '_')
			end--;
	}
	if (start == end || !word_fill(w, start, end, flags, out))
		return false;
	w->part = w->n_parts = 0;
	w->high = (flags & HIGH) != 0;
	if (end - start > WORD_MAX)
		return true;
	if (flags & (UNDER | HUMP))
		parts_of_identifier(w, start, end);
	else if ((flags & DIGIT) && (flags & (LOWER | UPPER)))
		parts_of_quantity(w, start, end);
	return true;
}

/* End of the piece at `at`: a character of a script without spaces, with its marks. */
static uint32_t piece_end(const struct words *w, uint32_t at)
{
	enum fold_class class;
	uint32_t n;

	at += decode_class(w, at, &class);
	while (class_at(w, at) == HIGH) {
		n = decode_class(w, at, &class);
		if (class != FOLD_MARK)
			break;
		at += n;
	}
	return at;
}

/* Overlapping pairs of the pieces at pos; false where the last one was given with the one before.
 */
static bool give_pieces(struct words *w, struct word *out)
{
	uint32_t start = w->pos, mid = piece_end(w, start), end = mid;
	enum fold_class class = FOLD_OTHER;
	bool second = w->in_run;

	if (class_at(w, mid) == HIGH)
		decode_class(w, mid, &class);
	w->in_run = class == FOLD_PIECE;
	w->pos = mid;
	if (w->in_run)
		end = piece_end(w, mid);
	else if (second)
		return false;
	out->start = start;
	out->end = end;
	out->kind = WORD_IDEOGRAPH;
	out->stop = out->name = false;
	out->n_fold =
		(uint8_t)fold_text((const char *)w->text + start, end - start, out->fold, WORD_MAX);
	out->n_stem = out->n_fold;
	memcpy(out->stem, out->fold, out->n_fold);
	return out->n_fold > 0;
}

bool words_next(struct words *w, struct word *out)
{
	enum fold_class class;
	unsigned k;

	while (w->part < w->n_parts) {
		struct part p = w->parts[w->part++];

		if (word_fill(w, p.start, p.end, w->high ? HIGH : 0, out))
			return true;
	}
	while (w->pos < w->len) {
		k = w->class_of[w->text[w->pos]];
		if (k & INSIDE) {
			if (give_token(w, out))
				return true;
		} else if (k == HIGH) {
			uint32_t n = decode_class(w, w->pos, &class);

			if (class == FOLD_PIECE) {
				if (give_pieces(w, out))
					return true;
			} else if (class == FOLD_LETTER || class == FOLD_DIGIT) {
				if (give_token(w, out))
					return true;
			} else {
				w->pos += n;
			}
		} else {
			w->pos++;
		}
	}
	return false;
}
