#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/util.h"
#include "daemon/records/journal.h"
#include "daemon/records/recent.h"
#include "tests/test.h"

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
	char id[JOURNAL_ID_MAX], *text;

	assert_int_equal(journal_open(*state, 0, steady_read, &j, NULL), 0);
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
	assert_int_equal(journal_open(*state, 0, steady_read, &j, NULL), 0);
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
	char id[JOURNAL_ID_MAX];

	assert_int_equal(journal_open(*state, 0, steady_read, &j, NULL), 0);
	journal_add(j, &a);
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOENT);
	assert_string_equal(err.msg, "you have no answer 'ans-1' to rate");
	fb.admin = true;
	assert_int_equal(journal_feedback(j, &fb, id, &err), 0);
	fb.answer_id = "ans-2";
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOENT);
	journal_close(j);
}

static void however_much_one_asks_the_texts_of_others_stay(void **state)
{
	static const struct {
		const char *id;
		uid_t uid;
		bool known;
	} rows[] = {
		{ "ans-theirs", 8, true }, { "ans-0", 7, false },
		{ "ans-1535", 7, false }, /* as many newer ones as one user may have */
		{ "ans-1536", 7, true },   { "ans-2047", 7, true },
	};
	struct recent *r = recent_new();
	char id[JOURNAL_ID_MAX], *question, *text;

	(void)state;
	assert_non_null(r);
	recent_add(r, "ans-theirs", 8, RAGD_STR("Why?"), RAGD_STR("Because."));
	for (size_t i = 0; i < 2 * (size_t)RECENT_MAX; i++) {
		snprintf(id, sizeof(id), "ans-%zu", i);
		recent_add(r, id, 7, RAGD_STR("And?"), RAGD_STR("So."));
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].id);
		recent_texts(r, rows[i].id, &question, &text);
		assert_int_equal(question != NULL, rows[i].known);
		if (question != NULL)
			assert_string_equal(question, rows[i].uid == 8 ? "Why?" : "And?");
		free(question);
		free(text);
	}
	print_message("many users together push the oldest out\n");
	for (size_t i = 0; i < RECENT_MAX; i++)
		recent_add(r, "ans-other", (uid_t)(100 + i), RAGD_STR("And?"), RAGD_STR("So."));
	recent_texts(r, "ans-theirs", &question, &text);
	assert_null(question);
	recent_free(r);
}

#define DAY_S INT64_C(86400)

/* What the system would say of time; the tests move it. */
static struct steady_now time_is;

static void fake_now(struct steady_now *out)
{
	*out = time_is;
}

static void time_passes(int64_t seconds)
{
	time_is.wall_s += seconds;
	time_is.boot_ms += seconds * 1000;
}

static void begin_time(void)
{
	time_is = (struct steady_now){ .wall_s = 1800000000, .boot_ms = 7200000, .boot_id = "a" };
}

/* One answer, on the disk; the batch that brings it purges. */
static void write_answer(struct journal *j, const char *id)
{
	struct journal_answer a = answer(id, 7);
	struct journal_feedback fb = { .answer_id = "none", .uid = 7, .rating = "up" };
	char fb_id[JOURNAL_ID_MAX];

	journal_add(j, &a);
	assert_int_equal(journal_feedback(j, &fb, fb_id, NULL), -ENOENT); /* waits for the disk */
}

static bool has_answer(struct journal *j, const char *id)
{
	struct journal_feedback fb = { .answer_id = id, .uid = 7, .rating = "up" };
	char fb_id[JOURNAL_ID_MAX];
	int rc = journal_feedback(j, &fb, fb_id, NULL);

	assert_true(rc == 0 || rc == -ENOENT);
	return rc == 0;
}

static struct journal *open_for_30_days(const char *dir)
{
	struct journal *j;

	assert_int_equal(journal_open(dir, 30 * DAY_S * 1000, fake_now, &j, NULL), 0);
	return j;
}

static void every_answer_is_written(void **state)
{
	struct journal *j;
	struct journal_stats stats;
	struct journal_answer a;
	char id[JOURNAL_ID_MAX];

	assert_int_equal(journal_open(*state, 0, steady_read, &j, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "ans-%d", i);
		a = answer(id, 7);
		journal_add(j, &a);
	}
	assert_true(has_answer(j, "ans-2999"));
	journal_stats(j, &stats);
	assert_int_equal(stats.n_written, 3000);
	assert_int_equal(stats.n_lost, 0);
	journal_close(j);
}

static void answers_go_when_their_time_is_over(void **state)
{
	struct journal *j;

	begin_time();
	j = open_for_30_days(*state);
	write_answer(j, "old");
	time_passes(29 * DAY_S);
	write_answer(j, "newer");
	assert_true(has_answer(j, "old"));
	time_passes(2 * DAY_S);
	write_answer(j, "new");
	assert_false(has_answer(j, "old"));
	assert_true(has_answer(j, "newer"));
	journal_close(j);

	print_message("also while the daemon is stopped\n");
	time_passes(29 * DAY_S);
	j = open_for_30_days(*state);
	write_answer(j, "last");
	assert_false(has_answer(j, "newer"));
	assert_true(has_answer(j, "new"));
	journal_close(j);
}

static void a_clock_that_jumps_purges_nothing(void **state)
{
	static const struct {
		const char *name;
		int64_t jump_s;
		bool restart;
	} rows[] = {
		{ "30 days ahead", 31 * DAY_S, false },
		{ "30 days back", -31 * DAY_S, false },
		{ "30 days ahead while stopped", 31 * DAY_S, true },
		{ "30 days back while stopped", -31 * DAY_S, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct journal *j;
		char dir[128];

		print_message("%s\n", rows[i].name);
		snprintf(dir, sizeof(dir), "%s/%zu", (const char *)*state, i);
		assert_int_equal(mkdir(dir, 0700), 0);
		begin_time();
		j = open_for_30_days(dir);
		write_answer(j, "before");
		if (rows[i].restart)
			journal_close(j);
		time_is.wall_s += rows[i].jump_s;
		if (rows[i].restart)
			j = open_for_30_days(dir);
		time_passes(2 * 3600);
		write_answer(j, "after");
		assert_true(has_answer(j, "before"));
		print_message("nor when it is set right again\n");
		time_is.wall_s -= rows[i].jump_s;
		time_passes(2 * 3600);
		write_answer(j, "again");
		assert_true(has_answer(j, "before"));
		assert_true(has_answer(j, "after"));
		print_message("and 30 days are 30 days\n");
		time_passes(30 * DAY_S + 1);
		write_answer(j, "last");
		assert_false(has_answer(j, "before"));
		assert_false(has_answer(j, "again"));
		journal_close(j);
	}
}

static void a_file_of_the_first_format_goes_on(void **state)
{
	static const char first[] =
		"CREATE TABLE answers ("
		" id TEXT PRIMARY KEY, uid INTEGER NOT NULL, at INTEGER NOT NULL, assistant TEXT "
		"NOT NULL,"
		" finish TEXT NOT NULL, abstained INTEGER NOT NULL, findings TEXT, sources TEXT,"
		" n_prompt INTEGER NOT NULL, n_output INTEGER NOT NULL, first_us INTEGER NOT NULL,"
		" total_us INTEGER NOT NULL) WITHOUT ROWID;"
		"CREATE INDEX answers_at ON answers(at);"
		"CREATE TABLE feedback ("
		" id TEXT PRIMARY KEY, answer_id TEXT NOT NULL UNIQUE, uid INTEGER NOT NULL,"
		" at INTEGER NOT NULL, rating TEXT NOT NULL, reason TEXT, comment TEXT, better "
		"TEXT,"
		" question TEXT, answer TEXT);"
		"INSERT INTO answers VALUES"
		" ('kept',7,1799000000,'a','stop',0,NULL,NULL,0,0,0,0),"
		" ('old',7,1797000000,'a','stop',0,NULL,NULL,0,0,0,0);"
		"INSERT INTO feedback VALUES"
		" ('fb-1','kept',7,1799000000,'up',NULL,NULL,NULL,'Why?','Because.');";
	struct journal *j;
	char path[128], *text;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/journal.db", (const char *)*state);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, first, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	begin_time();
	j = open_for_30_days(*state);
	text = exported(j);
	assert_non_null(strstr(text, "\"question\":\"Why?\""));
	free(text);
	write_answer(j, "new");
	assert_true(has_answer(j, "kept"));
	assert_false(has_answer(j, "old"));
	journal_close(j);
	j = open_for_30_days(*state);
	assert_true(has_answer(j, "new"));
	journal_close(j);
}

static void nobody_else_reads_it(void **state)
{
	static const char *const names[] = { "journal.db", "journal.db-wal", "journal.db-shm" };
	struct journal_answer a = answer("ans-1", 7);
	struct journal *j;
	char path[128], id[JOURNAL_ID_MAX];
	struct stat st;

	umask(022);
	assert_int_equal(journal_open(*state, 0, steady_read, &j, NULL), 0);
	journal_add(j, &a);
	assert_int_equal(journal_feedback(j,
					  &(struct journal_feedback){
						  .answer_id = "ans-1", .uid = 7, .rating = "up" },
					  id, NULL),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", (char *)*state, names[i]);
		assert_int_equal(stat(path, &st), 0);
		print_message("%s: %04o\n", names[i], (unsigned)st.st_mode & 07777);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	journal_close(j);
}

/* Each of the state's files stays as small as it is. */
static void disk_full(bool full)
{
	struct rlimit l = { full ? 8192 : RLIM_INFINITY, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void what_a_full_disk_lost_is_told(void **state)
{
	struct journal_feedback fb = { .answer_id = "lost", .uid = 7, .rating = "up" };
	struct journal_answer a = answer("kept", 7);
	struct journal_stats stats;
	struct ragd_err err = { 0 };
	char id[JOURNAL_ID_MAX], log[512] = "";
	struct journal *j;
	int fds[2], saved;

	assert_int_equal(journal_open(*state, 0, steady_read, &j, NULL), 0);
	journal_add(j, &a);
	fb.answer_id = "kept";
	assert_int_equal(journal_feedback(j, &fb, id, NULL), 0);

	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	disk_full(true);
	a = answer("lost", 7);
	journal_add(j, &a);
	fb.answer_id = "lost";
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOSPC);
	assert_string_equal(err.msg, "answer 'lost' was not recorded, so it cannot be rated: the "
				     "disk was full");
	for (int i = 0; i < 100; i++) {
		a = answer("lost too", 7);
		journal_add(j, &a);
	}
	fb.answer_id = "kept";
	assert_int_equal(journal_feedback(j, &fb, id, &err),
			 -ENOSPC); /* nor is there room for this */
	disk_full(false);

	print_message("whose it is counts here, too\n");
	fb.answer_id = "lost";
	fb.uid = 8;
	assert_int_equal(journal_feedback(j, &fb, id, &err), -ENOENT);
	fb.uid = 7;
	print_message("with room again all goes on\n");
	fb.answer_id = "kept";
	assert_int_equal(journal_feedback(j, &fb, id, &err), 0);
	a = answer("later", 7);
	journal_add(j, &a);
	fb.answer_id = "later";
	assert_int_equal(journal_feedback(j, &fb, id, &err), 0);
	journal_stats(j, &stats);
	assert_int_equal(stats.n_lost, 101);
	assert_int_equal(stats.n_written, 2);
	journal_close(j);

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	assert_true(read(fds[0], log, sizeof(log) - 1) > 0);
	close(fds[0]);
	print_message("%s", log);
	assert_non_null(strstr(log, "event=journal-lost answers=1 total=1 error=\"journal: "));
	assert_non_null(strstr(log, "answers=100 total=101")); /* at the end: not a line for each */
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
	assert_int_equal(journal_open(*state, 0, steady_read, &j, &err), -EIO);
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
		TEST(however_much_one_asks_the_texts_of_others_stay),
		TEST(every_answer_is_written),
		TEST(answers_go_when_their_time_is_over),
		TEST(a_clock_that_jumps_purges_nothing),
		TEST(a_file_of_the_first_format_goes_on),
		TEST(nobody_else_reads_it),
		TEST(what_a_full_disk_lost_is_told),
		TEST(a_corrupt_file_is_refused_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
