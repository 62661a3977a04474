/* Which format takes what, what is refused and how, titles. */
#include "tests/retrieval/outline.h"

static void chooses_by_type_then_extension_then_look(void **state)
{
	static const struct {
		const char *id;
		const char *type;
		const char *content;
		const char *want;
	} rows[] = {
		{ "a.md", "", "x", "text/markdown" },
		{ "dir.html/a.RST", "", "x", "text/x-rst" },
		{ "a.htm", "", "x", "text/html" },
		{ "a.c", "", "x", "text/x-source" },
		{ "a.json", "", "{}", "application/json" },
		{ "a.csv", "", "a,b", "text/csv" },
		{ "a.txt", "", "<html>", "text/plain" },
		{ "a.md", "text/html", "x", "text/html" },
		{ "a.md", "Text/HTML; charset=utf-8", "x", "text/html" },
		{ "a.md", "application/octet-stream", "x", "text/markdown" },
		{ "a", "text/x-unheard-of", "x", "text/plain" },
		{ "README", "", "x", "text/plain" },
		{ ".md", "", "x", "text/plain" },
		{ "a.unheard-of", "", "x", "text/plain" },
		{ "a", "", "  <!DOCTYPE HTML><p>x", "text/html" },
		{ "a", "", "\xef\xbb\xbf<html>", "text/html" },
		{ "ls.1", "", ".\\\" c\n.TH LS 1\n", "text/troff" },
		{ "notes.1", "", "Just notes.", "text/plain" },
		{ "", "", "", "text/plain" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct format_input in = {
			.id = { rows[i].id, strlen(rows[i].id) },
			.media_type = { rows[i].type, strlen(rows[i].type) },
			.content = { rows[i].content, strlen(rows[i].content) },
		};
		struct arena *a = arena_new(1 << 20);
		struct format_document d;

		print_message("'%s' as '%s'\n", rows[i].id, rows[i].type);
		assert_string_equal(format_media_type(&in, NULL), rows[i].want);
		assert_int_equal(format_read(a, &in, &d, NULL), 0);
		assert_string_equal(d.media_type, rows[i].want);
		assert_null(document_broken(&d, in.content));
		arena_free(a);
	}
}

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(s), sizeof(s) - 1                                                                 \
	}

static void refuses_what_it_cannot_read_and_says_why(void **state)
{
	static const struct {
		const char *name;
		const char *id;
		const char *type;
		struct ragd_str content;
		size_t max;
		int want;
		const char *says;
	} rows[] = {
		{ "PDF by name", "a.pdf", "", BYTES("x"), 0, -ENOTSUP, "PDF" },
		{ "PDF by type", "a", "application/pdf", BYTES("x"), 0, -ENOTSUP, "PDF" },
		{ "PDF by look", "a", "", BYTES("%PDF-1.7\n"), 0, -ENOTSUP, "PDF" },
		{ "an image", "a.PNG", "", BYTES("x"), 0, -ENOTSUP, "PNG" },
		{ "an office document", "a.docx", "", BYTES("PK\3\4"), 0, -ENOTSUP, "office" },
		{ "a type nobody reads", "a", "video/mp4", BYTES("x"), 0, -ENOTSUP, "'video/mp4'" },
		{ "NUL", "a.txt", "", BYTES("abc\0def"), 0, -EBADMSG, "byte 3 is NUL" },
		{ "Latin-1", "a.txt", "", BYTES("caf\xe9"), 0, -EILSEQ, "byte 3 of" },
		{ "a cut character", "a.md", "", BYTES("ab\xe2\x82"), 0, -EILSEQ, "iconv" },
		{ "UTF-16", "a.txt", "",
		  BYTES("\xff\xfe"
			"a\0"),
		  0, -EILSEQ, "UTF-16" },
		{ "UTF-16 the other way", "a.txt", "",
		  BYTES("\xfe\xff"
			"\0a"),
		  0, -EILSEQ, "UTF-16" },
		{ "UTF-32", "a.txt", "", BYTES("\xff\xfe\0\0a\0\0\0"), 0, -EILSEQ, "UTF-32" },
		{ "too long", "a.txt", "", BYTES("abcdef"), 5, -EFBIG, "6 bytes, more than the 5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct format_input in = {
			.id = { rows[i].id, strlen(rows[i].id) },
			.media_type = { rows[i].type, strlen(rows[i].type) },
			.content = rows[i].content,
			.max_bytes = rows[i].max,
		};
		struct arena *a = arena_new(1 << 20);
		struct ragd_err err = { 0 };
		struct format_document d;

		print_message("%s\n", rows[i].name);
		assert_int_equal(format_read(a, &in, &d, &err), rows[i].want);
		assert_int_equal(err.code, rows[i].want);
		assert_non_null(strstr(err.msg, rows[i].says));
		assert_int_equal(format_media_type(&in, NULL) == NULL, rows[i].want == -ENOTSUP);
		arena_free(a);
	}
}

static void says_when_memory_is_out(void **state)
{
	struct format_input in = { .id = RAGD_STR("a.md"),
				   .content = RAGD_STR("# Title\n\nText.\n") };
	struct format_document d;
	struct ragd_err err = { 0 };
	struct arena *a;
	int rc = -1;

	(void)state;
	for (size_t limit = 0; rc < 0; limit += 16) {
		assert_true(limit < 1000);
		a = arena_new(limit);
		rc = format_read(a, &in, &d, &err);
		if (rc < 0)
			assert_int_equal(err.code, -ENOMEM);
		arena_free(a);
	}
}

static void takes_documents_without_text(void **state)
{
	static const char *const types[] = { "text/plain",   "text/markdown", "text/x-rst",
					     "text/html",    "text/troff",    "text/csv",
					     "text/x-source" };
	static const char *const contents[] = { "", " \n\t\r\n", "\xef\xbb\xbf",
						"\xef\xbb\xbf \n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		for (size_t j = 0; j < ARRAY_LEN(contents); j++) {
			struct arena *a = arena_new(1 << 20);
			struct format_document d = read_as(a, types[i], contents[j]);
			struct chunk *chunks;

			assert_int_equal(d.n_blocks, 0);
			assert_string_equal(d.title.s, "document");
			assert_int_equal(chunk_document(a, &d, NULL, &chunks, NULL), 0);
			arena_free(a);
		}
	}
}

static void counts_a_byte_order_mark_but_does_not_read_it(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct format_document d = read_as(a, "text/markdown", "\xef\xbb\xbf# Title\n\ntext");

	(void)state;
	assert_int_equal(d.n_blocks, 2);
	assert_int_equal(d.blocks[0].start, 3);
	assert_string_equal(d.title.s, "Title");
	arena_free(a);
}

static void takes_the_title_from_the_owner_the_document_or_the_id(void **state)
{
	static const struct {
		const char *id;
		const char *title;
		const char *content;
		const char *want;
	} rows[] = {
		{ "a.md", "Mine", "# Its", "Mine" },
		{ "a.md", " \n", "# Its", "Its" },
		{ "a.md", "", "---\ntitle: \"In front\"\n---\n# Its", "In front" },
		{ "a.md", "", "+++\ntitle = 'In front'\n+++\n# Its", "In front" },
		{ "a.md", "", "---\ntitle: no front matter", "a.md" },
		{ "a.md", "", "intro\n\n## Its  *own* `code`\n", "Its own code" },
		{ "x/y/a.md", "", "no heading", "a.md" },
		{ "x/y/", "", "no heading", "x/y/" },
		{ "a.html", "", "<title>In\n &lt;head&gt;</title><h1>Its</h1>", "In <head>" },
		{ "a.html", "", "<svg><title>no</title></svg><h1>Its</h1>", "Its" },
		{ "a.rst", "", ".. _a:\n\n:c:type:`uv_t` --- *A* handle\n=====\n",
		  "uv_t --- A handle" },
		{ "a.3", "", ".TH a\\-b 3 x\n.SH NAME\nx", "a-b(3)" },
		{ "", "", "x", "untitled" },
	};
	char longest[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct format_input in = {
			.id = { rows[i].id, strlen(rows[i].id) },
			.title = { rows[i].title, strlen(rows[i].title) },
			.content = { rows[i].content, strlen(rows[i].content) },
		};
		struct arena *a = arena_new(1 << 20);
		struct format_document d;

		print_message("%s\n", rows[i].want);
		assert_int_equal(format_read(a, &in, &d, NULL), 0);
		assert_string_equal(d.title.s, rows[i].want);
		arena_free(a);
	}
	for (size_t shift = 0; shift < 2; shift++) {
		struct format_input in = { .title = { longest, 901 } };
		struct arena *a = arena_new(1 << 20);
		struct format_document d;

		for (size_t i = 0; i < 901; i++)
			longest[i] = i < shift ? 'x' : (i - shift) % 2 == 0 ? '\xc3' : '\xa4';
		in.title.len -= 1 - shift;
		assert_int_equal(format_read(a, &in, &d, NULL), 0);
		assert_true(d.title.len <= FORMAT_LABEL_MAX && d.title.len > FORMAT_LABEL_MAX - 2);
		assert_null(document_broken(&d, in.content));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_by_type_then_extension_then_look),
		cmocka_unit_test(refuses_what_it_cannot_read_and_says_why),
		cmocka_unit_test(says_when_memory_is_out),
		cmocka_unit_test(takes_documents_without_text),
		cmocka_unit_test(counts_a_byte_order_mark_but_does_not_read_it),
		cmocka_unit_test(takes_the_title_from_the_owner_the_document_or_the_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
