/* Replies on what runs here: health, status, plugins, the system card. */
#include "ipc/codec/codec.h"

#include "base/abi_words.h"
#include "base/json_writer.h"
#include "base/util.h"

/* All the digits of a double. */
#define DOUBLE_DIGITS 17

void codec_health(struct buf *b, const char *status)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "status", status);
	jsonw_object_end(&w);
}

void codec_reloaded(struct buf *b, unsigned generation)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "status", "reloaded");
	jsonw_member_uint(&w, "generation", generation);
	jsonw_object_end(&w);
}

/* ---- status --------------------------------------------------------------------------------- */

/* A list of names that NULL ends. */
static void names_write(struct json_writer *w, const char *const *names)
{
	jsonw_array_begin(w);
	for (; *names != NULL; names++)
		jsonw_cstr(w, *names);
	jsonw_array_end(w);
}

static void process_write(struct json_writer *w, const struct codec_process *p)
{
	jsonw_member_cstr(w, "version", p->version);
	jsonw_member_int(w, "pid", p->pid);
	jsonw_member_cstr(w, "state", p->state);
	jsonw_member_double(w, "uptime_s", p->uptime_s, DOUBLE_DIGITS);
}

void codec_status_starting(struct buf *b, const struct codec_process *p, const char *opening)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	process_write(&w, p);
	if (opening != NULL)
		jsonw_member_cstr(&w, "opening", opening);
	jsonw_object_end(&w);
}

static void retrieval_write(struct json_writer *w, const struct codec_retrieval *r)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "plugin", r->plugin);
	jsonw_member_uint(w, "collections", r->stats.n_collections);
	jsonw_member_uint(w, "documents", r->stats.n_documents);
	jsonw_member_uint(w, "passages", r->stats.n_passages);
	jsonw_member_uint(w, "vectors", r->stats.n_vectors);
	jsonw_member_uint(w, "dim", r->stats.dim);
	if (r->stats.encoder[0] != '\0') {
		jsonw_member_cstr(w, "embedder", r->stats.encoder);
		jsonw_member_uint(w, "waiting", r->stats.n_waiting);
		jsonw_member_uint(w, "waiting_s", r->stats.waiting_s);
		jsonw_member_uint(w, "foreign", r->stats.n_foreign);
	}
	if (r->stats.trouble[0] != '\0')
		jsonw_member_cstr(w, "trouble", r->stats.trouble);
	if (r->with_bytes)
		jsonw_member_uint(w, "bytes", r->stats.n_bytes);
	jsonw_object_end(w);
}

static void load_write(struct json_writer *w, const struct codec_load *l)
{
	jsonw_member_cstr(w, "configuration", l->configuration);
	jsonw_member_object_begin(w, "answers");
	jsonw_member_uint(w, "total", l->n_answers);
	jsonw_member_uint(w, "active", l->n_active);
	jsonw_object_end(w);
	jsonw_member_uint(w, "connections", l->n_connections);
	jsonw_member_uint(w, "requests", l->n_requests);
}

void codec_status(struct buf *b, const struct codec_status *s)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	process_write(&w, &s->process);
	jsonw_member_uint(&w, "generation", s->generation);
	jsonw_key(&w, "assistants");
	names_write(&w, s->assistants);
	jsonw_key(&w, "plugins");
	names_write(&w, s->plugins);
	jsonw_member_array_begin(&w, "retrieval");
	for (size_t i = 0; i < s->n_retrieval; i++)
		retrieval_write(&w, &s->retrieval[i]);
	jsonw_array_end(&w);
	if (s->load != NULL)
		load_write(&w, s->load);
	jsonw_object_end(&w);
}

/* ---- plugins -------------------------------------------------------------------------------- */

static void option_write(struct json_writer *w, const struct ragd_option *row,
			 const struct ragd_value *v)
{
	bool is_text = row->type == RAGD_OPT_STRING || row->type == RAGD_OPT_PATH ||
		       row->type == RAGD_OPT_CHOICE || row->type == RAGD_OPT_PLUGIN;

	if (is_text && v->s == NULL)
		return;
	jsonw_key_str(w, row->name);
	switch (row->type) {
	case RAGD_OPT_BOOL:
		jsonw_bool(w, v->b);
		break;
	case RAGD_OPT_INT:
	case RAGD_OPT_SIZE:
	case RAGD_OPT_DURATION:
		jsonw_int(w, v->i);
		break;
	case RAGD_OPT_FLOAT:
		jsonw_double(w, v->f, DOUBLE_DIGITS);
		break;
	case RAGD_OPT_LIST:
		names_write(w, v->list);
		break;
	default:
		jsonw_cstr(w, v->s);
		break;
	}
}

static void options_write(struct json_writer *w, const struct codec_options *o)
{
	jsonw_member_object_begin(w, "options");
	for (size_t i = 0; o->rows != NULL && o->rows[i].name != NULL && i < o->n; i++)
		if (o->rows[i].everyone || o->all)
			option_write(w, &o->rows[i], &o->values[i]);
	jsonw_object_end(w);
}

static void plugin_write(struct json_writer *w, const struct codec_plugin *p)
{
	const struct ragd_plugin *d = p->descriptor;

	jsonw_object_begin(w);
	jsonw_member_cstr(w, "name", p->name);
	jsonw_member_cstr(w, "module", d->name);
	jsonw_member_cstr(w, "kind", abi_kind_name(d->kind));
	jsonw_member_cstr(w, "version", d->version);
	jsonw_member_cstr(w, "licence", d->licence);
	jsonw_member_cstr(w, "summary", d->summary);
	jsonw_member_uint(w, "abi", d->abi);
	jsonw_member_int(w, "deadline_ms", p->deadline_ms);
	options_write(w, &p->options);
	jsonw_object_end(w);
}

void codec_plugins(struct buf *b, const struct codec_plugin *p, size_t n)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "object", "list");
	jsonw_member_array_begin(&w, "data");
	for (size_t i = 0; i < n; i++)
		plugin_write(&w, &p[i]);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
}

/* ---- the system card ------------------------------------------------------------------------ */

static void model_card_write(struct json_writer *w, const char *plugin, const struct ragd_card *c)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "plugin", plugin);
	jsonw_member_cstr(w, "name", c->name);
	jsonw_member_cstr(w, "family", c->family);
	jsonw_member_uint(w, "parameters", c->n_parameters);
	jsonw_member_cstr(w, "quantisation", c->quantisation);
	jsonw_member_uint(w, "context", c->n_context);
	jsonw_member_cstr(w, "licence", c->licence);
	jsonw_member_cstr(w, "digest", c->digest);
	jsonw_member_cstr(w, "summary", c->summary);
	jsonw_object_end(w);
}

static void assistant_write(struct json_writer *w, const struct codec_assistant *a)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "name", a->name);
	jsonw_member_cstr(w, "description", a->description);
	jsonw_member_bool(w, "grounded", a->grounded);
	jsonw_member_cstr(w, "policy", a->policy);
	jsonw_member_cstr(w, "retrieval", a->retrieval);
	jsonw_key(w, "collections");
	names_write(w, a->collections);
	jsonw_member_cstr(w, "system_prompt", a->system_prompt);
	jsonw_key(w, "model");
	if (a->inference != NULL)
		model_card_write(w, a->inference, &a->model);
	else
		jsonw_null(w);
	jsonw_object_end(w);
}

static void filter_write(struct json_writer *w, const struct codec_filter *f)
{
	const struct ragd_plugin *d = f->descriptor;

	jsonw_object_begin(w);
	jsonw_member_cstr(w, "plugin", f->name);
	jsonw_member_cstr(w, "module", d->name);
	jsonw_member_cstr(w, "version", d->version);
	jsonw_member_cstr(w, "summary", d->summary);
	jsonw_member_array_begin(w, "stages");
	for (int s = RAGD_STAGE_PROMPT; s <= RAGD_STAGE_RESPONSE; s++)
		if (d->ops.safety->stages & 1u << s)
			jsonw_cstr(w, abi_stage_name((enum ragd_stage)s));
	jsonw_array_end(w);
	jsonw_member_cstr(w, "on_failure", f->fails_open ? "open" : "closed");
	options_write(w, &f->options);
	jsonw_object_end(w);
}

static void policy_write(struct json_writer *w, const struct codec_policy *p)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "name", p->name);
	jsonw_member_array_begin(w, "filters");
	for (size_t i = 0; i < p->n_filters; i++)
		filter_write(w, &p->filters[i]);
	jsonw_array_end(w);
	jsonw_key(w, "holdback_bytes");
	if (p->holdback == SIZE_MAX)
		jsonw_null(w);
	else
		jsonw_uint(w, p->holdback);
	jsonw_member_cstr(w, "viewpoints", p->viewpoints);
	jsonw_object_end(w);
}

void codec_system_card(struct buf *b, const struct codec_system_card *c)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "system", "ragd");
	jsonw_member_cstr(&w, "version", c->version);
	jsonw_member_bool(&w, "ai", true);
	jsonw_member_cstr(&w, "notice",
			  "Answers are put together by a machine (AI) from the documents it was "
			  "given. They can be incomplete or wrong: check the sources they name.");
	jsonw_member_array_begin(&w, "assistants");
	for (size_t i = 0; i < c->n_assistants; i++)
		assistant_write(&w, &c->assistants[i]);
	jsonw_array_end(&w);
	jsonw_member_array_begin(&w, "policies");
	for (size_t i = 0; i < c->n_policies; i++)
		policy_write(&w, &c->policies[i]);
	jsonw_array_end(&w);
	jsonw_member_object_begin(&w, "stored");
	jsonw_member_cstr(&w, "texts",
			  "Of each answer its decisions, sources and times are recorded, not its "
			  "text. Questions and answers stay in memory for a while and are stored "
			  "only when their owner rates them.");
	jsonw_member_int(&w, "keep_answers_s", c->keep_answers_s);
	jsonw_object_end(&w);
	jsonw_member_cstr(&w, "feedback", "POST /v1/feedback, or: rag feedback");
	jsonw_object_end(&w);
}
