/* What there is in the store, and what searches have read. */
#include "retrieval/store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/encode.h"
#include "retrieval/index/vectors.h"
#include "retrieval/store/store_private.h"

/* Files of the store; a directory that cannot be read counts nothing. */
static uint64_t bytes_on_disk(const struct store *s)
{
	struct dirent *entry;
	uint64_t sum = 0;
	struct stat st;
	DIR *dir = opendir(s->dir);

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	closedir(dir);
	return sum;
}

/*
 * Passages without a vector of the encoder. While all are made again next to those in use, the new
 * ones count.
 */
static uint64_t count_waiting(const struct store *s, const struct catalog_collection *col)
{
	const struct embedding_index *m = col->next.embedder != NULL ? &col->next : &col->now;
	uint64_t n = m->vectors != NULL && strcmp(m->embedder->encoder, s->encoder) == 0
			     ? vectors_count(m->vectors)
			     : 0;

	if (col->renewal && col->next.embedder == NULL)
		n = 0; /* they are about to be */
	return col->n_passages - MIN(n, col->n_passages);
}

static uint32_t waiting_seconds(const struct store *s, uint64_t n_waiting)
{
	double rate = encode_rate(s->encode);

	return n_waiting > 0 && rate > 0 ? (uint32_t)MIN((double)n_waiting / rate + 1, UINT32_MAX)
					 : 0;
}

void store_progress_read(struct store *s, struct store_progress *out)
{
	struct catalog *c = &s->catalog;

	*out = (struct store_progress){ 0 };
	if (s->encode == NULL)
		return;
	pthread_rwlock_rdlock(&c->lock);
	for (uint32_t i = 0; i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col == NULL || !col->shown)
			continue;
		if (col->now.vectors != NULL)
			out->n_vectors += vectors_count(col->now.vectors);
		out->n_waiting += count_waiting(s, col);
	}
	pthread_rwlock_unlock(&c->lock);
	out->waiting_s = waiting_seconds(s, out->n_waiting);
	encode_counts(s->encode, &out->n_encoded, &out->n_failures);
}

static void stats_encoder(const struct store *s, struct ragd_retrieval_stats *out)
{
	snprintf(out->encoder, sizeof(out->encoder), "%s", s->encoder);
	encode_trouble(s->encode, out->trouble);
	out->waiting_s = waiting_seconds(s, out->n_waiting);
}

void store_stats(struct store *s, const struct ragd_caller *caller,
		 struct ragd_retrieval_stats *out)
{
	struct catalog *c = &s->catalog;

	memset(out, 0, sizeof(*out));
	pthread_rwlock_rdlock(&c->lock);
	for (uint32_t i = 0; i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col == NULL || !col->shown || !acl_may(&col->acl, caller, ACL_READ))
			continue;
		out->n_collections++;
		out->n_documents += col->n_documents;
		out->n_passages += col->n_passages;
		if (col->now.embedder != NULL) {
			out->dim = MAX(out->dim, col->now.embedder->dim);
			out->n_vectors += vectors_count(col->now.vectors);
			out->n_foreign += MIN(col->now.embedder->n_foreign, col->n_passages);
		}
		if (s->encode != NULL)
			out->n_waiting += count_waiting(s, col);
	}
	pthread_rwlock_unlock(&c->lock);
	if (s->encode != NULL)
		stats_encoder(s, out);
	if (caller->admin)
		out->n_bytes = bytes_on_disk(s);
}

uint64_t store_looked_at(struct store *s)
{
	return atomic_load_explicit(&s->n_looked_at, memory_order_relaxed);
}
