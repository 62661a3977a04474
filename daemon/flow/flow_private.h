/*
 * What the files of the flow share: flow_start.c (how one begins), flow_run.c (how it runs
 * and ends), flow.c (its steps), flow_sink.c (what inference's threads write into),
 * flow_release.c (from there through the filters to the loop), flow_record.c (what is kept of
 * it). Each calls those named after it.
 */
#ifndef DAEMON_FLOW_PRIVATE_H
#define DAEMON_FLOW_PRIVATE_H

#include "daemon/flow/flow.h"

#include <stdatomic.h>

#include "daemon/flow/compose.h"
#include "daemon/plugins/call.h"
#include "daemon/records/metrics.h"
#include "daemon/service/shares.h"

enum flow_step {
	FLOW_ADMIT,    /* who is asking, and which assistant; is there room */
	FLOW_SCREEN,   /* safety plugins on the messages */
	FLOW_RETRIEVE, /* passages from what the caller may read */
	FLOW_INSPECT,  /* safety plugins on each passage */
	FLOW_COMPOSE,  /* the prompt */
	FLOW_GENERATE, /* inference writes into the queue */
	FLOW_RELEASE,  /* safety plugins on the stream: what is safe and supported leaves */
	FLOW_RECORD,   /* journal and metrics */
	FLOW_DONE,
};

enum flow_where { FLOW_LOOP, FLOW_POOL };

/*
 * What of a flow is on the pool, as the loop knows it. What a step works on belongs to
 * the thread that runs it, so the loop touches none of that unless the flow is IDLE, and
 * frees nothing before it has ENDED.
 */
enum flow_run {
	FLOW_IDLE,               /* nothing */
	FLOW_STEPPING,           /* `work`: its steps */
	FLOW_STEPPING_RELEASING, /* and `release_work`: what inference, in its step, has written */
	FLOW_RELEASING,          /* `release_work` alone, which the end of the step left behind */
	FLOW_ENDED,   /* nothing: recorded, reported and out of the table, but still held */
	FLOW_CLOSING, /* `work`, after the end: the filters' streams are closed */
};

/* How far inference is, under the flow's lock; see flow_sink.c. It only ever goes forward. */
enum flow_writing {
	FLOW_NOT_WRITING, /* no sink yet */
	FLOW_WRITING,     /* the sink is open, text may come from any thread */
	FLOW_FULL,        /* still open, but there was no room for a piece: the answer is cut */
	FLOW_WRITTEN,     /* the sink is done; text that comes now is the plugin's fault */
};

/*
 * Letting text out. One work holds the release at a time, so text leaves in
 * order: the step itself or, while inference still writes, release_work. Under
 * the flow's lock; see flow_release.c.
 */
enum flow_release {
	FLOW_RELEASE_FREE, /* more may come, and no thread holds it */
	FLOW_RELEASE_HELD, /* the thread of release_by holds it */
	FLOW_RELEASE_LAST, /* it still does, but nothing more leaves */
	FLOW_RELEASE_OVER, /* nothing more leaves, and no thread holds it */
};

/* The piece that the holder of the release has in hand. */
enum flow_piece_state {
	FLOW_PIECE_NONE,
	FLOW_PIECE_TAKEN, /* from the queue, and on its way through the filters */
	FLOW_PIECE_FED,   /* the filters made piece_out of it, which is on its way to the client */
};

/* What a release lets out, on its way from a pool thread to the loop. */
struct output {
	struct output *next;
	struct buf text;
	bool refusal;
	size_t n_cites;
	struct citation cites[];
};

struct flow_sink;

struct flow {
	struct flow_table *table;
	struct flow *next, *prev; /* in the table */
	struct generation *gen;
	const struct config_assistant *assistant;
	const struct config_policy *policy;
	struct filters filters;
	const struct plugin *inference;
	const struct plugin *retrieval; /* NULL: none */

	struct flow_events events;
	void *arg;
	bool detached; /* the client left, or got its error: no more events */
	char id[FLOW_ID_MAX];
	int64_t received_us;
	int64_t first_us;    /* of the first text; 0: none yet */
	int64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
	int64_t took_us[METRICS_N_TIMES];

	/* Of the thread that runs a step; handed over by the pool. */
	enum flow_step step;
	struct pool_work work;
	atomic_bool cancelled;
	struct call *call;
	struct ragd_message *messages;
	size_t n_messages;
	size_t n_screened; /* of them */
	bool as_prompt;    /* the one after those is, as a prompt */
	const char *const *collections;
	uint32_t k;
	const struct ragd_hit *hits;
	size_t n_hits;
	struct evidence evidence;
	struct notes notes;
	struct findings findings;
	const struct finding *blocked_by;
	struct ragd_str refusal;
	struct ragd_generate generate;
	struct ragd_sampling sampling; /* generate.sampling */
	struct ragd_err err;           /* code 0: none */

	/* Of the loop. */
	enum flow_run run;
	unsigned n_lost; /* calls of this flow that were given up and have not come back */

	/* Of the thread that releases: one at a time, see release_claim. */
	struct pool_work release_work;
	struct call *release_call;
	struct filters_stream *stream;
	struct sources sources;
	size_t n_cites;
	size_t n_text; /* bytes let out */
	unsigned n_dropped;
	/*
	 * The piece in hand and how far it has come, for the thread that
	 * continues after a lost call.
	 */
	enum flow_piece_state piece_state;
	bool last;
	struct buf piece;
	bool lent; /* it belongs to a lost call, which may still read it */
	struct filters_release piece_out;
	struct output *making;
	size_t n_quotable; /* sources whose title and heading were filtered */

	/* Shared between inference's threads, the pool and the loop. */
	uv_mutex_t lock;
	struct flow_sink *sink; /* NULL: nothing was generated */
	struct buf queue;       /* what inference wrote and no release took yet */
	size_t n_generated;
	enum flow_writing writing;
	enum flow_release release;
	const struct pool_work *release_by; /* the work that holds it; NULL: none does */
	bool signalled;                     /* is in table->woken */
	struct flow *woken_next;
	enum ragd_finish finish;
	struct ragd_usage usage;
	struct ragd_err sink_err;
	struct output *out_head, **out_tail;

	struct buf answer; /* loop: all that left, for feedback */
};

struct flow_table {
	struct ragd *d;
	struct flow *flows;
	struct shares shares; /* of the queue: one place a flow in the list */
	size_t n_over; /* flows that have ended, but are still held by something; not in the list */
	uv_async_t async;
	uv_timer_t sweep;
	bool freed; /* goes with the last flow */
	unsigned n_closing;
	uv_mutex_t lock;
	struct flow *woken; /* flows with something new from inference */
};

static inline bool flow_cancelled(const struct flow *f)
{
	return atomic_load_explicit(&f->cancelled, memory_order_relaxed);
}

/* With the flow's lock held: inference may still write. */
static inline bool flow_is_writing(const struct flow *f)
{
	return f->writing == FLOW_WRITING || f->writing == FLOW_FULL;
}

/* Nothing in the documents answers: inference said so, or grounding left nothing. */
static inline bool flow_abstained(const struct flow *f)
{
	return f->n_cites == 0 && f->blocked_by == NULL && f->err.code == 0 &&
	       (f->assistant->grounded || f->finish == RAGD_FINISH_NO_ANSWER);
}

/* flow_sink.c: what inference writes into, from now on. The flow's; NULL: out of memory. */
struct ragd_sink *flow_sink_open(struct flow *f);
/* Nothing more is to be written: text that comes now is the plugin's fault. */
void flow_sink_end(struct flow *f);
/* The flow is about to be freed: no thread is in its sink any longer. */
void flow_sink_fini(struct flow *f);

/*
 * flow_release.c: the two ways to let text out. True if something waits to be
 * let out and no thread is releasing.
 */
bool flow_release_ready(struct flow *f);
/*
 * The work was given up as lost: if it held the release, the next to
 * claim it finds the flow cancelled.
 */
void flow_release_abandon(struct flow *f, const struct pool_work *work);
/* Let out what there is; on a pool thread, in `work`, also while generate still runs on another. */
void flow_release_pump(struct flow *f, const struct pool_work *work);
/* A filter said no: remember which, and what the user is told. */
void flow_block(struct flow *f, struct ragd_str message);
/* Frees what the flow has for releasing, at its end. */
void flow_release_fini(struct flow *f);
/* The step: as above, and the last words once inference is done. */
enum flow_step flow_release(struct flow *f);
/* Hand what was let out to the events; on the loop. */
void flow_deliver(struct flow *f);

/* flow.c: go on with `next`, which must be one of those that may follow the current step. */
void flow_step_to(struct flow *f, enum flow_step next);
/* Run steps in one place, until one belongs elsewhere, waits for inference, or is the last. */
void flow_run_steps(struct flow *f, enum flow_where where);

/* flow_run.c: from now on calls of the flow that do not return are given up. */
void flow_watch(struct flow *f);
/* To the pool, for the steps there; the flow then goes on by itself to its end. */
void flow_go(struct flow *f);

/* flow_record.c: the step. */
enum flow_step flow_record(struct flow *f);

#endif
