/* A job that its caller's thread waits for. */
#include "base/util.h"
#include "upstream/upstream_private.h"

static void wait_over(struct upstream_job *job, int rc, struct ragd_err *err)
{
	struct upstream_wait *w = container_of(job, struct upstream_wait, job);

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	if (rc < 0)
		w->err = *err;
	w->over = true;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock); /* from here on w may be gone */
}

int upstream_wait(struct upstream *u, struct upstream_wait *w, struct ragd_err *err)
{
	int rc;

	w->job.over = wait_over;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->ended, NULL);
	rc = upstream_submit(u, &w->job, err);
	if (rc == 0) {
		pthread_mutex_lock(&w->lock);
		while (!w->over)
			pthread_cond_wait(&w->ended, &w->lock);
		pthread_mutex_unlock(&w->lock);
		rc = w->rc;
		if (rc < 0 && err != NULL)
			*err = w->err;
	}
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	return rc;
}
