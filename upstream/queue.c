#include "upstream/queue.h"

#include "upstream/job.h"

void queue_init(struct job_queue *q, const struct ragd_host *host, unsigned max_jobs)
{
	*q = (struct job_queue){ .host = host, .max_jobs = max_jobs };
	q->submitted_tail = &q->submitted;
	pthread_mutex_init(&q->lock, NULL);
}

void queue_fini(struct job_queue *q)
{
	pthread_mutex_destroy(&q->lock);
}

int queue_submit(struct job_queue *q, struct upstream_job *job, struct ragd_err *err)
{
	unsigned n;

	pthread_mutex_lock(&q->lock);
	n = q->n_jobs;
	if (n < q->max_jobs) {
		q->n_jobs++;
		job->next = NULL;
		*q->submitted_tail = job;
		q->submitted_tail = &job->next;
	}
	pthread_mutex_unlock(&q->lock);
	if (n >= q->max_jobs) {
		q->host->count(q->host, "rejected", 1);
		return ragd_err_set(err, -EBUSY,
				    "%u requests are at the servers, which is the limit "
				    "(max_requests); try again in a moment",
				    n);
	}
	q->host->gauge(q->host, "active_requests", (double)n + 1);
	return 0;
}

void queue_close(struct job_queue *q, struct http *h)
{
	pthread_mutex_lock(&q->lock);
	q->closing = true;
	http_wake(h); /* under the lock: once it is free, the thread may be gone and h with it */
	pthread_mutex_unlock(&q->lock);
}

bool queue_take(struct job_queue *q, struct upstream_job **list)
{
	bool closing;

	pthread_mutex_lock(&q->lock);
	*list = q->submitted;
	q->submitted = NULL;
	q->submitted_tail = &q->submitted;
	closing = q->closing;
	pthread_mutex_unlock(&q->lock);
	return !closing;
}

void queue_enter(struct job_queue *q, struct upstream_job *job)
{
	job->next = q->active;
	q->active = job;
}

void queue_leave(struct job_queue *q, struct upstream_job *job)
{
	struct upstream_job **link = &q->active;
	unsigned n;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	pthread_mutex_lock(&q->lock);
	n = --q->n_jobs;
	pthread_mutex_unlock(&q->lock);
	q->host->gauge(q->host, "active_requests", (double)n);
}
