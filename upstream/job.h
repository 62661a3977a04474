/*
 * One request's way: to a server, to another one if that fails before the first token, round again
 * after a while, and at last to whoever asked. Runs on the instance's thread.
 *
 *     WAITING --a server is picked--> FLYING --the answer is whole--> ENDING --it closes--> over
 *        ^                              |
 *        +--failed before any text------+--failed after some--> over
 *
 * A sink that takes no more, a caller who leaves and a deadline end it from any of them. Where a
 * function may end the job, nothing looks at the job after it: its memory is the owner's again.
 */
#ifndef UPSTREAM_JOB_H
#define UPSTREAM_JOB_H

#include "base/sse.h"
#include "upstream/queue.h"
#include "upstream/servers/retry.h"
#include "upstream/servers/servers.h"

enum job_state {
	JOB_WAITING, /* until wake_ms, or until a server gets well */
	JOB_FLYING,  /* at a server */
	JOB_ENDING,  /* the answer is whole; the connection may close in peace until end_ms */
};

struct upstream_job {
	struct servers *servers;
	struct job_queue *queue;
	struct upstream_job *next;
	const struct ragd_call *call;

	/* a chat: these two are set */
	const struct ragd_generate *req;
	struct ragd_sink *sink;
	/* passages to rank: the query is set */
	const struct ragd_str *query;
	double *scores; /* out, the owner's: [n_texts] */
	/* embeddings, or those passages */
	const struct ragd_str *texts;
	size_t n_texts;
	uint32_t dim;   /* in: 0 or what earlier batches had; out */
	float *vectors; /* out, malloc'd */

	/* Once, at the end; the job is the owner's again and not touched any more. */
	void (*over)(struct upstream_job *job, int rc, struct ragd_err *err);

	enum job_state state;
	int64_t begun_ms;
	int64_t wake_ms;
	bool wants_any; /* waits because no server could be asked: any that gets well will do */
	bool again;     /* the next attempt is the first of a further round */
	unsigned round;
	unsigned attempts;
	uint32_t tried;   /* in this round; bits of endpoints */
	uint32_t misfits; /* for good */

	/* the attempt under way */
	size_t at; /* endpoint */
	bool trial;
	int64_t sent_ms;
	int64_t progress_ms; /* the latest token; 0: none yet */
	int64_t end_ms;
	struct exchange x;
	char *body;
	struct sse sse;
	struct buf reply; /* what is no stream */
	int stop_code;    /* what the sink said */

	/* what came of it */
	bool some_text;
	bool told; /* the server said that the answer is whole */
	enum reply_finish finish;
	bool refuses;
	bool abstained;
	struct ragd_usage usage;
	uint32_t n_pieces;
	struct ragd_err err; /* why the latest attempt failed */
};

/*
 * servers, queue, call, what is asked and over are set, and the rest is zero. Both may end the job:
 * it may be gone when they return.
 */
void job_start(struct upstream_job *job, int64_t now_ms);
/* Is it cancelled, late, due? */
void job_tick(struct upstream_job *job, int64_t now_ms);
/* A server got well, or is known not to be: a job that waits for any may look again. */
void job_kick(struct upstream_job *job, int64_t now_ms);

/* ---- job_reply.c: what a server sends ------------------------------------------------------- */

void job_reply_begin(struct upstream_job *job);
void job_reply_end(struct upstream_job *job);
/* See struct exchange_ops.body. */
int job_reply_body(struct exchange *x, const char *data, size_t len);
/* The reply is whole: 0, or what is wrong with it in *err. */
int job_reply_finish(struct upstream_job *job, struct ragd_err *err);

#endif
