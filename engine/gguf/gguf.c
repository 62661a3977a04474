/* Opening a model: its file or files parsed, and indexed by key and name. */
#include "engine/gguf/gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/gguf/parse.h"

/* "-00001-of-00003.gguf": the numbers of llama.cpp's gguf-split are always five digits. */
#define SPLIT_TAIL     20
#define SPLIT_COUNT_OK 99999

/* How much of a file is read at first for its metadata, and at most. */
#define HEAD_FIRST ((size_t)1 << 20)
#define HEAD_MAX   ((size_t)1 << 30)

/* ---- files ---------------------------------------------------------------------------------- */

static int part_open(const char *path, struct gguf_part *out, struct ragd_err *err)
{
	int rc = 0;

	*out = (struct gguf_part){ .path = strdup(path), .fd = -1 };
	if (out->path == NULL)
		return ragd_err_set(err, -ENOMEM, "open model '%s': out of memory", path);
	out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
	if (out->fd < 0 || fstat(out->fd, &out->st) < 0)
		return ragd_err_sys(err, "open model '%s'", path);
	if (!S_ISREG(out->st.st_mode))
		rc = ragd_err_set(err, S_ISDIR(out->st.st_mode) ? -EISDIR : -EINVAL,
				  "open model '%s': not a regular file", path);
	else if (out->st.st_size == 0)
		rc = ragd_err_set(err, -EINVAL, "model '%s': an empty file", path);
	out->len = (uint64_t)out->st.st_size;
	return rc;
}

static void part_close(struct gguf_part *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->path);
	free(p->head);
}

int gguf_part_read(const struct gguf_part *p, uint64_t at, void *out, size_t len,
		   struct ragd_err *err)
{
	uint8_t *to = out;

	if (p->path == NULL) {
		memcpy(out, p->data + at, len);
		return 0;
	}
	while (len > 0) {
		ssize_t n = pread(p->fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ragd_err_sys(err, "read model '%s'", p->path);
		if (n == 0)
			return ragd_err_set(err, -EINVAL,
					    "model '%s': the file has become shorter while it was "
					    "being read",
					    p->path);
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Parse a part, reading as much of the file as its metadata turns out to need. */
static int part_parse(struct gguf_part *p, struct gguf_parsed *out, struct ragd_err *err)
{
	size_t len = 0;
	int rc = -EAGAIN;

	if (p->path == NULL)
		return gguf_parse(p->data, (size_t)p->len, p->len, "in memory", out, err);
	while (rc == -EAGAIN) {
		len = len == 0 ? HEAD_FIRST : 4 * len;
		if (len > HEAD_MAX)
			return ragd_err_set(err, -EINVAL,
					    "model '%s': more than %zu MiB of metadata", p->path,
					    HEAD_MAX >> 20);
		len = (size_t)MIN(len, p->len);
		gguf_parsed_fini(out);
		free(p->head);
		p->head = malloc(len);
		if (p->head == NULL)
			return ragd_err_set(err, -ENOMEM,
					    "model '%s': out of memory for its metadata", p->path);
		rc = gguf_part_read(p, 0, p->head, len, err);
		if (rc == 0)
			rc = gguf_parse(p->head, len, p->len, p->path, out, err);
	}
	return rc;
}

int gguf_tensor_read(const struct gguf *g, const struct gguf_tensor *t, size_t from, void *out,
		     size_t len, struct ragd_err *err)
{
	if (from > t->n_bytes || len > t->n_bytes - from)
		return ragd_err_set(err, -EINVAL, "a tensor of %zu bytes ends before %zu",
				    t->n_bytes, from + len);
	return gguf_part_read(&g->parts[t->part], t->at + from, out, len, err);
}

int gguf_unchanged(const struct gguf *g, struct ragd_err *err)
{
	for (size_t i = 0; i < g->n_parts; i++) {
		const struct gguf_part *p = &g->parts[i];
		struct stat st;

		if (p->path == NULL)
			continue;
		if (fstat(p->fd, &st) < 0)
			return ragd_err_sys(err, "read model '%s'", p->path);
		if (st.st_size != p->st.st_size || st.st_mtim.tv_sec != p->st.st_mtim.tv_sec ||
		    st.st_mtim.tv_nsec != p->st.st_mtim.tv_nsec)
			return ragd_err_set(err, -ESTALE,
					    "model '%s': the file was changed while it was being "
					    "read",
					    p->path);
	}
	return 0;
}

int gguf_private(const struct gguf *g, struct ragd_err *err)
{
	for (size_t i = 0; i < g->n_parts; i++) {
		const struct gguf_part *p = &g->parts[i];

		if (p->path == NULL)
			continue;
		if (p->st.st_uid != 0 && p->st.st_uid != geteuid())
			return ragd_err_set(err, -EPERM, "model '%s' is the user %u's", p->path,
					    (unsigned)p->st.st_uid);
		if ((p->st.st_mode & 022) != 0)
			return ragd_err_set(err, -EPERM,
					    "model '%s' may be written by others (mode %04o)",
					    p->path, (unsigned)(p->st.st_mode & 07777));
	}
	return 0;
}

/* ---- index ---------------------------------------------------------------------------------- */

static int index_all(struct gguf *g, const char *name, struct ragd_err *err)
{
	const struct ragd_str *twice;
	char shown[GGUF_SHOW_MAX];

	if (gguf_index_init(&g->by_key, g->pairs, g->n_pairs, sizeof(*g->pairs)) < 0 ||
	    gguf_index_init(&g->by_name, g->tensors, g->n_tensors, sizeof(*g->tensors)) < 0)
		return ragd_err_set(err, -ENOMEM, "model '%s': out of memory for its index", name);
	twice = gguf_index_twice(&g->by_key);
	if (twice != NULL)
		return ragd_err_set(err, -EINVAL, "model '%s': key '%s' is there twice", name,
				    gguf_show(*twice, shown, sizeof(shown)));
	twice = gguf_index_twice(&g->by_name);
	if (twice != NULL)
		return ragd_err_set(err, -EINVAL, "model '%s': tensor '%s' is there twice", name,
				    gguf_show(*twice, shown, sizeof(shown)));
	return 0;
}

const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name)
{
	return gguf_index_find(&g->by_name, (struct ragd_str){ name, strlen(name) });
}

/* ---- split models --------------------------------------------------------------------------- */

static bool parsed_u64(const struct gguf_parsed *p, const char *key, uint64_t *out)
{
	struct ragd_str want = { key, strlen(key) };

	for (size_t i = 0; i < p->n_pairs; i++) {
		const struct gguf_pair *pair = &p->pairs[i];

		if (gguf_str_cmp(pair->key, want) != 0 || gguf_scalar_bytes(pair->type) == 0 ||
		    pair->type == GGUF_F32 || pair->type == GGUF_F64)
			continue;
		*out = pair->whole;
		return true;
	}
	return false;
}

/* Whether path ends in "-%05u-of-%05u.gguf" with these numbers, `no` from 1. */
static bool split_named(const char *path, uint64_t no, uint64_t count)
{
	char tail[64];
	size_t len = strlen(path);

	snprintf(tail, sizeof(tail), "-%05u-of-%05u.gguf", (unsigned)no, (unsigned)count);
	return len >= SPLIT_TAIL && strcmp(path + len - SPLIT_TAIL, tail) == 0;
}

/* Take the tensors of a parsed part over into g, and of the first part the metadata too. */
static int part_adopt(struct gguf *g, struct gguf_parsed *p, const char *name, struct ragd_err *err)
{
	struct gguf_tensor *tensors;

	if (g->pairs == NULL) {
		g->version = p->version;
		g->pairs = p->pairs;
		g->n_pairs = p->n_pairs;
		g->tensors = p->tensors;
		g->n_tensors = p->n_tensors;
		memset(p, 0, sizeof(*p));
		return 0;
	}
	tensors = reallocarray(g->tensors, MAX(g->n_tensors + p->n_tensors, 1), sizeof(*tensors));
	if (tensors == NULL)
		return ragd_err_set(err, -ENOMEM, "model '%s': out of memory for its tensors",
				    name);
	memcpy(tensors + g->n_tensors, p->tensors, p->n_tensors * sizeof(*tensors));
	g->tensors = tensors;
	g->n_tensors += p->n_tensors;
	return 0;
}

static int part_add(struct gguf *g, const char *path, uint64_t no, uint64_t count,
		    struct ragd_err *err)
{
	struct gguf_part *part = &g->parts[g->n_parts];
	uint64_t said_no = UINT64_MAX, said_count = 0;
	struct gguf_parsed p = { 0 };
	int rc;

	g->n_parts++;
	rc = part_open(path, part, err);
	if (rc == 0)
		rc = part_parse(part, &p, err);
	if (rc == 0) {
		parsed_u64(&p, "split.no", &said_no);
		parsed_u64(&p, "split.count", &said_count);
		if (said_no != no || said_count != count)
			rc = ragd_err_set(err, -EINVAL,
					  "model '%s': not part %u of %u as its name says", path,
					  (unsigned)no + 1, (unsigned)count);
	}
	for (size_t i = 0; rc == 0 && i < p.n_tensors; i++)
		p.tensors[i].part = (uint32_t)no;
	if (rc == 0)
		rc = part_adopt(g, &p, path, err);
	gguf_parsed_fini(&p);
	return rc;
}

/* Open the parts after the first, which is in g. */
static int split_open(struct gguf *g, const char *path, uint64_t count, struct ragd_err *err)
{
	size_t stem = strlen(path) - SPLIT_TAIL;
	struct gguf_part *parts;
	uint64_t n_tensors;
	char *other;
	int rc = 0;

	parts = reallocarray(g->parts, (size_t)count, sizeof(*parts));
	if (parts == NULL)
		return ragd_err_set(err, -ENOMEM, "model '%s': out of memory for its parts", path);
	g->parts = parts;
	for (uint64_t no = 1; no < count && rc == 0; no++) {
		if (asprintf(&other, "%.*s-%05u-of-%05u.gguf", (int)stem, path, (unsigned)no + 1,
			     (unsigned)count) < 0)
			return ragd_err_set(err, -ENOMEM, "model '%s': out of memory", path);
		rc = part_add(g, other, no, count, err);
		free(other);
	}
	if (rc == 0 && gguf_u64(g, "split.tensors.count", &n_tensors) && n_tensors != g->n_tensors)
		rc = ragd_err_set(err, -EINVAL,
				  "model '%s': its %u parts have %zu tensors, not %llu as it says",
				  path, (unsigned)count, g->n_tensors,
				  (unsigned long long)n_tensors);
	return rc;
}

/* ---- open, close ---------------------------------------------------------------------------- */

/* Parse parts[0] and what belongs to it. `path` is NULL for a model in memory. */
static int model_parse(struct gguf *g, const char *path, struct ragd_err *err)
{
	const char *name = path != NULL ? path : "in memory";
	uint64_t no = 0, count = 1;
	struct gguf_parsed p = { 0 };
	int rc = part_parse(&g->parts[0], &p, err);

	if (rc == 0) {
		parsed_u64(&p, "split.no", &no);
		parsed_u64(&p, "split.count", &count);
		rc = part_adopt(g, &p, name, err);
	}
	gguf_parsed_fini(&p);
	if (rc < 0)
		return rc;
	/* Keys first: split_open() looks one up. Tensors are indexed again once all are there. */
	rc = index_all(g, name, err);
	if (rc < 0 || count <= 1)
		return rc;
	if (path == NULL || count > SPLIT_COUNT_OK || no >= count)
		return ragd_err_set(err, -EINVAL, "model '%s': a part of a model in several files",
				    name);
	if (no != 0)
		return ragd_err_set(err, -EINVAL,
				    "model '%s': part %u of %u of a model; open the first part",
				    name, (unsigned)no + 1, (unsigned)count);
	if (!split_named(path, 1, count))
		return ragd_err_set(err, -EINVAL,
				    "model '%s': the first of %u parts, so its name must end in "
				    "-00001-of-%05u.gguf for the others to be found",
				    name, (unsigned)count, (unsigned)count);
	rc = split_open(g, path, count, err);
	if (rc < 0)
		return rc;
	gguf_index_fini(&g->by_key);
	gguf_index_fini(&g->by_name);
	return index_all(g, name, err);
}

static struct gguf *gguf_new(void)
{
	struct gguf *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->parts = calloc(1, sizeof(*g->parts));
	if (g->parts == NULL) {
		free(g);
		return NULL;
	}
	g->n_parts = 1;
	return g;
}

/* Parse the model whose first part is there, unless opening that ended with rc; takes g. */
static int gguf_finish(int rc, struct gguf *g, const char *path, struct gguf **out,
		       struct ragd_err *err)
{
	if (rc == 0)
		rc = model_parse(g, path, err);
	if (rc == 0)
		*out = g;
	else
		gguf_close(g);
	return rc;
}

int gguf_open(const char *path, struct gguf **out, struct ragd_err *err)
{
	struct gguf *g = gguf_new();

	if (g == NULL)
		return ragd_err_set(err, -ENOMEM, "open model '%s': out of memory", path);
	return gguf_finish(part_open(path, &g->parts[0], err), g, path, out, err);
}

int gguf_read(const void *data, size_t len, struct gguf **out, struct ragd_err *err)
{
	struct gguf *g = gguf_new();

	if (g == NULL)
		return ragd_err_set(err, -ENOMEM, "read model: out of memory");
	g->parts[0] = (struct gguf_part){ .fd = -1, .data = data, .len = len };
	return gguf_finish(0, g, NULL, out, err);
}

void gguf_close(struct gguf *g)
{
	struct gguf_parsed p;

	if (g == NULL)
		return;
	p = (struct gguf_parsed){ g->version, g->pairs, g->n_pairs, g->tensors, g->n_tensors };
	gguf_parsed_fini(&p);
	for (size_t i = 0; i < g->n_parts; i++)
		part_close(&g->parts[i]);
	free(g->parts);
	gguf_index_fini(&g->by_key);
	gguf_index_fini(&g->by_name);
	free(g);
}

size_t gguf_size(const struct gguf *g)
{
	uint64_t n = 0;

	for (size_t i = 0; i < g->n_parts; i++)
		n += g->parts[i].len;
	return (size_t)n;
}

uint32_t gguf_version(const struct gguf *g)
{
	return g->version;
}

size_t gguf_n_tensors(const struct gguf *g)
{
	return g->n_tensors;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
	return i < g->n_tensors ? &g->tensors[i] : NULL;
}
