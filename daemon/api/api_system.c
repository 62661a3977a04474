/*
 * What runs here: health, metrics, assistants, plugins, the system
 * card, and the reload of it all.
 */
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

#define REPLY_MEMORY ((size_t)16 << 20) /* of the structs that a reply is written from */

static void reply_buf(struct http_exchange *x, int status, struct buf *out)
{
	if (buf_failed(out))
		http_reply_error(x, 503, "unavailable", NULL, "out of memory for the reply");
	else
		http_reply(x, status, "application/json", out->data, out->len);
	buf_fini(out);
}

static void api_healthz(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	static const char *const words[] = { "starting", "ok", "draining" };
	const struct ragd *d = ctx;
	struct buf out = BUF_INIT;

	(void)req;
	codec_health(&out, words[d->state]);
	reply_buf(x, d->state == RAGD_READY ? 200 : 503, &out);
}

static void api_metrics(struct http_exchange *x, const struct http_request *req, void *ctx)
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

/* ---- assistants ---------------------------------------------------------------------------- */

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

static struct codec_model model_of_encoder(const struct ragd *d, const struct plugin *p)
{
	return (struct codec_model){
		.name = p->name,
		.description = "Turns texts into vectors, for /v1/embeddings; it writes no text",
		.created_s = started_s(d),
	};
}

static void api_models(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct ragd *d = ctx;
	const struct plugin_set *set;
	const struct config *cfg;
	struct codec_model *models;
	struct buf out = BUF_INIT;
	size_t n = 0;

	(void)req;
	if (!api_started(x, d))
		return;
	cfg = d->current->cfg;
	set = d->current->plugins;
	models = calloc(cfg->n_assistants + plugin_set_count(set) + 1, sizeof(*models));
	for (size_t i = 0; models != NULL && i < cfg->n_assistants; i++)
		models[n++] = model_of(d, &cfg->assistants[i]);
	for (size_t i = 0; models != NULL && i < plugin_set_count(set); i++) {
		const struct plugin *p = plugin_set_encoder(set, plugin_set_at(set, i)->name);

		/* Under an assistant's name it is the assistant. */
		if (p != NULL && config_assistant(cfg, p->name) == NULL)
			models[n++] = model_of_encoder(d, p);
	}
	if (models != NULL)
		codec_models(&out, models, n);
	else
		out.failed = true;
	free(models);
	reply_buf(x, 200, &out);
}

static void api_model(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct ragd *d = ctx;
	char name[128];
	const struct config_assistant *a;
	const struct plugin *p;
	struct codec_model model;
	struct buf out = BUF_INIT;

	if (!api_started(x, d))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)MIN(req->param[0].len, sizeof(name) - 1),
		 req->param[0].s);
	a = config_assistant(d->current->cfg, name);
	p = plugin_set_encoder(d->current->plugins, name);
	if (a == NULL && p == NULL) {
		http_reply_error(x, 404, "unknown_model", NULL,
				 "there is no assistant or encoder '%s'; /v1/models lists them",
				 name);
		return;
	}
	model = a != NULL ? model_of(d, a) : model_of_encoder(d, p);
	codec_model(&out, &model);
	reply_buf(x, 200, &out);
}

/* ---- status -------------------------------------------------------------------------------- */

static struct codec_process process_of(const struct ragd *d)
{
	return (struct codec_process){
		.version = PACKAGE_VERSION,
		.pid = getpid(),
		.state = d->current == NULL       ? "starting"
			 : d->state == RAGD_READY ? "ready"
						  : "draining",
		.uptime_s = (double)(clock_us() - d->started_us) / 1e6,
	};
}

/* Nothing but what there is yet: models may take their time, and people want to know how long. */
static void status_while_starting(struct http_exchange *x, const struct ragd *d)
{
	struct codec_process process = process_of(d);
	struct buf out = BUF_INIT;
	char opening[256];

	codec_status_starting(&out, &process,
			      plugin_progress(opening, sizeof(opening)) ? opening : NULL);
	reply_buf(x, 200, &out);
}

/* Of what the caller may read. */
static struct codec_retrieval retrieval_of(const struct plugin *p, const struct ragd_caller *caller)
{
	struct codec_retrieval out = { .plugin = p->name,
				       .with_bytes = caller->admin,
				       .stats.size = sizeof(out.stats) };

	p->descriptor->ops.retrieval->stats(p->self, caller, &out.stats);
	validate_stats(p->name, &out.stats);
	return out;
}

static struct codec_load load_of(const struct ragd *d)
{
	struct http_stats http;

	http_server_stats(d->http, &http);
	return (struct codec_load){
		.configuration = d->current->cfg->path,
		.n_answers = metrics_answers(d->metrics),
		.n_active = flow_table_count(d->flows),
		.n_connections = http.n_connections,
		.n_requests = http.n_requests,
	};
}

/* The lists of a status, in the arena; false when out of memory. */
static bool status_fill(struct arena *a, const struct ragd *d, const struct ragd_caller *caller,
			struct codec_status *out)
{
	const struct config *cfg = d->current->cfg;
	const struct plugin_set *set = d->current->plugins;
	size_t n_plugins = plugin_set_count(set);
	const char **assistants = arena_alloc(a, cfg->n_assistants + 1, sizeof(*assistants));
	const char **plugins = arena_alloc(a, n_plugins + 1, sizeof(*plugins));
	struct codec_retrieval *retrieval = arena_alloc(a, n_plugins, sizeof(*retrieval));

	if (assistants == NULL || plugins == NULL || retrieval == NULL)
		return false;
	for (size_t i = 0; i < cfg->n_assistants; i++)
		assistants[i] = cfg->assistants[i].name;
	for (size_t i = 0; i < n_plugins; i++) {
		const struct plugin *p = plugin_set_at(set, i);

		plugins[i] = p->name;
		if (p->descriptor->kind == RAGD_KIND_RETRIEVAL)
			retrieval[out->n_retrieval++] = retrieval_of(p, caller);
	}
	out->assistants = assistants;
	out->plugins = plugins;
	out->retrieval = retrieval;
	return true;
}

static void api_status_get(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct ragd *d = ctx;
	struct arena *a;
	struct codec_status status = { .process = process_of(d) };
	struct codec_load load;
	struct buf out = BUF_INIT;

	if (d->current == NULL) {
		status_while_starting(x, d);
		return;
	}
	status.generation = d->current->number;
	if (req->caller->admin) {
		load = load_of(d);
		status.load = &load;
	}
	a = arena_new(REPLY_MEMORY);
	if (a != NULL && status_fill(a, d, req->caller, &status))
		codec_status(&out, &status);
	else
		out.failed = true;
	reply_buf(x, 200, &out);
	arena_free(a);
}

/* ---- plugins ------------------------------------------------------------------------------- */

static struct codec_options options_of(const struct plugin *p, const struct ragd_caller *caller)
{
	return (struct codec_options){
		.rows = p->descriptor->options,
		.values = p->options.values,
		.n = p->options.n,
		.all = caller->admin,
	};
}

static void api_plugins(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct ragd *d = ctx;
	struct codec_plugin *list;
	struct buf out = BUF_INIT;
	size_t n;

	if (!api_started(x, d))
		return;
	n = plugin_set_count(d->current->plugins);
	list = calloc(n + 1, sizeof(*list));
	for (size_t i = 0; list != NULL && i < n; i++) {
		const struct plugin *p = plugin_set_at(d->current->plugins, i);

		list[i] = (struct codec_plugin){ .name = p->name,
						 .descriptor = p->descriptor,
						 .deadline_ms = p->deadline_ms,
						 .options = options_of(p, req->caller) };
	}
	if (list != NULL)
		codec_plugins(&out, list, n);
	else
		out.failed = true;
	reply_buf(x, 200, &out);
	free(list);
}

/* ---- the system card ----------------------------------------------------------------------- */

static struct codec_assistant assistant_of(const struct generation *gen,
					   const struct config_assistant *a)
{
	const struct plugin *p = plugin_set_find(gen->plugins, RAGD_KIND_INFERENCE, a->inference);
	struct codec_assistant out = {
		.name = a->name,
		.description = a->description,
		.grounded = a->grounded,
		.policy = a->policy,
		.retrieval = a->retrieval,
		.collections = a->collections,
		.system_prompt = a->system_prompt,
	};

	if (p == NULL)
		return out;
	out.inference = p->name;
	out.model.size = sizeof(out.model);
	p->descriptor->ops.inference->card(p->self, &out.model);
	validate_card(p->name, &out.model);
	return out;
}

static bool policy_fill(struct arena *a, const struct generation *gen,
			const struct config_policy *policy, const struct ragd_caller *caller,
			struct codec_policy *out)
{
	struct codec_filter *list;
	struct filters filters;

	if (filters_init(&filters, policy, gen->plugins, NULL) < 0)
		filters.n = 0;
	list = arena_alloc(a, filters.n, sizeof(*list));
	if (list == NULL)
		return false;
	for (size_t i = 0; i < filters.n; i++) {
		const struct plugin *p = filters.plugin[i];

		list[i] = (struct codec_filter){ .name = p->name,
						 .descriptor = p->descriptor,
						 .fails_open = p->on_failure == CONFIG_OPEN,
						 .options = options_of(p, caller) };
	}
	*out = (struct codec_policy){ .name = policy->name,
				      .filters = list,
				      .n_filters = filters.n,
				      .holdback = filters_holdback(&filters),
				      .viewpoints = policy->viewpoints };
	return true;
}

/* The lists of a card, in the arena; false when out of memory. */
static bool card_fill(struct arena *a, const struct generation *gen,
		      const struct ragd_caller *caller, struct codec_system_card *out)
{
	const struct config *cfg = gen->cfg;
	struct codec_assistant *assistants = arena_alloc(a, cfg->n_assistants, sizeof(*assistants));
	struct codec_policy *policies = arena_alloc(a, cfg->n_policies, sizeof(*policies));

	if (assistants == NULL || policies == NULL)
		return false;
	for (size_t i = 0; i < cfg->n_assistants; i++)
		assistants[i] = assistant_of(gen, &cfg->assistants[i]);
	for (size_t i = 0; i < cfg->n_policies; i++)
		if (!policy_fill(a, gen, &cfg->policies[i], caller, &policies[i]))
			return false;
	*out = (struct codec_system_card){ .version = PACKAGE_VERSION,
					   .assistants = assistants,
					   .n_assistants = cfg->n_assistants,
					   .policies = policies,
					   .n_policies = cfg->n_policies,
					   .keep_answers_s = cfg->keep_answers_ms / 1000 };
	return true;
}

static void api_system_card(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct ragd *d = ctx;
	struct arena *a;
	struct codec_system_card card;
	struct buf out = BUF_INIT;

	if (!api_started(x, d))
		return;
	a = arena_new(REPLY_MEMORY);
	if (a != NULL && card_fill(a, d->current, req->caller, &card))
		codec_system_card(&out, &card);
	else
		out.failed = true;
	reply_buf(x, 200, &out);
	arena_free(a);
}

/* ---- reload -------------------------------------------------------------------------------- */

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
	struct buf out = BUF_INIT;

	if (r->x != NULL && err != NULL) {
		http_reply_error(r->x, 422, "unprocessable", NULL,
				 "%s; the old configuration stays in use", err->msg);
	} else if (r->x != NULL) {
		codec_reloaded(&out, r->d->current->number);
		reply_buf(r->x, 200, &out);
	}
	free(r);
}

static void api_reload(struct http_exchange *x, const struct http_request *req, void *ctx)
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

const struct http_route api_system_routes[] = {
	{ "GET", "/v1/models", 0, api_models, NULL },
	{ "GET", "/v1/models/{}", 0, api_model, NULL },
	{ "GET", "/v1/system-card", 0, api_system_card, NULL },
	{ "GET", "/v1/status", 0, api_status_get, NULL },
	{ "GET", "/v1/plugins", 0, api_plugins, NULL },
	{ "POST", "/v1/admin/reload", ADMIN, api_reload, NULL },
	{ "GET", "/healthz", ALWAYS, api_healthz, NULL },
	{ "GET", "/metrics", ALWAYS | ADMIN, api_metrics, NULL },
	{ 0 },
};
