/* Writing files: what is written is read, and what fails leaves nothing. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/gguf/write.h"
#include "tests/engine/gguf/build.h"
#include "tests/temp.h"
#include "tests/test.h"

static size_t n_files(void)
{
	DIR *d = opendir(temp_dir);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static struct gguf_writer *writer(void)
{
	struct gguf_writer *w = gguf_writer_new();

	assert_non_null(w);
	gguf_writer_str(w, "general.architecture", RAGD_STR("llama"));
	gguf_writer_u32(w, "llama.block_count", 3);
	gguf_writer_f32(w, "llama.eps", 0.5f);
	gguf_writer_bool(w, "yes", true);
	gguf_writer_tensor(w, RAGD_STR("a"), QUANT_Q8_0, 2, (uint64_t[]){ 64, 3 });
	gguf_writer_tensor(w, RAGD_STR("b"), QUANT_F32, 1, (uint64_t[]){ 5 });
	return w;
}

#define A_BYTES    204 /* of tensor a: 3 rows of two blocks of 34 */
#define DATA_BYTES (A_BYTES + 20)

static void fill(uint8_t data[DATA_BYTES])
{
	for (int i = 0; i < DATA_BYTES; i++)
		data[i] = (uint8_t)i;
}

/* In pieces of `step` bytes. */
static void write_ok(const char *name, size_t step)
{
	struct gguf_writer *w = writer();
	struct ragd_err err = { 0 };
	uint8_t data[DATA_BYTES];
	int rc;

	fill(data);
	rc = gguf_writer_begin(w, temp_path(name), &err);
	for (size_t at = 0; at < DATA_BYTES && rc == 0; at += step)
		rc = gguf_writer_data(w, data + at, MIN(step, DATA_BYTES - at), &err);
	if (rc == 0)
		rc = gguf_writer_end(w, &err);
	if (rc < 0)
		fail_msg("%s", err.msg);
	gguf_writer_free(w);
}

static void what_is_written_is_read(void **state)
{
	static const size_t steps[] = { 1, 7, A_BYTES, DATA_BYTES };
	uint8_t data[DATA_BYTES];

	(void)state;
	fill(data);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct ragd_err err = { 0 };
		struct ragd_str s;
		struct gguf *g;
		uint8_t got[A_BYTES];
		bool yes = false;
		uint32_t n;
		float f;

		write_ok("m.gguf", steps[i]);
		assert_int_equal(n_files(), 1);
		if (gguf_open(temp_path("m.gguf"), &g, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(gguf_size(g) % 32, 0);
		assert_true(gguf_str(g, "general.architecture", &s) && s.len == 5);
		assert_true(gguf_arch_u32(g, "block_count", &n) && n == 3);
		assert_true(gguf_arch_f32(g, "eps", &f) && f == 0.5f);
		assert_true(gguf_bool(g, "yes", &yes) && yes);
		assert_int_equal(gguf_tensor_read(g, gguf_tensor(g, "a"), 0, got, A_BYTES, &err),
				 0);
		assert_memory_equal(got, data, A_BYTES);
		assert_int_equal(gguf_tensor_read(g, gguf_tensor(g, "b"), 0, got, 20, &err), 0);
		assert_memory_equal(got, data + A_BYTES, 20);
		gguf_close(g);
	}
}

static void entries_of_other_files_are_copied_as_they_are(void **state)
{
	static const uint64_t exact = UINT64_MAX - 1;
	static const double third = 1.0 / 3;
	static const float half = 0.5f;
	struct buf b = BUF_INIT;
	struct gguf_writer *w;
	struct gguf *from, *to;

	(void)state;
	put_head(&b, 2, 0, 8);
	put_scalar(&b, "u64", GGUF_U64, &exact, 8);
	put_scalar(&b, "i8", GGUF_I8, "\xfe", 1);
	put_scalar(&b, "f64", GGUF_F64, &third, 8);
	put_scalar(&b, "f32", GGUF_F32, &half, 4);
	put_key_str(&b, "text", "t\xff");
	put_array(&b, "ints", GGUF_I16, 3);
	buf_add(&b, "\1\2\3\4\5\6", 6);
	put_array(&b, "texts", GGUF_STRING, 2);
	put_str(&b, "");
	put_str(&b, "x");
	put_array(&b, "none", GGUF_STRING, 0);
	assert_int_equal(gguf_read(b.data, b.len, &from, NULL), 0);
	w = gguf_writer_new();
	assert_non_null(w);
	for (size_t i = 0; i < gguf_n_entries(from); i++)
		gguf_writer_entry(w, from, i);
	assert_int_equal(gguf_writer_begin(w, temp_path("m.gguf"), NULL), 0);
	assert_int_equal(gguf_writer_end(w, NULL), 0);
	gguf_writer_free(w);
	assert_int_equal(gguf_open(temp_path("m.gguf"), &to, NULL), 0);
	assert_int_equal(gguf_n_entries(to), 8);
	for (size_t i = 0; i < 8; i++) {
		struct gguf_entry x, y;

		gguf_entry(from, i, &x);
		gguf_entry(to, i, &y);
		assert_int_equal(x.key.len, y.key.len);
		assert_memory_equal(x.key.s, y.key.s, x.key.len);
		assert_true(x.type == y.type && x.number == y.number);
		assert_true(x.array.type == y.array.type && x.array.n == y.array.n);
		assert_int_equal(x.text.len, y.text.len);
	}
	/* the whole of it, byte for byte, but for the version and the padding at the end */
	assert_int_equal(gguf_size(to), (b.len + 31) / 32 * 32);
	gguf_close(to);
	gguf_close(from);
	buf_fini(&b);
}

static void what_is_there_is_replaced_at_the_end(void **state)
{
	struct gguf_writer *w = writer();
	uint8_t data[DATA_BYTES];
	struct stat before, after;

	(void)state;
	fill(data);
	write_ok("m.gguf", DATA_BYTES);
	assert_int_equal(stat(temp_path("m.gguf"), &before), 0);
	assert_int_equal(gguf_writer_begin(w, temp_path("m.gguf"), NULL), 0);
	assert_int_equal(gguf_writer_data(w, data, DATA_BYTES, NULL), 0);
	assert_int_equal(stat(temp_path("m.gguf"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(gguf_writer_end(w, NULL), 0);
	gguf_writer_free(w);
	assert_int_equal(stat(temp_path("m.gguf"), &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(n_files(), 1);
}

static void what_is_given_up_leaves_nothing(void **state)
{
	struct gguf_writer *w = writer();
	struct ragd_err err = { 0 };
	uint8_t data[DATA_BYTES];

	(void)state;
	fill(data);
	assert_int_equal(gguf_writer_begin(w, temp_path("m.gguf"), NULL), 0);
	assert_int_equal(gguf_writer_data(w, data, A_BYTES + 3, NULL), 0);
	assert_int_equal(gguf_writer_end(w, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "bytes are missing from tensor 1 on"));
	assert_int_equal(n_files(), 1);
	gguf_writer_free(w);
	assert_int_equal(n_files(), 0);
}

static void too_many_bytes_are_refused(void **state)
{
	struct gguf_writer *w = writer();
	struct ragd_err err = { 0 };
	uint8_t data[DATA_BYTES + 1] = { 0 };

	(void)state;
	assert_int_equal(gguf_writer_begin(w, temp_path("m.gguf"), NULL), 0);
	assert_int_equal(gguf_writer_data(w, data, sizeof(data), &err), -EINVAL);
	assert_non_null(strstr(err.msg, "more bytes than tensors"));
	gguf_writer_free(w);
	assert_int_equal(n_files(), 0);
}

static void places_that_cannot_be_written_are_named(void **state)
{
	struct gguf_writer *w = writer();
	struct ragd_err err = { 0 };

	(void)state;
	assert_int_equal(gguf_writer_begin(w, temp_path("no/m.gguf"), &err), -ENOENT);
	assert_non_null(strstr(err.msg, "no/m.gguf"));
	gguf_writer_free(w);
	w = writer();
	assert_int_equal(gguf_writer_begin(w, temp_dir, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no regular file"));
	gguf_writer_free(w);
	assert_int_equal(n_files(), 0);
}

/*
 * A disk that is full is hard to have in a test; a limit on the size of files fails at the same
 * place.
 */
static void a_file_too_large_is_an_error_that_leaves_nothing(void **state)
{
	struct rlimit old, tight;
	struct ragd_err err = { 0 };
	struct gguf_writer *w = gguf_writer_new();
	int rc;

	(void)state;
	assert_non_null(w);
	gguf_writer_tensor(w, RAGD_STR("big"), QUANT_F32, 1, (uint64_t[]){ 1 << 20 });
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	rc = gguf_writer_begin(w, temp_path("m.gguf"), &err);
	if (rc == 0) { /* a file system that cannot reserve */
		static const uint8_t zeros[8192];

		rc = gguf_writer_data(w, zeros, sizeof(zeros), &err);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -EFBIG);
	print_message("%s\n", err.msg);
	assert_non_null(strstr(err.msg, "m.gguf' (4194"));
	gguf_writer_free(w);
	assert_int_equal(n_files(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
		TEST(what_is_written_is_read),
		TEST(entries_of_other_files_are_copied_as_they_are),
		TEST(what_is_there_is_replaced_at_the_end),
		TEST(what_is_given_up_leaves_nothing),
		TEST(too_many_bytes_are_refused),
		TEST(places_that_cannot_be_written_are_named),
		TEST(a_file_too_large_is_an_error_that_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
