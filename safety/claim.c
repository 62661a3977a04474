#include "safety/claim.h"

#include <string.h>

#include "base/util.h"
#include "safety/chars.h"

#define NUMBER_SALT 0x9e3779b97f4a7c15u

static bool in_list(const char *list, const char *word, size_t n)
{
	const char *p = list;

	/* Each word stands between two spaces. */
	while ((p = strchr(p, ' ')) != NULL && p[1] != '\0') {
		p++;
		if (strncmp(p, word, n) == 0 && p[n] == ' ')
			return true;
	}
	return false;
}

static const char negations[] = " not no never none nobody nothing neither nor cannot without "
				"don't doesn't didn't isn't aren't "
				"wasn't weren't won't wouldn't can't couldn't shouldn't mustn't "
				"hasn't haven't hadn't unable "
				"unlike unlikely hardly lacks lack fails fail incorrect false ";

static const char meta[] =
	" document documents passage passages source sources text texts information context answer "
	"answers "
	"question questions excerpt excerpts material evidence following below above here summary "
	"summarise summarize summarized overview detail details section sections according based "
	"provided "
	"given available relevant regarding point points key main note please sure okay yes "
	"explanation "
	"describe describes described listed list step steps example examples response respond "
	"case "
	"additionally furthermore moreover however therefore overall conclusion short brief "
	"briefly ";

static const char knowing[] =
	" know find found say says said mention mentions mentioned contain contains provide "
	"provides answer "
	"answers state states specify specifies include includes determine tell address addresses ";

/* Pairs of which one denies the other, by their stems. */
static const char *const poles[][2] = {
	{ " increas rise rose grow grew gain higher more greater upward ",
	  " decreas fall fell declin shrink drop lower less fewer reduc downward " },
	{ " befor earlier ", " after later " },
	{ " always ", " never " },
	{ " minimum least ", " maximum most " },
	{ " enabl allow permit ", " disabl forbid prohibit deni " },
	{ " true correct ", " fals incorrect " },
	{ " first ", " last " },
	{ " warm warmer hot hotter ", " cool cooler cold colder " },
	{ " win won ", " lose lost " },
	{ " open ", " close " },
	{ " north northern ", " south southern " },
	{ " cause ", " prevent " },
	{ " safe ", " unsaf danger " },
};

/* Numbers in words, as digits; "one" is too often a pronoun. */
static const char *const small[] = { "two",   "three", "four", "five",   "six",   "seven",
				     "eight", "nine",  "ten",  "eleven", "twelve" };

static uint64_t number_hash(const char *digits, size_t n)
{
	return words_hash(digits, n) ^ NUMBER_SALT;
}

/* The number in a word such as 1,024, 10ms, v1.2, 3rd: its digits, points and nothing else. */
static size_t number_of(const char *word, size_t n, char *out)
{
	size_t i = 0, k = 0;

	if (n > 1 && word[0] == 'v' && is_digit(word[1]))
		i = 1;
	if (i == n || !is_digit(word[i]))
		return 0;
	for (; i < n && (is_digit(word[i]) || word[i] == ',' || word[i] == '.'); i++)
		if (word[i] != ',')
			out[k++] = word[i];
	while (k > 0 && out[k - 1] == '.')
		k--;
	/* Identifiers that begin with digits (0x1f, 2to3) are words. */
	for (; i < n; i++)
		if (!is_alpha(word[i]) && word[i] != '%')
			return 0;
	return k;
}

static void note(const struct word *w, struct claim_marks *m)
{
	if (in_list(negations, w->fold, w->n_fold) ||
	    (w->n_fold > 3 && memcmp(w->fold + w->n_fold - 3, "n't", 3) == 0))
		m->n_negations++;
	if (in_list(meta, w->fold, w->n_fold))
		m->n_meta++;
	if (in_list(knowing, w->fold, w->n_fold))
		m->n_know++;
	if (in_list(" i we i'm ", w->fold, w->n_fold))
		m->speaks = true;
	for (size_t k = 0; k < ARRAY_LEN(poles); k++)
		for (size_t side = 0; side < 2; side++)
			if (in_list(poles[k][side], w->stem, w->n_stem) ||
			    in_list(poles[k][side], w->fold, w->n_fold))
				m->poles |= 1u << (2 * k + side);
}

/* The token that a word is; false for one that carries no meaning of its own. */
static bool token_of(const struct word *w, const char *text, bool first, struct token *t)
{
	char digits[WORD_MAX];
	size_t n;

	if (w->kind == WORD_NUMBER) {
		n = number_of(w->fold, w->n_fold, digits);
		*t = n > 0 ? (struct token){ number_hash(digits, n), TOKEN_NUMBER }
			   : (struct token){ words_hash(w->stem, w->n_stem), TOKEN_NAME };
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(small); i++)
		if (strlen(small[i]) == w->n_fold && memcmp(small[i], w->fold, w->n_fold) == 0) {
			n = (size_t)snprintf(digits, sizeof(digits), "%zu", i + 2);
			/* Of less weight than digits: "two" has other uses. */
			*t = (struct token){ number_hash(digits, n), TOKEN_WORD };
			return true;
		}
	if (w->stop)
		return false;
	t->hash = words_hash(w->stem, w->n_stem);
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

static int read_part(struct words *ws, const char *text, size_t from, size_t to, bool *first,
		     struct claim_marks *marks, int (*cb)(void *arg, const struct token *t),
		     void *arg)
{
	struct word w;
	uint32_t whole_end = 0;

	words_start(ws, text + from, to - from);
	while (words_next(ws, &w)) {
		struct token t;
		bool part = w.start < whole_end;

		whole_end = MAX(whole_end, w.end);
		if (!part)
			note(&w, marks);
		if (token_of(&w, text + from, *first, &t) && !part) {
			int rc = cb(arg, &t);

			if (rc < 0)
				return rc;
		}
		*first = false;
	}
	return 0;
}

int claim_read(struct words *w, const char *text, size_t len, struct claim_marks *marks,
	       int (*cb)(void *arg, const struct token *t), void *arg)
{
	size_t from = 0, i = 0, end;
	bool first = true;
	int rc = 0;

	*marks = (struct claim_marks){ 0 };
	while (rc == 0 && i < len) {
		end = removed_end(text, len, i);
		if (end == i) {
			i++;
			continue;
		}
		rc = read_part(w, text, from, i, &first, marks, cb, arg);
		from = i = end;
	}
	return rc < 0 ? rc : read_part(w, text, from, len, &first, marks, cb, arg);
}
