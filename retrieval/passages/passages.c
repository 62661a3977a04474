#include "retrieval/passages/passages.h"

#include <string.h>

#include "base/util.h"

static void *alloc_arena(void *from, size_t n, size_t size)
{
	return arena_alloc(from, n, size);
}

static void *alloc_call(void *from, size_t n, size_t size)
{
	const struct ragd_call *call = from;

	return call->alloc(call, n, size);
}

struct memory memory_of_arena(struct arena *arena)
{
	return (struct memory){ alloc_arena, arena };
}

struct memory memory_of_call(const struct ragd_call *call)
{
	return (struct memory){ alloc_call, (void *)(uintptr_t)call };
}

char *memory_copy(const struct memory *m, struct ragd_str s)
{
	char *copy = m->alloc(m->from, s.len + 1, 1);

	if (copy != NULL && s.len > 0)
		memcpy(copy, s.s, s.len);
	return copy;
}

static int no_memory(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "the request's memory has no room for what was found");
}

int content_read(struct db *db, uint32_t document, uint64_t from, uint64_t to, char *out,
		 struct ragd_err *err)
{
	int64_t base = (int64_t)document << 16;
	sqlite3_stmt *stmt;
	uint64_t done = from;
	int rc;

	if (from >= to)
		return 0;
	stmt = db_query(db, SQL_CONTENT_READ,
			DB_ARGS(db_int(base + (int64_t)(from / CONTENT_PIECE)),
				db_int(base + (int64_t)((to - 1) / CONTENT_PIECE))));
	while (done < to && db_next(db, stmt)) {
		uint64_t at = (uint64_t)(sqlite3_column_int64(stmt, 0) - base) * CONTENT_PIECE;
		struct ragd_str piece = db_column_str(stmt, 1);
		uint64_t end = MIN(at + piece.len, to);

		if (at > done || end <= done)
			break;
		memcpy(out + (done - from), piece.s + (done - at), end - done);
		done = end;
	}
	db_reset(stmt);
	rc = db_result(db, err);
	if (rc == 0 && done < to)
		rc = db_damaged(db, "a document lacks bytes of its content", err);
	return rc;
}

int content_write(struct db *db, uint32_t document, struct ragd_str content, struct wanted *wanted,
		  struct ragd_err *err)
{
	int64_t id = (int64_t)document << 16;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < content.len; at += CONTENT_PIECE, id++) {
		if (!wanted_still(wanted, CONTENT_PIECE))
			return ragd_err_set(err, wanted->err.code, "%s", wanted->err.msg);
		db_run(db, SQL_CONTENT_ADD,
		       DB_ARGS(db_int(id),
			       db_blob(content.s + at, MIN(CONTENT_PIECE, content.len - at))));
		rc = db_result(db, err);
	}
	return rc;
}

/* Runs are stored as they are in memory: two 32-bit numbers each, little-endian. */
static int copy_row(sqlite3_stmt *stmt, const struct memory *m, struct passage *p)
{
	struct ragd_str runs = db_column_str(stmt, 5);
	char *copy;

	p->id = (uint32_t)sqlite3_column_int64(stmt, 0);
	p->start = (uint64_t)sqlite3_column_int64(stmt, 1);
	p->end = (uint64_t)sqlite3_column_int64(stmt, 2);
	p->heading = db_column_str(stmt, 3);
	p->heading.s = memory_copy(m, p->heading);
	if (p->heading.s == NULL)
		return -ENOMEM;
	p->text = (struct ragd_str){ NULL, 0 };
	if (sqlite3_column_type(stmt, 4) == SQLITE_NULL)
		return 0;
	p->text = db_column_str(stmt, 4);
	p->text.s = memory_copy(m, p->text);
	p->n_runs = runs.len / sizeof(struct ragd_run);
	copy = m->alloc(m->from, p->n_runs + 1, sizeof(struct ragd_run));
	if (p->text.s == NULL || copy == NULL)
		return -ENOMEM;
	memcpy(copy, runs.s, p->n_runs * sizeof(struct ragd_run));
	p->runs = (const struct ragd_run *)(void *)copy;
	return 0;
}

/* The text of passages that are verbatim content. */
static int read_texts(struct db *db, const struct memory *m, uint32_t document,
		      struct passage *passages, ssize_t n, struct ragd_err *err)
{
	int rc = 0;

	for (ssize_t i = 0; rc == 0 && i < n; i++) {
		struct passage *p = &passages[i];
		char *text;

		if (p->text.s != NULL)
			continue;
		if (p->end < p->start || p->end - p->start > UINT32_MAX)
			return db_damaged(db, "a passage ends before it begins", err);
		p->text.len = (size_t)(p->end - p->start);
		text = m->alloc(m->from, p->text.len + 1, 1);
		if (text == NULL)
			return no_memory(err);
		rc = content_read(db, document, p->start, p->end, text, err);
		p->text.s = text;
	}
	return rc;
}

ssize_t passages_read(struct db *db, const struct memory *m, uint32_t document, uint32_t first,
		      uint32_t n, struct passage **out, struct ragd_err *err)
{
	struct passage *passages = m->alloc(m->from, (size_t)n + 1, sizeof(*passages));
	sqlite3_stmt *stmt;
	ssize_t found = 0;
	int rc = 0;

	if (passages == NULL)
		return no_memory(err);
	stmt = db_query(db, SQL_PASSAGE_READ,
			DB_ARGS(db_int(first), db_int((int64_t)first + n - 1)));
	while (rc == 0 && found < (ssize_t)n && db_next(db, stmt))
		if (copy_row(stmt, m, &passages[found++]) < 0)
			rc = no_memory(err);
	db_reset(stmt);
	if (rc == 0)
		rc = db_result(db, err);
	if (rc == 0)
		rc = read_texts(db, m, document, passages, found, err);
	if (rc < 0)
		return rc;
	*out = passages;
	return found;
}
