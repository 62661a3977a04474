#include "engine/token/split.h"

#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "engine/token/chars.h"

#define LETTER U_GC_L_MASK
#define NUMBER U_GC_N_MASK
#define WORDLY (LETTER | NUMBER | CHAR_SPACE)
/* Of Tekken: what may stand before, and in, the small letters of a word. */
#define CAPITAL (U_GC_LU_MASK | U_GC_LT_MASK | U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK)
#define SMALL   (U_GC_LL_MASK | U_GC_LM_MASK | U_GC_LO_MASK | U_GC_M_MASK)

static bool is_line(uint32_t cp)
{
	return cp == '\n' || cp == '\r';
}

/* Behind the characters from s on that are of the mask. */
static const char *skip_run(const char *s, const char *end, uint32_t mask)
{
	for (struct one_char c = char_at(s, end); (c.bits & mask) != 0; c = char_at(s, end))
		s += c.len;
	return s;
}

/* … that are none of it. */
static const char *run_not(const char *s, const char *end, uint32_t mask)
{
	for (struct one_char c = char_at(s, end); c.len > 0 && (c.bits & mask) == 0;
	     c = char_at(s, end))
		s += c.len;
	return s;
}

/* 's|'t|'re|'ve|'m|'ll|'d, or the same with (?i: … ), where s is also U+017F, the long s. */
static size_t contraction_len(const char *s, const char *end, bool fold)
{
	size_t room = (size_t)(end - s);
	char c[3] = { 0 };

	if (room < 2 || s[0] != '\'')
		return 0;
	if (fold && room >= 3 && memcmp(s + 1, "\xc5\xbf", 2) == 0)
		return 3;
	for (size_t i = 1; i < 3 && i < room; i++)
		c[i] = fold ? ascii_to_lower(s[i]) : s[i];
	if (c[1] == 's' || c[1] == 't' || c[1] == 'm' || c[1] == 'd')
		return 2;
	if ((c[1] == 'r' && c[2] == 'e') || (c[1] == 'v' && c[2] == 'e') ||
	    (c[1] == 'l' && c[2] == 'l'))
		return 3;
	return 0;
}

/* At white space: \s*[\r\n]+|\s+(?!\S)|\s+, without the first unless `lines`. */
static size_t spaces_len(const char *s, const char *end, bool lines)
{
	const char *p = s, *last = s, *behind_line = NULL;

	for (struct one_char c = char_at(p, end); (c.bits & CHAR_SPACE) != 0; c = char_at(p, end)) {
		last = p;
		p += c.len;
		if (is_line(c.cp))
			behind_line = p;
	}
	if (lines && behind_line != NULL)
		return (size_t)(behind_line - s);
	if (p < end && last > s) /* the last one goes with the word */
		return (size_t)(last - s);
	return (size_t)(p - s);
}

/*  ?[^\s\p{L}\p{N}]+[\r\n]*, where / stands with the line ends if `slash`. */
static size_t symbols_len(const char *s, const char *end, bool lines, bool slash)
{
	const char *p = s + (*s == ' ');
	const char *q = run_not(p, end, WORDLY);

	if (q == p)
		return 0;
	while (lines && q < end && (is_line((unsigned char)*q) || (slash && *q == '/')))
		q++;
	return (size_t)(q - s);
}

/* [^\r\n\p{L}\p{N}]?\p{L}+ */
static size_t word_len(const char *s, const char *end, struct one_char c)
{
	const char *p = s, *q;

	if ((c.bits & (LETTER | NUMBER)) == 0 && !is_line(c.cp))
		p += c.len;
	q = skip_run(p, end, LETTER);
	return q > p ? (size_t)(q - s) : 0;
}

/* Up to `max` numbers. */
static size_t numbers_len(const char *s, const char *end, unsigned max)
{
	const char *p = s;

	for (struct one_char c = char_at(p, end); max > 0 && (c.bits & NUMBER) != 0;
	     c = char_at(p, end), max--)
		p += c.len;
	return (size_t)(p - s);
}

static size_t llama3_like(const char *s, const char *end, unsigned max_numbers)
{
	struct one_char c = char_at(s, end);
	size_t n = 0;

	if (c.cp == '\'')
		n = contraction_len(s, end, true);
	if (n == 0)
		n = word_len(s, end, c);
	if (n == 0)
		n = numbers_len(s, end, max_numbers);
	if (n == 0)
		n = symbols_len(s, end, true, false);
	return n != 0 ? n : spaces_len(s, end, true);
}

/*
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+
 */
static size_t match_llama3(const char *s, const char *end)
{
	return llama3_like(s, end, 3);
}

/* The same with \p{N} in place of \p{N}{1,3}. */
static size_t match_qwen2(const char *s, const char *end)
{
	return llama3_like(s, end, 1);
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t match_gpt2(const char *s, const char *end)
{
	const char *p = s + (*s == ' '), *q;
	size_t n = contraction_len(s, end, false);

	if (n > 0)
		return n;
	q = skip_run(p, end, LETTER);
	if (q == p)
		q = skip_run(p, end, NUMBER);
	if (q > p)
		return (size_t)(q - s);
	n = symbols_len(s, end, false, false);
	return n != 0 ? n : spaces_len(s, end, false);
}

/*
 * [CAPITAL]*[SMALL]+|[CAPITAL]+[SMALL]* from p on; letters without case and marks are of both
 * classes, so that the first may have to hand back what its star took, up to the last that is also
 * small.
 */
static const char *tekken_word(const char *p, const char *end, bool ends_small)
{
	const char *q = p, *behind_small = NULL;
	struct one_char c;

	for (c = char_at(q, end); (c.bits & CAPITAL) != 0; c = char_at(q, end)) {
		q += c.len;
		if ((c.bits & SMALL) != 0)
			behind_small = q;
	}
	if (!ends_small)
		return q > p ? skip_run(q, end, SMALL) : NULL;
	return (c.bits & SMALL) != 0 ? skip_run(q, end, SMALL) : behind_small;
}

/*
 * [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+
 * |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*
 * |\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 */
static size_t match_tekken(const char *s, const char *end)
{
	struct one_char c = char_at(s, end);
	bool lead = (c.bits & (LETTER | NUMBER)) == 0 && !is_line(c.cp);
	const char *q = NULL;
	size_t n;

	for (int ends_small = 1; ends_small >= 0 && q == NULL; ends_small--) {
		if (lead)
			q = tekken_word(s + c.len, end, ends_small);
		if (q == NULL)
			q = tekken_word(s, end, ends_small);
	}
	if (q != NULL)
		return (size_t)(q - s);
	n = numbers_len(s, end, 1);
	if (n == 0)
		n = symbols_len(s, end, true, true);
	return n != 0 ? n : spaces_len(s, end, true);
}

/* [\p{P}\$\+<=>\^~\|]+ */
static size_t match_signs(const char *s, const char *end)
{
	const char *p = s;

	for (struct one_char c = char_at(p, end); c.len > 0; c = char_at(p, end)) {
		if ((c.bits & U_GC_P_MASK) == 0 &&
		    (c.cp >= 0x80 || c.cp == 0 || strchr("$+<=>^~|", (int)c.cp) == NULL))
			break;
		p += c.len;
	}
	return (size_t)(p - s);
}

/* \p{N}+ */
static size_t match_numbers(const char *s, const char *end)
{
	return (size_t)(skip_run(s, end, NUMBER) - s);
}

/* \p{N} */
static size_t match_number(const char *s, const char *end)
{
	return numbers_len(s, end, 1);
}

/* [0-9][0-9][0-9] */
static size_t match_three(const char *s, const char *end)
{
	if (end - s < 3)
		return 0;
	for (size_t i = 0; i < 3; i++)
		if (s[i] < '0' || s[i] > '9')
			return 0;
	return 3;
}

/* [\r\n] */
static size_t match_line(const char *s, const char *end)
{
	(void)end;
	return is_line((unsigned char)*s) ? 1 : 0;
}

/* \s? and one or more of the mask. */
static size_t spaced_len(const char *s, const char *end, uint32_t mask)
{
	struct one_char c = char_at(s, end);
	const char *p = s + ((c.bits & CHAR_SPACE) != 0 ? c.len : 0);
	const char *q = skip_run(p, end, mask);

	return q > p ? (size_t)(q - s) : 0;
}

/* \s?\p{L}+ */
static size_t match_spaced_word(const char *s, const char *end)
{
	return spaced_len(s, end, LETTER);
}

/* \s?\p{P}+ */
static size_t match_spaced_signs(const char *s, const char *end)
{
	return spaced_len(s, end, U_GC_P_MASK);
}

/* [\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+ */
static size_t match_eastern(const char *s, const char *end)
{
	const char *p = s;

	for (struct one_char c = char_at(p, end);
	     (c.cp >= 0x800 && c.cp <= 0x9FA5) || (c.cp >= 0xAC00 && c.cp <= 0xD7FF);
	     c = char_at(p, end))
		p += c.len;
	return (size_t)(p - s);
}

/* clang-format off */
#define LLAMA3   { match_llama3 }
#define QWEN2    { match_qwen2 }
#define GPT2     { match_gpt2 }
#define NUMBERED { match_number, match_gpt2 }
#define DEFAULT  { match_signs, match_gpt2, match_numbers, match_three }
#define CODER    { match_line, match_spaced_word, match_spaced_signs, match_eastern, match_number }

/* Names of one row's expressions come from the families of models that share them. */
static const struct split splits[] = {
	/* name               stages             ignore_merges  add_bos */
	{ "llama-bpe",        LLAMA3,            true,          true  },
	{ "llama3",           LLAMA3,            true,          true  },
	{ "llama-v3",         LLAMA3,            true,          true  },
	{ "smaug-bpe",        LLAMA3,            false,         false },
	{ "dbrx",             LLAMA3,            false,         false },
	{ "qwen2",            QWEN2,             false,         false },
	{ "deepseek-r1-qwen", QWEN2,             false,         false },
	{ "stablelm2",        QWEN2,             false,         false },
	{ "gpt-2",            GPT2,              false,         false },
	{ "phi-2",            GPT2,              false,         false },
	{ "mpt",              GPT2,              false,         false },
	{ "olmo",             GPT2,              false,         false },
	{ "smollm",           NUMBERED,          false,         false },
	{ "starcoder",        NUMBERED,          false,         false },
	{ "refact",           NUMBERED,          false,         false },
	{ "command-r",        NUMBERED,          false,         false },
	{ "tekken",           { match_tekken },  true,          true  },
	{ "deepseek-coder",   CODER,             false,         false },
	{ "default",          DEFAULT,           false,         false },
};
/* clang-format on */

const struct split *split_find(struct ragd_str name)
{
	for (size_t i = 0; i < ARRAY_LEN(splits); i++)
		if (strlen(splits[i].name) == name.len &&
		    memcmp(splits[i].name, name.s, name.len) == 0)
			return &splits[i];
	return NULL;
}

struct split_sink {
	split_piece_cb piece;
	void *arg;
};

/* What stage k and those after it make of s to end, which is not empty; false: it was stopped. */
static bool isolate_stage(const struct split *sp, size_t k, const char *s, const char *end,
			  const struct split_sink *sink)
{
	const char *gap = s; /* since the last match */

	if (k == SPLIT_STAGES_MAX || sp->stages[k] == NULL) {
		return sink->piece(sink->arg, s, (size_t)(end - s));
	}
	while (s < end) {
		size_t n = sp->stages[k](s, end);

		if (n == 0) {
			s += char_at(s, end).len;
			continue;
		}
		if ((gap < s && !isolate_stage(sp, k + 1, gap, s, sink)) ||
		    !isolate_stage(sp, k + 1, s, s + n, sink))
			return false;
		s += n;
		gap = s;
	}
	return gap == end || isolate_stage(sp, k + 1, gap, end, sink);
}

void split_text(const struct split *sp, struct ragd_str text, split_piece_cb piece, void *arg)
{
	struct split_sink sink = { piece, arg };

	if (text.len > 0)
		isolate_stage(sp, 0, text.s, text.s + text.len, &sink);
}
