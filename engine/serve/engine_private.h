/* What the files of the engine share: the engine, its sequences, and the steps they go through. */
#ifndef ENGINE_SERVE_ENGINE_PRIVATE_H
#define ENGINE_SERVE_ENGINE_PRIVATE_H

#include <pthread.h>

#include "engine/cache/cache.h"
#include "engine/schedule/clients.h"
#include "engine/schedule/queue_quota.h"
#include "engine/schedule/schedule.h"
#include "engine/schedule/step_cost.h"
#include "engine/serve/draft.h"
#include "engine/serve/engine.h"
#include "engine/serve/holdback.h"

struct score;
struct embed;

/*
 * One text that is being read or written. Made on the caller's thread, the engine's thread's alone
 * from then on. It waits, or runs (then it has pages), and may be put back to wait: what it has
 * read is computed again later, or still found in the cache.
 */
struct seq {
	struct seq *next; /* in the list it waits in */
	uint64_t id;      /* order of arrival, from 1 */
	uint64_t client;
	size_t n_configured; /* tokens in front that are the configuration's */
	int32_t *ids;        /* [cap]: the prompt, what was written, then what is drafted */
	size_t n;            /* prompt and what was written */
	size_t cap;
	size_t n_prompt;

	struct cache_seq *pages; /* NULL while it waits */
	size_t kv;               /* tokens in them; below n */
	bool admitted;           /* has run before */
	bool begun;              /* has written a token */
	bool skip;               /* passed over in this round of admission */
	uint64_t behind;         /* waits for this sequence to have read the first behind_len */
	size_t behind_len;       /* tokens, which both begin with; 0: for none */

	/* What goes into this step. */
	size_t take;      /* of ids[kv .. n) */
	size_t n_draft;   /* ids[n .. n + n_draft) */
	size_t n_outputs; /* rows of logits, for the last of these */
	size_t match;     /* tokens by which the draft was found */

	/* Writing: req.done is set. */
	struct engine_request req;
	struct sampler *sampler; /* from its first admission on */
	struct draft *draft;     /* NULL: none for this one */
	struct holdback holdback;
	struct token_logprob *logprobs; /* [1 + n_logprobs], NULL: none wanted */
	double accept[DRAFT_MAX + 1];   /* share of drafts taken, by length of the match */
	struct engine_usage usage;
	int64_t submit_us;

	/* Scoring: score is set. */
	struct score *score; /* borrowed */
	size_t index;        /* of the continuation; SIZE_MAX: the prompt, for all of them */
	size_t row_from;     /* position of the next row that is wanted */
};

struct engine {
	struct engine_options opt;
	const struct model_shape *shape;
	struct run *run;
	struct run *urgent;  /* of an encoder, for texts that go before those of a pass under way */
	struct cache *cache; /* NULL for an encoder */
	size_t max_tokens;   /* of a pass */
	size_t max_outputs;
	pthread_t thread;

	pthread_mutex_t file; /* held while the cache is saved or loaded */
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;  /* the engine's thread has something to do; by CLOCK_MONOTONIC */
	pthread_cond_t done;  /* something that a caller waits for has happened */
	struct seq *incoming; /* newest first */
	struct embed *embeds; /* oldest first */
	struct embed **embeds_end;
	uint64_t embed_turns;     /* that were given so far, or waited for */
	struct queue_quota quota; /* requests that never ran yet */
	uint64_t last_id;
	unsigned n_callers; /* threads inside engine_score() and the like */
	unsigned n_paused;  /* callers that want no step to run */
	bool stepping;
	bool closing;
	struct engine_stats stats; /* as of the last step */

	/* The engine's thread's own. */
	struct seq *waiting; /* oldest first */
	struct seq **active; /* [max_active], oldest first */
	size_t n_active;
	size_t embeds_reading;     /* windows of texts to embed that hold pages */
	struct embed *embeds_wait; /* wants pages, and nothing else may begin; NULL: none does */
	bool trimmed;              /* the cache has given its memory back since the last work */
	bool no_room; /* the first in line did not fit, and nothing has changed since */
	struct step_cost cost;
	struct clients clients;
	double accept[DRAFT_MAX + 1];    /* of all sequences lately */
	struct schedule_seq *plan;       /* [max_active] */
	struct segment *segments;        /* [max_active], or for an encoder [max_tokens] */
	struct segment *urgent_segments; /* of an encoder [max_tokens] */
	struct buf piece;
	struct engine_stats counts;
};

/* ---- seq.c: one sequence -------------------------------------------------------------------- */

/* A sequence of ids[0..n) with room for `more`. NULL when out of memory. */
struct seq *seq_new(const int32_t *ids, size_t n, size_t more);
/* Not for one that runs. */
void seq_free(struct seq *s);
/* Room for `more` tokens behind the n there are. */
bool seq_room(struct seq *s, size_t more);
/* Whether only the token that was chosen last is missing: it is in every step. */
bool seq_streams(const struct seq *s);
/* As the scheduler sees it. */
struct schedule_seq seq_plan(const struct engine *e, const struct seq *s, int64_t now_us);
/* Put it into the line, behind those that came before it. */
void seq_wait(struct engine *e, struct seq *s);
/* Take it out of the running ones, its pages back to the cache. */
void seq_stop(struct engine *e, struct seq *s);

/* ---- seq_end.c ------------------------------------------------------------------------------ */

/*
 * The end of a sequence that neither runs nor waits any more: tells whoever asked for it, frees it.
 */
void seq_end(struct engine *e, struct seq *s, int rc, enum ragd_finish finish,
	     const struct ragd_err *err);
/* The same for one that runs. */
void seq_fail(struct engine *e, struct seq *s, const struct ragd_err *err);

/* ---- admit.c: what runs --------------------------------------------------------------------- */

/* End what was cancelled, waiting or running. */
void admit_drop(struct engine *e);
/* Let those begin to run that may. */
void admit_waiting(struct engine *e);

/* ---- step.c: one forward pass for all that run ---------------------------------------------- */

void step_run(struct engine *e);

/* ---- write.c: from rows of logits to text --------------------------------------------------- */

/* Draft up to max tokens behind a sequence that streams; sets n_draft. */
void write_draft(struct engine *e, struct seq *s, size_t n_streams, size_t max);
/*
 * Choose tokens by the rows and hand them out. True: the text has ended, with *rc and *finish.
 * *used is set to how many drafted tokens were right.
 */
bool write_rows(struct engine *e, struct seq *s, const float *rows, size_t *used, int *rc,
		enum ragd_finish *finish);

/* ---- score.c -------------------------------------------------------------------------------- */

/* Take the rows of s; true: it is complete. */
bool score_rows(struct engine *e, struct seq *s, const float *rows);
bool score_cancelled(struct score *sc);
/* s, one of sc, has ended. */
void score_part(struct engine *e, struct seq *s, int rc, const struct ragd_err *err);

/* ---- embed.c -------------------------------------------------------------------------------- */

/*
 * One pass for the texts of the client whose turn it is, of about `budget` tokens; ends what was
 * cancelled.
 */
void embed_pass(struct engine *e, size_t budget);
/* What an encoder needs besides; its memory is touched when it is used. */
int embed_alloc(struct engine *e, struct ragd_err *err);
/* End all of them. */
void embed_end(struct engine *e, const struct ragd_err *err);

/* ---- gate.c: between callers' threads and the engine's -------------------------------------- */

/*
 * A thread that waits for a result: -ESHUTDOWN, or it is counted until gate_leave(). -EDEADLK from
 * a callback.
 */
int gate_enter(struct engine *e, struct ragd_err *err);
void gate_leave(struct engine *e);
/*
 * A new request goes into the line, under the lock; -EBUSY where its client has no place, or nobody
 * has.
 */
int gate_queue(struct engine *e, struct seq *s, struct ragd_err *err);
/* Copy the counts out, for whoever asks: each step, and before anyone is told of an end. */
void gate_publish(struct engine *e);
/* The same under the lock. */
void gate_publish_locked(struct engine *e);
/* Whether ids are tokens of the model. */
int gate_check_ids(const struct engine *e, const int32_t *ids, size_t n, struct ragd_err *err);

#endif
