#include "daemon/config/config_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text/utf8.h"

/* Bytes that end a word without quotes; as in libconfuse, but for '+' and '*', refused here. */
#define WORD_END " \t\n#\"'={}()+,*"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_MARK, /* one of = { } ( ) , */
	TOKEN_BAD,
};

struct token {
	enum token_kind kind;
	char mark;
	const char *s; /* a word, or a string with its quotes */
	size_t len;
	int line;
};

struct scan {
	struct arena *arena;
	const char *name;
	char *text;
	size_t len;
	size_t at;
	int line;
	struct ragd_err *err;

	struct config_head *heads;
	size_t n_heads;
	size_t cap_heads;
	struct config_key *keys;
	size_t n_keys;
	size_t cap_keys;

	/* where in the grammar we are */
	struct token prev;
	struct token statement; /* first token of a statement outside of sections */
	int section_line;       /* of the '{' of the open section; 0: none is open */
	int list_line;
	size_t cur_key; /* of the assignment whose value comes next; (size_t)-1: none */
};

#define NO_KEY ((size_t)-1)

static int scan_fail(struct scan *s, int line, const char *fmt, ...) RAGD_PRINTF(3, 4);
static int scan_fail(struct scan *s, int line, const char *fmt, ...)
{
	char msg[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return ragd_err_set(s->err, -EINVAL, "%s:%d: %s", s->name, line, msg);
}

static struct token token_bad(struct token t)
{
	t.kind = TOKEN_BAD;
	return t;
}

static char scan_peek(const struct scan *s, size_t ahead)
{
	return s->at + ahead < s->len ? s->text[s->at + ahead] : '\0';
}

/* ${NAME} and ${NAME:-default}: libconfuse would take a variable that is not set for empty. */
static int skip_variable(struct scan *s)
{
	char *end = memchr(s->text + s->at, '}', s->len - s->at);
	char var[128];
	size_t len;

	if (end == NULL || memchr(s->text + s->at, '\n', (size_t)(end - s->text) - s->at) != NULL)
		return scan_fail(s, s->line, "'${' without its '}'");
	len = (size_t)(end - s->text) - s->at - 2;
	if (len == 0 || len >= sizeof(var))
		return scan_fail(s, s->line, "'${…}' needs the name of an environment variable");
	memcpy(var, s->text + s->at + 2, len);
	var[len] = '\0';
	if (strstr(var, ":-") == NULL && getenv(var) == NULL)
		return scan_fail(
			s, s->line,
			"the environment variable %s is not set; ${%s:-VALUE} gives a default", var,
			var);
	s->at += len + 3;
	return 0;
}

/* After a backslash within double quotes. */
static int skip_escape(struct scan *s)
{
	char c = scan_peek(s, 1);
	char digits[4] = { 0 };
	int base = c == 'x' ? 16 : 8;
	size_t n = 0, from = c == 'x' ? 2 : 1;
	size_t max = c == 'x' ? 2 : 3;

	if (c == '\n') {
		s->line++;
		s->at += 2;
		return 0;
	}
	while (n < max &&
	       strchr(base == 16 ? "0123456789abcdefABCDEF" : "01234567", scan_peek(s, from + n)) !=
		       NULL &&
	       scan_peek(s, from + n) != '\0') {
		digits[n] = scan_peek(s, from + n);
		n++;
	}
	if (n == 0 && c != 'x' && (c < '0' || c > '9')) {
		s->at += 2;
		return 0;
	}
	/* Bytes below 128 only: the text is UTF-8 and stays it; and NUL would end the value. */
	if (n == 0 || strtol(digits, NULL, base) < 1 || strtol(digits, NULL, base) > 127 ||
	    (base == 8 && scan_peek(s, from + n) >= '0' && scan_peek(s, from + n) <= '9'))
		return scan_fail(s, s->line,
				 "'\\%c…': an escaped number is \\1 to \\177 or \\x01 to \\x7f", c);
	s->at += from + n;
	return 0;
}

static int skip_string(struct scan *s)
{
	char quote = s->text[s->at++];
	int line = s->line;
	int rc = 0;

	while (rc == 0 && s->at < s->len) {
		char c = s->text[s->at];

		if (c == quote) {
			s->at++;
			return 0;
		}
		if (c == '\\' && s->at + 1 < s->len && quote == '"') {
			rc = skip_escape(s);
		} else if (c == '\\' && s->at + 1 < s->len) {
			s->line += scan_peek(s, 1) == '\n';
			s->at += 2;
		} else if (c == '$' && scan_peek(s, 1) == '{' && quote == '"') {
			rc = skip_variable(s);
		} else {
			s->line += c == '\n';
			s->at++;
		}
	}
	return rc < 0 ? rc
		      : scan_fail(s, line, "the string that begins here has no closing %c", quote);
}

/* Spaces in place of a comment, so that every byte and line stays where it was. */
static int blank_comment(struct scan *s)
{
	int line = s->line;

	if (scan_peek(s, 1) != '*' || scan_peek(s, 0) != '/') {
		while (s->at < s->len && s->text[s->at] != '\n')
			s->text[s->at++] = ' ';
		return 0;
	}
	s->text[s->at++] = ' ';
	s->text[s->at++] = ' ';
	while (s->at < s->len && !(scan_peek(s, 0) == '*' && scan_peek(s, 1) == '/')) {
		if (s->text[s->at] == '\n')
			s->line++;
		else
			s->text[s->at] = ' ';
		s->at++;
	}
	if (s->at == s->len)
		return scan_fail(s, line, "the comment that begins here has no closing */");
	s->text[s->at++] = ' ';
	s->text[s->at++] = ' ';
	return 0;
}

/* White space and comments. */
static int skip_blank(struct scan *s)
{
	int rc = 0;

	while (rc == 0 && s->at < s->len) {
		char c = s->text[s->at];

		if (c == '\r')
			s->text[s->at] = ' ';
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			s->line += c == '\n';
			s->at++;
		} else if (c == '#' ||
			   (c == '/' && (scan_peek(s, 1) == '/' || scan_peek(s, 1) == '*'))) {
			rc = blank_comment(s);
		} else {
			break;
		}
	}
	return rc;
}

static struct token next_token(struct scan *s)
{
	struct token t = { .kind = TOKEN_END };
	char c;

	if (skip_blank(s) < 0)
		return token_bad(t);
	t.line = s->line;
	t.s = s->text + s->at;
	if (s->at == s->len)
		return t;
	c = s->text[s->at];
	if (c == '"' || c == '\'') {
		t.kind = TOKEN_QUOTED;
		if (skip_string(s) < 0)
			return token_bad(t);
	} else if (strchr("={}(),", c) != NULL) {
		t.kind = TOKEN_MARK;
		t.mark = c;
		s->at++;
	} else if (c == '+' || c == '*') {
		scan_fail(s, s->line,
			  c == '+' && scan_peek(s, 1) == '='
				  ? "'+=' is not supported: write the whole list"
				  : "'%c' must be in quotes",
			  c);
		return token_bad(t);
	} else {
		t.kind = TOKEN_WORD;
		if (c == '$' && scan_peek(s, 1) == '{') {
			if (skip_variable(s) < 0)
				return token_bad(t);
		} else {
			while (s->at < s->len && strchr(WORD_END, s->text[s->at]) == NULL &&
			       s->text[s->at] != '\r')
				s->at++;
		}
	}
	t.len = (size_t)(s->text + s->at - t.s);
	return t;
}

static int no_memory(struct scan *s)
{
	return ragd_err_set(s->err, -ENOMEM, "%s: out of memory", s->name);
}

/* Room for one more in an array of the arena. */
static void *arena_grow(struct scan *s, void *old, size_t n, size_t *cap, size_t size)
{
	void *p;

	if (n < *cap)
		return old;
	*cap = *cap > 0 ? *cap * 2 : 16;
	p = arena_alloc(s->arena, *cap, size);
	if (p != NULL && n > 0)
		memcpy(p, old, n * size);
	return p;
}

/* prev = … */
static int on_equals(struct scan *s)
{
	const struct token *key = &s->prev;

	if (key->kind == TOKEN_QUOTED)
		return scan_fail(s, key->line, "the name of an option must not be in quotes");
	if (key->kind != TOKEN_WORD)
		return scan_fail(s, s->line, "'=' without the name of an option before it");
	if (!name_is_identifier(key->s, key->len))
		return scan_fail(s, key->line,
				 "'%.*s' is not an option name: those consist of a-z, 0-9 and _",
				 (int)(key->len < 40 ? key->len : 40), key->s);
	if (s->section_line == 0)
		return scan_fail(s, key->line, "'%.*s' is outside any section such as ragd { … }",
				 (int)key->len, key->s);
	for (s->cur_key = 0; s->cur_key < s->n_keys; s->cur_key++)
		if (strncmp(s->keys[s->cur_key].name, key->s, key->len) == 0 &&
		    s->keys[s->cur_key].name[key->len] == '\0')
			return 0;
	s->keys = arena_grow(s, s->keys, s->n_keys, &s->cap_keys, sizeof(*s->keys));
	if (s->keys == NULL)
		return no_memory(s);
	s->keys[s->n_keys] =
		(struct config_key){ .name = arena_strndup(s->arena, key->s, key->len) };
	return s->keys[s->n_keys++].name != NULL ? 0 : no_memory(s);
}

static int on_open(struct scan *s, int line)
{
	if (s->prev.kind == TOKEN_MARK && s->prev.mark == '=') {
		s->keys[s->cur_key].list = true;
		s->list_line = line;
		return 0;
	}
	if (s->list_line > 0)
		return scan_fail(s, line, "'{' within the list that begins on line %d",
				 s->list_line);
	if (s->section_line > 0)
		return scan_fail(s, line,
				 "'{' within the section that begins on line %d: sections cannot "
				 "be nested, and a list comes after '='",
				 s->section_line);
	if (s->statement.kind != TOKEN_WORD)
		return scan_fail(s, line, "'{' without the name of a section before it");
	s->heads = arena_grow(s, s->heads, s->n_heads, &s->cap_heads, sizeof(*s->heads));
	if (s->heads == NULL)
		return no_memory(s);
	s->heads[s->n_heads].line = s->statement.line;
	s->heads[s->n_heads].section = arena_strndup(s->arena, s->statement.s, s->statement.len);
	s->section_line = s->statement.line;
	return s->heads[s->n_heads++].section != NULL ? 0 : no_memory(s);
}

static int on_close(struct scan *s, int line)
{
	if (s->list_line > 0)
		s->list_line = 0;
	else if (s->section_line > 0)
		s->section_line = 0;
	else
		return scan_fail(s, line, "'}' without a '{' before it");
	return 0;
}

static int on_token(struct scan *s, struct token *t)
{
	int rc = 0;

	if (s->section_line == 0 && s->statement.kind == TOKEN_END)
		s->statement = *t;
	if (t->kind == TOKEN_MARK && t->mark == '=')
		rc = on_equals(s);
	else if (t->kind == TOKEN_MARK && t->mark == '{')
		rc = on_open(s, t->line);
	else if (t->kind == TOKEN_MARK && t->mark == '}')
		rc = on_close(s, t->line);
	if (s->section_line == 0 && t->kind == TOKEN_MARK && (t->mark == '}' || t->mark == ')'))
		s->statement.kind = TOKEN_END;
	s->prev = *t;
	return rc;
}

/* What no text file has: NUL, control characters, bytes that are not UTF-8. */
static int check_bytes(struct scan *s)
{
	ssize_t bad_at = utf8_invalid_at(s->text, s->len);
	int line = 1;

	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->text[i];

		if ((ssize_t)i == bad_at)
			return scan_fail(s, line, "byte 0x%02x is not valid UTF-8", c);
		if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
			return scan_fail(s, line, "control character 0x%02x", c);
		line += c == '\n';
	}
	return 0;
}

int config_text_scan(struct arena *a, const char *name, const char *text, size_t len,
		     struct config_text *out, struct ragd_err *err)
{
	struct scan s = { .arena = a, .name = name, .line = 1, .err = err, .cur_key = NO_KEY };
	struct token t;
	int rc;

	if (len > CONFIG_TEXT_MAX)
		return ragd_err_set(err, -EFBIG, "%s: more than %u bytes", name, CONFIG_TEXT_MAX);
	/* A newline at the end, since libconfuse cannot read from an empty buffer. */
	s.text = arena_alloc(a, len + 2, 1);
	if (s.text == NULL)
		return no_memory(&s);
	memcpy(s.text, text, len);
	s.text[len] = '\n';
	s.len = len + 1;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		memset(s.text, ' ', 3);
	rc = check_bytes(&s);
	while (rc == 0 && (t = next_token(&s)).kind != TOKEN_END)
		rc = t.kind == TOKEN_BAD ? -EINVAL : on_token(&s, &t);
	if (rc == 0 && s.list_line > 0)
		rc = scan_fail(&s, s.list_line, "the list that begins here has no closing '}'");
	if (rc == 0 && s.section_line > 0)
		rc = scan_fail(&s, s.section_line,
			       "the section that begins here has no closing '}'");
	if (rc < 0)
		return rc;
	*out = (struct config_text){ s.text, s.len, s.heads, s.n_heads, s.keys, s.n_keys };
	return 0;
}
