#include <string.h>

#include <math.h>

#include "base/util.h"
#include "daemon/plugins/call.h"
#include "daemon/plugins/validate.h"
#include "tests/daemon/judged.h"
#include "tests/test.h"

static void a_return_value_is_zero_or_an_errno(void **state)
{
	static const struct {
		const char *name;
		int rc;
		const char *said;
		int want;
		const char *msg;
	} rows[] = {
		{ "success", 0, "", 0, "" },
		{ "an error with a sentence", -EIO, "the disk is gone", -EIO, "the disk is gone" },
		{ "an error without one", -EIO, "", -EIO, "p: op: Input/output error" },
		{ "a sentence of several lines", -EIO, "a\nb\x01", -EIO, "a b " },
		{ "a sentence that is not UTF-8", -EIO, "a" NOT_UTF8 "b", -EIO, "a??b" },
		{ "a positive errno", EIO, "", -EPROTO,
		  "p: op returned 5, which is neither 0 nor a negative errno" },
		{ "what is no errno", -70000, "", -EPROTO,
		  "p: op returned -70000, which is neither 0 nor a negative errno" },
	};
	struct ragd_err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		err = (struct ragd_err){ 0 };
		snprintf(err.msg, sizeof(err.msg), "%s", rows[i].said);
		assert_judged(validate_rc("p", "op", rows[i].rc, &err), rows[i].want, &err);
		assert_string_equal(err.msg, rows[i].msg);
	}
	memset(err.msg, 'x', sizeof(err.msg));
	assert_judged(validate_rc("p", "op", -EIO, &err), -EIO, &err);
	/* 239 bytes end inside the last character. */
	for (size_t i = 0; i + 1 < sizeof(err.msg); i += 2)
		memcpy(err.msg + i, "\xc3\xa9", 2);
	assert_judged(validate_rc("p", "op", -EIO, &err), -EIO, &err);
	assert_int_equal(strlen(err.msg), 238);
}

/* ---- safety --------------------------------------------------------------------------------- */

#define FINDING(...) ((const struct ragd_finding[]){ { __VA_ARGS__ } })

static void a_verdict_is_judged_by_each_of_its_parts(void **state)
{
	const struct {
		const char *name;
		struct ragd_verdict v;
		int want;
	} rows[] = {
		{ "allow", { .action = RAGD_ALLOW }, 0 },
		{ "block, with a finding of all of it",
		  { .action = RAGD_BLOCK,
		    .findings = FINDING(RAGD_BLOCK, "S1", "S1.x", 1, 0, 0),
		    .n_findings = 1,
		    .message = RAGD_STR("No.") },
		  0 },
		{ "redact", { .action = RAGD_REDACT, .text = RAGD_STR("*****") }, 0 },
		{ "redact all of it", { .action = RAGD_REDACT, .text = { "", 0 } }, 0 },
		{ "steer", { .action = RAGD_STEER, .note = RAGD_STR("Be kind.") }, 0 },
		{ "a score that rounding took over 1",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 1.0000002f, 0, 5),
		    .n_findings = 1 },
		  0 },
		{ "an action beyond the last", { .action = (enum ragd_action)77 }, -EPROTO },
		{ "a negative action", { .action = NO_ACTION }, -EPROTO },
		{ "redact, and no text", { .action = RAGD_REDACT }, -EPROTO },
		{ "a text that is not there",
		  { .action = RAGD_REDACT, .text = { NULL, 40 } },
		  -EPROTO },
		{ "a text longer than memory",
		  { .action = RAGD_REDACT, .text = { "x", LONG } },
		  -EPROTO },
		{ "a text four times as long, and the most that comes on top",
		  { .action = RAGD_REDACT, .text = { endless, 65536 + 4 * 5 } },
		  0 },
		{ "a text that is longer",
		  { .action = RAGD_REDACT, .text = { endless, 65536 + 4 * 5 + 1 } },
		  -EPROTO },
		{ "the longest note", { .action = RAGD_STEER, .note = { endless, 65536 } }, 0 },
		{ "a longer note", { .action = RAGD_STEER, .note = { endless, 65537 } }, -EPROTO },
		{ "a message that is too long",
		  { .action = RAGD_BLOCK, .message = { endless, 65537 } },
		  -EPROTO },
		{ "a text that is not UTF-8",
		  { .action = RAGD_REDACT, .text = RAGD_STR(NOT_UTF8) },
		  -EPROTO },
		{ "a text cut inside a character",
		  { .action = RAGD_REDACT, .text = RAGD_STR("caf\xc3") },
		  -EPROTO },
		{ "a note that is not UTF-8",
		  { .action = RAGD_STEER, .note = RAGD_STR(NOT_UTF8) },
		  -EPROTO },
		{ "a note that is not there",
		  { .action = RAGD_STEER, .note = { NULL, 9 } },
		  -EPROTO },
		{ "a message that is not UTF-8",
		  { .action = RAGD_BLOCK, .message = RAGD_STR(NOT_UTF8) },
		  -EPROTO },
		{ "a message that is not there",
		  { .action = RAGD_BLOCK, .message = { NULL, 9 } },
		  -EPROTO },
		{ "findings that are not there",
		  { .action = RAGD_ALLOW, .findings = NULL, .n_findings = 3 },
		  -EPROTO },
		{ "more findings than memory",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 1, 0, 0),
		    .n_findings = LONG },
		  -EPROTO },
		{ "a finding of no action",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(NO_ACTION, "c", NULL, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "no category",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, NULL, NULL, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "an empty category",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "", NULL, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a category without an end",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, endless, NULL, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a category of two lines",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "a\nb", NULL, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a category with a control character of C1",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "a\xc2\x85", NULL, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a rule without an end",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", endless, 1, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a score that is no number",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, NAN, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a score above 1",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 7, 0, 0),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a span that ends before it begins",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 1, 3, 2),
		    .n_findings = 1 },
		  -EPROTO },
		{ "a span beyond the text",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 1, 0, 6),
		    .n_findings = 1 },
		  -EPROTO },
	};
	const struct ragd_screen screen = { .size = sizeof(screen), .text = RAGD_STR("hello") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_judged(validate_verdict("p", 0, &screen, &rows[i].v, &err), rows[i].want,
			      &err);
	}
}

#define CITES(...)                                                                                 \
	.cites = (const struct ragd_cite[])                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static void a_release_is_judged_by_each_of_its_parts(void **state)
{
	static const struct ragd_passage passages[] = { { .text = RAGD_STR("caf\xc3\xa9s") } };
	const struct ragd_screen screen = { .passages = passages, .n_passages = 1 };
	const struct {
		const char *name;
		struct ragd_release r;
		int want;
	} rows[] = {
		{ "text and cites",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("h\xc3\xa9llo"),
		    CITES({ 0, 0, 0, 0, 0 }, { 3, 0, 0, 6, 1 }, { 6, 0, 3, 5, 1 }),
		    .n_cites = 3 },
		  0 },
		{ "a finding in what was fed before",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 1, 0, 90),
		    .n_findings = 1 },
		  0 },
		{ "an action beyond the last",
		  { .action = (enum ragd_action)4, .text = RAGD_STR("x") },
		  -EPROTO },
		{ "text that is not there",
		  { .action = RAGD_ALLOW, .text = { NULL, 40 } },
		  -EPROTO },
		{ "text four times as long as what was fed, and the most that comes on top",
		  { .action = RAGD_ALLOW, .text = { endless, 65536 + 4 * 100 } },
		  0 },
		{ "text that is longer",
		  { .action = RAGD_ALLOW, .text = { endless, 65536 + 4 * 100 + 1 } },
		  -EPROTO },
		{ "a message that is too long",
		  { .action = RAGD_BLOCK, .message = { endless, 65537 } },
		  -EPROTO },
		{ "text that is not UTF-8",
		  { .action = RAGD_ALLOW, .text = RAGD_STR(NOT_UTF8 "x") },
		  -EPROTO },
		{ "a block, its text cut inside a character",
		  { .action = RAGD_BLOCK, .text = RAGD_STR("x\xc3") },
		  -EPROTO },
		{ "a message that is not there",
		  { .action = RAGD_BLOCK, .message = { NULL, 1 } },
		  -EPROTO },
		{ "a finding in what was not fed yet",
		  { .action = RAGD_ALLOW,
		    .findings = FINDING(RAGD_ALLOW, "c", NULL, 1, 0, 101),
		    .n_findings = 1 },
		  -EPROTO },
		{ "cites that are not there",
		  { .action = RAGD_ALLOW, .text = RAGD_STR("x"), .n_cites = 1 },
		  -EPROTO },
		{ "more cites than memory",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("x"),
		    CITES({ .at = 0 }),
		    .n_cites = LONG },
		  -EPROTO },
		{ "cites out of order",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("xyz"),
		    CITES({ .at = 2 }, { .at = 1 }),
		    .n_cites = 2 },
		  -EPROTO },
		{ "a cite beyond the text",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("xyz"),
		    CITES({ .at = 4 }),
		    .n_cites = 1 },
		  -EPROTO },
		{ "a cite inside a character",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("\xc3\xa9"),
		    CITES({ .at = 1 }),
		    .n_cites = 1 },
		  -EPROTO },
		{ "a cite of no passage",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("x"),
		    CITES({ 0, 1, 0, 0, 1 }),
		    .n_cites = 1 },
		  -EPROTO },
		{ "a cite that ends before it begins",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("x"),
		    CITES({ 0, 0, 2, 1, 1 }),
		    .n_cites = 1 },
		  -EPROTO },
		{ "a cite beyond the passage",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("x"),
		    CITES({ 0, 0, 0, 7, 1 }),
		    .n_cites = 1 },
		  -EPROTO },
		{ "a cite of half a character",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("x"),
		    CITES({ 0, 0, 0, 4, 1 }),
		    .n_cites = 1 },
		  -EPROTO },
		{ "a cite whose score is no number",
		  { .action = RAGD_ALLOW,
		    .text = RAGD_STR("x"),
		    CITES({ 0, 0, 0, 1, NAN }),
		    .n_cites = 1 },
		  -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct validate_tail tail = { .n = 0 };
		struct ragd_release r = rows[i].r;
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_judged(validate_release("p", 0, &screen, NULL, 100, false, &tail, &r, &err),
			      rows[i].want, &err);
	}
}

/* A filter may be cut anywhere, and cut anywhere: what leaves is whole characters all the same. */
static void a_release_cut_inside_a_character_waits_for_the_rest(void **state)
{
	static const struct ragd_caller caller = { .uid = 1 };
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9fz";
	const struct ragd_passage passage = { .text = RAGD_STR("p") };
	const struct ragd_screen screen = { .passages = &passage, .n_passages = 1 };
	struct validate_tail tail = { .n = 0 };
	struct ragd_err err = { 0 };
	atomic_bool cancelled = false;
	struct call *call = call_new(&caller, "r", 1 << 16, &cancelled);
	char got[sizeof(text)];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		/* Each byte is cited behind: at its end, wherever that comes to stand. */
		const struct ragd_cite cite = { .at = 1 };
		bool whole = i + 2 == sizeof(text) || ((unsigned char)text[i + 1] & 0xc0) != 0x80;
		struct ragd_release r = { .text = { text + i, 1 },
					  .cites = &cite,
					  .n_cites = whole ? 1 : 0 };

		assert_int_equal(validate_release("p", 0, &screen, &call->base, i + 1,
						  i + 2 == sizeof(text), &tail, &r, &err),
				 0);
		assert_true(whole == (r.text.len > 0));
		if (whole)
			assert_int_equal(r.cites[0].at, r.text.len);
		if (r.text.len > 0)
			memcpy(got + n, r.text.s, r.text.len);
		n += r.text.len;
	}
	assert_int_equal(n, sizeof(text) - 1);
	assert_memory_equal(got, text, n);

	/* What never becomes a character is a fault: at the next byte, or at the end. */
	for (int last = 0; last < 2; last++) {
		struct ragd_release cut = { .text = RAGD_STR("a\xc3") },
				    next = { .text = RAGD_STR("b") };

		tail.n = 0;
		assert_int_equal(
			validate_release("p", 0, &screen, &call->base, 2, last, &tail, &cut, &err),
			last ? -EPROTO : 0);
		if (!last)
			assert_int_equal(validate_release("p", 0, &screen, &call->base, 3, false,
							  &tail, &next, &err),
					 -EPROTO);
	}
	call_free(call);
}

/* However it is cut into releases. */
static void a_stream_is_judged_by_all_that_it_released(void **state)
{
	const struct ragd_screen screen = { .size = sizeof(screen) };
	struct validate_tail tail = { .n = 0 };
	struct ragd_err err = { 0 };

	(void)state;
	for (size_t n_fed = 1; n_fed <= 5; n_fed++) {
		struct ragd_release r = { .text = { endless, (65536 + 4 * 4) / 4 } };

		assert_judged(
			validate_release("p", 0, &screen, NULL, n_fed, false, &tail, &r, &err),
			n_fed <= 4 ? 0 : -EPROTO, &err);
	}
}

/* ---- retrieval ------------------------------------------------------------------------------ */

static void a_hit_is_judged_by_each_of_its_parts(void **state)
{
	static const struct ragd_run good[] = { { 0, 10 }, { 3, 14 } };
	static const struct ragd_run descending[] = { { 3, 10 }, { 0, 12 } };
	static const struct ragd_run outside[] = { { 0, 10 }, { 6, 12 } };
	static const struct ragd_run elsewhere[] = { { 0, 10 }, { 3, 99 } };
	static const char *const collections[] = { "notes" };
	const struct ragd_query query = { .k = 2, .collections = collections, .n_collections = 1 };
	const struct ragd_hit fine = { .collection = "notes",
				       .document = "a.txt",
				       .passage = { RAGD_STR("T"), RAGD_STR("H"), RAGD_STR("hello"),
						    1 },
				       .start = 10,
				       .end = 15 };
	/* clang-format off */
#define HIT(...) struct ragd_hit h = fine; __VA_ARGS__; hits[n] = h
	/* clang-format on */
	struct ragd_hit hits[24];
	const char *names[24];
	size_t n = 0, n_fine;
	struct ragd_err err = { 0 };

	(void)state;
#define ROW(name, ...)                                                                             \
	do {                                                                                       \
		HIT(__VA_ARGS__);                                                                  \
		names[n++] = name;                                                                 \
	} while (0)
	ROW("verbatim", h.lexical = 1);
	ROW("through runs", h.runs = good, h.n_runs = 2, h.end = 20);
	ROW("empty", h.passage = (struct ragd_passage){ .score = -3 }, h.end = 10);
	n_fine = n;
	ROW("no collection", h.collection = NULL);
	ROW("a collection that is none", h.collection = "../etc");
	ROW("a collection without an end", h.collection = endless);
	ROW("a collection that was not asked", h.collection = "others");
	ROW("no document", h.document = NULL);
	ROW("a document without an end", h.document = endless);
	ROW("a document of two lines", h.document = "a\nb");
	ROW("a title that is not there", h.passage.title.s = NULL);
	ROW("a heading that is not UTF-8", h.passage.heading = RAGD_STR(NOT_UTF8));
	ROW("a text that is not UTF-8", h.passage.text.s = NOT_UTF8 "llo");
	ROW("a text longer than memory", h.passage.text.len = LONG);
	ROW("a score that is no number", h.passage.score = NAN);
	ROW("a lexical score of infinity", h.lexical = INFINITY);
	ROW("a vector score below 0", h.vector = -1);
	ROW("it ends before it starts", h.start = 16);
	ROW("not as many bytes as the text", h.end = 16);
	ROW("runs that are not there", h.n_runs = 2);
	ROW("runs that descend", h.runs = descending, h.n_runs = 2);
	ROW("runs beyond the text", h.runs = outside, h.n_runs = 2);
	ROW("runs beyond the document's part", h.runs = elsewhere, h.n_runs = 2);
	for (size_t i = 0; i < n; i++) {
		print_message("%s\n", names[i]);
		assert_judged(validate_hits("p", 0, &query, &hits[i], 1, &err),
			      i < n_fine ? 0 : -EPROTO, &err);
	}
	assert_judged(validate_hits("p", 0, &query, NULL, 0, &err), 0, &err);
	assert_judged(validate_hits("p", 0, &query, NULL, 1, &err), -EPROTO, &err);
	assert_judged(validate_hits("p", 0, &query, hits, 3, &err), -EPROTO, &err);
	assert_judged(validate_hits("p", EIO, &query, hits, 1, &err), -EPROTO, &err);
	assert_judged(validate_hits("p", -EACCES, &query, hits, 1, &err), -EACCES, &err);
}

static void what_became_of_documents_is_told_of_each(void **state)
{
	struct ragd_put_result r[2];
	struct ragd_err err = { 0 };

	(void)state;
	validate_puts_prepare(r, 2);
	r[0].status = RAGD_PUT_ADDED;
	assert_judged(validate_puts("p", 0, r, 2, &err), -EPROTO, &err);
	r[1].status = RAGD_PUT_UNCHANGED;
	assert_judged(validate_puts("p", 0, r, 2, &err), 0, &err);
	r[1].status = (enum ragd_put_status) - 5;
	assert_judged(validate_puts("p", 0, r, 2, &err), -EPROTO, &err);
	r[1].status = RAGD_PUT_FAILED;
	assert_judged(validate_puts("p", 0, r, 2, &err), -EPROTO, &err);
	r[1].err.code = -EBADMSG;
	memset(r[1].err.msg, 'x', sizeof(r[1].err.msg));
	assert_judged(validate_puts("p", 0, r, 2, &err), 0, &err);
	assert_int_equal(strnlen(r[1].err.msg, sizeof(r[1].err.msg)), sizeof(r[1].err.msg) - 1);
}

static void lists_are_judged_by_each_of_their_rows(void **state)
{
	static const struct {
		const char *name;
		struct ragd_document_info d;
		int want;
	} documents[] = {
		{ "as it should be", { "a", "A", "text/plain", "", 0, 0, 0 }, 0 },
		{ "no title and no type", { "a", "", "", "", 0, 0, 0 }, 0 },
		{ "no id", { NULL, "A", "text/plain", "", 0, 0, 0 }, -EPROTO },
		{ "an id without an end", { endless, "A", "text/plain", "", 0, 0, 0 }, -EPROTO },
		{ "an empty id", { "", "A", "text/plain", "", 0, 0, 0 }, -EPROTO },
		{ "a title that is not there", { "a", NULL, "text/plain", "", 0, 0, 0 }, -EPROTO },
		{ "a title without an end", { "a", endless, "text/plain", "", 0, 0, 0 }, -EPROTO },
		{ "a title that is not UTF-8",
		  { "a", NOT_UTF8, "text/plain", "", 0, 0, 0 },
		  -EPROTO },
		{ "a type that is a header of its own",
		  { "a", "A", "text/plain\r\nX: y", "", 0, 0, 0 },
		  -EPROTO },
		{ "an invalid digest", { "a", "A", "text/plain", "abc", 0, 0, 0 }, -EPROTO },
	};
	static const struct {
		const char *name;
		struct ragd_collection c;
		int want;
	} collections[] = {
		{ "as it should be", { .name = "notes", .mode = 0640 }, 0 },
		{ "no name", { .mode = 0640 }, -EPROTO },
		{ "a name that is none", { .name = "a/b", .mode = 0640 }, -EPROTO },
		{ "a name without an end", { .name = endless, .mode = 0640 }, -EPROTO },
		{ "a mode with other bits", { .name = "notes", .mode = 04777 }, -EPROTO },
	};
	struct ragd_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		const struct ragd_document_info *d = &documents[i].d;

		print_message("a document: %s\n", documents[i].name);
		assert_judged(validate_documents("p", 0, d, 1, 1, &err), documents[i].want, &err);
		assert_judged(validate_document("p", 0, d, RAGD_STR(NOT_UTF8), &err),
			      documents[i].want, &err);
	}
	assert_judged(validate_documents("p", 0, &documents[0].d, 2, 1, &err), -EPROTO, &err);
	assert_judged(validate_documents("p", 0, NULL, 1, 1, &err), -EPROTO, &err);
	assert_judged(
		validate_document("p", 0, &documents[0].d, (struct ragd_str){ NULL, 1 }, &err),
		-EPROTO, &err);
	for (size_t i = 0; i < ARRAY_LEN(collections); i++) {
		print_message("a collection: %s\n", collections[i].name);
		assert_judged(validate_collections("p", 0, &collections[i].c, 1, &err),
			      collections[i].want, &err);
	}
	assert_judged(validate_collections("p", 0, NULL, 1, &err), -EPROTO, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_value_is_zero_or_an_errno),
		cmocka_unit_test(a_verdict_is_judged_by_each_of_its_parts),
		cmocka_unit_test(a_release_is_judged_by_each_of_its_parts),
		cmocka_unit_test(a_release_cut_inside_a_character_waits_for_the_rest),
		cmocka_unit_test(a_stream_is_judged_by_all_that_it_released),
		cmocka_unit_test(a_hit_is_judged_by_each_of_its_parts),
		cmocka_unit_test(what_became_of_documents_is_told_of_each),
		cmocka_unit_test(lists_are_judged_by_each_of_their_rows),
	};

	return cmocka_run_group_tests(tests, endless_fill, NULL);
}
