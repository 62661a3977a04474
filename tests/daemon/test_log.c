#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/service/log.h"
#include "tests/test.h"

/* What a child logs, with $JOURNAL_STREAM telling of its stderr or not. */
static const char *logged(bool journal, enum ragd_log_level max, enum ragd_log_level level,
			  const char *text)
{
	static char out[8192];
	char stream[64];
	struct stat st;
	ssize_t n;
	size_t len = 0;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	if (fork() == 0) {
		dup2(fds[1], STDERR_FILENO);
		fstat(STDERR_FILENO, &st);
		snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino + (journal ? 0 : 1));
		setenv("JOURNAL_STREAM", stream, 1);
		log_set_level(max);
		log_write(level, "%s", text);
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fds[0]);
	wait(NULL);
	return out;
}

static void the_journal_gets_priorities(void **state)
{
	(void)state;
	assert_string_equal(logged(true, RAGD_LOG_INFO, RAGD_LOG_INFO, "event=x"), "<6>event=x\n");
	assert_string_equal(logged(true, RAGD_LOG_INFO, RAGD_LOG_ERR, "event=x"), "<3>event=x\n");
}

static void others_get_time_and_level(void **state)
{
	const char *line = logged(false, RAGD_LOG_INFO, RAGD_LOG_WARN, "event=x");
	int y, mo, d, h, mi, s, ms;

	(void)state;
	assert_int_equal(
		sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &y, &mo, &d, &h, &mi, &s, &ms), 7);
	assert_string_equal(strchr(line, ' '), " level=warn event=x\n");
}

static void the_level_holds_back(void **state)
{
	(void)state;
	assert_string_equal(logged(true, RAGD_LOG_INFO, RAGD_LOG_DEBUG, "x"), "");
	assert_string_equal(logged(true, RAGD_LOG_DEBUG, RAGD_LOG_DEBUG, "x"), "<7>x\n");
	assert_string_equal(logged(true, RAGD_LOG_ERR, RAGD_LOG_WARN, "x"), "");
}

static void one_event_is_one_line(void **state)
{
	char text[6000];
	const char *line;

	(void)state;
	assert_string_equal(logged(true, RAGD_LOG_INFO, RAGD_LOG_INFO, "a\nb\rc\x1b[31md"),
			    "<6>a b c [31md\n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	line = logged(true, RAGD_LOG_INFO, RAGD_LOG_INFO, text);
	assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
	assert_true(strlen(line) <= 4096);
}

static void quotes_hold_what_comes_from_outside(void **state)
{
	static const struct {
		const char *in;
		size_t len, size;
		const char *want;
	} rows[] = {
		{ "plain", 5, 32, "\"plain\"" },
		{ "", 0, 32, "\"\"" },
		{ "a\"b\\c", 5, 32, "\"a\\\"b\\\\c\"" },
		{ "a\nb\x01", 4, 32, "\"a\\nb\\x01\"" },
		{ "a\0b", 3, 32, "\"a\\x00b\"" },
		{ "grün", 5, 32, "\"grün\"" },
		{ "abcdefghij", 10, 10, "\"abcd...\"" },
		{ "abc\xc3\xbc"
		  "efghij",
		  11, 11, "\"abc\xc3\xbc...\"" },
		{ "abc\xc3\xbc"
		  "efghij",
		  11, 10, "\"abc...\"" },
		{ "abc", 3, 5, "" },
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(out, 'Z', sizeof(out));
		assert_ptr_equal(log_quote(rows[i].in, rows[i].len, out, rows[i].size), out);
		assert_string_equal(out, rows[i].want);
		for (size_t k = rows[i].size; k < sizeof(out); k++)
			assert_int_equal(out[k], 'Z');
	}
}

static void of_many_lines_one_a_second_is_written(void **state)
{
	static const struct {
		int64_t at_ms;
		const char *left_out; /* NULL: it is not written */
	} rows[] = {
		{ 5, "" },
		{ 5, NULL },
		{ 6, NULL },
		{ 1004, NULL },
		{ 1005, " left_out=3" },
		{ 1006, NULL },
		{ 90000, " left_out=1" },
		{ 99000, "" },
	};
	struct log_limit limit = { 0 };
	char left_out[LOG_LEFT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(log_limit_pass(&limit, rows[i].at_ms, left_out),
				 rows[i].left_out != NULL);
		if (rows[i].left_out != NULL)
			assert_string_equal(left_out, rows[i].left_out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(others_get_time_and_level),
		cmocka_unit_test(the_level_holds_back),
		cmocka_unit_test(one_event_is_one_line),
		cmocka_unit_test(quotes_hold_what_comes_from_outside),
		cmocka_unit_test(of_many_lines_one_a_second_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
