#include "retrieval/passages/terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/text/words.h"
#include "base/util.h"

const float terms_weight[TERMS_COLUMNS] = {
	[TERMS_TITLE] = 2.0f,
	[TERMS_HEADING] = 1.0f,
	[TERMS_BODY] = 1.0f,
};

/* A slot of the table that counts one passage's terms. Valid if epoch is the table's. */
struct count {
	uint64_t hash;
	uint32_t epoch;
	uint32_t at; /* index into order */
};

struct terms {
	struct words *words;
	struct count *table;
	uint32_t cap; /* a power of two */
	uint32_t epoch;
	struct term *order; /* the passage's terms as they came; room for cap / 2 */
	uint32_t n_order;
	struct buf tokens; /* of all columns, one after the other */
};

struct terms *terms_new(const char *language, struct ragd_err *err)
{
	struct terms *t = calloc(1, sizeof(*t));

	if (t == NULL)
		goto fail;
	t->cap = 2048;
	t->table = calloc(t->cap, sizeof(*t->table));
	t->order = calloc(t->cap / 2, sizeof(*t->order));
	if (t->table == NULL || t->order == NULL)
		goto fail;
	t->words = words_new(language);
	if (t->words == NULL) {
		ragd_err_set(err, -EINVAL, "language '%s' is not one that Snowball can stem",
			     language);
		terms_free(t);
		return NULL;
	}
	return t;
fail:
	ragd_err_set(err, -ENOMEM, "out of memory for a tokenizer");
	terms_free(t);
	return NULL;
}

void terms_free(struct terms *t)
{
	if (t == NULL)
		return;
	words_free(t->words);
	free(t->table);
	free(t->order);
	buf_fini(&t->tokens);
	free(t);
}

static int terms_grow(struct terms *t)
{
	uint32_t cap = t->cap * 2;
	struct term *order = realloc(t->order, cap / 2 * sizeof(*order));
	struct count *table;

	if (order == NULL)
		return -ENOMEM;
	t->order = order;
	table = calloc(cap, sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	free(t->table);
	t->table = table;
	t->cap = cap;
	t->epoch = 1;
	for (uint32_t i = 0; i < t->n_order; i++) {
		uint32_t at = (uint32_t)t->order[i].hash & (cap - 1);

		while (table[at].epoch == t->epoch)
			at = (at + 1) & (cap - 1);
		table[at] = (struct count){ t->order[i].hash, t->epoch, i };
	}
	return 0;
}

static int count_term(struct terms *t, uint64_t hash, float tf)
{
	uint32_t at;

	if (t->n_order == t->cap / 2 && terms_grow(t) < 0)
		return -ENOMEM;
	at = (uint32_t)hash & (t->cap - 1);
	while (t->table[at].epoch == t->epoch) {
		if (t->table[at].hash == hash) {
			t->order[t->table[at].at].tf += tf;
			return 0;
		}
		at = (at + 1) & (t->cap - 1);
	}
	t->table[at] = (struct count){ hash, t->epoch, t->n_order };
	t->order[t->n_order++] = (struct term){ hash, tf };
	return 0;
}

static void count_start(struct terms *t)
{
	if (++t->epoch == 0) { /* once in 2^32 passages */
		memset(t->table, 0, t->cap * sizeof(*t->table));
		t->epoch = 1;
	}
	t->n_order = 0;
}

/*
 * One column: its words into the counts and the tokens. Stop words of the body are not indexed:
 * they are near half of all words and say nothing of what it is about. Those of titles are, so that
 * "The Who" is found.
 */
static int add_column(struct terms *t, enum terms_column column, struct ragd_str text,
		      float *length)
{
	struct word w;

	words_start(t->words, text.s, text.len);
	while (words_next(t->words, &w)) {
		if (w.n_stem == 0 || (w.stop && column == TERMS_BODY))
			continue;
		buf_add(&t->tokens, w.stem, w.n_stem);
		buf_addc(&t->tokens, ' ');
		if (w.stop)
			continue;
		*length += terms_weight[column];
		if (count_term(t, hash_bytes(w.stem, w.n_stem), terms_weight[column]) < 0)
			return -ENOMEM;
	}
	return 0;
}

int terms_passage(struct terms *t, struct arena *arena, struct ragd_str title,
		  struct ragd_str heading, struct ragd_str body, struct terms_passage *out,
		  struct ragd_err *err)
{
	const struct ragd_str columns[TERMS_COLUMNS] = { title, heading, body };
	size_t ends[TERMS_COLUMNS];
	struct terms_passage p = { 0 };
	struct term *terms;
	char *tokens;
	float length = 0;

	buf_clear(&t->tokens);
	count_start(t);
	for (int i = 0; i < TERMS_COLUMNS; i++) {
		if (add_column(t, i, columns[i], &length) < 0)
			goto nomem;
		ends[i] = t->tokens.len;
	}
	tokens = arena_alloc(arena, t->tokens.len + 1, 1);
	terms = arena_alloc(arena, t->n_order + 1, sizeof(*terms));
	if (buf_failed(&t->tokens) || tokens == NULL || terms == NULL)
		goto nomem;
	if (t->tokens.len > 0)
		memcpy(tokens, t->tokens.data, t->tokens.len);
	memcpy(terms, t->order, t->n_order * sizeof(*terms));
	for (int i = 0; i < TERMS_COLUMNS; i++) {
		size_t from = i == 0 ? 0 : ends[i - 1];

		p.tokens[i] = (struct ragd_str){ tokens + from, ends[i] - from };
	}
	p.terms = terms;
	p.n_terms = t->n_order;
	p.length = (uint16_t)(length < TERMS_LENGTH_MAX ? length : TERMS_LENGTH_MAX);
	*out = p;
	return 0;
nomem:
	return ragd_err_set(err, -ENOMEM, "out of memory while a passage was cut into words");
}

static struct terms_word *find_word(struct terms_word *words, ssize_t n, uint64_t hash)
{
	for (ssize_t i = 0; i < n; i++)
		if (words[i].hash == hash)
			return &words[i];
	return NULL;
}

/* Drop stop words, unless all are. */
static ssize_t drop_stops(struct terms_word *words, ssize_t n)
{
	ssize_t kept = 0;

	for (ssize_t i = 0; i < n; i++)
		if (!words[i].stop)
			words[kept++] = words[i];
	return kept > 0 ? kept : n;
}

ssize_t terms_query(struct terms *t, struct arena *arena, struct ragd_str text,
		    struct terms_word **out, struct ragd_err *err)
{
	struct terms_word *words = arena_alloc(arena, TERMS_QUERY_MAX, sizeof(*words));
	struct word w;
	ssize_t n = 0;

	if (words == NULL)
		goto nomem;
	words_start(t->words, text.s, MIN(text.len, TERMS_TEXT_MAX));
	while (n < TERMS_QUERY_MAX && words_next(t->words, &w)) {
		uint64_t hash = hash_bytes(w.stem, w.n_stem);
		struct terms_word *seen = find_word(words, n, hash);

		if (w.n_stem == 0)
			continue;
		if (seen != NULL) {
			seen->n++;
			seen->stop = seen->stop && w.stop;
			continue;
		}
		words[n].stem.s = arena_strndup(arena, w.stem, w.n_stem);
		if (words[n].stem.s == NULL)
			goto nomem;
		words[n].stem.len = w.n_stem;
		words[n].hash = hash;
		words[n].stop = w.stop;
		words[n++].n = 1;
	}
	*out = words;
	return drop_stops(words, n);
nomem:
	return ragd_err_set(err, -ENOMEM, "out of memory for the words of a query");
}
