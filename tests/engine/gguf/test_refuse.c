/* Files that break the format: each is refused with a sentence, whatever it claims. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/gguf/build.h"
#include "tests/test.h"

static void not_gguf(struct buf *b)
{
	buf_adds(b, "GGML0000000000000000000000000000");
}

static void short_magic(struct buf *b)
{
	buf_adds(b, "GGU");
}

static void only_magic(struct buf *b)
{
	buf_adds(b, "GGUF");
}

static void version_1(struct buf *b)
{
	put_head(b, 1, 0, 0);
}

static void version_4(struct buf *b)
{
	put_head(b, 4, 0, 0);
}

static void big_endian(struct buf *b)
{
	put_head(b, 0x03000000, 0, 0);
}

static void many_keys(struct buf *b)
{
	put_head(b, 3, 0, UINT64_MAX);
	put_zeros(b, 64);
}

static void many_tensors(struct buf *b)
{
	put_head(b, 3, UINT64_C(1) << 60, 0);
	put_zeros(b, 64);
}

static void long_key(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_u64(b, UINT64_MAX - 7);
	put_zeros(b, 64);
}

static void empty_key(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_u32(b, "", 1);
	put_zeros(b, 64);
}

static void key_twice(struct buf *b)
{
	put_head(b, 3, 0, 3);
	put_key_u32(b, "a.b", 1);
	put_key_u32(b, "c", 1);
	put_key_u32(b, "a.b", 1);
}

static void type_13(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_u32(b, "x", 0);
	b->data[b->len - 8] = 13;
}

static void bool_2(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_scalar(b, "yes", GGUF_BOOL, "\2", 1);
}

static void long_text(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key(b, "text", GGUF_STRING);
	put_u64(b, UINT64_C(1) << 63);
}

static void nested_array(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_array(b, "deep", GGUF_ARRAY, 1);
	put_u32(b, GGUF_U8);
	put_u64(b, 0);
}

static void array_of_nothing(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_array(b, "odd", 99, 0);
}

static void long_array(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_array(b, "ids", GGUF_U64, UINT64_C(1) << 61); /* times 8 is nothing */
}

static void long_array_of_texts(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_array(b, "tokens", GGUF_STRING, UINT64_C(1) << 40);
	put_zeros(b, 64);
}

static void array_cut(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_array(b, "tokens", GGUF_STRING, 2);
	put_str(b, "one");
	put_u64(b, 500);
}

static void alignment_odd(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_u32(b, "general.alignment", 24);
}

static void alignment_zero(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_u32(b, "general.alignment", 0);
}

static void alignment_text(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_str(b, "general.alignment", "32");
}

/* One tensor of the given shape, and room for 1024 bytes. */
static void one(struct buf *b, uint64_t columns, uint64_t rows, uint32_t type, uint64_t offset)
{
	put_head(b, 3, 1, 0);
	put_tensor(b, "w", columns, rows, type, offset);
	put_pad(b, 32);
	put_zeros(b, 1024);
}

static void type_unknown(struct buf *b)
{
	one(b, 32, 1, 31, 0);
}

static void type_foreign(struct buf *b)
{
	one(b, 32, 1, 16, 0);
}

static void type_huge(struct buf *b)
{
	one(b, 32, 1, UINT32_MAX, 0);
}

static void rows_not_whole(struct buf *b)
{
	one(b, 33, 1, QUANT_Q8_0, 0);
}

static void tensor_empty(struct buf *b)
{
	one(b, 32, 0, QUANT_F32, 0);
}

static void tensor_huge(struct buf *b)
{
	one(b, UINT64_C(1) << 32, UINT64_C(1) << 32, QUANT_F32, 0);
}

static void tensor_huge_bytes(struct buf *b)
{
	one(b, UINT64_C(1) << 31, UINT64_C(1) << 31, QUANT_F32, 0); /* 2^62 numbers, 2^64 bytes */
}

static void tensor_beyond(struct buf *b)
{
	one(b, 32, 9, QUANT_F32, 0);
}

static void offset_beyond(struct buf *b)
{
	one(b, 32, 1, QUANT_F32, 1024);
}

static void offset_wraps(struct buf *b)
{
	one(b, 32, 1, QUANT_F32, UINT64_MAX - 31);
}

static void offset_unaligned(struct buf *b)
{
	one(b, 32, 1, QUANT_F32, 16);
}

static void five_dims(struct buf *b)
{
	put_head(b, 3, 1, 0);
	put_str(b, "w");
	put_u32(b, 5);
	put_zeros(b, 1024);
}

static void no_dims(struct buf *b)
{
	put_head(b, 3, 1, 0);
	put_str(b, "w");
	put_u32(b, 0);
	put_zeros(b, 1024);
}

static void name_long(struct buf *b)
{
	put_head(b, 3, 1, 0);
	put_tensor(b, "a.name.of.more.than.sixty.four.bytes.a.name.of.more.than.sixty.four.bytes",
		   1, 1, QUANT_F32, 0);
	put_zeros(b, 64);
}

static void tensor_twice(struct buf *b)
{
	put_head(b, 3, 2, 0);
	put_tensor(b, "w", 8, 1, QUANT_F32, 0);
	put_tensor(b, "w", 8, 1, QUANT_F32, 32);
	put_pad(b, 32);
	put_zeros(b, 64);
}

static void tensors_overlap(struct buf *b)
{
	put_head(b, 3, 2, 0);
	put_tensor(b, "v", 8, 1, QUANT_F32, 32);
	put_tensor(b, "w", 9, 1, QUANT_F32, 0);
	put_pad(b, 32);
	put_zeros(b, 64);
}

static void part_in_memory(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_u16(b, "split.count", 2);
}

static void name_with_control(struct buf *b)
{
	put_head(b, 3, 0, 1);
	put_key_u32(b, "a\nb\x1b[2J\xff", 0);
	b->data[b->len - 8] = 77;
}

static void breaks_are_refused_with_a_sentence(void **state)
{
	static const struct {
		void (*build)(struct buf *b);
		int code;
		const char *says;
	} rows[] = {
		{ not_gguf, -EINVAL, "not a GGUF file" },
		{ short_magic, -EINVAL, "not a GGUF file" },
		{ only_magic, -EINVAL, "ends inside its head" },
		{ version_1, -ENOTSUP, "version 1; 2 and 3" },
		{ version_4, -ENOTSUP, "version 4" },
		{ big_endian, -ENOTSUP, "big-endian" },
		{ many_keys, -EINVAL, "18446744073709551615 keys are announced" },
		{ many_tensors, -EINVAL, "1152921504606846976 tensors are announced" },
		{ long_key, -EINVAL, "a key is said to have" },
		{ empty_key, -EINVAL, "a key of 0 bytes" },
		{ key_twice, -EINVAL, "key 'a.b' is there twice" },
		{ type_13, -EINVAL, "type 13, which is none" },
		{ bool_2, -EINVAL, "'yes' is a boolean of value 2" },
		{ long_text, -EINVAL, "a text is said to have 9223372036854775808 bytes" },
		{ nested_array, -ENOTSUP, "'deep' is an array of arrays" },
		{ array_of_nothing, -EINVAL, "'odd' is an array of type 99" },
		{ long_array, -EINVAL, "'ids' has 2305843009213693952 elements" },
		{ long_array_of_texts, -EINVAL, "'tokens' has 1099511627776 elements" },
		{ array_cut, -EINVAL, "a text of an array is said to have 500 bytes" },
		{ alignment_odd, -EINVAL, "general.alignment must be" },
		{ alignment_zero, -EINVAL, "general.alignment must be" },
		{ alignment_text, -EINVAL, "general.alignment must be" },
		{ type_unknown, -ENOTSUP, "'w' has type 31 (of another engine)" },
		{ type_foreign, -ENOTSUP, "'w' has type 16 (IQ2_XXS), which is not supported" },
		{ type_huge, -ENOTSUP, "'w' has type 4294967295" },
		{ rows_not_whole, -EINVAL, "rows of 33 numbers, no multiple of Q8_0's 32" },
		{ tensor_empty, -EINVAL, "'w' is empty" },
		{ tensor_huge, -EINVAL, "more numbers than can be counted" },
		{ tensor_huge_bytes, -EINVAL, "ends beyond the file's" },
		{ tensor_beyond, -EINVAL, "ends beyond the file's" },
		{ offset_beyond, -EINVAL, "ends beyond the file's" },
		{ offset_wraps, -EINVAL, "ends beyond the file's" },
		{ offset_unaligned, -EINVAL, "begins at 16, no multiple of the alignment 32" },
		{ five_dims, -EINVAL, "'w' has 5 dimensions" },
		{ no_dims, -EINVAL, "'w' has 0 dimensions" },
		{ name_long, -EINVAL, "a tensor's name of 7" },
		{ tensor_twice, -EINVAL, "tensor 'w' is there twice" },
		{ tensors_overlap, -EINVAL, "tensors 'w' and 'v' overlap" },
		{ part_in_memory, -EINVAL, "a part of a model in several files" },
		{ name_with_control, -EINVAL, "key 'a?b?[2J?' has type 77" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct buf b = BUF_INIT;
		struct gguf *g = NULL;

		rows[i].build(&b);
		assert_int_equal(gguf_read(b.data, b.len, &g, &err), rows[i].code);
		print_message("%s\n", err.msg);
		assert_null(g);
		assert_non_null(strstr(err.msg, rows[i].says));
		assert_null(strchr(err.msg, '\n'));
		buf_fini(&b);
	}
}

/* A file that may be cut anywhere: an input of exact length, so that a byte beyond it is seen. */
static void a_file_cut_short_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct gguf *g;

	(void)state;
	put_head(&b, 3, 2, 4);
	put_key_u32(&b, "a", 1);
	put_key_str(&b, "b", "text");
	put_array(&b, "c", GGUF_STRING, 2);
	put_str(&b, "x");
	put_str(&b, "");
	put_array(&b, "d", GGUF_U16, 3);
	put_zeros(&b, 6);
	put_tensor(&b, "v", 32, 1, QUANT_Q4_0, 0);
	put_tensor(&b, "w", 32, 2, QUANT_Q4_0, 32);
	put_pad(&b, 32);
	put_zeros(&b, 32 + 36);
	for (size_t len = 0; len < b.len; len++) {
		struct ragd_err err = { 0 };
		uint8_t *copy = malloc(len > 0 ? len : 1);

		assert_non_null(copy);
		memcpy(copy, b.data, len);
		assert_int_equal(gguf_read(copy, len, &g, &err), -EINVAL);
		assert_true(err.msg[0] != '\0');
		free(copy);
	}
	assert_int_equal(gguf_read(b.data, b.len, &g, NULL), 0);
	gguf_close(g);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaks_are_refused_with_a_sentence),
		cmocka_unit_test(a_file_cut_short_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
