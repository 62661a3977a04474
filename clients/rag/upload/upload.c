#include "clients/rag/upload/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_DOCUMENTS 256
#define BATCH_BYTES     ((size_t)1 << 20)
#define JOBS_MAX        16
#define TRIES           30 /* seconds to wait for a daemon whose queue is full */

/* One worker: reads, compares, gathers, sends. */
struct upload_worker {
	struct upload *u;
	struct ragd_client *c;
	struct upload_item items[BATCH_DOCUMENTS];
	size_t n;
	size_t bytes;
};

/* ---- what is said; under the lock ---- */

static void note_failure(struct upload *u, const char *label, const char *why)
{
	struct out o;

	u->n_failed++;
	json_array_append_new(u->failures, json_pack("{s:s, s:s}", "path", label, "error", why));
	progress_clear(&u->progress);
	out_init(&o, stderr, NULL);
	out_printf(&o, STYLE_PLAIN, "%s: %s\n", label, why);
}

static void item_failed(struct upload *u, const struct upload_item *it, const char *why)
{
	pthread_mutex_lock(&u->lock);
	note_failure(u, it->label, why);
	progress_add(&u->progress, it->cost);
	pthread_mutex_unlock(&u->lock);
}

static void item_stored(struct upload *u, const struct upload_item *it,
			const struct ragd_added_row *row)
{
	if (row == NULL || strcmp(row->status, "failed") == 0) {
		item_failed(u, it,
			    row != NULL && row->error[0] != '\0' ? row->error
								 : "it was not stored");
		return;
	}
	pthread_mutex_lock(&u->lock);
	if (strcmp(row->status, "added") == 0)
		u->n_added++;
	else if (strcmp(row->status, "updated") == 0)
		u->n_updated++;
	else
		u->n_unchanged++;
	progress_add(&u->progress, it->cost);
	pthread_mutex_unlock(&u->lock);
}

/* An error that the next request would meet, too: say it once and stop. */
static void upload_stop(struct upload *u, const struct ragd_err *err)
{
	pthread_mutex_lock(&u->lock);
	if (!u->stopped) {
		progress_clear(&u->progress);
		fprintf(stderr, "rag: %s; stopped\n", err->msg);
	}
	u->stopped = true;
	pthread_mutex_unlock(&u->lock);
}

static bool is_stopped(struct upload *u)
{
	bool stopped;

	pthread_mutex_lock(&u->lock);
	stopped = u->stopped;
	pthread_mutex_unlock(&u->lock);
	return stopped;
}

/* ---- sending ---- */

static bool must_wait(int rc)
{
	return rc == -EBUSY || rc == -EAGAIN;
}

/* Errors that are about one document, and not about all. */
static bool is_about_document(int rc)
{
	return rc == -EFBIG || rc == -EILSEQ || rc == -EINVAL || rc == -EREMOTEIO;
}

static int send_patiently(struct upload_worker *w, const struct ragd_new_document *docs, size_t n,
			  struct ragd_added **added, struct ragd_err *err)
{
	int rc = -EBUSY;

	for (unsigned i = 0; i < TRIES && must_wait(rc); i++) {
		if (i > 0)
			sleep(1); /* what Retry-After says */
		if (n == 1 && docs->len > BATCH_BYTES && docs->n_tags == 0)
			rc = ragd_client_put(w->c, w->u->collection, docs, added, err);
		else
			rc = ragd_client_add(w->c, w->u->collection, docs, n, added, err);
	}
	return rc;
}

static void send_items(struct upload_worker *w, const struct upload_item *items, size_t n)
{
	struct ragd_new_document docs[BATCH_DOCUMENTS];
	struct ragd_added *added = NULL;
	struct ragd_err err;
	int rc;

	for (size_t i = 0; i < n; i++)
		docs[i] = items[i].doc;
	rc = send_patiently(w, docs, n, &added, &err);
	if (rc == 0)
		for (size_t i = 0; i < n; i++)
			item_stored(w->u, &items[i], ragd_added_at(added, i));
	else if (is_about_document(rc) && n > 1)
		for (size_t i = 0; i < n && !is_stopped(w->u); i++)
			send_items(w, &items[i], 1);
	else if (is_about_document(rc))
		item_failed(w->u, items, err.msg);
	else
		upload_stop(w->u, &err);
	ragd_added_free(added);
}

static void worker_flush(struct upload_worker *w)
{
	if (w->n > 0)
		send_items(w, w->items, w->n);
	while (w->n > 0)
		item_fini(&w->items[--w->n]);
	w->bytes = 0;
}

/* The daemon has these very bytes under this id. */
static bool is_known(const struct upload *u, const struct upload_item *it)
{
	const char *digest = json_string_value(json_object_get(u->known, it->id));
	char own[RAGD_DIGEST_HEX + 1];

	if (digest == NULL)
		return false;
	ragd_digest(it->doc.data, it->doc.len, own);
	return strcmp(own, digest) == 0;
}

static void fill_in(const struct upload *u, struct upload_item *it)
{
	if (it->doc.title == NULL)
		it->doc.title = u->title;
	if (it->doc.media_type == NULL)
		it->doc.media_type = u->media_type;
	if (it->doc.n_tags == 0) {
		it->doc.tags = u->tags.at;
		it->doc.n_tags = u->tags.n;
	}
}

/* Takes the item. */
static void worker_take(struct upload_worker *w, struct upload_item *it)
{
	static const struct ragd_added_row unchanged = { .status = "unchanged" };
	struct ragd_err err;

	if (item_load(it, &err) < 0) {
		item_failed(w->u, it, err.msg);
		item_fini(it);
		return;
	}
	if (is_known(w->u, it)) {
		item_stored(w->u, it, &unchanged);
		item_fini(it);
		return;
	}
	fill_in(w->u, it);
	if (w->n > 0 && w->bytes + it->doc.len > BATCH_BYTES)
		worker_flush(w);
	w->items[w->n++] = *it;
	/* What pointed into the item itself points into the copy. */
	if (it->line.id == it->line.id_text)
		w->items[w->n - 1].line.id = w->items[w->n - 1].line.id_text;
	w->bytes += it->doc.len;
	if (w->n == BATCH_DOCUMENTS || w->bytes >= BATCH_BYTES)
		worker_flush(w);
}

/* 1 with the next item; 0 if there is no more, or no sense in more. */
static int worker_next(struct upload_worker *w, struct upload_item *it)
{
	struct upload *u = w->u;
	struct ragd_err err;
	int rc = 0;

	pthread_mutex_lock(&u->lock);
	if (!u->stopped)
		rc = source_next(u->source, it, &err);
	pthread_mutex_unlock(&u->lock);
	if (rc < 0)
		upload_stop(u, &err);
	return rc > 0;
}

static void *worker_run(void *arg)
{
	struct upload *u = arg;
	struct upload_worker *w = calloc(1, sizeof(*w));
	struct ragd_err err;
	struct upload_item it;

	if (w == NULL) {
		ragd_err_set(&err, -ENOMEM, "out of memory");
		upload_stop(u, &err);
		return NULL;
	}
	w->u = u;
	if (ragd_client_open(u->r->args.socket, &w->c, &err) < 0) {
		upload_stop(u, &err);
		free(w);
		return NULL;
	}
	while (worker_next(w, &it))
		worker_take(w, &it);
	worker_flush(w);
	ragd_client_close(w->c);
	free(w);
	return NULL;
}

int upload_run(struct upload *u)
{
	unsigned jobs = MIN(u->jobs, JOBS_MAX), n = 0;
	pthread_t threads[JOBS_MAX];

	pthread_mutex_init(&u->lock, NULL);
	u->failures = json_array();
	while (n < jobs && pthread_create(&threads[n], NULL, worker_run, u) == 0)
		n++;
	if (n == 0)
		worker_run(u);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	progress_clear(&u->progress);
	pthread_mutex_destroy(&u->lock);
	return u->n_failed > 0 || u->stopped ? EXIT_FAILED : EXIT_ANSWERED;
}
