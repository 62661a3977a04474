#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/util.h"
#include "daemon/journal.h"

static int set_up(void **state)
{
	char *dir = strdup("/tmp/ragd-journal-XXXXXX");

	*state = dir;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", (char *)*state);
	free(*state);
	return system(cmd);
}

static struct journal_answer answer(const char *id, uid_t uid)
{
	return (struct journal_answer){
		.id = id,
		.uid = uid,
		.at_s = time(NULL),
		.assistant = "default",
		.finish = "stop",
		.findings = "[]",
		.question = RAGD_STR("Why?"),
		.answer = RAGD_STR("Because."),
	};
}

static int line_cb(const char *line, size_t len, void *arg)
{
	buf_add(arg, line, len);
	buf_addc(arg, '\n');
	return 0;
}

static char *exported(struct journal *j)
{
	struct buf b = BUF_INIT;
	size_t len;

	assert_int_equal(journal_export(j, line_cb, &b, NULL), 0);
	return buf_steal(&b, &len);
}

static void ratings_are_stored_with_their_texts(void **state)
{
	struct journal *j;
	struct journal_answer a = answer("ans-1", 7);
	struct journal_feedback fb = { .answer_id = "ans-1",
				       .uid = 7,
				       .rating = "down",
				       .reason = "wrong",
				       .better = "For love." };
	char id[40], *text;

	assert_int_equal(journal_open(*state, 0, &j, NULL), 0);
	journal_add(j, &a);
	assert_int_equal(journal_feedback(j, &fb, id, NULL), 0);
	assert_int_equal(strncmp(id, "fb-", 3), 0);
	text = exported(j);
	assert_non_null(strstr(text, "\"question\":\"Why?\""));
	assert_non_null(strstr(text, "\"answer\":\"Because.\""));
	assert_non_null(strstr(text, "\"better\":\"For love.\""));
	free(text);

	print_message("rating again replaces\n");
	fb.rating = "up";
	assert_int_equal(journal_feedback(j, &fb, id, NULL), 0);
	text = exported(j);
	assert_non_null(strstr(text, "\"rating\":\"up\""));
	assert_null(strstr(text, "down"));
	assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
	free(text);
	journal_close(j);

	print_message("and survives a restart\n");
	assert_int_equal(journal_open(*state, 0, &j, NULL), 0);
	text = exported(j);
	assert_non_null(strstr(text, "\"rating\":\"up\""));
	free(text);
	journal_close(j);
}

static void only_the_owner_or_an_admin_may_rate(void **state)
{
	struct journal *j;
	struct journal_answer a = answer("ans-1", 7);
	struct journal_feedback fb = { .answer_id = "ans-1", .uid = 8, .rating = "up" };
	struct ragd_err err = { 0 };
	char id[40];

	assert_int_equal(journal_open(*state, 0, &j, NULL), 0);
	journal_add(j, &a);
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOENT);
	assert_string_equal(err.msg, "you have no answer 'ans-1' to rate");
	fb.admin = true;
	assert_int_equal(journal_feedback(j, &fb, id, &err), 0);
	fb.answer_id = "ans-2";
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOENT);
	journal_close(j);
}

static void every_answer_is_written_and_old_ones_go(void **state)
{
	struct journal *j;
	struct journal_stats stats;
	struct journal_answer a;
	struct journal_feedback fb = { .answer_id = "old", .uid = 7, .rating = "up" };
	struct ragd_err err;
	char id[40];

	assert_int_equal(journal_open(*state, 0, &j, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "ans-%d", i);
		a = answer(id, 7);
		journal_add(j, &a);
	}
	a = answer("old", 7);
	a.at_s -= 1000;
	journal_add(j, &a);
	assert_int_equal(journal_feedback(j, &fb, id, NULL), 0);
	journal_stats(j, &stats);
	assert_int_equal(stats.n_written, 3001);
	assert_int_equal(stats.n_lost, 0);
	journal_close(j);

	assert_int_equal(journal_open(*state, 500 * 1000, &j, NULL), 0);
	a = answer("new", 7);
	journal_add(j, &a); /* the first batch purges */
	fb.answer_id = "new";
	assert_int_equal(journal_feedback(j, &fb, id, NULL), 0);
	fb.answer_id = "old";
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOENT);
	fb.answer_id = "ans-17";
	assert_int_equal(journal_feedback(j, &fb, id, &err), 0);
	journal_close(j);
}

static void a_corrupt_file_is_refused_and_kept(void **state)
{
	struct journal *j = NULL;
	struct ragd_err err = { 0 };
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/journal.db", (char *)*state);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("not a database ", f);
	fclose(f);
	assert_int_equal(journal_open(*state, 0, &j, &err), -EIO);
	assert_non_null(strstr(err.msg, "move it away"));
	f = fopen(path, "r");
	assert_non_null(fgets(path, sizeof(path), f));
	assert_int_equal(strncmp(path, "not a database", 14), 0);
	fclose(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ratings_are_stored_with_their_texts),
		TEST(only_the_owner_or_an_admin_may_rate),
		TEST(every_answer_is_written_and_old_ones_go),
		TEST(a_corrupt_file_is_refused_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
