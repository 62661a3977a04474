/*
 * How a flow runs: its steps on the loop or the pool, the release next to them, to the end, and on
 * when a call does not come back. All on the loop, but for work_cb, pump_cb and close_cb.
 *
 * What is easy to get wrong:
 *
 * - `work` and `release_work` run at the same time while inference's call is on the pool. Each has
 *   a call, hence an arena, of its own, and its own part of struct flow; what both need is under
 *   the lock or, as `cancelled`, atomic.
 * - A step can begin again: when a filter does not come back, the same work runs on another thread
 *   while the lost one still sits in the call. What a step has done so far must therefore stand in
 *   the flow before each call, and nothing that the call was given may be freed or reused.
 * - The done_cb of a work that was lost never runs. lost_cb stands for it.
 * - A flow outlives its end for as long as a lost call or inference holds it. flow_let_go decides,
 *   and may free it: nothing of the flow may be touched after that.
 */
#include "daemon/flow/flow_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"

#define SWEEP_MS 100

/*
 * What begins and ends on the pool. The end of a work is its done_cb, or
 * that it was given up for lost.
 */
enum run_event {
	STEP_BEGINS,
	STEP_ENDS,
	RELEASE_BEGINS,
	RELEASE_ENDS,
	FLOW_ENDS,
	CLOSE_BEGINS,
	CLOSE_ENDS,
};

static const struct run_rule {
	enum flow_run in;
	enum run_event on;
	enum flow_run then;
} run_rules[] = {
	{ FLOW_IDLE, STEP_BEGINS, FLOW_STEPPING },
	{ FLOW_STEPPING, STEP_ENDS, FLOW_IDLE },
	{ FLOW_STEPPING, RELEASE_BEGINS, FLOW_STEPPING_RELEASING },
	{ FLOW_STEPPING_RELEASING, STEP_ENDS, FLOW_RELEASING },
	{ FLOW_STEPPING_RELEASING, RELEASE_ENDS, FLOW_STEPPING },
	{ FLOW_RELEASING, RELEASE_ENDS, FLOW_IDLE },
	{ FLOW_IDLE, FLOW_ENDS, FLOW_ENDED },
	{ FLOW_ENDED, CLOSE_BEGINS, FLOW_CLOSING },
	{ FLOW_CLOSING, CLOSE_ENDS, FLOW_ENDED },
};

/* Anything else is our mistake: two threads at one step, or a flow freed under one. */
static void flow_run_to(struct flow *f, enum run_event event)
{
	size_t i = 0;

	while (i < ARRAY_LEN(run_rules) && (run_rules[i].in != f->run || run_rules[i].on != event))
		i++;
	assert(i < ARRAY_LEN(run_rules));
	f->run = run_rules[i].then;
}

/* To the pool, in its user's turn. */
static void flow_submit(struct flow *f, struct pool_work *work, pool_cb run_cb, pool_cb done_cb)
{
	const struct ragd_caller *caller = &f->call->caller;

	pool_start(f->table->d->pool, work, caller->uid, caller->admin, run_cb, done_cb);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void table_closed_cb(uv_handle_t *handle)
{
	struct flow_table *t = handle->data;

	if (--t->n_closing > 0)
		return;
	uv_mutex_destroy(&t->lock);
	free(t);
}

static void table_close(struct flow_table *t)
{
	t->async.data = t->sweep.data = t;
	t->n_closing = 2;
	uv_close((uv_handle_t *)&t->async, table_closed_cb);
	uv_close((uv_handle_t *)&t->sweep, table_closed_cb);
}

/* The table goes with the last flow; nobody is waiting for one whose call does not come back. */
static void flow_table_settle(struct flow_table *t)
{
	if (!t->freed || t->shares.n > 0)
		return;
	if (t->n_over == 0)
		table_close(t);
	else
		uv_unref((uv_handle_t *)&t->async);
}

static void flow_free(struct flow *f)
{
	flow_sink_fini(f);
	filters_stream_free(f->stream);
	flow_release_fini(f);
	call_free(f->release_call);
	call_free(f->call);
	arena_free(f->findings.arena);
	buf_fini(&f->queue);
	buf_fini(&f->answer);
	uv_mutex_destroy(&f->lock);
	generation_unref(f->gen);
	free(f);
}

/* A thread may still be in a call of it, or write into its sink, though it has ended. */
static bool flow_held(struct flow *f)
{
	bool writing;

	uv_mutex_lock(&f->lock);
	writing = flow_is_writing(f);
	uv_mutex_unlock(&f->lock);
	return writing || f->n_lost > 0;
}

/* No wake-up that was on its way when the flow ended may find it freed. */
static void flow_unlink(struct flow *f)
{
	struct flow_table *t = f->table;
	struct flow **link;

	uv_mutex_lock(&t->lock);
	for (link = &t->woken; *link != NULL && *link != f; link = &(*link)->woken_next)
		;
	if (*link == f)
		*link = f->woken_next;
	uv_mutex_unlock(&t->lock);
}

static void close_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, work);

	filters_stream_close(f->stream, f->release_call);
}

static void flow_let_go(struct flow *f);

static void close_done_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, work);

	flow_run_to(f, CLOSE_ENDS);
	flow_let_go(f);
}

/* Close and free what is done, unless something holds it. */
static void flow_let_go(struct flow *f)
{
	struct flow_table *t = f->table;

	if (!flow_held(f)) {
		flow_unlink(f); /* for good: nothing wakes it any more */
		if (filters_stream_is_open(f->stream)) {
			flow_run_to(f, CLOSE_BEGINS);
			flow_submit(f, &f->work, close_cb, close_done_cb);
		} else {
			flow_free(f);
			t->n_over--;
		}
	}
	flow_table_settle(t);
}

/* ---- running ------------------------------------------------------------------------------- */

/* Out of the table, and gone if nothing holds it any more. */
static void flow_end(struct flow *f)
{
	struct flow_table *t = f->table;

	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		t->flows = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	shares_give(&t->shares, f->call->caller.uid);
	t->n_over++;
	flow_run_to(f, FLOW_ENDS);
	flow_let_go(f);
}

/* Tell the client how it ended; from here on there is none. err NULL: it came to its end. */
static void flow_report(struct flow *f, const struct ragd_err *err)
{
	struct flow_result r = { .finish = FLOW_FAILED, .err = err };

	if (f->detached)
		return;
	f->detached = true;
	if (err == NULL) { /* FLOW_DONE: no other thread writes these any more */
		r.finish = f->refusal.len > 0                ? FLOW_FILTERED
			   : f->finish == RAGD_FINISH_LENGTH ? FLOW_LENGTH
							     : FLOW_STOP;
		r.abstained = flow_abstained(f);
		r.grounded = f->assistant->grounded;
		r.refusal = f->refusal;
		r.findings = f->findings.v;
		r.n_findings = f->findings.n;
		r.blocked_by = f->blocked_by;
		r.n_dropped = f->n_dropped;
		r.sources = f->sources.v;
		r.n_sources = f->sources.n;
		r.usage = f->usage;
	}
	f->events.done(f, &r, f->arg);
}

static void work_cb(struct pool_work *work)
{
	flow_run_steps(container_of(work, struct flow, work), FLOW_POOL);
}

static void work_done_cb(struct pool_work *work);

void flow_go(struct flow *f)
{
	flow_run_to(f, STEP_BEGINS);
	flow_submit(f, &f->work, work_cb, work_done_cb);
}

/* Something changed: hand over what may leave, and go on where there is something to do. */
static void flow_kick(struct flow *f)
{
	flow_deliver(f);            /* before FLOW_RECORD counts what left */
	if (f->run == FLOW_ENDED) { /* inference, given up for lost, had a last word */
		flow_let_go(f);
		return;
	}
	if (f->run != FLOW_IDLE)
		return; /* f->step and what it is about are another thread's; its end kicks again */
	flow_run_steps(f, FLOW_LOOP);
	if (f->step == FLOW_DONE) {
		flow_report(f, f->err.code < 0 ? &f->err : NULL);
		flow_end(f);
	} else if (f->step != FLOW_RELEASE || flow_release_ready(f)) {
		flow_go(f);
	}
}

static void work_done_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, work);

	flow_run_to(f, STEP_ENDS);
	flow_kick(f);
}

static void pump_cb(struct pool_work *work)
{
	flow_release_pump(container_of(work, struct flow, release_work), work);
}

static void pump_done_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, release_work);

	flow_run_to(f, RELEASE_ENDS);
	flow_kick(f);
}

/* Begin a work that is ours again once more, where it stopped. */
static void flow_again(struct flow *f, struct pool_work *work)
{
	flow_submit(f, work, work->work_cb, work->done_cb);
}

/*
 * Inference wrote something. While its call still runs on the pool, another thread
 * lets the text out. `signalled` is cleared before the queue is looked at: what is
 * written after that signals again.
 */
static void woken_cb(uv_async_t *async)
{
	struct flow_table *t = container_of(async, struct flow_table, async);
	struct flow *f, *next;

	uv_mutex_lock(&t->lock);
	f = t->woken;
	t->woken = NULL;
	uv_mutex_unlock(&t->lock);
	for (; f != NULL; f = next) {
		next = f->woken_next;
		uv_mutex_lock(&f->lock);
		f->signalled = false;
		uv_mutex_unlock(&f->lock);
		if (f->run == FLOW_STEPPING && flow_release_ready(f)) {
			flow_run_to(f, RELEASE_BEGINS);
			flow_submit(f, &f->release_work, pump_cb, pump_done_cb);
		} else {
			flow_kick(f);
		}
	}
}

/* Answers past their deadline: the client gets its error now, the work ends when it notices. */
static void sweep_cb(uv_timer_t *timer)
{
	struct flow_table *t = container_of(timer, struct flow_table, sweep);
	int64_t now_ms = clock_ms();
	struct ragd_err err;

	for (struct flow *f = t->flows; f != NULL; f = f->next) {
		if (f->deadline_ms == 0 || now_ms <= f->deadline_ms || f->detached)
			continue;
		ragd_err_set(&err, -ETIMEDOUT,
			     "the answer took longer than the %lld ms that "
			     "assistant '%s' may take",
			     (long long)f->assistant->deadline_ms, f->assistant->name);
		atomic_store(&f->cancelled, true);
		flow_report(f, &err);
	}
}

/* ---- calls that do not come back ----------------------------------------------------------- */

/*
 * A filter: go on behind it, with what its configuration says of failures. SCREEN
 * and INSPECT filter whole texts, and do the one under way from its beginning; a
 * stream knows itself how far it is.
 */
static void go_on_without(struct flow *f, struct call *lost, struct pool_work *work)
{
	filters_lose(&f->filters, lost->plugin);
	if (work == &f->work && (f->step == FLOW_SCREEN || f->step == FLOW_INSPECT))
		findings_undo(&f->findings);
	flow_again(f, work);
}

/*
 * Inference, retrieval or memory: the answer fails. The client is told at once, but the flow is
 * only recorded when the other work, which sees `cancelled`, has ended as well.
 */
static void fail_lost(struct flow *f, const struct ragd_err *err, struct pool_work *work)
{
	atomic_store(&f->cancelled, true);
	flow_deliver(f);
	flow_report(f, err);
	flow_release_abandon(f, work);
	if (work == &f->work) {
		flow_run_to(f, STEP_ENDS);
		f->err = *err;
		flow_step_to(f, FLOW_RECORD);
	} else {
		flow_run_to(f, RELEASE_ENDS);
		uv_mutex_lock(&f->lock);
		f->sink_err = *err;
		uv_mutex_unlock(&f->lock);
	}
	flow_kick(f);
}

static void lost_cb(struct pool_guard *guard, struct pool_work *work)
{
	struct call *lost = container_of(guard, struct call, guard);
	struct flow *f = lost->owner;
	bool releases = lost == f->release_call;
	struct ragd_err err;
	struct call *next = call_lost(lost, &err);

	f->n_lost++;
	if (f->run == FLOW_CLOSING && next == NULL) { /* when it is back, flow_let_go goes on */
		flow_run_to(f, CLOSE_ENDS);
		return;
	}
	if (releases && !f->lent) { /* the lost thread may still read the piece */
		lost->kept = f->piece;
		f->lent = true;
	}
	if (next == NULL) {
		fail_lost(f, &err, work);
		return;
	}
	call_deadline(next, 0, f->deadline_ms);
	*(releases ? &f->release_call : &f->call) = next;
	if (lost->plugin->descriptor->kind == RAGD_KIND_SAFETY)
		go_on_without(f, lost, work);
	else
		fail_lost(f, &err, work);
}

static void back_cb(struct pool_guard *guard)
{
	struct call *lost = container_of(guard, struct call, guard);
	struct flow *f = lost->owner;

	call_back(lost);
	f->n_lost--;
	if (f->run == FLOW_ENDED)
		flow_let_go(f);
}

void flow_watch(struct flow *f)
{
	static const struct pool_guard guard = { lost_cb, back_cb };

	call_watch(f->call, guard, f);
	call_watch(f->release_call, guard, f);
}

/* ---- the table ------------------------------------------------------------------------------ */

int flow_table_new(struct ragd *d, struct flow_table **out, struct ragd_err *err)
{
	struct flow_table *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return ragd_err_set(err, -ENOMEM, "flows: out of memory");
	t->d = d;
	uv_mutex_init(&t->lock);
	rc = uv_async_init(d->loop, &t->async, woken_cb);
	if (rc < 0) {
		uv_mutex_destroy(&t->lock);
		free(t);
		return ragd_err_set(err, rc, "flows: %s", uv_strerror(rc));
	}
	uv_timer_init(d->loop, &t->sweep);
	uv_timer_start(&t->sweep, sweep_cb, SWEEP_MS, SWEEP_MS);
	uv_unref((uv_handle_t *)&t->sweep);
	*out = t;
	return 0;
}

void flow_table_free(struct flow_table *t)
{
	if (t == NULL)
		return;
	t->freed = true;
	flow_table_settle(t);
}

size_t flow_table_count(const struct flow_table *t)
{
	return t->shares.n;
}
