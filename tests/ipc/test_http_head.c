/* Heads and chunks, alone: the same verdict in whatever pieces they come. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "ipc/http/syntax/http_chunk.h"
#include "ipc/http/syntax/http_head.h"
#include "tests/test.h"

#define HEAD_MAX 4096

/* The verdict on text when it comes in pieces of `piece` bytes. */
static enum http_head_result scan(const char *text, size_t len, size_t piece, size_t *head_len)
{
	struct http_head_scan s = { .line = 0 };
	enum http_head_result judged = HTTP_HEAD_MORE;

	for (size_t n = MIN(piece, len); judged == HTTP_HEAD_MORE; n = MIN(n + piece, len)) {
		judged = http_head_scan(&s, text, n, HEAD_MAX);
		if (n == len)
			break;
	}
	*head_len = s.len;
	return judged;
}

static void scans_heads_in_any_pieces(void **state)
{
	static const struct {
		const char *text;
		enum http_head_result want;
		size_t len;
	} rows[] = {
		{ "", HTTP_HEAD_MORE, 0 },
		{ "GET / HTTP/1.1", HTTP_HEAD_MORE, 0 },
		{ "GET / HTTP/1.1\r\n", HTTP_HEAD_MORE, 0 },
		{ "GET / HTTP/1.1\r\n\r\n", HTTP_HEAD_OK, 18 },
		{ "\r\n\r\nGET / HTTP/1.1\r\n\r\n", HTTP_HEAD_OK, 22 },
		{ "GET / HTTP/1.1\r\nA: b\r\n\r\nbody", HTTP_HEAD_OK, 24 },
		{ "GET / HTTP/1.1\r\nA:\r\n\r\n", HTTP_HEAD_OK, 22 },
		{ "\nGET / HTTP/1.1\r\n\r\n", HTTP_HEAD_BAD, 0 },
		{ "GET / HTTP/1.1\r\nA: b\r\n\n", HTTP_HEAD_BAD, 0 },
		{ "GET / HTTP/1.1\r\r\n\r\n", HTTP_HEAD_BAD, 0 },
		{ "GET / HTTP/1.2\r\n", HTTP_HEAD_VERSION, 0 },
		{ "GET / HTTP/3\r\n", HTTP_HEAD_BAD, 0 },
		{ "G(T / HTTP/1.1\r\n", HTTP_HEAD_BAD, 0 },
		{ " / HTTP/1.1\r\n", HTTP_HEAD_BAD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].text), head_len;

		print_message("%s\n--\n", rows[i].text);
		for (size_t piece = 1; piece <= len + 1; piece++) {
			assert_int_equal(scan(rows[i].text, len, piece, &head_len), rows[i].want);
			assert_int_equal(head_len, rows[i].len);
		}
	}
}

static void looks_at_each_byte_once(void **state)
{
	size_t len = 1 << 20;
	char *text = malloc(len);
	struct http_head_scan s = { .line = 0 };

	(void)state;
	/* What was seen is never gone back to: a line of a megabyte, byte by byte. */
	memset(text, 'a', len);
	for (size_t n = 1; n <= len; n++) {
		assert_int_equal(http_head_scan(&s, text, n, len), HTTP_HEAD_MORE);
		assert_int_equal(s.seen, n);
	}
	assert_int_equal(http_head_scan(&s, text, len, len - 1), HTTP_HEAD_LARGE);
	free(text);
}

static void bounds_heads(void **state)
{
	struct buf text = BUF_INIT;
	size_t head_len;

	(void)state;
	buf_adds(&text, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		buf_adds(&text, "A: b\r\n");
	buf_adds(&text, "\r\n");
	assert_int_equal(scan(text.data, text.len, 7, &head_len), HTTP_HEAD_OK);
	text.len -= 2;
	buf_adds(&text, "A: b\r\n\r\n");
	assert_int_equal(scan(text.data, text.len, 7, &head_len), HTTP_HEAD_LARGE);
	buf_clear(&text);
	buf_adds(&text, "GET / HTTP/1.1\r\nA: ");
	while (text.len < HEAD_MAX - 4)
		buf_addc(&text, 'x');
	buf_adds(&text, "\r\n\r\n");
	assert_int_equal(scan(text.data, text.len, 7, &head_len), HTTP_HEAD_OK);
	text.len -= 4;
	buf_adds(&text, "x\r\n\r\n");
	assert_int_equal(scan(text.data, text.len, 7, &head_len), HTTP_HEAD_LARGE);
	buf_fini(&text);
}

static void splits_heads(void **state)
{
	static const char text[] =
		"\r\nPOST http://ragd/a?b=c HTTP/1.1\r\nhOST:\tragd \r\nEmpty:\r\n"
		"Connection: Upgrade , CLOSE\r\nContent-Length: 012\r\n\r\n";
	char copy[sizeof(text)];
	struct http_head h;
	const char *why;

	(void)state;
	memcpy(copy, text, sizeof(text));
	assert_int_equal(http_head_split(copy, sizeof(text) - 1, &h, &why), HTTP_HEAD_OK);
	assert_string_equal(h.method, "POST");
	assert_string_equal(h.target, "http://ragd/a?b=c");
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.n_fields, 4);
	assert_string_equal(http_head_field(&h, "Host"), "ragd");
	assert_string_equal(http_head_field(&h, "EMPTY"), "");
	assert_null(http_head_field(&h, "Other"));
	assert_true(h.close);
	assert_false(h.chunked);
	assert_int_equal(h.length, 12);
}

/* The content of text, in pieces; the verdict is the last. */
static enum http_chunk_result take(const char *text, size_t len, size_t piece, struct buf *out,
				   size_t *n_used)
{
	struct http_chunks c = { .left = 0 };
	enum http_chunk_result judged = HTTP_CHUNK_MORE;
	size_t at = 0;

	while (at < len && judged != HTTP_CHUNK_END && judged != HTTP_CHUNK_BAD) {
		size_t used = 0, n = 0;

		judged = http_chunk_take(&c, text + at, MIN(piece - at % piece, len - at), &used,
					 &n);
		if (judged == HTTP_CHUNK_PIECE)
			buf_add(out, text + at + used - n, n);
		at += used;
	}
	*n_used = at;
	return judged;
}

static void takes_chunks_in_any_pieces(void **state)
{
	static const struct {
		const char *text, *want;
		enum http_chunk_result result;
		size_t rest; /* bytes that are the next request's */
	} rows[] = {
		{ "3\r\nabc\r\n0\r\n\r\n", "abc", HTTP_CHUNK_END, 0 },
		{ "3\r\nabc\r\n0\r\n\r\nGET ", "abc", HTTP_CHUNK_END, 4 },
		{ "1\r\na\r\n0002\r\nbc\r\n0\r\nA: b\r\nC: d\r\n\r\n", "abc", HTTP_CHUNK_END, 0 },
		{ "A;x=\"y\"\r\n0123456789\r\n000\r\n\r\n", "0123456789", HTTP_CHUNK_END, 0 },
		{ "a \t; x\r\n0123456789\r\n0\r\n\r\n", "0123456789", HTTP_CHUNK_END, 0 },
		{ "3\r\n\r\n0\r\n0\r\n\r\n", "\r\n0", HTTP_CHUNK_END, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].text), used;

		print_message("%s\n--\n", rows[i].text);
		for (size_t piece = 1; piece <= len; piece++) {
			struct buf out = BUF_INIT;

			assert_int_equal(take(rows[i].text, len, piece, &out, &used),
					 rows[i].result);
			assert_string_equal(out.data, rows[i].want);
			assert_int_equal(used, len - rows[i].rest);
			buf_fini(&out);
		}
	}
}

static void refuses_bad_chunks_in_any_pieces(void **state)
{
	static const char *const rows[] = {
		"g\r\n",
		"\r\n",
		"-1\r\n",
		"0x1\r\n",
		"1 2\r\na\r\n",
		"1\na",
		"1\r\nab",
		"1\r\na\n0\r\n\r\n",
		"1000000000000000\r\n",
		"1;\x01\r\n",
		"0\r\nno colon\r\n\r\n",
		"0\r\n\n",
	};
	struct buf out = BUF_INIT, trailer = BUF_INIT;
	size_t used;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece <= strlen(rows[i]); piece++)
			assert_int_equal(take(rows[i], strlen(rows[i]), piece, &out, &used),
					 HTTP_CHUNK_BAD);
	/* A line that does not end, and fields without end behind the last chunk. */
	buf_adds(&trailer, "1;");
	while (trailer.len < 1000)
		buf_addc(&trailer, 'x');
	assert_int_equal(take(trailer.data, trailer.len, 1000, &out, &used), HTTP_CHUNK_BAD);
	buf_clear(&trailer);
	buf_adds(&trailer, "0\r\n");
	while (trailer.len < 8000)
		buf_adds(&trailer, "A: b\r\n");
	assert_int_equal(take(trailer.data, trailer.len, 8000, &out, &used), HTTP_CHUNK_BAD);
	buf_fini(&out);
	buf_fini(&trailer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_heads_in_any_pieces),
		cmocka_unit_test(looks_at_each_byte_once),
		cmocka_unit_test(bounds_heads),
		cmocka_unit_test(splits_heads),
		cmocka_unit_test(takes_chunks_in_any_pieces),
		cmocka_unit_test(refuses_bad_chunks_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
