/* How a flow ends, also when a call of it does not come back. All on the loop. */
#include "daemon/flow/flow_private.h"

#include <stdlib.h>

#include "base/util.h"

/* ---- the end ------------------------------------------------------------------------------------- */

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

void flow_table_settle(struct flow_table *t)
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

/* It is done, but a thread may still be somewhere in a call of it, or write into its sink. */
static bool flow_held(struct flow *f)
{
	bool generating;

	uv_mutex_lock(&f->lock);
	generating = f->generating;
	uv_mutex_unlock(&f->lock);
	return generating || f->n_lost > 0;
}

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

static void close_done_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, work);

	f->working = f->closing = false;
	flow_let_go(f);
}

void flow_let_go(struct flow *f)
{
	struct flow_table *t = f->table;

	if (!flow_held(f)) {
		flow_unlink(f); /* for good: nothing wakes it any more */
		if (filters_stream_is_open(f->stream)) {
			f->working = f->closing = true;
			flow_submit(f, &f->work, close_cb, close_done_cb);
		} else {
			flow_free(f);
			t->n_over--;
		}
	}
	flow_table_settle(t);
}

/* ---- calls that do not come back ----------------------------------------------------------------- */

/* A filter: go on behind it, with what its configuration says of failures. */
static void go_on_without(struct flow *f, struct call *lost, struct pool_work *work)
{
	filters_lose(&f->filters, lost->plugin);
	if (work == &f->work && (f->state == SCREEN || f->state == INSPECT))
		findings_undo(&f->findings);
	flow_again(f, work);
}

/* Inference, retrieval or memory: the answer fails. */
static void fail_lost(struct flow *f, const struct ragd_err *err, struct pool_work *work)
{
	atomic_store(&f->cancelled, true);
	flow_deliver(f);
	flow_report(f, err);
	if (work == &f->work) {
		f->working = false;
		f->err = *err;
		f->state = RECORD; /* once no other thread is at it */
	} else {
		f->pumping = false;
		uv_mutex_lock(&f->lock);
		f->sink_err = *err;
		f->releasing = NULL; /* whoever takes it finds the flow cancelled */
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
	if (f->closing && next == NULL) { /* when it is back, flow_let_go goes on */
		f->working = f->closing = false;
		return;
	}
	if (releases && !f->lent) {
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
	if (!f->working && !f->pumping && f->state == DONE)
		flow_let_go(f);
}

void flow_watch(struct flow *f)
{
	static const struct pool_guard guard = { lost_cb, back_cb };

	call_watch(f->call, guard, f);
	call_watch(f->release_call, guard, f);
}
