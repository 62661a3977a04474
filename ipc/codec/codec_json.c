#include "ipc/codec/codec_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/text/utf8.h"

/* ---- errors --------------------------------------------------------------------------------- */

const char *codec_param(const struct codec_err *err)
{
	return err->param[0] != '\0' ? err->param : NULL;
}

int codec_fail(struct codec_err *err, const char *code, const char *param, const char *fmt, ...)
{
	va_list ap;

	err->status = 400;
	err->code = code;
	snprintf(err->param, sizeof(err->param), "%s", param != NULL ? param : "");
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int codec_no_memory(struct codec_err *err)
{
	codec_fail(err, "unavailable", NULL,
		   "The request takes more memory than there is for one; send less at a time.");
	err->status = 503;
	return -ENOMEM;
}

/* ---- parsing -------------------------------------------------------------------------------- */

/* The end of the string that begins at s[at] == '"', past its closing quote or len. */
static size_t string_end(const char *s, size_t len, size_t at)
{
	for (at++; at < len && s[at] != '"'; at++)
		if (s[at] == '\\')
			at++;
	return at < len ? at + 1 : len;
}

/*
 * Depth and number of values, before a tree is built of them: "[0,0,0,…" takes 20 times its size
 * as a tree. Each value but the first of a container follows a comma, so that commas and openings
 * bound them; what is no JSON at all is the parser's to find.
 */
static int bounds_check(struct ragd_str text, struct codec_err *err)
{
	size_t depth = 0, values = 1;

	for (size_t i = 0; i < text.len; i++) {
		switch (text.s[i]) {
		case '"':
			i = string_end(text.s, text.len, i) - 1;
			break;
		case '{':
		case '[':
			depth++;
			values++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		default:
			break;
		}
		if (depth > CODEC_DEPTH_MAX)
			return codec_fail(err, "invalid_json", NULL,
					  "The body is nested more than %d deep; flatten it.",
					  CODEC_DEPTH_MAX);
		if (values > CODEC_VALUES_MAX)
			return codec_fail(err, "invalid_json", NULL,
					  "The body has more than %d values; send fewer at a time.",
					  CODEC_VALUES_MAX);
	}
	return 0;
}

/* jansson's sentence without the piece of the body that it quotes: errors may be logged. */
static int parse_fail(const json_error_t *e, struct codec_err *err)
{
	const char *near = strstr(e->text, " near '");
	int len = near != NULL ? (int)(near - e->text) : (int)strlen(e->text);
	const char *code = "invalid_json";

	switch (json_error_code(e)) {
	case json_error_out_of_memory:
		return codec_no_memory(err);
	case json_error_invalid_utf8:
		code = "invalid_utf8";
		break;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return codec_fail(err, "invalid_value", NULL,
				  "A text has a NUL character (line %d, column %d); leave it out.",
				  e->line, e->column);
	case json_error_duplicate_key:
		return codec_fail(err, code, NULL,
				  "An object names one member twice (line %d, column %d).", e->line,
				  e->column);
	default:
		break;
	}
	return codec_fail(err, code, NULL, "The body is not valid JSON: line %d, column %d: %.*s.",
			  e->line, e->column, len, e->text);
}

int codec_parse(struct ragd_str text, json_t **out, struct codec_err *err)
{
	json_error_t e;
	json_t *root;
	int rc;

	if (text.len == 0)
		return codec_fail(err, "invalid_json", NULL,
				  "There is no body; send a JSON object.");
	rc = bounds_check(text, err);
	if (rc < 0)
		return rc;
	root = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, &e);
	if (root == NULL)
		return parse_fail(&e, err);
	if (!json_is_object(root)) {
		json_decref(root);
		return codec_fail(err, "invalid_json", NULL, "The body must be a JSON object.");
	}
	*out = root;
	return 0;
}

/* ---- members -------------------------------------------------------------------------------- */

json_t *codec_member(const json_t *object, const char *name)
{
	json_t *v = json_object_get(object, name);

	return json_is_null(v) ? NULL : v;
}

int codec_bool(const json_t *v, const char *param, bool *out, struct codec_err *err)
{
	if (v == NULL)
		return 0;
	if (!json_is_boolean(v))
		return codec_fail(err, "invalid_value", param, "'%s' must be true or false.",
				  param);
	*out = json_is_true(v);
	return 0;
}

int codec_int(const json_t *v, const char *param, json_int_t min, json_int_t max, json_int_t *out,
	      bool *has, struct codec_err *err)
{
	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return codec_fail(err, "invalid_value", param,
				  "'%s' must be a whole number from %lld to %lld.", param,
				  (long long)min, (long long)max);
	*out = json_integer_value(v);
	*has = true;
	return 0;
}

int codec_number(const json_t *v, const char *param, double min, double max, float *out, bool *has,
		 struct codec_err *err)
{
	if (v == NULL)
		return 0;
	if (!json_is_number(v) || json_number_value(v) < min || json_number_value(v) > max)
		return codec_fail(err, "invalid_value", param,
				  "'%s' must be a number from %d to %d.", param, (int)min,
				  (int)max);
	*out = (float)json_number_value(v);
	*has = true;
	return 0;
}

int codec_text(struct arena *a, const json_t *v, const char *param, size_t min, size_t max,
	       struct ragd_str *out, struct codec_err *err)
{
	struct ragd_str s;

	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return codec_fail(err, "invalid_value", param, "'%s' must be a string.", param);
	s = (struct ragd_str){ json_string_value(v), json_string_length(v) };
	if (s.len < min)
		return codec_fail(err, "invalid_value", param, "'%s' must not be empty.", param);
	if (s.len > max)
		return codec_fail(err, "invalid_value", param,
				  "'%s' has %zu bytes; at most %zu are allowed.", param, s.len,
				  max);
	s = arena_str(a, s);
	if (s.s == NULL)
		return codec_no_memory(err);
	*out = s;
	return 0;
}

int codec_name(struct arena *a, const json_t *v, const char *param, size_t max, const char **out,
	       struct codec_err *err)
{
	struct ragd_str s = { NULL, 0 };
	int rc = codec_text(a, v, param, 0, max, &s, err);

	if (rc == 0 && s.s != NULL)
		*out = s.s; /* the parser let no NUL in, and the arena ends it with one */
	return rc;
}

/* "input[3]" */
static const char *param_at(char out[96], const char *param, size_t i)
{
	snprintf(out, 96, "%.60s[%zu]", param, i);
	return out;
}

int codec_texts(struct arena *a, const json_t *v, const char *param, bool single, size_t n_max,
		size_t min, size_t max, const struct ragd_str **out, size_t *n,
		struct codec_err *err)
{
	size_t count = json_is_array(v) ? json_array_size(v) : 1;
	struct ragd_str *texts;
	char at[96];
	int rc;

	if (v == NULL)
		return 0;
	if (!json_is_array(v) && !(single && json_is_string(v)))
		return codec_fail(err, "invalid_value", param,
				  "'%s' must be %san array of strings.", param,
				  single ? "a string or " : "");
	if (count > n_max)
		return codec_fail(err, "invalid_value", param,
				  "'%s' has %zu texts; at most %zu are allowed.", param, count,
				  n_max);
	texts = arena_alloc(a, count, sizeof(*texts));
	if (texts == NULL)
		return codec_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		if (json_is_array(v))
			rc = json_is_null(json_array_get(v, i))
				     ? codec_fail(err, "invalid_value", param_at(at, param, i),
						  "'%s' must be a string.", at)
				     : codec_text(a, json_array_get(v, i), param_at(at, param, i),
						  min, max, &texts[i], err);
		else
			rc = codec_text(a, v, param, min, max, &texts[i], err);
		if (rc < 0)
			return rc;
	}
	*out = texts;
	*n = count;
	return 0;
}

int codec_collection_names(struct arena *a, const json_t *v, const char *param,
			   const char *const **out, size_t *n, struct codec_err *err)
{
	const struct ragd_str *texts = NULL;
	const char **names;
	size_t count = 0;
	char at[96];
	int rc = codec_texts(a, v, param, false, CODEC_NAMES_MAX, 1, 64, &texts, &count, err);

	if (rc < 0 || count == 0)
		return rc;
	names = arena_alloc(a, count, sizeof(*names));
	if (names == NULL)
		return codec_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		if (!codec_collection_valid(texts[i]))
			return codec_fail(err, "invalid_value", param_at(at, param, i),
					  "'%s' is not a collection name: those are at most 64 of "
					  "a-z, 0-9, '.', '_' and '-'.",
					  at);
		names[i] = texts[i].s;
	}
	*out = names;
	*n = count;
	return 0;
}

/* ---- judging texts -------------------------------------------------------------------------- */

bool codec_collection_valid(struct ragd_str name)
{
	return name_is_collection(name.s, name.len);
}

bool codec_document_id_valid(struct ragd_str id)
{
	uint32_t cp;

	if (id.len == 0 || id.len > CODEC_ID_MAX || utf8_invalid_at(id.s, id.len) >= 0)
		return false;
	for (size_t i = 0; i < id.len;) {
		i += utf8_next(id.s + i, id.len - i, &cp);
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			return false;
	}
	return true;
}

bool codec_blank(struct ragd_str s)
{
	uint32_t cp;

	for (size_t i = 0; i < s.len;) {
		i += utf8_next(s.s + i, s.len - i, &cp);
		/* White_Space of Unicode, and what shows nothing: U+200B .. U+200D, U+FEFF. */
		if (!((cp >= 9 && cp <= 13) || cp == ' ' || cp == 0x85 || cp == 0xa0 ||
		      cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200d) || cp == 0x2028 ||
		      cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000 || cp == 0xfeff))
			return false;
	}
	return true;
}
