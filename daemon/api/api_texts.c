/* Texts filtered, embedded and rated: moderations, embeddings, feedback. */
#include "daemon/api/api_private.h"

#include <math.h>
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
 * What embeds under a model's name: the encoder of that name; for an assistant the first encoder
 * there is, whatever else it could take, so that the vectors of one name stay of one kind; without
 * one its own inference plugin, then the embedder that its retrieval learned. NULL: none, and the
 * reply is written.
 */
static const struct plugin *embedder_of(struct job *job, const char *model)
{
	const struct config_assistant *a = config_assistant(job->gen->cfg, model);
	const struct plugin_set *set = job->gen->plugins;
	const struct plugin *p = plugin_set_encoder(set, a != NULL ? NULL : model);

	if (p != NULL)
		return p;
	if (a == NULL) {
		job_fail(job, 404, "unknown_model", "model",
			 "there is no assistant or encoder '%s'; /v1/models lists them", model);
		return NULL;
	}
	p = plugin_set_find(set, RAGD_KIND_INFERENCE, a->inference);
	if (p == NULL || !plugin_can(p->descriptor, p->self, RAGD_EMBEDS))
		p = plugin_set_find(set, RAGD_KIND_RETRIEVAL, a->retrieval);
	if (p != NULL && plugin_can(p->descriptor, p->self, RAGD_EMBEDS))
		return p;
	job_fail(job, 404, "not_found", NULL, "assistant '%s' has no plugin that embeds", a->name);
	return NULL;
}

/* The first `dim` numbers of each vector, at length 1 again. False, with the reply written, if the
 * model was not made for that, or there is no memory. */
static bool vectors_cut(struct job *job, const struct plugin *p, size_t n, uint32_t dim,
			struct ragd_embeddings *v)
{
	struct ragd_embed_card card = { .nested = false };
	float *cut = arena_alloc(job->call->arena, n, dim * sizeof(*cut));

	if (dim == v->dim)
		return true;
	plugin_embed_card(p->name, p->descriptor, p->self, &card);
	if (dim > v->dim || !card.nested) {
		job_fail(job, 400, "invalid_value", "dimensions",
			 card.nested ? "the vectors have %u numbers"
				     : "the vectors have %u numbers, and the model was not made to "
				       "have them cut: leave 'dimensions' out",
			 (unsigned)v->dim);
		return false;
	}
	if (cut == NULL) {
		job_fail(job, 503, "unavailable", NULL, "out of memory");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const float *from = v->values + i * v->dim;
		double sum = 0;

		for (uint32_t k = 0; k < dim; k++)
			sum += (double)from[k] * from[k];
		for (uint32_t k = 0; k < dim; k++)
			cut[i * dim + k] = sum > 0 ? (float)(from[k] / sqrt(sum)) : k == 0;
	}
	v->values = cut;
	v->dim = dim;
	return true;
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
	struct ragd_embeddings vectors = { .size = sizeof(vectors) };
	struct ragd_usage usage = { .size = sizeof(usage) };
	struct codec_embeddings req;
	struct codec_err cerr;
	struct ragd_err err = { 0 };
	const struct plugin *p;

	if (codec_embeddings_decode(job->call->arena, job->body, &req, &cerr) < 0) {
		job_fail_codec(job, &cerr);
		return;
	}
	p = embedder_of(job, req.model);
	if (p == NULL)
		return;
	if (texts_embed(job, p, &req, &vectors, &err) < 0) {
		job_fail_err(job, &err, "not_found");
		return;
	}
	if (req.dimensions != 0 && !vectors_cut(job, p, req.n_input, req.dimensions, &vectors))
		return;
	for (size_t i = 0; vectors.n_tokens != NULL && i < req.n_input; i++)
		usage.n_prompt += vectors.n_tokens[i];
	codec_embeddings(&job->out, req.model, vectors.values, req.n_input, vectors.dim, req.base64,
			 &usage);
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
