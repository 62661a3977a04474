/* JSON of requests and replies, and paths. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/text/utf8.h"

void client_reply_fini(struct client_reply *r)
{
	json_decref(r->root);
	free(r->text);
	*r = (struct client_reply){ NULL, NULL };
}

int client_reply_parse(char *text, size_t len, struct client_reply *out, struct ragd_err *err)
{
	json_error_t where;
	json_t *root;

	if (text == NULL)
		return client_no_memory(err);
	root = json_loadb(text, len, JSON_ALLOW_NUL, &where);
	if (!json_is_object(root)) {
		json_decref(root);
		free(text);
		return ragd_err_set(err, -EPROTO, "the reply is not ragd's: %s",
				    root != NULL ? "JSON, but no object" : where.text);
	}
	*out = (struct client_reply){ text, root };
	return 0;
}

int client_json(struct ragd_client *c, const char *method, char *path, json_t *body,
		struct client_reply *out, struct ragd_err *err)
{
	char *sent = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct buf reply = BUF_INIT;
	size_t len = 0;
	char *text;
	int rc;

	if (path == NULL || (body != NULL && sent == NULL)) {
		rc = client_no_memory(err);
		goto out;
	}
	rc = client_get(c, method, path, "application/json", sent, sent != NULL ? strlen(sent) : 0,
			&reply, err);
	if (rc == 0) {
		text = buf_steal(&reply, &len);
		rc = client_reply_parse(text, len, out, err);
	}
out:
	buf_fini(&reply);
	free(sent);
	free(path);
	json_decref(body);
	return rc;
}

char *client_path(const char *pattern, ...)
{
	struct buf b = BUF_INIT;
	size_t len;
	va_list ap;

	va_start(ap, pattern);
	for (; *pattern != '\0'; pattern++) {
		if (pattern[0] == '{' && pattern[1] == '}') {
			const char *arg = va_arg(ap, const char *);

			percent_encode(&b, (struct ragd_str){ arg, strlen(arg) });
			pattern++;
		} else {
			buf_addc(&b, *pattern);
		}
	}
	va_end(ap);
	return buf_steal(&b, &len);
}

const char *client_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}

uint64_t client_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	json_int_t n = json_integer_value(value);

	if (json_is_real(value) && json_real_value(value) >= 0 && json_real_value(value) < 1e18)
		n = (json_int_t)json_real_value(value);
	return n > 0 ? (uint64_t)n : 0;
}

double client_real(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

bool client_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

int client_check_utf8(const char *what, const char *s, size_t len, struct ragd_err *err)
{
	ssize_t at = utf8_invalid_at(s, len);

	return at < 0 ? 0 : ragd_err_set(err, -EINVAL, "%s is not UTF-8 at byte %zd", what, at);
}

void client_body_init(struct client_body *b, struct ragd_err *err)
{
	*b = (struct client_body){ .root = json_object(), .err = err };
	if (b->root == NULL)
		b->rc = client_no_memory(err);
}

/* The string as JSON, or NULL and the body has failed. */
static json_t *body_string(struct client_body *b, const char *key, const char *value)
{
	json_t *s;

	if (b->rc == 0)
		b->rc = client_check_utf8(key, value, strlen(value), b->err);
	s = b->rc == 0 ? json_string(value) : NULL;
	if (b->rc == 0 && s == NULL)
		b->rc = client_no_memory(b->err);
	return s;
}

void client_body_set(struct client_body *b, const char *key, json_t *value)
{
	if (b->rc < 0)
		json_decref(value);
	else if (json_object_set_new(b->root, key, value) < 0)
		b->rc = client_no_memory(b->err);
}

void client_body_text(struct client_body *b, json_t *object, const char *key, const char *value)
{
	json_t *s;

	if (value == NULL || b->rc < 0)
		return;
	s = body_string(b, key, value);
	if (s != NULL && json_object_set_new(object, key, s) < 0)
		b->rc = client_no_memory(b->err);
}

void client_body_texts(struct client_body *b, const char *key, const char *const *values, size_t n)
{
	json_t *array = n > 0 && b->rc == 0 ? json_array() : NULL;

	if (array == NULL)
		return;
	for (size_t i = 0; i < n && b->rc == 0; i++) {
		json_t *s = body_string(b, key, values[i]);

		if (s != NULL && json_array_append_new(array, s) < 0)
			b->rc = client_no_memory(b->err);
	}
	client_body_set(b, key, array);
}

int client_send(struct ragd_client *c, const char *method, char *path, struct client_body *b,
		struct client_reply *out)
{
	json_t *root = b->root;

	b->root = NULL;
	if (b->rc == 0)
		return client_json(c, method, path, root, out, b->err);
	json_decref(root);
	free(path);
	return b->rc;
}

void client_put_string(struct buf *b, const char *s, size_t len)
{
	size_t from = 0;

	buf_addc(b, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)s[i];

		if (ch >= 0x20 && ch != '"' && ch != '\\')
			continue;
		buf_add(b, s + from, i - from);
		from = i + 1;
		if (ch == '\n')
			buf_add(b, "\\n", 2);
		else if (ch == '"' || ch == '\\')
			buf_add(b, (char[]){ '\\', (char)ch }, 2);
		else
			buf_printf(b, "\\u%04x", (unsigned)ch);
	}
	buf_add(b, s + from, len - from);
	buf_addc(b, '"');
}
