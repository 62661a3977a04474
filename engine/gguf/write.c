/* The writer: lists in memory, bytes straight to a temporary file, a rename at the end. */
#include "engine/gguf/write.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/util.h"
#include "engine/gguf/parse.h"

#define PIECE ((size_t)1 << 20) /* bytes that are copied at once */

struct gguf_writer {
	struct buf pairs;
	struct buf infos;
	uint64_t n_pairs;
	uint64_t n_tensors;
	uint64_t *n_bytes; /* of each tensor */
	uint64_t data_len; /* of all, padded */
	bool failed;       /* memory was short */

	char *path;
	char *temp; /* NULL once renamed */
	int fd;
	size_t at;     /* the tensor that the next byte belongs to */
	uint64_t done; /* of its bytes */
};

struct gguf_writer *gguf_writer_new(void)
{
	struct gguf_writer *w = calloc(1, sizeof(*w));

	if (w != NULL)
		w->fd = -1;
	return w;
}

void gguf_writer_free(struct gguf_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->temp != NULL)
		unlink(w->temp);
	buf_fini(&w->pairs);
	buf_fini(&w->infos);
	free(w->n_bytes);
	free(w->path);
	free(w->temp);
	free(w);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static void put_str(struct buf *b, struct ragd_str s)
{
	uint64_t n = s.len;

	buf_add(b, &n, sizeof(n));
	buf_add(b, s.s, s.len);
}

static void put_key(struct gguf_writer *w, struct ragd_str key, enum gguf_type type)
{
	uint32_t t = type;

	put_str(&w->pairs, key);
	buf_add(&w->pairs, &t, sizeof(t));
	w->n_pairs++;
}

static void put_scalar(struct gguf_writer *w, const char *key, enum gguf_type type, const void *v)
{
	put_key(w, (struct ragd_str){ key, strlen(key) }, type);
	buf_add(&w->pairs, v, gguf_scalar_bytes(type));
}

void gguf_writer_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
	put_scalar(w, key, GGUF_U32, &v);
}

void gguf_writer_f32(struct gguf_writer *w, const char *key, float v)
{
	put_scalar(w, key, GGUF_F32, &v);
}

void gguf_writer_bool(struct gguf_writer *w, const char *key, bool v)
{
	uint8_t byte = v;

	put_scalar(w, key, GGUF_BOOL, &byte);
}

void gguf_writer_str(struct gguf_writer *w, const char *key, struct ragd_str v)
{
	put_key(w, (struct ragd_str){ key, strlen(key) }, GGUF_STRING);
	put_str(&w->pairs, v);
}

void gguf_writer_entry(struct gguf_writer *w, const struct gguf *g, size_t i)
{
	const struct gguf_pair *p = &g->pairs[i];
	const struct gguf_array *a = &p->array;
	uint32_t type;
	float f;

	put_key(w, p->key, p->type);
	switch (p->type) {
	case GGUF_STRING:
		put_str(&w->pairs, p->text);
		break;
	case GGUF_ARRAY:
		type = a->type;
		buf_add(&w->pairs, &type, sizeof(type));
		buf_add(&w->pairs, &a->n, sizeof(a->n));
		for (size_t k = 0; a->strings != NULL && k < a->n; k++)
			put_str(&w->pairs, a->strings[k]);
		if (a->data != NULL)
			buf_add(&w->pairs, a->data, (size_t)a->n * gguf_scalar_bytes(a->type));
		break;
	case GGUF_F32:
		f = (float)p->real;
		buf_add(&w->pairs, &f, sizeof(f));
		break;
	case GGUF_F64:
		buf_add(&w->pairs, &p->real, sizeof(p->real));
		break;
	default: /* little endian: the low bytes come first */
		buf_add(&w->pairs, &p->whole, gguf_scalar_bytes(p->type));
		break;
	}
}

static uint64_t padded_size(uint64_t n)
{
	return (n + GGUF_ALIGNMENT - 1) & ~(uint64_t)(GGUF_ALIGNMENT - 1);
}

void gguf_writer_tensor(struct gguf_writer *w, struct ragd_str name, enum quant_type type,
			uint32_t n_dims, const uint64_t *dims)
{
	uint64_t *more, n = quant_row_bytes(type, dims[0]);
	uint32_t t = type;

	for (uint32_t i = 1; i < n_dims; i++)
		n *= dims[i];
	more = reallocarray(w->n_bytes, (size_t)w->n_tensors + 1, sizeof(*more));
	if (more == NULL) {
		w->failed = true;
		return;
	}
	w->n_bytes = more;
	w->n_bytes[w->n_tensors++] = n;
	put_str(&w->infos, name);
	buf_add(&w->infos, &n_dims, sizeof(n_dims));
	buf_add(&w->infos, dims, n_dims * sizeof(*dims));
	buf_add(&w->infos, &t, sizeof(t));
	buf_add(&w->infos, &w->data_len, sizeof(w->data_len));
	w->data_len += padded_size(n);
}

#define HEAD_BYTES (4 + 4 + 8 + 8)

uint64_t gguf_writer_size(const struct gguf_writer *w)
{
	return padded_size(HEAD_BYTES + w->pairs.len + w->infos.len) + w->data_len;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int writer_put(struct gguf_writer *w, const void *data, size_t len, struct ragd_err *err)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(w->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ragd_err_sys(err, "write model '%s' (%llu bytes)", w->path,
					    (unsigned long long)gguf_writer_size(w));
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int put_padding(struct gguf_writer *w, uint64_t len, struct ragd_err *err)
{
	static const char zeros[GGUF_ALIGNMENT];

	return writer_put(w, zeros, (size_t)(padded_size(len) - len), err);
}

static int file_open(struct gguf_writer *w, const char *path, struct ragd_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return ragd_err_set(err, -EINVAL,
				    "write model '%s': it is there and no regular file", path);
	w->path = strdup(path);
	if (w->path == NULL || asprintf(&w->temp, "%s.%ld.tmp", path, (long)getpid()) < 0) {
		w->temp = NULL;
		return ragd_err_set(err, -ENOMEM, "write model '%s': out of memory", path);
	}
	w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (w->fd < 0) {
		ragd_err_sys(err, "write model '%s'", path);
		free(w->temp); /* not ours to remove */
		w->temp = NULL;
		return err != NULL ? err->code : -errno;
	}
	/* Ask for all of it now, where that can be done: better than failing at the end. */
	if (fallocate(w->fd, 0, 0, (off_t)gguf_writer_size(w)) < 0 && errno != EOPNOTSUPP &&
	    errno != ENOSYS)
		return ragd_err_sys(err, "write model '%s' (%llu bytes)", path,
				    (unsigned long long)gguf_writer_size(w));
	return 0;
}

/* Tensors of no bytes there are none; so this is where the next byte goes. */
static int tensor_done(struct gguf_writer *w, struct ragd_err *err)
{
	int rc = put_padding(w, w->n_bytes[w->at], err);

	w->at++;
	w->done = 0;
	return rc;
}

int gguf_writer_begin(struct gguf_writer *w, const char *path, struct ragd_err *err)
{
	static const uint32_t version = 3;
	struct buf head = BUF_INIT;
	int rc;

	if (w->failed || buf_failed(&w->pairs) || buf_failed(&w->infos))
		return ragd_err_set(err, -ENOMEM, "write model '%s': out of memory", path);
	rc = file_open(w, path, err);
	if (rc < 0)
		return rc;
	buf_add(&head, "GGUF", 4);
	buf_add(&head, &version, sizeof(version));
	buf_add(&head, &w->n_tensors, sizeof(w->n_tensors));
	buf_add(&head, &w->n_pairs, sizeof(w->n_pairs));
	if (buf_failed(&head))
		rc = ragd_err_set(err, -ENOMEM, "write model '%s': out of memory", path);
	else
		rc = writer_put(w, head.data, head.len, err);
	buf_fini(&head);
	if (rc == 0)
		rc = writer_put(w, w->pairs.data, w->pairs.len, err);
	if (rc == 0)
		rc = writer_put(w, w->infos.data, w->infos.len, err);
	if (rc == 0)
		rc = put_padding(w, HEAD_BYTES + w->pairs.len + w->infos.len, err);
	return rc;
}

int gguf_writer_data(struct gguf_writer *w, const void *data, size_t len, struct ragd_err *err)
{
	const char *p = data;
	int rc = 0;

	while (len > 0 && rc == 0) {
		size_t n;

		if (w->at == w->n_tensors)
			return ragd_err_set(err, -EINVAL,
					    "write model '%s': more bytes than tensors", w->path);
		n = (size_t)MIN((uint64_t)len, w->n_bytes[w->at] - w->done);
		rc = writer_put(w, p, n, err);
		p += n;
		len -= n;
		w->done += n;
		if (rc == 0 && w->done == w->n_bytes[w->at])
			rc = tensor_done(w, err);
	}
	return rc;
}

int gguf_writer_copy(struct gguf_writer *w, const struct gguf *g, const struct gguf_tensor *t,
		     struct ragd_err *err)
{
	char *piece = malloc(MIN(PIECE, t->n_bytes));
	int rc = 0;

	if (piece == NULL)
		return ragd_err_set(err, -ENOMEM, "write model '%s': out of memory", w->path);
	for (size_t at = 0, n; rc == 0 && at < t->n_bytes; at += n) {
		n = MIN(PIECE, t->n_bytes - at);
		rc = gguf_tensor_read(g, t, at, piece, n, err);
		if (rc == 0)
			rc = gguf_writer_data(w, piece, n, err);
	}
	free(piece);
	return rc;
}

/* The rename itself is on disk once its folder is. */
static int folder_sync(const char *path, struct ragd_err *err)
{
	char *copy = strdup(path);
	int fd, rc = 0;

	if (copy == NULL)
		return ragd_err_set(err, -ENOMEM, "write model '%s': out of memory", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	/* A folder that may be written but not read, or a file system that knows no such thing. */
	if (fd >= 0 && fsync(fd) < 0 && errno != EINVAL)
		rc = ragd_err_sys(err, "write model '%s'", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int gguf_writer_end(struct gguf_writer *w, struct ragd_err *err)
{
	int fd = w->fd;

	if (w->at < w->n_tensors)
		return ragd_err_set(err, -EINVAL,
				    "write model '%s': bytes are missing from tensor %llu on",
				    w->path, (unsigned long long)w->at);
	if (fsync(fd) < 0)
		return ragd_err_sys(err, "write model '%s'", w->path);
	w->fd = -1;
	if (close(fd) < 0 || rename(w->temp, w->path) < 0)
		return ragd_err_sys(err, "write model '%s'", w->path);
	free(w->temp);
	w->temp = NULL;
	return folder_sync(w->path, err);
}
