#include "ipc/codec/codec_json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* ---- messages ------------------------------------------------------------------------------- */

static int role_decode(const json_t *v, const char *param, enum ragd_role *out,
		       struct codec_err *err)
{
	static const struct {
		const char *name;
		enum ragd_role role;
	} rows[] = {
		{ "system", RAGD_ROLE_SYSTEM },
		{ "developer", RAGD_ROLE_SYSTEM },
		{ "user", RAGD_ROLE_USER },
		{ "assistant", RAGD_ROLE_ASSISTANT },
	};

	if (v == NULL)
		return codec_fail(err, "missing_value", param, "'%s' is missing.", param);
	for (size_t i = 0; json_is_string(v) && i < ARRAY_LEN(rows); i++) {
		if (strcmp(json_string_value(v), rows[i].name) == 0) {
			*out = rows[i].role;
			return 0;
		}
	}
	return codec_fail(err, "invalid_value", param,
			  "'%s' must be system, developer, user or assistant.", param);
}

/* The text of one part; others than text are refused, not dropped in silence. */
static int part_text(const json_t *part, const char *param, struct ragd_str *out,
		     struct codec_err *err)
{
	const json_t *type = json_object_get(part, "type"), *text = json_object_get(part, "text");

	if (!json_is_string(type) || strcmp(json_string_value(type), "text") != 0 ||
	    !json_is_string(text))
		return codec_fail(err, "invalid_value", param,
				  "'%s' must be {\"type\":\"text\",\"text\":…}; other kinds of "
				  "content are not supported.",
				  param);
	*out = (struct ragd_str){ json_string_value(text), json_string_length(text) };
	return 0;
}

/* Text parts joined with a newline. */
static int parts_join(struct arena *a, const json_t *parts, const char *param, struct ragd_str *out,
		      struct codec_err *err)
{
	size_t n = json_array_size(parts), len = 0;
	struct ragd_str part;
	char at[96], *p;

	for (size_t i = 0; i < n; i++) {
		snprintf(at, sizeof(at), "%.60s[%zu]", param, i);
		if (part_text(json_array_get(parts, i), at, &part, err) < 0)
			return -EINVAL;
		len += part.len + (i > 0);
	}
	p = arena_strndup(a, "", 0);
	if (len > 0)
		p = arena_alloc(a, len + 1, 1);
	if (p == NULL)
		return codec_no_memory(err);
	*out = (struct ragd_str){ p, len };
	for (size_t i = 0; i < n; i++) {
		part_text(json_array_get(parts, i), param, &part, err); /* it went well above */
		if (i > 0)
			*p++ = '\n';
		memcpy(p, part.s, part.len);
		p += part.len;
	}
	return 0;
}

static int message_decode(struct arena *a, const json_t *v, size_t i, struct ragd_message *out,
			  struct codec_err *err)
{
	const json_t *content;
	char param[96];
	int rc;

	snprintf(param, sizeof(param), "messages[%zu]", i);
	if (!json_is_object(v))
		return codec_fail(err, "invalid_value", param, "'%s' must be an object.", param);
	snprintf(param, sizeof(param), "messages[%zu].role", i);
	rc = role_decode(codec_member(v, "role"), param, &out->role, err);
	if (rc < 0)
		return rc;
	snprintf(param, sizeof(param), "messages[%zu].content", i);
	content = codec_member(v, "content");
	if (json_is_array(content))
		return parts_join(a, content, param, &out->text, err);
	/* An assistant's turn that was all tool calls has none. */
	if (content == NULL && out->role != RAGD_ROLE_ASSISTANT)
		return codec_fail(err, "missing_value", param, "'%s' is missing.", param);
	return codec_text(a, content, param, 0, SIZE_MAX, &out->text, err);
}

static int messages_decode(struct arena *a, const json_t *v, struct codec_chat *out,
			   struct codec_err *err)
{
	size_t n = json_array_size(v);
	struct ragd_message *m;
	char param[96];
	int rc;

	if (v == NULL)
		return codec_fail(err, "missing_value", "messages", "'messages' is missing.");
	if (!json_is_array(v) || n == 0 || n > CODEC_MESSAGES_MAX)
		return codec_fail(err, "invalid_value", "messages",
				  "'messages' must be an array of 1 to %d messages.",
				  CODEC_MESSAGES_MAX);
	m = arena_alloc(a, n, sizeof(*m));
	if (m == NULL)
		return codec_no_memory(err);
	for (size_t i = 0; i < n; i++) {
		rc = message_decode(a, json_array_get(v, i), i, &m[i], err);
		if (rc < 0)
			return rc;
		out->n_text += m[i].text.len;
	}
	if (m[n - 1].role != RAGD_ROLE_USER) {
		snprintf(param, sizeof(param), "messages[%zu].role", n - 1);
		return codec_fail(err, "invalid_value", param,
				  "The last message must be the user's.");
	}
	if (codec_blank(m[n - 1].text)) {
		snprintf(param, sizeof(param), "messages[%zu].content", n - 1);
		return codec_fail(err, "invalid_value", param,
				  "The question is empty; write what you want to know.");
	}
	out->messages = m;
	out->n_messages = n;
	return 0;
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* {"TOKEN": number, …}: ids of the model's own vocabulary, which only the model can check. */
static int bias_decode(struct arena *a, const json_t *v, struct codec_chat *out,
		       struct codec_err *err)
{
	struct ragd_bias *bias;
	const char *key;
	json_t *add;
	size_t n = 0;
	bool has;

	if (v == NULL)
		return 0;
	if (!json_is_object(v) || json_object_size(v) > CODEC_BIAS_MAX)
		return codec_fail(
			err, "invalid_value", "logit_bias",
			"'logit_bias' must be an object of up to %d token ids with a number each.",
			CODEC_BIAS_MAX);
	bias = arena_alloc(a, json_object_size(v) + 1, sizeof(*bias));
	if (bias == NULL)
		return codec_no_memory(err);
	json_object_foreach((json_t *)v, key, add) {
		size_t digits = strspn(key, "0123456789");
		int rc;

		if (digits == 0 || digits > 9 || key[digits] != '\0')
			return codec_fail(err, "invalid_value", "logit_bias",
					  "'logit_bias' has a key that is not a token id: '%.32s'.",
					  key);
		rc = codec_number(add, "logit_bias", -100, 100, &bias[n].add, &has, err);
		if (rc < 0)
			return rc;
		bias[n++].token = (int32_t)strtol(key, NULL, 10);
	}
	out->bias = bias;
	out->n_bias = n;
	return 0;
}

static int penalties_decode(struct arena *a, const json_t *root, struct codec_chat *out,
			    struct codec_err *err)
{
	bool has;
	int rc = codec_number(codec_member(root, "presence_penalty"), "presence_penalty", -2, 2,
			      &out->presence_penalty, &has, err);

	if (rc == 0)
		rc = codec_number(codec_member(root, "frequency_penalty"), "frequency_penalty", -2,
				  2, &out->frequency_penalty, &has, err);
	if (rc == 0)
		rc = bias_decode(a, codec_member(root, "logit_bias"), out, err);
	return rc;
}

static int sampling_decode(struct arena *a, const json_t *root, struct codec_chat *out,
			   struct codec_err *err)
{
	const json_t *max = codec_member(root, "max_completion_tokens");
	json_int_t tokens = 0, seed = 0, n = 1;
	bool has_n;
	int rc;

	if (max != NULL)
		rc = codec_int(max, "max_completion_tokens", 1, INT_MAX, &tokens,
			       &out->has_max_tokens, err);
	else
		rc = codec_int(codec_member(root, "max_tokens"), "max_tokens", 1, INT_MAX, &tokens,
			       &out->has_max_tokens, err);
	if (rc == 0)
		rc = codec_number(codec_member(root, "temperature"), "temperature", 0, 2,
				  &out->temperature, &out->has_temperature, err);
	if (rc == 0)
		rc = codec_number(codec_member(root, "top_p"), "top_p", 0, 1, &out->top_p,
				  &out->has_top_p, err);
	if (rc == 0)
		rc = codec_int(codec_member(root, "seed"), "seed", INT64_MIN, INT64_MAX, &seed,
			       &out->has_seed, err);
	if (rc == 0)
		rc = penalties_decode(a, root, out, err);
	if (rc == 0)
		rc = codec_int(codec_member(root, "n"), "n", 1, 1, &n, &has_n, err);
	if (rc == 0)
		rc = codec_texts(a, codec_member(root, "stop"), "stop", true, CODEC_STOP_MAX, 1,
				 256, &out->stop, &out->n_stop, err);
	out->max_tokens = (uint32_t)tokens;
	out->seed = (uint64_t)seed;
	return rc;
}

static int stream_decode(const json_t *root, struct codec_chat *out, struct codec_err *err)
{
	const json_t *options = codec_member(root, "stream_options");
	int rc = codec_bool(codec_member(root, "stream"), "stream", &out->stream, err);

	if (rc < 0 || options == NULL)
		return rc;
	if (!json_is_object(options))
		return codec_fail(err, "invalid_value", "stream_options",
				  "'stream_options' must be an object.");
	return codec_bool(codec_member(options, "include_usage"), "stream_options.include_usage",
			  &out->include_usage, err);
}

static int chat_decode(struct arena *a, const json_t *root, struct codec_chat *out,
		       struct codec_err *err)
{
	json_int_t k = 0;
	int rc = codec_name(a, codec_member(root, "model"), "model", 256, &out->model, err);

	if (rc == 0)
		rc = messages_decode(a, codec_member(root, "messages"), out, err);
	if (rc == 0)
		rc = stream_decode(root, out, err);
	if (rc == 0)
		rc = sampling_decode(a, root, out, err);
	if (rc == 0)
		rc = codec_collection_names(a, codec_member(root, "collections"), "collections",
					    &out->collections, &out->n_collections, err);
	if (rc == 0)
		rc = codec_int(codec_member(root, "k"), "k", 1, CODEC_CHAT_K_MAX, &k, &out->has_k,
			       err);
	out->k = (uint32_t)k;
	return rc;
}

int codec_chat_decode(struct arena *a, struct ragd_str body, struct codec_chat *out,
		      struct codec_err *err)
{
	struct codec_chat req = { .model = "default" };
	json_t *root;
	int rc = codec_parse(body, &root, err);

	if (rc < 0)
		return rc;
	rc = chat_decode(a, root, &req, err);
	json_decref(root);
	if (rc == 0)
		*out = req;
	return rc;
}
