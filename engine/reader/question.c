#include "engine/reader/question.h"

#include <string.h>

#include "base/hash.h"
#include "base/util.h"

#define HEAD_BYTES   5    /* of a stem that is compared where stems differ */
#define QUESTION_MAX 4096 /* bytes that are looked at, from the end: that is where people ask */

#define PROBES 16 /* slots of a hash table that are tried */

#define MATCH_RELATED 0.5f
#define MATCH_HEAD    0.4f

/* One word of the question, parts of identifiers included. */
struct qword {
	struct word word;
	uint32_t cues, asks; /* lexicon.h */
	bool part;
};

/* ---- what is asked for --------------------------------------------------------------------- */

/* "how many", "how long": what is counted stands behind "many" and "much". */
static enum ask ask_how(struct qword *w, size_t n, size_t at, size_t *unit)
{
	if (at + 1 >= n)
		return ASK_HOW;
	if (w[at + 1].asks & ASKS_MANY) {
		*unit = at + 2;
		return ASK_COUNT;
	}
	return w[at + 1].asks & ASKS_MEASURE ? ASK_COUNT : ASK_HOW;
}

/* "what X", "which X": X says what the answer is. */
static enum ask ask_noun(const struct qword *w)
{
	if (w->asks & ASKS_TIME)
		return ASK_WHEN;
	if (w->asks & ASKS_PLACE)
		return ASK_WHERE;
	if (w->asks & ASKS_PERSON)
		return ASK_WHO;
	if (w->asks & ASKS_REASON)
		return ASK_WHY;
	if (w->cues & CUE_AMOUNT)
		return ASK_COUNT;
	return ASK_WHAT;
}

static enum ask ask_what(struct qword *w, size_t n, size_t at)
{
	size_t i = at + 1, content = 0;
	enum ask ask;

	if (i >= n)
		return ASK_WHAT;
	if (!(w[i].asks & ASKS_NO_NOUN))
		return ask_noun(&w[i]);
	if (w[i].asks & ASKS_BE) {
		for (i++; i < n && (w[i].cues & CUE_ARTICLE); i++)
			;
		/* "what is the (maximum) size of X": the first nouns before a preposition */
		for (size_t j = i; j < n && j < i + 4 && !(w[j].asks & ASKS_OF); j++) {
			ask = ask_noun(&w[j]);
			if (ask != ASK_WHAT)
				return ask;
		}
		for (size_t j = i; j < n; j++)
			content += !w[j].word.stop && !w[j].part;
		return content <= 2 ? ASK_DEFINE : ASK_WHAT;
	}
	return ASK_WHAT;
}

static enum ask ask_of(struct qword *w, size_t n, size_t *unit)
{
	size_t at = 0, content = 0;

	while (at < n && !(w[at].asks & ASKS))
		at++;
	if (n > 0 && (w[0].asks & ASKS_YESNO) && (at == n || at > 2))
		return ASK_YESNO;
	if (at == n)
		return ASK_OTHER;
	/*
	 * "If I call X when …, how often": the main clause is the last that a question word begins.
	 */
	for (size_t i = at + 1; (w[at].asks & ASKS_CLAUSE) && i < n && at > 0; i++)
		if (w[i].asks & ASKS_MAIN)
			at = i;
	if (w[at].asks & ASKS_WHO) {
		for (size_t i = at + 1; i < n; i++)
			content += !w[i].word.stop && !w[i].part;
		if (at + 1 < n && (w[at + 1].asks & ASKS_BE) && content <= 2 && w[n - 1].word.name)
			return ASK_DEFINE;
		return ASK_WHO;
	}
	if (w[at].asks & ASKS_WHEN)
		return ASK_WHEN;
	if (w[at].asks & ASKS_WHERE)
		return ASK_WHERE;
	if (w[at].asks & ASKS_WHY)
		return ASK_WHY;
	if (w[at].asks & ASKS_HOW)
		return ask_how(w, n, at, unit);
	return ask_what(w, n, at);
}

/* ---- terms --------------------------------------------------------------------------------- */

/*
 * The slot of a stem, or a free one; NULL when too many stems crowd here, and this one is left out.
 */
static struct question_form *form_slot(struct question_form *table, size_t size, uint64_t stem)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct question_form *f = &table[(stem + i) & (size - 1)];

		if (f->term < 0 || f->stem == stem)
			return f;
	}
	return NULL;
}

/* The better match of a stem wins; between equals the first term. */
static void form_put(struct question_form *table, size_t size, uint64_t stem, int term, float match)
{
	struct question_form *f = form_slot(table, size, stem);

	if (f != NULL && (f->term < 0 || f->match < match))
		*f = (struct question_form){ .stem = stem, .term = (int16_t)term, .match = match };
}

static int form_find(const struct question_form *table, size_t size, uint64_t stem, float *match)
{
	for (size_t i = 0; i < PROBES; i++) {
		const struct question_form *f = &table[(stem + i) & (size - 1)];

		if (f->term < 0)
			return -1;
		if (f->stem == stem) {
			*match = f->match;
			return f->term;
		}
	}
	return -1;
}

static void forms_add(struct reader_question *q, struct words *w, const struct lexicon *x,
		      const struct word *word, int term)
{
	const char *row;
	struct word other;
	size_t at = 0;
	bool same;

	form_put(q->forms, ARRAY_LEN(q->forms), q->terms[term].stem, term, 1);
	if (word->n_stem >= HEAD_BYTES + 1 && word->kind == WORD_LETTERS)
		form_put(q->heads, ARRAY_LEN(q->heads), hash_bytes(word->stem, HEAD_BYTES), term,
			 MATCH_HEAD);
	while (lexicon_related(x, word->fold, word->n_fold, &at, &row, &same)) {
		words_start(w, row, strlen(row));
		while (words_next(w, &other))
			form_put(q->forms, ARRAY_LEN(q->forms),
				 hash_bytes(other.stem, other.n_stem), term,
				 same ? 1 : MATCH_RELATED);
	}
}

static float prior_of(const struct qword *w, const struct question_term *t)
{
	if (t->part)
		return 0.3f;
	if (t->identifier)
		return 1.5f;
	if (t->number)
		return 1.2f;
	if (t->name)
		return 1.3f;
	return w->cues & CUE_COMMON ? 0.5f : 1;
}

static void term_add(struct reader_question *q, struct words *w, const struct lexicon *x,
		     const struct qword *word, uint16_t pos, bool unit)
{
	struct question_term *t = &q->terms[q->n_terms];
	uint64_t stem = hash_bytes(word->word.stem, word->word.n_stem);

	if (q->n_terms == TERMS_MAX)
		return;
	for (size_t i = 0; i < q->n_terms; i++)
		if (q->terms[i].stem == stem)
			return;
	*t = (struct question_term){ .stem = stem, .pos = pos, .part = word->part, .unit = unit };
	t->number = word->word.kind == WORD_NUMBER;
	t->name = word->word.name && pos > 0;
	t->identifier = memchr(word->word.fold, '_', word->word.n_fold) != NULL;
	t->prior = prior_of(word, t);
	forms_add(q, w, x, &word->word, (int)q->n_terms++);
}

void question_read(struct reader_question *q, struct words *w, const struct lexicon *x,
		   struct ragd_str text)
{
	struct qword list[2 * TERMS_MAX];
	size_t n = 0, unit = SIZE_MAX, from = text.len > QUESTION_MAX ? text.len - QUESTION_MAX : 0;
	uint32_t end = 0;
	uint16_t pos = 0;
	struct word word;

	memset(q, 0, sizeof(*q));
	for (size_t i = 0; i < ARRAY_LEN(q->forms); i++)
		q->forms[i].term = -1;
	for (size_t i = 0; i < ARRAY_LEN(q->heads); i++)
		q->heads[i].term = -1;
	words_start(w, from > 0 ? text.s + from : text.s, text.len - from);
	while (n < ARRAY_LEN(list) && words_next(w, &word)) {
		list[n].word = word;
		list[n].part = n > 0 && word.start < end && word.kind != WORD_IDEOGRAPH;
		list[n].cues = lexicon_cues(x, hash_bytes(word.fold, word.n_fold));
		list[n].asks = lexicon_asks(x, hash_bytes(word.fold, word.n_fold));
		if (list[n].cues & CUE_NEGATION)
			q->negated = true;
		if (word.end > end)
			end = word.end;
		n++;
	}
	q->ask = ask_of(list, n, &unit);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && !list[i].part)
			pos++;
		if (!list[i].word.stop && !(list[i].asks & ASKS) && i + 1 != unit)
			term_add(q, w, x, &list[i], pos, i == unit);
	}
	/* Nothing but stop words, "who are you": then they are what there is. */
	for (size_t i = 0; i < n && q->n_terms == 0; i++)
		if (!(list[i].asks & ASKS) && !(list[i].cues & CUE_ARTICLE))
			term_add(q, w, x, &list[i], (uint16_t)i, false);
}

int question_match(const struct reader_question *q, const struct word *word, uint64_t stem,
		   float *match)
{
	int term = form_find(q->forms, ARRAY_LEN(q->forms), stem, match);

	if (term >= 0 || word->n_stem <= HEAD_BYTES || word->kind != WORD_LETTERS)
		return term;
	return form_find(q->heads, ARRAY_LEN(q->heads), hash_bytes(word->stem, HEAD_BYTES), match);
}
