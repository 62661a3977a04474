#include "engine/reader/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/text/blocks.h"
#include "base/util.h"
#include "engine/poll.h"

void scan_fini(struct passage_scan *s)
{
	free(s->tokens);
	free(s->sentences);
	free(s->context);
	memset(s, 0, sizeof(*s));
}

/* ---- words --------------------------------------------------------------------------------- */

static bool is_year(const struct word *w)
{
	if (w->n_fold != 4 || (w->fold[0] != '1' && !(w->fold[0] == '2' && w->fold[1] == '0')))
		return false;
	for (int i = 1; i < 4; i++)
		if (w->fold[i] < '0' || w->fold[i] > '9')
			return false;
	return true;
}

static uint16_t flags_of(const struct word *w, bool first, bool part)
{
	unsigned flags = 0;

	if (w->kind == WORD_NUMBER && w->fold[0] >= '0' && w->fold[0] <= '9')
		flags |= SCAN_NUMBER;
	if ((flags & SCAN_NUMBER) && is_year(w))
		flags |= SCAN_YEAR;
	if (w->stop)
		flags |= SCAN_STOP;
	if (part)
		flags |= SCAN_PART;
	if (memchr(w->fold, '_', w->n_fold) != NULL)
		flags |= SCAN_IDENTIFIER;
	if (w->name)
		flags |= SCAN_CAPITAL;
	if (w->name && !first && !w->stop)
		flags |= SCAN_NAME;
	return (uint16_t)flags;
}

static int tokens_add(struct passage_scan *s, struct sentence *st, const struct reader_question *q,
		      struct words *w, const struct lexicon *x, const char *text, uint32_t *pos)
{
	struct word word;
	uint32_t whole_end = 0;
	bool first = true;

	st->token = (uint32_t)s->n_tokens;
	words_start(w, text + st->start, st->end - st->start);
	while (words_next(w, &word)) {
		bool part = word.start < whole_end && word.kind != WORD_IDEOGRAPH;
		struct scan_token *t;

		if (!poll_goes_on(&s->poll, 1 + word.end - word.start))
			return s->poll.rc;
		if (!array_reserve(&s->tokens, &s->cap_tokens, s->n_tokens + 1, sizeof(*s->tokens)))
			return -ENOMEM;
		t = &s->tokens[s->n_tokens++];
		if (!part)
			++*pos;
		whole_end = MAX(whole_end, word.end);
		t->stem = hash_bytes(word.stem, word.n_stem);
		t->start = st->start + word.start;
		t->pos = *pos;
		t->cues = lexicon_cues(x, hash_bytes(word.fold, word.n_fold));
		t->flags = flags_of(&word, first, part);
		t->match = 0;
		t->term = (int16_t)question_match(q, &word, t->stem, &t->match);
		first = false;
	}
	st->n_tokens = (uint32_t)(s->n_tokens - st->token);
	return 0;
}

/* ---- sentences ----------------------------------------------------------------------------- */

/* Whether the text goes on with a line under it that makes it a title. */
static bool is_titled(const char *text, uint32_t start, uint32_t end)
{
	const char *nl = memrchr(text + start, '\n', end - start);

	if (nl == NULL)
		return false;
	for (const char *at = nl + 1; at < text + end; at++)
		if (strchr("=-~^\"'*+#:._ \r", *at) == NULL)
			return false;
	return true;
}

static enum sentence_kind kind_of(const struct ragd_passage *p, const struct sentence *st,
				  size_t line)
{
	struct peek peek = { .text = p->text.s, .len = p->text.len, .last = true };
	struct block b;

	block_read(&peek, line, &b);
	switch (b.kind) {
	case BLOCK_FENCE:
		return SENTENCE_CODE;
	case BLOCK_HEADING:
		return SENTENCE_HEADING;
	case BLOCK_ROW:
		return SENTENCE_ROW;
	case BLOCK_BULLET:
	case BLOCK_NUMBER:
	case BLOCK_FIELD:
		return SENTENCE_ITEM;
	case BLOCK_RULE:
		return SENTENCE_RULE;
	case BLOCK_DIRECTIVE: { /* ".. c:function:: x" describes x; ".. note:: x" is prose */
		size_t at = b.first + b.marker;

		for (; at < st->end && p->text.s[at] != ' ' && p->text.s[at] != '\n'; at++)
			if (p->text.s[at] == ':' && at + 1 < st->end && p->text.s[at + 1] != ':' &&
			    p->text.s[at - 1] != ':')
				return SENTENCE_ENTRY;
		return p->text.s[b.first + b.marker] == '_' ? SENTENCE_RULE : SENTENCE_PROSE;
	}
	default:
		return is_titled(p->text.s, st->start, st->end) ? SENTENCE_HEADING : SENTENCE_PROSE;
	}
}

/* Code that nothing announced: the passage begins inside it, or its block was merely indented. */
static bool is_code(const char *s, size_t len)
{
	size_t signs = 0;
	bool sure = false;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '{' || s[i] == '}' ||
		    (s[i] == ';' && (i + 1 == len || s[i + 1] == '\n')))
			sure = true;
		signs += s[i] != '\0' && strchr("{};=<>*&|", s[i]) != NULL;
	}
	return sure && signs >= 3 && signs * 60 > len;
}

/* Whether a comment is still open after s, given whether one was before. */
static bool comment_after(const char *s, size_t len, bool open)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (s[i] == '/' && s[i + 1] == '*')
			open = true;
		else if (s[i] == '*' && s[i + 1] == '/')
			open = false;
	}
	return open;
}

/* Whether what stands between two sentences is less than a blank line, and no new item begins. */
static bool is_one_paragraph(const char *text, uint32_t from, uint32_t to)
{
	unsigned newlines = 0;

	for (; from < to; from++)
		newlines += text[from] == '\n';
	return newlines <= 1;
}

/* A pronoun among the first words, nothing that could be a name before it. */
static bool is_pronoun_led(const struct passage_scan *s, const struct sentence *st)
{
	for (uint32_t i = 0; i < MIN(st->n_tokens, 3u); i++) {
		const struct scan_token *t = &s->tokens[st->token + i];

		if (t->cues & CUE_PRONOUN)
			return true;
		if (!(t->flags & SCAN_STOP))
			return false;
	}
	return false;
}

static void sentence_judge(struct passage_scan *s, struct sentence *st,
			   const struct sentence *before)
{
	const struct ragd_passage *p = &s->passages[st->passage];
	const char *text = p->text.s;
	size_t line = st->start;

	while (line > 0 && (text[line - 1] == ' ' || text[line - 1] == '\t'))
		line--;
	st->follows = before != NULL && is_one_paragraph(text, before->end, st->start) &&
		      before->kind != SENTENCE_HEADING;
	if (line == 0 || text[line - 1] == '\n') {
		st->kind = kind_of(p, st, line);
		if (st->kind == SENTENCE_ITEM)
			st->follows = false;
	} else {
		st->kind = before != NULL && before->kind == SENTENCE_ITEM ? SENTENCE_ITEM
									   : SENTENCE_PROSE;
	}
	if ((st->kind == SENTENCE_PROSE || st->kind == SENTENCE_ITEM) &&
	    is_code(text + st->start, st->end - st->start))
		st->kind = SENTENCE_CODE;
	st->question = st->end > st->start && text[st->end - 1] == '?';
	st->pronoun = is_pronoun_led(s, st);
}

/*
 * What later sentences stand under, after st: a heading, an entry ("uv_run(…)"), the first row of a
 * table if a row without words follows it.
 */
static void under_what(struct passage_scan *s, struct sentence *st, uint32_t *heading,
		       uint32_t *entry)
{
	uint32_t i = (uint32_t)(st - s->sentences);

	if (st->kind == SENTENCE_HEADING) {
		*heading = i;
		*entry = NO_SENTENCE;
	} else if (st->kind == SENTENCE_ENTRY) {
		st->entry = NO_SENTENCE; /* it stands next to the one before, not under it */
		*entry = i;
	} else if (st->kind == SENTENCE_ROW && st->n_tokens == 0 && st->ordinal > 0 &&
		   st[-1].kind == SENTENCE_ROW) {
		st[-1].kind = SENTENCE_ENTRY;
		*entry = i - 1;
	} else if (st->kind != SENTENCE_ROW && st->ordinal > 0 && st[-1].kind == SENTENCE_ROW) {
		*entry = NO_SENTENCE; /* the table is over */
	}
}

static int passage_read(struct passage_scan *s, uint32_t index, const struct reader_question *q,
			struct words *w, struct sentences *cut, const struct lexicon *x)
{
	const struct ragd_passage *p = &s->passages[index];
	uint32_t heading = NO_SENTENCE, entry = NO_SENTENCE, pos = 0, ordinal = 0;
	const struct sentence *before = NULL;
	bool comment = false;
	size_t from, to;
	int rc;

	if (p->text.len > UINT32_MAX)
		return -EFBIG;
	sentences_start(cut, p->text.s, p->text.len);
	while (sentences_next(cut, &from, &to)) {
		struct sentence *st;

		if (!poll_goes_on(&s->poll, 1))
			return s->poll.rc;
		if (!array_reserve(&s->sentences, &s->cap_sentences, s->n_sentences + 1,
				   sizeof(*s->sentences)))
			return -ENOMEM;
		st = &s->sentences[s->n_sentences];
		before = ordinal > 0 ? st - 1 : NULL;
		*st = (struct sentence){ .passage = index,
					 .start = (uint32_t)from,
					 .end = (uint32_t)to,
					 .ordinal = ordinal++,
					 .heading = heading,
					 .entry = entry };
		rc = tokens_add(s, st, q, w, x, p->text.s, &pos);
		if (rc < 0)
			return rc;
		sentence_judge(s, st, before);
		if (comment && st->kind != SENTENCE_CODE)
			st->kind = SENTENCE_COMMENT;
		comment = comment_after(p->text.s + from, to - from, comment);
		under_what(s, st, &heading, &entry);
		pos += 4; /* proximity ends with the sentence, almost */
		s->n_sentences++;
	}
	return 0;
}

static void context_add(struct passage_scan *s, float *context, const struct reader_question *q,
			struct words *w, struct ragd_str text)
{
	struct word word;
	float match;
	int term;

	words_start(w, text.s, text.len);
	while (words_next(w, &word) && poll_goes_on(&s->poll, 1 + word.end - word.start)) {
		term = question_match(q, &word, hash_bytes(word.stem, word.n_stem), &match);
		if (term >= 0 && context[term] < match)
			context[term] = match;
	}
}

int scan_read(struct passage_scan *s, const struct reader_question *q, struct words *w,
	      struct sentences *cut, const struct lexicon *x, const struct ragd_passage *passages,
	      size_t n, const struct ragd_call *call)
{
	int rc = 0;

	s->poll = (struct poll){ .call = call };
	s->passages = passages;
	s->n_passages = n;
	s->n_tokens = s->n_sentences = 0;
	free(s->context);
	s->context = calloc(n > 0 ? n : 1, sizeof(*s->context));
	if (s->context == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = poll_call(call);
		if (rc < 0)
			break;
		context_add(s, s->context[i], q, w, passages[i].title);
		context_add(s, s->context[i], q, w, passages[i].heading);
		rc = s->poll.rc < 0 ? s->poll.rc : passage_read(s, (uint32_t)i, q, w, cut, x);
	}
	return rc;
}
