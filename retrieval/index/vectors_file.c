/*
 * The index of vectors as a file: a header, the tables (sums, then the passages by place), and,
 * from the next page on, the chunks of codes as they are in memory, which are mapped, and the
 * signs. A start reads the tables and the signs; chunks of a large file are checked when a search
 * comes to them, so that a start takes no longer for what it does not use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file/private.h"
#include "base/hash.h"
#include "base/util.h"
#include "retrieval/index/vectors_private.h"

static const char magic[8] = "ragdvec2";

struct header {
	char magic[8];
	uint32_t collection;
	uint32_t dim;
	uint32_t n;
	uint32_t reserved;
	struct vectors_stamp stamp;
	char sum[DIGEST_HEX]; /* SHA-256 of the tables */
};

#define CHUNKS_ALIGN 65536 /* no machine has larger pages to map */

struct tables {
	size_t len;
	size_t n_chunks;
	uint64_t *sums;     /* [n_chunks + 1]: of chunks, of the signs; all is malloc'd here */
	uint32_t *passages; /* [n] */
};

static int tables_alloc(struct tables *t, uint32_t n)
{
	t->n_chunks = codes_chunks(n);
	t->len = (t->n_chunks + 1) * sizeof(*t->sums) + (size_t)n * sizeof(*t->passages);
	t->sums = malloc(t->len + 1);
	if (t->sums == NULL)
		return -ENOMEM;
	t->passages = (uint32_t *)(t->sums + t->n_chunks + 1);
	return 0;
}

/* Where the chunks begin. */
static size_t chunks_offset(const struct tables *t)
{
	return (sizeof(struct header) + t->len + CHUNKS_ALIGN - 1) / CHUNKS_ALIGN * CHUNKS_ALIGN;
}

static uint64_t signs_sum(const struct codes *c)
{
	return hash_bytes((const char *)c->signs, codes_signs_size(c));
}

static void path_of(char *out, size_t size, const char *dir, uint32_t collection,
		    const char *suffix)
{
	snprintf(out, size, "%s/vectors-%u.faiss%s", dir, collection, suffix);
}

/* ---- save ------------------------------------------------------------------------------------ */

static int write_chunks(FILE *f, const struct codes *c, struct tables *t)
{
	if (fseeko(f, (off_t)chunks_offset(t), SEEK_SET) < 0)
		return -errno;
	for (size_t i = 0; i < t->n_chunks; i++) {
		if (!codes_chunk_is_whole(c, i)) /* nor shall it seem so from now on */
			return -EBADMSG;
		t->sums[i] = codes_chunk_sum(c, i);
		if (fwrite(c->chunks[i], codes_chunk_size(c->dim), 1, f) != 1)
			return errno != 0 ? -errno : -EIO;
	}
	t->sums[t->n_chunks] = signs_sum(c);
	if (fwrite(c->signs, codes_signs_size(c), 1, f) != 1)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

static int write_index(FILE *f, const struct vectors *v, struct header *h)
{
	char sum[DIGEST_HEX + 1];
	struct tables t;
	int rc = tables_alloc(&t, v->n);

	if (rc < 0)
		return rc;
	memcpy(t.passages, v->passages, v->n * sizeof(*t.passages));
	rc = write_chunks(f, v->codes, &t);
	digest_hex(t.sums, t.len, sum);
	memcpy(h->sum, sum, sizeof(h->sum));
	if (rc == 0 && (fseeko(f, 0, SEEK_SET) < 0 || fwrite(h, sizeof(*h), 1, f) != 1 ||
			fwrite(t.sums, t.len, 1, f) != 1))
		rc = errno != 0 ? -errno : -EIO;
	free(t.sums);
	return rc;
}

int vectors_save(struct vectors *v, const char *dir, const struct vectors_stamp *stamp,
		 struct ragd_err *err)
{
	struct header h = {
		.collection = v->collection, .dim = v->dim, .n = v->n, .stamp = *stamp
	};
	char path[4096], temp[4096];
	FILE *f;
	int fd, rc;

	if (!v->changed || v->n == 0)
		return 0;
	memcpy(h.magic, magic, sizeof(magic));
	path_of(path, sizeof(path), dir, v->collection, "");
	path_of(temp, sizeof(temp), dir, v->collection, ".new");
	fd = private_open(temp, O_RDWR | O_TRUNC, err);
	if (fd < 0)
		return fd;
	f = fdopen(fd, "w+");
	if (f == NULL) {
		rc = ragd_err_sys(err, "write '%s'", temp);
		close(fd);
		return rc;
	}
	errno = 0;
	rc = write_index(f, v, &h);
	if (fclose(f) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temp, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temp);
		ragd_err_set(err, rc, "write '%s': %s", path, strerror(-rc));
	}
	v->changed = rc < 0;
	return rc;
}

void vectors_unlink(const struct vectors *v, const char *dir)
{
	char path[4096];

	path_of(path, sizeof(path), dir, v->collection, "");
	unlink(path);
}

/* ---- load ------------------------------------------------------------------------------------ */

static int file_damaged(const char *path, struct ragd_err *err)
{
	return ragd_err_set(err, -EBADMSG, "'%s' is damaged", path);
}

static int header_check(const char *path, const struct header *h, const struct vectors *v,
			const struct vectors_stamp *stamp, struct ragd_err *err)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->collection != v->collection)
		return file_damaged(path, err);
	if (h->dim != v->dim || memcmp(&h->stamp, stamp, sizeof(*stamp)) != 0)
		return ragd_err_set(err, -ESTALE, "'%s' is out of date", path);
	return 0;
}

/* Before a table is believed, and memory taken for it. */
static bool file_holds(FILE *f, const struct header *h)
{
	struct stat st;

	return h->n > 0 && fstat(fileno(f), &st) == 0 &&
	       h->n <= (uint64_t)st.st_size / sizeof(uint32_t);
}

/* The signs, and of a small file all chunks, too. */
static bool codes_are_whole(const struct codes *c, const struct tables *t)
{
	bool whole = signs_sum(c) == t->sums[t->n_chunks];
	size_t n = c->map_len <= VECTORS_CHECK_MAX ? t->n_chunks : 0;

	for (size_t i = 0; whole && i < n; i++)
		whole = codes_chunk_check(c, i);
	return whole;
}

static int read_tables(FILE *f, const char *path, const struct header *h, struct tables *t,
		       struct ragd_err *err)
{
	char sum[DIGEST_HEX + 1];

	if (tables_alloc(t, h->n) < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory for '%s'", path);
	if (fread(t->sums, t->len, 1, f) != 1)
		return file_damaged(path, err);
	digest_hex(t->sums, t->len, sum);
	return memcmp(sum, h->sum, sizeof(h->sum)) == 0 ? 0 : file_damaged(path, err);
}

static int read_index(FILE *f, const char *path, const struct tables *t, struct vectors *v,
		      uint32_t n, struct ragd_err *err)
{
	int rc;

	v->passages = malloc((size_t)n * sizeof(*v->passages));
	v->codes = codes_new(v->dim);
	if (v->passages == NULL || v->codes == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for '%s'", path);
	memcpy(v->passages, t->passages, (size_t)n * sizeof(*v->passages));
	v->n = v->cap = n;
	rc = codes_map(v->codes, fileno(f), chunks_offset(t), n, t->sums);
	if (rc < 0 && rc != -EBADMSG)
		return ragd_err_set(err, rc, "map '%s': %s", path, strerror(-rc));
	return rc == 0 && codes_are_whole(v->codes, t) ? 0 : file_damaged(path, err);
}

/* Each place is a living passage of the collection that has no other. */
static int place_vectors(struct vectors *v, struct catalog *c, const char *path,
			 struct ragd_err *err)
{
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t at;
		const struct catalog_page *page = catalog_at(c, v->passages[i], &at);

		if (page == NULL || page->collection[at] != v->collection ||
		    page->place[v->side][at] != 0) {
			v->n = i; /* what vectors_clear has to undo */
			return file_damaged(path, err);
		}
		c->pages[v->passages[i] / CATALOG_PAGE]->place[v->side][at] = i + 1;
	}
	return 0;
}

static int load_file(FILE *f, const char *path, struct vectors *v,
		     const struct vectors_stamp *stamp, struct ragd_err *err)
{
	struct tables t = { .sums = NULL };
	struct header h;
	int rc;

	if (fread(&h, sizeof(h), 1, f) != 1)
		return file_damaged(path, err);
	rc = header_check(path, &h, v, stamp, err);
	if (rc < 0)
		return rc;
	if (!file_holds(f, &h))
		return file_damaged(path, err);
	rc = read_tables(f, path, &h, &t, err);
	if (rc == 0)
		rc = read_index(f, path, &t, v, h.n, err);
	free(t.sums);
	return rc;
}

int vectors_load(struct vectors *v, struct catalog *c, const char *dir,
		 const struct vectors_stamp *stamp, struct ragd_err *err)
{
	char path[4096];
	FILE *f;
	int rc;

	path_of(path, sizeof(path), dir, v->collection, "");
	f = fopen(path, "re");
	if (f == NULL)
		return ragd_err_sys(err, "open '%s'", path);
	rc = load_file(f, path, v, stamp, err);
	fclose(f);
	if (rc < 0)
		v->n = 0; /* no place was given yet */
	else
		rc = place_vectors(v, c, path, err);
	if (rc < 0)
		vectors_clear(v, c);
	return rc;
}
