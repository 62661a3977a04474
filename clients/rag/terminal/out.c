#include "clients/rag/terminal/out.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define WIDTH_MAX 100 /* longer lines are hard to read */

static unsigned terminal_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	long n = columns != NULL ? strtol(columns, NULL, 10) : 0;

	if (n <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
		n = size.ws_col;
	if (n <= 0)
		n = 80;
	return n > WIDTH_MAX ? WIDTH_MAX : (unsigned)n;
}

void out_init(struct out *o, FILE *f, const char *when)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	*o = (struct out){ .f = f, .tty = isatty(fileno(f)) == 1 };
	o->width = o->tty ? terminal_width(fileno(f)) : 80;
	if (when != NULL && strcmp(when, "auto") != 0)
		o->color = strcmp(when, "always") == 0;
	else
		o->color = o->tty && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
			   strcmp(term, "dumb") != 0;
}

size_t text_char(const char *s, size_t len, unsigned *cp)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] < 0x80                   ? 1
		   : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
		   : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		   : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
						 : 0;
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned v;

	*cp = 0xfffd;
	if (n == 0 || n > len)
		return 1;
	v = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 1;
	*cp = v;
	return n;
}

unsigned text_columns(unsigned cp)
{
	int n = wcwidth((wchar_t)cp);

	return n >= 0 ? (unsigned)n : 1; /* a locale that does not know it */
}

/* C0 and C1 controls, DEL, and those that turn the direction of what follows around. */
static bool is_control(unsigned cp)
{
	return (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7f && cp < 0xa0) ||
	       (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

void out_text(struct out *o, const char *s, size_t len)
{
	if (!o->tty) {
		fwrite(s, 1, len, o->f);
		return;
	}
	for (size_t i = 0, n; i < len; i += n) {
		unsigned cp;

		n = text_char(s + i, len - i, &cp);
		if (is_control(cp) || cp == 0xfffd)
			fputs("\xef\xbf\xbd", o->f);
		else
			fwrite(s + i, 1, n, o->f);
	}
}

void out_style(struct out *o, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "0", [STYLE_BOLD] = "1",  [STYLE_DIM] = "2",  [STYLE_MARK] = "36",
		[STYLE_GOOD] = "32", [STYLE_WARN] = "33", [STYLE_BAD] = "31",
	};

	if (o->color)
		fprintf(o->f, "\033[%sm", codes[style]);
}

void out_printf(struct out *o, enum style style, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	if (style != STYLE_PLAIN)
		out_style(o, style);
	out_text(o, text, (size_t)len);
	if (style != STYLE_PLAIN)
		out_style(o, STYLE_PLAIN);
	free(text);
}
