#include "retrieval/store/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/db/fts.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/index/vectors.h"
#include "retrieval/passages/passages.h"
#include "retrieval/passages/prepare.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"
#include "retrieval/wanted.h"

/* What the transaction must know of a stored document. */
struct stored {
	uint32_t id;
	bool same; /* as the prepared one */
	struct catalog_document place;
	struct ragd_str title; /* the writer's arena's */
	struct ragd_str tags;
};

static bool same_str(struct ragd_str a, struct ragd_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

bool document_same(sqlite3_stmt *stmt, const struct prepared *p)
{
	struct ragd_str digest = { p->digest, DIGEST_HEX };
	struct ragd_str kind = { p->media_type, strlen(p->media_type) };

	return same_str(db_column_str(stmt, 4), digest) &&
	       same_str(db_column_str(stmt, 2), p->given_title) &&
	       same_str(db_column_str(stmt, 3), kind) && same_str(db_column_str(stmt, 5), p->tags);
}

static int copy_stored(struct store *s, sqlite3_stmt *stmt, uint32_t collection,
		       const struct prepared *p, struct stored *out)
{
	out->id = (uint32_t)sqlite3_column_int64(stmt, 0);
	out->same = p != NULL && document_same(stmt, p);
	out->place.id = out->id;
	out->place.collection = collection;
	out->place.n_bytes = (uint64_t)sqlite3_column_int64(stmt, 6);
	out->place.first_passage = (uint32_t)sqlite3_column_int64(stmt, 8);
	out->place.n_passages = (uint32_t)sqlite3_column_int64(stmt, 9);
	out->title = arena_str(s->arena, db_column_str(stmt, 1));
	out->tags = arena_str(s->arena, db_column_str(stmt, 5));
	return out->title.s == NULL || out->tags.s == NULL ? -ENOMEM : 0;
}

/* 1 and *out; 0 if there is none; negative on failure. */
static int document_find(struct store *s, struct db *db, uint32_t collection, struct ragd_str id,
			 const struct prepared *p, struct stored *out, struct ragd_err *err)
{
	sqlite3_stmt *stmt =
		db_query(db, SQL_DOCUMENT_FIND, DB_ARGS(db_int(collection), db_str(id)));
	bool found = db_next(db, stmt);
	int rc = found ? copy_stored(s, stmt, collection, p, out) : 0;

	db_reset(stmt);
	if (rc < 0)
		return ragd_err_set(err, rc, "out of memory for a stored document");
	rc = db_result(db, err);
	return rc < 0 ? rc : found;
}

static void write_tags(struct db *db, enum sql id, struct ragd_str tags,
		       const struct catalog_document *d)
{
	struct ragd_str tag;

	while (prepare_next_tag(&tags, &tag))
		db_run(db, id, DB_ARGS(db_int(d->collection), db_str(tag), db_int(d->id)));
}

/*
 * FTS5 without content is told which terms to forget: they are made from the stored text again, by
 * the same code that made them (TERMS_VERSION).
 */
static int drop_terms(struct store *s, struct db *db, const struct stored *doc,
		      struct ragd_err *err)
{
	struct memory m = memory_of_arena(s->arena);
	struct passage *passages;
	ssize_t n = passages_read(db, &m, doc->id, doc->place.first_passage, doc->place.n_passages,
				  &passages, err);
	int rc = 0;

	if (n < 0)
		return (int)n;
	for (ssize_t i = 0; rc == 0 && i < n; i++) {
		struct terms_passage terms;

		rc = terms_passage(s->terms, s->arena, doc->title, passages[i].heading,
				   passages[i].text, &terms, err);
		if (rc == 0)
			rc = fts_remove(db, doc->place.collection, passages[i].id, &terms, err);
	}
	return rc;
}

static int drop_rows(struct store *s, struct db *db, const struct stored *doc, struct ragd_err *err)
{
	int64_t first = doc->place.first_passage, last = first + doc->place.n_passages - 1;
	int64_t content = (int64_t)doc->id << 16;
	int rc = drop_terms(s, db, doc, err);

	if (rc < 0)
		return rc;
	db_run(db, SQL_PASSAGE_DROP, DB_ARGS(db_int(first), db_int(last)));
	db_run(db, SQL_CONTENT_DROP, DB_ARGS(db_int(content), db_int(content | 0xffff)));
	db_run(db, SQL_VECTOR_DROP, DB_ARGS(db_int(first << 1), db_int(last << 1 | 1)));
	write_tags(db, SQL_TAG_DROP, doc->tags, &doc->place);
	db_run(db, SQL_DOCUMENT_DROP, DB_ARGS(db_int(doc->id)));
	return db_result(db, err);
}

static int add_passage(struct db *db, uint32_t collection, uint32_t id,
		       const struct prepared_passage *p, struct ragd_err *err)
{
	const struct chunk *c = &p->chunk;
	bool extracted = c->runs != NULL; /* else the text is in the content */

	db_run(db, SQL_PASSAGE_ADD,
	       DB_ARGS(db_int(id), db_int((int64_t)c->start), db_int((int64_t)c->end),
		       db_str(c->heading), extracted ? db_str(c->text) : db_null(),
		       extracted ? db_blob(c->runs, c->n_runs * sizeof(*c->runs)) : db_null()));
	return fts_add(db, collection, id, &p->terms, err);
}

static void add_document(struct db *db, const struct catalog_document *d, const struct prepared *p)
{
	db_run(db, SQL_DOCUMENT_ADD,
	       DB_ARGS(db_int(d->id), db_int(d->collection), db_str(p->id), db_str(p->title),
		       db_str(p->given_title), db_text(p->media_type), db_text(p->digest),
		       db_str(p->tags), db_int((int64_t)p->content.len), db_int(store_now()),
		       db_int(d->first_passage), db_int(d->n_passages),
		       db_blob(p->lengths, p->n_passages * sizeof(*p->lengths))));
}

static int add_rows(struct db *db, const struct ragd_call *call, const struct catalog_document *d,
		    const struct prepared *p, struct ragd_err *err)
{
	struct wanted wanted = { .call = call };
	int rc;

	add_document(db, d, p);
	write_tags(db, SQL_TAG_ADD, p->tags, d);
	rc = db_result(db, err);
	if (rc == 0)
		rc = content_write(db, d->id, p->content, &wanted, err);
	for (uint32_t i = 0; rc == 0 && i < p->n_passages; i++) {
		if (!wanted_still(&wanted, p->passages[i].chunk.text.len))
			return ragd_err_set(err, wanted.err.code, "%s", wanted.err.msg);
		rc = add_passage(db, d->collection, d->first_passage + i, &p->passages[i], err);
	}
	return rc;
}

/*
 * The vectors of a document for one embedder: those it was prepared with, or, when another was
 * learned meanwhile, made here.
 */
static int add_vectors(struct db *db, const struct embedding_index *m, const struct prepared *p,
		       struct change *change, uint32_t first, struct ragd_err *err)
{
	size_t n;
	uint16_t *f16;

	if (m->embedder == NULL || !embedder_is_learned(m->embedder))
		return 0; /* an encoder is slow: its vectors come in the background */
	n = (size_t)p->n_passages * m->embedder->dim;
	f16 = malloc((n + 1) * sizeof(*f16));
	if (f16 == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	change->f16[embedder_side(m->embedder)] = f16;
	if (p->vectors != NULL && p->embedder == m->embedder)
		memcpy(f16, p->vectors, n * sizeof(*f16));
	else if (embedder_project_passages(m->embedder, p->passages, p->n_passages, f16) < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	embedding_index_write(db, m->embedder, first, p->n_passages, f16);
	return db_result(db, err);
}

static int catalog_room(struct store *s, const struct catalog_document *d, struct ragd_err *err)
{
	int rc;

	pthread_rwlock_wrlock(&s->catalog.lock);
	rc = catalog_reserve(&s->catalog, d, err);
	pthread_rwlock_unlock(&s->catalog.lock);
	return rc;
}

int document_write(struct store *s, struct db *db, const struct ragd_call *call,
		   uint32_t collection, const struct prepared *p, bool always,
		   enum ragd_put_status *status, struct change *change, struct ragd_err *err)
{
	const struct catalog_collection *col = s->catalog.collections[collection];
	struct stored old = { 0 };
	struct catalog_document d = { 0 };
	int found, rc = 0;

	change_clear(change);
	arena_reset(s->arena);
	found = document_find(s, db, collection, p->id, p, &old, err);
	if (found < 0)
		return found;
	if (found && old.same && !always) {
		*status = RAGD_PUT_UNCHANGED;
		change->now.n_passages = old.place.n_passages;
		return 0;
	}
	if (s->next.document == CATALOG_ID_MAX)
		return ragd_err_set(err, -EOVERFLOW,
				    "the store has given out all %u ids of documents: make a new "
				    "one",
				    CATALOG_ID_MAX);
	d.id = found ? old.id : s->next.document;
	d.collection = collection;
	d.first_passage = s->next.passage;
	d.n_passages = p->n_passages;
	d.lengths = p->lengths;
	d.n_bytes = p->content.len;
	/* What the catalog will need is allocated now: after the commit nothing may fail. */
	rc = catalog_room(s, &d, err);
	if (rc == 0 && found)
		rc = drop_rows(s, db, &old, err);
	if (rc == 0)
		rc = add_rows(db, call, &d, p, err);
	if (rc == 0)
		rc = add_vectors(db, &col->now, p, change, d.first_passage, err);
	if (rc == 0)
		rc = add_vectors(db, &col->next, p, change, d.first_passage, err);
	if (rc < 0)
		return rc;
	/* A rollback does not take these back: an id that was handed out is never used again. */
	s->next.document += found ? 0 : 1;
	s->next.passage += p->n_passages;
	change->removed = found;
	change->added = true;
	change->old = old.place;
	change->now = d;
	*status = found ? RAGD_PUT_UPDATED : RAGD_PUT_ADDED;
	return 0;
}

int document_drop(struct store *s, struct db *db, uint32_t collection, struct ragd_str id,
		  struct change *change, struct ragd_err *err)
{
	struct stored old = { 0 };
	int found, rc;

	change_clear(change);
	arena_reset(s->arena);
	found = document_find(s, db, collection, id, NULL, &old, err);
	if (found < 0)
		return found;
	if (found == 0)
		return ragd_err_set(err, -ENOENT, "the collection has no document '%.*s'",
				    (int)MIN(id.len, 120), id.s);
	rc = drop_rows(s, db, &old, err);
	if (rc < 0)
		return rc;
	change->removed = true;
	change->old = old.place;
	return 0;
}

static void apply_vectors(struct store *s, const struct embedding_index *m,
			  const struct change *change)
{
	if (m->vectors == NULL)
		return;
	if (change->added && change->f16[embedder_side(m->embedder)] != NULL)
		vectors_add(m->vectors, &s->catalog, change->now.first_passage,
			    change->now.n_passages, change->f16[embedder_side(m->embedder)]);
}

void change_apply(struct store *s, const struct change *change)
{
	const struct catalog_document *any = change->added ? &change->now : &change->old;
	const struct catalog_collection *col = s->catalog.collections[any->collection];

	if (change->removed) {
		if (col->now.vectors != NULL)
			vectors_remove(col->now.vectors, &s->catalog, &change->old);
		if (col->next.vectors != NULL)
			vectors_remove(col->next.vectors, &s->catalog, &change->old);
		catalog_remove(&s->catalog, &change->old);
	}
	if (change->added) {
		catalog_add(&s->catalog, &change->now);
		apply_vectors(s, &col->now, change);
		apply_vectors(s, &col->next, change);
	}
	if (change->removed)
		catalog_sweep(&s->catalog, &change->old);
}

void change_clear(struct change *change)
{
	free(change->f16[0]);
	free(change->f16[1]);
	memset(change, 0, sizeof(*change));
}
