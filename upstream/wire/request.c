#include "upstream/wire/request.h"

#include <stdint.h>

#include "base/json_writer.h"
#include "base/text/utf8.h"

/* What a float holds, not more: 0.3f is 0.3 rather than 0.30000001192092896. */
#define FLOAT_DIGITS 6

/* The writer would mend what is not UTF-8; a server must not be asked something else. */
static int check_utf8(struct ragd_str s, struct ragd_err *err)
{
	if (utf8_invalid_at(s.s, s.len) < 0)
		return 0;
	return ragd_err_set(err, -EILSEQ, "the prompt is not UTF-8");
}

static int check_texts(const struct ragd_str *texts, size_t n, struct ragd_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_utf8(texts[i], err);
	return rc;
}

static int check_request(const struct ragd_generate *req, struct ragd_err *err)
{
	int rc = check_texts(req->sampling->stop, req->sampling->n_stop, err);

	for (size_t i = 0; rc == 0 && i < req->n_messages; i++)
		rc = check_utf8(req->messages[i].text, err);
	return rc;
}

static void texts_write(struct json_writer *w, const struct ragd_str *texts, size_t n)
{
	jsonw_array_begin(w);
	for (size_t i = 0; i < n; i++)
		jsonw_str(w, texts[i].len > 0 ? texts[i] : (struct ragd_str){ " ", 1 });
	jsonw_array_end(w);
}

static void messages_write(struct json_writer *w, const struct ragd_generate *req)
{
	static const char *const roles[] = {
		[RAGD_ROLE_SYSTEM] = "system",
		[RAGD_ROLE_USER] = "user",
		[RAGD_ROLE_ASSISTANT] = "assistant",
	};

	jsonw_member_array_begin(w, "messages");
	for (size_t i = 0; i < req->n_messages; i++) {
		jsonw_object_begin(w);
		jsonw_member_cstr(w, "role", roles[req->messages[i].role]);
		jsonw_member_str(w, "content", req->messages[i].text);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void sampling_write(struct json_writer *w, const struct ragd_sampling *s, bool extended)
{
	jsonw_member_double(w, "temperature", (double)s->temperature, FLOAT_DIGITS);
	jsonw_member_uint(w, "seed", s->seed & INT64_MAX);
	/* 0 is no sampling at all, and servers refuse it: it stands for "unset" */
	if (s->top_p > 0)
		jsonw_member_double(w, "top_p", (double)s->top_p, FLOAT_DIGITS);
	if (s->max_tokens > 0)
		jsonw_member_uint(w, "max_tokens", s->max_tokens);
	if (s->n_stop > 0) {
		jsonw_key(w, "stop");
		texts_write(w, s->stop, s->n_stop);
	}
	if (extended && s->min_p > 0)
		jsonw_member_double(w, "min_p", (double)s->min_p, FLOAT_DIGITS);
	if (extended && s->top_k > 0)
		jsonw_member_int(w, "top_k", s->top_k);
}

static char *body_finish(struct buf *b, struct ragd_err *err)
{
	size_t len;
	char *body = buf_steal(b, &len);

	if (body == NULL)
		ragd_err_set(err, -ENOMEM, "out of memory for the request");
	return body;
}

char *request_chat(const struct ragd_generate *req, const char *model, bool extended,
		   const char *salt, struct ragd_err *err)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	if (check_request(req, err) < 0)
		return NULL;
	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	if (model[0] != '\0')
		jsonw_member_cstr(&w, "model", model);
	messages_write(&w, req);
	jsonw_member_bool(&w, "stream", true);
	jsonw_member_object_begin(&w, "stream_options");
	jsonw_member_bool(&w, "include_usage", true);
	jsonw_object_end(&w);
	sampling_write(&w, req->sampling, extended);
	if (salt != NULL)
		jsonw_member_cstr(&w, "cache_salt", salt);
	jsonw_object_end(&w);
	return body_finish(&b, err);
}

char *request_embeddings(const struct ragd_str *texts, size_t n, const char *model,
			 struct ragd_err *err)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	if (check_texts(texts, n, err) < 0)
		return NULL;
	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	if (model[0] != '\0')
		jsonw_member_cstr(&w, "model", model);
	jsonw_key(&w, "input");
	texts_write(&w, texts, n);
	jsonw_member_cstr(&w, "encoding_format", "float");
	jsonw_object_end(&w);
	return body_finish(&b, err);
}

char *request_rerank(struct ragd_str query, const struct ragd_str *passages, size_t n,
		     const char *model, struct ragd_err *err)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	if (check_utf8(query, err) < 0 || check_texts(passages, n, err) < 0)
		return NULL;
	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	if (model[0] != '\0')
		jsonw_member_cstr(&w, "model", model);
	jsonw_member_str(&w, "query", query);
	jsonw_key(&w, "documents");
	texts_write(&w, passages, n);
	jsonw_member_uint(&w, "top_n", n);
	jsonw_object_end(&w);
	return body_finish(&b, err);
}
