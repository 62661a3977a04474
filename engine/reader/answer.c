#include "engine/reader/answer.h"

#include <string.h>

#include "base/util.h"

/* A sentence's tokens, and what the question asks of them. */
struct look {
	const struct reader_question *q;
	const char *text; /* of the passage, `left` bytes */
	size_t left;
	const struct scan_token *tok;
	uint32_t n;
	struct answer *out;
};

static void answer_mark(struct look *l, uint32_t at, bool strong)
{
	l->out->found = true;
	l->out->strong |= strong;
	if (l->out->n < ANSWER_PLACES)
		l->out->pos[l->out->n++] = l->tok[at].pos;
}

static bool word_has_cue(const struct look *l, uint32_t at, uint32_t cues)
{
	return at < l->n && (l->tok[at].cues & cues) != 0;
}

static bool word_flagged(const struct look *l, uint32_t at, uint32_t flags)
{
	return at < l->n && (l->tok[at].flags & flags) != 0;
}

/* Something that the question did not say itself. */
static bool is_new(const struct look *l, uint32_t at)
{
	return l->tok[at].term < 0 || l->tok[at].match < 1;
}

/* A name; at the start of a sentence only if another follows: "Marie Curie found". */
static bool is_name(const struct look *l, uint32_t at)
{
	const struct scan_token *t = &l->tok[at];

	if (t->flags & (SCAN_STOP | SCAN_PART | SCAN_NUMBER) || (t->cues & CUE_MONTH))
		return false;
	if (t->flags & SCAN_NAME)
		return true;
	return at == 0 && (t->flags & SCAN_CAPITAL) && word_flagged(l, 1, SCAN_NAME);
}

static void find_who(struct look *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (is_new(l, i) && is_name(l, i))
			answer_mark(l, i, is_name(l, i + 1 < l->n ? i + 1 : i) && i + 1 < l->n);
		else if (is_new(l, i) && word_has_cue(l, i, CUE_PERSON))
			answer_mark(l, i, false);
	}
}

static void find_when(struct look *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (!is_new(l, i))
			continue;
		if (word_flagged(l, i, SCAN_YEAR) || word_has_cue(l, i, CUE_MONTH))
			answer_mark(l, i, true);
		else if (word_flagged(l, i, SCAN_NUMBER) || word_has_cue(l, i, CUE_NUMBER))
			answer_mark(l, i, word_has_cue(l, i + 1, CUE_TIME));
		else if (word_has_cue(l, i, CUE_TIME))
			answer_mark(l, i, false);
	}
}

static void find_where(struct look *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (is_new(l, i) && is_name(l, i))
			answer_mark(l, i,
				    i > 0 && (word_has_cue(l, i - 1, CUE_AT) ||
					      (i > 1 && word_has_cue(l, i - 2, CUE_AT))));
		else if (is_new(l, i) && word_has_cue(l, i, CUE_PLACE))
			answer_mark(l, i, false);
	}
}

/* 1.30.0: what was asked for is a number, not when it came to be so. */
static bool is_version(const struct look *l, uint32_t at)
{
	const char *text = l->text + l->tok[at].start;
	size_t dots = 0;

	for (size_t i = 0; i < l->left - l->tok[at].start && i < 16; i++) {
		if (text[i] == '.')
			dots++;
		else if (text[i] < '0' || text[i] > '9')
			break;
	}
	return dots >= 2;
}

static void find_count(struct look *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		bool unit = false;

		if (!is_new(l, i) ||
		    !(word_flagged(l, i, SCAN_NUMBER) || word_has_cue(l, i, CUE_NUMBER)))
			continue;
		if (word_flagged(l, i, SCAN_NUMBER) && is_version(l, i))
			continue;
		for (uint32_t j = i + 1; j < l->n && l->tok[j].pos <= l->tok[i].pos + 3; j++)
			unit |= (l->tok[j].term >= 0 && l->q->terms[l->tok[j].term].unit) ||
				(word_has_cue(l, j, CUE_UNIT) &&
				 l->tok[j].pos <= l->tok[i].pos + 1);
		answer_mark(l, i, unit);
	}
}

static void find_cue(struct look *l, uint32_t cue)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (word_has_cue(l, i, cue))
			answer_mark(l, i, is_new(l, i));
}

/* "X is a …", "X (…)", "X refers to …": a copula soon after a term. */
static void find_definition(struct look *l)
{
	for (uint32_t i = 0; i + 1 < l->n; i++) {
		if (l->tok[i].term < 0 || l->tok[i].match < 1)
			continue;
		for (uint32_t j = i + 1; j < l->n && l->tok[j].pos <= l->tok[i].pos + 4; j++)
			if (word_has_cue(l, j, CUE_COPULA))
				answer_mark(l, j,
					    l->tok[i].pos <= l->tok[0].pos + 4 &&
						    word_has_cue(l, j + 1, CUE_ARTICLE));
	}
}

static void find_what(struct look *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (is_new(l, i) && !(l->tok[i].flags & (SCAN_STOP | SCAN_PART)))
			answer_mark(l, i, is_name(l, i) || word_flagged(l, i, SCAN_IDENTIFIER));
}

void answer_find(const struct reader_question *q, const struct passage_scan *s, uint32_t sentence,
		 struct answer *out)
{
	const struct sentence *st = &s->sentences[sentence];
	struct look l = { .q = q,
			  .text = s->passages[st->passage].text.s,
			  .left = s->passages[st->passage].text.len,
			  .tok = s->tokens + st->token,
			  .n = st->n_tokens,
			  .out = out };

	memset(out, 0, sizeof(*out));
	switch (q->ask) {
	case ASK_WHO:
		find_who(&l);
		break;
	case ASK_WHEN:
		find_when(&l);
		break;
	case ASK_WHERE:
		find_where(&l);
		break;
	case ASK_COUNT:
		find_count(&l);
		break;
	case ASK_WHY:
		find_cue(&l, CUE_REASON);
		break;
	case ASK_HOW:
		find_cue(&l, CUE_MEANS);
		break;
	case ASK_YESNO:
		find_cue(&l, CUE_MODAL | CUE_NEGATION);
		break;
	case ASK_DEFINE:
		find_definition(&l);
		break;
	case ASK_WHAT:
	case ASK_OTHER:
	case ASK_N:
		find_what(&l);
		break;
	}
}
