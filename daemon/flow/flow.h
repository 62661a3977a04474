/*
 * The flow: one question's path through the daemon. daemon/flow/flow.c holds its steps as one
 * table; this is what the API sees of it. All functions run on the loop thread.
 */
#ifndef DAEMON_FLOW_H
#define DAEMON_FLOW_H

#include "base/buf.h"
#include "daemon/flow/evidence.h"
#include "daemon/flow/filters.h"
#include "daemon/service/ragd.h"

struct flow;
struct flow_table;

#define FLOW_ID_MAX 32

enum flow_finish {
	FLOW_STOP,
	FLOW_LENGTH,
	FLOW_FILTERED, /* a filter blocked the prompt or the answer */
	FLOW_FAILED,   /* err and its code say why */
};

/* Borrowed: flow_start copies what it keeps. */
struct flow_question {
	const struct config_assistant *assistant; /* of the daemon's current generation */
	const struct ragd_message *messages;      /* the last is the user's */
	size_t n_messages;
	const char *const *collections; /* to narrow the assistant's; may be none */
	size_t n_collections;
	uint32_t k; /* 0: the assistant's */
	struct ragd_sampling sampling;
	const struct ragd_caller *caller;
	const char *request_id;
	int64_t received_us;
};

/* A piece of the answer: text with its marks in it, and what each mark rests on. */
struct flow_piece {
	struct ragd_str text;
	const struct citation *cites;
	size_t n_cites;
	bool refusal; /* it is what a filter tells the user instead of the answer */
};

/* If the flow failed, only finish and err are set. */
struct flow_result {
	enum flow_finish finish;
	bool abstained; /* nothing in the documents answers the question */
	bool grounded;
	const struct finding *findings;
	size_t n_findings;
	const struct finding *blocked_by; /* one of findings, or NULL */
	struct ragd_str refusal;          /* FLOW_FILTERED: what the user was told */
	unsigned n_dropped;               /* sentences that nothing supported */
	const struct evidence_source *sources;
	size_t n_sources;
	struct ragd_usage usage;
	const struct ragd_err *err; /* FLOW_FAILED */
};

/* Both on the loop thread; pieces in order, then done once, after which the flow is gone. */
struct flow_events {
	void (*piece)(struct flow *f, const struct flow_piece *piece, void *arg);
	void (*done)(struct flow *f, const struct flow_result *result, void *arg);
};

int flow_table_new(struct ragd *d, struct flow_table **out, struct ragd_err *err);
/*
 * No flow may start from now on; the table is freed with the last flow in progress, on the loop.
 * Accepts NULL.
 */
void flow_table_free(struct flow_table *t);
/* Answers in progress, including those whose client has left. */
size_t flow_table_count(const struct flow_table *t);

/*
 * Begin an answer. Events come later, never from within this call. -EAGAIN when the queue is full,
 * or the caller's share of it, -ENOMEM, -ENOENT when the assistant names what is not loaded.
 */
int flow_start(struct ragd *d, const struct flow_question *q, const struct flow_events *events,
	       void *arg, struct flow **out, struct ragd_err *err);
/* Nobody is waiting any longer: no event follows, and the work stops at its next step or token. */
void flow_cancel(struct flow *f);

/* "ans-…", what feedback refers to. */
const char *flow_id(const struct flow *f);

#endif
