#include "engine/token/encode.h"

#include <stdlib.h>

#include "base/text/ascii.h"
#include "base/util.h"

#define SEEN_TEXT 256 /* bytes of a text from which on it is worth while to remember pieces */

/* Bytes without a special token between two questions whether to go on. */
#define POLL_BYTES 4096

/* Where the control tokens of a text may be: pieces that the engine wrote, as [from, to) of it. */
struct own_range {
	size_t from, to;
};

struct own_ranges {
	const struct own_range *ranges;
	size_t n;
	size_t next; /* the first that does not end before the place that is looked at */
};

/* Bytes from `at` on in which a control token may lie. */
static size_t own_room(struct own_ranges *own, size_t at)
{
	while (own->next < own->n && own->ranges[own->next].to <= at)
		own->next++;
	if (own->next == own->n || own->ranges[own->next].from > at)
		return 0;
	return own->ranges[own->next].to - at;
}

/* The special token at this place, or TOKEN_NONE. */
static int32_t special_at(const struct vocab *v, struct ragd_str text, size_t at,
			  struct own_ranges *own)
{
	unsigned char byte = (unsigned char)text.s[at];
	int32_t user = TOKEN_NONE, control = TOKEN_NONE;
	size_t room;

	if (v->own.first[byte] == v->own.first[byte + 1])
		return TOKEN_NONE;
	if (v->kind != VOCAB_UNIGRAM) /* whose scores choose those of a user, too */
		user = specials_match(&v->user, v, text.s + at, text.len - at);
	room = own_room(own, at);
	if (room > 0)
		control = specials_match(&v->own, v, text.s + at, room);
	if (control == TOKEN_NONE)
		return user;
	return user == TOKEN_NONE || token_text(v, control).len >= token_text(v, user).len ? control
											   : user;
}

static void encode_plain(struct encoder *e, struct ragd_str text, bool after_special)
{
	if (text.len == 0)
		return;
	switch (e->v->kind) {
	case VOCAB_SPM:
		encode_spm(e, text, after_special && e->v->space_prefix);
		break;
	case VOCAB_BPE:
		encode_bpe(e, text);
		break;
	case VOCAB_WORDPIECE:
		encode_wordpiece(e, text);
		break;
	case VOCAB_UNIGRAM:
		encode_unigram(e, text);
		break;
	}
}

static void encode_parts(struct encoder *e, struct ragd_str text, struct own_ranges *own)
{
	const struct vocab *v = e->v;
	size_t from = 0, at = 0;
	bool after_special = true;

	while (at < text.len && !e->failed && !e->out->failed) {
		int32_t id = special_at(v, text, at, own);

		if (id == TOKEN_NONE) {
			if (++at % POLL_BYTES == 0)
				encode_goes_on(e, POLL_BYTES);
			continue;
		}
		encode_goes_on(e, 1);
		encode_plain(e, (struct ragd_str){ text.s + from, at - from }, after_special);
		tokens_add(e->out, id);
		at += token_text(v, id).len;
		while ((v->flags[id] & TOKEN_RSTRIP) != 0 && at < text.len &&
		       ascii_is_space(text.s[at]))
			at++;
		from = at;
		after_special = true;
	}
	encode_plain(e, (struct ragd_str){ text.s + from, text.len - from }, after_special);
}

static void add_if(struct tokens *out, bool wanted, int32_t id)
{
	if (wanted && id != TOKEN_NONE)
		tokens_add(out, id);
}

static int encode_text(const struct vocab *v, const struct ragd_call *call, struct ragd_str text,
		       struct own_ranges *own, unsigned flags, struct tokens *out,
		       struct ragd_err *err)
{
	struct encoder e = { .v = v, .out = out, .poll = { .call = call } };
	bool ends = (flags & VOCAB_ENDS) != 0, bert = v->kind == VOCAB_WORDPIECE;
	size_t n_before = out->n;

	if (text.s == NULL) /* nothing can be added to it, not even nothing */
		text.s = "";
	if (text.len >= SEEN_TEXT)
		e.seen = calloc(ENCODE_SEEN, sizeof(*e.seen));
	add_if(out, ends && v->add_bos, bert ? v->cls : v->bos);
	encode_parts(&e, text, own);
	add_if(out, ends && v->add_eos && !bert, v->eos);
	add_if(out, ends && v->add_sep && bert, v->sep);
	merge_fini(&e.merge);
	buf_fini(&e.room);
	free(e.seen);
	if (e.failed || out->failed) {
		out->n = MIN(n_before, out->n);
		if (e.poll.rc < 0)
			return ragd_err_set(err, e.poll.rc, "tokenize %zu bytes: %s", text.len,
					    e.poll.rc == -ETIMEDOUT
						    ? "the deadline passed"
						    : "nobody waits for the result any more");
		return ragd_err_set(err, -ENOMEM, "tokenize: out of memory");
	}
	return 0;
}

int vocab_encode_for(const struct vocab *v, const struct ragd_call *call, struct ragd_str text,
		     unsigned flags, struct tokens *out, struct ragd_err *err)
{
	struct own_range all = { 0, text.len };
	struct own_ranges own = { &all, (flags & VOCAB_SPECIAL) != 0 ? 1 : 0, 0 };

	return encode_text(v, call, text, &own, flags, out, err);
}

int vocab_encode(const struct vocab *v, struct ragd_str text, unsigned flags, struct tokens *out,
		 struct ragd_err *err)
{
	return vocab_encode_for(v, NULL, text, flags, out, err);
}

int vocab_encode_pieces_for(const struct vocab *v, const struct ragd_call *call,
			    const struct vocab_piece *pieces, size_t n, unsigned flags,
			    struct tokens *out, struct ragd_err *err)
{
	struct own_range *ranges = calloc(MAX(n, (size_t)1), sizeof(*ranges));
	struct own_ranges own = { ranges, 0, 0 };
	struct buf text = BUF_INIT;
	int rc = -ENOMEM;

	for (size_t i = 0; i < n && ranges != NULL; i++) {
		size_t from = text.len;

		if (pieces[i].text.len == 0)
			continue;
		buf_add(&text, pieces[i].text.s, pieces[i].text.len);
		if (!pieces[i].own)
			continue;
		if (own.n > 0 && ranges[own.n - 1].to == from)
			ranges[own.n - 1].to = text.len;
		else
			ranges[own.n++] = (struct own_range){ from, text.len };
	}
	if (ranges == NULL || buf_failed(&text))
		ragd_err_set(err, rc, "tokenize: out of memory");
	else
		rc = encode_text(v, call, buf_str(&text), &own, flags, out, err);
	buf_fini(&text);
	free(ranges);
	return rc;
}

int vocab_encode_pieces(const struct vocab *v, const struct vocab_piece *pieces, size_t n,
			unsigned flags, struct tokens *out, struct ragd_err *err)
{
	return vocab_encode_pieces_for(v, NULL, pieces, n, flags, out, err);
}
