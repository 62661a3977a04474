/*
 * The KV cache as a file: a head, the stamp, then a record for each page of the tree, parents
 * before children and of every owner the most recently used first, then the SHA-256 of all that. It
 * is read on the machine that wrote it, so numbers are in its own order; the head says what they
 * must be.
 */
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/cache/cache_private.h"

static const char magic[8] = "ragdkv\2";

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
	uint64_t owner;
	uint32_t parent;
	uint32_t n;
	int32_t ids[KV_PAGE];
};

struct cache_writer {
	int fd;
	struct sha256_ctx sum;
	struct ragd_err *err;
	const char *path;
};

static int writer_put(struct cache_writer *w, const void *data, size_t len)
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

/* Whether the node hangs on its owner rather than on another node of the same. */
static bool is_top(const struct cache *c, uint32_t i)
{
	uint32_t parent = c->nodes[i].parent;

	return parent == NODE_NONE || c->nodes[parent].owner != c->nodes[i].owner;
}

/*
 * The nodes of an owner's that are held, each after its parent, into order from n on; returns the
 * new n.
 */
static uint32_t held_nodes(const struct cache *c, uint32_t owner, uint32_t *order, uint32_t n)
{
	uint32_t i = c->owners[owner].top;

	while (i != NODE_NONE) {
		const struct node *node = &c->nodes[i];

		if (node->refs > 0)
			order[n++] = i;
		if (node->refs > 0 && node->child != NODE_NONE) {
			i = node->child;
			continue;
		}
		while (i != NODE_NONE && c->nodes[i].after == NODE_NONE)
			i = is_top(c, i) ? NODE_NONE : c->nodes[i].parent;
		if (i != NODE_NONE)
			i = c->nodes[i].after;
	}
	return n;
}

/* Nodes in the order of saving, all owners' in turn, the configuration's before the others'. */
struct order {
	uint32_t *nodes;  /* of each owner one after another */
	uint32_t *from;   /* [n_owners + 1]: where they begin */
	uint32_t *number; /* of a node: its record */
};

static void order_fini(struct order *o)
{
	free(o->nodes);
	free(o->from);
	free(o->number);
}

static int order_init(struct order *o, const struct cache *c)
{
	uint32_t n = 0;

	o->nodes = malloc(c->n_pages * sizeof(*o->nodes));
	o->number = malloc(c->n_pages * sizeof(*o->number));
	o->from = malloc((c->n_owners + 1) * sizeof(*o->from));
	if (o->nodes == NULL || o->number == NULL || o->from == NULL)
		return -ENOMEM;
	for (uint32_t w = 0; w < c->n_owners; w++) {
		o->from[w] = n;
		n = held_nodes(c, w, o->nodes, n);
		for (uint32_t i = c->owners[w].newest; i != NODE_NONE; i = c->nodes[i].older)
			o->nodes[n++] = i;
	}
	o->from[c->n_owners] = n;
	return 0;
}

static int put_record(struct cache_writer *w, const struct cache *c, struct order *o, uint32_t i,
		      uint32_t number)
{
	const struct node *node = &c->nodes[i];
	struct record r = { .owner = c->owners[node->owner].id, .parent = NODE_NONE, .n = node->n };
	int rc;

	o->number[i] = number;
	if (node->parent != NODE_NONE)
		r.parent = o->number[node->parent];
	memcpy(r.ids, node->ids, node->n * sizeof(*r.ids));
	rc = writer_put(w, &r, sizeof(r));
	return rc < 0 ? rc : writer_put(w, cache_page(c, i), c->page_bytes);
}

static int put_records(struct cache_writer *w, const struct cache *c, struct order *o)
{
	uint32_t n = o->from[1], all = o->from[c->n_owners];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < n; i++)
		rc = put_record(w, c, o, o->nodes[i], i);
	for (uint32_t turn = 0; rc == 0 && n < all; turn++)
		for (uint32_t k = 1; rc == 0 && k < c->n_owners; k++)
			if (o->from[k] + turn < o->from[k + 1]) {
				rc = put_record(w, c, o, o->nodes[o->from[k] + turn], n);
				n++;
			}
	return rc;
}

static int put_all(struct cache_writer *w, const struct cache *c, const char *stamp)
{
	struct head head = { .page_bytes = c->page_bytes, .page_tokens = KV_PAGE };
	struct order order = { 0 };
	uint8_t sum[SHA256_DIGEST_SIZE];
	int rc = order_init(&order, c);

	if (rc < 0) {
		ragd_err_set(w->err, rc, "write KV cache: out of memory");
		goto out;
	}
	memcpy(head.magic, magic, sizeof(magic));
	head.n_records = order.from[c->n_owners];
	head.stamp_len = (uint32_t)strlen(stamp);
	rc = writer_put(w, &head, sizeof(head));
	if (rc == 0)
		rc = writer_put(w, stamp, head.stamp_len);
	if (rc == 0)
		rc = put_records(w, c, &order);
	if (rc == 0) {
		sha256_digest(&w->sum, sizeof(sum), sum);
		rc = writer_put(w, sum, sizeof(sum));
	}
out:
	order_fini(&order);
	return rc;
}

int cache_save(const struct cache *c, const char *path, const char *stamp, struct ragd_err *err)
{
	struct cache_writer w = { .err = err, .path = path };
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

/* ---- reading -------------------------------------------------------------------------------- */

/*
 * Read from a descriptor, never from a mapping: a file that is cut short meanwhile is an error. It
 * is read twice, first to see that it is whole.
 */
struct cache_reader {
	int fd;
	struct sha256_ctx sum;
	uint64_t left; /* before the sum at the end */
	struct ragd_err *err;
	const char *path;
};

static int err_damaged(const struct cache_reader *r)
{
	return ragd_err_set(r->err, -EBADMSG, "KV cache '%s' is damaged, or none", r->path);
}

/* The next len bytes, wherever they end in the file. */
static int get_bytes(struct cache_reader *r, void *out, size_t len)
{
	uint8_t *p = out;

	while (len > 0) {
		ssize_t n = read(r->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ragd_err_sys(r->err, "read KV cache '%s'", r->path);
		if (n == 0)
			return err_damaged(r);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The next len bytes of what is summed. */
static int reader_get(struct cache_reader *r, void *out, size_t len)
{
	int rc;

	if (len > r->left)
		return err_damaged(r);
	rc = get_bytes(r, out, len);
	if (rc < 0)
		return rc;
	r->left -= len;
	sha256_update(&r->sum, len, out);
	return 0;
}

/* What must stand at the end, where all before it was got. */
static int get_sum(struct cache_reader *r)
{
	uint8_t want[SHA256_DIGEST_SIZE], sum[SHA256_DIGEST_SIZE];
	int rc = r->left == 0 ? get_bytes(r, want, sizeof(want)) : err_damaged(r);

	sha256_digest(&r->sum, sizeof(sum), sum);
	if (rc == 0 && memcmp(sum, want, sizeof(sum)) != 0)
		rc = err_damaged(r);
	return rc;
}

/* From the beginning up to the first record. */
static int get_head(struct cache_reader *r, const struct cache *c, const char *stamp,
		    struct head *head)
{
	size_t record = sizeof(struct record) + c->page_bytes, len = strlen(stamp);
	struct stat st;
	char *said = NULL;
	int rc;

	if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode) || lseek(r->fd, 0, SEEK_SET) < 0 ||
	    st.st_size < SHA256_DIGEST_SIZE)
		return err_damaged(r);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return ragd_err_set(r->err, -EPERM,
				    "KV cache '%s' may be read or written by others than ragd",
				    r->path);
	r->left = (uint64_t)st.st_size - SHA256_DIGEST_SIZE;
	sha256_init(&r->sum);
	rc = reader_get(r, head, sizeof(*head));
	if (rc < 0)
		return rc;
	if (memcmp(head->magic, magic, sizeof(magic)) != 0 || head->stamp_len > r->left)
		return err_damaged(r);
	said = malloc(len + 1);
	if (said == NULL)
		return ragd_err_set(r->err, -ENOMEM, "read KV cache '%s': out of memory", r->path);
	if (head->page_bytes != c->page_bytes || head->page_tokens != KV_PAGE ||
	    head->stamp_len != len || reader_get(r, said, len) < 0 || memcmp(said, stamp, len) != 0)
		rc = ragd_err_set(r->err, -ESTALE,
				  "KV cache '%s' was made by another model or set-up", r->path);
	else if (r->left % record != 0 || r->left / record != head->n_records)
		rc = err_damaged(r);
	free(said);
	return rc;
}

/*
 * The parent's node and the owner's place for a record that may enter the tree. The sum was right,
 * so only a writer of another mind can have got this far with nonsense.
 */
static bool record_place(struct cache *c, const struct record *r, uint32_t i, const uint32_t *node,
			 uint32_t *parent, uint32_t *owner)
{
	*parent = NODE_NONE;
	if (r->n < 1 || r->n > KV_PAGE || (r->parent != NODE_NONE && r->parent >= i))
		return false;
	if (r->parent != NODE_NONE && (*parent = node[r->parent]) == NODE_NONE)
		return false;
	if (*parent != NODE_NONE && c->nodes[*parent].n < KV_PAGE)
		return false;
	*owner = cache_owner(c, r->owner);
	return *owner != OWNER_NONE && (*parent == NODE_NONE || c->nodes[*parent].owner == *owner ||
					c->nodes[*parent].owner == OWNER_CONFIGURED);
}

/* A record into the tree, if there is room; node[i] becomes its page. */
static int take_in(struct cache_reader *r, struct cache *c, uint32_t i, uint32_t *node, void *spare)
{
	struct record rec;
	uint32_t parent, owner, page = NODE_NONE;
	bool add = false;
	int rc = reader_get(r, &rec, sizeof(rec));

	if (rc < 0)
		return rc;
	node[i] = NODE_NONE;
	if (record_place(c, &rec, i, node, &parent, &owner)) {
		node[i] = cache_child(c, parent, owner, rec.ids, rec.n);
		add = node[i] == NODE_NONE && c->n_free > 0;
	}
	if (add)
		page = cache_take(c, owner);
	rc = reader_get(r, add ? cache_page(c, page) : spare, c->page_bytes);
	if (!add)
		return rc;
	if (rc < 0) {
		cache_give(c, page);
		return rc;
	}
	cache_hang(c, page, parent, owner, rec.ids, rec.n);
	cache_idle_oldest(c, page); /* after its parents: the list keeps its order */
	node[i] = page;
	return 0;
}

/* Whether the file is whole and ours; how many records it has. */
static int check_all(struct cache_reader *r, const struct cache *c, const char *stamp, void *spare,
		     uint32_t *n_records)
{
	struct head head;
	int rc = get_head(r, c, stamp, &head);

	for (uint32_t i = 0; rc == 0 && i < head.n_records; i++) {
		rc = reader_get(r, spare, sizeof(struct record));
		if (rc == 0)
			rc = reader_get(r, spare, c->page_bytes);
	}
	if (rc == 0)
		rc = get_sum(r);
	*n_records = head.n_records;
	return rc;
}

/*
 * The same once more, into the tree; what a file that has changed meanwhile says is forgotten
 * again.
 */
static int take_all(struct cache_reader *r, struct cache *c, const char *stamp, void *spare,
		    uint32_t n_records)
{
	uint32_t *node = malloc(MAX(n_records, 1u) * sizeof(*node));
	struct head head;
	int rc;

	if (node == NULL)
		return ragd_err_set(r->err, -ENOMEM, "read KV cache '%s': out of memory", r->path);
	rc = get_head(r, c, stamp, &head);
	if (rc == 0 && head.n_records != n_records)
		rc = err_damaged(r);
	for (uint32_t i = 0; rc == 0 && i < n_records; i++)
		rc = take_in(r, c, i, node, spare);
	if (rc == 0)
		rc = get_sum(r);
	if (rc < 0)
		cache_clear(c);
	free(node);
	return rc;
}

int cache_load(struct cache *c, const char *path, const char *stamp, struct ragd_err *err)
{
	struct cache_reader r = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW),
				  .err = err,
				  .path = path };
	void *spare = malloc(MAX(c->page_bytes, sizeof(struct record)));
	uint32_t n_records = 0;
	int rc;

	if (spare == NULL)
		rc = ragd_err_set(err, -ENOMEM, "read KV cache '%s': out of memory", path);
	else if (r.fd < 0)
		rc = ragd_err_sys(err, "open KV cache '%s'", path);
	else
		rc = check_all(&r, c, stamp, spare, &n_records);
	if (rc == 0)
		rc = take_all(&r, c, stamp, spare, n_records);
	if (r.fd >= 0)
		close(r.fd);
	free(spare);
	return rc;
}
