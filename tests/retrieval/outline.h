/* Documents as one line, which is what the rows of the formats' tests compare. */
#ifndef TESTS_OUTLINE_H
#define TESTS_OUTLINE_H

#include "base/buf.h"
#include "base/util.h"
#include "tests/retrieval/read_document.h"
#include "tests/test.h"

struct outline_row {
	const char *name;
	const char *in;
	const char *want; /* see outline() */
};

/*
 * The blocks as one string: "H1(label) P(text) L(…) T(…) C(…) E(…)", line breaks as '/'. A heading
 * shows its label; with `text`, its text.
 */
static inline char *outline(const struct format_document *d, bool text)
{
	struct buf b = BUF_INIT;
	size_t label = 0, len;
	struct ragd_str s;
	char *out;

	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct format_block *k = &d->blocks[i];

		s = (struct ragd_str){ d->text.s + k->start, k->end - k->start };
		if (k->kind == FORMAT_HEADING && !text)
			s = d->labels[label].text;
		label += k->kind == FORMAT_HEADING;
		buf_adds(&b, i > 0 ? " " : "");
		buf_addc(&b, "HPLTCE"[k->kind]);
		if (k->kind == FORMAT_HEADING)
			buf_printf(&b, "%u", k->level);
		buf_addc(&b, '(');
		for (size_t j = 0; j < s.len; j++)
			buf_addc(&b, s.s[j] == '\n' ? '/' : s.s[j]);
		buf_addc(&b, ')');
	}
	out = buf_steal(&b, &len);
	return out;
}

/* Read `in` as media type `type`, which must succeed and be sound. */
static inline struct format_document read_as(struct arena *a, const char *type, const char *in)
{
	struct format_input input = {
		.id = RAGD_STR("dir/document"),
		.media_type = { type, strlen(type) },
		.content = { in, strlen(in) },
	};
	struct format_document d;
	struct ragd_err err = { 0 };
	const char *broken;

	if (format_read(a, &input, &d, &err) < 0)
		fail_msg("%s", err.msg);
	broken = document_broken(&d, input.content);
	if (broken != NULL)
		fail_msg("%s", broken);
	return d;
}

static inline void check_outlines(const char *type, const struct outline_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_new(1 << 24);
		struct format_document d = read_as(a, type, rows[i].in);
		char *got = outline(&d, false);

		print_message("%s\n", rows[i].name);
		assert_string_equal(got, rows[i].want);
		free(got);
		arena_free(a);
	}
}

#endif
