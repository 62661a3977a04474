/*
 * The sink that a flow gives to inference. It is memory of its own: the flow goes when it is
 * over, and a plugin's thread may hold on to the sink and call it all the same.
 */
#include "daemon/flow/flow_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/plugins/sinks_over.h"
#include "daemon/plugins/validate.h"

/* An answer is cut here, with finish reason "length": what waits for a slow client is bounded. */
#define ANSWER_MAX (1u << 20)

/* Kept with the mutex as it is: nothing else belongs to one. */
struct flow_sink {
	struct ragd_sink base;
	/* Taken before the flow's. While it is held the flow is not freed. */
	uv_mutex_t lock;
	struct flow *flow; /* NULL: it is over */
	char plugin[];     /* name of the instance, which may be gone as well */
};

/*
 * Under f->lock, but for the first: there is no sink then through
 * which another thread could come.
 */
static void writing_to(struct flow *f, enum flow_writing next)
{
	assert(f->writing <= next && (next != FLOW_FULL || flow_is_writing(f)));
	f->writing = next;
}

/* Wake the loop for this flow; f->lock is held. */
static void signal_loop(struct flow *f)
{
	struct flow_table *t = f->table;

	if (f->signalled)
		return;
	f->signalled = true;
	uv_mutex_lock(&t->lock);
	f->woken_next = t->woken;
	t->woken = f;
	uv_mutex_unlock(&t->lock);
	uv_async_send(&t->async);
}

/* wrong: the piece is not to be used, and why. */
static int sink_add(struct flow *f, const char *text, size_t len, const struct ragd_err *wrong)
{
	int rc = 0;

	if (flow_cancelled(f))
		return -ECANCELED;
	uv_mutex_lock(&f->lock);
	if (wrong->code < 0 || f->sink_err.code < 0) {
		if (f->sink_err.code == 0)
			f->sink_err = *wrong;
		rc = -ECANCELED;
	} else if (len > ANSWER_MAX - f->n_generated) {
		writing_to(f, FLOW_FULL);
		rc = -ENOBUFS;
	} else if (len > 0) {
		f->n_generated += len;
		buf_add(&f->queue, text, len);
		if (buf_failed(&f->queue))
			rc = -ENOBUFS;
		if (f->release_by == NULL)
			signal_loop(f);
	}
	uv_mutex_unlock(&f->lock);
	return rc;
}

static int text_cb(struct ragd_sink *sink, const char *text, size_t len)
{
	struct flow_sink *s = container_of(sink, struct flow_sink, base);
	struct ragd_err why = { 0 };
	int rc = -ECANCELED;
	bool late;

	if (len <= ANSWER_MAX)
		validate_piece(s->plugin, text, len, &why);
	uv_mutex_lock(&s->lock);
	late = s->flow == NULL;
	if (!late)
		rc = sink_add(s->flow, text, len, &why);
	uv_mutex_unlock(&s->lock);
	if (late)
		validate_after_done(s->plugin, "text", &why);
	return rc;
}

static void sink_end(struct flow *f, int rc, enum ragd_finish finish,
		     const struct ragd_usage *usage, const struct ragd_err *why)
{
	bool full;

	uv_mutex_lock(&f->lock);
	full = f->writing == FLOW_FULL;
	f->finish = full ? RAGD_FINISH_LENGTH : rc == 0 ? finish : RAGD_FINISH_STOP;
	if (rc == 0 && usage != NULL) {
		f->usage.size = sizeof(f->usage);
		ragd_fill(&f->usage, usage, usage->size);
	}
	if (rc < 0 && !full && rc != -ECANCELED && f->sink_err.code == 0)
		f->sink_err = *why;
	writing_to(f, FLOW_WRITTEN);
	if (f->release_by == NULL)
		signal_loop(f);
	uv_mutex_unlock(&f->lock);
}

static void done_cb(struct ragd_sink *sink, int rc, enum ragd_finish finish,
		    const struct ragd_usage *usage, const struct ragd_err *err)
{
	struct flow_sink *s = container_of(sink, struct flow_sink, base);
	struct ragd_err why = { 0 };
	bool late;

	rc = validate_done(s->plugin, rc, finish, usage, err, &why);
	uv_mutex_lock(&s->lock);
	late = s->flow == NULL;
	if (!late)
		sink_end(s->flow, rc, finish, usage, &why);
	s->flow = NULL;
	uv_mutex_unlock(&s->lock);
	if (late)
		validate_after_done(s->plugin, "done", &why);
}

struct ragd_sink *flow_sink_open(struct flow *f)
{
	size_t len = strlen(f->inference->name) + 1;
	struct flow_sink *s = calloc(1, sizeof(*s) + len);

	if (s == NULL)
		return NULL;
	s->base = (struct ragd_sink){ sizeof(s->base), text_cb, done_cb };
	uv_mutex_init(&s->lock);
	s->flow = f;
	memcpy(s->plugin, f->inference->name, len);
	f->sink = s;
	writing_to(f, FLOW_WRITING);
	return &s->base;
}

void flow_sink_end(struct flow *f)
{
	struct flow_sink *s = f->sink;

	if (s == NULL)
		return;
	uv_mutex_lock(&s->lock);
	s->flow = NULL;
	uv_mutex_unlock(&s->lock);
	uv_mutex_lock(&f->lock);
	writing_to(f, FLOW_WRITTEN);
	uv_mutex_unlock(&f->lock);
}

void flow_sink_fini(struct flow *f)
{
	flow_sink_end(f);
	sinks_over_keep(f->sink);
}
