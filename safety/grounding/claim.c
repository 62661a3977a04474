#include "safety/grounding/claim.h"

#include <string.h>

#include "base/hash.h"
#include "base/text/ascii.h"
#include "base/util.h"

#define NUMBER_SALT 0x9e3779b97f4a7c15u

/* The number in a word such as 1,024, 10ms, v1.2, 3rd: its digits, points and nothing else. */
static size_t number_of(const char *word, size_t n, char *out)
{
	size_t i = 0, k = 0;

	if (n > 1 && word[0] == 'v' && ascii_is_digit(word[1]))
		i = 1;
	if (i == n || !ascii_is_digit(word[i]))
		return 0;
	for (; i < n && (ascii_is_digit(word[i]) || word[i] == ',' || word[i] == '.'); i++)
		if (word[i] != ',')
			out[k++] = word[i];
	while (k > 0 && out[k - 1] == '.')
		k--;
	/* Identifiers that begin with digits (0x1f, 2to3) are words. */
	for (; i < n; i++)
		if (!ascii_is_alpha(word[i]) && word[i] != '%')
			return 0;
	return k;
}

uint64_t claim_word_bits(const struct claim_lexicon *x, const struct word *w)
{
	uint64_t bits = claim_lexicon_word(x, hash_bytes(w->fold, w->n_fold));

	return claim_lexicon_ends_negative(x, w->fold, w->n_fold) ? bits | CLAIM_NEGATES : bits;
}

bool claim_word_token(const struct claim_lexicon *x, const struct word *w, uint64_t bits,
		      struct claim_token *t)
{
	uint64_t number = claim_lexicon_number(x, bits);
	char digits[WORD_MAX];
	size_t n;

	if (number != 0) {
		/* Of less weight than digits: "two" has other uses. */
		*t = (struct claim_token){ number ^ NUMBER_SALT, TOKEN_WORD };
		return true;
	}
	if (w->kind == WORD_NUMBER && (n = number_of(w->fold, w->n_fold, digits)) > 0)
		*t = (struct claim_token){ hash_bytes(digits, n) ^ NUMBER_SALT, TOKEN_NUMBER };
	else
		*t = (struct claim_token){ hash_bytes(w->stem, w->n_stem),
					   w->kind == WORD_NUMBER ? TOKEN_NAME : TOKEN_WORD };
	return w->kind == WORD_NUMBER || !w->stop;
}

static void add_mark(const struct claim_lexicon *x, const struct word *w, uint64_t bits,
		     struct claim_marks *m)
{
	m->n_negations += (bits & CLAIM_NEGATES) != 0;
	m->n_asking += (bits & CLAIM_ASKING) != 0;
	m->n_holding += (bits & CLAIM_HOLDING) != 0;
	m->denies = m->denies || bits & (CLAIM_NEGATES | CLAIM_UNSTATED);
	m->sides |= claim_lexicon_sides(x, hash_bytes(w->stem, w->n_stem));
}

/*
 * A capital that does not begin the sentence, or an identifier, makes a word a name; "Two" is a
 * number all the same.
 */
static bool is_name(const struct claim_lexicon *x, const struct word *w, uint64_t bits,
		    const char *text, bool first)
{
	return claim_lexicon_number(x, bits) == 0 &&
	       ((w->name && !first) || memchr(text + w->start, '_', w->end - w->start) != NULL);
}

/* The end of "[... removed]" at text[i), else i. */
static size_t removed_end(const char *text, size_t len, size_t i)
{
	static const char tail[] = "removed]";
	const char *close;
	size_t n;

	if (text[i] != '[')
		return i;
	close = memchr(text + i, ']', MIN(len - i, 40));
	n = close != NULL ? (size_t)(close - text) + 1 : 0;
	return n >= i + 8 && memcmp(text + n - 8, tail, 8) == 0 ? n : i;
}

/* Where reading is within a sentence. */
struct claim_reader {
	struct words *words;
	const struct claim_lexicon *lexicon;
	struct claim_marks *marks;
	int (*cb)(void *arg, const struct claim_token *t);
	void *arg;
	bool begun;         /* a word has been read */
	bool waits;         /* the first word's token waits for the second word */
	uint32_t first_end; /* where the first word ends */
	struct claim_token first;
};

/*
 * The capital that begins a sentence says nothing, unless the next word has one too: Emma Stone.
 */
static int pass_on(struct claim_reader *r, const struct claim_token *t, const struct word *w)
{
	int rc = 0;

	if (r->waits) {
		r->waits = false;
		if (w != NULL && w->name && w->start == r->first_end + 1 && !w->stop)
			r->first.kind = TOKEN_NAME;
		rc = r->cb(r->arg, &r->first);
	}
	return rc < 0 || t == NULL ? rc : r->cb(r->arg, t);
}

static int read_part(struct claim_reader *r, const char *text, size_t from, size_t to)
{
	struct word w;
	uint32_t whole_end = 0;
	int rc = 0;

	if (from == to) /* then text may be NULL */
		return 0;
	words_start(r->words, text + from, to - from);
	while (rc == 0 && words_next(r->words, &w)) {
		bool part = w.start < whole_end, token;
		uint64_t bits;
		struct claim_token t;

		whole_end = whole_end > w.end ? whole_end : w.end;
		if (part)
			continue;
		bits = claim_word_bits(r->lexicon, &w);
		add_mark(r->lexicon, &w, bits, r->marks);
		token = claim_word_token(r->lexicon, &w, bits, &t);
		if (token && t.kind == TOKEN_WORD &&
		    is_name(r->lexicon, &w, bits, text + from, !r->begun))
			t.kind = TOKEN_NAME;
		if (!r->begun && token && t.kind == TOKEN_WORD && w.name) {
			r->waits = true;
			r->first = t;
			r->first_end = w.end;
		} else {
			rc = pass_on(r, token ? &t : NULL, &w);
		}
		r->begun = true;
	}
	return rc;
}

int claim_read(struct words *w, const struct claim_lexicon *x, const char *text, size_t len,
	       struct claim_marks *marks, int (*cb)(void *arg, const struct claim_token *t),
	       void *arg)
{
	struct claim_reader r = { .words = w, .lexicon = x, .marks = marks, .cb = cb, .arg = arg };
	size_t from = 0, i = 0, end;
	int rc = 0;

	*marks = (struct claim_marks){ 0 };
	while (rc == 0 && i < len) {
		end = removed_end(text, len, i);
		if (end == i) {
			i++;
			continue;
		}
		rc = read_part(&r, text, from, i);
		from = i = end;
	}
	if (rc == 0)
		rc = read_part(&r, text, from, len);
	return rc < 0 ? rc : pass_on(&r, NULL, NULL);
}
