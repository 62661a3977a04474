#include "engine/reader/extract.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/reader/features.h"
#include "engine/poll.h"
#include "engine/reader/scan.h"

/*
 * How much each feature speaks for a sentence: fitted as a softmax over the sentences of eight
 * passages on questions whose answering sentence is known (docs/extract.md); tables, code and
 * entries, which those texts lack, by judgement.
 */
static const float weights[F_N] = {
	[F_COVER] = 7.0f,       [F_COVER_HEAD] = 10.5f,   [F_COVER_BEFORE] = 7.9f,
	[F_COVER_NEAR] = 4.0f,  [F_COVER_PASSAGE] = 1.5f, [F_EXACT] = 1.4f,
	[F_DENSE] = 2.5f,       [F_PAIRS] = 1.0f,         [F_TYPE] = 0.7f,
	[F_TYPE_STRONG] = 0.6f, [F_TYPE_NEAR] = 2.0f,     [F_NEGATED] = 1.5f,
	[F_RANK] = 1.9f,        [F_FIRST] = 0.4f,         [F_SUBJECT] = 0.4f,
	[F_LENGTH] = 0.2f,      [F_SHORT] = -1.0f,        [F_QUESTION] = -1.0f,
	[F_ROW] = -0.5f,        [F_COMMENT] = -1.0f,      [F_CODE] = -6.0f,
	[F_ENTRY] = -3.0f,
};

/*
 * A further sentence joins the answer if its score is this little below the best's; the second, if
 * it is of another passage than the first, may lie a little lower, since it tells more.
 */
static const float slack[EXTRACT_MAX] = { 0, 3.0f, 2.0f, 1.5f, 1.0f };
#define SLACK_ELSEWHERE 1.0f

struct extract_reader {
	struct words *words;
	struct sentences *cut;
	const struct lexicon *lexicon;
	struct passage_scan scan;
	struct reader_question question;
};

struct extract_reader *extract_new(const char *language, const struct lexicon *lexicon)
{
	struct extract_reader *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->words = words_new(language);
	x->cut = sentences_new();
	x->lexicon = lexicon;
	if (x->words == NULL || x->cut == NULL) {
		extract_free(x);
		return NULL;
	}
	return x;
}

void extract_free(struct extract_reader *x)
{
	if (x == NULL)
		return;
	scan_fini(&x->scan);
	words_free(x->words);
	sentences_free(x->cut);
	free(x);
}

/* ---- choosing ------------------------------------------------------------------------------ */

struct choice {
	uint32_t sentence;
	float score;
};

static bool may_answer(const struct sentence *st)
{
	return st->kind != SENTENCE_HEADING && st->kind != SENTENCE_RULE && st->n_tokens > 0;
}

/* Keep the best, in order. */
static void choice_put(struct choice *best, size_t *n, size_t max, uint32_t sentence, float score)
{
	size_t at = *n;

	while (at > 0 && best[at - 1].score < score)
		at--;
	if (at == max)
		return;
	if (*n < max)
		++*n;
	memmove(&best[at + 1], &best[at], (*n - 1 - at) * sizeof(*best));
	best[at] = (struct choice){ sentence, score };
}

/*
 * How sure it is that the passages answer at all: a logistic of the best sentence's score and of
 * how much of the question, its names above all, is there. Fitted on questions with and without an
 * answer.
 */
static double sure_of(const float f[F_N], float score)
{
	float there = f[F_COVER] + f[F_COVER_HEAD] + f[F_COVER_BEFORE];
	float around = there + f[F_COVER_NEAR] + f[F_COVER_PASSAGE];
	double z = 0.31 * score + 0.51 * there + 1.17 * around + 1.6 * f[F_NAMES] - 5.36;

	return 1 / (1 + exp(-z));
}

/* Whether nearly all that sentence b says was said by a: overlapping passages, copied notes. */
static bool sentence_repeats(const struct passage_scan *s, uint32_t a, uint32_t b)
{
	const struct sentence *x = &s->sentences[a], *y = &s->sentences[b];
	uint32_t words = 0, same = 0;

	for (uint32_t i = 0; i < MIN(y->n_tokens, 256u); i++) {
		const struct scan_token *t = &s->tokens[y->token + i];
		bool found = false;

		if (t->flags & (SCAN_STOP | SCAN_PART))
			continue;
		for (uint32_t j = 0; j < MIN(x->n_tokens, 256u) && !found; j++)
			found = s->tokens[x->token + j].stem == t->stem;
		words++;
		same += found;
	}
	return words == 0 || 10 * same >= 8 * words;
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* Sentences of the answer, in the order of choosing. */
struct answer_list {
	uint32_t at[EXTRACT_MAX];
	size_t n, max;
};

static bool list_has(const struct answer_list *l, uint32_t sentence)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i] == sentence)
			return true;
	return false;
}

static void list_put(struct answer_list *l, uint32_t sentence)
{
	if (l->n < l->max && !list_has(l, sentence))
		l->at[l->n++] = sentence;
}

/* Whether the answer should say what best[i] says too. */
static bool list_wants(const struct answer_list *l, const struct passage_scan *s,
		       const struct choice *best, size_t i)
{
	float least = best[0].score - slack[l->n];
	bool elsewhere = true;

	if (l->n > 0 && s->sentences[best[i].sentence].kind == SENTENCE_CODE)
		return false;
	for (size_t j = 0; j < l->n; j++) {
		if (sentence_repeats(s, l->at[j], best[i].sentence))
			return false;
		elsewhere &=
			s->sentences[l->at[j]].passage != s->sentences[best[i].sentence].passage;
	}
	return best[i].score >= least - (elsewhere && l->n == 1 ? SLACK_ELSEWHERE : 0);
}

/*
 * A sentence that leans on the one before it takes that along, one that ends in a colon the next.
 */
static void list_put_with_neighbours(struct answer_list *l, const struct passage_scan *s,
				     uint32_t i)
{
	const struct sentence *st = &s->sentences[i];
	const char *text = s->passages[st->passage].text.s;

	list_put(l, i);
	if (st->pronoun && st->follows && st->kind == SENTENCE_PROSE && may_answer(st - 1) &&
	    st[-1].kind == SENTENCE_PROSE)
		list_put(l, i - 1);
	if ((text[st->end - 1] == ':' || st->kind == SENTENCE_ENTRY) && i + 1 < s->n_sentences &&
	    st[1].passage == st->passage && may_answer(&st[1]))
		list_put(l, i + 1);
}

/* In the order of choosing, but neighbours in the text together and in its order. */
static ssize_t list_write(const struct answer_list *l, const struct passage_scan *s,
			  struct extract_pick out[EXTRACT_MAX])
{
	uint32_t written[EXTRACT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint32_t at = l->at[i];
		bool again = false;

		for (size_t j = 0; j < n; j++)
			again |= written[j] == at;
		if (again)
			continue;
		while (s->sentences[at].ordinal > 0 && list_has(l, at - 1))
			at--;
		do {
			const struct sentence *st = &s->sentences[at];

			out[n] = (struct extract_pick){ st->passage, st->start, st->end };
			written[n++] = at++;
		} while (at < s->n_sentences && s->sentences[at].ordinal > 0 && list_has(l, at));
	}
	return (ssize_t)n;
}

ssize_t extract_read(struct extract_reader *x, struct ragd_str question,
		     const struct ragd_passage *passages, size_t n,
		     const struct extract_options *options, const struct ragd_call *call,
		     struct extract_pick out[EXTRACT_MAX], double *sure)
{
	const struct passage_scan *s = &x->scan;
	struct answer_list list = { .max = options->max_sentences };
	struct choice best[2 * EXTRACT_MAX];
	size_t n_best = 0;
	struct weights w;
	float f[F_N];
	int rc;

	*sure = 0;
	question_read(&x->question, x->words, x->lexicon, question);
	if (x->question.n_terms == 0)
		return 0;
	rc = scan_read(&x->scan, &x->question, x->words, x->cut, x->lexicon, passages, n, call);
	if (rc < 0)
		return rc;
	rc = features_weigh(&x->question, s, &x->scan.poll, &w);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < s->n_sentences; i++) {
		float score = 0;

		if (!may_answer(&s->sentences[i]))
			continue;
		if (!poll_goes_on(&x->scan.poll, features_of(&x->question, s, &w, i, f)))
			return x->scan.poll.rc;
		for (size_t k = 0; k < F_N; k++)
			score += weights[k] * f[k];
		choice_put(best, &n_best, ARRAY_LEN(best), i, score);
	}
	if (n_best == 0)
		return 0;
	for (size_t i = 0; i < MIN(n_best, 3u); i++) {
		features_of(&x->question, s, &w, best[i].sentence, f);
		*sure = MAX(*sure, sure_of(f, best[i].score));
	}
	if (*sure < options->threshold)
		return 0;
	for (size_t i = 0; i < n_best && list.n < list.max; i++)
		if (list_wants(&list, s, best, i))
			list_put_with_neighbours(&list, s, best[i].sentence);
	return list_write(&list, s, out);
}
