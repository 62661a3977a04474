#include "safety/text/unjoin.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/text/plain.h"

#define RUN_MIN   16  /* letters: longer than nearly all words */
#define RUN_MAX   256 /* taken apart at once */
#define WORD_MAX  20
#define TABLE_MIN 4096
/* What a cut costs: a word, and a letter that belongs to none. */
#define COST_WORD   2
#define COST_LETTER 3
#define STRAY_SHARE 10 /* one letter in so many may belong to none */

struct known_word {
	const char *s; /* NULL: a free place */
	uint32_t len;
	uint32_t hash;
};

/* A hash table with open addressing, at most half full. */
struct unjoin {
	struct known_word *words;
	size_t n;
	size_t cap; /* a power of two */
};

static const char common[] =
	"a i an the and or of to in on at by for from with without is are was be "
	"do does did can could would should will have has my your our me you it "
	"he she they we us him her them his this that these those how what who "
	"where when why if as not no all any so then now say tell";

#define HASH_SEED 2166136261u

/* FNV-1a, a byte further. */
static uint32_t hash_on(uint32_t h, char c)
{
	return (h ^ (unsigned char)c) * 16777619u;
}

/* Where the word with this hash is, or would be put. */
static size_t slot_of_word(const struct unjoin *u, const char *s, size_t len, uint32_t h)
{
	size_t i;

	for (i = h & (u->cap - 1); u->words[i].s != NULL; i = (i + 1) & (u->cap - 1))
		if (u->words[i].hash == h && u->words[i].len == len &&
		    memcmp(u->words[i].s, s, len) == 0)
			break;
	return i;
}

static bool unjoin_knows(const struct unjoin *u, const char *s, size_t len)
{
	uint32_t h = HASH_SEED;

	for (size_t k = 0; k < len; k++)
		h = hash_on(h, s[k]);
	return u->words[slot_of_word(u, s, len, h)].s != NULL;
}

static bool add_word(struct unjoin *u, const char *s, size_t len, uint32_t h)
{
	struct unjoin more = { .cap = u->cap * 2 };
	struct known_word *word = &u->words[slot_of_word(u, s, len, h)];

	if (word->s != NULL)
		return true;
	*word = (struct known_word){ s, (uint32_t)len, h };
	if (++u->n * 2 <= u->cap)
		return true;
	more.words = calloc(more.cap, sizeof(*more.words));
	if (more.words == NULL)
		return false;
	for (size_t i = 0; i < u->cap; i++) {
		const struct known_word *old = &u->words[i];

		if (old->s != NULL)
			more.words[slot_of_word(&more, old->s, old->len, old->hash)] = *old;
	}
	more.n = u->n;
	free(u->words);
	*u = more;
	return true;
}

/* The words of s but for those that it begins with as `before` does. */
static bool add_words(struct unjoin *u, const char *before, const char *s)
{
	size_t i = 0, len;
	bool ok = true;

	while (before[i] != '\0' && before[i] == s[i])
		i++;
	while (i > 0 && ascii_is_lower(s[i - 1]))
		i--;
	for (; ok && s[i] != '\0'; i += MAX(len, 1)) {
		uint32_t h = HASH_SEED;

		for (len = 0; ascii_is_lower(s[i + len]); len++)
			h = hash_on(h, s[i + len]);
		if (len > 0 && len <= WORD_MAX)
			ok = add_word(u, s + i, len, h);
	}
	return ok;
}

struct unjoin *unjoin_new(const struct rules *rules)
{
	struct unjoin *u = calloc(1, sizeof(*u));
	const char *before = "";
	bool ok;

	if (u == NULL)
		return NULL;
	u->cap = TABLE_MIN;
	u->words = calloc(u->cap, sizeof(*u->words));
	ok = u->words != NULL && add_words(u, "", common);
	for (size_t t = 0; ok && t < rules->n_terms; t++)
		for (size_t i = 0; ok && i < rules->terms[t].n_phrases; i++) {
			ok = add_words(u, before, rules->terms[t].phrases[i].text);
			before = rules->terms[t].phrases[i].text;
		}
	if (ok)
		return u;
	unjoin_free(u);
	return NULL;
}

void unjoin_free(struct unjoin *u)
{
	if (u == NULL)
		return;
	free(u->words);
	free(u);
}

/*
 * The cheapest way to cut s[0..len): cut[i] is the length of what ends at i, 1 also for a letter of
 * no word. False if too much belongs to none.
 */
static bool cut_run(const struct unjoin *u, const char *s, size_t len, unsigned char *cut)
{
	unsigned cost[RUN_MAX + 1];
	unsigned stray[RUN_MAX + 1];

	cost[0] = stray[0] = 0;
	for (size_t i = 1; i <= len; i++) {
		cost[i] = cost[i - 1] + COST_LETTER;
		stray[i] = stray[i - 1] + 1;
		cut[i] = 1;
		for (size_t n = 1; n <= MIN(i, WORD_MAX); n++) {
			if (cost[i - n] + COST_WORD >= cost[i] || !unjoin_knows(u, s + i - n, n))
				continue;
			cost[i] = cost[i - n] + COST_WORD;
			stray[i] = stray[i - n];
			cut[i] = (unsigned char)n;
		}
	}
	return stray[len] * STRAY_SHARE <= len && cost[len] < len;
}

/* in[i .. i + len) to out, a blank between words. */
static void put_cut(struct folded *out, const struct folded *in, size_t i, size_t len,
		    const unsigned char *cut)
{
	bool ends[RUN_MAX + 1] = { false };

	for (size_t p = len; p > 0; p -= cut[p])
		ends[p] = true;
	for (size_t k = 0; k < len; k++) {
		folded_put(out, in->text[i + k], in->at[i + k].start, in->at[i + k].end);
		if (ends[k + 1])
			folded_put(out, ' ', in->at[i + k].start, in->at[i + k].end);
	}
}

static bool has_run(const struct folded *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->len && n < RUN_MIN; i++)
		n = ascii_is_alpha(in->text[i]) ? n + 1 : 0;
	return n == RUN_MIN;
}

bool unjoin(const struct unjoin *u, const struct folded *in, struct folded *out,
	    struct stop_check *stop)
{
	struct folded seen = { 0 };
	unsigned char cut[RUN_MAX + 1];
	char low[RUN_MAX];
	bool found = false;

	if (!has_run(in))
		return false;
	for (size_t i = 0, n; i < in->len && stop_check_step(stop, 1); i += n) {
		for (n = 0; i + n < in->len && n < RUN_MAX && ascii_is_alpha(in->text[i + n]); n++)
			low[n] = ascii_to_lower(in->text[i + n]);
		if (n >= RUN_MIN && cut_run(u, low, n, cut)) {
			put_cut(&seen, in, i, n, cut);
			found = true;
			continue;
		}
		n = MAX(n, 1);
		for (size_t k = i; k < i + n; k++)
			folded_put(&seen, in->text[k], in->at[k].start, in->at[k].end);
	}
	if (found)
		plain_add(out, &seen, PLAIN_GAP_MAX);
	out->failed = out->failed || seen.failed;
	folded_fini(&seen);
	return found;
}
