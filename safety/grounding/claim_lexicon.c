#include "safety/grounding/claim_lexicon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text/lang.h"
#include "base/text/stems.h"
#include "base/text/words.h"
#include "base/util.h"

#define NUMBER_SHIFT (CLAIM_LEXICON_FLAGS + 2 * CLAIM_LEXICON_PAIRS)

_Static_assert(NUMBER_SHIFT + 6 == 64 && CLAIM_LEXICON_NUMBERS < 1 << 6, "all in 64 bits");

/* clang-format off */
static const struct lang_section_bits sections[] = {
	{ "names",            0 },
	{ "negations",        CLAIM_NEGATES },
	{ "negation-endings", 0 },
	{ "opposites",        0 },
	{ "numbers",          0 },
	{ "asking",           CLAIM_ASKING },
	{ "holding",          CLAIM_HOLDING },
	{ "speakers",         CLAIM_SPEAKS },
	{ "sources",          CLAIM_SOURCE },
	{ "inside",           CLAIM_INSIDE },
	{ "states",           CLAIM_STATES },
	{ "knowing",          CLAIM_KNOWS },
	{ "stated",           CLAIM_STATED },
	{ "answers",          CLAIM_ANSWER },
	{ "unstated",         CLAIM_UNSTATED },
	{ "nothing",          CLAIM_NOTHING },
	{ "there",            CLAIM_THERE },
	{ "fillers",          CLAIM_FILLER },
	{ "about",            CLAIM_ABOUT },
	{ "asks",             CLAIM_ASKS },
	{ "but",              CLAIM_BUT },
	{ "and",              CLAIM_AND },
	{ "auxiliaries",      CLAIM_FINITE },
	{ "kinds",            CLAIM_KIND },
};
/* clang-format on */

static int out_of_memory(const struct claim_lexicon *x, struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "%s: out of memory", lang_path(x->lang));
}

/* The words of a pair by their stems, so that a file lists no endings. */
static int pair_add(struct claim_lexicon *x, struct stems *stems, const char *row, unsigned k,
		    struct ragd_err *err)
{
	unsigned side = 0;
	char stem[WORD_MAX];
	const char *word;
	size_t len;
	bool stop;

	for (const char *at = row; (word = lang_word(&at, &len)) != NULL;) {
		size_t n_stem;

		if (len == 1 && *word == '|') {
			side++;
			continue;
		}
		if (side > 1 || len > WORD_MAX)
			break;
		n_stem = stems_find(stems, word, (uint8_t)len, stem, &stop);
		if (lang_index_add(&x->words, hash_bytes(stem, n_stem),
				   UINT64_C(1) << (CLAIM_LEXICON_FLAGS + 2 * k + side)) < 0)
			return out_of_memory(x, err);
	}
	if (word != NULL || side != 1)
		return ragd_err_set(err, -EINVAL, "%s: a pair of [opposites] is WORDS | WORDS: %s",
				    lang_path(x->lang), row);
	return 0;
}

static int pairs_add(struct claim_lexicon *x, struct ragd_err *err)
{
	struct stems *stems = stems_new(x->language);
	size_t n;
	const char *const *rows = lang_rows(x->lang, "opposites", &n);
	int rc = 0;

	if (stems == NULL)
		return ragd_err_set(err, -EINVAL, "there is no stemmer for '%s'", x->language);
	if (n > CLAIM_LEXICON_PAIRS)
		rc = ragd_err_set(err, -EINVAL, "%s: more than %d pairs of [opposites]",
				  lang_path(x->lang), CLAIM_LEXICON_PAIRS);
	for (unsigned k = 0; rc == 0 && k < n; k++)
		rc = pair_add(x, stems, rows[k], k, err);
	stems_free(stems);
	return rc;
}

/* A row is a number's digits and the words for it. */
static int numbers_add(struct claim_lexicon *x, struct ragd_err *err)
{
	size_t n, len;
	const char *const *rows = lang_rows(x->lang, "numbers", &n), *word;

	if (n > CLAIM_LEXICON_NUMBERS)
		return ragd_err_set(err, -EINVAL, "%s: more than %d rows of [numbers]",
				    lang_path(x->lang), CLAIM_LEXICON_NUMBERS);
	for (size_t i = 0; i < n; i++) {
		const char *at = rows[i];

		word = lang_word(&at, &len);
		if (strspn(word, "0123456789") != len)
			return ragd_err_set(err, -EINVAL,
					    "%s: a row of [numbers] begins with digits: %s",
					    lang_path(x->lang), rows[i]);
		x->numbers[i] = hash_bytes(word, len);
		while ((word = lang_word(&at, &len)) != NULL)
			if (lang_index_add(&x->words, hash_bytes(word, len),
					   (uint64_t)(i + 1) << NUMBER_SHIFT) < 0)
				return out_of_memory(x, err);
	}
	return 0;
}

static int lexicon_fill(struct claim_lexicon *x, struct ragd_err *err)
{
	int rc;

	if (x->language == NULL || lang_index_init(&x->words) < 0)
		return out_of_memory(x, err);
	rc = lang_index_fill(&x->words, x->lang, sections, ARRAY_LEN(sections), err);
	if (rc == 0)
		rc = pairs_add(x, err);
	if (rc == 0)
		rc = numbers_add(x, err);
	x->endings = lang_rows(x->lang, "negation-endings", &x->n_endings);
	return rc;
}

/* Of what lang_open() or lang_parse() read, if it is not in error. */
static int lexicon_build(struct lang *lang, int rc, const char *language,
			 struct claim_lexicon **out, struct ragd_err *err)
{
	struct claim_lexicon *x = rc == 0 ? calloc(1, sizeof(*x)) : NULL;

	if (rc < 0)
		return rc;
	if (x == NULL) {
		lang_close(lang);
		return ragd_err_set(err, -ENOMEM, "language '%s': out of memory", language);
	}
	x->lang = lang;
	x->language = strdup(language);
	rc = lexicon_fill(x, err);
	if (rc < 0) {
		claim_lexicon_close(x);
		return rc;
	}
	*out = x;
	return 0;
}

int claim_lexicon_open(const char *dir, const char *language, struct claim_lexicon **out,
		       struct ragd_err *err)
{
	struct lang *lang = NULL;
	int rc = lang_open(dir, language, &lang, err);

	return lexicon_build(lang, rc, language, out, err);
}

int claim_lexicon_parse(const char *path, const char *text, size_t len, const char *language,
			struct claim_lexicon **out, struct ragd_err *err)
{
	struct lang *lang = NULL;
	int rc = lang_parse(path, text, len, &lang, err);

	return lexicon_build(lang, rc, language, out, err);
}

void claim_lexicon_close(struct claim_lexicon *x)
{
	if (x == NULL)
		return;
	lang_index_fini(&x->words);
	lang_close(x->lang);
	free(x->language);
	free(x);
}

bool claim_lexicon_ends_negative(const struct claim_lexicon *x, const char *fold, size_t n)
{
	for (size_t i = 0; i < x->n_endings; i++) {
		size_t len = strlen(x->endings[i]);

		if (n > len && memcmp(fold + n - len, x->endings[i], len) == 0)
			return true;
	}
	return false;
}
