#include "safety/grounding/claim.h"

#include <string.h>

#include "base/hash.h"
#include "base/text/ascii.h"
#include "base/util.h"

#define NUMBER_SALT 0x9e3779b97f4a7c15u

enum {
	NEGATES = 1 << 0,
	META = 1 << 1,   /* about the asking itself */
	KNOWS = 1 << 2,  /* what a disclaimer denies */
	SPEAKS = 1 << 3, /* the answer speaks of itself */
};

/* One side of a pair of which one denies the other, such as increase and decrease. */
#define POLE_SHIFT    4
#define POLE(k, side) (1u << (POLE_SHIFT + 2 * (k) + (side)))

/* Words and stems that say how a sentence claims what it does; sorted. */
static const struct marker {
	const char *word;
	uint32_t flags;
} markers[] = {
	/* clang-format off */
	{ "above", META }, { "according", META }, { "additionally", META }, { "address", KNOWS },
	{ "addresses", KNOWS }, { "after", POLE(1, 1) }, { "allow", POLE(4, 0) },
	{ "always", POLE(2, 0) }, { "answer", META | KNOWS }, { "answers", META | KNOWS },
	{ "aren't", NEGATES }, { "available", META }, { "based", META }, { "befor", POLE(1, 0) },
	{ "below", META }, { "brief", META }, { "briefly", META }, { "can't", NEGATES },
	{ "cannot", NEGATES }, { "case", META }, { "cause", POLE(11, 0) },
	{ "close", POLE(9, 1) }, { "cold", POLE(7, 1) }, { "colder", POLE(7, 1) },
	{ "conclusion", META }, { "contain", KNOWS }, { "contains", KNOWS }, { "context", META },
	{ "cool", POLE(7, 1) }, { "cooler", POLE(7, 1) }, { "correct", POLE(5, 0) },
	{ "couldn't", NEGATES }, { "danger", POLE(12, 1) }, { "declin", POLE(0, 1) },
	{ "decreas", POLE(0, 1) }, { "deni", POLE(4, 1) }, { "describe", META },
	{ "described", META }, { "describes", META }, { "detail", META }, { "details", META },
	{ "determine", KNOWS }, { "didn't", NEGATES }, { "disabl", POLE(4, 1) },
	{ "document", META }, { "documents", META }, { "doesn't", NEGATES },
	{ "don't", NEGATES }, { "downward", POLE(0, 1) }, { "drop", POLE(0, 1) },
	{ "earlier", POLE(1, 0) }, { "enabl", POLE(4, 0) }, { "evidence", META },
	{ "example", META }, { "examples", META }, { "excerpt", META }, { "excerpts", META },
	{ "explanation", META }, { "fail", NEGATES }, { "fails", NEGATES },
	{ "fall", POLE(0, 1) }, { "fals", POLE(5, 1) }, { "false", NEGATES },
	{ "fell", POLE(0, 1) }, { "fewer", POLE(0, 1) }, { "find", KNOWS },
	{ "first", POLE(6, 0) }, { "following", META }, { "forbid", POLE(4, 1) },
	{ "found", KNOWS }, { "furthermore", META }, { "gain", POLE(0, 0) }, { "given", META },
	{ "greater", POLE(0, 0) }, { "grew", POLE(0, 0) }, { "grow", POLE(0, 0) },
	{ "hadn't", NEGATES }, { "hardly", NEGATES }, { "hasn't", NEGATES },
	{ "haven't", NEGATES }, { "here", META }, { "higher", POLE(0, 0) },
	{ "hot", POLE(7, 0) }, { "hotter", POLE(7, 0) }, { "however", META }, { "i", SPEAKS },
	{ "include", KNOWS }, { "includes", KNOWS }, { "incorrect", NEGATES | POLE(5, 1) },
	{ "increas", POLE(0, 0) }, { "information", META }, { "isn't", NEGATES },
	{ "key", META }, { "know", KNOWS }, { "lack", NEGATES }, { "lacks", NEGATES },
	{ "last", POLE(6, 1) }, { "later", POLE(1, 1) }, { "least", POLE(3, 0) },
	{ "less", POLE(0, 1) }, { "list", META }, { "listed", META }, { "lose", POLE(8, 1) },
	{ "lost", POLE(8, 1) }, { "lower", POLE(0, 1) }, { "main", META }, { "material", META },
	{ "maximum", POLE(3, 1) }, { "mention", KNOWS }, { "mentioned", KNOWS },
	{ "mentions", KNOWS }, { "minimum", POLE(3, 0) }, { "more", POLE(0, 0) },
	{ "moreover", META }, { "most", POLE(3, 1) }, { "mustn't", NEGATES },
	{ "neither", NEGATES }, { "never", NEGATES | POLE(2, 1) }, { "no", NEGATES },
	{ "nobody", NEGATES }, { "none", NEGATES }, { "nor", NEGATES }, { "north", POLE(10, 0) },
	{ "northern", POLE(10, 0) }, { "not", NEGATES }, { "note", META },
	{ "nothing", NEGATES }, { "okay", META }, { "open", POLE(9, 0) }, { "overall", META },
	{ "overview", META }, { "passage", META }, { "passages", META },
	{ "permit", POLE(4, 0) }, { "please", META }, { "point", META }, { "points", META },
	{ "prevent", POLE(11, 1) }, { "prohibit", POLE(4, 1) }, { "provide", KNOWS },
	{ "provided", META }, { "provides", KNOWS }, { "question", META }, { "questions", META },
	{ "reduc", POLE(0, 1) }, { "regarding", META }, { "relevant", META },
	{ "respond", META }, { "response", META }, { "rise", POLE(0, 0) },
	{ "rose", POLE(0, 0) }, { "safe", POLE(12, 0) }, { "said", KNOWS }, { "say", KNOWS },
	{ "says", KNOWS }, { "section", META }, { "sections", META }, { "short", META },
	{ "shouldn't", NEGATES }, { "shrink", POLE(0, 1) }, { "source", META },
	{ "sources", META }, { "south", POLE(10, 1) }, { "southern", POLE(10, 1) },
	{ "specifies", KNOWS }, { "specify", KNOWS }, { "state", KNOWS }, { "states", KNOWS },
	{ "step", META }, { "steps", META }, { "summarise", META }, { "summarize", META },
	{ "summarized", META }, { "summary", META }, { "sure", META }, { "tell", KNOWS },
	{ "text", META }, { "texts", META }, { "therefore", META }, { "true", POLE(5, 0) },
	{ "unable", NEGATES }, { "unlike", NEGATES }, { "unlikely", NEGATES },
	{ "unsaf", POLE(12, 1) }, { "upward", POLE(0, 0) }, { "warm", POLE(7, 0) },
	{ "warmer", POLE(7, 0) }, { "wasn't", NEGATES }, { "we", SPEAKS },
	{ "weren't", NEGATES }, { "win", POLE(8, 0) }, { "without", NEGATES },
	{ "won", POLE(8, 0) }, { "won't", NEGATES }, { "wouldn't", NEGATES }, { "yes", META },
	/* clang-format on */
};

static uint32_t flags_of(const char *word, size_t n)
{
	size_t lo = 0, hi = ARRAY_LEN(markers);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strncmp(markers[mid].word, word, n);

		if (c == 0 && markers[mid].word[n] == '\0')
			return markers[mid].flags;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

/* Numbers in words, as digits; "one" is too often a pronoun. */
static const char *const small[] = { "two",   "three", "four", "five",   "six",   "seven",
				     "eight", "nine",  "ten",  "eleven", "twelve" };

static uint64_t number_hash(const char *digits, size_t n)
{
	return hash_bytes(digits, n) ^ NUMBER_SALT;
}

/* The number in a word such as 1,024, 10ms, v1.2, 3rd: its digits, points and nothing else. */
static size_t number_of(const char *word, size_t n, char *out)
{
	size_t i = 0, k = 0;

	if (n > 1 && word[0] == 'v' && ascii_is_digit(word[1]))
		i = 1;
	if (i == n || !ascii_is_digit(word[i]))
		return 0;
	for (; i < n && (ascii_is_digit(word[i]) || word[i] == ',' || word[i] == '.'); i++)
		if (word[i] != ',')
			out[k++] = word[i];
	while (k > 0 && out[k - 1] == '.')
		k--;
	/* Identifiers that begin with digits (0x1f, 2to3) are words. */
	for (; i < n; i++)
		if (!ascii_is_alpha(word[i]) && word[i] != '%')
			return 0;
	return k;
}

static void add_mark(const struct word *w, struct claim_marks *m)
{
	uint32_t fold = flags_of(w->fold, w->n_fold), both = fold | flags_of(w->stem, w->n_stem);

	m->n_negations += (fold & NEGATES) != 0 ||
			  (w->n_fold > 3 && memcmp(w->fold + w->n_fold - 3, "n't", 3) == 0);
	m->n_meta += (fold & META) != 0;
	m->n_know += (fold & KNOWS) != 0;
	m->speaks = m->speaks || fold & SPEAKS;
	m->poles |= both >> POLE_SHIFT;
}

/* The token that a word is; false for one that carries no meaning of its own. */
static bool token_of(const struct word *w, const char *text, bool first, struct claim_token *t)
{
	char digits[WORD_MAX];
	size_t n;

	if (w->kind == WORD_NUMBER) {
		n = number_of(w->fold, w->n_fold, digits);
		*t = n > 0 ? (struct claim_token){ number_hash(digits, n), TOKEN_NUMBER }
			   : (struct claim_token){ hash_bytes(w->stem, w->n_stem), TOKEN_NAME };
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(small); i++)
		if (strlen(small[i]) == w->n_fold && memcmp(small[i], w->fold, w->n_fold) == 0) {
			n = (size_t)snprintf(digits, sizeof(digits), "%zu", i + 2);
			/* Of less weight than digits: "two" has other uses. */
			*t = (struct claim_token){ number_hash(digits, n), TOKEN_WORD };
			return true;
		}
	if (w->stop)
		return false;
	t->hash = hash_bytes(w->stem, w->n_stem);
	t->kind = TOKEN_WORD;
	if (memchr(text + w->start, '_', w->end - w->start) != NULL || (w->name && !first))
		t->kind = TOKEN_NAME;
	return true;
}

/* The end of "[... removed]" at text[i), else i. */
static size_t removed_end(const char *text, size_t len, size_t i)
{
	static const char tail[] = "removed]";
	const char *close;
	size_t n;

	if (text[i] != '[')
		return i;
	close = memchr(text + i, ']', MIN(len - i, 40));
	n = close != NULL ? (size_t)(close - text) + 1 : 0;
	return n >= i + 8 && memcmp(text + n - 8, tail, 8) == 0 ? n : i;
}

/* Where reading is within a sentence. */
struct claim_reader {
	struct words *words;
	struct claim_marks *marks;
	int (*cb)(void *arg, const struct claim_token *t);
	void *arg;
	bool begun;         /* a word has been read */
	bool waits;         /* the first word's token waits for the second word */
	uint32_t first_end; /* where the first word ends */
	struct claim_token first;
};

/*
 * The capital that begins a sentence says nothing, unless the next word has one too: Emma Stone.
 */
static int pass_on(struct claim_reader *r, const struct claim_token *t, const struct word *w)
{
	int rc = 0;

	if (r->waits) {
		r->waits = false;
		if (w != NULL && w->name && w->start == r->first_end + 1 && !w->stop)
			r->first.kind = TOKEN_NAME;
		rc = r->cb(r->arg, &r->first);
	}
	return rc < 0 || t == NULL ? rc : r->cb(r->arg, t);
}

static int read_part(struct claim_reader *r, const char *text, size_t from, size_t to)
{
	struct word w;
	uint32_t whole_end = 0;
	int rc = 0;

	if (from == to) /* then text may be NULL */
		return 0;
	words_start(r->words, text + from, to - from);
	while (rc == 0 && words_next(r->words, &w)) {
		bool part = w.start < whole_end, token;
		struct claim_token t;

		whole_end = whole_end > w.end ? whole_end : w.end;
		if (part)
			continue;
		add_mark(&w, r->marks);
		token = token_of(&w, text + from, !r->begun, &t);
		if (!r->begun && token && t.kind == TOKEN_WORD && w.name) {
			r->waits = true;
			r->first = t;
			r->first_end = w.end;
		} else {
			rc = pass_on(r, token ? &t : NULL, &w);
		}
		r->begun = true;
	}
	return rc;
}

int claim_read(struct words *w, const char *text, size_t len, struct claim_marks *marks,
	       int (*cb)(void *arg, const struct claim_token *t), void *arg)
{
	struct claim_reader r = { .words = w, .marks = marks, .cb = cb, .arg = arg };
	size_t from = 0, i = 0, end;
	int rc = 0;

	*marks = (struct claim_marks){ 0 };
	while (rc == 0 && i < len) {
		end = removed_end(text, len, i);
		if (end == i) {
			i++;
			continue;
		}
		rc = read_part(&r, text, from, i);
		from = i = end;
	}
	if (rc == 0)
		rc = read_part(&r, text, from, len);
	return rc < 0 ? rc : pass_on(&r, NULL, NULL);
}
