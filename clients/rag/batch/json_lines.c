#include "clients/rag/batch/json_lines.h"

#include <stdlib.h>
#include <string.h>

ssize_t json_line_next(FILE *f, char **text, size_t *size, size_t *number)
{
	ssize_t len;

	while ((len = getline(text, size, f)) > 0) {
		++*number;
		if (strspn(*text, " \t\r\n") < (size_t)len)
			return len;
	}
	return 0;
}

static int json_line_id(struct json_line *line, bool need_id, struct ragd_err *err)
{
	line->id_json = json_object_get(line->root, "id");
	if (json_is_integer(line->id_json)) {
		snprintf(line->id_text, sizeof(line->id_text), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(line->id_json));
		line->id = line->id_text;
	} else if (json_is_string(line->id_json)) {
		line->id = json_string_value(line->id_json);
	} else if (line->id_json != NULL && !json_is_null(line->id_json)) {
		return ragd_err_set(err, -EINVAL, "\"id\" is neither a string nor a whole number");
	} else {
		line->id = "";
		line->id_json = json_null();
	}
	if (need_id && line->id[0] == '\0')
		return ragd_err_set(err, -EINVAL, "\"id\" is missing");
	return 0;
}

int json_line_parse(const char *text, size_t len, size_t number, bool need_id,
		    struct json_line *out, struct ragd_err *err)
{
	struct json_line line = { .number = number };
	json_error_t where;
	const json_t *body;
	int rc;

	line.root = json_loadb(text, len, JSON_ALLOW_NUL, &where);
	if (!json_is_object(line.root)) {
		rc = line.root != NULL ? ragd_err_set(err, -EINVAL, "not a JSON object")
				       : ragd_err_set(err, -EINVAL, "not JSON: %s (column %d)",
						      where.text, where.column);
		goto out;
	}
	rc = json_line_id(&line, need_id, err);
	if (rc < 0)
		goto out;
	body = json_object_get(line.root, "text");
	if (body == NULL)
		body = json_object_get(line.root, "question");
	if (!json_is_string(body)) {
		rc = ragd_err_set(err, -EINVAL, "\"text\" is %s",
				  body == NULL ? "missing" : "not a string");
		goto out;
	}
	line.text = json_string_value(body);
	line.text_len = json_string_length(body);
	*out = line;
	if (line.id == line.id_text)
		out->id = out->id_text;
	line.root = NULL;
out:
	json_decref(line.root);
	return rc;
}

void json_line_fini(struct json_line *line)
{
	json_decref(line->root);
	line->root = NULL;
}

void json_line_write(FILE *f, json_t *o)
{
	if (o == NULL)
		return;
	json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(6));
	fputc('\n', f);
	json_decref(o);
}
