#include "safety/links/url.h"

#include <string.h>
#include <strings.h>

#include "base/text/ascii.h"
#include "base/util.h"

#define ENTITY_MAX 10 /* bytes of the longest that is looked at, without '&' and ';' */
#define TRAIL_MAX  4  /* signs behind an address that belong to the sentence */
#define DATA_LOOK  16 /* bytes behind "data:" that tell whether it is a scheme */

/* Entities of the characters that addresses and their surroundings are made of. */
static char named_entity(const char *name, size_t n)
{
	static const struct {
		const char *name;
		char c;
	} rows[] = {
		{ "colon", ':' },  { "sol", '/' },    { "bsol", '\\' },  { "period", '.' },
		{ "amp", '&' },    { "AMP", '&' },    { "quest", '?' },  { "num", '#' },
		{ "equals", '=' }, { "percnt", '%' }, { "commat", '@' }, { "lowbar", '_' },
		{ "lpar", '(' },   { "rpar", ')' },   { "Tab", '\t' },   { "NewLine", '\n' },
		{ "quot", '"' },   { "apos", '\'' },  { "lt", '<' },     { "gt", '>' },
		{ "plus", '+' },   { "hyphen", '-' }, { "dash", '-' },   { "excl", '!' },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return rows[i].c;
	return 0;
}

/* "#104", "#x68": the character if it is of ASCII, 0 for others. */
static char numeric_entity(const char *s, size_t n)
{
	bool hex = n > 1 && ascii_to_lower(s[1]) == 'x';
	unsigned v = 0;

	for (size_t i = hex ? 2 : 1; i < n; i++) {
		if (hex ? !ascii_is_hex(s[i]) : !ascii_is_digit(s[i]))
			return 0;
		v = MIN(v * (hex ? 16 : 10) + (unsigned)ascii_hex_value(s[i]), 0x1000u);
	}
	return v < 0x80 ? (char)v : 0;
}

size_t url_char(const struct scan_view *v, size_t i, bool percent, char *c)
{
	const char *s = v->s + i;
	size_t have = v->len - i, n = 1;
	char found;

	*c = s[0];
	if (percent && s[0] == '%') {
		if (have < 3 && !v->end)
			return 0;
		if (have < 3 || !ascii_is_hex(s[1]) || !ascii_is_hex(s[2]) || s[1] > '7')
			return 1;
		*c = (char)(ascii_hex_value(s[1]) * 16 + ascii_hex_value(s[2]));
		return 3;
	}
	if (s[0] != '&')
		return 1;
	while (n < have && n <= ENTITY_MAX && (ascii_is_alnum(s[n]) || (n == 1 && s[n] == '#')))
		n++;
	if (n == have && n <= ENTITY_MAX && !v->end)
		return 0;
	if (n < 2 || n > ENTITY_MAX)
		return 1;
	found = s[1] == '#' ? numeric_entity(s + 1, n - 1) : named_entity(s + 1, n - 1);
	if (found == 0)
		return 1;
	*c = found;
	/* Browsers take a number without its semicolon, too. */
	return n < have && s[n] == ';' ? n + 1 : n;
}

/* The bytes of a scheme and its colon at the start of s[0..len); 0: there is none. */
static size_t scheme_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len &&
	       (ascii_is_alnum(s[n]) || (n > 0 && strchr("+.-", s[n]) != NULL && s[n] != 0)))
		n++;
	return n > 0 && n < len && ascii_is_alpha(s[0]) && s[n] == ':' ? n + 1 : 0;
}

bool url_is_local(const char *s, size_t len)
{
	const struct scan_view v = { s, len, true };
	char c;

	if (scheme_len(s, len) > 0 || (len > 1 && s[0] == '/' && s[1] == '/'))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char u = (unsigned char)s[i];

		if (u <= ' ' || u == 0x7f || u == '\\' ||
		    (u == '&' && url_char(&v, i, false, &c) > 1))
			return false;
	}
	return true;
}

void url_normalise(const char *s, size_t len, struct buf *out)
{
	const struct scan_view v = { s, len, true };
	struct buf plain = BUF_INIT;
	size_t n, host;
	char c;

	for (size_t i = 0; i < len; i += n) {
		n = url_char(&v, i, false, &c);
		buf_addc(&plain, c);
	}
	s = plain.data != NULL ? plain.data : "";
	len = plain.len;
	n = scheme_len(s, len);
	if ((n == 5 && strncasecmp(s, "http:", 5) == 0) ||
	    (n == 6 && strncasecmp(s, "https:", 6) == 0)) {
		s += n;
		len -= n;
	} else if (n > 0) {
		for (size_t i = 0; i < n; i++)
			buf_addc(out, ascii_to_lower(s[i]));
		s += n;
		len -= n;
	} else if (len > 4 && strncasecmp(s, "www.", 4) == 0) {
		buf_adds(out, "//");
	}
	host = len > 1 && s[0] == '/' && s[1] == '/' ? 2 : 0;
	while (host > 0 && host < len && strchr("/?#\\", s[host]) == NULL)
		host++;
	if (host == 0 && strncasecmp(s, "www.", MIN(len, 4)) == 0)
		host = strcspn(s, "/?#\\");
	for (size_t i = 0; i < len; i++)
		buf_addc(out, i < host ? ascii_to_lower(s[i]) : s[i]);
	if (host > 0 && len == host + 1 && s[host] == '/') /* no path, and the root */
		out->data[--out->len] = '\0';
	if (buf_failed(&plain))
		out->failed = true;
	buf_fini(&plain);
}

bool url_is_scheme(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '.' || c == '-';
}

static bool is_host(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '@';
}

bool url_ends(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f || c == '<';
}

bool url_on_host(const char *s, size_t len, const char *const *hosts)
{
	size_t n = 0;

	if (hosts == NULL || len < 3 || s[0] != '/' || s[1] != '/')
		return false;
	s += 2;
	len -= 2;
	while (n < len && (ascii_is_alnum(s[n]) || s[n] == '.' || s[n] == '-'))
		n++;
	if (n < len && s[n] == ':') { /* a port; a password would go on to '@' */
		size_t p = n + 1;

		while (p < len && ascii_is_digit(s[p]))
			p++;
		if (p < len && strchr("/?#", s[p]) == NULL)
			return false;
	} else if (n < len && strchr("/?#", s[n]) == NULL) {
		return false;
	}
	for (; *hosts != NULL; hosts++) {
		const char *host = *hosts;
		bool below = strncmp(host, "*.", 2) == 0;
		size_t want = strlen(host) - below; /* with the dot */

		if (below ? n > want && strncasecmp(s + n - want, host + 1, want) == 0
			  : n == want && strncasecmp(s, host, n) == 0)
			return true;
	}
	return false;
}

size_t url_trail(const char *s, size_t start, size_t end)
{
	size_t least = end - start > TRAIL_MAX ? end - TRAIL_MAX : start;

	for (; end > least; end--) {
		char c = s[end - 1], open = c == ')' ? '(' : c == ']' ? '[' : '{';
		size_t n_open = 0, n_close = 0;

		if (c == '\0' || strchr(".,;:!?'\"*_~`>)]}", c) == NULL)
			break;
		if (c != ')' && c != ']' && c != '}')
			continue;
		for (size_t i = start; i < end; i++) {
			n_open += s[i] == open;
			n_close += s[i] == c;
		}
		if (n_close <= n_open)
			break;
	}
	return end;
}

/*
 * Schemes that need no "//", and what else they need. Those of the web need it to be well-formed,
 * but browsers complete it.
 */
static bool is_bare_scheme(const char *scheme, const struct scan_view *v, size_t p)
{
	static const char *const names[] = { "http",   "https", "ftp", "javascript", "vbscript",
					     "mailto", "xmpp",  "tel", "sms",        "blob" };

	if (p == v->len || url_ends(v->s[p]))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(scheme, names[i]) == 0)
			return true;
	if (strcmp(scheme, "data") != 0)
		return false;
	for (size_t from = p; p < v->len && p - from < DATA_LOOK && ascii_is_alnum(v->s[p]);)
		p++;
	return p < v->len && strchr("/,;", v->s[p]) != NULL && v->s[p] != '\0';
}

/* Go over "//", also written with backslashes or as entities, as browsers do: NO, *p as it was. */
static enum outcome skip_slashes(const struct scan_view *v, size_t *p)
{
	size_t q = *p, k;
	char c;

	for (int n = 0; n < 2; n++, q += k) {
		if (q == v->len)
			return v->end ? NO : MORE;
		k = url_char(v, q, true, &c);
		if (k == 0)
			return MORE;
		if (c != '/' && c != '\\')
			return NO;
	}
	*p = q;
	return YES;
}

enum outcome url_scheme(const struct scan_view *v, size_t i, size_t *body)
{
	char scheme[SCHEME_MAX + 1], c = 0;
	size_t p = i, n = 0, k;
	enum outcome rc;

	for (;;) {
		if (p == v->len)
			return v->end ? NO : MORE;
		k = url_char(v, p, true, &c);
		if (k == 0)
			return MORE;
		p += k;
		if (!url_is_scheme(c) || n == SCHEME_MAX)
			break;
		scheme[n++] = ascii_to_lower(c);
	}
	scheme[n] = '\0';
	if (c != ':' || n == 0)
		return NO;
	rc = skip_slashes(v, &p);
	*body = p;
	if (rc != NO)
		return rc;
	/* "data:" needs a little more to be one. */
	if (strcmp(scheme, "data") == 0 && v->len - p < DATA_LOOK + 4 && !v->end &&
	    (p == v->len || ascii_is_alnum(v->s[v->len - 1])))
		return MORE;
	return is_bare_scheme(scheme, v, p) ? YES : NO;
}

enum outcome url_network(const struct scan_view *v, size_t i, char prior, size_t *body)
{
	size_t p = i, host, dot = 0;
	enum outcome rc;

	if (ascii_is_alnum(prior) || prior == '/' || prior == '\\' || prior == ':')
		return NO;
	rc = skip_slashes(v, &p);
	if (rc != YES)
		return rc;
	for (host = p; p < v->len && p - host < URL_MAX && is_host(v->s[p]); p++)
		if (v->s[p] == '.')
			dot = p;
	if (p == v->len && !v->end && p - host < URL_MAX)
		return MORE;
	/* A host has a dot and letters behind it; what follows the // of a comment has not. */
	if (dot <= host || dot + 2 >= p || !ascii_is_alpha(v->s[dot + 1]))
		return NO;
	*body = host;
	return YES;
}
