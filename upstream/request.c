#include "upstream/request.h"

#include <stdint.h>

#include <jansson.h>

/* What a float holds, not more: 0.3f is 0.3 rather than 0.30000001192092896. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(6))

/*
 * Members are added one by one; jansson returns -1 where the value could not be made (out of
 * memory, or bytes that are no UTF-8), and the sum of these is judged once at the end.
 */
static int put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value);
}

static json_t *text(struct ragd_str s)
{
	return json_stringn(s.s != NULL ? s.s : "", s.len);
}

static json_t *texts_array(const struct ragd_str *texts, size_t n)
{
	json_t *array = json_array();
	int rc = array != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = json_array_append_new(array,
					   texts[i].len > 0 ? text(texts[i]) : json_string(" "));
	if (rc == 0)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *messages_array(const struct ragd_generate *req)
{
	static const char *const roles[] = {
		[RAGD_ROLE_SYSTEM] = "system",
		[RAGD_ROLE_USER] = "user",
		[RAGD_ROLE_ASSISTANT] = "assistant",
	};
	json_t *array = json_array();
	int rc = array != NULL ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < req->n_messages; i++) {
		json_t *message = json_object();

		rc = put(message, "role", json_string(roles[req->messages[i].role])) |
		     put(message, "content", text(req->messages[i].text)) |
		     json_array_append_new(array, message);
	}
	if (rc == 0)
		return array;
	json_decref(array);
	return NULL;
}

static int sampling_put(json_t *root, const struct ragd_sampling *s, bool extended)
{
	int rc = put(root, "temperature", json_real(s->temperature)) |
		 put(root, "seed", json_integer((json_int_t)(s->seed & INT64_MAX)));

	/* 0 is no sampling at all, and servers refuse it: it stands for "unset" */
	if (s->top_p > 0)
		rc |= put(root, "top_p", json_real(s->top_p));
	if (s->max_tokens > 0)
		rc |= put(root, "max_tokens", json_integer(s->max_tokens));
	if (s->n_stop > 0)
		rc |= put(root, "stop", texts_array(s->stop, s->n_stop));
	if (extended && s->min_p > 0)
		rc |= put(root, "min_p", json_real(s->min_p));
	if (extended && s->top_k > 0)
		rc |= put(root, "top_k", json_integer(s->top_k));
	return rc;
}

static char *write(json_t *root, int rc, struct ragd_err *err)
{
	char *body = rc == 0 ? json_dumps(root, DUMP_FLAGS) : NULL;

	json_decref(root);
	if (rc != 0)
		ragd_err_set(err, -EILSEQ, "the prompt is not UTF-8, or memory is out");
	else if (body == NULL)
		ragd_err_set(err, -ENOMEM, "out of memory for the request");
	return body;
}

char *request_chat(const struct ragd_generate *req, const char *model, bool extended,
		   const char *salt, struct ragd_err *err)
{
	json_t *root = json_object();
	int rc = root != NULL ? 0 : -1;

	if (model[0] != '\0')
		rc |= put(root, "model", json_string(model));
	rc |= put(root, "messages", messages_array(req));
	rc |= put(root, "stream", json_true());
	rc |= put(root, "stream_options", json_pack("{s:b}", "include_usage", 1));
	rc |= sampling_put(root, &req->sampling, extended);
	if (salt != NULL)
		rc |= put(root, "cache_salt", json_string(salt));
	return write(root, rc, err);
}

char *request_embeddings(const struct ragd_str *texts, size_t n, const char *model,
			 struct ragd_err *err)
{
	json_t *root = json_object();
	int rc = root != NULL ? 0 : -1;

	if (model[0] != '\0')
		rc |= put(root, "model", json_string(model));
	rc |= put(root, "input", texts_array(texts, n));
	rc |= put(root, "encoding_format", json_string("float"));
	return write(root, rc, err);
}
