#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wrap.h"

#define NAME_COLUMNS 22

/* "name_of_it" as "name of it" */
static void put_name(struct out *o, const char *name, unsigned indent)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", name);
	for (char *p = text; (p = strchr(p, '_')) != NULL;)
		*p = ' ';
	fprintf(o->f, "%*s", (int)indent, "");
	out_printf(o, STYLE_BOLD, "%s", text);
}

static void put_scalar(struct out *o, const json_t *v)
{
	if (json_is_string(v))
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
	json_array_foreach (v, i, one) {
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

	json_array_foreach (v, i, one) {
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
	size_t len = strlen(name);

	put_name(o, name, indent);
	if (is_nested(v) && !is_plain_list(v)) {
		fputc('\n', o->f);
		show_json(o, v, indent + 2);
		return;
	}
	if (json_is_string(v) && indent + NAME_COLUMNS + json_string_length(v) > o->width) {
		put_long_text(o, json_string_value(v), indent);
		return;
	}
	fprintf(o->f, "%*s", len < NAME_COLUMNS ? (int)(NAME_COLUMNS - len) : 1, "");
	if (is_plain_list(v))
		put_list_line(o, v);
	else
		put_scalar(o, v);
	fputc('\n', o->f);
}

void show_json(struct out *o, const json_t *value, unsigned indent)
{
	const char *name;
	json_t *v;
	size_t i;

	if (json_is_object(value)) {
		/* jansson has no const iterator */
		json_object_foreach ((json_t *)value, name, v)
			put_member(o, name, v, indent);
	} else if (json_is_array(value)) {
		json_array_foreach (value, i, v) {
			if (i > 0 && is_nested(v))
				fputc('\n', o->f);
			show_json(o, v, indent);
		}
	} else {
		fprintf(o->f, "%*s", (int)indent, "");
		put_scalar(o, value);
		fputc('\n', o->f);
	}
}

int show_run(struct rag *r, show_call call)
{
	struct ragd_client *c;
	struct ragd_err err;
	json_t *root;
	char *text;
	int rc = rag_connect(r, &c);

	if (rc != 0)
		return rc;
	if (call(c, &text, &err) < 0) {
		rc = rag_fail(r, &err);
		ragd_client_close(c);
		return rc;
	}
	root = r->args.json ? NULL : json_loads(text, JSON_ALLOW_NUL, NULL);
	if (json_is_array(json_object_get(root, "data")))
		show_json(&r->out, json_object_get(root, "data"), 0);
	else if (root != NULL)
		show_json(&r->out, root, 0);
	else
		fprintf(r->out.f, "%s\n", text);
	json_decref(root);
	ragd_free(text);
	ragd_client_close(c);
	return EXIT_ANSWERED;
}
