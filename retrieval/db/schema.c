#include "retrieval/db/schema.h"

#include <string.h>

#include "retrieval/db/fts.h"

#define APPLICATION_ID  0x72616764 /* "ragd" */
#define SCHEMA_VERSION  3
#define AS_TEXT(n)      #n
#define PRAGMA(name, n) "PRAGMA " #name " = " AS_TEXT(n) ";"

/*
 * content.id is document << 16 | piece. A row of vector has those of a run of passages of one
 * document; its id is the first passage << 1 | generation & 1, of the embedder of its collection.
 * fts holds terms only (contentless): their text is in content and passage, once.
 */
#define TAG_TABLE                                                                                  \
	"CREATE TABLE tag(collection INTEGER NOT NULL, tag TEXT NOT NULL,"                         \
	" document INTEGER NOT NULL, PRIMARY KEY(collection, tag, document)) WITHOUT ROWID;"
#define EMBEDDER_TABLE                                                                             \
	"CREATE TABLE embedder(collection INTEGER NOT NULL, generation INTEGER NOT NULL,"          \
	" digest TEXT NOT NULL, dim INTEGER NOT NULL, n_fitted INTEGER NOT NULL,"                  \
	" encoder TEXT NOT NULL, model BLOB NOT NULL, PRIMARY KEY(collection, generation));"
#define DOCUMENT_INDEX "CREATE INDEX document_of ON document(collection);"

static const char schema_sql[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE collection(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
	" owner INTEGER NOT NULL, grp INTEGER NOT NULL, mode INTEGER NOT NULL,"
	" updated INTEGER NOT NULL, generation INTEGER NOT NULL DEFAULT 0,"
	" changes INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE document(id INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
	" name TEXT NOT NULL, title TEXT NOT NULL, given_title TEXT NOT NULL,"
	" media_type TEXT NOT NULL, digest TEXT NOT NULL, tags TEXT NOT NULL,"
	" n_bytes INTEGER NOT NULL, updated INTEGER NOT NULL, first_passage INTEGER NOT NULL,"
	" n_passages INTEGER NOT NULL, lengths BLOB NOT NULL, UNIQUE(collection, name));"
	"CREATE TABLE content(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
	"CREATE TABLE passage(id INTEGER PRIMARY KEY, start_at INTEGER NOT NULL,"
	" end_at INTEGER NOT NULL, heading TEXT NOT NULL, body TEXT, runs BLOB);"
	"CREATE TABLE vector(id INTEGER PRIMARY KEY, data BLOB NOT NULL);" TAG_TABLE EMBEDDER_TABLE
		DOCUMENT_INDEX
	"CREATE VIRTUAL TABLE fts USING fts5(title, heading, body, content = '', columnsize = 0,"
	" tokenize = 'ragd');"
	"INSERT INTO fts(fts, rank) VALUES('hashsize', 4194304);" PRAGMA(
		application_id, APPLICATION_ID) PRAGMA(user_version, SCHEMA_VERSION);

/*
 * Vectors and embedders are made again in any case: format 2 kept vectors by document, format 1 had
 * one embedder for all collections, and tags without a collection. There, the full-text index is
 * built again, too, because TERMS_VERSION is another.
 */
static const char from_2_sql[] =
	"DROP TABLE embedder;"
	"DELETE FROM vector;"
	"UPDATE collection SET generation = 0, changes = changes + 1;" EMBEDDER_TABLE PRAGMA(
		user_version, SCHEMA_VERSION);

static const char from_1_sql[] =
	"ALTER TABLE collection ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE collection ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tag RENAME TO tag_1;"
	"DROP TABLE embedder;"
	"DELETE FROM vector;"
	"DELETE FROM meta WHERE key IN ('changes', 'generation');" TAG_TABLE EMBEDDER_TABLE
		DOCUMENT_INDEX "INSERT INTO tag(collection, tag, document)"
	" SELECT document.collection, tag_1.tag, document.id FROM tag_1, document"
	" WHERE document.id = tag_1.document;"
	"DROP TABLE tag_1;" PRAGMA(user_version, SCHEMA_VERSION);

int schema_connect(struct db *db, const char *path, enum db_mode mode, struct ragd_err *err)
{
	int rc = db_open(db, path, mode, err);

	if (rc < 0)
		return rc;
	rc = fts_register(db->h, err);
	if (rc < 0)
		db_close(db);
	return rc;
}

/* All or nothing: what a crash interrupts is begun again. */
static int run_transaction(struct db *db, const char *sql, struct ragd_err *err)
{
	int rc;

	db_exec(db, "BEGIN EXCLUSIVE");
	db_exec(db, sql);
	db_exec(db, "COMMIT");
	rc = db_result(db, err);
	if (rc < 0)
		db_roll_back(db);
	return rc;
}

static int check_pages(struct db *db, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_prepare(db, "PRAGMA quick_check(1)");
	struct ragd_str said = RAGD_STR("ok");
	int rc;

	if (db_next(db, stmt))
		said = db_column_str(stmt, 0);
	rc = db_result(db, err);
	if (rc == 0 && (said.len != 2 || memcmp(said.s, "ok", 2) != 0))
		rc = db_damaged(db, (const char *)sqlite3_column_text(stmt, 0), err);
	sqlite3_finalize(stmt);
	return rc;
}

int schema_ready(struct db *db, bool thorough, struct ragd_err *err)
{
	int64_t application = db_read_int(db, "PRAGMA application_id");
	int64_t version = db_read_int(db, "PRAGMA user_version");
	int64_t n_tables = db_read_int(db, "SELECT count(*) FROM sqlite_schema");
	int rc = db_result(db, err);

	if (rc < 0)
		return rc;
	if (application == 0 && version == 0 && n_tables == 0) {
		db_exec(db, "PRAGMA journal_mode = WAL");
		return run_transaction(db, schema_sql, err);
	}
	if (application != APPLICATION_ID)
		return ragd_err_set(err, -EINVAL,
				    "'%s' is another program's database: move it away or choose "
				    "another state directory",
				    db->path);
	if (version < 1 || version > SCHEMA_VERSION)
		return ragd_err_set(
			err, -ENOTSUP,
			"the store '%s' has format %d, this ragd reads %d: use the ragd "
			"that made it",
			db->path, (int)version, SCHEMA_VERSION);
	rc = thorough ? check_pages(db, err) : 0;
	if (rc == 0 && version < SCHEMA_VERSION)
		rc = run_transaction(db, version == 1 ? from_1_sql : from_2_sql, err);
	return rc;
}
