#include "clients/rag/terminal/json_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clients/rag/terminal/progress.h"
#include "clients/rag/terminal/wrap.h"

#define NAME_COLUMNS 22

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && strcmp(name + len - n, end) == 0;
}

/* "uptime_s" is a time of so many seconds, "bytes" a size: 0 if the name says neither. */
static bool format_quantity(const char *name, const json_t *v, char *out, size_t size)
{
	double n = json_number_value(v);
	long s = (long)(ends_in(name, "_ms") ? n / 1000 : n);

	if (!json_is_number(v))
		return false;
	if (ends_in(name, "bytes"))
		progress_bytes(out, size, n);
	else if (!ends_in(name, "_s") && !ends_in(name, "_ms"))
		return false;
	else if (s < 60)
		snprintf(out, size, "%g s", ends_in(name, "_ms") ? n / 1000 : n);
	else if (s < 3600)
		snprintf(out, size, "%ld min %ld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, size, "%ld h %ld min", s / 3600, s / 60 % 60);
	else
		snprintf(out, size, "%ld d %ld h", s / 86400, s / 3600 % 24);
	return true;
}

/* "name_of_it" as "name of it", the unit not said twice; returns its length. */
static size_t put_name(struct out *o, const char *name, bool with_unit, unsigned indent)
{
	char text[64];
	size_t len;

	snprintf(text, sizeof(text), "%s", name);
	if (with_unit && ends_in(text, "_ms"))
		text[strlen(text) - 3] = '\0';
	else if (with_unit && ends_in(text, "_s"))
		text[strlen(text) - 2] = '\0';
	for (char *p = text; (p = strchr(p, '_')) != NULL;)
		*p = ' ';
	len = strlen(text);
	fprintf(o->f, "%*s", (int)indent, "");
	out_printf(o, STYLE_BOLD, "%s", text);
	return len;
}

static void put_scalar(struct out *o, const json_t *v)
{
	if (json_is_string(v) && json_string_length(v) == 0)
		fputc('-', o->f);
	else if (json_is_string(v))
		out_text(o, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		fprintf(o->f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		fprintf(o->f, "%g", json_real_value(v));
	else
		fputs(json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "none", o->f);
}

static bool is_nested(const json_t *v)
{
	return json_is_object(v) || json_is_array(v);
}

/* A list whose members are short words is one line. */
static bool is_plain_list(const json_t *v)
{
	const json_t *one;
	size_t i, len = 0;

	if (!json_is_array(v))
		return false;
	json_array_foreach(v, i, one) {
		if (is_nested(one))
			return false;
		len += 2 + json_string_length(one);
	}
	return len < 60;
}

static void put_list_line(struct out *o, const json_t *v)
{
	const json_t *one;
	size_t i;

	json_array_foreach(v, i, one) {
		fputs(i > 0 ? ", " : "", o->f);
		put_scalar(o, one);
	}
	if (json_array_size(v) == 0)
		fputs("none", o->f);
}

static void put_long_text(struct out *o, const char *s, unsigned indent)
{
	struct wrap w;

	fputc('\n', o->f);
	wrap_init(&w, o, indent + 2);
	if (!o->tty)
		fprintf(o->f, "%*s", (int)indent + 2, "");
	wrap_text(&w, s, strlen(s));
	wrap_end(&w);
}

static void put_member(struct out *o, const char *name, const json_t *v, unsigned indent)
{
	char quantity[48];
	bool with_unit = format_quantity(name, v, quantity, sizeof(quantity));
	size_t len = put_name(o, name, with_unit, indent);

	if (is_nested(v) && !is_plain_list(v)) {
		fputc('\n', o->f);
		json_view_put(o, v, indent + 2);
		return;
	}
	if (json_is_string(v) && indent + NAME_COLUMNS + json_string_length(v) > o->width) {
		put_long_text(o, json_string_value(v), indent);
		return;
	}
	fprintf(o->f, "%*s", len < NAME_COLUMNS ? (int)(NAME_COLUMNS - len) : 1, "");
	if (with_unit)
		fputs(quantity, o->f);
	else if (is_plain_list(v))
		put_list_line(o, v);
	else
		put_scalar(o, v);
	fputc('\n', o->f);
}

void json_view_put(struct out *o, const json_t *value, unsigned indent)
{
	const char *name;
	json_t *v;
	size_t i;

	if (json_is_object(value)) {
		/* jansson has no const iterator */
		json_object_foreach((json_t *)value, name, v)
			put_member(o, name, v, indent);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, v) {
			if (i > 0 && is_nested(v))
				fputc('\n', o->f);
			json_view_put(o, v, indent);
		}
	} else {
		fprintf(o->f, "%*s", (int)indent, "");
		put_scalar(o, value);
		fputc('\n', o->f);
	}
}
