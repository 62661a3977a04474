#include "retrieval/index/embed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "retrieval/index/dense.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/svd.h"
#include "retrieval/passages/prepare.h"

#define BLOB_MAGIC 0x31646d65u /* "emd1" */

/* ---- rows ---------------------------------------------------------------------------------- */

int embed_rows_add(struct embed_rows *rows, const struct term *terms, uint32_t n)
{
	if (!array_reserve(&rows->terms, &rows->cap_terms, rows->n_terms + n, sizeof(*terms)) ||
	    !array_reserve(&rows->ends, &rows->cap, rows->n + 1, sizeof(*rows->ends)))
		return -ENOMEM;
	if (n > 0)
		memcpy(rows->terms + rows->n_terms, terms, n * sizeof(*terms));
	rows->n_terms += n;
	rows->ends[rows->n++] = rows->n_terms;
	return 0;
}

void embed_rows_fini(struct embed_rows *rows)
{
	free(rows->terms);
	free(rows->ends);
	memset(rows, 0, sizeof(*rows));
}

/* ---- the vocabulary ------------------------------------------------------------------------ */

struct df {
	uint64_t hash;
	uint32_t n;
};

static int by_hash(const void *a, const void *b)
{
	const struct df *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static int by_df(const void *a, const void *b)
{
	const struct df *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : by_hash(a, b);
}

/* In how many rows each term is, for those in more than one; malloc'd, ascending by hash. */
static int count_df(const struct embed_rows *rows, struct df **out, size_t *n)
{
	struct df *all = malloc((rows->n_terms + 1) * sizeof(*all));
	size_t kept = 0;

	if (all == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n_terms; i++)
		all[i] = (struct df){ rows->terms[i].hash, 1 };
	qsort(all, rows->n_terms, sizeof(*all), by_hash);
	for (size_t i = 0; i < rows->n_terms;) {
		size_t j = i;

		while (j < rows->n_terms && all[j].hash == all[i].hash)
			j++;
		if (j - i > 1)
			all[kept++] = (struct df){ all[i].hash, (uint32_t)(j - i) };
		i = j;
	}
	if (kept > EMBED_MAX_TERMS) {
		qsort(all, kept, sizeof(*all), by_df);
		kept = EMBED_MAX_TERMS;
		qsort(all, kept, sizeof(*all), by_hash);
	}
	*out = all;
	*n = kept;
	return 0;
}

static int make_table(struct embedder *e)
{
	uint32_t size = 64;

	while (size < 2 * e->n_terms)
		size *= 2;
	e->table = calloc(size, sizeof(*e->table));
	if (e->table == NULL)
		return -ENOMEM;
	e->table_size = size;
	for (uint32_t i = 0; i < e->n_terms; i++) {
		uint32_t at = (uint32_t)e->hashes[i] & (size - 1);

		while (e->table[at] != 0)
			at = (at + 1) & (size - 1);
		e->table[at] = i + 1;
	}
	return 0;
}

/* Index of a term, or -1. */
static int64_t find_term(const struct embedder *e, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (e->table_size - 1);

	for (; e->table[at] != 0; at = (at + 1) & (e->table_size - 1))
		if (e->hashes[e->table[at] - 1] == hash)
			return e->table[at] - 1;
	return -1;
}

static int set_vocabulary(struct embedder *e, const struct df *df, size_t n, size_t n_rows)
{
	e->n_terms = (uint32_t)n;
	e->hashes = malloc((n + 1) * sizeof(*e->hashes));
	e->idf = malloc((n + 1) * sizeof(*e->idf));
	e->axes = malloc((n + 1) * e->dim * sizeof(*e->axes));
	if (e->hashes == NULL || e->idf == NULL || e->axes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		e->hashes[i] = df[i].hash;
		e->idf[i] = logf((1.0f + (float)n_rows) / (1.0f + (float)df[i].n)) + 1;
	}
	return make_table(e);
}

/* ---- fit ----------------------------------------------------------------------------------- */

static float term_weight(const struct embedder *e, int64_t term, float tf)
{
	return (1 + logf(MAX(tf, 1))) * e->idf[term];
}

struct matrix {
	uint32_t *columns;
	float *values;
	size_t *ends;
};

/* TF-IDF rows of length 1. */
static int make_matrix(const struct embedder *e, const struct embed_rows *rows, struct matrix *m)
{
	size_t at = 0, n = 0;

	m->columns = malloc((rows->n_terms + 1) * sizeof(*m->columns));
	m->values = malloc((rows->n_terms + 1) * sizeof(*m->values));
	m->ends = malloc((rows->n + 1) * sizeof(*m->ends));
	if (m->columns == NULL || m->values == NULL || m->ends == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++) {
		size_t first = n;
		float sum = 0;

		for (; at < rows->ends[i]; at++) {
			int64_t term = find_term(e, rows->terms[at].hash);

			if (term < 0)
				continue;
			m->columns[n] = (uint32_t)term;
			m->values[n] = term_weight(e, term, rows->terms[at].tf);
			sum += m->values[n] * m->values[n];
			n++;
		}
		for (size_t j = first; j < n; j++)
			m->values[j] /= sqrtf(sum);
		m->ends[i] = n;
	}
	return 0;
}

static int fit_axes(struct embedder *e, const struct embed_rows *rows, bool (*stop)(void *arg),
		    void *arg)
{
	struct matrix m = { 0 };
	struct svd_matrix view;
	struct df *df = NULL;
	size_t n = 0;
	int rc;

	rc = count_df(rows, &df, &n);
	if (rc == 0 && n <= e->dim)
		rc = -ENODATA;
	if (rc == 0)
		rc = set_vocabulary(e, df, n, rows->n);
	free(df);
	if (rc == 0)
		rc = make_matrix(e, rows, &m);
	if (rc == 0) {
		view = (struct svd_matrix){ m.columns, m.values, m.ends, rows->n, n };
		rc = svd_directions(&view, e->dim, stop, arg, e->axes);
	}
	free(m.columns);
	free(m.values);
	free(m.ends);
	return rc;
}

int embedder_fit(const struct embed_rows *rows, uint32_t dim, bool (*stop)(void *arg), void *arg,
		 struct embedder **out, struct ragd_err *err)
{
	struct embedder *e = calloc(1, sizeof(*e));
	void *blob = NULL;
	size_t len;
	int rc;

	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an embedder");
	e->refs = 1;
	e->dim = dim;
	rc = fit_axes(e, rows, stop, arg);
	if (rc == 0)
		rc = embedder_save(e, &blob, &len, err);
	embedder_unref(e);
	if (rc == 0) /* what is used is what is stored, to the last bit */
		rc = embedder_load(blob, len, out, err);
	else
		ragd_err_set(err, rc, "learn vectors from %zu passages: %s", rows->n,
			     rc == -ENODATA ? "too little in common" : strerror(-rc));
	free(blob);
	return rc;
}

/* ---- as a blob: header, hashes, idf, axes in half precision; little-endian ------------------- */

struct blob_header {
	uint32_t magic;
	uint32_t dim;
	uint32_t n_terms;
	uint32_t reserved;
};

int embedder_of_encoder(const char *encoder, const char *digest, uint32_t dim,
			struct embedder **out, struct ragd_err *err)
{
	struct embedder *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an embedder");
	e->refs = 1;
	e->dim = dim;
	snprintf(e->encoder, sizeof(e->encoder), "%s", encoder);
	snprintf(e->digest, sizeof(e->digest), "%s", digest);
	*out = e;
	return 0;
}

int embedder_save(const struct embedder *e, void **blob, size_t *len, struct ragd_err *err)
{
	struct blob_header h = { BLOB_MAGIC, e->dim, e->n_terms, 0 };
	size_t n_axes = (size_t)e->n_terms * e->dim;
	size_t size = sizeof(h) + e->n_terms * (sizeof(uint64_t) + sizeof(float)) +
		      n_axes * sizeof(uint16_t);
	char *p = malloc(size), *at = p;

	if (p == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an embedder");
	*blob = p;
	*len = 0;
	if (!embedder_is_learned(e))
		return 0;
	memcpy(at, &h, sizeof(h));
	at += sizeof(h);
	memcpy(at, e->hashes, e->n_terms * sizeof(uint64_t));
	at += e->n_terms * sizeof(uint64_t);
	memcpy(at, e->idf, e->n_terms * sizeof(float));
	at += e->n_terms * sizeof(float);
	for (size_t i = 0; i < n_axes; i++, at += sizeof(uint16_t)) {
		uint16_t f16 = f16_from_float(e->axes[i]);

		memcpy(at, &f16, sizeof(f16));
	}
	*len = size;
	return 0;
}

static int read_blob(struct embedder *e, const char *at)
{
	size_t n_axes = (size_t)e->n_terms * e->dim;

	e->hashes = malloc((e->n_terms + 1) * sizeof(*e->hashes));
	e->idf = malloc((e->n_terms + 1) * sizeof(*e->idf));
	e->axes = malloc((n_axes + 1) * sizeof(*e->axes));
	if (e->hashes == NULL || e->idf == NULL || e->axes == NULL)
		return -ENOMEM;
	memcpy(e->hashes, at, e->n_terms * sizeof(uint64_t));
	at += e->n_terms * sizeof(uint64_t);
	memcpy(e->idf, at, e->n_terms * sizeof(float));
	at += e->n_terms * sizeof(float);
	for (size_t i = 0; i < n_axes; i++, at += sizeof(uint16_t)) {
		uint16_t f16;

		memcpy(&f16, at, sizeof(f16));
		e->axes[i] = f16_to_float(f16);
	}
	return make_table(e);
}

int embedder_load(const void *blob, size_t len, struct embedder **out, struct ragd_err *err)
{
	struct blob_header h = { 0 };
	struct embedder *e;

	if (len >= sizeof(h))
		memcpy(&h, blob, sizeof(h));
	if (h.magic != BLOB_MAGIC || h.dim == 0 || h.dim > EMBED_DIM_MAX ||
	    h.n_terms > EMBED_MAX_TERMS ||
	    len != sizeof(h) + h.n_terms * (sizeof(uint64_t) + sizeof(float)) +
			    (size_t)h.n_terms * h.dim * sizeof(uint16_t))
		return ragd_err_set(err, -EBADMSG, "the stored embedder is damaged");
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an embedder");
	e->refs = 1;
	e->dim = h.dim;
	e->n_terms = h.n_terms;
	digest_hex(blob, len, e->digest);
	if (read_blob(e, (const char *)blob + sizeof(h)) < 0) {
		embedder_unref(e);
		return ragd_err_set(err, -ENOMEM, "out of memory for an embedder");
	}
	*out = e;
	return 0;
}

struct embedder *embedder_ref(struct embedder *e)
{
	if (e != NULL)
		__atomic_add_fetch(&e->refs, 1, __ATOMIC_RELAXED);
	return e;
}

void embedder_unref(struct embedder *e)
{
	if (e == NULL || __atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(e->hashes);
	free(e->table);
	free(e->idf);
	free(e->axes);
	free(e);
}

/* ---- project ------------------------------------------------------------------------------- */

float embedder_project(const struct embedder *e, const struct term *terms, uint32_t n, float *out)
{
	float sum = 0, held = 0;

	memset(out, 0, e->dim * sizeof(*out));
	for (uint32_t i = 0; i < n; i++) {
		int64_t term = find_term(e, terms[i].hash);
		float weight;

		if (term < 0)
			continue;
		weight = term_weight(e, term, terms[i].tf);
		sum += weight * weight;
		dense_add(weight, e->axes + (size_t)term * e->dim, out, e->dim);
	}
	for (uint32_t i = 0; i < e->dim; i++)
		held += out[i] * out[i];
	if (!(held > 0) || !(sum > 0)) {
		memset(out, 0, e->dim * sizeof(*out));
		return 0;
	}
	dense_scale(1 / sqrtf(held), out, e->dim);
	return MIN(sqrtf(held / sum), 1);
}

int embedder_project_passages(const struct embedder *e, const struct prepared_passage *passages,
			      uint32_t n, uint16_t *out)
{
	float *v = malloc(e->dim * sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		embedder_project(e, passages[i].terms.terms, passages[i].terms.n_terms, v);
		for (uint32_t j = 0; j < e->dim; j++)
			out[(size_t)i * e->dim + j] = f16_from_float(v[j]);
	}
	free(v);
	return 0;
}
