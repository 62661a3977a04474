/* Counters and histograms of the daemon as Prometheus text. All on the loop thread. */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "daemon/service/ragd.h"

enum metrics_outcome {
	METRICS_ANSWERED,
	METRICS_ABSTAINED,
	METRICS_BLOCKED_PROMPT,
	METRICS_BLOCKED_RESPONSE,
	METRICS_FAILED,
	METRICS_CANCELLED,
	METRICS_N_OUTCOMES,
};

/* In the order of the flow's steps. */
enum metrics_time {
	METRICS_SCREEN,
	METRICS_RETRIEVE,
	METRICS_INSPECT,
	METRICS_COMPOSE,
	METRICS_GENERATE,
	METRICS_FIRST_TEXT, /* from the request to the first text that may leave */
	METRICS_TOTAL,
	METRICS_N_TIMES,
};

/* NULL when out of memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

void metrics_answer(struct metrics *m, enum metrics_outcome outcome, uint32_t n_prompt,
		    uint32_t n_output);
void metrics_time(struct metrics *m, enum metrics_time what, int64_t us);
/* Findings by action of each stage. */
void metrics_finding(struct metrics *m, enum ragd_stage stage, enum ragd_action action);
/* A filter failed; open: the text went on without it, which is no decision to allow it. */
void metrics_failure(struct metrics *m, enum ragd_stage stage, bool open);
uint64_t metrics_answers(const struct metrics *m);

/* All of it, with what the server, the journal and the plugins count; n_answers are at work. */
void metrics_print(struct ragd *d, size_t n_answers, struct buf *out);

#endif
