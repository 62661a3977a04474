/* Requests whose reply is JSON: their paths and bodies. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/text/utf8.h"

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

int client_check_utf8(const char *what, const char *s, size_t len, struct ragd_err *err)
{
	ssize_t at = utf8_invalid_at(s, len);

	return at < 0 ? 0 : ragd_err_set(err, -EINVAL, "%s is not UTF-8 at byte %zd", what, at);
}

/* ---- bodies --------------------------------------------------------------------------------- */

void client_body_init(struct client_body *b, struct ragd_err *err)
{
	*b = (struct client_body){ .text = BUF_INIT, .err = err };
	jsonw_init(&b->w, &b->text);
	jsonw_object_begin(&b->w);
}

void client_body_fini(struct client_body *b)
{
	buf_fini(&b->text);
}

int client_body_end(struct client_body *b)
{
	jsonw_object_end(&b->w);
	if (b->rc == 0 && buf_failed(&b->text))
		b->rc = client_no_memory(b->err);
	return b->rc;
}

/* The writer would mend what is not UTF-8: the caller is told instead. */
static void body_check(struct client_body *b, const char *key, const char *value)
{
	if (b->rc == 0)
		b->rc = client_check_utf8(key, value, strlen(value), b->err);
}

void client_body_text(struct client_body *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	body_check(b, key, value);
	jsonw_key_str(&b->w, key);
	jsonw_cstr(&b->w, value);
}

void client_body_texts(struct client_body *b, const char *key, const char *const *values, size_t n)
{
	if (n == 0)
		return;
	jsonw_key_str(&b->w, key);
	jsonw_array_begin(&b->w);
	for (size_t i = 0; i < n; i++) {
		body_check(b, key, values[i]);
		jsonw_cstr(&b->w, values[i]);
	}
	jsonw_array_end(&b->w);
}

/* ---- exchanges ------------------------------------------------------------------------------ */

int client_exchange(struct ragd_client *c, const char *method, char *path, const char *type,
		    struct ragd_str body, struct client_reply *out, struct ragd_err *err)
{
	struct buf reply = BUF_INIT;
	size_t len = 0;
	char *text;
	int rc;

	rc = path != NULL ? client_get(c, method, path, type, body.s, body.len, &reply, err)
			  : client_no_memory(err);
	if (rc == 0) {
		text = buf_steal(&reply, &len);
		rc = client_reply_parse(text, len, out, err);
	}
	buf_fini(&reply);
	free(path);
	return rc;
}

int client_fetch(struct ragd_client *c, char *path, struct client_reply *out, struct ragd_err *err)
{
	return client_exchange(c, "GET", path, NULL, (struct ragd_str){ 0 }, out, err);
}

int client_send(struct ragd_client *c, const char *method, char *path, struct client_body *b,
		struct client_reply *out)
{
	int rc = client_body_end(b);

	if (rc == 0)
		rc = client_exchange(c, method, path, "application/json", buf_str(&b->text), out,
				     b->err);
	else
		free(path);
	client_body_fini(b);
	return rc;
}

int client_post(struct ragd_client *c, char *path, char **json, struct ragd_err *err)
{
	char *reply;
	int rc;

	if (path == NULL)
		return client_no_memory(err);
	rc = ragd_client_request(c, "POST", path, "application/json", "", 0, &reply, NULL, err);
	free(path);
	if (rc < 0)
		return rc;
	if (json != NULL)
		*json = reply;
	else
		free(reply);
	return 0;
}

int client_delete(struct ragd_client *c, char *path, struct ragd_err *err)
{
	struct buf reply = BUF_INIT;
	int rc = path != NULL ? client_get(c, "DELETE", path, NULL, NULL, 0, &reply, err)
			      : client_no_memory(err);

	buf_fini(&reply);
	free(path);
	return rc;
}
