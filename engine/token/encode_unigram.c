/*
 * Unigram as SentencePiece has it, in three steps. The text is normalised: characters by the file's
 * map, spaces to marks. Then one pass from left to right finds for each place the best tokens up to
 * there (Viterbi): a place is reached from the beginnings of all tokens that end at it. And as soon
 * as no token reaches over a place, every way leads through it, so what is best up to there is put
 * out and forgotten: mostly a word, whatever the length of the text.
 */
#include <stdlib.h>

#include "base/array.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/token/encode.h"

/* Malformed bytes are read as U+FFFD. */
#define REPLACEMENT "\xef\xbf\xbd"

/* ---- normalising ---------------------------------------------------------------------------- */

/* What is read for the beginning of s, in *out; returns how much of s that is. */
static size_t prefix_normal(const struct vocab *v, const char *s, size_t len, struct ragd_str *out)
{
	int32_t user = specials_match(&v->user, v, s, len);
	uint32_t cp;
	size_t n;

	if (user != TOKEN_NONE) { /* the map leaves it alone */
		n = token_text(v, user).len;
		*out = (struct ragd_str){ s, n };
		return n;
	}
	n = charsmap_match(&v->charsmap, s, len, out);
	if (n > 0)
		return n;
	n = utf8_next(s, len, &cp);
	*out = cp == 0xFFFD && n == 1 ? RAGD_STR(REPLACEMENT) : (struct ragd_str){ s, n };
	return n;
}

static void marked_add(struct buf *room, struct ragd_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] == ' ')
			buf_add(room, SPACE_MARK, SPACE_MARK_LEN);
		else
			buf_addc(room, s.s[i]);
}

/*
 * The text without the spaces in front of it. SentencePiece drops those before it looks whether any
 * text is left that wants a mark.
 */
static struct ragd_str front_skipped(struct encoder *e, struct ragd_str text)
{
	struct ragd_str read;

	while (text.len > 0) {
		size_t n = prefix_normal(e->v, text.s, text.len, &read);

		if (!str_is(read, " ") || !encode_goes_on(e, n))
			break;
		text.s += n;
		text.len -= n;
	}
	return text;
}

static bool ends_in_mark(const struct buf *b)
{
	return b->len >= SPACE_MARK_LEN &&
	       memcmp(b->data + b->len - SPACE_MARK_LEN, SPACE_MARK, SPACE_MARK_LEN) == 0;
}

/* The text as its tokens are written, in the encoder's room. */
static void text_normalise(struct encoder *e, struct ragd_str text)
{
	const struct vocab *v = e->v;
	bool after_space = v->space_single;
	struct buf *room = &e->room;

	buf_clear(room);
	if (v->space_single)
		text = front_skipped(e, text);
	if (text.len > 0 && v->space_prefix)
		buf_add(room, SPACE_MARK, SPACE_MARK_LEN);
	for (size_t at = 0, n; at < text.len; at += n) {
		struct ragd_str read;

		n = prefix_normal(v, text.s + at, text.len - at, &read);
		if (!encode_goes_on(e, n))
			return;
		while (after_space && read.len > 0 && read.s[0] == ' ') {
			read.s++;
			read.len--;
		}
		marked_add(room, read);
		if (v->space_single && read.len > 0)
			after_space = read.s[read.len - 1] == ' ';
	}
	while (v->space_single && ends_in_mark(room))
		room->len -= SPACE_MARK_LEN;
	e->failed = e->failed || buf_failed(room);
}

/* ---- choosing tokens ------------------------------------------------------------------------ */

/*
 * The best tokens of a window up to one place in it. Scores are kept as SentencePiece keeps them,
 * in single precision from the beginning of the text on: among tokens that are equally good (of a
 * letter that is repeated, say) the last bit decides.
 */
struct place {
	float score;
	int32_t id;   /* the last of them; unknown: TOKEN_NONE */
	uint32_t len; /* of its text; 0: nothing ends here */
};

struct lattice {
	struct place *places; /* of a window: from a place that all ways lead through */
	size_t cap;
	size_t reach; /* the furthest place that anything ends at */
};

/* A token of `len` bytes leads from `at` to at + len. False: out of memory. */
static bool way_add(struct lattice *l, size_t at, size_t len, int32_t id, float score)
{
	size_t to = at + len;

	if (to > l->reach) {
		if (!array_reserve(&l->places, &l->cap, to + 1, sizeof(*l->places)))
			return false;
		memset(l->places + l->reach + 1, 0, (to - l->reach) * sizeof(*l->places));
		l->reach = to;
	}
	score += l->places[at].score;
	if (l->places[to].len == 0 || score > l->places[to].score)
		l->places[to] = (struct place){ score, id, (uint32_t)len };
	return true;
}

static float token_score(const struct vocab *v, int32_t id, size_t len)
{
	/* A user-defined token is better than any others: their scores are logarithms. */
	return v->type[id] == TOKEN_USER ? (float)len * v->score_user - 0.1f : v->score[id];
}

/*
 * Add the ways from place `at` of the window that begins at s: all tokens that begin there, and the
 * character alone as an unknown one unless it is a token.
 */
static bool ways_add(struct encoder *e, struct lattice *l, struct ragd_str s, size_t at)
{
	const struct vocab *v = e->v;
	size_t most = MIN(s.len - at, v->piece_max), len = 0, n;
	bool in_word = false, single = false;
	uint32_t cp;

	for (; len < most; len += n) {
		const char *next = s.s + at + len;
		bool mark;
		int32_t id;

		n = utf8_next(next, s.len - at - len, &cp);
		mark = n == SPACE_MARK_LEN && memcmp(next, SPACE_MARK, n) == 0;
		if (len + n > most || (in_word && mark && v->space_first))
			break; /* no token is that long, or reaches over a space */
		in_word = in_word || !mark;
		if (!encode_goes_on(e, 1))
			return false;
		id = token_find_plain(v, s.s + at, len + n);
		if (id == TOKEN_NONE || v->type[id] == TOKEN_UNUSED)
			continue;
		if (!way_add(l, at, len + n, id, token_score(v, id, len + n)))
			return false;
		single = single || len == 0;
	}
	if (single)
		return true;
	return way_add(l, at, utf8_next(s.s + at, s.len - at, &cp), TOKEN_NONE, v->score_unknown);
}

/* Put out the best tokens of the window s, which ends at the lattice's furthest place. */
static void window_out(struct encoder *e, struct lattice *l, const char *s, size_t from)
{
	struct place last = l->places[l->reach], before;

	/* turn the links round, so that each place holds the token that begins there */
	for (size_t at = l->reach; at > 0;) {
		at -= last.len;
		before = l->places[at];
		l->places[at] = last;
		last = before;
	}
	for (size_t at = 0; at < l->reach; at += l->places[at].len) {
		const struct place *p = &l->places[at];

		if (p->id != TOKEN_NONE)
			tokens_add(e->out, p->id);
		else
			encode_unknown(e, s + at, p->len, from);
	}
}

/* A window whose beginning has this score. */
static bool window_begin(struct lattice *l, float score)
{
	l->reach = 0;
	if (!array_reserve(&l->places, &l->cap, 1, sizeof(*l->places)))
		return false;
	l->places[0] = (struct place){ .score = score };
	return true;
}

void encode_unigram(struct encoder *e, struct ragd_str text)
{
	struct lattice l = { 0 };
	size_t from = e->out->n, at = 0;
	struct ragd_str s;
	uint32_t cp;

	text_normalise(e, text);
	s = buf_str(&e->room);
	e->failed = e->failed || !window_begin(&l, 0);
	while (s.len > 0 && !e->failed) {
		if (at > 0 && at == l.reach) {
			float score = l.places[at].score;

			window_out(e, &l, s.s, from);
			s.s += at;
			s.len -= at;
			at = 0;
			e->failed = !window_begin(&l, score);
			continue;
		}
		e->failed = !ways_add(e, &l, s, at) || e->failed;
		at += utf8_next(s.s + at, s.len - at, &cp);
	}
	free(l.places);
}
