/* Replies other than answers. */
#include "ipc/codec/codec.h"

#include "base/abi_words.h"
#include "base/json_writer.h"
#include "base/util.h"

/* {"object":"list","data":[ … and whatever follows the list. */
static void list_begin(struct json_writer *w, struct buf *b)
{
	jsonw_init(w, b);
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "object", "list");
	jsonw_member_array_begin(w, "data");
}

static void list_end(struct json_writer *w)
{
	jsonw_array_end(w);
	jsonw_object_end(w);
}

static void error_write(struct json_writer *w, int status, const char *code, const char *param,
			const char *message)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "code", code);
	jsonw_member_cstr(w, "type", status < 500 ? "invalid_request_error" : "server_error");
	jsonw_member_cstr(w, "message", message);
	jsonw_member_cstr(w, "param", param);
	jsonw_object_end(w);
}

void codec_error(struct buf *b, int status, const char *code, const char *param,
		 const char *message)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_key(&w, "error");
	error_write(&w, status, code, param, message);
	jsonw_object_end(&w);
}

/* ---- models, embeddings --------------------------------------------------------------------- */

static void model_write(struct json_writer *w, const struct codec_model *m)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "id", m->name);
	jsonw_member_cstr(w, "object", "model");
	jsonw_member_int(w, "created", m->created_s);
	jsonw_member_cstr(w, "owned_by", "ragd");
	jsonw_member_cstr(w, "description", m->description);
	jsonw_object_end(w);
}

void codec_model(struct buf *b, const struct codec_model *m)
{
	struct json_writer w;

	jsonw_init(&w, b);
	model_write(&w, m);
}

void codec_models(struct buf *b, const struct codec_model *m, size_t n)
{
	struct json_writer w;

	list_begin(&w, b);
	for (size_t i = 0; i < n; i++)
		model_write(&w, &m[i]);
	list_end(&w);
}

static void vector_write(struct json_writer *w, const float *v, uint32_t dim, bool base64)
{
	if (base64) {
		jsonw_base64(w, v, dim * sizeof(*v)); /* little-endian, as all we run on is */
		return;
	}
	jsonw_array_begin(w);
	for (uint32_t i = 0; i < dim; i++)
		jsonw_float(w, v[i]);
	jsonw_array_end(w);
}

void codec_embeddings(struct buf *b, const char *model, const float *vectors, size_t n,
		      uint32_t dim, bool base64, const struct ragd_usage *usage)
{
	struct json_writer w;

	list_begin(&w, b);
	for (size_t i = 0; i < n; i++) {
		jsonw_object_begin(&w);
		jsonw_member_cstr(&w, "object", "embedding");
		jsonw_member_uint(&w, "index", i);
		jsonw_key(&w, "embedding");
		vector_write(&w, vectors + i * dim, dim, base64);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_member_cstr(&w, "model", model);
	jsonw_member_object_begin(&w, "usage");
	jsonw_member_uint(&w, "prompt_tokens", usage->n_prompt);
	jsonw_member_uint(&w, "total_tokens", (uint64_t)usage->n_prompt + usage->n_output);
	jsonw_object_end(&w);
	jsonw_object_end(&w);
}

/* ---- moderations ---------------------------------------------------------------------------- */

static void categories_write(struct json_writer *w, const struct codec_category *c, size_t n)
{
	jsonw_member_object_begin(w, "categories");
	for (size_t i = 0; i < n; i++) {
		jsonw_key_str(w, c[i].name);
		jsonw_bool(w, c[i].flagged);
	}
	jsonw_object_end(w);
	jsonw_member_object_begin(w, "category_scores");
	for (size_t i = 0; i < n; i++) {
		jsonw_key_str(w, c[i].name);
		jsonw_score(w, c[i].score);
	}
	jsonw_object_end(w);
}

static void moderation_write(struct json_writer *w, const struct codec_moderation *m)
{
	jsonw_object_begin(w);
	jsonw_member_bool(w, "flagged", m->action != RAGD_ALLOW);
	categories_write(w, m->categories, m->n_categories);
	jsonw_member_object_begin(w, "ragd");
	jsonw_member_cstr(w, "action", abi_action_name(m->action));
	jsonw_member_score(w, "score", m->score);
	jsonw_member_array_begin(w, "rules");
	for (size_t i = 0; i < m->n_rules; i++)
		jsonw_cstr(w, m->rules[i]);
	jsonw_array_end(w);
	jsonw_member_str(w, "text", m->text);
	jsonw_key(w, "note");
	if (m->note.len > 0)
		jsonw_str(w, m->note);
	else
		jsonw_null(w);
	jsonw_object_end(w);
	jsonw_object_end(w);
}

void codec_moderations(struct buf *b, const char *id, const char *model,
		       const struct codec_moderation *m, size_t n)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "id", id);
	jsonw_member_cstr(&w, "model", model);
	jsonw_member_array_begin(&w, "results");
	for (size_t i = 0; i < n; i++)
		moderation_write(&w, &m[i]);
	list_end(&w);
}

/* ---- search --------------------------------------------------------------------------------- */

static void hit_write(struct json_writer *w, const struct ragd_hit *h)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "collection", h->collection);
	jsonw_member_cstr(w, "document", h->document);
	jsonw_member_str(w, "title", h->passage.title);
	jsonw_member_str(w, "heading", h->passage.heading);
	jsonw_member_str(w, "text", h->passage.text);
	jsonw_member_uint(w, "start", h->start);
	jsonw_member_uint(w, "end", h->end);
	jsonw_member_score(w, "score", h->passage.score);
	jsonw_member_score(w, "lexical", h->lexical);
	jsonw_member_score(w, "vector", h->vector);
	jsonw_object_end(w);
}

void codec_search(struct buf *b, const struct ragd_hit *hits, size_t n)
{
	struct json_writer w;

	list_begin(&w, b);
	for (size_t i = 0; i < n; i++)
		hit_write(&w, &hits[i]);
	list_end(&w);
}

/* ---- collections, documents ----------------------------------------------------------------- */

static void collection_write(struct json_writer *w, const struct codec_collection *c)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "name", c->c->name);
	jsonw_member_cstr(w, "owner", c->owner);
	jsonw_member_cstr(w, "group", c->group);
	jsonw_key(w, "mode");
	jsonw_string_begin(w);
	buf_printf(w->out, "%04o", (unsigned)c->c->mode);
	jsonw_string_end(w);
	jsonw_member_uint(w, "documents", c->c->n_documents);
	jsonw_member_uint(w, "passages", c->c->n_passages);
	jsonw_member_uint(w, "bytes", c->c->n_bytes);
	jsonw_member_int(w, "updated", c->c->updated_s);
	jsonw_object_end(w);
}

void codec_collection(struct buf *b, const struct codec_collection *c)
{
	struct json_writer w;

	jsonw_init(&w, b);
	collection_write(&w, c);
}

void codec_collections(struct buf *b, const struct codec_collection *c, size_t n)
{
	struct json_writer w;

	list_begin(&w, b);
	for (size_t i = 0; i < n; i++)
		collection_write(&w, &c[i]);
	list_end(&w);
}

static void document_write(struct json_writer *w, const struct ragd_document_info *d)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "id", d->id);
	jsonw_member_cstr(w, "title", d->title);
	jsonw_member_cstr(w, "media_type", d->media_type);
	jsonw_member_cstr(w, "digest", d->digest);
	jsonw_member_uint(w, "bytes", d->n_bytes);
	jsonw_member_uint(w, "passages", d->n_passages);
	jsonw_member_int(w, "updated", d->updated_s);
	jsonw_object_end(w);
}

void codec_document(struct buf *b, const struct ragd_document_info *d)
{
	struct json_writer w;

	jsonw_init(&w, b);
	document_write(&w, d);
}

void codec_documents(struct buf *b, const struct ragd_document_info *d, size_t n, const char *next)
{
	struct json_writer w;

	list_begin(&w, b);
	for (size_t i = 0; i < n; i++)
		document_write(&w, &d[i]);
	jsonw_array_end(&w);
	jsonw_member_cstr(&w, "next", next);
	jsonw_object_end(&w);
}

/* ---- what became of documents --------------------------------------------------------------- */

static const char *const put_status[] = {
	[RAGD_PUT_ADDED] = "added",
	[RAGD_PUT_UPDATED] = "updated",
	[RAGD_PUT_UNCHANGED] = "unchanged",
	[RAGD_PUT_FAILED] = "failed",
};

/* A status that is not known counts as failed. */
static enum ragd_put_status status_known(enum ragd_put_status status)
{
	return (unsigned)status < ARRAY_LEN(put_status) ? status : RAGD_PUT_FAILED;
}

static void put_write(struct json_writer *w, const struct codec_put *p)
{
	jsonw_member_str(w, "id", p->id);
	jsonw_member_cstr(w, "status", put_status[status_known(p->status)]);
	jsonw_member_uint(w, "passages", p->n_passages);
}

void codec_put(struct buf *b, const struct codec_put *p)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	put_write(&w, p);
	jsonw_object_end(&w);
}

static void put_result_write(struct json_writer *w, const struct codec_put *p)
{
	jsonw_object_begin(w);
	put_write(w, p);
	jsonw_key(w, "error");
	if (p->err != NULL)
		error_write(w, p->err->status, p->err->code, codec_param(p->err), p->err->msg);
	else
		jsonw_null(w);
	jsonw_object_end(w);
}

void codec_puts(struct buf *b, const struct codec_put *p, size_t n)
{
	uint64_t count[ARRAY_LEN(put_status)] = { 0 };
	struct json_writer w;

	for (size_t i = 0; i < n; i++)
		count[status_known(p[i].status)]++;
	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	for (size_t i = 0; i < ARRAY_LEN(count); i++) {
		jsonw_key_str(&w, put_status[i]);
		jsonw_uint(&w, count[i]);
	}
	jsonw_member_array_begin(&w, "results");
	for (size_t i = 0; i < n; i++)
		put_result_write(&w, &p[i]);
	list_end(&w);
}

/* ---- removals, feedback ---------------------------------------------------------------------- */

void codec_reindexing(struct buf *b, const char *collection)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "collection", collection);
	jsonw_member_cstr(&w, "status", "reindexing");
	jsonw_object_end(&w);
}

void codec_removed(struct buf *b)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_bool(&w, "removed", true);
	jsonw_object_end(&w);
}

void codec_feedback_reply(struct buf *b, const char *id, const char *answer_id)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	jsonw_member_cstr(&w, "id", id);
	jsonw_member_cstr(&w, "answer_id", answer_id);
	jsonw_object_end(&w);
}
