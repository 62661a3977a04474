/* Server-sent events, whatever the pieces they come in. */
#include <stdlib.h>
#include <string.h>

#include "base/sse.h"
#include "base/util.h"
#include "tests/test.h"

#define EVENT_MAX ((size_t)1 << 20)
#define TOTAL_MAX ((size_t)8 << 20)

struct events {
	struct buf text;
	int stop_at; /* fail at this event; 0: never */
	int n;
};

static int event_cb(void *arg, bool is_error, const char *data, size_t len, struct ragd_err *err)
{
	struct events *e = arg;

	assert_true(data[len] == '\0');
	buf_adds(&e->text, is_error ? "!" : "<");
	buf_add(&e->text, data, len);
	buf_adds(&e->text, ">");
	if (++e->n == e->stop_at)
		return ragd_err_set(err, -ECANCELED, "enough");
	return 0;
}

static void events_come_out_whatever_the_cuts(void **state)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "one", "data: a\n\n", "<a>" },
		{ "no space", "data:a\n\n", "<a>" },
		{ "two spaces: one belongs to it", "data:  a\n\n", "< a>" },
		{ "several lines", "data: a\ndata: b\n\n", "<a\nb>" },
		{ "carriage returns", "data: a\r\rdata: b\r\r", "<a><b>" },
		{ "both", "data: a\r\n\r\ndata: b\r\n\r\n", "<a><b>" },
		{ "mixed", "data: a\r\n\ndata: b\r\r\ndata: c\n\r\n", "<a><b><c>" },
		{ "comments and other fields", ": hi\nid: 1\nevent: x\nretry: 5\ndata: a\n\n",
		  "<a>" },
		{ "a name that begins alike", "datas: a\ndat: b\ndata\n\n", "<>" },
		{ "nothing without data", "event: x\n\n\n\n: c\n\n", "" },
		{ "an error", "error: {\"a\":1}\n\ndata: b\n\n", "!{\"a\":1}><b>" },
		{ "a byte order mark",
		  "\xef\xbb\xbf"
		  "data: a\n\n",
		  "<a>" },
		{ "only at the start",
		  "data: a\n\n\xef\xbb\xbf"
		  "data: b\n\n",
		  "<a>" },
		{ "no end, no event", "data: a\n\ndata: b\n", "<a>" },
		{ "bytes that are no text", "data: \xff\xfe\x80\n\n", "<\xff\xfe\x80>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].in);

		print_message("%s\n", rows[i].name);
		/* cut at every byte, and (cut == len + 1) everywhere at once */
		for (size_t cut = 0; cut <= len + 1; cut++) {
			struct events e = { .text = BUF_INIT };
			struct sse s;

			sse_init(&s, EVENT_MAX, TOTAL_MAX, event_cb, &e);
			if (cut <= len) {
				assert_int_equal(sse_feed(&s, rows[i].in, cut, NULL), 0);
				assert_int_equal(sse_feed(&s, rows[i].in + cut, len - cut, NULL),
						 0);
			}
			for (size_t k = 0; cut > len && k < len; k++)
				assert_int_equal(sse_feed(&s, rows[i].in + k, 1, NULL), 0);
			assert_string_equal(e.text.data != NULL ? e.text.data : "", rows[i].want);
			sse_fini(&s);
			buf_fini(&e.text);
		}
	}
}

/* Feeds prefix, then `filler` again and again, in pieces; returns what came of it. */
static int feed_endlessly(const char *prefix, const char *filler, size_t max, struct ragd_err *err)
{
	struct events e = { .text = BUF_INIT };
	size_t len = strlen(filler), fed = 0;
	char *piece = malloc(64 * 1024);
	size_t n = 64 * 1024 / len * len;
	struct sse s;
	int rc;

	assert_non_null(piece);
	for (size_t i = 0; i < n; i += len)
		memcpy(piece + i, filler, len);
	sse_init(&s, EVENT_MAX, TOTAL_MAX, event_cb, &e);
	rc = sse_feed(&s, prefix, strlen(prefix), err);
	for (; rc == 0 && fed < max; fed += n)
		rc = sse_feed(&s, piece, n, err);
	sse_fini(&s);
	buf_fini(&e.text);
	free(piece);
	return rc;
}

static void a_stream_without_bounds_is_refused(void **state)
{
	static const struct {
		const char *name, *prefix, *filler, *why;
	} rows[] = {
		{ "a line without end", "data: ", "x", "a line is longer" },
		{ "an event without end", "", "data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
		  "an event is longer" },
		{ "empty lines of data", "", "data:\n", "an event is longer" },
		{ "comments without end", "", ": x\n", "the stream is longer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_int_equal(
			feed_endlessly(rows[i].prefix, rows[i].filler, 2 * TOTAL_MAX, &err),
			-EPROTO);
		assert_non_null(strstr(err.msg, rows[i].why));
	}
}

static void an_event_may_end_the_stream(void **state)
{
	struct events e = { .text = BUF_INIT, .stop_at = 2 };
	struct ragd_err err = { 0 };
	struct sse s;

	(void)state;
	sse_init(&s, EVENT_MAX, TOTAL_MAX, event_cb, &e);
	assert_int_equal(sse_feed(&s, "data: a\n\ndata: b\n\ndata: c\n\n", 27, &err), -ECANCELED);
	assert_string_equal(e.text.data, "<a><b>");
	assert_string_equal(err.msg, "enough");
	sse_fini(&s);
	buf_fini(&e.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_out_whatever_the_cuts),
		cmocka_unit_test(a_stream_without_bounds_is_refused),
		cmocka_unit_test(an_event_may_end_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
