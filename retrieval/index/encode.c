#include "retrieval/index/encode.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/index/encoder.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/fill.h"
#include "retrieval/index/generation.h"
#include "retrieval/index/vectors.h"
#include "retrieval/passages/passages.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"

#define BATCH        32    /* passages in one call and one transaction */
#define RETRY_MIN_MS 200   /* until the encoder is asked again after a failure … */
#define RETRY_MAX_MS 30000 /* … twice as long each time, up to this */
#define ABSENT_MS    50    /* until one is looked for again that isn't there yet … */
#define TELL_MS      10000 /* … which is no trouble for so long */
#define RATE_OLD     0.8   /* how much of the rate so far is kept with each batch */
#define TRIM_AFTER   256   /* passages: giving memory back takes a moment, too */

struct encode {
	struct store *store;
	pthread_mutex_t lock; /* of what is below */
	char trouble[ENCODE_TROUBLE_MAX];
	double rate;
	uint64_t n_encoded;
	uint64_t n_failures;

	/* The maintenance thread's. */
	int64_t failing_since_ms; /* 0: the encoder works */
	int64_t retry_ms;
	bool told;
	size_t n_untrimmed; /* passages since memory was given back to the system */
};

/* One batch under way. */
struct batch {
	struct encode *encode;
	struct store *store;
	uint32_t collection;
	struct encoder_identity identity; /* what the encoder is now */
	struct embedder *embedder;
	struct encoder_work work;
	struct session *session;
	struct fill fill;
	/* [n]: the passages to be encoded, ascending */
	uint32_t passages[BATCH];
	uint32_t documents[BATCH];
	struct ragd_str texts[BATCH]; /* by passage; len 0: none */
	uint16_t *vectors[BATCH];     /* where each one's goes, in the fill; NULL: it is gone */
	size_t n;
};

int encode_open(struct store *s, struct encode **out, struct ragd_err *err)
{
	struct encode *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an encoder");
	e->store = s;
	pthread_mutex_init(&e->lock, NULL);
	*out = e;
	return 0;
}

void encode_close(struct encode *e)
{
	if (e == NULL)
		return;
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void encode_counts(struct encode *e, uint64_t *n_encoded, uint64_t *n_failures)
{
	pthread_mutex_lock(&e->lock);
	*n_encoded = e->n_encoded;
	*n_failures = e->n_failures;
	pthread_mutex_unlock(&e->lock);
}

static void count_failure(struct encode *e)
{
	pthread_mutex_lock(&e->lock);
	e->n_failures++;
	pthread_mutex_unlock(&e->lock);
}

double encode_rate(struct encode *e)
{
	double rate;

	pthread_mutex_lock(&e->lock);
	rate = e->rate;
	pthread_mutex_unlock(&e->lock);
	return rate;
}

void encode_trouble(struct encode *e, char out[ENCODE_TROUBLE_MAX])
{
	pthread_mutex_lock(&e->lock);
	memcpy(out, e->trouble, sizeof(e->trouble));
	pthread_mutex_unlock(&e->lock);
}

void encode_note_trouble(struct encode *e, const char *msg)
{
	pthread_mutex_lock(&e->lock);
	snprintf(e->trouble, sizeof(e->trouble), "%s", msg);
	pthread_mutex_unlock(&e->lock);
}

/* ---- which index is to be filled ----------------------------------------------------------- */

static bool same_encoder(const struct embedder *e, const struct encoder_identity *now)
{
	return e != NULL && !embedder_is_learned(e) && strcmp(e->digest, now->digest) == 0;
}

/* Whether questions can still be put to what these vectors are from. */
static bool still_answers(const struct store *s, const struct embedder *e)
{
	struct encoder_identity now;

	if (e == NULL || embedder_is_learned(e))
		return e != NULL;
	return encoder_identify(s, e->encoder, &now, NULL) == 0 && same_encoder(e, &now);
}

/* What a collection has, by reference. */
struct encode_state {
	struct embedder *now;
	struct embedder *next;
	bool renewal;
};

/* False if there is nothing to encode. */
static bool read_state(struct batch *b, struct encode_state *out)
{
	struct catalog *c = &b->store->catalog;
	const struct catalog_collection *col;
	bool work = false;

	pthread_rwlock_rdlock(&c->lock);
	col = catalog_collection(c, b->collection);
	if (col != NULL && col->shown && col->n_passages > 0) {
		out->now = embedder_ref(col->now.embedder);
		out->next = embedder_ref(col->next.embedder);
		out->renewal = col->renewal;
		work = true;
	}
	pthread_rwlock_unlock(&c->lock);
	return work;
}

/* How many numbers a vector has, if only a text tells. */
static int find_dim(struct batch *b, struct ragd_err *err)
{
	struct ragd_str text = RAGD_STR("How long is a vector?");
	struct ragd_embeddings out;

	if (b->identity.dim > 0)
		return 0;
	return encoder_embed(b->store, b->store->encoder, &b->work, RAGD_EMBED_PASSAGE, &text, 1,
			     &out, &b->identity, err);
}

/* What another encoder began is of no use, nor what a crash left of it. */
static int drop_next(struct batch *b, bool has_next, struct ragd_err *err)
{
	int rc = has_next ? generation_abandon(b->store, b->collection, err) : 0;

	if (rc == 0)
		rc = generation_clean(b->store, b->collection, b->work.stop, b->work.arg, err);
	return rc;
}

/*
 * A new index, next to the one in use as long as that one serves: what an encoder made that is no
 * longer there is of no use to anybody.
 */
static int begin_index(struct batch *b, const struct embedder *now, bool has_next,
		       struct ragd_err *err)
{
	struct store *s = b->store;
	int rc = find_dim(b, err);

	if (rc == 0)
		rc = drop_next(b, has_next, err);
	if (rc == 0)
		rc = embedder_of_encoder(s->encoder, b->identity.digest, b->identity.dim,
					 &b->embedder, err);
	if (rc == 0)
		rc = generation_begin(s, b->collection, b->embedder, err);
	if (rc == 0 && !still_answers(s, now))
		rc = generation_switch(s, b->collection, err);
	return rc;
}

/* Sets b->embedder, whose index is there, unless there is nothing to encode. */
static int choose_index(struct batch *b, struct ragd_err *err)
{
	struct encode_state has = { 0 };
	int rc = 0;

	if (!read_state(b, &has))
		return 0;
	if (same_encoder(has.next, &b->identity)) {
		b->embedder = embedder_ref(has.next);
	} else if (same_encoder(has.now, &b->identity) && !has.renewal) {
		if (has.next != NULL)
			rc = drop_next(b, true, err);
		b->embedder = embedder_ref(has.now);
	} else {
		rc = begin_index(b, has.now, has.next != NULL, err);
	}
	embedder_unref(has.now);
	embedder_unref(has.next);
	return rc;
}

/* ---- passages without vectors -------------------------------------------------------------- */

static struct embedding_index *index_of(const struct batch *b)
{
	struct catalog_collection *col = catalog_collection(&b->store->catalog, b->collection);

	if (col != NULL && col->now.embedder == b->embedder)
		return &col->now;
	return col != NULL && col->next.embedder == b->embedder ? &col->next : NULL;
}

/*
 * From `from` on; returns where the next look begins: not behind the last passage that there is,
 * since the next one comes right after it. With the catalog locked.
 */
static uint32_t choose_from(struct batch *b, uint32_t from)
{
	const struct catalog *c = &b->store->catalog;
	unsigned side = embedder_side(b->embedder);
	uint32_t id = from, end = from;

	while (b->n < BATCH && id / CATALOG_PAGE < c->n_pages) {
		const struct catalog_page *page = c->pages[id / CATALOG_PAGE];
		uint32_t place = id % CATALOG_PAGE;

		if (page == NULL) {
			id += CATALOG_PAGE - place;
			continue;
		}
		if (page->collection[place] == b->collection && page->place[side][place] == 0) {
			b->documents[b->n] = page->document[place];
			b->passages[b->n++] = id;
		}
		id++;
		if (page->collection[place] != 0)
			end = id;
	}
	return end;
}

/* Fills passages and documents; false if the index is gone. *end is where the next batch begins. */
static bool choose_passages(struct batch *b, uint32_t *end)
{
	const struct embedding_index *index;

	b->n = 0;
	pthread_rwlock_rdlock(&b->store->catalog.lock);
	index = index_of(b);
	if (index != NULL)
		*end = choose_from(b, index->encode_from);
	pthread_rwlock_unlock(&b->store->catalog.lock);
	return index != NULL;
}

/* Passages at .. end of the batch are neighbours in one document. */
static size_t run_end(const struct batch *b, size_t at)
{
	size_t end = at + 1;

	while (end < b->n && b->documents[end] == b->documents[at] &&
	       b->passages[end] == b->passages[end - 1] + 1)
		end++;
	return end;
}

static bool read_document(struct batch *b, uint32_t document, struct catalog_document *out,
			  struct ragd_str *title)
{
	sqlite3_stmt *stmt = db_query(&b->session->db, SQL_DOCUMENT_AT, DB_ARGS(db_int(document)));
	bool found = db_next(&b->session->db, stmt);

	if (found) {
		*out = (struct catalog_document){
			.id = document,
			.first_passage = (uint32_t)sqlite3_column_int64(stmt, 0),
			.n_passages = (uint32_t)sqlite3_column_int64(stmt, 1),
		};
		*title = arena_str(b->session->arena, db_column_str(stmt, 2));
	}
	db_reset(stmt);
	return found;
}

/* The texts of a run, and places for their vectors. One that was replaced meanwhile has neither. */
static int read_run(struct batch *b, size_t at, size_t end, struct ragd_err *err)
{
	struct memory m = memory_of_arena(b->session->arena);
	uint32_t n = (uint32_t)(end - at);
	struct catalog_document d;
	struct passage *passages;
	struct ragd_str title;
	struct fill_run *run;
	ssize_t found;

	if (!read_document(b, b->documents[at], &d, &title))
		return db_result(&b->session->db, err);
	found = passages_read(&b->session->db, &m, d.id, b->passages[at], n, &passages, err);
	if (found < 0)
		return (int)found;
	if ((uint32_t)found != n || b->passages[at] < d.first_passage)
		return 0;
	run = fill_add(&b->fill, &d, b->passages[at], n);
	for (uint32_t i = 0; run != NULL && i < n; i++) {
		b->texts[at + i] = encoder_passage_text(b->session->arena, title,
							passages[i].heading, passages[i].text);
		if (b->texts[at + i].s == NULL && b->texts[at + i].len > 0)
			run = NULL;
		else
			b->vectors[at + i] = run->f16 + (size_t)i * b->embedder->dim;
	}
	return run != NULL ? 0 : ragd_err_set(err, -ENOMEM, "out of memory for vectors");
}

static int read_passages(struct batch *b, struct ragd_err *err)
{
	size_t end;
	int rc = session_begin(b->session, err);

	memset(b->texts, 0, sizeof(b->texts));
	memset(b->vectors, 0, sizeof(b->vectors));
	for (size_t at = 0; rc == 0 && at < b->n; at = end) {
		end = run_end(b, at);
		rc = read_run(b, at, end, err);
	}
	session_end(b->session);
	return rc;
}

/* ---- encode -------------------------------------------------------------------------------- */

/* Vectors of texts [at .. at + n) to their places. */
static int encode_texts(struct batch *b, const struct ragd_str *texts, uint16_t *const *to,
			size_t n, struct ragd_err *err)
{
	uint32_t dim = b->embedder->dim;
	struct encoder_identity made;
	struct ragd_embeddings out;
	int rc = encoder_embed(b->store, b->store->encoder, &b->work, RAGD_EMBED_PASSAGE, texts, n,
			       &out, &made, err);

	if (rc < 0)
		return rc;
	if (!same_encoder(b->embedder, &made))
		return ragd_err_set(err, -ESTALE, "the encoder was replaced");
	rc = encoder_check_dim(b->store->encoder, &out, dim, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < dim; j++)
			to[i][j] = f16_from_float(out.values[i * dim + j]);
	for (size_t i = 0; i < n && out.n_pieces != NULL; i++)
		b->fill.n_foreign += encoder_is_foreign(texts[i], out.n_pieces[i]);
	return 0;
}

/*
 * Those that the encoder refuses get zeros, which no question is near to: they are found by words,
 * and not tried again.
 */
static int encode_each(struct batch *b, const struct ragd_str *texts, uint16_t *const *to, size_t n,
		       struct ragd_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = encode_texts(b, &texts[i], &to[i], 1, err);

		if (rc < 0 && !encoder_refuses_texts(rc))
			return rc;
		if (rc == 0)
			continue;
		count_failure(b->encode);
		store_tell(b->store, STORE_TROUBLE, "a passage is found by words alone: %s",
			   err->msg);
		memset(to[i], 0, b->embedder->dim * sizeof(*to[i]));
	}
	return 0;
}

static int encode_batch(struct batch *b, struct ragd_err *err)
{
	struct ragd_str texts[BATCH];
	uint16_t *to[BATCH];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < b->n; i++) {
		if (b->vectors[i] == NULL)
			continue;
		if (b->texts[i].len == 0) { /* a blank one */
			memset(b->vectors[i], 0, b->embedder->dim * sizeof(*b->vectors[i]));
			continue;
		}
		texts[n] = b->texts[i];
		to[n++] = b->vectors[i];
	}
	rc = n > 0 ? encode_texts(b, texts, to, n, err) : 0;
	return encoder_refuses_texts(rc) ? encode_each(b, texts, to, n, err) : rc;
}

static void count_encoded(struct encode *e, size_t n, int64_t us)
{
	double rate = (double)n * 1e6 / (double)MAX(us, 1);

	pthread_mutex_lock(&e->lock);
	e->n_encoded += n;
	e->rate = e->rate > 0 ? RATE_OLD * e->rate + (1 - RATE_OLD) * rate : rate;
	pthread_mutex_unlock(&e->lock);
}

/* The maintenance thread alone reads and writes it. The writer's, which moves it, is idle. */
static void advance(struct batch *b, uint32_t end)
{
	struct embedding_index *index;

	pthread_rwlock_wrlock(&b->store->catalog.lock);
	index = index_of(b);
	if (index != NULL)
		index->encode_from = end;
	pthread_rwlock_unlock(&b->store->catalog.lock);
}

/* The last passage has its vector: if it is the next index, it is used from now on. */
static int finish_index(struct batch *b, struct ragd_err *err)
{
	struct store *s = b->store;
	struct embedder *now = embedding_index_embedder(s, b->collection);
	bool in_use = now == b->embedder;
	int rc = 0;

	embedder_unref(now);
	if (!in_use)
		rc = generation_switch(s, b->collection, err);
	if (rc == 0 && !in_use) {
		store_tell(s, STORE_ENCODED, "a collection's vectors are those of '%s' now",
			   s->encoder);
		rc = generation_clean(s, b->collection, b->work.stop, b->work.arg, err);
	}
	return rc;
}

/* 1: there may be more to do; 0: there is not. */
static int encode_some(struct batch *b, struct ragd_err *err)
{
	int64_t start_us = clock_us();
	uint32_t end = 0;
	int rc = choose_index(b, err);

	if (rc < 0 || b->embedder == NULL || !choose_passages(b, &end))
		return rc;
	if (b->n == 0) {
		advance(b, end);
		return finish_index(b, err);
	}
	fill_init(&b->fill, b->store, b->collection, b->embedder);
	rc = read_passages(b, err);
	if (rc == 0)
		rc = encode_batch(b, err);
	if (rc == 0)
		rc = fill_write(&b->fill, err);
	fill_clear(&b->fill);
	if (rc < 0)
		return rc;
	count_encoded(b->encode, b->n, clock_us() - start_us);
	advance(b, end);
	b->encode->n_untrimmed += b->n;
	return 1;
}

/* What became of a collection or an encoder meanwhile is for the next round. */
static bool is_passing(int rc)
{
	return rc == -ENOENT || rc == -ESTALE || rc == -ECANCELED;
}

static int encode_collection(struct encode *e, uint32_t collection,
			     const struct encoder_identity *identity, struct session *session,
			     bool (*stop)(void *arg), void *arg, struct ragd_err *err)
{
	struct batch *b = calloc(1, sizeof(*b));
	int rc;

	if (b == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	arena_reset(session->arena);
	b->encode = e;
	b->store = e->store;
	b->collection = collection;
	b->identity = *identity;
	b->session = session;
	b->work = (struct encoder_work){ .stop = stop, .arg = arg, .arena = session->arena };
	rc = encode_some(b, err);
	embedder_unref(b->embedder);
	free(b);
	return rc;
}

/* ---- rounds -------------------------------------------------------------------------------- */

/* The encoder failed: how long to leave it alone. */
static int64_t back_off(struct encode *e, int rc, const struct ragd_err *why)
{
	int64_t now_ms = clock_ms(), retry_ms;

	if (e->failing_since_ms == 0) {
		e->failing_since_ms = now_ms;
		e->retry_ms = RETRY_MIN_MS;
	}
	/* Until the daemon serves with this configuration, plugins do not find each other. */
	if (rc == -ENOENT && now_ms - e->failing_since_ms < TELL_MS)
		return ABSENT_MS;
	retry_ms = e->retry_ms;
	e->retry_ms = MIN(2 * retry_ms, RETRY_MAX_MS);
	count_failure(e);
	encode_note_trouble(e, why->msg);
	if (!e->told)
		store_tell(e->store, STORE_TROUBLE,
			   "searching by words alone until the encoder can be asked: %s", why->msg);
	e->told = true;
	return retry_ms;
}

static void recovered(struct encode *e)
{
	encode_note_trouble(e, "");
	e->failing_since_ms = 0;
	e->told = false;
}

static uint32_t count_collections(struct store *s)
{
	uint32_t n;

	pthread_rwlock_rdlock(&s->catalog.lock);
	n = s->catalog.n_collections;
	pthread_rwlock_unlock(&s->catalog.lock);
	return n;
}

int64_t encode_round(struct encode *e, bool (*stop)(void *arg), void *arg, int *rc,
		     struct ragd_err *err)
{
	struct store *s = e->store;
	struct session *session = NULL;
	struct encoder_identity identity;
	struct ragd_err why = { 0 };
	bool more = false;

	*rc = encoder_identify(s, s->encoder, &identity, &why);
	if (*rc == 0)
		*rc = session_acquire(&s->sessions, &session, &why);
	for (uint32_t i = 0; *rc == 0 && i < count_collections(s) && !stop(arg); i++) {
		int one = encode_collection(e, i, &identity, session, stop, arg, &why);

		if (one < 0 && !is_passing(one))
			*rc = one;
		more = more || one != 0;
	}
	session_release(&s->sessions, session);
	if (*rc < 0) {
		if (err != NULL)
			*err = why;
		return back_off(e, *rc, &why);
	}
	recovered(e);
	if (!more && e->n_untrimmed >= TRIM_AFTER) {
		malloc_trim(0); /* what the batches left between what stays */
		e->n_untrimmed = 0;
	}
	return more ? 0 : -1;
}
