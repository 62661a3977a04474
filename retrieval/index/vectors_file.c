/*
 * The index of vectors as a file. It begins with a header, then the passages by place, then what
 * the index writes. The checksum is looked at before the index reads a byte: FAISS's reader trusts
 * lengths.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file/private.h"
#include "base/util.h"
#include "retrieval/index/vectors_private.h"

static const char magic[8] = "ragdvec1";

struct header {
	char magic[8];
	uint32_t collection;
	uint32_t dim;
	uint32_t n;
	uint32_t reserved;
	struct vectors_stamp stamp;
	char sum[DIGEST_HEX]; /* SHA-256 of all that follows the header */
};

static void path_of(char *out, size_t size, const char *dir, uint32_t collection,
		    const char *suffix)
{
	snprintf(out, size, "%s/vectors-%u.faiss%s", dir, collection, suffix);
}

static int sum_of(FILE *f, char sum[DIGEST_HEX + 1], size_t *len)
{
	struct stat st;
	char *map;

	if (fstat(fileno(f), &st) < 0)
		return -errno;
	if ((size_t)st.st_size < sizeof(struct header))
		return -EBADMSG;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fileno(f), 0);
	if (map == MAP_FAILED)
		return -errno;
	digest_hex(map + sizeof(struct header), (size_t)st.st_size - sizeof(struct header), sum);
	munmap(map, (size_t)st.st_size);
	*len = (size_t)st.st_size;
	return 0;
}

/* ---- save ---------------------------------------------------------------------------------- */

static int write_index(FILE *f, const struct vectors *ix, struct header *h)
{
	char sum[DIGEST_HEX + 1];
	size_t len;
	int rc;

	if (fwrite(h, sizeof(*h), 1, f) != 1 ||
	    fwrite(ix->passages, sizeof(*ix->passages), ix->n, f) != ix->n)
		return errno != 0 ? -errno : -EIO;
	rc = flat_write(ix->flat, f);
	if (rc < 0)
		return rc;
	if (fflush(f) != 0)
		return -errno;
	rc = sum_of(f, sum, &len);
	if (rc < 0)
		return rc;
	memcpy(h->sum, sum, sizeof(h->sum));
	if (pwrite(fileno(f), h, sizeof(*h), 0) != (ssize_t)sizeof(*h))
		return errno != 0 ? -errno : -EIO;
	return 0;
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

/* ---- load ---------------------------------------------------------------------------------- */

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

static int read_index(FILE *f, const char *path, const struct header *h, struct vectors *ix,
		      struct ragd_err *err)
{
	int rc;

	ix->passages = malloc(((size_t)h->n + 1) * sizeof(*ix->passages));
	if (ix->passages == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for '%s'", path);
	ix->n = h->n;
	ix->cap = h->n;
	if (fread(ix->passages, sizeof(*ix->passages), h->n, f) != h->n)
		return file_damaged(path, err);
	rc = flat_read(f, h->dim, h->n, &ix->flat);
	if (rc == -ENOMEM)
		return ragd_err_set(err, rc, "out of memory for '%s'", path);
	return rc < 0 ? file_damaged(path, err) : 0;
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

int vectors_load(struct vectors *v, struct catalog *c, const char *dir,
		 const struct vectors_stamp *stamp, struct ragd_err *err)
{
	char path[4096], sum[DIGEST_HEX + 1];
	struct header h;
	size_t len = 0;
	FILE *f;
	int rc;

	path_of(path, sizeof(path), dir, v->collection, "");
	f = fopen(path, "re");
	if (f == NULL)
		return ragd_err_sys(err, "open '%s'", path);
	if (fread(&h, sizeof(h), 1, f) != 1)
		rc = file_damaged(path, err);
	else
		rc = header_check(path, &h, v, stamp, err);
	if (rc == 0 && (sum_of(f, sum, &len) < 0 || memcmp(sum, h.sum, sizeof(h.sum)) != 0 ||
			h.n > len / sizeof(uint32_t)))
		rc = file_damaged(path, err);
	if (rc == 0)
		rc = read_index(f, path, &h, v, err);
	fclose(f);
	if (rc < 0)
		v->n = 0; /* no place was given yet */
	else
		rc = place_vectors(v, c, path, err);
	if (rc < 0)
		vectors_clear(v, c);
	return rc;
}
