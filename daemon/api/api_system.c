/* What runs here: health, metrics, assistants, plugins, the system card, and the reload of it all. */
#include "daemon/api/api_private.h"

#include <config.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/api/api_error.h"
#include "daemon/flow/filters.h"
#include "daemon/flow/flow.h"
#include "daemon/plugins/validate.h"
#include "daemon/records/metrics.h"
#include "ipc/codec/codec.h"

static json_t *list_of(const char *const *names)
{
	json_t *array = json_array();

	for (; *names != NULL; names++)
		json_array_append_new(array, json_string(*names));
	return array;
}

void api_healthz(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	static const char *const words[] = { "starting", "ok", "draining" };
	const struct ragd *d = ctx;

	(void)req;
	http_reply_json(x, d->state == RAGD_READY ? 200 : 503,
			json_pack("{s:s}", "status", words[d->state]));
}

void api_metrics(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct ragd *d = ctx;
	struct buf out = BUF_INIT;

	(void)req;
	if (!api_started(x, d))
		return;
	metrics_print(d, flow_table_count(d->flows), &out);
	if (buf_failed(&out))
		http_reply_error(x, 503, "unavailable", NULL, "out of memory for the metrics");
	else
		http_reply(x, 200, "text/plain; version=0.0.4", out.data, out.len);
	buf_fini(&out);
}

/* ---- assistants --------------------------------------------------------------------------------- */

static int64_t started_s(const struct ragd *d)
{
	return (int64_t)time(NULL) - (clock_us() - d->started_us) / 1000000;
}

static struct codec_model model_of(const struct ragd *d, const struct config_assistant *a)
{
	return (struct codec_model){
		.name = a->name,
		.description = a->description,
		.created_s = started_s(d),
	};
}

static void reply_buf(struct http_exchange *x, struct buf *out)
{
	if (buf_failed(out))
		http_reply_error(x, 503, "unavailable", NULL, "out of memory for the reply");
	else
		http_reply(x, 200, "application/json", out->data, out->len);
	buf_fini(out);
}

void api_models(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct ragd *d = ctx;
	const struct config *cfg;
	struct codec_model *models;
	struct buf out = BUF_INIT;

	(void)req;
	if (!api_started(x, d))
		return;
	cfg = d->current->cfg;
	models = calloc(cfg->n_assistants + 1, sizeof(*models));
	for (size_t i = 0; models != NULL && i < cfg->n_assistants; i++)
		models[i] = model_of(d, &cfg->assistants[i]);
	codec_models(&out, models, models != NULL ? cfg->n_assistants : 0);
	free(models);
	reply_buf(x, &out);
}

void api_model(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct ragd *d = ctx;
	char name[128];
	const struct config_assistant *a;
	struct codec_model model;
	struct buf out = BUF_INIT;

	if (!api_started(x, d))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)MIN(req->param[0].len, sizeof(name) - 1),
		 req->param[0].s);
	a = config_assistant(d->current->cfg, name);
	if (a == NULL) {
		http_reply_error(x, 404, "unknown_model", NULL,
				 "there is no assistant '%s'; GET /v1/models lists them", name);
		return;
	}
	model = model_of(d, a);
	codec_model(&out, &model);
	reply_buf(x, &out);
}

/* ---- status ------------------------------------------------------------------------------------- */

/* Of what the caller may read. */
static json_t *retrieval_json(const struct plugin *p, const struct ragd_caller *caller)
{
	struct ragd_retrieval_stats s = { 0 };

	json_t *o;

	p->descriptor->ops.retrieval->stats(p->self, caller, &s);
	validate_stats(p->name, &s);
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:i}", "plugin", p->name, "collections",
		      (json_int_t)s.n_collections, "documents", (json_int_t)s.n_documents,
		      "passages", (json_int_t)s.n_passages, "vectors", (json_int_t)s.n_vectors,
		      "dim", (int)s.dim);
	if (caller->admin)
		json_object_set_new(o, "bytes", json_integer((json_int_t)s.n_bytes));
	return o;
}

/* Nothing but what there is yet: models may take their time, and people want to know how long. */
static void status_while_starting(struct http_exchange *x, const struct ragd *d)
{
	json_t *o = json_pack("{s:s, s:i, s:s, s:f}", "version", PACKAGE_VERSION, "pid",
			      (int)getpid(), "state", "starting", "uptime_s",
			      (double)(clock_us() - d->started_us) / 1e6);
	char opening[256];

	if (plugin_progress(opening, sizeof(opening)))
		json_object_set_new(o, "opening", json_string(opening));
	http_reply_json(x, 200, o);
}

/* How much others do here and where its files are, for administrators. */
static void status_of_all(json_t *o, const struct ragd *d)
{
	struct http_stats http;

	http_server_stats(d->http, &http);
	json_object_set_new(o, "configuration", json_string(d->current->cfg->path));
	json_object_set_new(o, "answers",
			    json_pack("{s:I, s:I}", "total",
				      (json_int_t)metrics_answers(d->metrics), "active",
				      (json_int_t)flow_table_count(d->flows)));
	json_object_set_new(o, "connections", json_integer((json_int_t)http.n_connections));
	json_object_set_new(o, "requests", json_integer((json_int_t)http.n_requests));
}

void api_status_get(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct ragd *d = ctx;
	const struct config *cfg;
	const struct plugin_set *set;
	json_t *assistants, *plugins, *retrieval, *o;

	if (d->current == NULL) {
		status_while_starting(x, d);
		return;
	}
	cfg = d->current->cfg;
	set = d->current->plugins;
	assistants = json_array();
	plugins = json_array();
	retrieval = json_array();
	for (size_t i = 0; i < cfg->n_assistants; i++)
		json_array_append_new(assistants, json_string(cfg->assistants[i].name));
	for (size_t i = 0; i < plugin_set_count(set); i++) {
		const struct plugin *p = plugin_set_at(set, i);

		json_array_append_new(plugins, json_string(p->name));
		if (p->descriptor->kind == RAGD_KIND_RETRIEVAL)
			json_array_append_new(retrieval, retrieval_json(p, req->caller));
	}
	o = json_pack("{s:s, s:i, s:s, s:f, s:i, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "pid",
		      (int)getpid(), "state", d->state == RAGD_READY ? "ready" : "draining",
		      "uptime_s", (double)(clock_us() - d->started_us) / 1e6, "generation",
		      (int)d->current->number, "assistants", assistants, "plugins", plugins,
		      "retrieval", retrieval);
	if (req->caller->admin)
		status_of_all(o, d);
	http_reply_json(x, 200, o);
}

/* ---- plugins ------------------------------------------------------------------------------------ */

static const char *kind_name(enum ragd_kind kind)
{
	return kind == RAGD_KIND_INFERENCE   ? "inference"
	       : kind == RAGD_KIND_RETRIEVAL ? "retrieval"
					     : "safety";
}

static json_t *value_json(const struct ragd_option *row, const struct ragd_value *v)
{
	switch (row->type) {
	case RAGD_OPT_BOOL:
		return json_boolean(v->b);
	case RAGD_OPT_INT:
	case RAGD_OPT_SIZE:
	case RAGD_OPT_DURATION:
		return json_integer(v->i);
	case RAGD_OPT_FLOAT:
		return json_real(v->f);
	case RAGD_OPT_LIST:
		return list_of(v->list);
	default:
		return json_string(v->s);
	}
}

/* Those whose values the caller may see. */
static json_t *options_json(const struct plugin *p, const struct ragd_caller *caller)
{
	json_t *o = json_object();
	const struct ragd_option *row = p->descriptor->options;

	for (size_t i = 0; row != NULL && row[i].name != NULL && i < p->options.n; i++)
		if (row[i].everyone || caller->admin)
			json_object_set_new(o, row[i].name,
					    value_json(&row[i], &p->options.values[i]));
	return o;
}

static json_t *plugin_json(const struct plugin *p, const struct ragd_caller *caller)
{
	const struct ragd_plugin *d = p->descriptor;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:o}", "name", p->name, "module",
			 d->name, "kind", kind_name(d->kind), "version", d->version, "licence",
			 d->licence, "summary", d->summary, "abi", (int)d->abi, "deadline_ms",
			 (json_int_t)p->deadline_ms, "options", options_json(p, caller));
}

void api_plugins(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct ragd *d = ctx;
	json_t *data;

	if (!api_started(x, d))
		return;
	data = json_array();
	for (size_t i = 0; i < plugin_set_count(d->current->plugins); i++)
		json_array_append_new(
			data, plugin_json(plugin_set_at(d->current->plugins, i), req->caller));
	http_reply_json(x, 200, json_pack("{s:s, s:o}", "object", "list", "data", data));
}

/* ---- the system card ------------------------------------------------------------------------------ */

static json_t *model_json(const struct plugin *p)
{
	struct ragd_card c = { 0 };

	p->descriptor->ops.inference->card(p->self, &c);
	validate_card(p->name, &c);
	return json_pack("{s:s, s:s?, s:s?, s:I, s:s?, s:i, s:s?, s:s?, s:s?}", "plugin", p->name,
			 "name", c.name, "family", c.family, "parameters",
			 (json_int_t)c.n_parameters, "quantisation", c.quantisation, "context",
			 (int)c.n_context, "licence", c.licence, "digest", c.digest, "summary",
			 c.summary);
}

static json_t *assistant_json(const struct generation *gen, const struct config_assistant *a)
{
	const struct plugin *p = plugin_set_find(gen->plugins, RAGD_KIND_INFERENCE, a->inference);

	return json_pack("{s:s, s:s, s:b, s:s, s:s, s:o, s:s, s:o}", "name", a->name, "description",
			 a->description, "grounded", a->grounded, "policy", a->policy, "retrieval",
			 a->retrieval, "collections", list_of(a->collections), "system_prompt",
			 a->system_prompt, "model", p != NULL ? model_json(p) : json_null());
}

static json_t *stages_json(const struct ragd_safety_ops *ops)
{
	json_t *array = json_array();

	for (int s = RAGD_STAGE_PROMPT; s <= RAGD_STAGE_RESPONSE; s++)
		if (ops->stages & 1u << s)
			json_array_append_new(array, json_string(stage_name((enum ragd_stage)s)));
	return array;
}

static json_t *policy_json(const struct generation *gen, const struct config_policy *policy,
			   const struct ragd_caller *caller)
{
	json_t *list = json_array();
	struct filters filters;
	size_t holdback;

	if (filters_init(&filters, policy, gen->plugins, NULL) < 0)
		filters.n = 0;
	for (size_t i = 0; i < filters.n; i++) {
		const struct plugin *p = filters.plugin[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o}", "plugin", p->name,
				  "module", p->descriptor->name, "version", p->descriptor->version,
				  "summary", p->descriptor->summary, "stages",
				  stages_json(p->descriptor->ops.safety), "on_failure",
				  p->on_failure == CONFIG_OPEN ? "open" : "closed", "options",
				  options_json(p, caller)));
	}
	holdback = filters_holdback(&filters);
	return json_pack("{s:s, s:o, s:o, s:s}", "name", policy->name, "filters", list,
			 "holdback_bytes",
			 holdback == SIZE_MAX ? json_null() : json_integer((json_int_t)holdback),
			 "viewpoints", policy->viewpoints);
}

void api_system_card(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	static const char notice[] = "Answers are put together by a machine (AI) from the "
				     "documents it was given. They can be "
				     "incomplete or wrong: check the sources they name.";
	static const char texts[] =
		"Of each answer its decisions, sources and times are recorded, not its text. "
		"Questions "
		"and answers stay in memory for a while and are stored only when their owner rates "
		"them.";
	struct ragd *d = ctx;
	const struct config *cfg;
	json_t *assistants, *policies;

	if (!api_started(x, d))
		return;
	cfg = d->current->cfg;
	assistants = json_array();
	policies = json_array();
	for (size_t i = 0; i < cfg->n_assistants; i++)
		json_array_append_new(assistants, assistant_json(d->current, &cfg->assistants[i]));
	for (size_t i = 0; i < cfg->n_policies; i++)
		json_array_append_new(policies,
				      policy_json(d->current, &cfg->policies[i], req->caller));
	http_reply_json(x, 200,
			json_pack("{s:s, s:s, s:b, s:s, s:o, s:o, s:{s:s, s:I}, s:s}", "system",
				  "ragd", "version", PACKAGE_VERSION, "ai", 1, "notice", notice,
				  "assistants", assistants, "policies", policies, "stored", "texts",
				  texts, "keep_answers_s",
				  (json_int_t)(cfg->keep_answers_ms / 1000), "feedback",
				  "POST /v1/feedback, or: rag feedback"));
}

/* ---- reload ------------------------------------------------------------------------------------- */

/* The client may leave while plugins open: the reload goes on, its reply is dropped. */
struct reload_reply {
	struct ragd *d;
	struct http_exchange *x; /* NULL once the client is gone */
};

static void reload_gone_cb(struct http_exchange *x, void *arg)
{
	struct reload_reply *r = arg;

	(void)x;
	r->x = NULL;
}

static void reload_done_cb(const struct ragd_err *err, void *arg)
{
	struct reload_reply *r = arg;

	if (r->x != NULL && err != NULL)
		http_reply_error(r->x, 422, "unprocessable", NULL,
				 "%s; the configuration that was running goes on", err->msg);
	else if (r->x != NULL)
		http_reply_json(r->x, 200,
				json_pack("{s:s, s:i}", "status", "reloaded", "generation",
					  (int)r->d->current->number));
	free(r);
}

void api_reload(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct reload_reply *r = calloc(1, sizeof(*r));
	struct ragd_err err = { 0 };

	(void)req;
	if (r == NULL) {
		http_reply_error(x, 503, "unavailable", NULL,
				 "out of memory; try again in a moment");
		return;
	}
	r->d = ctx;
	r->x = x;
	if (ragd_reload(ctx, reload_done_cb, r, &err) < 0) {
		http_header(x, "Retry-After", "1");
		http_reply_error(x, 503, "unavailable", NULL, "%s", err.msg);
		free(r);
		return;
	}
	http_on_gone(x, reload_gone_cb, r);
}
