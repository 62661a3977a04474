#include "safety/rules/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/abi_words.h"
#include "base/arena.h"
#include "base/array.h"
#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/rules/phrase_expand.h"
#include "safety/text/folded.h"

#define GAP_MOST  40
#define ARENA_MAX (64 << 20)

enum rule_block { NO_BLOCK, CATEGORY, TERM, RULE, SKIPPED_RULE };

/* Where the parser is. */
struct parser {
	struct rules *r;
	const char *file;
	unsigned line;
	enum rule_level level;
	enum rule_block block; /* what indented lines belong to */
	struct rule scratch;   /* a rule that this level leaves out */
	struct ragd_err *err;
};

static int no_memory(struct parser *p)
{
	return ragd_err_set(p->err, -ENOMEM, "%s:%u: out of memory", p->file, p->line);
}

static int syntax_error(struct parser *p, const char *what, struct ragd_str word)
{
	return ragd_err_set(p->err, -EINVAL, "%s:%u: %s '%.*s'", p->file, p->line, what,
			    (int)MIN(word.len, 60), word.s);
}

static struct ragd_str trim_blanks(struct ragd_str s)
{
	while (s.len > 0 && ascii_is_space(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len > 0 && ascii_is_space(s.s[s.len - 1]))
		s.len--;
	return s;
}

/* Take the first word off *s; empty at the end. */
static struct ragd_str next_word(struct ragd_str *s)
{
	struct ragd_str w;

	*s = trim_blanks(*s);
	w = *s;
	w.len = 0;
	while (w.len < s->len && !ascii_is_space(w.s[w.len]))
		w.len++;
	s->s += w.len;
	s->len -= w.len;
	*s = trim_blanks(*s);
	return w;
}

static bool str_is(struct ragd_str s, const char *word)
{
	return strlen(word) == s.len && memcmp(s.s, word, s.len) == 0;
}

static struct rule_category *category_find(struct rules *r, struct ragd_str id)
{
	for (size_t i = 0; i < r->n_categories; i++)
		if (str_is(id, r->categories[i]->kind.category))
			return r->categories[i];
	return NULL;
}

static int category_begin(struct parser *p, struct ragd_str rest)
{
	struct ragd_str id = next_word(&rest);
	struct rules *r = p->r;
	struct rule_category *c;

	if (id.len == 0 || rest.len == 0)
		return syntax_error(p, "a category needs an id and a title:", id);
	c = category_find(r, id);
	if (c == NULL) {
		c = arena_alloc(r->arena, 1, sizeof(*c));
		if (c == NULL || !array_reserve(&r->categories, &r->cap_categories,
						r->n_categories + 1, sizeof(*r->categories)))
			return no_memory(p);
		c->kind.category = arena_strndup(r->arena, id.s, id.len);
		c->kind.marker = "[removed]";
		if (c->kind.category == NULL)
			return no_memory(p);
		r->categories[r->n_categories++] = c;
	}
	/* A later file may reword an earlier file's category: then this one is current. */
	for (size_t i = 0; i + 1 < r->n_categories; i++)
		if (r->categories[i] == c) {
			r->categories[i] = r->categories[r->n_categories - 1];
			r->categories[r->n_categories - 1] = c;
		}
	c->title = arena_strndup(r->arena, rest.s, rest.len);
	p->block = CATEGORY;
	return c->title != NULL ? 0 : no_memory(p);
}

static int category_line(struct parser *p, struct ragd_str line)
{
	struct rule_category *c = p->r->categories[p->r->n_categories - 1];
	struct ragd_str word = next_word(&line);
	const char **where, *text;

	if (str_is(word, "message"))
		where = &c->message;
	else if (str_is(word, "note"))
		where = &c->note;
	else if (str_is(word, "marker"))
		where = &c->kind.marker;
	else
		return syntax_error(p, "a category has message, note and marker, not", word);
	if (line.len == 0)
		return syntax_error(p, "text is missing after", word);
	text = arena_strndup(p->r->arena, line.s, line.len);
	if (text == NULL)
		return no_memory(p);
	*where = text;
	return 0;
}

static struct rule_term *term_add(struct parser *p)
{
	struct rules *r = p->r;
	struct rule_term *t;

	if (!array_reserve(&r->terms, &r->cap_terms, r->n_terms + 1, sizeof(*t)))
		return NULL;
	t = &r->terms[r->n_terms++];
	*t = (struct rule_term){ .line = p->line, .file = p->file };
	return t;
}

struct phrase_arg {
	struct parser *p;
	struct rule_term *t;
};

static int phrase_add(void *arg, const char *literal, size_t len)
{
	struct phrase_arg *a = arg;
	struct rule_term *t = a->t;
	struct arena *arena = a->p->r->arena;
	struct term_phrase phrase = { .prefix = literal[len - 1] == '*' };
	struct folded f = { 0 };

	len -= phrase.prefix;
	if (len < 2)
		return ragd_err_set(a->p->err, -EINVAL, "'%.*s' is too short to look for", (int)len,
				    literal);
	/* Written as the text that it is to meet. */
	if (folded_is_plain(literal, len)) {
		phrase.text = arena_strndup(arena, literal, len);
	} else {
		folded_add(&f, literal, len, 0);
		phrase.text = f.failed ? NULL : arena_strndup(arena, f.text, f.len);
		folded_fini(&f);
	}
	if (phrase.text == NULL ||
	    !array_reserve(&t->phrases, &t->cap_phrases, t->n_phrases + 1, sizeof(phrase)))
		return no_memory(a->p);
	t->phrases[t->n_phrases++] = phrase;
	return 0;
}

static int term_phrases(struct parser *p, struct rule_term *t, struct ragd_str text)
{
	struct phrase_arg arg = { p, t };
	struct ragd_err why = { 0 };
	int rc;

	while (text.len > 0 && text.s[0] == '|') {
		text.s++;
		text.len--;
	}
	while (text.len > 0 && text.s[text.len - 1] == '|')
		text.len--;
	rc = phrase_expand(text.s, text.len, phrase_add, &arg, &why);
	if (rc < 0 && why.code != 0)
		return ragd_err_set(p->err, rc, "%s:%u: %s", p->file, p->line, why.msg);
	if (rc == -EINVAL && p->err != NULL) { /* from phrase_add, which knows no line */
		why = *p->err;
		return ragd_err_set(p->err, rc, "%s:%u: %s", p->file, p->line, why.msg);
	}
	return rc;
}

static ssize_t term_find(const struct rules *r, struct ragd_str name)
{
	for (size_t i = 0; i < r->n_terms; i++)
		if (r->terms[i].name != NULL && str_is(name, r->terms[i].name))
			return (ssize_t)i;
	return -1;
}

static ssize_t regex_find(const struct rules *r, struct ragd_str regex)
{
	for (size_t i = 0; i < r->n_terms; i++)
		if (r->terms[i].regex != NULL && str_is(regex, r->terms[i].regex))
			return (ssize_t)i;
	return -1;
}

static int term_begin(struct parser *p, struct ragd_str rest)
{
	struct ragd_str name = next_word(&rest);
	struct rule_term *t;

	if (name.len == 0)
		return syntax_error(p, "a term needs a name", name);
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.s[i]) && name.s[i] != '-' && name.s[i] != '_')
			return syntax_error(p, "a name consists of letters, digits and '-', not",
					    name);
	if (term_find(p->r, name) >= 0)
		return syntax_error(p, "there is a term of this name already:", name);
	t = term_add(p);
	if (t == NULL)
		return no_memory(p);
	t->name = arena_strndup(p->r->arena, name.s, name.len);
	if (t->name == NULL)
		return no_memory(p);
	p->block = TERM;
	return rest.len > 0 ? term_phrases(p, t, rest) : 0;
}

/* Take one item off *s: a term's name, "phrases" or /regex/. Sets *term to its index. */
static int item_next(struct parser *p, struct ragd_str *s, unsigned *term)
{
	struct ragd_str item = trim_blanks(*s), name;
	char quote = item.len > 0 ? item.s[0] : '\0';
	struct rule_term *t;
	ssize_t known;
	size_t n;

	if (quote != '"' && quote != '/') {
		name = next_word(s);
		known = term_find(p->r, name);
		if (known < 0)
			return syntax_error(p, "there is no term", name);
		*term = (unsigned)known;
		return 0;
	}
	for (n = 1; n < item.len && item.s[n] != quote; n++)
		if (quote == '/' && item.s[n] == '\\')
			n++;
	if (n >= item.len || n == 1)
		return syntax_error(p, "this is empty or not closed:", item);
	s->s = item.s + n + 1;
	s->len = item.len - n - 1;
	/* Rules that look for the same share it: compiling expressions is most of a start. */
	known = quote == '/' ? regex_find(p->r, (struct ragd_str){ item.s + 1, n - 1 }) : -1;
	if (known >= 0) {
		*term = (unsigned)known;
		return 0;
	}
	t = term_add(p);
	if (t == NULL)
		return no_memory(p);
	*term = (unsigned)(p->r->n_terms - 1);
	if (quote == '"')
		return term_phrases(p, t, (struct ragd_str){ item.s + 1, n - 1 });
	if (memchr(item.s + 1, '_', n - 1) != NULL)
		return syntax_error(p, "rules see a space in place of '_':", item);
	t->regex = arena_strndup(p->r->arena, item.s + 1, n - 1);
	return t->regex != NULL ? 0 : no_memory(p);
}

/* "~6": at most six words between. */
static int gap_next(struct parser *p, struct ragd_str *s, unsigned *gap)
{
	struct ragd_str word = next_word(s);
	unsigned n = 0;

	if (word.len < 2 || word.s[0] != '~')
		return syntax_error(p, "expected ~ and a number between two terms, not", word);
	for (size_t i = 1; i < word.len; i++) {
		if (!ascii_is_digit(word.s[i]) || n > GAP_MOST)
			return syntax_error(p, "a gap is a number of words up to 40, not", word);
		n = n * 10 + (unsigned)(word.s[i] - '0');
	}
	if (n > GAP_MOST)
		return syntax_error(p, "a gap is a number of words up to 40, not", word);
	*gap = n;
	return 0;
}

static int find_line(struct parser *p, struct rule *rule, struct ragd_str line)
{
	struct rule_find f = { 0 };
	int rc;

	for (;;) {
		rc = item_next(p, &line, &f.term[f.n]);
		if (rc < 0)
			return rc;
		f.n++;
		line = trim_blanks(line);
		if (line.len == 0)
			break;
		if (f.n == FIND_MAX)
			return syntax_error(p, "a find has at most five terms; one too many is",
					    line);
		rc = gap_next(p, &line, &f.gap[f.n]);
		if (rc < 0)
			return rc;
	}
	if (!array_reserve(&rule->finds, &rule->cap_finds, rule->n_finds + 1, sizeof(f)))
		return no_memory(p);
	rule->finds[rule->n_finds++] = f;
	return 0;
}

static int unless_line(struct parser *p, struct rule *rule, struct ragd_str line)
{
	unsigned term;
	int rc;

	for (line = trim_blanks(line); line.len > 0; line = trim_blanks(line)) {
		rc = item_next(p, &line, &term);
		if (rc < 0)
			return rc;
		if (!array_reserve(&rule->unless, &rule->cap_unless, rule->n_unless + 1,
				   sizeof(term)))
			return no_memory(p);
		rule->unless[rule->n_unless++] = term;
	}
	return 0;
}

static void rule_fini(struct rule *rule)
{
	free(rule->finds);
	free(rule->unless);
	*rule = (struct rule){ 0 };
}

static struct rule *rule_now(struct parser *p)
{
	return p->block == SKIPPED_RULE ? &p->scratch : &p->r->rules[p->r->n_rules - 1];
}

static int rule_line(struct parser *p, struct ragd_str line)
{
	struct ragd_str word = next_word(&line);

	if (str_is(word, "find"))
		return find_line(p, rule_now(p), line);
	if (str_is(word, "unless"))
		return unless_line(p, rule_now(p), line);
	return syntax_error(p, "a rule has find and unless, not", word);
}

/* The words after the name: an action, stages, `at LEVEL`. */
static int rule_words(struct parser *p, struct rule *rule, struct ragd_str rest)
{
	static const char *const levels[] = { "permissive", "balanced", "strict" };

	while (rest.len > 0) {
		struct ragd_str word = next_word(&rest);
		enum ragd_action action;
		enum ragd_stage stage;
		bool known = false;

		if (abi_action_find(word, &action) && action != RAGD_ALLOW) {
			rule->action = action;
			known = true;
		}
		if (abi_stage_find(word, &stage)) {
			rule->stages |= 1u << stage;
			known = true;
		}
		if (str_is(word, "at")) {
			word = next_word(&rest);
			for (unsigned i = 0; i < ARRAY_LEN(levels); i++)
				if (str_is(word, levels[i])) {
					rule->level = (enum rule_level)i;
					known = true;
				}
		}
		if (!known)
			return syntax_error(p, "not an action, a stage or a level:", word);
	}
	if (rule->action == RAGD_ALLOW)
		return syntax_error(p, "a rule needs steer, redact or block:",
				    (struct ragd_str){ rule->name, strlen(rule->name) });
	if (rule->stages == 0)
		return syntax_error(p, "a rule needs prompt, document or response:",
				    (struct ragd_str){ rule->name, strlen(rule->name) });
	return 0;
}

static int rule_begin(struct parser *p, struct ragd_str rest)
{
	struct ragd_str name = next_word(&rest), id = name;
	const char *dot = memrchr(name.s, '.', name.len);
	struct rules *r = p->r;
	struct rule rule = { .level = LEVEL_BALANCED };
	int rc;

	if (dot == NULL || dot + 1 == name.s + name.len)
		return syntax_error(p, "a rule is named CATEGORY.NAME, not", name);
	id.len = (size_t)(dot - name.s);
	rule.category = category_find(r, id);
	if (rule.category == NULL)
		return syntax_error(p, "there is no category", id);
	rule.name = arena_strndup(r->arena, name.s, name.len);
	if (rule.name == NULL)
		return no_memory(p);
	rc = rule_words(p, &rule, rest);
	if (rc < 0)
		return rc;
	if (rule.level > p->level) {
		rule_fini(&p->scratch);
		p->scratch = rule;
		p->block = SKIPPED_RULE;
		return 0;
	}
	if (!array_reserve(&r->rules, &r->cap_rules, r->n_rules + 1, sizeof(rule)))
		return no_memory(p);
	r->rules[r->n_rules++] = rule;
	p->block = RULE;
	return 0;
}

static int parse_line(struct parser *p, struct ragd_str line)
{
	bool indented = line.len > 0 && ascii_is_space(line.s[0]);
	struct ragd_str word;

	line = trim_blanks(line);
	if (line.len == 0 || line.s[0] == '#')
		return 0;
	if (indented) {
		switch (p->block) {
		case CATEGORY:
			return category_line(p, line);
		case TERM:
			return term_phrases(p, &p->r->terms[p->r->n_terms - 1], line);
		case RULE:
		case SKIPPED_RULE:
			return rule_line(p, line);
		default:
			return syntax_error(p, "an indented line belongs to nothing:", line);
		}
	}
	p->block = NO_BLOCK;
	word = next_word(&line);
	if (str_is(word, "category"))
		return category_begin(p, line);
	if (str_is(word, "term"))
		return term_begin(p, line);
	if (str_is(word, "rule"))
		return rule_begin(p, line);
	return syntax_error(p, "a line begins with category, term or rule, not", word);
}

struct rules *rules_new(void)
{
	struct rules *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->arena = arena_new(ARENA_MAX);
	if (r->arena == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_terms; i++)
		free(r->terms[i].phrases);
	for (size_t i = 0; i < r->n_rules; i++)
		rule_fini(&r->rules[i]);
	arena_free(r->arena);
	free(r->categories);
	free(r->terms);
	free(r->rules);
	free(r);
}

int rules_parse(struct rules *r, const char *name, const char *text, size_t len,
		enum rule_level level, struct ragd_err *err)
{
	struct parser p = { .r = r, .level = level, .err = err };
	int rc = 0;

	p.file = arena_strdup(r->arena, name);
	if (p.file == NULL)
		return ragd_err_set(err, -ENOMEM, "rule file '%s': out of memory", name);
	while (len > 0 && rc == 0) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - text) : len;

		p.line++;
		if (memchr(text, '\0', n) != NULL)
			rc = ragd_err_set(err, -EINVAL, "%s:%u: this is not text", p.file, p.line);
		else
			rc = parse_line(&p, (struct ragd_str){ text, n });
		n += nl != NULL;
		text += n;
		len -= n;
	}
	rule_fini(&p.scratch);
	return rc;
}
