#include "engine/reader/lexicon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/lang.h"
#include "base/text/lang_index.h"
#include "base/util.h"

struct lexicon {
	struct lang *lang;       /* NULL: of a language of which nothing is known */
	struct lang_index words; /* cues below, what is asked above */
	const char *const *forms, *const *related;
	size_t n_forms, n_related;
};

#define ASK(bits) ((uint64_t)(bits) << 32)

/* clang-format off */
static const struct lang_section_bits sections[] = {
	{ "question-words", ASK(ASKS) },
	{ "auxiliaries",    ASK(ASKS_YESNO) },
	{ "after-what",     ASK(ASKS_NO_NOUN) },
	{ "be",             ASK(ASKS_BE) },
	{ "prepositions",   ASK(ASKS_OF) },
	{ "clauses",        ASK(ASKS_CLAUSE) },
	{ "main",           ASK(ASKS_MAIN) },
	{ "who",            ASK(ASKS_WHO) },
	{ "when",           ASK(ASKS_WHEN) },
	{ "where",          ASK(ASKS_WHERE) },
	{ "why",            ASK(ASKS_WHY) },
	{ "how",            ASK(ASKS_HOW) },
	{ "how-many",       ASK(ASKS_MANY) },
	{ "how-measured",   ASK(ASKS_MEASURE) },
	{ "time-nouns",     ASK(ASKS_TIME) },
	{ "place-nouns",    ASK(ASKS_PLACE) },
	{ "person-nouns",   ASK(ASKS_PERSON) },
	{ "reason-nouns",   ASK(ASKS_REASON) },
	{ "numbers",        CUE_NUMBER },
	{ "calendar",       CUE_MONTH },
	{ "times",          CUE_TIME },
	{ "reasons",        CUE_REASON },
	{ "means",          CUE_MEANS },
	{ "copulas",        CUE_COPULA },
	{ "people",         CUE_PERSON },
	{ "places",         CUE_PLACE },
	{ "before-places",  CUE_AT },
	{ "pronouns",       CUE_PRONOUN },
	{ "negations",      CUE_NEGATION },
	{ "units",          CUE_UNIT },
	{ "modals",         CUE_MODAL },
	{ "articles",       CUE_ARTICLE },
	{ "amounts",        CUE_AMOUNT },
	{ "common",         CUE_COMMON },
	{ "names",          0 },
	{ "no-answer",      0 },
	{ "forms",          0 },
	{ "related",        0 },
};
/* clang-format on */

static int lexicon_fill(struct lexicon *x, struct ragd_err *err)
{
	int rc;

	if (lang_index_init(&x->words) < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory for the words of a language");
	if (x->lang == NULL)
		return 0;
	rc = lang_index_fill(&x->words, x->lang, sections, ARRAY_LEN(sections), err);
	x->forms = lang_rows(x->lang, "forms", &x->n_forms);
	x->related = lang_rows(x->lang, "related", &x->n_related);
	return rc;
}

int lexicon_open(const char *dir, const char *language, struct lexicon **out, struct ragd_err *err)
{
	struct lexicon *x = calloc(1, sizeof(*x));
	int rc;

	if (x == NULL)
		return ragd_err_set(err, -ENOMEM, "language '%s': out of memory", language);
	rc = lang_open(dir, language, &x->lang, err);
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
	lang_index_fini(&x->words);
	free(x);
}

bool lexicon_is_empty(const struct lexicon *x)
{
	return x->lang == NULL;
}

uint32_t lexicon_cues(const struct lexicon *x, uint64_t hash)
{
	return (uint32_t)lang_index_find(&x->words, hash);
}

uint32_t lexicon_asks(const struct lexicon *x, uint64_t hash)
{
	return (uint32_t)(lang_index_find(&x->words, hash) >> 32);
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
