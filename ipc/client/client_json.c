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
				    root != NULL ? "JSON, but no object" : where.text);
	}
	*out = (struct client_reply){ text, root };
	return 0;
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
