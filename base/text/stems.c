#include "base/text/stems.h"

#include <stdlib.h>
#include <string.h>

#include <libstemmer.h>

#include "base/hash.h"
#include "base/text/stop.h"
#include "base/text/utf8.h"
#include "base/text/words.h"
#include "base/util.h"

#define CACHE_SLOTS 4096 /* a power of two; 256 KiB */
#define CACHED_MAX  30   /* bytes of a word that is kept */

struct slot {
	uint8_t n_fold; /* 0: empty */
	uint8_t n_stem;
	bool stop;
	char fold[CACHED_MAX];
	char stem[CACHED_MAX + 1];
};

/* Scripts that tell the stemmer well enough. */
static const struct script {
	uint32_t from, to;
	const char *language;
} scripts[] = {
	{ 0x0370, 0x03ff, "greek" },  { 0x0400, 0x052f, "russian" }, { 0x0530, 0x058f, "armenian" },
	{ 0x0600, 0x06ff, "arabic" }, { 0x0900, 0x097f, "hindi" },   { 0x0b80, 0x0bff, "tamil" },
	{ 0x1f00, 0x1fff, "greek" },
};

struct stems {
	struct sb_stemmer *own;
	struct sb_stemmer *other[ARRAY_LEN(scripts)]; /* made when first needed */
	bool refused[ARRAY_LEN(scripts)];             /* not in this libstemmer */
	bool own_is_latin;                            /* else words of every script go to `own` */
	bool english;
	struct slot slots[CACHE_SLOTS];
};

static bool is_latin(const char *language)
{
	static const char *const not_latin[] = { "arabic",  "armenian", "greek", "hindi",  "nepali",
						 "russian", "serbian",  "tamil", "yiddish" };

	for (size_t i = 0; i < ARRAY_LEN(not_latin); i++)
		if (strcmp(language, not_latin[i]) == 0)
			return false;
	return true;
}

struct stems *stems_new(const char *language)
{
	struct stems *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->own = sb_stemmer_new(language, "UTF_8");
	if (st->own == NULL) {
		free(st);
		return NULL;
	}
	st->own_is_latin = is_latin(language);
	st->english = strcmp(language, "english") == 0;
	return st;
}

void stems_free(struct stems *st)
{
	if (st == NULL)
		return;
	sb_stemmer_delete(st->own);
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		sb_stemmer_delete(st->other[i]);
	free(st);
}

/* The stemmer for a word, by its first character beyond ASCII. */
static struct sb_stemmer *stemmer_for(struct stems *st, const char *fold, size_t n)
{
	uint32_t cp = 0;

	if (!st->own_is_latin)
		return st->own;
	for (size_t i = 0; i < n && cp < 0x80;)
		i += utf8_next(fold + i, n - i, &cp);
	if (cp < scripts[0].from)
		return st->own;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		if (cp < scripts[i].from || cp > scripts[i].to)
			continue;
		if (st->other[i] == NULL && !st->refused[i]) {
			st->other[i] = sb_stemmer_new(scripts[i].language, "UTF_8");
			st->refused[i] = st->other[i] == NULL;
		}
		return st->other[i] != NULL ? st->other[i] : st->own;
	}
	return st->own;
}

static uint8_t stem_make(struct stems *st, const char *fold, uint8_t n, char *stem)
{
	struct sb_stemmer *sb = stemmer_for(st, fold, n);
	const sb_symbol *out = sb_stemmer_stem(sb, (const sb_symbol *)fold, n);
	int len = out != NULL ? sb_stemmer_length(sb) : 0;

	/* A stemmer that is out of memory, or eats the word whole, leaves it as it is. */
	if (len <= 0 || len > WORD_MAX) {
		memcpy(stem, fold, n);
		return n;
	}
	memcpy(stem, out, (size_t)len);
	return (uint8_t)len;
}

uint8_t stems_find(struct stems *st, const char *fold, uint8_t n, char *stem, bool *stop)
{
	struct slot *slot;
	uint8_t n_stem;

	*stop = false;
	if (n == 0)
		return 0;
	if (n > CACHED_MAX) /* longer than any stop word, and too rare to keep */
		return stem_make(st, fold, n, stem);
	slot = &st->slots[hash_bytes(fold, n) & (CACHE_SLOTS - 1)];
	if (slot->n_fold != n || memcmp(slot->fold, fold, n) != 0) {
		n_stem = stem_make(st, fold, n, stem);
		*stop = st->english && stop_is(fold, n);
		if (n_stem > sizeof(slot->stem)) /* some stemmers lengthen words */
			return n_stem;
		slot->n_fold = n;
		slot->n_stem = n_stem;
		slot->stop = *stop;
		memcpy(slot->fold, fold, n);
		memcpy(slot->stem, stem, n_stem);
	}
	*stop = slot->stop;
	memcpy(stem, slot->stem, slot->n_stem);
	return slot->n_stem;
}
