/* Replies on what runs here: health, status, plugins, the system card. */
#include "ipc/codec/codec.h"

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
