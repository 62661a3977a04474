#include "upstream/wire/reply.h"

#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* ---- repair -------------------------------------------------------------------------------- */

/* The code unit of the escape \uXXXX at s[0..len), or -1. */
static long escape_unit(const char *s, size_t len)
{
	long unit = 0;

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF", *at;

		at = s[i] != '\0' ? strchr(digits, s[i]) : NULL;
		if (at == NULL)
			return -1;
		unit = unit << 4 | ((at - digits) & 15);
	}
	return unit;
}

/* One escape at s[0..len), len > 0; returns its bytes. */
static size_t escape_repair(struct buf *b, const char *s, size_t len)
{
	long unit = escape_unit(s, len), next;

	if (unit >= 0xd800 && unit < 0xdc00) {
		next = escape_unit(s + 6, len - 6);
		if (next >= 0xdc00 && next < 0xe000) {
			buf_add(b, s, 12);
			return 12;
		}
	}
	if (unit == 0 || (unit >= 0xd800 && unit < 0xe000)) {
		buf_adds(b, REPLACEMENT);
		return 6;
	}
	buf_add(b, s, MIN(len, (size_t)2)); /* the byte after it is no escape of its own */
	return MIN(len, (size_t)2);
}

static void text_repair(struct buf *b, const char *s, size_t len)
{
	while (len > 0) {
		size_t n;
		uint32_t cp;

		if (s[0] == '\\') {
			n = escape_repair(b, s, len);
		} else {
			n = utf8_next(s, len, &cp);
			if (s[0] == '\0' || (n == 1 && cp == 0xfffd))
				buf_adds(b, REPLACEMENT);
			else
				buf_add(b, s, n);
		}
		s += n;
		len -= n;
	}
}

json_t *reply_parse(const char *data, size_t len)
{
	json_t *root = json_loadb(data, len, 0, NULL);
	struct buf b = BUF_INIT;

	if (root != NULL)
		return root;
	text_repair(&b, data, len);
	if (!buf_failed(&b) && b.len > 0)
		root = json_loadb(b.data, b.len, 0, NULL);
	buf_fini(&b);
	return root;
}

/* ---- errors -------------------------------------------------------------------------------- */

/*
 * Where servers put their words: {"error":{"message":…}}, {"error":…}, {"message":…}, {"detail":…}
 */
static const char *message_of(const json_t *root)
{
	const json_t *error = json_object_get(root, "error");
	const char *s = json_string_value(json_object_get(error, "message"));

	if (s == NULL)
		s = json_string_value(error);
	if (s == NULL)
		s = json_string_value(json_object_get(root, "message"));
	if (s == NULL)
		s = json_string_value(json_object_get(root, "detail"));
	return s;
}

/* One line, cut between characters. */
static void message_copy(const char *s, char out[REPLY_MESSAGE_MAX + 1])
{
	size_t len = utf8_whole(s, MIN(strlen(s), (size_t)REPLY_MESSAGE_MAX));

	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)s[i] < ' ' || s[i] == 0x7f ? ' ' : s[i];
	out[len] = '\0';
}

void reply_message(const char *body, size_t len, char out[REPLY_MESSAGE_MAX + 1])
{
	json_t *root = reply_parse(body, len);
	const char *s = message_of(root);

	out[0] = '\0';
	if (s != NULL)
		message_copy(s, out);
	json_decref(root);
}

static int is_error(const json_t *root, struct ragd_err *err)
{
	char words[REPLY_MESSAGE_MAX + 1] = "";
	const json_t *error = json_object_get(root, "error");
	const char *object = json_string_value(json_object_get(root, "object"));

	if ((error == NULL || json_is_null(error)) &&
	    (object == NULL || strcmp(object, "error") != 0))
		return 0;
	if (message_of(root) != NULL)
		message_copy(message_of(root), words);
	return ragd_err_set(err, -EREMOTEIO, "%s", words[0] != '\0' ? words : "an error");
}

/* ---- answers ------------------------------------------------------------------------------- */

static uint32_t count_of(const json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void usage_read(const json_t *usage, struct reply_chunk *out)
{
	if (!json_is_object(usage))
		return;
	out->has_usage = true;
	out->usage.n_prompt = count_of(usage, "prompt_tokens");
	out->usage.n_output = count_of(usage, "completion_tokens");
	/*
	 * How much of the prompt the server had read before is left out: for whom, it does not say.
	 */
}

static enum reply_finish finish_of(const json_t *reason)
{
	static const struct {
		const char *word;
		enum reply_finish finish;
	} rows[] = {
		{ "length", REPLY_LENGTH },
		{ "max_tokens", REPLY_LENGTH },
		{ "content_filter", REPLY_FILTERED },
	};
	const char *word = json_string_value(reason);

	if (word == NULL || word[0] == '\0')
		return REPLY_GOES_ON;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(word, rows[i].word) == 0)
			return rows[i].finish;
	return REPLY_STOP; /* stop, eos_token, tool_calls, … */
}

static bool has_text(const json_t *v)
{
	return json_string_length(v) > 0;
}

static void text_read(const json_t *piece, struct reply_chunk *out)
{
	const json_t *text = json_object_get(piece, "content");
	const json_t *refusal = json_object_get(piece, "refusal");

	out->refuses = has_text(refusal);
	if (!has_text(text))
		text = refusal;
	if (has_text(text)) {
		out->text = json_string_value(text);
		out->text_len = json_string_length(text);
	}
	out->thinks = has_text(json_object_get(piece, "reasoning_content")) ||
		      has_text(json_object_get(piece, "reasoning"));
}

int reply_chunk_read(const json_t *root, bool whole, struct reply_chunk *out, struct ragd_err *err)
{
	struct reply_chunk c = { .finish = REPLY_GOES_ON };
	const json_t *choices = json_object_get(root, "choices"), *choice;
	int rc = is_error(root, err);

	if (rc < 0)
		return rc;
	if (!json_is_array(choices))
		return ragd_err_set(err, -EPROTO, "an answer without 'choices'");
	usage_read(json_object_get(root, "usage"), &c);
	choice = json_array_get(choices, 0);
	if (choice != NULL && !json_is_object(choice))
		return ragd_err_set(err, -EPROTO, "'choices' is not what it should be");
	text_read(json_object_get(choice, whole ? "message" : "delta"), &c);
	c.finish = finish_of(json_object_get(choice, "finish_reason"));
	if (whole && c.finish == REPLY_GOES_ON)
		c.finish = REPLY_STOP;
	c.abstained = json_is_true(json_object_get(json_object_get(root, "ragd"), "abstained"));
	*out = c;
	return 0;
}

/* ---- lists of models ----------------------------------------------------------------------- */

static uint64_t number_of(const json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* vLLM and SGLang tell max_model_len, llama-server a `meta`, others context_length. */
static void model_facts(const json_t *entry, struct reply_models *out)
{
	const json_t *meta = json_object_get(entry, "meta");
	uint64_t n = number_of(entry, "max_model_len");

	if (n == 0)
		n = number_of(meta, "n_ctx");
	if (n == 0)
		n = number_of(meta, "n_ctx_train");
	if (n == 0)
		n = number_of(entry, "context_length");
	out->n_context = (uint32_t)MIN(n, (uint64_t)UINT32_MAX);
	out->n_parameters = number_of(meta, "n_params");
}

int reply_models_read(const json_t *root, const char *wanted, struct reply_models *out,
		      struct ragd_err *err)
{
	const json_t *data = json_object_get(root, "data");
	struct reply_models m = { .n = 0 };
	int rc = is_error(root, err);

	if (rc < 0)
		return rc;
	if (!json_is_array(data))
		return ragd_err_set(err, -EPROTO, "a list of models without 'data'");
	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *entry = json_array_get(data, i), *id = json_object_get(entry, "id");
		bool is_wanted = json_is_string(id) && strcmp(json_string_value(id), wanted) == 0;

		if (json_string_length(id) == 0 || json_string_length(id) > REPLY_MODEL_MAX)
			continue;
		if (m.n++ == 0)
			snprintf(m.first, sizeof(m.first), "%s", json_string_value(id));
		if (m.n == 1 || is_wanted)
			model_facts(entry, &m);
		m.listed |= is_wanted;
	}
	*out = m;
	return 0;
}

uint32_t reply_prompt_tokens(const json_t *root)
{
	return count_of(json_object_get(root, "usage"), "prompt_tokens");
}
