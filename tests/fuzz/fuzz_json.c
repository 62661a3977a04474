/*
 * Bodies of requests: the first byte says which, the rest is the body. What decodes keeps the
 * promises of ipc/codec/codec.h; what does not has an error that can be sent. The bytes are then
 * written back as a text of a reply, which must be JSON whatever they are.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "ipc/codec/codec.h"
#include "tests/fuzz/fuzz.h"

static void check_text(struct ragd_str s)
{
	CHECK(s.len == 0 || s.s != NULL);
	CHECK(utf8_invalid_at(s.s, s.len) < 0);
	CHECK(s.len == 0 || memchr(s.s, '\0', s.len) == NULL);
}

static void check_texts(const struct ragd_str *texts, size_t n, size_t max)
{
	CHECK(n <= max);
	for (size_t i = 0; i < n; i++)
		check_text(texts[i]);
}

static void check_json(const struct buf *b)
{
	json_t *v = json_loadb(b->data, b->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	CHECK(v != NULL);
	json_decref(v);
}

/* An error must be one that a client can be told. */
static void check_err(int rc, const struct codec_err *err)
{
	struct buf b = BUF_INIT;

	CHECK((rc == -EINVAL && err->status == 400) || (rc == -ENOMEM && err->status == 503));
	CHECK(err->msg[0] != '\0' && err->code != NULL);
	codec_error(&b, err->status, err->code, codec_param(err), err->msg);
	check_json(&b);
	buf_fini(&b);
}

static void chat(struct arena *a, struct ragd_str body, struct codec_err *err)
{
	struct codec_chat c;
	size_t n_text = 0;
	int rc = codec_chat_decode(a, body, &c, err);

	if (rc < 0) {
		check_err(rc, err);
		return;
	}
	CHECK(c.n_messages >= 1 && c.n_messages <= CODEC_MESSAGES_MAX);
	for (size_t i = 0; i < c.n_messages; i++) {
		check_text(c.messages[i].text);
		n_text += c.messages[i].text.len;
	}
	CHECK(n_text == c.n_text && n_text <= body.len);
	CHECK(c.messages[c.n_messages - 1].role == RAGD_ROLE_USER);
	check_texts(c.stop, c.n_stop, CODEC_STOP_MAX);
	CHECK(!c.has_k || (c.k >= 1 && c.k <= CODEC_CHAT_K_MAX));
	CHECK(!c.has_temperature || (c.temperature >= 0 && c.temperature <= 2));
	for (size_t i = 0; i < c.n_collections; i++)
		CHECK(codec_collection_valid(
			(struct ragd_str){ c.collections[i], strlen(c.collections[i]) }));
}

static void flat(unsigned what, struct arena *a, struct ragd_str body, struct codec_err *err)
{
	struct codec_embeddings embeddings;
	struct codec_moderations moderations;
	struct codec_search search;
	struct codec_feedback feedback;
	struct codec_collection_put put;
	int rc;

	switch (what) {
	case 0:
		rc = codec_embeddings_decode(a, body, &embeddings, err);
		if (rc == 0)
			check_texts(embeddings.input, embeddings.n_input, CODEC_EMBED_MAX);
		break;
	case 1:
		rc = codec_moderations_decode(a, body, &moderations, err);
		if (rc == 0)
			check_texts(moderations.input, moderations.n_input, CODEC_INPUTS_MAX);
		break;
	case 2:
		rc = codec_search_decode(a, body, &search, err);
		if (rc == 0) {
			check_text(search.query);
			check_texts(search.tags, search.n_tags, CODEC_NAMES_MAX);
			CHECK(search.k >= 1 && search.k <= CODEC_SEARCH_K_MAX);
		}
		break;
	case 3:
		rc = codec_feedback_decode(a, body, &feedback, err);
		if (rc == 0) {
			CHECK(strlen(feedback.answer_id) >= 1 && strlen(feedback.answer_id) <= 64);
			check_text(feedback.comment);
			check_text(feedback.better);
		}
		break;
	default:
		rc = codec_collection_decode(a, body, &put, err);
		if (rc == 0 && put.has_mode)
			CHECK((put.mode & ~0666u) == 0 && (put.mode & 0600) == 0600);
		break;
	}
	if (rc < 0)
		check_err(rc, err);
}

static void documents(struct arena *a, struct ragd_str body, struct codec_err *err)
{
	struct codec_document *docs;
	size_t n;
	int rc = codec_documents_decode(a, body, &docs, &n, err);

	if (rc < 0) {
		check_err(rc, err);
		return;
	}
	CHECK(n >= 1 && n <= CODEC_DOCUMENTS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (docs[i].err != NULL) {
			check_err(-EINVAL, docs[i].err);
			CHECK(docs[i].doc.content.len == 0);
			continue;
		}
		CHECK(codec_document_id_valid(docs[i].doc.id));
		check_text(docs[i].doc.title);
		check_texts(docs[i].doc.tags, docs[i].doc.n_tags, CODEC_NAMES_MAX);
	}
}

static void written_back(struct ragd_str s)
{
	struct codec_citation c = { .n = 1,
				    .mark = s,
				    .collection = s,
				    .document = s,
				    .title = s,
				    .heading = s,
				    .quote = s };
	struct codec_chat_chunk chunk = { .id = "ans-1",
					  .model = "m",
					  .text = s,
					  .refused = true,
					  .citations = &c,
					  .n_citations = 1 };
	struct buf b = BUF_INIT;

	codec_chat_chunk(&b, &chunk);
	CHECK(b.len > 8 && memcmp(b.data, "data: ", 6) == 0);
	CHECK(memcmp(b.data + b.len - 2, "\n\n", 2) == 0);
	/* One event is one line. */
	CHECK(memchr(b.data, '\n', b.len - 2) == NULL && memchr(b.data, '\r', b.len) == NULL);
	buf_consume(&b, 6);
	check_json(&b);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct codec_err err = { 0 };
	struct ragd_str body;
	struct arena *a;

	if (size == 0)
		return 0;
	a = arena_new(4 << 20);
	body = (struct ragd_str){ (const char *)data + 1, size - 1 };
	switch (data[0]) {
	case 'c':
		chat(a, body, &err);
		break;
	case 'd':
		documents(a, body, &err);
		break;
	default:
		flat(data[0] % 5u, a, body, &err);
		break;
	}
	written_back(body);
	arena_free(a);
	return 0;
}
