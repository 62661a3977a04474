/* Reading files that hold to the format. What breaks it is in test_refuse.c. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/engine/gguf/build.h"
#include "tests/temp.h"
#include "tests/test.h"

static struct gguf *read_ok(const struct buf *b)
{
	struct ragd_err err = { 0 };
	struct gguf *g = NULL;
	int rc = gguf_read(b->data, b->len, &g, &err);

	if (rc < 0)
		fail_msg("%s", err.msg);
	return g;
}

static void assert_str(struct ragd_str s, const char *want)
{
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.s, want, s.len);
}

static uint8_t byte_of(const struct gguf *g, const struct gguf_tensor *t, size_t i)
{
	uint8_t byte = 0;

	assert_int_equal(gguf_tensor_read(g, t, i, &byte, 1, NULL), 0);
	return byte;
}

/* ---- metadata ------------------------------------------------------------------------------- */

static void build_scalars(struct buf *b)
{
	static const uint64_t big = UINT64_C(1) << 40;
	static const int64_t minus = -5;
	static const int8_t small = -3;
	static const int16_t tiny = 300;
	static const double pi = 3.25;
	static const float half = 0.5f;

	put_head(b, 3, 0, 14);
	put_scalar(b, "u8", GGUF_U8, &(uint8_t){ 200 }, 1);
	put_scalar(b, "i8", GGUF_I8, &small, 1);
	put_scalar(b, "u16", GGUF_U16, &(uint16_t){ 60000 }, 2);
	put_scalar(b, "i16", GGUF_I16, &tiny, 2);
	put_key_u32(b, "u32", 4000000000);
	put_scalar(b, "i32", GGUF_I32, &(int32_t){ 7 }, 4);
	put_scalar(b, "a.f32", GGUF_F32, &half, 4);
	put_scalar(b, "bool", GGUF_BOOL, "\1", 1);
	put_key_str(b, "text", "three");
	put_scalar(b, "u64", GGUF_U64, &big, 8);
	put_scalar(b, "i64", GGUF_I64, &minus, 8);
	put_scalar(b, "a.f64", GGUF_F64, &pi, 8);
	put_key_str(b, "general.architecture", "a");
	put_key_u32(b, "a.u32", 1);
}

static void numbers_convert_where_they_fit(void **state)
{
	struct buf b = BUF_INIT;
	struct gguf *g;
	struct ragd_str s;
	uint32_t u = 1;
	uint64_t w = 1;
	float f = 1;
	bool yes = false;

	(void)state;
	build_scalars(&b);
	g = read_ok(&b);
	assert_int_equal(gguf_n_entries(g), 14);
	assert_true(gguf_u32(g, "u8", &u) && u == 200);
	assert_true(gguf_u32(g, "u16", &u) && u == 60000);
	assert_true(gguf_u32(g, "i16", &u) && u == 300);
	assert_true(gguf_u32(g, "u32", &u) && u == 4000000000);
	assert_true(gguf_u32(g, "i32", &u) && u == 7);
	assert_true(gguf_u64(g, "u64", &w) && w == UINT64_C(1) << 40);
	assert_true(gguf_u64(g, "u32", &w) && w == 4000000000);
	assert_true(gguf_arch_f32(g, "f32", &f) && f == 0.5f);
	assert_true(gguf_arch_f32(g, "f64", &f) && f == 3.25f);
	assert_true(gguf_bool(g, "bool", &yes) && yes);
	assert_true(gguf_str(g, "text", &s));
	assert_str(s, "three");
	gguf_close(g);
	buf_fini(&b);
}

static void what_does_not_fit_is_not_there(void **state)
{
	struct buf b = BUF_INIT;
	struct ragd_str s = { "x", 1 };
	struct gguf_array a;
	struct gguf *g;
	uint32_t u = 1;
	uint64_t w = 1;
	float f = 1;
	bool yes = true;

	(void)state;
	build_scalars(&b);
	g = read_ok(&b);
	assert_false(gguf_u32(g, "u64", &u));
	assert_false(gguf_u32(g, "i8", &u));
	assert_false(gguf_u64(g, "i64", &w));
	assert_false(gguf_u32(g, "a.f32", &u));
	assert_false(gguf_u32(g, "bool", &u));
	assert_false(gguf_u32(g, "text", &u));
	assert_false(gguf_arch_f32(g, "u32", &f));
	assert_false(gguf_bool(g, "u8", &yes));
	assert_false(gguf_str(g, "u8", &s));
	assert_false(gguf_array(g, "text", &a));
	assert_false(gguf_u32(g, "none", &u));
	assert_false(gguf_u32(g, "u", &u));
	assert_false(gguf_u32(g, "u322", &u));
	assert_true(u == 1 && w == 1 && f == 1 && yes && s.len == 1); /* written on success only */
	gguf_close(g);
	buf_fini(&b);
}

static void entries_come_in_the_order_of_the_file(void **state)
{
	struct buf b = BUF_INIT;
	struct gguf_entry e;
	struct gguf *g;

	(void)state;
	build_scalars(&b);
	g = read_ok(&b);
	gguf_entry(g, 1, &e);
	assert_str(e.key, "i8");
	assert_true(e.type == GGUF_I8 && e.number == -3);
	gguf_entry(g, 8, &e);
	assert_true(e.type == GGUF_STRING);
	assert_str(e.text, "three");
	gguf_entry(g, 10, &e);
	assert_true(e.number == -5);
	gguf_entry(g, 11, &e);
	assert_true(e.number == 3.25);
	gguf_close(g);
	buf_fini(&b);
}

static void keys_of_the_architecture_need_not_name_it(void **state)
{
	struct buf b = BUF_INIT;
	static const float eps = 0.25f;
	struct ragd_str s;
	struct gguf *g;
	uint32_t u;
	float f;

	(void)state;
	put_head(&b, 2, 0, 4);
	put_key_str(&b, "general.architecture", "qwen2");
	put_key_u32(&b, "qwen2.block_count", 28);
	put_scalar(&b, "qwen2.eps", GGUF_F32, &eps, 4);
	put_key_str(&b, "qwen2.rope.scaling.type", "yarn");
	g = read_ok(&b);
	assert_int_equal(gguf_version(g), 2);
	assert_true(gguf_arch_u32(g, "block_count", &u) && u == 28);
	assert_true(gguf_arch_f32(g, "eps", &f) && f == 0.25f);
	assert_true(gguf_arch_str(g, "rope.scaling.type", &s));
	assert_str(s, "yarn");
	assert_false(gguf_arch_u32(g, "context_length", &u));
	gguf_close(g);
	buf_fini(&b);
}

static void arrays_hold_numbers_or_texts(void **state)
{
	static const int32_t ints[] = { -1, 2, INT32_MIN };
	static const double reals[] = { 1.5, -2.5, 1e300 };
	static const uint8_t bools[] = { 0, 1 };
	struct buf b = BUF_INIT;
	struct gguf_array a;
	struct gguf *g;

	(void)state;
	put_head(&b, 3, 0, 5);
	put_array(&b, "ints", GGUF_I32, 3);
	buf_add(&b, ints, sizeof(ints));
	put_array(&b, "reals", GGUF_F64, 3);
	buf_add(&b, reals, sizeof(reals));
	put_array(&b, "bools", GGUF_BOOL, 2);
	buf_add(&b, bools, sizeof(bools));
	put_array(&b, "texts", GGUF_STRING, 2);
	put_str(&b, "");
	put_str(&b, "two");
	put_array(&b, "none", GGUF_STRING, 0);
	g = read_ok(&b);
	assert_true(gguf_array(g, "ints", &a) && a.n == 3 && a.type == GGUF_I32 &&
		    a.strings == NULL);
	assert_int_equal(gguf_array_int(&a, 0), -1);
	assert_int_equal(gguf_array_int(&a, 2), INT32_MIN);
	assert_int_equal(gguf_array_int(&a, 3), 0);
	assert_true(gguf_array_float(&a, 1) == 2);
	assert_true(gguf_array(g, "reals", &a));
	assert_true(gguf_array_float(&a, 1) == -2.5f && isinf(gguf_array_float(&a, 2)));
	assert_true(gguf_array_int(&a, 0) == 1 && gguf_array_int(&a, 2) == 0);
	assert_true(gguf_array(g, "bools", &a) && gguf_array_int(&a, 1) == 1);
	assert_true(gguf_array(g, "texts", &a) && a.n == 2 && a.data == NULL);
	assert_str(a.strings[1], "two");
	assert_int_equal(gguf_array_int(&a, 0), 0);
	assert_true(gguf_array(g, "none", &a) && a.n == 0);
	gguf_close(g);
	buf_fini(&b);
}

/* ---- tensors -------------------------------------------------------------------------------- */

static void build_tensors(struct buf *b, uint32_t alignment)
{
	put_head(b, 3, 3, 1);
	put_key_u32(b, "general.alignment", alignment);
	put_tensor(b, "second", 64, 2, QUANT_Q8_0, 256); /* not in the order of their places */
	put_tensor(b, "first", 4, 3, QUANT_F32, 0);
	put_str(b, "third");
	put_u32(b, 1);
	put_u64(b, 5);
	put_u32(b, QUANT_F16);
	put_u64(b, 512);
	put_pad(b, alignment);
	for (int i = 0; i < 522; i++)
		buf_addc(b, (char)i);
}

static void tensors_are_found_by_name(void **state)
{
	static const uint32_t alignments[] = { 8, 32, 64, 256 };
	struct buf b = BUF_INIT;
	const struct gguf_tensor *t;
	struct gguf *g;
	uint8_t byte;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(alignments); i++) {
		buf_clear(&b);
		build_tensors(&b, alignments[i]);
		g = read_ok(&b);
		assert_int_equal(gguf_n_tensors(g), 3);
		assert_int_equal(gguf_size(g), b.len);
		t = gguf_tensor(g, "second");
		assert_non_null(t);
		assert_ptr_equal(t, gguf_tensor_at(g, 0));
		assert_true(t->type == QUANT_Q8_0 && t->n_dims == 2 && t->dims[0] == 64 &&
			    t->dims[1] == 2 && t->dims[2] == 1 && t->dims[3] == 1);
		assert_int_equal(t->n_bytes, 4 * 34);
		assert_true(t->part == 0 && t->at == b.len - 522 + 256);
		t = gguf_tensor(g, "third");
		assert_true(t->n_dims == 1 && t->n_bytes == 10);
		assert_int_equal(byte_of(g, t, 9), 521 & 255);
		assert_int_equal(gguf_tensor_read(g, t, 9, &byte, 2, NULL), -EINVAL);
		assert_int_equal(gguf_tensor_read(g, t, SIZE_MAX, &byte, 1, NULL), -EINVAL);
		assert_int_equal(gguf_tensor(g, "first")->n_bytes, 48);
		assert_null(gguf_tensor(g, "fourth"));
		assert_null(gguf_tensor(g, ""));
		assert_null(gguf_tensor_at(g, 3));
		gguf_close(g);
	}
	buf_fini(&b);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void open_fails(const char *name, int code, const char *says)
{
	struct ragd_err err = { 0 };
	struct gguf *g = NULL;

	assert_int_equal(gguf_open(temp_path(name), &g, &err), code);
	assert_null(g);
	print_message("%s\n", err.msg);
	assert_non_null(strstr(err.msg, says));
}

/* More metadata than is read at first. */
static void long_metadata_is_read_to_its_end(void **state)
{
	enum { TEXTS = 400000 };
	struct buf b = BUF_INIT;
	struct gguf_array a;
	struct gguf *g;
	char text[16];
	uint32_t last;

	(void)state;
	put_head(&b, 3, 1, 2);
	put_array(&b, "texts", GGUF_STRING, TEXTS);
	for (int i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "%d", i);
		put_str(&b, text);
	}
	put_key_u32(&b, "last", 7);
	put_tensor(&b, "t", 32, 1, QUANT_Q8_0, 0);
	put_pad(&b, 32);
	buf_add(&b, "0123456789abcdef0123456789abcdef01", 34);
	temp_write_bytes("long.gguf", b.data, b.len);
	assert_true(b.len > 4 << 20);
	assert_int_equal(gguf_open(temp_path("long.gguf"), &g, NULL), 0);
	assert_true(gguf_array(g, "texts", &a) && a.n == TEXTS);
	assert_str(a.strings[TEXTS - 1], "399999");
	assert_true(gguf_u32(g, "last", &last) && last == 7);
	assert_int_equal(byte_of(g, gguf_tensor(g, "t"), 9), '9');
	gguf_close(g);
	/* Cut anywhere, it says so. */
	for (size_t len = b.len - 1; len > 0; len = len * 2 / 3) {
		assert_int_equal(truncate(temp_path("long.gguf"), (off_t)len), 0);
		open_fails("long.gguf", -EINVAL, "long.gguf");
	}
	buf_fini(&b);
}

static void files_are_opened_or_named_in_a_sentence(void **state)
{
	struct buf b = BUF_INIT;
	struct gguf *g;

	(void)state;
	build_tensors(&b, 32);
	temp_write_bytes("good.gguf", b.data, b.len);
	assert_int_equal(gguf_open(temp_path("good.gguf"), &g, NULL), 0);
	assert_int_equal(byte_of(g, gguf_tensor(g, "first"), 3), 3);
	gguf_close(g);
	open_fails("none.gguf", -ENOENT, "No such file");
	open_fails(".", -EISDIR, "not a regular file");
	assert_int_equal(mkfifo(temp_path("fifo"), 0600), 0);
	open_fails("fifo", -EINVAL, "not a regular file");
	buf_clear(&b);
	temp_write_bytes("empty.gguf", b.data, b.len);
	open_fails("empty.gguf", -EINVAL, "empty file");
	if (geteuid() != 0) {
		assert_int_equal(chmod(temp_path("good.gguf"), 0), 0);
		open_fails("good.gguf", -EACCES, "Permission denied");
	}
	buf_fini(&b);
}

/* Part `no` of `count`, with one tensor, named by `no`. */
static void save_part(unsigned no, unsigned count, unsigned said_no, unsigned n_tensors)
{
	struct buf b = BUF_INIT;
	char name[64];

	put_head(&b, 3, 1, 4);
	put_key_str(&b, "general.architecture", no == 0 ? "llama" : "other");
	put_key_u16(&b, "split.no", (uint16_t)said_no);
	put_key_u16(&b, "split.count", (uint16_t)count);
	put_key_u32(&b, "split.tensors.count", n_tensors);
	snprintf(name, sizeof(name), "tensor.%u", no);
	put_tensor(&b, name, 8, 1, QUANT_F32, 0);
	put_pad(&b, 32);
	for (int i = 0; i < 32; i++)
		buf_addc(&b, (char)no);
	snprintf(name, sizeof(name), "m-%05u-of-%05u.gguf", no + 1, count);
	temp_write_bytes(name, b.data, b.len);
	buf_fini(&b);
}

static void parts_are_one_model(void **state)
{
	struct ragd_err err = { 0 };
	struct ragd_str arch;
	struct gguf *g;
	struct stat st;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		save_part(i, 3, i, 3);
	if (gguf_open(temp_path("m-00001-of-00003.gguf"), &g, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(gguf_n_tensors(g), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct gguf_tensor *t;

		snprintf(name, sizeof(name), "tensor.%u", i);
		t = gguf_tensor(g, name);
		assert_non_null(t);
		assert_int_equal(byte_of(g, t, 0), i);
	}
	assert_true(gguf_str(g, "general.architecture", &arch));
	assert_str(arch, "llama"); /* metadata is the first part's */
	assert_int_equal(stat(temp_path("m-00001-of-00003.gguf"), &st), 0);
	assert_int_equal(gguf_size(g), 3 * st.st_size);
	gguf_close(g);
}

static void parts_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		save_part(i, 3, i, 3);
	open_fails("m-00002-of-00003.gguf", -EINVAL, "open the first part");
	assert_int_equal(rename(temp_path("m-00003-of-00003.gguf"), temp_path("away")), 0);
	open_fails("m-00001-of-00003.gguf", -ENOENT, "m-00003-of-00003.gguf");
	save_part(2, 3, 1, 3);
	open_fails("m-00001-of-00003.gguf", -EINVAL, "not part 3 of 3");
	save_part(2, 3, 2, 3);
	save_part(0, 3, 0, 4);
	open_fails("m-00001-of-00003.gguf", -EINVAL, "have 3 tensors, not 4");
	save_part(0, 3, 0, 3);
	assert_int_equal(rename(temp_path("m-00001-of-00003.gguf"), temp_path("first.gguf")), 0);
	open_fails("first.gguf", -EINVAL, "its name must end in");
	/* the same tensor in two parts */
	assert_int_equal(rename(temp_path("first.gguf"), temp_path("m-00001-of-00003.gguf")), 0);
	save_part(0, 2, 0, 2);
	save_part(0, 2, 1, 2);
	assert_int_equal(
		rename(temp_path("m-00001-of-00002.gguf"), temp_path("m-00002-of-00002.gguf")), 0);
	save_part(0, 2, 0, 2);
	open_fails("m-00001-of-00002.gguf", -EINVAL, "'tensor.0' is there twice");
}

/* ---- files of others ------------------------------------------------------------------------ */

static const char *shared(const char *name)
{
	const char *src = getenv("RAGD_SRCDIR");
	static char path[512];

	snprintf(path, sizeof(path), "%s/../shared/models/%s", src != NULL ? src : ".", name);
	return path;
}

static void real_files_are_read(void **state)
{
	static const struct {
		const char *name;
		uint32_t n_blocks;
		size_t n_tensors;
		uint64_t n_vocab;
	} rows[] = {
		{ "llm/stories260K/stories260K-Q8_0.gguf", 5, 47, 512 },
		{ "llm/tinystories-656K/tinystories-656K-Q5_1.gguf", 2, 20, 2048 },
		{ "embeddings/static-bert/static-bert-F16.gguf", 2, 37, 30522 },
		{ "tokenizers/ggml-vocab-llama-bpe.gguf", 1, 0, 128256 },
	};

	(void)state;
	if (access(shared("llm"), R_OK) < 0) {
		print_message("skipped: no models in ../shared\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct gguf_array a;
		struct gguf *g;
		uint32_t n;

		print_message("%s\n", rows[i].name);
		if (gguf_open(shared(rows[i].name), &g, &err) < 0)
			fail_msg("%s", err.msg);
		assert_true(gguf_arch_u32(g, "block_count", &n) && n == rows[i].n_blocks);
		assert_int_equal(gguf_n_tensors(g), rows[i].n_tensors);
		assert_true(gguf_array(g, "tokenizer.ggml.tokens", &a));
		assert_int_equal(a.n, rows[i].n_vocab);
		gguf_close(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_convert_where_they_fit),
		cmocka_unit_test(what_does_not_fit_is_not_there),
		cmocka_unit_test(entries_come_in_the_order_of_the_file),
		cmocka_unit_test(keys_of_the_architecture_need_not_name_it),
		cmocka_unit_test(arrays_hold_numbers_or_texts),
		cmocka_unit_test(tensors_are_found_by_name),
		cmocka_unit_test_setup_teardown(long_metadata_is_read_to_its_end, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(files_are_opened_or_named_in_a_sentence, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(parts_are_one_model, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(parts_that_do_not_fit_are_refused, temp_setup,
						temp_teardown),
		cmocka_unit_test(real_files_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
