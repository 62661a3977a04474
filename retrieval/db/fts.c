#include "retrieval/db/fts.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/text/words.h"
#include "base/util.h"
#include "retrieval/db/db.h"
#include "retrieval/passages/terms.h"

#define SINK_TYPE "ragd_postings"

/* Append one; -ENOMEM. */
static int postings_push(struct postings *list, uint32_t passage, float tf)
{
	if (!array_reserve(&list->p, &list->cap, list->n + 1, sizeof(*list->p)))
		return -ENOMEM;
	list->p[list->n++] = (struct posting){ passage, tf };
	return 0;
}

void postings_fini(struct postings *list)
{
	free(list->p);
	memset(list, 0, sizeof(*list));
}

/*
 * ---- the tokenizer ----
 *
 * A text is the collection's number, a newline, and stems, each followed by a space; a token is the
 * number, a space and a stem. No stem is longer than WORD_MAX.
 */

#define HEAD_MAX 16 /* bytes of a number with its newline */

/* The bytes of the number in front of the text, or 0. */
static size_t head_len(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len < HEAD_MAX ? len : HEAD_MAX);

	return end != NULL ? (size_t)(end - text) : 0;
}

static int tokenizer_new(void *arg, const char **argv, int argc, Fts5Tokenizer **out)
{
	static int instance; /* it has no state, but FTS5 wants a pointer */

	(void)arg;
	(void)argv;
	(void)argc;
	*out = (Fts5Tokenizer *)&instance;
	return SQLITE_OK;
}

static void tokenizer_free(Fts5Tokenizer *tokenizer)
{
	(void)tokenizer;
}

static int tokenizer_split(Fts5Tokenizer *tokenizer, void *ctx, int flags, const char *text,
			   int len,
			   int (*token)(void *ctx, int tflags, const char *s, int n, int start,
					int end))
{
	size_t n_head = len > 0 ? head_len(text, (size_t)len) : 0;
	char out[HEAD_MAX + WORD_MAX];
	int at = (int)n_head + 1;

	(void)tokenizer;
	(void)flags;
	if (n_head == 0)
		return SQLITE_OK;
	memcpy(out, text, n_head);
	out[n_head++] = ' ';
	while (at < len) {
		const char *space = memchr(text + at, ' ', (size_t)(len - at));
		int end = space != NULL ? (int)(space - text) : len;
		size_t n = MIN((size_t)(end - at), WORD_MAX);

		if (n > 0) {
			int rc;

			memcpy(out + n_head, text + at, n);
			rc = token(ctx, 0, out, (int)(n_head + n), at, end);
			if (rc != SQLITE_OK)
				return rc;
		}
		at = end + 1;
	}
	return SQLITE_OK;
}

/* ---- ragd_postings(fts, sink): adds the row to the sink and says false ---------------------- */

static int count_row(const Fts5ExtensionApi *api, Fts5Context *fts, float *tf)
{
	Fts5PhraseIter it;
	int column, offset, rc;

	*tf = 0;
	rc = api->xPhraseFirst(fts, 0, &it, &column, &offset);
	for (; rc == SQLITE_OK && column >= 0; api->xPhraseNext(fts, &it, &column, &offset))
		if (column < TERMS_COLUMNS)
			*tf += terms_weight[column];
	return rc;
}

static void postings_function(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *ctx,
			      int n_args, sqlite3_value **args)
{
	struct postings *sink = n_args == 1 ? sqlite3_value_pointer(args[0], SINK_TYPE) : NULL;
	float tf;
	int rc;

	if (sink == NULL) {
		sqlite3_result_error(ctx, "ragd_postings is for ragd itself", -1);
		return;
	}
	rc = count_row(api, fts, &tf);
	if (rc != SQLITE_OK)
		sqlite3_result_error_code(ctx, rc);
	else if (postings_push(sink, (uint32_t)api->xRowid(fts), tf) < 0)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_int(ctx, 0);
}

static fts5_api *find_api(sqlite3 *h)
{
	sqlite3_stmt *stmt = NULL;
	fts5_api *api = NULL;

	if (sqlite3_prepare_v2(h, "SELECT fts5(?1)", -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
		sqlite3_step(stmt);
	}
	sqlite3_finalize(stmt);
	return api;
}

int fts_register(sqlite3 *h, struct ragd_err *err)
{
	static fts5_tokenizer tokenizer = { tokenizer_new, tokenizer_free, tokenizer_split };
	fts5_api *api = find_api(h);

	if (api == NULL || api->iVersion < 2)
		return ragd_err_set(err, -ENOTSUP, "this SQLite was built without FTS5");
	if (api->xCreateTokenizer(api, "ragd", NULL, &tokenizer, NULL) != SQLITE_OK ||
	    api->xCreateFunction(api, "ragd_postings", NULL, postings_function, NULL) != SQLITE_OK)
		return ragd_err_set(err, -ENOMEM, "out of memory for the full-text index");
	return 0;
}

/* The texts of the columns, each with the collection in front, in one buffer. */
static int write_row(struct db *db, enum sql id, uint32_t collection, int64_t passage,
		     const struct terms_passage *p, struct ragd_err *err)
{
	struct db_arg args[1 + TERMS_COLUMNS + 1] = { db_int(passage) };
	size_t ends[TERMS_COLUMNS], start = 0;
	struct buf *texts = &db->texts;

	buf_clear(texts);
	for (int i = 0; i < TERMS_COLUMNS; i++) {
		buf_printf(texts, "%u\n", (unsigned)collection);
		buf_add(texts, p->tokens[i].s, p->tokens[i].len);
		ends[i] = texts->len;
	}
	if (buf_failed(texts))
		return ragd_err_set(err, -ENOMEM, "out of memory for the full-text index");
	for (int i = 0; i < TERMS_COLUMNS; i++) { /* now that texts stays where it is */
		args[1 + i] = db_str((struct ragd_str){ texts->data + start, ends[i] - start });
		start = ends[i];
	}
	db_run(db, id, args);
	return db_result(db, err);
}

int fts_add(struct db *db, uint32_t collection, int64_t passage, const struct terms_passage *p,
	    struct ragd_err *err)
{
	return write_row(db, SQL_FTS_ADD, collection, passage, p, err);
}

int fts_remove(struct db *db, uint32_t collection, int64_t passage, const struct terms_passage *p,
	       struct ragd_err *err)
{
	return write_row(db, SQL_FTS_DROP, collection, passage, p, err);
}

int fts_postings(struct db *db, uint32_t collection, struct ragd_str stem, struct postings *out,
		 struct ragd_err *err)
{
	struct postings list = { 0 };
	struct buf match = BUF_INIT;
	sqlite3_stmt *stmt;
	int rc;

	buf_printf(&match, "\"%u\n", (unsigned)collection);
	for (size_t i = 0; i < stem.len; i++) {
		buf_addc(&match, stem.s[i]);
		if (stem.s[i] == '"')
			buf_addc(&match, '"');
	}
	buf_addc(&match, '"');
	if (buf_failed(&match)) {
		rc = ragd_err_set(err, -ENOMEM, "out of memory for a query");
		goto out;
	}
	stmt = db_query(db, SQL_FTS_POSTINGS,
			DB_ARGS(db_str(buf_str(&match)), db_pointer(&list, SINK_TYPE)));
	while (db_next(db, stmt))
		;
	db_reset(stmt);
	rc = db_result(db, err);
	if (rc == 0) {
		*out = list;
		list = (struct postings){ 0 };
	}
out:
	postings_fini(&list);
	buf_fini(&match);
	return rc;
}
