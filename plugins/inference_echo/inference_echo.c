/*
 * inference_echo: says the last user message back, word by word. For tests, benchmarks and a first
 * look at a fresh installation; it knows nothing.
 *
 * Without a delay an answer is written before generate returns. With one, a single thread of the
 * plugin serves all answers by their due times, so that a thousand slow ones hold no pool thread.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ragd/plugin.h>

#include "base/clock.h"
#include "base/util.h"
#include "config.h"

#define DIM     64
#define LOOK_US 100000 /* how long an answer that waits for its next word may not notice its end */

/* One answer under way. Everything it points to stays valid until done returns. */
struct echo_job {
	const struct ragd_call *call;
	struct ragd_sink *sink;
	struct ragd_str parts[2]; /* prefix and message */
	int part;
	size_t at; /* in parts[part] */
	uint32_t max_pieces;
	struct ragd_usage usage;
	int64_t word_us; /* when the next word is due */
	int64_t due_us;  /* when the thread looks at it: then, or earlier */
};

struct echo {
	const char *prefix;
	int64_t delay_us;
	uint32_t fail_after;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool threaded;
	bool closing;
	struct echo_job **heap; /* [n_heap] of cap_heap; the earliest due first */
	size_t n_heap;
	size_t cap_heap;
};

static const struct ragd_option options[] = {
	{ "prefix", RAGD_OPT_STRING, "", 0, 0, NULL, "Text in front of the message.", false },
	{ "delay", RAGD_OPT_DURATION, "0", 0, 3600000, NULL, "Time before each word.", true },
	{ "fail_after", RAGD_OPT_INT, "0", 0, 1000000, NULL,
	  "Fail after this many words; 0: never. For tests of what an error leaves behind.", true },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

/* ---- words --------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Length of the first word of s with the space around it; spaces are ASCII, so no character is cut.
 */
static size_t piece_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_space(s[n]))
		n++;
	while (n < len && !is_space(s[n]))
		n++;
	while (n < len && is_space(s[n]))
		n++;
	return n;
}

static uint32_t count_words(struct ragd_str text)
{
	uint32_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += !is_space(text.s[i]) && (i == 0 || is_space(text.s[i - 1]));
	return n;
}

/* ---- one answer ---------------------------------------------------------------------------- */

static int job_fail(struct echo_job *job, int rc, const char *why)
{
	struct ragd_err err = { 0 };

	ragd_err_set(&err, rc, "%s", why);
	job->sink->done(job->sink, rc, RAGD_FINISH_STOP, NULL, &err);
	return 1;
}

static int job_finish(struct echo_job *job, enum ragd_finish finish)
{
	job->sink->done(job->sink, 0, finish, &job->usage, NULL);
	return 1;
}

/* 0, or what the call says about going on. */
static int call_check(const struct ragd_call *call)
{
	if (call->cancelled(call))
		return -ECANCELED;
	return call->deadline_ms != 0 && clock_ms() > call->deadline_ms ? -ETIMEDOUT : 0;
}

/*
 * Write the word that is due. Returns 1 once the sink is done: the job's memory is the caller's to
 * free.
 */
static int job_step(const struct echo *e, struct echo_job *job)
{
	struct ragd_str *text = &job->parts[job->part];
	size_t len;
	int rc = call_check(job->call);

	if (rc == -ECANCELED)
		return job_fail(job, rc, "nobody is waiting for the answer any more");
	if (rc == -ETIMEDOUT)
		return job_fail(job, rc, "the deadline passed while echoing");
	if (job->word_us > 0 && clock_us() < job->word_us)
		return 0;
	if (job->at == text->len && job->part == 0) {
		job->part = 1;
		job->at = 0;
		text = &job->parts[1];
	}
	if (job->at == text->len)
		return job_finish(job, RAGD_FINISH_STOP);
	if (e->fail_after != 0 && job->usage.n_output >= e->fail_after)
		return job_fail(job, -EIO, "failed as fail_after asks");
	if (job->max_pieces != 0 && job->usage.n_output >= job->max_pieces)
		return job_finish(job, RAGD_FINISH_LENGTH);

	len = piece_len(text->s + job->at, text->len - job->at);
	rc = job->sink->text(job->sink, text->s + job->at, len);
	if (rc == -ENOBUFS)
		return job_finish(job, RAGD_FINISH_LENGTH);
	if (rc < 0)
		return job_fail(job, rc, "nobody is waiting for the answer any more");
	job->at += len;
	job->usage.n_output++;
	job->word_us += e->delay_us;
	return 0;
}

/* A word may be an hour away: somebody who leaves, or a deadline, must not wait for it. */
static void job_schedule(struct echo_job *job)
{
	job->due_us = MIN(job->word_us, clock_us() + LOOK_US);
}

/* ---- answers with a delay ------------------------------------------------------------------ */

static void heap_swap(struct echo *e, size_t a, size_t b)
{
	struct echo_job *job = e->heap[a];

	e->heap[a] = e->heap[b];
	e->heap[b] = job;
}

static bool heap_before(const struct echo *e, size_t a, size_t b)
{
	return e->heap[a]->due_us < e->heap[b]->due_us;
}

/* Under the lock. */
static int heap_push(struct echo *e, struct echo_job *job)
{
	size_t i = e->n_heap;

	if (e->n_heap == e->cap_heap) {
		size_t cap = e->cap_heap != 0 ? 2 * e->cap_heap : 64;
		struct echo_job **heap = realloc(e->heap, cap * sizeof(*heap));

		if (heap == NULL)
			return -ENOMEM;
		e->heap = heap;
		e->cap_heap = cap;
	}
	e->heap[e->n_heap++] = job;
	for (; i > 0 && heap_before(e, i, (i - 1) / 2); i = (i - 1) / 2)
		heap_swap(e, i, (i - 1) / 2);
	return 0;
}

/* Under the lock, and not empty. Leaves room for one push, so that putting a job back cannot fail.
 */
static struct echo_job *heap_pop(struct echo *e)
{
	struct echo_job *first = e->heap[0];
	size_t i = 0, child;

	e->heap[0] = e->heap[--e->n_heap];
	while ((child = 2 * i + 1) < e->n_heap) {
		if (child + 1 < e->n_heap && heap_before(e, child + 1, child))
			child++;
		if (!heap_before(e, child, i))
			break;
		heap_swap(e, i, child);
		i = child;
	}
	return first;
}

static void wait_until(struct echo *e, int64_t due_us)
{
	struct timespec ts = { .tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000 };

	pthread_cond_timedwait(&e->wake, &e->lock, &ts);
}

static void *echo_thread(void *arg)
{
	struct echo *e = arg;
	struct echo_job *job;
	int done;

	pthread_mutex_lock(&e->lock);
	while (!e->closing) {
		if (e->n_heap == 0) {
			pthread_cond_wait(&e->wake, &e->lock);
		} else if (e->heap[0]->due_us > clock_us()) {
			wait_until(e, e->heap[0]->due_us);
		} else {
			job = heap_pop(e);
			pthread_mutex_unlock(&e->lock);
			done = job_step(e, job);
			if (!done)
				job_schedule(job);
			pthread_mutex_lock(&e->lock);
			/* Somebody may have taken the room that the pop made. */
			if (!done && heap_push(e, job) < 0)
				done = job_fail(job, -ENOMEM, "out of memory");
			if (done)
				free(job);
		}
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- operations ---------------------------------------------------------------------------- */

static void echo_card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(
		out, .name = "echo", .family = "none", .licence = "Apache-2.0",
		.summary =
			"Says the question back. For tests; it knows nothing and answers nothing.");
}

static int echo_generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
			 struct ragd_sink *sink, struct ragd_err *err)
{
	struct echo *e = self;
	struct echo_job job = { .call = call,
				.sink = sink,
				.max_pieces = req->sampling->max_tokens,
				.usage.size = sizeof(job.usage) };
	struct echo_job *later;
	int rc;

	job.parts[0] = (struct ragd_str){ e->prefix, strlen(e->prefix) };
	job.parts[1] = req->question;
	for (size_t i = 0; i < req->n_messages; i++) {
		job.usage.n_prompt += count_words(req->messages[i].text);
		if (req->messages[i].role == RAGD_ROLE_USER)
			job.parts[1] = req->messages[i].text;
	}
	if (!e->threaded) {
		while (!job_step(e, &job))
			;
		return 0;
	}
	later = malloc(sizeof(*later));
	if (later == NULL)
		return ragd_err_set(err, -ENOMEM, "echo: out of memory");
	job.word_us = clock_us() + e->delay_us;
	job_schedule(&job);
	*later = job;
	pthread_mutex_lock(&e->lock);
	rc = heap_push(e, later);
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	if (rc < 0) {
		free(later);
		return ragd_err_set(err, rc, "echo: out of memory");
	}
	return 0;
}

static bool is_word_byte(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* A bag of hashed words: equal words in equal numbers give equal vectors, others nearly orthogonal
 * ones. */
static void embed_one(struct ragd_str text, float *out)
{
	double norm = 0;
	uint64_t hash;

	for (size_t i = 0; i < text.len;) {
		if (!is_word_byte((unsigned char)text.s[i])) {
			i++;
			continue;
		}
		hash = 14695981039346656037u; /* FNV-1a */
		for (; i < text.len && is_word_byte((unsigned char)text.s[i]); i++) {
			unsigned char c = (unsigned char)text.s[i];

			hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
		}
		hash ^= hash >> 32;
		out[hash % DIM] += (hash >> 16) & 1 ? 1.0f : -1.0f;
	}
	for (int i = 0; i < DIM; i++)
		norm += (double)out[i] * out[i];
	if (norm == 0)
		out[0] = 1; /* a unit vector all the same */
	for (int i = 0; norm > 0 && i < DIM; i++)
		out[i] = (float)(out[i] / sqrt(norm));
}

static int echo_embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		      struct ragd_embeddings *out, struct ragd_err *err)
{
	float *v = call->alloc(call, req->n, DIM * sizeof(*v));
	uint32_t *n_tokens = call->alloc(call, req->n, sizeof(*n_tokens));
	int rc;

	(void)self;
	if (v == NULL || n_tokens == NULL)
		return ragd_err_set(err, -ENOMEM, "echo: no memory for %zu vectors", req->n);
	for (size_t i = 0; i < req->n; i++) {
		rc = call_check(call);
		if (rc < 0)
			return ragd_err_set(err, rc, "echo: stopped at text %zu of %zu", i + 1,
					    req->n);
		embed_one(req->texts[i], v + i * DIM);
		n_tokens[i] = (uint32_t)count_words(req->texts[i]);
	}
	RAGD_FILL(out, .dim = DIM, .values = v, .n_tokens = n_tokens);
	return 0;
}

static void echo_embed_card(void *self, struct ragd_embed_card *out)
{
	(void)self;
	RAGD_FILL(out, .dim = DIM, .stamp = "echo1");
}

static ssize_t echo_count(void *self, struct ragd_str text, struct ragd_err *err)
{
	(void)self;
	(void)err;
	return (ssize_t)count_words(text);
}

static void echo_close(void *self)
{
	struct echo *e = self;

	if (e->threaded) {
		pthread_mutex_lock(&e->lock);
		e->closing = true;
		pthread_cond_signal(&e->wake);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->thread, NULL);
	}
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e->heap);
	free(e);
}

static int echo_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		     struct ragd_err *err)
{
	struct echo *e = calloc(1, sizeof(*e));
	pthread_condattr_t attr;
	int rc = 0;

	(void)host;
	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	e->prefix = ragd_config_get(cfg, "prefix")->s;
	e->delay_us = ragd_config_get(cfg, "delay")->i * 1000;
	e->fail_after = (uint32_t)ragd_config_get(cfg, "fail_after")->i;
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* as clock_us() */
	pthread_cond_init(&e->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (e->delay_us > 0) {
		rc = pthread_create(&e->thread, NULL, echo_thread, e);
		e->threaded = rc == 0;
	}
	if (rc != 0) {
		echo_close(e);
		return ragd_err_set(err, -rc, "start a thread: %s", strerror(rc));
	}
	*self = e;
	return 0;
}

static const struct ragd_inference_ops echo_ops = {
	.size = sizeof(struct ragd_inference_ops),
	.card = echo_card,
	.generate = echo_generate,
	.embed = echo_embed,
	.embed_card = echo_embed_card,
	.count = echo_count,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "inference_echo",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary = "Says the last user message back, word by word; for tests",
	.options = options,
	.open = echo_open,
	.close = echo_close,
	.ops = { .inference = &echo_ops },
};
