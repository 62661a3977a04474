#include "safety/links/html.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text/ascii.h"
#include "base/util.h"

#define NAME_MAX_LEN 32

/* Elements that a browser knows, also those that are no longer in the standard; sorted. */
static const char *const elements[] = {
	"a",          "abbr",     "acronym",  "address",    "applet",   "area",      "article",
	"aside",      "audio",    "b",        "base",       "basefont", "bdi",       "bdo",
	"bgsound",    "big",      "blink",    "blockquote", "body",     "br",        "button",
	"canvas",     "caption",  "center",   "cite",       "code",     "col",       "colgroup",
	"data",       "datalist", "dd",       "del",        "details",  "dfn",       "dialog",
	"dir",        "div",      "dl",       "dt",         "em",       "embed",     "fieldset",
	"figcaption", "figure",   "font",     "footer",     "form",     "frame",     "frameset",
	"h1",         "h2",       "h3",       "h4",         "h5",       "h6",        "head",
	"header",     "hgroup",   "hr",       "html",       "i",        "iframe",    "image",
	"img",        "input",    "ins",      "isindex",    "kbd",      "keygen",    "label",
	"legend",     "li",       "link",     "listing",    "main",     "map",       "mark",
	"marquee",    "math",     "menu",     "menuitem",   "meta",     "meter",     "nav",
	"nobr",       "noembed",  "noframes", "noscript",   "object",   "ol",        "optgroup",
	"option",     "output",   "p",        "param",      "picture",  "plaintext", "portal",
	"pre",        "progress", "q",        "rb",         "rp",       "rt",        "rtc",
	"ruby",       "s",        "samp",     "script",     "search",   "section",   "select",
	"slot",       "small",    "source",   "spacer",     "span",     "strike",    "strong",
	"style",      "sub",      "summary",  "sup",        "svg",      "table",     "tbody",
	"td",         "template", "textarea", "tfoot",      "th",       "thead",     "time",
	"title",      "tr",       "track",    "tt",         "u",        "ul",        "var",
	"video",      "wbr",      "xmp",
};

/* Those of them that may stand within a word; sorted. */
static const char *const inlines[] = {
	"a",    "abbr",   "acronym", "b",   "bdi", "bdo",  "big",  "cite", "code", "data", "del",
	"dfn",  "em",     "font",    "i",   "ins", "kbd",  "mark", "q",    "s",    "samp", "small",
	"span", "strike", "strong",  "sub", "sup", "time", "tt",   "u",    "var",
};

static int name_cmp(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool is_one_of(const char *const *names, size_t n_names, const char *s, size_t n)
{
	char name[NAME_MAX_LEN];

	if (n >= sizeof(name))
		return false;
	for (size_t i = 0; i < n; i++)
		name[i] = ascii_to_lower(s[i]);
	name[n] = '\0';
	return bsearch(name, names, n_names, sizeof(names[0]), name_cmp) != NULL;
}

/* The byte behind `what` in s[p .. limit); 0: it is not there. */
static size_t find_behind(const char *s, size_t p, size_t limit, const char *what)
{
	size_t n = strlen(what);
	const char *at = limit > p ? memmem(s + p, limit - p, what, n) : NULL;

	return at != NULL ? (size_t)(at - s) + n : 0;
}

/* <!-- -->, <!DOCTYPE >, <![CDATA[ ]]>, <?xml ?>: to where they end. */
static enum outcome declaration_end(const struct scan_view *v, size_t i, enum html_sort *sort,
				    size_t *end)
{
	const char *s = v->s + i;
	size_t have = v->len - i, limit = MIN(v->len, i + TAG_MAX);
	const char *close = ">";

	if (have < 4 && !v->end)
		return MORE;
	if (have >= 4 && memcmp(s, "<!--", 4) == 0)
		close = "-->";
	else if (s[1] == '!' && (have < 3 || !(ascii_is_alpha(s[2]) || s[2] == '[')))
		return NO;
	*end = find_behind(v->s, i + 2, limit, close);
	*sort = *end > 0 ? HTML_TAG : HTML_LOOSE;
	return *end == 0 && limit == v->len && limit < i + TAG_MAX && !v->end ? MORE : YES;
}

/* The inside of a tag, from behind its name. */
struct tag_inside {
	/* behind its '>'; 0: it has none within TAG_MAX, nor before an empty line or a '<' */
	size_t end;
	bool some;    /* attributes */
	bool assigns; /* with values */
	bool opens;   /* another '<' */
	bool over;    /* the text ends within it */
};

/*
 * A '<' outside quotations is another tag's, and quotations count wherever they stand. So where one
 * reading begins an earlier one ends, or is within a quotation; then the two are never in the same
 * state again. No more than three, one for each state, go over any byte.
 */
static enum outcome inside_read(const struct scan_view *v, size_t i, size_t p,
				struct tag_inside *in)
{
	char quote = 0;
	size_t plain = 0;

	*in = (struct tag_inside){ 0 };
	for (; p < v->len && p - i < TAG_MAX; p++) {
		char c = v->s[p];

		if (c == '>' && plain == 0)
			plain = p + 1;
		if (c == '>' && quote == 0) {
			in->end = p + 1;
			return YES;
		}
		in->opens = in->opens || c == '<';
		if (c == '<' && quote == 0)
			return YES;
		if (c == '\n' && p > 0 && v->s[p - 1] == '\n')
			break;
		in->some = in->some || !(ascii_is_space(c) || c == '/');
		if (c == quote)
			quote = 0;
		else if (quote == 0 && (c == '"' || c == '\''))
			quote = c;
		in->assigns = in->assigns || c == '=';
	}
	if (p == v->len && p - i < TAG_MAX && !v->end)
		return MORE;
	in->over = p == v->len && v->end;
	in->end = plain; /* a quotation that does not end */
	return YES;
}

/* A script or style goes with what is in it, if that ends soon. */
static enum outcome with_content(const struct scan_view *v, size_t i, const char *name, size_t *end)
{
	size_t n = strlen(name), limit = MIN(v->len, i + TAG_MAX);

	for (size_t p = *end; p + n + 2 < limit; p++) {
		if (v->s[p] != '<' || v->s[p + 1] != '/' || strncasecmp(v->s + p + 2, name, n) != 0)
			continue;
		p = find_behind(v->s, p, limit, ">");
		if (p > 0) {
			*end = p;
			return YES;
		}
		break;
	}
	return limit == v->len && limit < i + TAG_MAX && !v->end ? MORE : YES;
}

enum outcome html_read(const struct scan_view *v, size_t i, enum html_sort *sort, size_t *end)
{
	const char *s = v->s;
	size_t q = i + 1, name, n = 0;
	struct tag_inside in;
	bool real, closes;

	*sort = HTML_NONE;
	if (q == v->len)
		return v->end ? NO : MORE;
	if (s[q] == '!' || s[q] == '?')
		return declaration_end(v, i, sort, end);
	closes = s[q] == '/';
	q += closes;
	if (q == v->len)
		return v->end ? NO : MORE;
	if (!ascii_is_alpha(s[q]))
		return NO;
	name = q;
	while (q < v->len && q - name <= NAME_MAX_LEN && (ascii_is_alnum(s[q]) || s[q] == '-'))
		q++;
	n = q - name;
	if (q == v->len && n <= NAME_MAX_LEN && !v->end)
		return MORE;
	real = is_one_of(elements, ARRAY_LEN(elements), s + name, n) &&
	       (q == v->len || ascii_is_space(s[q]) || strchr("/><\"'=", s[q]) != NULL);
	if (inside_read(v, i, q, &in) == MORE)
		return MORE;
	if (!real) {
		/* Nobody's element does nothing, but what is set in it may. */
		if ((in.end == 0 && !in.over) || in.assigns || in.opens)
			*sort = HTML_LOOSE;
		return *sort == HTML_NONE ? NO : YES;
	}
	*end = in.end;
	/* a <b and b> c */
	*sort = in.end == 0 || (in.some && !in.assigns && !in.opens) ? HTML_LOOSE : HTML_TAG;
	if (*sort == HTML_TAG && !closes && n == 6 && strncasecmp(s + name, "script", 6) == 0)
		return with_content(v, i, "script", end);
	if (*sort == HTML_TAG && !closes && n == 5 && strncasecmp(s + name, "style", 5) == 0)
		return with_content(v, i, "style", end);
	if (*sort == HTML_TAG && is_one_of(inlines, ARRAY_LEN(inlines), s + name, n))
		*sort = HTML_INLINE;
	return YES;
}
