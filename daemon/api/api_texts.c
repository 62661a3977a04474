/* Texts filtered, embedded and rated: moderations, embeddings, feedback. */
#include "daemon/api/api_private.h"

#include <string.h>

#include "base/util.h"
#include "daemon/api/job.h"
#include "daemon/flow/filters.h"
#include "daemon/plugins/validate.h"
#include "daemon/records/journal.h"

/* ---- moderations --------------------------------------------------------------------------- */

/* The findings of one text by category, the strongest of each. */
static void moderation_fill(struct arena *a, const struct findings *list,
			    const struct filters_verdict *v, struct codec_moderation *out)
{
	struct codec_category *cats = arena_alloc(a, list->n, sizeof(*cats));
	const char **rules = arena_alloc(a, list->n, sizeof(*rules));

	*out = (struct codec_moderation){
		.action = v->action,
		.score = v->score,
		.categories = cats,
		.rules = rules,
		.text = v->text,
		.note = v->note,
	};
	for (size_t i = 0; cats != NULL && rules != NULL && i < list->n; i++) {
		const struct finding *f = &list->v[i];
		size_t c = 0, r = 0;

		while (c < out->n_categories && strcmp(cats[c].name, f->category) != 0)
			c++;
		if (c == out->n_categories)
			cats[out->n_categories++] = (struct codec_category){ .name = f->category };
		cats[c].flagged |= f->action != RAGD_ALLOW;
		cats[c].score = MAX(cats[c].score, f->score);
		if (f->rule == NULL)
			continue;
		while (r < out->n_rules && strcmp(rules[r], f->rule) != 0)
			r++;
		if (r == out->n_rules)
			rules[out->n_rules++] = f->rule;
	}
}

static const struct config_policy *policy_of(const struct job *job, const char *name)
{
	const struct config *cfg = job->gen->cfg;
	const struct config_assistant *a = config_assistant(cfg, "default");

	if (name != NULL)
		return config_policy(cfg, name);
	if (a == NULL && cfg->n_assistants > 0)
		a = &cfg->assistants[0];
	return a != NULL ? config_policy(cfg, a->policy) : NULL;
}

/* What is filtered, and how far it has come. */
struct moderation {
	struct codec_moderations req;
	const struct config_policy *policy;
	struct filters filters;
	struct codec_moderation *out;
	size_t n_judged;
};

/* NULL, with the reply written, if the request does not hold. */
static struct moderation *moderation_begin(struct job *job)
{
	struct arena *a = job->call->arena;
	struct moderation *m = arena_alloc(a, 1, sizeof(*m));
	struct codec_err cerr;
	struct ragd_err err = { 0 };

	if (m == NULL) {
		job_fail(job, 503, "unavailable", NULL, "out of memory");
		return NULL;
	}
	if (codec_moderations_decode(a, job->body, &m->req, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return NULL;
	}
	m->policy = policy_of(job, m->req.model);
	if (m->policy == NULL) {
		job_fail(job, 404, "unknown_policy", "model", "there is no policy '%s'",
			 m->req.model != NULL ? m->req.model : "default");
		return NULL;
	}
	m->out = arena_alloc(a, m->req.n_input, sizeof(*m->out));
	if (m->out == NULL || filters_init(&m->filters, m->policy, job->gen->plugins, &err) < 0) {
		job_fail(job, 503, "unavailable", NULL, "%s",
			 m->out == NULL ? "out of memory" : err.msg);
		return NULL;
	}
	return m;
}

static void api_moderations(struct job *job)
{
	struct moderation *m = job->progress;

	if (m == NULL && (m = moderation_begin(job)) == NULL)
		return;
	job->progress = m;
	job->filters = &m->filters;
	for (; m->n_judged < m->req.n_input; m->n_judged++) {
		struct arena *a = job->call->arena;
		struct findings list = { .arena = a };
		struct filters_verdict v;
		struct ragd_screen screen = {
			.size = sizeof(screen),
			.stage = m->req.stage,
			.text = m->req.input[m->n_judged],
		};

		filters_check(&m->filters, job->call, &screen, &list, &v);
		moderation_fill(a, &list, &v, &m->out[m->n_judged]);
	}
	codec_moderations(&job->out, job->call->request_id, m->policy->name, m->out,
			  m->req.n_input);
}

/* ---- embeddings ---------------------------------------------------------------------------- */

/*
 * The assistant's inference plugin if it can, else the embedder that
 * retrieval learned; NULL: neither.
 */
static const struct plugin *embedder_of(const struct job *job, const struct config_assistant *a)
{
	const struct plugin_set *set = job->gen->plugins;
	const struct plugin *p = plugin_set_find(set, RAGD_KIND_INFERENCE, a->inference);

	if (p == NULL || !plugin_can(p->descriptor, p->self, RAGD_EMBEDS))
		p = plugin_set_find(set, RAGD_KIND_RETRIEVAL, a->retrieval);
	return p != NULL && plugin_can(p->descriptor, p->self, RAGD_EMBEDS) ? p : NULL;
}

static int texts_embed(struct job *job, const struct plugin *p, const struct codec_embeddings *req,
		       struct ragd_embeddings *out, struct ragd_err *err)
{
	const struct ragd_embed texts = { .size = sizeof(texts),
					  .texts = req->input,
					  .n = req->n_input };
	struct call *call = job->call;
	int rc;

	job_deadline(job, p);
	rc = call_enter(call, p, "embed", err);
	if (rc < 0)
		return rc;
	rc = plugin_embed(p->descriptor, p->self, &call->base, &texts, out, err);
	call_leave(call);
	return validate_vectors(p->name, rc, out, req->n_input, err);
}

static void api_embeddings(struct job *job)
{
	const struct config_assistant *a;
	const struct plugin *p;
	struct codec_embeddings req;
	struct ragd_usage usage = { .size = sizeof(usage) };
	struct codec_err cerr;
	struct ragd_err err = { 0 };
	struct ragd_embeddings vectors = { .size = sizeof(vectors) };

	if (codec_embeddings_decode(job->call->arena, job->body, &req, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return;
	}
	a = config_assistant(job->gen->cfg, req.model);
	if (a == NULL) {
		job_fail(job, 404, "unknown_model", "model",
			 "there is no assistant '%s'; /v1/models lists them", req.model);
		return;
	}
	p = embedder_of(job, a);
	if (p == NULL)
		job_fail(job, 404, "not_found", NULL, "assistant '%s' has no plugin that embeds",
			 a->name);
	else if (texts_embed(job, p, &req, &vectors, &err) < 0)
		job_fail_err(job, &err, "not_found");
	else
		codec_embeddings(&job->out, req.model, vectors.values, req.n_input, vectors.dim,
				 req.base64, &usage);
}

/* ---- feedback ------------------------------------------------------------------------------ */

static const char *text_or_null(struct arena *a, struct ragd_str s)
{
	return s.len > 0 ? arena_strndup(a, s.s, s.len) : NULL;
}

static void api_feedback(struct job *job)
{
	struct arena *a = job->call->arena;
	struct codec_feedback req;
	struct journal_feedback fb;
	struct codec_err cerr;
	struct ragd_err err = { 0 };
	char id[JOURNAL_ID_MAX];

	if (codec_feedback_decode(a, job->body, &req, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return;
	}
	fb = (struct journal_feedback){
		.answer_id = req.answer_id,
		.uid = job->call->caller.uid,
		.admin = job->call->caller.admin,
		.rating = req.up ? "up" : "down",
		.reason = req.reason[0] != '\0' ? req.reason : NULL,
		.comment = text_or_null(a, req.comment),
		.better = text_or_null(a, req.better),
	};
	if (journal_feedback(job->d->journal, &fb, id, &err) < 0) {
		job_fail_err(job, &err, "unknown_answer");
		return;
	}
	job->status = 201;
	codec_feedback_reply(&job->out, id, req.answer_id);
}

static int export_line(const char *line, size_t len, void *arg)
{
	struct job *job = arg;

	buf_add(&job->out, line, len);
	buf_addc(&job->out, '\n');
	return buf_failed(&job->out) || job->call->base.cancelled(&job->call->base);
}

static void api_feedback_export(struct job *job)
{
	struct ragd_err err = { 0 };

	job->out_type = "application/x-ndjson";
	if (journal_export(job->d->journal, export_line, job, &err) < 0)
		job_fail_err(job, &err, "not_found");
}

const struct http_route api_texts_routes[] = {
	{ "POST", "/v1/embeddings", 0, ON_POOL(api_embeddings) },
	{ "POST", "/v1/moderations", 0, ON_POOL(api_moderations) },
	{ "POST", "/v1/feedback", 0, ON_POOL(api_feedback) },
	{ "GET", "/v1/feedback/export", ADMIN, ON_POOL(api_feedback_export) },
	{ 0 },
};
