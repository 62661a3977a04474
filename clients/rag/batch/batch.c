#include "clients/rag/batch/batch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define JOBS_DEFAULT 4
#define JOBS_MAX     64
#define TRIES        10 /* while the daemon's queue is full */

/*
 * Every worker takes a line and a ticket under `in`, works on it alone, and writes when it is its
 * ticket's turn under `out`. So nothing is buffered but what is in flight.
 */
struct line_batch {
	struct rag *r;
	batch_line_cb work;
	void *ctx;
	pthread_mutex_t in, out;
	pthread_cond_t turn;
	size_t n_lines;   /* read so far; under in */
	size_t n_tickets; /* given so far; under in */
	bool ended;       /* no more lines; under in */
	size_t n_written; /* the ticket whose turn it is; under out */
	size_t n_failed;  /* under out */
	bool broken;      /* standard output is gone; under out */
};

static int work_patiently(struct line_batch *b, struct ragd_client *c, const struct json_line *line,
			  FILE *f, struct ragd_err *err)
{
	int rc = -EBUSY;

	for (unsigned i = 0; i < TRIES && rc == -EBUSY; i++) {
		if (i > 0)
			sleep(1); /* what Retry-After says */
		rc = b->work(c, line, b->ctx, f, err);
	}
	return rc;
}

static void batch_write(struct line_batch *b, size_t ticket, size_t number, const char *text,
			size_t len, const struct ragd_err *err)
{
	pthread_mutex_lock(&b->out);
	while (b->n_written != ticket)
		pthread_cond_wait(&b->turn, &b->out);
	if (err != NULL) {
		fprintf(stderr, "rag: line %zu: %s\n", number, err->msg);
		b->n_failed++;
	} else if (fwrite(text, 1, len, b->r->out.f) != len || fflush(b->r->out.f) != 0) {
		b->broken = true;
	}
	b->n_written++;
	pthread_cond_broadcast(&b->turn);
	pthread_mutex_unlock(&b->out);
}

static void batch_one(struct line_batch *b, struct ragd_client *c, const char *json,
		      size_t json_len, size_t number, size_t ticket)
{
	struct ragd_err err = { 0 };
	struct json_line line;
	char *text = NULL;
	size_t len = 0;
	FILE *f = NULL;
	int rc;

	rc = json_line_parse(json, json_len, number, true, &line, &err);
	if (rc == 0) {
		f = open_memstream(&text, &len);
		rc = f != NULL ? work_patiently(b, c, &line, f, &err)
			       : ragd_err_set(&err, -ENOMEM, "out of memory");
		json_line_fini(&line);
	}
	if (f != NULL)
		fclose(f);
	batch_write(b, ticket, number, text, len, rc < 0 ? &err : NULL);
	free(text);
}

static bool batch_broken(struct line_batch *b)
{
	bool broken;

	pthread_mutex_lock(&b->out);
	broken = b->broken;
	pthread_mutex_unlock(&b->out);
	return broken;
}

static void *batch_worker(void *arg)
{
	struct line_batch *b = arg;
	struct ragd_client *c;
	struct ragd_err err;
	size_t size = 0, number = 0, ticket = 0;
	char *json = NULL;

	if (ragd_client_open(b->r->args.socket, &c, &err) < 0)
		return NULL; /* the first one was tried before the threads began; others go on */
	for (;;) {
		ssize_t len = 0;

		pthread_mutex_lock(&b->in);
		if (!b->ended)
			len = json_line_next(stdin, &json, &size, &b->n_lines);
		if (len > 0) {
			number = b->n_lines;
			ticket = b->n_tickets++;
		} else {
			b->ended = true;
		}
		pthread_mutex_unlock(&b->in);
		if (len <= 0)
			break;
		batch_one(b, c, json, (size_t)len, number, ticket);
		if (batch_broken(b))
			break;
	}
	free(json);
	ragd_client_close(c);
	return NULL;
}

int batch_run(struct rag *r, batch_line_cb work, void *ctx)
{
	struct line_batch b = {
		.r = r,
		.work = work,
		.ctx = ctx,
		.in = PTHREAD_MUTEX_INITIALIZER,
		.out = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_COND_INITIALIZER,
	};
	size_t jobs = r->args.jobs > 0 ? (size_t)r->args.jobs : JOBS_DEFAULT, n = 0;
	pthread_t threads[JOBS_MAX];
	struct ragd_client *c;
	int rc = rag_connect(r, &c);

	if (rc != 0)
		return rc;
	ragd_client_close(c);
	while (n < MIN(jobs, JOBS_MAX) && pthread_create(&threads[n], NULL, batch_worker, &b) == 0)
		n++;
	if (n == 0)
		batch_worker(&b);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (!b.ended && !b.broken) {
		fprintf(stderr, "rag: the connection was lost; lines from %zu on were not read\n",
			b.n_lines + 1);
		b.n_failed++;
	}
	return b.n_failed > 0 || b.broken ? EXIT_FAILED : EXIT_ANSWERED;
}
