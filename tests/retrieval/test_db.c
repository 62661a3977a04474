/* One connection: its failures stick until they are told, its statements start afresh each time. */
#include <stdlib.h>

#include "retrieval/db/schema.h"
#include "tests/retrieval/calls.h"
#include "tests/test.h"

struct fixture {
	char dir[64];
	char path[96];
	struct db db;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/ragd-db.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/store.sqlite", f->dir);
	if (schema_connect(&f->db, f->path, DB_WRITER, NULL) < 0 ||
	    schema_ready(&f->db, false, NULL) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	db_close(&f->db);
	test_remove_dir(f->dir);
	free(f);
	return 0;
}

static void add_content(struct db *db, int64_t id, const char *body)
{
	db_run(db, SQL_CONTENT_ADD, DB_ARGS(db_int(id), db_blob(body, strlen(body))));
}

static unsigned count_content(struct db *db, int64_t from, int64_t to)
{
	sqlite3_stmt *stmt = db_query(db, SQL_CONTENT_READ, DB_ARGS(db_int(from), db_int(to)));
	unsigned n = 0;

	while (db_next(db, stmt))
		n++;
	db_reset(stmt);
	return n;
}

static void the_first_failure_stops_what_follows_and_is_told_once(void **state)
{
	struct db *db = &((struct fixture *)*state)->db;
	struct ragd_err err = { 0 };

	add_content(db, 1, "one");
	add_content(db, 1, "again"); /* the id is taken */
	add_content(db, 2, "two");
	assert_int_equal(count_content(db, 0, 9), 0); /* nothing is read either */
	assert_int_equal(db_result(db, &err), -EIO);
	assert_non_null(strstr(err.msg, "write the store"));
	assert_non_null(strstr(err.msg, "UNIQUE"));
	assert_int_equal(db_result(db, NULL), 0);
	assert_int_equal(count_content(db, 0, 9), 1);
	add_content(db, 2, "two");
	assert_int_equal(db_result(db, &err), 0);
	assert_int_equal(count_content(db, 0, 9), 2);
}

static void a_failure_that_nobody_asks_for_the_sentence_of_is_over_too(void **state)
{
	struct db *db = &((struct fixture *)*state)->db;

	add_content(db, 1, "one");
	add_content(db, 1, "again");
	assert_int_equal(db_result(db, NULL), -EIO);
	add_content(db, 3, "three");
	assert_int_equal(db_result(db, NULL), 0);
}

/* Not what the statement was given the last time. */
static void an_argument_that_is_left_out_is_null(void **state)
{
	struct db *db = &((struct fixture *)*state)->db;
	sqlite3_stmt *stmt;

	db_run(db, SQL_PASSAGE_ADD,
	       DB_ARGS(db_int(1), db_int(0), db_int(4), db_text("h"), db_text("body"),
		       db_blob("runs", 4)));
	db_run(db, SQL_PASSAGE_ADD, DB_ARGS(db_int(2), db_int(4), db_int(8), db_text("")));
	stmt = db_query(db, SQL_PASSAGE_READ, DB_ARGS(db_int(1), db_int(2)));
	assert_true(db_next(db, stmt));
	assert_int_equal(sqlite3_column_type(stmt, 4), SQLITE_TEXT);
	assert_true(db_next(db, stmt));
	assert_int_equal(sqlite3_column_type(stmt, 3), SQLITE_TEXT); /* empty, but not NULL */
	assert_int_equal(sqlite3_column_type(stmt, 4), SQLITE_NULL);
	assert_int_equal(sqlite3_column_type(stmt, 5), SQLITE_NULL);
	db_reset(stmt);
	assert_int_equal(db_result(db, NULL), 0);
}

/* Left in the middle of its rows, as an error on the way may leave it. */
static void a_query_begins_at_its_first_row(void **state)
{
	struct db *db = &((struct fixture *)*state)->db;
	sqlite3_stmt *stmt;

	add_content(db, 1, "one");
	add_content(db, 2, "two");
	stmt = db_query(db, SQL_CONTENT_READ, DB_ARGS(db_int(0), db_int(9)));
	assert_true(db_next(db, stmt));
	assert_int_equal(count_content(db, 0, 9), 2);
	assert_int_equal(db_result(db, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_first_failure_stops_what_follows_and_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_failure_that_nobody_asks_for_the_sentence_of_is_over_too, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(an_argument_that_is_left_out_is_null, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_query_begins_at_its_first_row, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
