/* A store of a format before: opened, upgraded, nothing of it lost. */
#include "tests/retrieval/stores.h"

#include "retrieval/db/schema.h"

/* What format 1 was, made of a store of today's. */
static const char to_format_1[] =
	"BEGIN;"
	"CREATE TABLE tag_1(tag TEXT NOT NULL, document INTEGER NOT NULL,"
	" PRIMARY KEY(tag, document)) WITHOUT ROWID;"
	"INSERT INTO tag_1 SELECT tag, document FROM tag;"
	"DROP TABLE tag;"
	"ALTER TABLE tag_1 RENAME TO tag;"
	"DROP TABLE embedder;"
	"CREATE TABLE embedder(generation INTEGER PRIMARY KEY, digest TEXT NOT NULL,"
	" dim INTEGER NOT NULL, n_fitted INTEGER NOT NULL, model BLOB NOT NULL);"
	"INSERT INTO embedder VALUES(1, 'digest', 2, 3, x'00');"
	"INSERT INTO vector(id, data) VALUES(2000001, x'00');"
	"DROP INDEX document_of;"
	"ALTER TABLE collection DROP COLUMN generation;"
	"ALTER TABLE collection DROP COLUMN changes;"
	"INSERT INTO meta(key, value) VALUES('changes', 7), ('generation', 1);"
	"UPDATE meta SET value = '1/english' WHERE key = 'terms';"
	"INSERT INTO fts(fts) VALUES('delete-all');"
	"PRAGMA user_version = 1;"
	"COMMIT";

/* Format 2 kept vectors by document. */
static const char to_format_2[] =
	"BEGIN;"
	"DELETE FROM vector;"
	"INSERT INTO vector(id, data) SELECT id * 2 + 1, zeroblob(256) FROM document;"
	"ALTER TABLE embedder DROP COLUMN encoder;"
	"PRAGMA user_version = 2;"
	"COMMIT";

static void make_old(struct fixture *f, const char *sql)
{
	char path[200];
	struct ragd_err err = { 0 };
	struct db db;

	fixture_close(f);
	snprintf(path, sizeof(path), "%s/store.sqlite", f->dir);
	if (schema_connect(&db, path, DB_WRITER, &err) == 0)
		db_exec(&db, sql);
	if (err.code < 0 || db_result(&db, &err) < 0)
		fail_msg("%s", err.msg);
	db_close(&db);
}

static void add_many(struct fixture *f)
{
	char text[200], id[16];

	for (unsigned i = 0; i < 220; i++) {
		make_text(text, sizeof(text) - 20, i + 1, 20);
		strcat(text, " anchor");
		snprintf(id, sizeof(id), "%u", i);
		add(f, "many", id, text);
	}
}

static void format_2_is_taken_over(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;

	add_many(f);
	assert_int_equal(store_settle(f->store, NULL), 0);
	make_old(f, to_format_2);
	fixture_open(f);
	assert_int_equal(f->events[STORE_REINDEXED], 0);
	assert_int_equal(f->events[STORE_TROUBLE], 0);
	assert_int_equal(find(f, "anchor", &hits), 10);
	assert_int_equal(store_settle(f->store, NULL), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, 220);
	assert_int_equal(st.n_vectors, 220);
}

static void format_1_is_taken_over(void **state)
{
	struct fixture *f = *state;
	struct ragd_str tags[1] = { RAGD_STR("b") };
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("harbour"), .k = 10 };
	struct ragd_document_info info;
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;
	struct ragd_str content;
	size_t n;

	add_many(f);
	add_tagged(f, "few", "a.txt", "the harbour of Anna", "a");
	add_tagged(f, "few", "b.txt", "the harbour of Ben", "b");
	make_old(f, to_format_1);
	fixture_open(f);
	assert_int_equal(f->events[STORE_REINDEXED], 1);
	assert_int_equal(f->events[STORE_TROUBLE], 0);
	assert_int_equal(find(f, "harbour", &hits), 2);
	q.tags = tags;
	q.n_tags = 1;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(hits[0].document, "b.txt");
	assert_int_equal(
		store_get(f->store, &f->call.call, "few", str("a.txt"), &info, &content, NULL), 0);
	assert_int_equal(content.len, strlen("the harbour of Anna"));
	assert_memory_equal(content.s, "the harbour of Anna", content.len);
	assert_int_equal(store_settle(f->store, NULL), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, 222);
	assert_int_equal(st.n_vectors, 220);
	/* And what is in it can be changed, with nothing left behind in the index. */
	assert_int_equal(store_remove(f->store, &f->call.call, "few", str("b.txt"), NULL), 0);
	assert_int_equal(find(f, "harbour", &hits), 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(f->events[STORE_REINDEXED], 1);
	assert_int_equal(f->events[STORE_VECTORS_REBUILT], 0);
	assert_int_equal(find(f, "harbour", &hits), 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(format_1_is_taken_over),
		CASE(format_2_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
