#include "daemon/flow/flow_private.h"

#include <assert.h>

#include "base/clock.h"
#include "daemon/api/collections.h"
#include "daemon/plugins/validate.h"

static enum flow_step step_admit(struct flow *f);
static enum flow_step step_screen(struct flow *f);
static enum flow_step step_retrieve(struct flow *f);
static enum flow_step step_inspect(struct flow *f);
static enum flow_step step_compose(struct flow *f);
static enum flow_step step_generate(struct flow *f);

#define TO(step) (1u << FLOW_##step)

/* clang-format off */
/*
 * The whole product: each step does its work and returns the next, which is one that its row
 * allows, or RECORD: there a step goes that fails, finds the flow cancelled, or loses a call
 * other than a filter's. RELEASE returns itself until inference is done and all of it was let out
 * or held back for good. Steps on the pool that follow each other run in one go.
 */
static const struct step {
	enum flow_where where;
	enum flow_step (*run)(struct flow *f);
	int time;      /* enum metrics_time, -1: not measured on its own */
	unsigned next; /* TO(…) of each that may follow, RECORD apart */
} steps[] = {
	/* step             where      run            time              next */
	[FLOW_ADMIT]    = { FLOW_POOL, step_admit,    -1,               TO(SCREEN) },
	[FLOW_SCREEN]   = { FLOW_POOL, step_screen,   METRICS_SCREEN,   TO(RETRIEVE) | TO(COMPOSE) |
									TO(RELEASE) },
	[FLOW_RETRIEVE] = { FLOW_POOL, step_retrieve, METRICS_RETRIEVE, TO(INSPECT) },
	[FLOW_INSPECT]  = { FLOW_POOL, step_inspect,  METRICS_INSPECT,  TO(COMPOSE) | TO(RELEASE) },
	[FLOW_COMPOSE]  = { FLOW_POOL, step_compose,  METRICS_COMPOSE,  TO(GENERATE) },
	[FLOW_GENERATE] = { FLOW_POOL, step_generate, METRICS_GENERATE, TO(RELEASE) },
	[FLOW_RELEASE]  = { FLOW_POOL, flow_release,  -1,               TO(RELEASE) },
	[FLOW_RECORD]   = { FLOW_LOOP, flow_record,   -1,               TO(DONE) },
	[FLOW_DONE]     = { FLOW_LOOP, NULL,          -1,               0 },
};
/* clang-format on */

/* ---- the steps ------------------------------------------------------------------------------ */

/* There is room, as flow_start saw; here the names of the assistant become plugins. */
static enum flow_step step_admit(struct flow *f)
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
		return FLOW_RECORD;
	}
	if (filters_init(&f->filters, f->policy, set, &f->err) < 0)
		return FLOW_RECORD;
	return FLOW_SCREEN;
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
 * What the client sent is filtered message by message, and as a prompt whatever role
 * it claims: that it is an earlier answer is only the client's word. One that claims
 * so is redacted as an answer, too.
 */
static enum flow_step step_screen(struct flow *f)
{
	for (; f->n_screened < f->n_messages; f->n_screened++, f->as_prompt = false) {
		struct ragd_message *m = &f->messages[f->n_screened];

		if (!f->as_prompt && !screen_message(f, m, RAGD_STAGE_PROMPT))
			return FLOW_RELEASE;
		f->as_prompt = true;
		if (m->role == RAGD_ROLE_ASSISTANT && !screen_message(f, m, RAGD_STAGE_RESPONSE))
			return FLOW_RELEASE;
	}
	return f->retrieval != NULL ? FLOW_RETRIEVE : FLOW_COMPOSE;
}

static enum flow_step step_retrieve(struct flow *f)
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
	/*
	 * The assistant's own are the administrator's choice; what a request names must be there.
	 */
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
		return FLOW_RECORD;
	}
	f->hits = hits;
	f->n_hits = n_hits;
	return FLOW_INSPECT;
}

static enum flow_step step_inspect(struct flow *f)
{
	call_deadline(f->call, 0, f->deadline_ms);
	if (evidence_inspect(&f->evidence, &f->filters, f->call,
			     f->messages[f->n_messages - 1].text, f->hits, f->n_hits, &f->findings,
			     &f->notes, &f->err) < 0)
		return FLOW_RECORD;
	f->sources.v = arena_alloc(f->call->arena, f->evidence.n, sizeof(*f->sources.v));
	if (f->sources.v == NULL) {
		ragd_err_set(&f->err, -ENOMEM, "inspect: out of memory");
		return FLOW_RECORD;
	}
	/* A grounded answer from no passages can only be that there is none. */
	return f->evidence.n == 0 && f->assistant->grounded ? FLOW_RELEASE : FLOW_COMPOSE;
}

static enum flow_step step_compose(struct flow *f)
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
	return compose_prompt(f->call->arena, &c, &f->generate, &f->err) < 0 ? FLOW_RECORD
									     : FLOW_GENERATE;
}

static enum flow_step step_generate(struct flow *f)
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
		return FLOW_RECORD;
	}
	call_deadline(call, f->inference->deadline_ms, f->deadline_ms);
	sink = flow_sink_open(f);
	if (sink == NULL) {
		ragd_err_set(&f->err, -ENOMEM, "generate: out of memory");
		return FLOW_RECORD;
	}
	if (call_enter(call, f->inference, "generate", &f->err) < 0) {
		flow_sink_end(f);
		return FLOW_RECORD;
	}
	rc = f->inference->descriptor->ops.inference->generate(f->inference->self, &call->base,
							       &f->generate, sink, &err);
	if (rc != 0) /* done will not be called */
		flow_sink_end(f);
	call_leave(call);
	rc = validate_rc(f->inference->name, "generate", rc, &err);
	if (rc < 0)
		f->err = err;
	return rc < 0 ? FLOW_RECORD : FLOW_RELEASE;
}

void flow_step_to(struct flow *f, enum flow_step next)
{
	assert(next == FLOW_RECORD ? f->step < FLOW_RECORD : steps[f->step].next & 1u << next);
	f->step = next;
}

void flow_run_steps(struct flow *f, enum flow_where where)
{
	while (f->step != FLOW_DONE && steps[f->step].where == where) {
		enum flow_step was = f->step;
		int64_t began_us = clock_us();
		enum flow_step next = steps[was].run(f);

		if (steps[was].time >= 0)
			f->took_us[steps[was].time] += clock_us() - began_us;
		/* From RELEASE on what is over is told and recorded, cancelled or not. */
		if (next < FLOW_RELEASE && flow_cancelled(f))
			next = FLOW_RECORD;
		flow_step_to(f, next);
		if (was == FLOW_RELEASE && next == FLOW_RELEASE) /* it waits for inference */
			break;
	}
}
