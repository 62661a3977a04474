#include "engine/reader/lexicon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text/lang.h"
#include "base/util.h"

struct lexicon_slot {
	uint64_t hash; /* 0: empty */
	uint32_t cues, asks;
};

struct lexicon {
	struct lang *lang; /* NULL: of a language of which nothing is known */
	struct lexicon_slot *slots;
	size_t n_slots; /* a power of two, at least twice the number of words */
	const char *const *forms, *const *related;
	size_t n_forms, n_related;
};

/* clang-format off */
static const struct lexicon_section {
	const char *name;
	uint32_t cue, ask;
} sections[] = {
	{ "question-words", 0, ASKS },
	{ "auxiliaries",    0, ASKS_YESNO },
	{ "after-what",     0, ASKS_NO_NOUN },
	{ "be",             0, ASKS_BE },
	{ "prepositions",   0, ASKS_OF },
	{ "clauses",        0, ASKS_CLAUSE },
	{ "main",           0, ASKS_MAIN },
	{ "who",            0, ASKS_WHO },
	{ "when",           0, ASKS_WHEN },
	{ "where",          0, ASKS_WHERE },
	{ "why",            0, ASKS_WHY },
	{ "how",            0, ASKS_HOW },
	{ "how-many",       0, ASKS_MANY },
	{ "how-measured",   0, ASKS_MEASURE },
	{ "time-nouns",     0, ASKS_TIME },
	{ "place-nouns",    0, ASKS_PLACE },
	{ "person-nouns",   0, ASKS_PERSON },
	{ "reason-nouns",   0, ASKS_REASON },
	{ "numbers",        CUE_NUMBER, 0 },
	{ "calendar",       CUE_MONTH, 0 },
	{ "times",          CUE_TIME, 0 },
	{ "reasons",        CUE_REASON, 0 },
	{ "means",          CUE_MEANS, 0 },
	{ "copulas",        CUE_COPULA, 0 },
	{ "people",         CUE_PERSON, 0 },
	{ "places",         CUE_PLACE, 0 },
	{ "before-places",  CUE_AT, 0 },
	{ "pronouns",       CUE_PRONOUN, 0 },
	{ "negations",      CUE_NEGATION, 0 },
	{ "units",          CUE_UNIT, 0 },
	{ "modals",         CUE_MODAL, 0 },
	{ "articles",       CUE_ARTICLE, 0 },
	{ "amounts",        CUE_AMOUNT, 0 },
	{ "common",         CUE_COMMON, 0 },
	{ "names",          0, 0 },
	{ "no-answer",      0, 0 },
	{ "forms",          0, 0 },
	{ "related",        0, 0 },
};
/* clang-format on */

static const struct lexicon_section *section_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

/* The slot of a word, or the empty one where it would be. */
static struct lexicon_slot *slot_find(const struct lexicon *x, uint64_t hash)
{
	size_t at = hash & (x->n_slots - 1);

	while (x->slots[at].hash != 0 && x->slots[at].hash != hash)
		at = (at + 1) & (x->n_slots - 1);
	return &x->slots[at];
}

/* Words of a section; with `put` they go into the table. */
static size_t section_words(struct lexicon *x, const struct lexicon_section *s, bool put)
{
	size_t n_rows, n_words = 0, len;
	const char *const *rows = lang_rows(x->lang, s->name, &n_rows), *word;

	for (size_t i = 0; i < n_rows; i++)
		for (const char *at = rows[i]; (word = lang_word(&at, &len)) != NULL; n_words++) {
			uint64_t hash = hash_bytes(word, len);
			struct lexicon_slot *slot = put ? slot_find(x, hash) : NULL;

			if (slot == NULL)
				continue;
			slot->hash = hash;
			slot->cues |= s->cue;
			slot->asks |= s->ask;
		}
	return n_words;
}

/* A section that is spelt wrong would be missed by nobody. */
static int sections_check(const struct lang *l, struct ragd_err *err)
{
	const char *name;

	for (size_t i = 0; (name = lang_section(l, i)) != NULL; i++)
		if (section_find(name) == NULL)
			return ragd_err_set(err, -EINVAL, "%s: there is no section [%s]",
					    lang_path(l), name);
	return 0;
}

static int lexicon_fill(struct lexicon *x, struct ragd_err *err)
{
	size_t n_words = 0;

	for (size_t i = 0; x->lang != NULL && i < ARRAY_LEN(sections); i++)
		n_words += section_words(x, &sections[i], false);
	for (x->n_slots = 2; x->n_slots < 2 * n_words;)
		x->n_slots *= 2;
	x->slots = calloc(x->n_slots, sizeof(*x->slots));
	if (x->slots == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for %zu words", n_words);
	if (x->lang == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (sections[i].cue != 0 || sections[i].ask != 0)
			section_words(x, &sections[i], true);
	x->forms = lang_rows(x->lang, "forms", &x->n_forms);
	x->related = lang_rows(x->lang, "related", &x->n_related);
	return 0;
}

int lexicon_open(const char *dir, const char *language, struct lexicon **out, struct ragd_err *err)
{
	struct lexicon *x = calloc(1, sizeof(*x));
	int rc;

	if (x == NULL)
		return ragd_err_set(err, -ENOMEM, "language '%s': out of memory", language);
	rc = lang_open(dir, language, &x->lang, err);
	if (rc == 0)
		rc = sections_check(x->lang, err);
	if (rc == 0 || rc == -ENOENT)
		rc = lexicon_fill(x, err);
	if (rc < 0) {
		lexicon_close(x);
		return rc;
	}
	*out = x;
	return 0;
}

void lexicon_close(struct lexicon *x)
{
	if (x == NULL)
		return;
	lang_close(x->lang);
	free(x->slots);
	free(x);
}

bool lexicon_is_empty(const struct lexicon *x)
{
	return x->lang == NULL;
}

uint32_t lexicon_cues(const struct lexicon *x, uint64_t hash)
{
	return slot_find(x, hash)->cues;
}

uint32_t lexicon_asks(const struct lexicon *x, uint64_t hash)
{
	return slot_find(x, hash)->asks;
}

const char *lexicon_no_answer(const struct lexicon *x)
{
	size_t n = 0;
	const char *const *rows = x->lang != NULL ? lang_rows(x->lang, "no-answer", &n) : NULL;

	return n > 0 ? rows[0] : NULL;
}

static bool row_has_word(const char *row, const char *fold, size_t n)
{
	const char *word;
	size_t len;

	while ((word = lang_word(&row, &len)) != NULL)
		if (len == n && memcmp(word, fold, n) == 0)
			return true;
	return false;
}

bool lexicon_related(const struct lexicon *x, const char *fold, size_t n, size_t *at,
		     const char **row, bool *same)
{
	for (; *at < x->n_forms + x->n_related; ++*at) {
		size_t i = *at;

		*same = i < x->n_forms;
		*row = *same ? x->forms[i] : x->related[i - x->n_forms];
		if (row_has_word(*row, fold, n)) {
			++*at;
			return true;
		}
	}
	return false;
}
