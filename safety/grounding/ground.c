#include "safety/grounding/ground.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text/ascii.h"
#include "base/text/sentences.h"
#include "base/text/words.h"
#include "base/util.h"
#include "safety/grounding/claim.h"
#include "safety/grounding/disclaimer.h"

#define CLAIM_MAX  64 /* tokens of a sentence that are compared: one bit each */
#define QUOTE_MIN  16 /* bytes; less may stand anywhere by chance */
#define WINDOW_MAX 3  /* neighbouring sentences that may support together */

/* A sentence of a passage. */
struct evidence_sentence {
	uint32_t passage;
	uint32_t start;
	uint32_t end;
	uint32_t first; /* tokens[first .. first + n) */
	uint32_t n;
	struct claim_marks marks;
};

struct ground {
	const struct ragd_screen *screen;
	const struct claim_lexicon *lexicon;
	struct words *words;
	struct sentences *sentences;
	struct evidence_sentence *pieces;
	size_t n_pieces;
	size_t cap_pieces;
	struct claim_token *tokens; /* of pieces; then of titles; then of the question */
	size_t n_tokens;
	size_t cap_tokens;
	uint32_t *titles; /* tokens[titles[i] .. titles[i + 1]) stand above passage i */
	size_t question;  /* tokens[question .. n_tokens) */
};

/* The sentence that is checked. */
struct claim_words {
	struct claim_token token[CLAIM_MAX];
	float weight[CLAIM_MAX];
	size_t n;
	size_t n_words; /* tokens, repeated ones too */
	uint64_t numbers;
	uint64_t names;
	struct claim_marks marks;
	/* Open addressing: 0 for free, else index + 1. */
	uint8_t slot[4 * CLAIM_MAX];
};

static int add_token(void *arg, const struct claim_token *t)
{
	struct ground *g = arg;

	if (!array_reserve(&g->tokens, &g->cap_tokens, g->n_tokens + 1, sizeof(*g->tokens)))
		return -ENOMEM;
	g->tokens[g->n_tokens++] = *t;
	return 0;
}

static struct evidence_sentence *add_piece(struct ground *g)
{
	if (!array_reserve(&g->pieces, &g->cap_pieces, g->n_pieces + 1, sizeof(*g->pieces)))
		return NULL;
	return &g->pieces[g->n_pieces++];
}

static int read_passage(struct ground *g, uint32_t i, struct stop_check *stop)
{
	const struct ragd_str text = g->screen->passages[i].text;
	size_t start, end;
	int rc;

	sentences_start(g->sentences, text.s, text.len);
	while (sentences_next(g->sentences, &start, &end)) {
		struct evidence_sentence *p = add_piece(g);

		if (p == NULL)
			return -ENOMEM;
		if (!stop_check_step(stop, end - start))
			return stop->rc;
		*p = (struct evidence_sentence){ .passage = i,
						 .start = (uint32_t)start,
						 .end = (uint32_t)end,
						 .first = (uint32_t)g->n_tokens };
		rc = claim_read(g->words, g->lexicon, text.s + start, end - start, &p->marks,
				add_token, g);
		if (rc < 0)
			return rc;
		p->n = (uint32_t)g->n_tokens - p->first;
	}
	return 0;
}

static int read_evidence(struct ground *g, struct stop_check *stop)
{
	const struct ragd_screen *s = g->screen;
	struct claim_marks unused;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < s->n_passages; i++)
		rc = read_passage(g, i, stop);
	for (size_t i = 0; rc == 0 && i < s->n_passages; i++) {
		const struct ragd_passage *p = &s->passages[i];

		g->titles[i] = (uint32_t)g->n_tokens;
		rc = claim_read(g->words, g->lexicon, p->title.s, p->title.len, &unused, add_token,
				g);
		if (rc == 0)
			rc = claim_read(g->words, g->lexicon, p->heading.s, p->heading.len, &unused,
					add_token, g);
	}
	g->titles[s->n_passages] = (uint32_t)g->n_tokens;
	g->question = g->n_tokens;
	if (rc == 0)
		rc = claim_read(g->words, g->lexicon, s->question.s, s->question.len, &unused,
				add_token, g);
	return rc;
}

int ground_new(const struct ragd_screen *screen, const struct claim_lexicon *lexicon,
	       struct stop_check *stop, struct ground **out, struct ragd_err *err)
{
	struct ground *g = calloc(1, sizeof(*g));
	int rc = 0;

	if (g == NULL)
		return ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	g->screen = screen;
	g->lexicon = lexicon;
	g->words = words_new(lexicon->language);
	g->sentences = sentences_new();
	g->titles = calloc(screen->n_passages + 1, sizeof(*g->titles));
	if (g->words == NULL || g->sentences == NULL || g->titles == NULL ||
	    read_evidence(g, stop) < 0)
		rc = stop->rc < 0 ? stop_check_error(stop, err)
				  : ragd_err_set(err, -ENOMEM, "grounding: out of memory");
	if (rc < 0) {
		ground_free(g);
		return rc;
	}
	*out = g;
	return 0;
}

void ground_free(struct ground *g)
{
	if (g == NULL)
		return;
	words_free(g->words);
	sentences_free(g->sentences);
	free(g->pieces);
	free(g->tokens);
	free(g->titles);
	free(g);
}

/* ---- the claim ---- */

/* The claim's token with this hash, or -1. */
static int claim_find(const struct claim_words *c, uint64_t hash)
{
	size_t i = (size_t)hash % ARRAY_LEN(c->slot);

	for (; c->slot[i] != 0; i = (i + 1) % ARRAY_LEN(c->slot))
		if (c->token[c->slot[i] - 1].hash == hash)
			return c->slot[i] - 1;
	return -1;
}

static int claim_add(void *arg, const struct claim_token *t)
{
	struct claim_words *c = arg;
	size_t i = (size_t)t->hash % ARRAY_LEN(c->slot);

	c->n_words++;
	if (c->n == CLAIM_MAX || claim_find(c, t->hash) >= 0)
		return 0;
	while (c->slot[i] != 0)
		i = (i + 1) % ARRAY_LEN(c->slot);
	if (t->kind == TOKEN_NUMBER)
		c->numbers |= UINT64_C(1) << c->n;
	if (t->kind == TOKEN_NAME)
		c->names |= UINT64_C(1) << c->n;
	c->token[c->n++] = *t;
	c->slot[i] = (uint8_t)c->n;
	return 0;
}

/* Which of the claim's tokens are among tokens[first .. first + n). */
static uint64_t mask_of(const struct ground *g, const struct claim_words *c, size_t first, size_t n)
{
	uint64_t mask = 0;

	for (size_t i = first; i < first + n; i++) {
		int k = claim_find(c, g->tokens[i].hash);

		if (k >= 0)
			mask |= UINT64_C(1) << k;
	}
	return mask;
}

static float weight_of(const struct claim_words *c, uint64_t mask)
{
	float sum = 0;

	for (size_t i = 0; i < c->n; i++)
		if (mask >> i & 1)
			sum += c->weight[i];
	return sum;
}

/* The rarer in the evidence, the heavier; a word that is not there at all is the heaviest. */
static void claim_weigh(const struct ground *g, struct claim_words *c, const uint64_t *masks)
{
	for (size_t i = 0; i < c->n; i++) {
		unsigned df = 0;

		for (size_t p = 0; p < g->n_pieces; p++)
			df += masks[p] >> i & 1;
		c->weight[i] = logf(1.0f + (float)(g->n_pieces + 1) / ((float)df + 0.5f));
		/* The number of sentences should not decide how much rarity counts. */
		c->weight[i] =
			0.5f + 0.5f * c->weight[i] / logf(1.0f + 2.0f * (float)(g->n_pieces + 1));
		if (c->token[i].kind == TOKEN_NUMBER)
			c->weight[i] *= 2.0f;
		if (c->token[i].kind == TOKEN_NAME)
			c->weight[i] *= 1.5f;
	}
}

/* Whether one has a side of a pair, and the other the other side. */
static bool sides_oppose(uint64_t a, uint64_t b)
{
	const uint64_t one = 0x5555555555555555u;
	uint64_t a_one = a & ~(a >> 1) & one, a_other = a >> 1 & ~a & one;
	uint64_t b_one = b & ~(b >> 1) & one, b_other = b >> 1 & ~b & one;

	return ((a_one & b_other) | (a_other & b_one)) != 0;
}

struct support_context {
	uint64_t question;
	float total;
};

/* How well pieces [first, first + n) of one passage support the claim; 0 .. 1. */
static float support_of(const struct ground *g, const struct claim_words *c, const uint64_t *masks,
			size_t first, size_t n, uint64_t title, const struct support_context *ctx)
{
	uint64_t all = 0, missing;
	size_t best = first;
	float best_weight = -1, got, s;

	for (size_t i = first; i < first + n; i++) {
		float w = weight_of(c, masks[i]);

		all |= masks[i];
		if (w > best_weight) {
			best_weight = w;
			best = i;
		}
	}
	got = weight_of(c, all) + 0.8f * weight_of(c, title & ~all);
	/* Words of the question are no claim: they need less support, and give none. */
	s = got / (ctx->total - 0.6f * weight_of(c, ctx->question & ~title & ~all));
	missing = ~(all | title | ctx->question);
	if (c->numbers & missing)
		s *= 0.3f;
	/* One wrong name makes a sentence wrong, however much of it is right. */
	if (c->names & missing)
		s *= 0.55f;
	/* What the sentence that says most of it denies, and the other way round. */
	if ((c->marks.n_negations % 2) != (g->pieces[best].marks.n_negations % 2))
		s *= 0.5f;
	if (sides_oppose(c->marks.sides, g->pieces[best].marks.sides))
		s *= 0.5f;
	return s - 0.03f * (float)(n - 1);
}

/* ---- the verdict ---- */

static enum ground_verdict claim_kind(const struct ground *g, const struct claim_words *c,
				      const char *sentence, size_t len)
{
	const struct claim_marks *m = &c->marks;
	size_t n_question = g->n_tokens - g->question;
	const struct claim_token *question = n_question > 0 ? g->tokens + g->question : NULL;
	size_t plain = c->n_words > m->n_asking + m->n_holding
			       ? c->n_words - m->n_asking - m->n_holding
			       : 0;

	if (m->denies &&
	    disclaimer_matches(g->words, g->lexicon, question, n_question, sentence, len))
		return GROUND_DISCLAIMER;
	if (c->n_words == 0 || plain == 0)
		return GROUND_NO_CLAIM;
	while (len > 0 && strchr(" \n\t*_\"')", sentence[len - 1]) != NULL)
		len--;
	if (len > 0 && sentence[len - 1] == '?')
		return GROUND_NO_CLAIM;
	/* A heading or the words before a list. */
	if (len > 0 && sentence[len - 1] == ':' && c->numbers == 0 && plain <= 3 && m->n_asking > 0)
		return GROUND_NO_CLAIM;
	return GROUND_UNSUPPORTED;
}

static void best_window(const struct ground *g, const struct claim_words *c, const uint64_t *masks,
			uint64_t hints, float threshold, struct ground_support *out)
{
	struct support_context ctx = { .total = weight_of(c, UINT64_MAX) };
	float best = -1;
	uint64_t title = 0;
	uint32_t passage = UINT32_MAX;

	ctx.question = mask_of(g, c, g->question, g->n_tokens - g->question);
	for (size_t i = 0; i < g->n_pieces; i++) {
		const struct evidence_sentence *p = &g->pieces[i];

		if (p->passage != passage) {
			passage = p->passage;
			title = mask_of(g, c, g->titles[passage],
					g->titles[passage + 1] - g->titles[passage]);
		}
		for (size_t n = 1; n <= WINDOW_MAX && i + n <= g->n_pieces; n++) {
			float s, rank;

			if (g->pieces[i + n - 1].passage != passage)
				break;
			if (n == 1 && masks[i] == 0)
				break; /* a window begins with something that counts */
			s = support_of(g, c, masks, i, n, title, &ctx);
			rank = s;
			if (s >= threshold && passage < 64 && hints >> passage & 1)
				rank += 1; /* the passage that the sentence itself names */
			if (rank <= best)
				continue;
			best = rank;
			*out = (struct ground_support){ passage, p->start, g->pieces[i + n - 1].end,
							s };
		}
	}
	out->score = MAX(0.0f, MIN(1.0f, out->score));
}

/* A sentence that stands in a passage word for word, as those of the extractive reader do. */
static bool find_quote(const struct ground *g, const char *sentence, size_t len, uint64_t hints,
		       struct ground_support *out)
{
	uint32_t from = UINT32_MAX, to = 0, best = UINT32_MAX;
	const char *at = NULL;

	while (len > 0 && ascii_is_space(sentence[len - 1]))
		len--;
	if (len < QUOTE_MIN)
		return false;
	for (uint32_t i = 0; i < g->screen->n_passages; i++) {
		const struct ragd_str text = g->screen->passages[i].text;
		const char *p = text.len < len ? NULL : memmem(text.s, text.len, sentence, len);

		if (p == NULL || (best != UINT32_MAX && !(i < 64 && hints >> i & 1)))
			continue;
		at = p;
		best = i;
		if (i < 64 && hints >> i & 1)
			break;
	}
	if (best == UINT32_MAX)
		return false;
	for (size_t i = 0; i < g->n_pieces; i++) {
		const struct evidence_sentence *p = &g->pieces[i];
		size_t off = (size_t)(at - g->screen->passages[best].text.s);

		if (p->passage != best || p->end <= off || p->start >= off + len)
			continue;
		from = MIN(from, p->start);
		to = MAX(to, p->end);
	}
	if (from >= to)
		return false;
	*out = (struct ground_support){ best, from, to, 1.0f };
	return true;
}

int ground_check(struct ground *g, const char *sentence, size_t len, uint64_t hints,
		 float threshold, struct stop_check *stop, enum ground_verdict *verdict,
		 struct ground_support *support)
{
	struct claim_words c = { 0 };
	uint64_t *masks;

	if (!stop_check_step(stop, len + g->n_tokens + g->n_pieces))
		return stop->rc;
	*support = (struct ground_support){ 0 };
	if (claim_read(g->words, g->lexicon, sentence, len, &c.marks, claim_add, &c) < 0)
		return -ENOMEM;
	*verdict = claim_kind(g, &c, sentence, len);
	if (c.n == 0 || g->n_pieces == 0)
		return 0;
	if (find_quote(g, sentence, len, hints, support)) {
		*verdict = GROUND_SUPPORTED;
		return 0;
	}
	masks = malloc(g->n_pieces * sizeof(*masks));
	if (masks == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_pieces; i++)
		masks[i] = mask_of(g, &c, g->pieces[i].first, g->pieces[i].n);
	claim_weigh(g, &c, masks);
	best_window(g, &c, masks, hints, threshold, support);
	free(masks);
	if (support->score >= threshold && *verdict != GROUND_DISCLAIMER)
		*verdict = GROUND_SUPPORTED;
	return 0;
}
