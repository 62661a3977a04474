/*
 * Real and odd files of ../shared: each is taken and what is promised of it holds, or it is
 * refused.
 */
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/retrieval/outline.h"

static size_t n_files, n_taken, n_refused, n_passages;

static struct ragd_str file_read(const char *path)
{
	struct buf b = BUF_INIT;
	struct ragd_str s;
	char part[65536];
	FILE *f = fopen(path, "rb");
	char *exact;
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	/* No byte more than the file has, so that one read beyond is seen. */
	exact = malloc(b.len > 0 ? b.len : 1);
	assert_non_null(exact);
	if (b.len > 0)
		memcpy(exact, b.data, b.len);
	s = (struct ragd_str){ exact, b.len };
	buf_fini(&b);
	return s;
}

static int on_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct format_input in = { .id = { path, strlen(path) } };
	struct ragd_err err = { 0 };
	struct format_document d;
	struct chunk *chunks;
	const char *broken;
	struct arena *a;
	ssize_t n;
	int rc;

	(void)st;
	(void)at;
	if (type != FTW_F)
		return 0;
	n_files++;
	in.content = file_read(path);
	a = arena_new(FORMAT_ARENA_BYTES(in.content.len) + CHUNK_ARENA_BYTES(in.content.len));
	rc = format_read(a, &in, &d, &err);
	if (rc < 0) {
		print_message("%s: refused: %s\n", path, err.msg);
		assert_true(rc == -ENOTSUP || rc == -EILSEQ || rc == -EBADMSG);
		assert_int_equal(rc, err.code);
		n_refused++;
	} else {
		broken = document_broken(&d, in.content);
		if (broken != NULL)
			fail_msg("%s: %s", path, broken);
		n = chunk_document(a, &d, NULL, &chunks, &err);
		if (n < 0)
			fail_msg("%s: %s", path, err.msg);
		broken = chunks_broken(&d, chunks, (size_t)n, 2000);
		if (broken != NULL)
			fail_msg("%s: %s", path, broken);
		/* With the default budget: what a request is allowed. */
		assert_true(arena_used(a) < 16 * in.content.len + 65536);
		n_taken++;
		n_passages += (size_t)n;
	}
	arena_free(a);
	free((char *)in.content.s);
	return 0;
}

static const char *shared(void)
{
	static char path[4096];
	const char *src = getenv("RAGD_SRCDIR");

	snprintf(path, sizeof(path), "%s/../shared/retrieval", src != NULL ? src : ".");
	return path;
}

static void every_file_is_taken_or_refused_with_a_reason(void **state)
{
	char path[4200];

	(void)state;
	snprintf(path, sizeof(path), "%s/ingest-docs", shared());
	if (nftw(path, on_file, 16, FTW_PHYS) != 0) {
		print_message("%s is not there\n", path);
		skip();
	}
	print_message("%zu files: %zu taken, %zu refused, %zu passages\n", n_files, n_taken,
		      n_refused, n_passages);
	assert_true(n_files > 100);
	assert_int_equal(n_refused, 7);
}

static void described_functions_stay_whole(void **state)
{
	char path[4200];
	struct ragd_str content;
	struct format_input in = { .id = RAGD_STR("fs.rst") };
	struct format_document d;
	struct chunk *chunks;
	struct arena *a;
	size_t n_entries = 0;
	ssize_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/docs-qa-libuv/docs/fs.rst", shared());
	if (access(path, R_OK) != 0) {
		print_message("%s is not there\n", path);
		skip();
	}
	in.content = content = file_read(path);
	a = arena_new(FORMAT_ARENA_BYTES(content.len) + CHUNK_ARENA_BYTES(content.len));
	assert_int_equal(format_read(a, &in, &d, NULL), 0);
	assert_string_equal(d.title.s, "File system operations");
	n = chunk_document(a, &d, NULL, &chunks, NULL);
	for (size_t i = 0; i < d.n_blocks; i++) {
		bool whole = false;

		if (d.blocks[i].kind != FORMAT_ENTRY || d.blocks[i].end - d.blocks[i].start > 1800)
			continue;
		for (ssize_t j = 0; j < n; j++)
			whole = whole || (chunks[j].start <= d.blocks[i].start &&
					  d.blocks[i].end <= chunks[j].end);
		assert_true(whole);
		n_entries++;
	}
	assert_true(n_entries > 60);
	arena_free(a);
	free((char *)content.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_taken_or_refused_with_a_reason),
		cmocka_unit_test(described_functions_stay_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
