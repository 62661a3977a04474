#include "ipc/codec/codec_json.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"

#define TITLE_MAX      4096
#define MEDIA_TYPE_MAX 127

static int content_decode(struct arena *a, const json_t *root, struct ragd_str *out,
			  struct codec_err *err)
{
	const json_t *text = codec_member(root, "text");
	const json_t *base64 = codec_member(root, "content_base64");
	unsigned char *bytes;
	size_t len;

	if (text == NULL && base64 == NULL)
		return codec_fail(err, "missing_value", "text",
				  "'text' is missing, or 'content_base64' in its place.");
	if (text != NULL && base64 != NULL)
		return codec_fail(err, "invalid_value", "content_base64",
				  "'text' and 'content_base64' exclude each other.");
	if (text != NULL)
		return codec_text(a, text, "text", 0, SIZE_MAX, out, err);
	if (!json_is_string(base64))
		return codec_fail(err, "invalid_value", "content_base64",
				  "'content_base64' must be a string.");
	len = json_string_length(base64);
	bytes = arena_alloc(a, len / 4 * 3 + 1, 1);
	if (bytes == NULL)
		return codec_no_memory(err);
	if (!base64_decode(json_string_value(base64), len, bytes, &out->len))
		return codec_fail(err, "invalid_value", "content_base64",
				  "'content_base64' is not base64 with padding.");
	out->s = (const char *)bytes;
	return 0;
}

static int document_decode(struct arena *a, const json_t *root, struct ragd_document *out,
			   struct codec_err *err)
{
	const json_t *id = codec_member(root, "id");
	struct ragd_str s;
	int rc;

	if (id == NULL)
		return codec_fail(err, "missing_value", "id", "'id' is missing.");
	s = (struct ragd_str){ json_string_value(id), json_string_length(id) };
	if (!json_is_string(id) || !codec_document_id_valid(s))
		return codec_fail(err, "invalid_value", "id",
				  "'id' must be 1 to %d bytes without control characters.",
				  CODEC_ID_MAX);
	rc = codec_text(a, id, "id", 1, CODEC_ID_MAX, &out->id, err);
	if (rc == 0)
		rc = codec_text(a, codec_member(root, "title"), "title", 0, TITLE_MAX, &out->title,
				err);
	if (rc == 0)
		rc = codec_text(a, codec_member(root, "media_type"), "media_type", 0,
				MEDIA_TYPE_MAX, &out->media_type, err);
	if (rc == 0)
		rc = codec_texts(a, codec_member(root, "tags"), "tags", false, CODEC_NAMES_MAX, 1,
				 256, &out->tags, &out->n_tags, err);
	if (rc == 0)
		rc = content_decode(a, root, &out->content, err);
	return rc;
}

/* One line. Its own fault goes into out->err; only memory fails for all. */
static int line_decode(struct arena *a, struct ragd_str line, size_t number,
		       struct codec_document *out, struct codec_err *err)
{
	struct codec_err fault = { 0 };
	struct codec_err *kept;
	char msg[sizeof(fault.msg)];
	json_t *root;
	int rc = codec_parse(line, &root, &fault);

	if (rc == 0) {
		rc = document_decode(a, root, &out->doc, &fault);
		json_decref(root);
	}
	if (rc == -ENOMEM)
		*err = fault;
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	out->doc = (struct ragd_document){ .id = out->doc.id };
	kept = arena_alloc(a, 1, sizeof(*kept));
	if (kept == NULL)
		return codec_no_memory(err);
	memcpy(msg, fault.msg, sizeof(msg));
	*kept = fault;
	snprintf(kept->msg, sizeof(kept->msg), "Line %zu: %.200s", number, msg);
	out->err = kept;
	return 0;
}

/* The line at *at without its newline; moves *at past it. False at the end. */
static bool line_next(struct ragd_str body, size_t *at, struct ragd_str *line)
{
	const char *s = body.s + *at, *nl;

	if (*at >= body.len)
		return false;
	nl = memchr(s, '\n', body.len - *at);
	line->s = s;
	line->len = nl != NULL ? (size_t)(nl - s) : body.len - *at;
	*at += line->len + 1;
	return true;
}

int codec_documents_decode(struct arena *a, struct ragd_str body, struct codec_document **out,
			   size_t *n, struct codec_err *err)
{
	struct codec_document *docs;
	struct ragd_str line;
	size_t at = 0, count = 0, number = 0;

	while (line_next(body, &at, &line))
		count += !codec_blank(line);
	if (count == 0)
		return codec_fail(err, "invalid_json", NULL,
				  "There are no documents; send one JSON object a line.");
	if (count > CODEC_DOCUMENTS_MAX)
		return codec_fail(err, "invalid_value", NULL,
				  "There are %zu documents; send at most %d at a time.", count,
				  CODEC_DOCUMENTS_MAX);
	docs = arena_alloc(a, count, sizeof(*docs));
	if (docs == NULL)
		return codec_no_memory(err);
	count = 0;
	for (at = 0; line_next(body, &at, &line);) {
		number++;
		if (codec_blank(line))
			continue;
		if (line_decode(a, line, number, &docs[count], err) < 0)
			return -ENOMEM;
		count++;
	}
	*out = docs;
	*n = count;
	return 0;
}
