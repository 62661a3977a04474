/* A chat: one job, which tells its caller's sink. */
#include "upstream/upstream_private.h"

#include <stdlib.h>

static enum ragd_finish chat_finish(const struct upstream_job *job)
{
	if (job->abstained)
		return RAGD_FINISH_NO_ANSWER;
	switch (job->finish) {
	case REPLY_LENGTH:
		return RAGD_FINISH_LENGTH;
	case REPLY_FILTERED: /* the server says no; or it took back what it had begun */
		if (!job->some_text)
			return RAGD_FINISH_NO_ANSWER;
		return job->refuses ? RAGD_FINISH_STOP : RAGD_FINISH_LENGTH;
	default:
		return RAGD_FINISH_STOP;
	}
}

static void chat_over(struct upstream_job *job, int rc, struct ragd_err *err)
{
	enum ragd_finish finish = chat_finish(job);
	struct ragd_usage usage = job->usage;
	struct ragd_sink *sink = job->sink;

	usage.size = sizeof(usage);
	free(job);
	sink->done(sink, rc, finish, &usage, rc < 0 ? err : NULL);
}

int upstream_generate(struct upstream *u, const struct ragd_call *call,
		      const struct ragd_generate *req, struct ragd_sink *sink, struct ragd_err *err)
{
	struct upstream_job *job = calloc(1, sizeof(*job));
	int rc;

	if (job == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a request");
	job->call = call;
	job->req = req;
	job->sink = sink;
	job->over = chat_over;
	rc = upstream_submit(u, job, err);
	if (rc < 0)
		free(job);
	return rc;
}
