#include "daemon/flow/flow_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/api/collections.h"
#include "daemon/plugins/validate.h"

/* One answer's memory: its passages and prompt, its decisions, and what one release hands over. */
#define CALL_MEMORY     (64u << 20)
#define FINDINGS_MEMORY (1u << 20)
#define RELEASE_MEMORY  (16u << 20)
#define SWEEP_MS        100

static enum state admit(struct flow *f);
static enum state screen(struct flow *f);
static enum state retrieve(struct flow *f);
static enum state inspect(struct flow *f);
static enum state compose(struct flow *f);
static enum state generate(struct flow *f);

/* clang-format off */
/*
 * The whole product. Each step returns the next state; RELEASE returns itself until inference is done
 * and all of it was let out or held back for good. Steps on the pool that follow each other run in one
 * go; a step that finds the flow cancelled goes to RECORD.
 */
static const struct step {
	enum where where;
	enum state (*run)(struct flow *f);
	int time; /* enum metrics_time, -1: not measured on its own */
} steps[] = {
	/* state        where    run           time */
	[ADMIT]    = { ON_LOOP, admit,        -1               },
	[SCREEN]   = { ON_POOL, screen,       METRICS_SCREEN   },
	[RETRIEVE] = { ON_POOL, retrieve,     METRICS_RETRIEVE },
	[INSPECT]  = { ON_POOL, inspect,      METRICS_INSPECT  },
	[COMPOSE]  = { ON_POOL, compose,      METRICS_COMPOSE  },
	[GENERATE] = { ON_POOL, generate,     METRICS_GENERATE },
	[RELEASE]  = { ON_POOL, flow_release, -1               },
	[RECORD]   = { ON_LOOP, flow_record,  -1               },
};
/* clang-format on */

/* ---- the steps ------------------------------------------------------------------------------ */

/* flow_start judged the queue; here the names of the assistant become plugins. */
static enum state admit(struct flow *f)
{
	const struct plugin_set *set = f->gen->plugins;

	f->policy = config_policy(f->gen->cfg, f->assistant->policy);
	f->inference = plugin_set_find(set, RAGD_KIND_INFERENCE, f->assistant->inference);
	if (f->assistant->retrieval[0] != '\0')
		f->retrieval = plugin_set_find(set, RAGD_KIND_RETRIEVAL, f->assistant->retrieval);
	if (f->policy == NULL || f->inference == NULL ||
	    (f->assistant->retrieval[0] != '\0' && f->retrieval == NULL)) {
		ragd_err_set(&f->err, -ENOENT,
			     "assistant '%s': a plugin or its policy is not loaded",
			     f->assistant->name);
		return RECORD;
	}
	if (filters_init(&f->filters, f->policy, set, &f->err) < 0)
		return RECORD;
	return SCREEN;
}

/* One message at one stage, and what its filters left of it. False: it is blocked. */
static bool screen_message(struct flow *f, struct ragd_message *m, enum ragd_stage stage)
{
	struct ragd_screen s = { .size = sizeof(s), .stage = stage, .text = m->text };
	struct filters_verdict v;

	filters_check(&f->filters, f->call, &s, &f->findings, &v);
	if (v.action == RAGD_BLOCK) {
		flow_block(f, v.message);
		return false;
	}
	m->text = v.text;
	notes_add(&f->notes, f->call->arena, v.note);
	return true;
}

/*
 * What the client sent is judged message by message, and as a prompt whatever role it claims: an earlier
 * answer is the client's word only. One that says it is an answer is redacted as one besides.
 */
static enum state screen(struct flow *f)
{
	for (; f->n_screened < f->n_messages; f->n_screened++, f->as_prompt = false) {
		struct ragd_message *m = &f->messages[f->n_screened];

		if (!f->as_prompt && !screen_message(f, m, RAGD_STAGE_PROMPT))
			return RELEASE;
		f->as_prompt = true;
		if (m->role == RAGD_ROLE_ASSISTANT && !screen_message(f, m, RAGD_STAGE_RESPONSE))
			return RELEASE;
	}
	return f->retrieval != NULL ? RETRIEVE : COMPOSE;
}

static enum state retrieve(struct flow *f)
{
	struct call *call = f->call; /* the flow gets another when this one is given up */
	struct ragd_query q = {
		.size = sizeof(q),
		.text = compose_query(call->arena, f->messages, f->n_messages),
		.k = f->k,
		.collections = f->collections,
	};
	struct ragd_err err = { 0 };
	const struct ragd_hit *hits = NULL;
	size_t n_hits = 0;
	int rc = 0;

	while (q.collections != NULL && q.collections[q.n_collections] != NULL)
		q.n_collections++;
	call_deadline(call, f->retrieval->deadline_ms, f->deadline_ms);
	/* The assistant's own are the administrator's choice; what a request names must be there. */
	if (f->collections != f->assistant->collections)
		rc = collections_known(f->retrieval, call, f->collections, q.n_collections, &err);
	if (rc == 0)
		rc = call_enter(call, f->retrieval, "search", &err);
	if (rc == 0) {
		rc = f->retrieval->descriptor->ops.retrieval->search(
			f->retrieval->self, &call->base, &q, &hits, &n_hits, &err);
		call_leave(call);
		rc = validate_hits(f->retrieval->name, rc, &q, hits, n_hits, &err);
	}
	if (rc < 0) {
		f->err = err;
		return RECORD;
	}
	f->hits = hits;
	f->n_hits = n_hits;
	return INSPECT;
}

static enum state inspect(struct flow *f)
{
	call_deadline(f->call, 0, f->deadline_ms);
	if (evidence_inspect(&f->evidence, &f->filters, f->call,
			     f->messages[f->n_messages - 1].text, f->hits, f->n_hits, &f->findings,
			     &f->notes, &f->err) < 0)
		return RECORD;
	f->sources.v = arena_alloc(f->call->arena, f->evidence.n, sizeof(*f->sources.v));
	if (f->sources.v == NULL) {
		ragd_err_set(&f->err, -ENOMEM, "inspect: out of memory");
		return RECORD;
	}
	/* A grounded answer from no passages can only be that there is none. */
	return f->evidence.n == 0 && f->assistant->grounded ? RELEASE : COMPOSE;
}

static enum state compose(struct flow *f)
{
	struct compose c = {
		.assistant = f->assistant,
		.policy = f->policy,
		.messages = f->messages,
		.n_messages = f->n_messages,
		.evidence = &f->evidence,
		.note = notes_str(&f->notes),
	};

	f->generate.question = f->messages[f->n_messages - 1].text;
	f->generate.passages = f->evidence.passages;
	f->generate.n_passages = f->evidence.n;
	f->generate.grounded = f->assistant->grounded;
	return compose_prompt(f->call->arena, &c, &f->generate, &f->err) < 0 ? RECORD : GENERATE;
}

static enum state generate(struct flow *f)
{
	struct call *call = f->call; /* as in retrieve */
	struct ragd_screen evidence = {
		.size = sizeof(evidence),
		.stage = RAGD_STAGE_RESPONSE,
		.question = f->generate.question,
		.passages = f->evidence.passages,
		.n_passages = f->evidence.n,
		.grounded = f->assistant->grounded,
	};
	struct ragd_sink *sink;
	struct ragd_err err = { 0 };
	int rc;

	if (filters_stream_open(&f->filters, f->release_call, &evidence, &f->findings, &f->stream) <
	    0) {
		ragd_err_set(&f->err, -ENOMEM, "generate: out of memory");
		return RECORD;
	}
	call_deadline(call, f->inference->deadline_ms, f->deadline_ms);
	sink = flow_sink_open(f);
	if (sink == NULL) {
		ragd_err_set(&f->err, -ENOMEM, "generate: out of memory");
		return RECORD;
	}
	if (call_enter(call, f->inference, "generate", &f->err) < 0) {
		flow_sink_end(f);
		return RECORD;
	}
	rc = f->inference->descriptor->ops.inference->generate(f->inference->self, &call->base,
							       &f->generate, sink, &err);
	if (rc != 0) /* done will not be called */
		flow_sink_end(f);
	call_leave(call);
	rc = validate_rc(f->inference->name, "generate", rc, &err);
	if (rc < 0)
		f->err = err;
	return rc < 0 ? RECORD : RELEASE;
}

/* ---- running ---------------------------------------------------------------------------------- */

/* Run steps of one place until one belongs elsewhere, waits for inference, or is the last. */
static void run_steps(struct flow *f, enum where where)
{
	while (f->state != DONE && steps[f->state].where == where) {
		enum state was = f->state;
		int64_t began_us = clock_us();

		f->state = steps[was].run(f);
		if (steps[was].time >= 0)
			f->took_us[steps[was].time] += clock_us() - began_us;
		if (f->state == RELEASE && was == RELEASE)
			break;
		if (f->state < RELEASE && flow_cancelled(f))
			f->state = RECORD;
	}
}

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
	flow_let_go(f);
}

void flow_report(struct flow *f, const struct ragd_err *err)
{
	struct flow_result r = { .finish = FLOW_FAILED, .err = err };

	if (f->detached)
		return;
	f->detached = true;
	if (err == NULL) { /* DONE: no other thread writes these any more */
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
	run_steps(container_of(work, struct flow, work), ON_POOL);
}

static void work_done_cb(struct pool_work *work);

void flow_submit(struct flow *f, struct pool_work *work, pool_cb run_cb, pool_cb done_cb)
{
	const struct ragd_caller *caller = &f->call->caller;

	pool_start(f->table->d->pool, work, caller->uid, caller->admin, run_cb, done_cb);
}

/* To the pool; work_done_cb follows. */
static void flow_go(struct flow *f)
{
	f->working = true;
	flow_submit(f, &f->work, work_cb, work_done_cb);
}

void flow_kick(struct flow *f)
{
	flow_deliver(f); /* before RECORD counts what left */
	if (f->working || f->pumping)
		return;         /* f->state and what it is about are another thread's */
	if (f->state == DONE) { /* inference, given up for lost, had a last word */
		flow_let_go(f);
		return;
	}
	run_steps(f, ON_LOOP);
	if (f->state == DONE) {
		flow_report(f, f->err.code < 0 ? &f->err : NULL);
		flow_end(f);
	} else if (f->state != RELEASE || flow_release_ready(f)) {
		flow_go(f);
	}
}

static void work_done_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, work);

	f->working = false;
	flow_kick(f);
}

static void pump_cb(struct pool_work *work)
{
	flow_release_pump(container_of(work, struct flow, release_work), work);
}

static void pump_done_cb(struct pool_work *work)
{
	struct flow *f = container_of(work, struct flow, release_work);

	f->pumping = false;
	flow_kick(f);
}

void flow_again(struct flow *f, struct pool_work *work)
{
	flow_submit(f, work, work->work_cb, work->done_cb);
}

/* Inference wrote something. While its call still runs on the pool, another thread lets the text out. */
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
		if (f->working && !f->pumping && flow_release_ready(f)) {
			f->pumping = true;
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

/* ---- what the API sees -------------------------------------------------------------------------- */

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

/* "ans-" and 96 random bits in base 32: not to be guessed by who did not get the answer. */
static void id_make(char id[FLOW_ID_MAX])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char random[20] = { 0 };
	size_t at = 4;

	if (getrandom(random, sizeof(random), 0) < 0)
		abort(); /* cannot fail for so few bytes once the system has booted */
	memcpy(id, "ans-", 4);
	for (size_t i = 0; i < sizeof(random); i++)
		id[at++] = digits[random[i] & 31];
	id[at] = '\0';
}

/* Everything of the question that outlives the client's request, into the call's arena. */
static int question_copy(struct flow *f, const struct flow_question *q)
{
	struct arena *a = f->call->arena;
	const char **names = arena_alloc(a, q->n_collections + 1, sizeof(*names));
	struct ragd_str *stop = arena_alloc(a, q->sampling.n_stop, sizeof(*stop));
	struct ragd_bias *bias = arena_alloc(a, q->sampling.n_bias, sizeof(*bias));

	f->n_messages = q->n_messages;
	f->messages = arena_alloc(a, q->n_messages, sizeof(*f->messages));
	if (names == NULL || stop == NULL || bias == NULL || f->messages == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < q->n_messages; i++) {
		f->messages[i].role = q->messages[i].role;
		f->messages[i].text = arena_str(a, q->messages[i].text);
		if (f->messages[i].text.s == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < q->n_collections; i++)
		if ((names[i] = arena_strdup(a, q->collections[i])) == NULL)
			return -ENOMEM;
	for (size_t i = 0; i < q->sampling.n_stop; i++)
		if ((stop[i] = arena_str(a, q->sampling.stop[i])).s == NULL)
			return -ENOMEM;
	f->collections = q->n_collections > 0 ? names : f->assistant->collections;
	f->generate.size = sizeof(f->generate);
	f->generate.sampling = q->sampling;
	f->generate.sampling.stop = stop;
	if (q->sampling.n_bias > 0)
		memcpy(bias, q->sampling.bias, q->sampling.n_bias * sizeof(*bias));
	f->generate.sampling.bias = bias;
	return 0;
}

int flow_start(struct ragd *d, const struct flow_question *q, const struct flow_events *events,
	       void *arg, struct flow **out, struct ragd_err *err)
{
	const struct config *cfg = d->current->cfg;
	struct flow_table *t = d->flows;
	struct flow *f;

	if (shares_take(&t->shares, q->caller->uid, q->caller->admin, cfg->queue_max,
			cfg->user_share, "answers", err) < 0)
		return -EAGAIN;
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		shares_give(&t->shares, q->caller->uid);
		return ragd_err_set(err, -ENOMEM, "answer: out of memory");
	}
	f->call = call_new(q->caller, q->request_id, CALL_MEMORY, &f->cancelled);
	f->release_call = call_new(q->caller, q->request_id, RELEASE_MEMORY, &f->cancelled);
	f->findings.arena = arena_new(FINDINGS_MEMORY);
	f->assistant = q->assistant;
	f->k = q->k > 0 ? q->k : q->assistant->k;
	if (f->call == NULL || f->release_call == NULL || f->findings.arena == NULL ||
	    question_copy(f, q) < 0) {
		arena_free(f->findings.arena);
		call_free(f->release_call);
		call_free(f->call);
		free(f);
		shares_give(&t->shares, q->caller->uid);
		return ragd_err_set(err, -ENOMEM, "answer: out of memory for the question");
	}
	uv_mutex_init(&f->lock);
	f->table = t;
	f->gen = generation_ref(d->current);
	f->events = *events;
	f->arg = arg;
	f->received_us = q->received_us;
	f->deadline_ms = q->assistant->deadline_ms > 0 ? clock_ms() + q->assistant->deadline_ms : 0;
	f->out_tail = &f->out_head;
	call_deadline(f->call, 0, f->deadline_ms);
	call_deadline(f->release_call, 0, f->deadline_ms);
	flow_watch(f);
	id_make(f->id);
	f->next = t->flows;
	if (f->next != NULL)
		f->next->prev = f;
	t->flows = f;
	run_steps(f, ON_LOOP);
	flow_go(f); /* also when ADMIT refused: events never come from within this call */
	*out = f;
	return 0;
}

void flow_cancel(struct flow *f)
{
	f->detached = true;
	atomic_store(&f->cancelled, true);
}

const char *flow_id(const struct flow *f)
{
	return f->id;
}
