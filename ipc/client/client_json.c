/* JSON of replies. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

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
				    root != NULL ? "JSON, but not an object" : where.text);
	}
	*out = (struct client_reply){ text, root };
	return 0;
}

void *client_list_new(struct client_reply *reply, size_t head, size_t n, size_t row,
		      struct ragd_err *err)
{
	void *list = calloc(1, head + n * row);

	if (list == NULL) {
		client_reply_fini(reply);
		client_no_memory(err);
	}
	return list;
}

size_t client_rows(const struct client_reply *r)
{
	const json_t *data = json_object_get(r->root, "data");

	return json_is_array(data) ? json_array_size(data) : 1;
}

const json_t *client_row(const struct client_reply *r, size_t i)
{
	const json_t *data = json_object_get(r->root, "data");

	return json_is_array(data) ? json_array_get(data, i) : r->root;
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
