#include "retrieval/index/encoder.h"

#include <stdio.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/inner_call.h"
#include "retrieval/store/store_private.h"

/* Counted up with each change of encoder_passage_text(). */
#define PASSAGE_FORM 1

#define QUESTION_MS 3000 /* that a search waits for its question's vector */

/*
 * Letters a piece: from these on vectors count a little, and in full. Measured with the encoder
 * that ships: half of the questions in English on documentation, full of names and options, are
 * above 3.6, few below 2.5; in German, Spanish and Romanian half are below 2.8, in Turkish and
 * Vietnamese below 2.2, and in other scripts most are at 1.
 */
#define TRUST_NONE 1.5f
#define TRUST_FULL 3.0f

/*
 * Letters for each piece that is no punctuation. all-MiniLM-L6-v2 has 4.0 of English, 3.1 of source
 * code, 2.6 of German, 1.1 of Russian, Thai and Chinese; multilingual-e5-small has 3.2 to 3.9 of
 * Latin letters, 2.7 or more of other alphabets, 1.4 of Chinese, whose characters are words.
 */
#define KNOWN_LATIN   2.9f
#define KNOWN_OTHER   1.25f
#define KNOWN_LETTERS 40 /* fewer tell nothing */

static void identity_set(struct encoder_identity *out, const char *stamp, uint32_t dim)
{
	char form[RAGD_STAMP_SIZE + 32];
	int len = snprintf(form, sizeof(form), "passage form %d, %s", PASSAGE_FORM, stamp);

	digest_hex(form, (size_t)len, out->digest);
	out->dim = dim;
}

int encoder_identify(const struct store *s, const char *name, struct encoder_identity *out,
		     struct ragd_err *err)
{
	const struct store_encoder *e = &s->options.encoder;
	struct ragd_embed_card card = { .size = sizeof(card) };
	int rc = e->card(e->arg, name, &card, err);

	if (rc == 0)
		identity_set(out, card.stamp, card.dim);
	return rc;
}

/* ---- calls --------------------------------------------------------------------------------- */

int encoder_embed(const struct store *s, const char *name, const struct encoder_work *work,
		  enum ragd_embed_use use, const struct ragd_str *texts, size_t n,
		  struct ragd_embeddings *out, struct encoder_identity *made, struct ragd_err *err)
{
	const struct store_encoder *e = &s->options.encoder;
	struct ragd_embed req = { .size = sizeof(req),
				  .use = use,
				  .texts = texts,
				  .n = n,
				  .background = work->call == NULL };
	struct inner_call call = {
		.outer = work->call, .stop = work->stop, .arg = work->arg, .arena = work->arena
	};
	int rc;

	inner_call_init(&call, "encode", QUESTION_MS);
	*out = (struct ragd_embeddings){ .size = sizeof(*out) };
	rc = e->embed(e->arg, name, &call.base, &req, out, err);
	if (rc < 0)
		return rc;
	if (out->dim > EMBED_DIM_MAX)
		return ragd_err_set(err, -ENOTSUP, "vectors of %u numbers: up to %d", out->dim,
				    EMBED_DIM_MAX);
	identity_set(made, out->stamp, out->dim);
	return 0;
}

int encoder_check_dim(const char *name, const struct ragd_embeddings *v, uint32_t dim,
		      struct ragd_err *err)
{
	if (v->dim == dim)
		return 0;
	return ragd_err_set(err, -EPROTO,
			    "'%s' makes vectors of %u numbers now, and made them of %u: its model "
			    "was changed, and needs them all made again (rag reindex)",
			    name, v->dim, dim);
}

/* ---- texts --------------------------------------------------------------------------------- */

static bool is_blank(struct ragd_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_space(s.s[i]))
			return false;
	return true;
}

static char *append(char *at, struct ragd_str s, const char *end)
{
	size_t n = strlen(end);

	memcpy(at, s.s, s.len);
	memcpy(at + s.len, end, n);
	return at + s.len + n;
}

struct ragd_str encoder_passage_text(struct arena *arena, struct ragd_str title,
				     struct ragd_str heading, struct ragd_str text)
{
	char *all, *at;

	if (is_blank(title) && is_blank(heading) && is_blank(text))
		return (struct ragd_str){ NULL, 0 };
	all = arena_alloc(arena, title.len + heading.len + text.len + 5, 1);
	if (all == NULL)
		return (struct ragd_str){ NULL, 1 };
	at = all;
	if (!is_blank(title))
		at = append(at, title, is_blank(heading) ? ". " : ": ");
	if (!is_blank(heading))
		at = append(at, heading, ". ");
	at = append(at, text, "");
	return (struct ragd_str){ all, (size_t)(at - all) };
}

/* Letters and digits of ASCII, and every character beyond it. */
static size_t count_letters(struct ragd_str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		n += ascii_is_alnum(s.s[i]) || c >= 0xc0;
	}
	return n;
}

float encoder_trust(struct ragd_str question, uint32_t n_pieces)
{
	float letters = (float)count_letters(question);

	if (n_pieces == 0)
		return 1;
	return MIN(MAX((letters / (float)n_pieces - TRUST_NONE) / (TRUST_FULL - TRUST_NONE), 0), 1);
}

bool encoder_is_foreign(struct ragd_str passage, uint32_t n_pieces)
{
	size_t n_latin = 0, n_other = 0, n_punctuation = 0, n;

	for (size_t i = 0; i < passage.len; i++) {
		unsigned char c = (unsigned char)passage.s[i];

		n_latin += ascii_is_alnum((char)c) || (c >= 0xc3 && c <= 0xc9);
		n_other += c > 0xc9 && c != 0xe2; /* U+2000 to 2FFF are signs */
		n_punctuation += c > ' ' && c < 0x7f && !ascii_is_alnum((char)c);
	}
	n = n_pieces > n_punctuation ? n_pieces - n_punctuation : 1;
	if (n_pieces == 0 || n_latin + n_other < KNOWN_LETTERS)
		return false;
	return (float)(n_latin + n_other) / (float)n <
	       (n_latin >= n_other ? KNOWN_LATIN : KNOWN_OTHER);
}
