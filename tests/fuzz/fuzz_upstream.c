/*
 * What a server may send to inference_upstream: the first byte says as what it is read, the second
 * seeds the cuts of a stream. Whatever the cuts, the same events come out; whatever the bytes, a
 * text that is passed on is UTF-8 without NUL, and what cannot be read has a sentence.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/sse.h"
#include "base/text/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "upstream/wire/reply.h"

#define EVENT_MAX ((size_t)1 << 20)

static void check_chunk(const char *data, size_t len, bool whole)
{
	json_t *root = reply_parse(data, len);
	struct reply_chunk c = { 0 };
	struct ragd_err err = { 0 };
	int rc = root != NULL ? reply_chunk_read(root, whole, &c, &err) : 0;

	CHECK(rc == 0 || rc == -EPROTO || rc == -EREMOTEIO);
	CHECK((rc < 0) == (err.msg[0] != '\0'));
	CHECK(utf8_invalid_at(err.msg, strlen(err.msg)) < 0);
	if (c.text != NULL) {
		CHECK(c.text_len > 0 && memchr(c.text, '\0', c.text_len) == NULL);
		CHECK(utf8_invalid_at(c.text, c.text_len) < 0);
	}
	json_decref(root);
}

static int event_cb(void *arg, bool is_error, const char *data, size_t len, struct ragd_err *err)
{
	struct buf *all = arg;

	(void)err;
	buf_addc(all, is_error ? 'e' : 'd');
	buf_add(all, &len, sizeof(len));
	buf_add(all, data, len);
	check_chunk(data, len, false);
	return 0;
}

/* cuts 0: all in one piece */
static void stream(const char *data, size_t len, unsigned cuts, struct buf *out)
{
	struct sse s;

	sse_init(&s, EVENT_MAX, SIZE_MAX, event_cb, out);
	while (len > 0) {
		size_t n = cuts == 0 ? len : 1 + cuts % 7;

		n = n < len ? n : len;
		CHECK(sse_feed(&s, data, n, NULL) == 0);
		data += n;
		len -= n;
		cuts = cuts * 1103515245u + 12345u;
	}
	sse_fini(&s);
}

static void check_stream(const char *data, size_t len, unsigned cuts)
{
	struct buf whole = BUF_INIT, cut = BUF_INIT;

	if (len >= EVENT_MAX) /* the bounds have tests of their own */
		return;
	stream(data, len, 0, &whole);
	stream(data, len, cuts | 1, &cut);
	CHECK(whole.len == cut.len);
	CHECK(whole.len == 0 || memcmp(whole.data, cut.data, whole.len) == 0);
	buf_fini(&whole);
	buf_fini(&cut);
}

static void check_embeddings(const char *data, size_t len, size_t n)
{
	json_t *root = reply_parse(data, len);
	struct ragd_err err = { 0 };
	uint32_t dim = 0;
	float *v = NULL;
	int rc = root != NULL ? reply_embeddings_read(root, n, &dim, &v, &err) : -EPROTO;

	CHECK((rc == 0) == (v != NULL) && (rc == 0) == (dim > 0));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		double norm = 0;

		for (uint32_t k = 0; k < dim; k++)
			norm += (double)v[i * dim + k] * (double)v[i * dim + k];
		CHECK(fabs(norm - 1) < 1e-3);
	}
	free(v);
	json_decref(root);
}

static void check_ranks(const char *data, size_t len, size_t n, bool logits)
{
	json_t *root = reply_parse(data, len);
	double scores[3] = { NAN, NAN, NAN };
	int rc = root != NULL ? reply_ranks_read(root, n, logits, scores, NULL) : -EPROTO;

	for (size_t i = 0; rc == 0 && i < n; i++)
		CHECK(isfinite(scores[i]));
	json_decref(root);
}

static void check_models(const char *data, size_t len)
{
	json_t *root = reply_parse(data, len);
	struct reply_models m = { .n = 0 };

	if (root != NULL && reply_models_read(root, "m", &m, NULL) == 0) {
		CHECK((m.n > 0) == (m.first[0] != '\0'));
		CHECK(utf8_invalid_at(m.first, strlen(m.first)) < 0);
		CHECK(m.n > 0 || !m.listed);
	}
	json_decref(root);
}

static void check_message(const char *data, size_t len)
{
	char out[REPLY_MESSAGE_MAX + 1];

	reply_message(data, len, out);
	CHECK(utf8_invalid_at(out, strlen(out)) < 0);
	for (const char *p = out; *p != '\0'; p++)
		CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 2;

	if (size < 2)
		return 0;
	switch (data[0]) {
	case 'e':
		check_embeddings(text, size - 2, 1 + data[1] % 3u);
		break;
	case 'r':
		check_ranks(text, size - 2, 1 + data[1] % 3u, data[1] / 3u % 2u);
		break;
	case 'm':
		check_models(text, size - 2);
		break;
	case 'w':
		check_chunk(text, size - 2, true);
		check_message(text, size - 2);
		break;
	default:
		check_stream(text, size - 2, data[1]);
		break;
	}
	return 0;
}
