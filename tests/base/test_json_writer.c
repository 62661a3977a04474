/* Each call of the writer, and that what it writes is what a JSON parser of others reads. */
#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/util.h"
#include "tests/test.h"

/* ---- structure ------------------------------------------------------------------------------ */

static void commas_and_colons_come_by_themselves(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "a", "x");
	jsonw_member_array_begin(&w, "list");
	jsonw_uint(&w, 1);
	jsonw_array_begin(&w);
	jsonw_array_end(&w);
	jsonw_object_begin(&w);
	jsonw_object_end(&w);
	jsonw_null(&w);
	jsonw_array_end(&w);
	jsonw_member_object_begin(&w, "o");
	jsonw_member_bool(&w, "yes", true);
	jsonw_member_bool(&w, "no", false);
	jsonw_object_end(&w);
	jsonw_key_str(&w, "with \"marks\"");
	jsonw_int(&w, -7);
	jsonw_key_str(&w, "next");
	jsonw_cstr(&w, NULL);
	jsonw_object_end(&w);
	assert_string_equal(b.data, "{\"a\":\"x\",\"list\":[1,[],{},null],"
				    "\"o\":{\"yes\":true,\"no\":false},"
				    "\"with \\\"marks\\\"\":-7,\"next\":null}");
	buf_fini(&b);
}

static void a_value_may_be_all_there_is(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "data: "); /* what stands before is none of the writer's business */
	jsonw_init(&w, &b);
	jsonw_cstr(&w, "text");
	buf_addc(&b, '\n');
	jsonw_init(&w, &b);
	jsonw_array_begin(&w);
	jsonw_array_end(&w);
	assert_string_equal(b.data, "data: \"text\"\n[]");
	buf_fini(&b);
}

static void ready_made_values_keep_their_place(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	jsonw_init(&w, &b);
	jsonw_array_begin(&w);
	jsonw_raw(&w, (struct ragd_str){ "{\"a\": 1}", 8 });
	jsonw_string_begin(&w);
	buf_printf(&b, "%04o", 0640u);
	jsonw_string_end(&w);
	jsonw_base64(&w, "Many hands", 10);
	jsonw_base64(&w, NULL, 0);
	jsonw_array_end(&w);
	assert_string_equal(b.data, "[{\"a\": 1},\"0640\",\"TWFueSBoYW5kcw==\",\"\"]");
	buf_fini(&b);
}

static void nesting_goes_as_deep_as_said(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;
	json_t *root, *v;

	(void)state;
	jsonw_init(&w, &b);
	for (int i = 0; i < JSONW_DEPTH_MAX / 2; i++) {
		jsonw_object_begin(&w);
		jsonw_member_array_begin(&w, "in");
	}
	for (int i = 0; i < JSONW_DEPTH_MAX / 2; i++) {
		jsonw_array_end(&w);
		jsonw_member_uint(&w, "after", (uint64_t)i);
		jsonw_object_end(&w);
	}
	root = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	v = root;
	for (int i = JSONW_DEPTH_MAX / 2; i > 0; i--) {
		assert_int_equal(json_integer_value(json_object_get(v, "after")), i - 1);
		v = json_array_get(json_object_get(v, "in"), 0);
	}
	assert_null(v);
	json_decref(root);
	buf_fini(&b);
}

/* ---- misuse --------------------------------------------------------------------------------- */

static void value_without_key(struct json_writer *w)
{
	jsonw_object_begin(w);
	jsonw_uint(w, 1);
}

static void key_in_array(struct json_writer *w)
{
	jsonw_array_begin(w);
	jsonw_key(w, "a");
}

static void key_at_the_top(struct json_writer *w)
{
	jsonw_key_str(w, "a");
}

static void key_after_key(struct json_writer *w)
{
	jsonw_object_begin(w);
	jsonw_key(w, "a");
	jsonw_key(w, "b");
}

static void end_after_key(struct json_writer *w)
{
	jsonw_object_begin(w);
	jsonw_key(w, "a");
	jsonw_object_end(w);
}

static void end_of_the_other_kind(struct json_writer *w)
{
	jsonw_array_begin(w);
	jsonw_object_end(w);
}

static void end_of_nothing(struct json_writer *w)
{
	jsonw_array_end(w);
}

static void two_values_at_the_top(struct json_writer *w)
{
	jsonw_null(w);
	jsonw_null(w);
}

static void too_deep(struct json_writer *w)
{
	for (int i = 0; i <= JSONW_DEPTH_MAX; i++)
		jsonw_array_begin(w);
}

static void misuse_asserts(void **state)
{
	static void (*const rows[])(struct json_writer *) = {
		value_without_key,     key_in_array,  key_at_the_top,
		key_after_key,         end_after_key, end_of_nothing,
		end_of_the_other_kind, too_deep,      two_values_at_the_top,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			struct json_writer w;
			struct buf b = BUF_INIT;

			close(STDERR_FILENO);
			signal(SIGABRT, SIG_DFL); /* cmocka's own would make a failure of it */
			jsonw_init(&w, &b);
			rows[i](&w);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		print_message("row %zu\n", i);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}
/* ---- values --------------------------------------------------------------------------------- */

static void begin_again(struct json_writer *w, struct buf *b)
{
	buf_clear(b);
	jsonw_init(w, b);
}

static void texts_are_escaped(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "\n\r\t\b\f\x01\x1f\x7f", 8, "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"" },
		{ "a\xc3", 2, "\"a\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc0\x80x", 3, "\"\xef\xbf\xbd\xef\xbf\xbdx\"" },
	};
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin_again(&w, &b);
		jsonw_str(&w, (struct ragd_str){ rows[i].in, rows[i].len });
		assert_string_equal(b.data, rows[i].out);
	}
	begin_again(&w, &b);
	jsonw_cstr(&w, NULL);
	assert_string_equal(b.data, "null");
	buf_fini(&b);
}

/* Plain bytes are passed over eight at a time: every byte, at every place among them. */
static void every_byte_is_found_wherever_it_stands(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 20; at++) {
			char in[20];
			json_t *v;
			size_t n = c < 0x80 ? 1 : 3;

			memset(in, 'x', sizeof(in));
			in[at] = (char)c;
			begin_again(&w, &b);
			jsonw_str(&w, (struct ragd_str){ in, sizeof(in) });
			v = json_loadb(b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			assert_non_null(v);
			assert_int_equal(json_string_length(v), sizeof(in) - 1 + n);
			assert_memory_equal(json_string_value(v), in, at);
			if (c < 0x80)
				assert_memory_equal(json_string_value(v), in, sizeof(in));
			else
				assert_memory_equal(json_string_value(v) + at, "\xef\xbf\xbd", 3);
			json_decref(v);
		}
	}
	buf_fini(&b);
}

static void numbers_are_short_and_exact(void **state)
{
	static const struct {
		double v;
		const char *score;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 0.93, "0.93" },
		{ 0.12345, "0.1235" },
		{ -0.5, "-0.5" },
		{ 12.25, "12.25" },
		{ 0.00001, "0" },
		{ NAN, "0" },
		{ INFINITY, "0" },
		{ 0.9999, "0.9999" },
		{ 0.99999, "1" },
		{ 100, "100" },
		{ 1e300, "1000000000000" },
	};
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin_again(&w, &b);
		jsonw_score(&w, rows[i].v);
		assert_string_equal(b.data, rows[i].score);
	}
	begin_again(&w, &b);
	jsonw_int(&w, INT64_MIN);
	assert_string_equal(b.data, "-9223372036854775808");
	begin_again(&w, &b);
	jsonw_uint(&w, UINT64_MAX);
	assert_string_equal(b.data, "18446744073709551615");
	buf_fini(&b);
}

static void floats_read_back_as_themselves(void **state)
{
	static const float rows[] = { 0,       1,       -1,       0.1f,        1e-6f,   9.9999999f,
				      1e-7f,   3.4e38f, 1.2e-38f, 1e-45f,      -0.333f, 123456.7f,
				      FLT_MAX, FLT_MIN, 10,       9.999999e-7f };
	struct json_writer w;
	struct buf b = BUF_INIT;
	uint32_t bits = 12345;

	(void)state;
	/* Where there is one: a locale whose point is a comma changes nothing. */
	setlocale(LC_NUMERIC, "de_DE.UTF-8");
	for (size_t i = 0; i < 200000; i++) {
		float v;

		if (i < ARRAY_LEN(rows)) {
			v = rows[i];
		} else {
			bits = bits * 1664525u + 1013904223u;
			memcpy(&v, &bits, sizeof(v));
			if (!isfinite(v))
				continue;
		}
		begin_again(&w, &b);
		jsonw_float(&w, v);
		assert_null(strchr(b.data, ','));
		setlocale(LC_NUMERIC, "C");
		assert_true(strtof(b.data, NULL) == v);
		setlocale(LC_NUMERIC, "de_DE.UTF-8");
	}
	setlocale(LC_NUMERIC, "C");
	begin_again(&w, &b);
	jsonw_float(&w, NAN);
	assert_string_equal(b.data, "0");
	buf_fini(&b);
}

static void doubles_are_never_integers(void **state)
{
	static const struct {
		double v;
		int digits;
		const char *want;
	} rows[] = {
		{ 0, 17, "0.0" },
		{ 3, 6, "3.0" },
		{ (double)0.3f, 6, "0.3" },
		{ 0.35, 17, "0.34999999999999998" },
		{ -1e300, 17, "-1.0000000000000001e+300" },
		{ 1e-7, 6, "1e-07" },
		{ NAN, 6, "0.0" },
		{ -INFINITY, 6, "0.0" },
	};
	struct json_writer w;
	struct buf b = BUF_INIT;
	json_t *v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin_again(&w, &b);
		jsonw_double(&w, rows[i].v, rows[i].digits);
		assert_string_equal(b.data, rows[i].want);
		v = json_loadb(b.data, b.len, JSON_DECODE_ANY, NULL);
		assert_true(json_is_real(v));
		json_decref(v);
	}
	buf_fini(&b);
}

static void members_are_keys_with_values(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	jsonw_member_null(&w, "null");
	jsonw_member_int(&w, "int", -1);
	jsonw_member_uint(&w, "uint", UINT64_MAX);
	jsonw_member_score(&w, "score", 0.5);
	jsonw_member_float(&w, "float", 0.25f);
	jsonw_member_double(&w, "double", 1, 17);
	jsonw_member_str(&w, "str", (struct ragd_str){ "a\"b", 2 });
	jsonw_member_base64(&w, "base64", "f", 1);
	jsonw_member_raw(&w, "raw", (struct ragd_str){ "[]", 2 });
	jsonw_object_end(&w);
	assert_string_equal(b.data, "{\"null\":null,\"int\":-1,\"uint\":18446744073709551615,"
				    "\"score\":0.5,\"float\":0.25,\"double\":1.0,"
				    "\"str\":\"a\\\"\",\"base64\":\"Zg==\",\"raw\":[]}");
	buf_fini(&b);
}

static void a_buffer_that_failed_stays_so(void **state)
{
	struct json_writer w;
	struct buf b = BUF_INIT;

	(void)state;
	buf_add(&b, "", SIZE_MAX);
	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "a", "x\xff\n");
	jsonw_object_end(&w);
	assert_true(buf_failed(&b));
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_colons_come_by_themselves),
		cmocka_unit_test(a_value_may_be_all_there_is),
		cmocka_unit_test(ready_made_values_keep_their_place),
		cmocka_unit_test(nesting_goes_as_deep_as_said),
		cmocka_unit_test(misuse_asserts),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(every_byte_is_found_wherever_it_stands),
		cmocka_unit_test(numbers_are_short_and_exact),
		cmocka_unit_test(floats_read_back_as_themselves),
		cmocka_unit_test(doubles_are_never_integers),
		cmocka_unit_test(members_are_keys_with_values),
		cmocka_unit_test(a_buffer_that_failed_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
