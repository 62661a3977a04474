#include "engine/reader/features.h"

#include <math.h>
#include <string.h>

#include "base/util.h"
#include "engine/reader/answer.h"

#define REACH 8.0f /* words over which nearness falls to a half */

/* Words of a heading or an entry that are looked at, for each sentence under it. */
#define ABOVE_MAX 256

/* How well each term of the question is matched somewhere. */
struct cover {
	float m[TERMS_MAX];
};

/* The first `most` words of sentence i; returns how many there were. */
static size_t cover_words(struct cover *c, const struct passage_scan *s, uint32_t i, uint32_t most)
{
	const struct sentence *st = &s->sentences[i];
	uint32_t n = MIN(st->n_tokens, most);

	for (uint32_t t = st->token; t < st->token + n; t++) {
		int term = s->tokens[t].term;

		if (term >= 0 && c->m[term] < s->tokens[t].match)
			c->m[term] = s->tokens[t].match;
	}
	return n;
}

static size_t cover_add(struct cover *c, const struct passage_scan *s, uint32_t i)
{
	return cover_words(c, s, i, UINT32_MAX);
}

static void cover_context(struct cover *c, const float *context)
{
	for (size_t i = 0; i < TERMS_MAX; i++)
		c->m[i] = MAX(c->m[i], context[i]);
}

static float cover_sum(const struct cover *c, const struct reader_question *q,
		       const struct weights *w)
{
	float sum = 0;

	for (size_t i = 0; i < q->n_terms; i++)
		sum += w->term[i] * c->m[i];
	return sum;
}

static bool is_named(const struct question_term *t)
{
	return t->name || t->number || t->identifier;
}

int features_weigh(const struct reader_question *q, const struct passage_scan *s, struct poll *poll,
		   struct weights *out)
{
	uint32_t df[TERMS_MAX] = { 0 };
	float sum = 0;

	for (size_t i = 0; i < s->n_sentences; i++) {
		struct cover c = { { 0 } };

		if (!poll_goes_on(poll, 1 + cover_add(&c, s, (uint32_t)i)))
			return poll->rc;
		for (size_t t = 0; t < q->n_terms; t++)
			df[t] += c.m[t] >= 1;
	}
	memset(out, 0, sizeof(*out));
	for (size_t t = 0; t < q->n_terms; t++) {
		float rare = logf(1 + ((float)s->n_sentences + 1) / ((float)df[t] + 1));

		out->term[t] = q->terms[t].prior * (1 + rare);
		sum += out->term[t];
	}
	for (size_t t = 0; t < q->n_terms && sum > 0; t++) {
		out->term[t] /= sum;
		if (is_named(&q->terms[t]))
			out->names += out->term[t];
	}
	return 0;
}

/* Neighbours of the question, content words only, that stand in this order within three words. */
static float pairs_in_order(const struct reader_question *q, const struct passage_scan *s,
			    const struct weights *w, const struct sentence *st)
{
	const struct scan_token *tok = s->tokens + st->token;
	float sum = 0, found = 0;

	for (size_t i = 0; i + 1 < q->n_terms; i++) {
		float weight = MIN(w->term[i], w->term[i + 1]);
		bool hit = false;

		if (q->terms[i].part || q->terms[i + 1].part)
			continue;
		sum += weight;
		for (uint32_t a = 0; a < st->n_tokens && !hit; a++) {
			if (tok[a].term != (int)i)
				continue;
			for (uint32_t b = a + 1;
			     b < st->n_tokens && tok[b].pos <= tok[a].pos + 3 && !hit; b++)
				hit = tok[b].term == (int)i + 1;
		}
		found += hit ? weight : 0;
	}
	return sum > 0 ? found / sum : 0;
}

/* The weight of the terms, each falling with its distance to a place. */
static float near_to(const struct passage_scan *s, const struct reader_question *q,
		     const struct weights *w, const struct sentence *st, uint32_t pos)
{
	struct cover c = { { 0 } };

	for (uint32_t i = st->token; i < st->token + st->n_tokens; i++) {
		const struct scan_token *t = &s->tokens[i];
		float distance;

		if (t->term < 0)
			continue;
		distance = (float)(t->pos > pos ? t->pos - pos : pos - t->pos);
		c.m[t->term] = MAX(c.m[t->term], t->match / (1 + distance / REACH));
	}
	return cover_sum(&c, q, w);
}

static size_t features_cover(const struct reader_question *q, const struct passage_scan *s,
			     const struct weights *w, uint32_t i, float out[F_N])
{
	const struct sentence *st = &s->sentences[i];
	struct cover c = { { 0 } };
	float now, named = 0;
	uint32_t first = i - st->ordinal;
	size_t n;

	n = cover_add(&c, s, i);
	out[F_COVER] = now = cover_sum(&c, q, w);
	cover_context(&c, s->context[st->passage]);
	if (st->heading != NO_SENTENCE)
		n += cover_words(&c, s, st->heading, ABOVE_MAX);
	if (st->entry != NO_SENTENCE)
		n += cover_words(&c, s, st->entry, ABOVE_MAX);
	out[F_COVER_HEAD] = cover_sum(&c, q, w) - now;
	now += out[F_COVER_HEAD];
	if (st->pronoun && st->ordinal > 0 && st->follows)
		n += cover_add(&c, s, i - 1);
	out[F_COVER_BEFORE] = cover_sum(&c, q, w) - now;
	now += out[F_COVER_BEFORE];
	if (st->ordinal > 0)
		n += cover_add(&c, s, i - 1);
	if (i + 1 < s->n_sentences && s->sentences[i + 1].passage == st->passage)
		n += cover_add(&c, s, i + 1);
	out[F_COVER_NEAR] = cover_sum(&c, q, w) - now;
	now += out[F_COVER_NEAR];
	for (size_t t = 0; t < q->n_terms; t++)
		named += is_named(&q->terms[t]) ? w->term[t] * c.m[t] : 0;
	out[F_NAMES] = w->names > 0 ? named / w->names : 1;
	/* Windows of a long passage are passages enough. */
	for (uint32_t j = MAX(first, i > 12 ? i - 12 : 0);
	     j < s->n_sentences && j < i + 12 && s->sentences[j].passage == st->passage; j++)
		n += cover_add(&c, s, j);
	out[F_COVER_PASSAGE] = cover_sum(&c, q, w) - now;
	return n;
}

static void features_form(const struct reader_question *q, const struct passage_scan *s,
			  const struct weights *w, uint32_t i, float out[F_N])
{
	const struct sentence *st = &s->sentences[i];
	const struct scan_token *tok = s->tokens + st->token;
	struct cover exact = { { 0 } };
	uint32_t words = 0, matched = 0;
	bool seen = false, negated = false;

	for (uint32_t t = 0; t < st->n_tokens; t++) {
		negated |= (tok[t].cues & CUE_NEGATION) != 0;
		if (tok[t].flags & (SCAN_STOP | SCAN_PART))
			continue;
		words++;
		matched += tok[t].term >= 0;
		if (words == 1 || (words == 2 && !seen))
			seen = tok[t].term >= 0 && tok[t].match >= 1;
		if (tok[t].term >= 0 && tok[t].match >= 1)
			exact.m[tok[t].term] = 1;
	}
	out[F_SUBJECT] = seen;
	out[F_DENSE] = words > 0 ? (float)matched / (float)words : 0;
	out[F_EXACT] = cover_sum(&exact, q, w);
	out[F_LENGTH] = logf(1 + (float)words);
	out[F_SHORT] = words < 4;
	out[F_QUESTION] = st->question;
	out[F_ROW] = st->kind == SENTENCE_ROW;
	out[F_COMMENT] = st->kind == SENTENCE_COMMENT;
	out[F_NEGATED] = q->negated && negated;
	out[F_CODE] = st->kind == SENTENCE_CODE;
	out[F_ENTRY] = st->kind == SENTENCE_ENTRY;
	out[F_FIRST] = st->ordinal == 0 || (st->ordinal == 1 && st->heading != NO_SENTENCE);
}

size_t features_of(const struct reader_question *q, const struct passage_scan *s,
		   const struct weights *w, uint32_t i, float out[F_N])
{
	const struct sentence *st = &s->sentences[i];
	struct answer a;
	size_t looked;

	memset(out, 0, F_N * sizeof(*out));
	looked = features_cover(q, s, w, i, out);
	features_form(q, s, w, i, out);
	answer_find(q, s, i, &a);
	out[F_TYPE] = a.found;
	out[F_TYPE_STRONG] = a.strong;
	for (size_t n = 0; n < a.n; n++)
		out[F_TYPE_NEAR] = MAX(out[F_TYPE_NEAR], near_to(s, q, w, st, a.pos[n]));
	out[F_PAIRS] = pairs_in_order(q, s, w, st);
	out[F_RANK] = 1 / (1 + (float)st->passage);
	return looked;
}
