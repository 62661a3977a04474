#include "clients/rag/doctor/checks.h"

#include <stdarg.h>

void checks_add(struct checks *x, enum style state, const char *check, const char *fmt, ...)
{
	const char *word = state == STYLE_GOOD ? "ok" : state == STYLE_WARN ? "note" : "bad";
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->n_bad += state == STYLE_BAD;
	json_array_append_new(x->found, json_pack("{s:s, s:s, s:s}", "check", check, "state", word,
						  "text", text));
	if (x->r->args.json)
		return;
	out_printf(&x->r->out, state, "%-5s", word);
	out_printf(&x->r->out, STYLE_BOLD, "%-13s", check);
	out_printf(&x->r->out, STYLE_PLAIN, "%s\n", text);
}
