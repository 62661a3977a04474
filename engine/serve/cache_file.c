/*
 * The KV cache as a file: a head, the stamp, then a record for each page of the tree, parents before
 * children and the most recently used first, then the SHA-256 of all that. It is read on the machine that
 * wrote it, so numbers are in its own order; the head says what they must be.
 */
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/serve/cache_private.h"

static const char magic[8] = "ragdkv\1";

struct head {
	char magic[8];
	uint64_t page_bytes;
	uint32_t page_tokens;
	uint32_t n_records;
	uint32_t stamp_len;
	uint32_t zero;
};

/* Followed by the page's bytes. `parent` counts records of this file; NODE_NONE: the root. */
struct record {
	uint32_t parent;
	uint32_t n;
	int32_t ids[KV_PAGE];
};

struct writer {
	int fd;
	struct sha256_ctx sum;
	struct ragd_err *err;
	const char *path;
};

static int put(struct writer *w, const void *data, size_t len)
{
	const uint8_t *p = data;

	sha256_update(&w->sum, len, p);
	while (len > 0) {
		ssize_t n = write(w->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ragd_err_sys(w->err, "write KV cache '%s'", w->path);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Nodes held by sequences, each after its parent; returns how many. */
static uint32_t held_nodes(const struct cache *c, uint32_t *order, uint32_t n)
{
	uint32_t i = c->root_child;

	while (i != NODE_NONE) {
		const struct node *node = &c->nodes[i];

		if (node->refs > 0)
			order[n++] = i;
		if (node->refs > 0 && node->child != NODE_NONE) {
			i = node->child;
			continue;
		}
		while (i != NODE_NONE && c->nodes[i].after == NODE_NONE)
			i = c->nodes[i].parent;
		if (i != NODE_NONE)
			i = c->nodes[i].after;
	}
	return n;
}

static int put_all(struct writer *w, const struct cache *c, const char *stamp)
{
	uint32_t *order = malloc(c->n_pages * sizeof(*order)), n = 0, *number;
	struct head head = { .page_bytes = c->page_bytes, .page_tokens = KV_PAGE };
	uint8_t sum[SHA256_DIGEST_SIZE];
	int rc = -ENOMEM;

	number = malloc(c->n_pages * sizeof(*number));
	if (order == NULL || number == NULL) {
		ragd_err_set(w->err, rc, "write KV cache: out of memory");
		goto out;
	}
	n = held_nodes(c, order, 0);
	for (uint32_t i = c->newest; i != NODE_NONE; i = c->nodes[i].older)
		order[n++] = i;
	memcpy(head.magic, magic, sizeof(magic));
	head.n_records = n;
	head.stamp_len = (uint32_t)strlen(stamp);
	rc = put(w, &head, sizeof(head));
	if (rc == 0)
		rc = put(w, stamp, head.stamp_len);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		const struct node *node = &c->nodes[order[i]];
		struct record r = { .parent = NODE_NONE, .n = node->n };

		number[order[i]] = i;
		if (node->parent != NODE_NONE)
			r.parent = number[node->parent];
		memcpy(r.ids, node->ids, node->n * sizeof(*r.ids));
		rc = put(w, &r, sizeof(r));
		if (rc == 0)
			rc = put(w, cache_page(c, order[i]), c->page_bytes);
	}
	if (rc == 0) {
		sha256_digest(&w->sum, sizeof(sum), sum);
		rc = put(w, sum, sizeof(sum));
	}
out:
	free(order);
	free(number);
	return rc;
}

int cache_save(const struct cache *c, const char *path, const char *stamp, struct ragd_err *err)
{
	struct writer w = { .err = err, .path = path };
	size_t len = strlen(path) + sizeof(".XXXXXX");
	char *tmp = malloc(len);
	int rc;

	if (tmp == NULL)
		return ragd_err_set(err, -ENOMEM, "write KV cache '%s': out of memory", path);
	snprintf(tmp, len, "%s.XXXXXX", path);
	w.fd = mkostemp(tmp, O_CLOEXEC);
	if (w.fd < 0) {
		rc = ragd_err_sys(err, "create KV cache '%s'", path);
		free(tmp);
		return rc;
	}
	sha256_init(&w.sum);
	rc = put_all(&w, c, stamp);
	if (rc == 0 && fsync(w.fd) < 0)
		rc = ragd_err_sys(err, "write KV cache '%s'", path);
	close(w.fd);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = ragd_err_sys(err, "rename KV cache to '%s'", path);
	if (rc < 0)
		unlink(tmp);
	free(tmp);
	return rc;
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* Find the records of a file that is whole and ours. */
static int find_records(const struct cache *c, const uint8_t *map, size_t size, const char *path,
			const char *stamp, struct head *head, const uint8_t **out,
			struct ragd_err *err)
{
	size_t record = sizeof(struct record) + c->page_bytes, left;
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	if (size < sizeof(*head) + sizeof(sum))
		goto damaged;
	memcpy(head, map, sizeof(*head));
	left = size - sizeof(*head) - sizeof(sum);
	if (memcmp(head->magic, magic, sizeof(magic)) != 0 || head->stamp_len > left)
		goto damaged;
	if (head->page_bytes != c->page_bytes || head->page_tokens != KV_PAGE ||
	    head->stamp_len != strlen(stamp) ||
	    memcmp(map + sizeof(*head), stamp, head->stamp_len) != 0)
		return ragd_err_set(err, -ESTALE,
				    "KV cache '%s' was made by another model or set-up", path);
	left -= head->stamp_len;
	if (left % record != 0 || left / record != head->n_records)
		goto damaged;
	sha256_init(&ctx);
	sha256_update(&ctx, size - sizeof(sum), map);
	sha256_digest(&ctx, sizeof(sum), sum);
	if (memcmp(sum, map + size - sizeof(sum), sizeof(sum)) != 0)
		goto damaged;
	*out = map + sizeof(*head) + head->stamp_len;
	return 0;
damaged:
	return ragd_err_set(err, -EBADMSG, "KV cache '%s' is damaged, or none", path);
}

/* The sum was right, so only a writer of another mind can have got this far with nonsense. */
static bool record_valid(const struct record *r, uint32_t i, const uint32_t *node)
{
	return r->n >= 1 && r->n <= KV_PAGE &&
	       (r->parent == NODE_NONE || (r->parent < i && node[r->parent] != NODE_NONE));
}

static void take_in(struct cache *c, const uint8_t *p, uint32_t n_records, uint32_t *node)
{
	for (uint32_t i = 0; i < n_records; i++, p += sizeof(struct record) + c->page_bytes) {
		struct record r;
		uint32_t parent, page;

		memcpy(&r, p, sizeof(r));
		node[i] = NODE_NONE;
		if (!record_valid(&r, i, node))
			continue;
		parent = r.parent == NODE_NONE ? NODE_NONE : node[r.parent];
		if (parent != NODE_NONE && c->nodes[parent].n < KV_PAGE)
			continue;
		node[i] = cache_child(c, parent, r.ids, r.n);
		if (node[i] != NODE_NONE || c->n_free == 0)
			continue;
		page = cache_take(c);
		memcpy(cache_page(c, page), p + sizeof(r), c->page_bytes);
		cache_hang(c, page, parent, r.ids, r.n);
		cache_idle_oldest(c, page); /* after its parents: the list keeps its order */
		node[i] = page;
	}
}

int cache_load(struct cache *c, const char *path, const char *stamp, struct ragd_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;
	struct head head;
	const uint8_t *first = NULL;
	uint32_t *node = NULL;
	uint8_t *map = MAP_FAILED;

	if (fd < 0)
		return ragd_err_sys(err, "open KV cache '%s'", path);
	if (fstat(fd, &st) < 0 || st.st_size == 0 ||
	    (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		rc = ragd_err_set(err, -EBADMSG, "KV cache '%s' cannot be read", path);
		goto out;
	}
	rc = find_records(c, map, (size_t)st.st_size, path, stamp, &head, &first, err);
	if (rc < 0)
		goto out;
	node = malloc(MAX(head.n_records, 1) * sizeof(*node));
	if (node == NULL)
		rc = ragd_err_set(err, -ENOMEM, "read KV cache '%s': out of memory", path);
	else
		take_in(c, first, head.n_records, node);
out:
	free(node);
	if (map != MAP_FAILED)
		munmap(map, (size_t)st.st_size);
	close(fd);
	return rc;
}
