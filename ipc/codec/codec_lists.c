/* Replies other than answers. */
#include "ipc/codec/codec.h"

#include "base/util.h"
#include "ipc/codec/json_write.h"

#define LIT(b, literal) buf_add((b), (literal), sizeof(literal) - 1)

const char *codec_action(enum ragd_action action)
{
	static const char *const name[] = {
		[RAGD_ALLOW] = "allow",
		[RAGD_STEER] = "steer",
		[RAGD_REDACT] = "redact",
		[RAGD_BLOCK] = "block",
	};

	/* What is not known is told as the strongest. */
	return (unsigned)action < ARRAY_LEN(name) ? name[action] : "block";
}

static void error_object(struct buf *b, int status, const char *code, const char *param,
			 const char *message)
{
	LIT(b, "{\"code\":");
	json_write_cstr(b, code);
	LIT(b, ",\"type\":");
	json_write_cstr(b, status < 500 ? "invalid_request_error" : "server_error");
	LIT(b, ",\"message\":");
	json_write_cstr(b, message);
	LIT(b, ",\"param\":");
	json_write_cstr(b, param);
	buf_addc(b, '}');
}

void codec_error(struct buf *b, int status, const char *code, const char *param,
		 const char *message)
{
	LIT(b, "{\"error\":");
	error_object(b, status, code, param, message);
	buf_addc(b, '}');
}

/* ---- models, embeddings --------------------------------------------------------------------- */

void codec_model(struct buf *b, const struct codec_model *m)
{
	LIT(b, "{\"id\":");
	json_write_cstr(b, m->name);
	LIT(b, ",\"object\":\"model\",\"created\":");
	json_write_int(b, m->created_s);
	LIT(b, ",\"owned_by\":\"ragd\",\"description\":");
	json_write_cstr(b, m->description);
	buf_addc(b, '}');
}

void codec_models(struct buf *b, const struct codec_model *m, size_t n)
{
	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		codec_model(b, &m[i]);
	}
	LIT(b, "]}");
}

static void vector(struct buf *b, const float *v, uint32_t dim, bool base64)
{
	if (base64) {
		json_write_base64(b, v, dim * sizeof(*v)); /* little-endian, as all we run on is */
		return;
	}
	buf_addc(b, '[');
	for (uint32_t i = 0; i < dim; i++) {
		if (i > 0)
			buf_addc(b, ',');
		json_write_float(b, v[i]);
	}
	buf_addc(b, ']');
}

void codec_embeddings(struct buf *b, const char *model, const float *vectors, size_t n,
		      uint32_t dim, bool base64, const struct ragd_usage *usage)
{
	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		LIT(b, "{\"object\":\"embedding\",\"index\":");
		json_write_uint(b, i);
		LIT(b, ",\"embedding\":");
		vector(b, vectors + i * dim, dim, base64);
		buf_addc(b, '}');
	}
	LIT(b, "],\"model\":");
	json_write_cstr(b, model);
	LIT(b, ",\"usage\":{\"prompt_tokens\":");
	json_write_uint(b, usage->n_prompt);
	LIT(b, ",\"total_tokens\":");
	json_write_uint(b, (uint64_t)usage->n_prompt + usage->n_output);
	LIT(b, "}}");
}

/* ---- moderations ---------------------------------------------------------------------------- */

static void moderation(struct buf *b, const struct codec_moderation *m)
{
	LIT(b, "{\"flagged\":");
	json_write_bool(b, m->action != RAGD_ALLOW);
	LIT(b, ",\"categories\":{");
	for (size_t i = 0; i < m->n_categories; i++) {
		if (i > 0)
			buf_addc(b, ',');
		json_write_cstr(b, m->categories[i].name);
		buf_addc(b, ':');
		json_write_bool(b, m->categories[i].flagged);
	}
	LIT(b, "},\"category_scores\":{");
	for (size_t i = 0; i < m->n_categories; i++) {
		if (i > 0)
			buf_addc(b, ',');
		json_write_cstr(b, m->categories[i].name);
		buf_addc(b, ':');
		json_write_score(b, m->categories[i].score);
	}
	LIT(b, "},\"ragd\":{\"action\":");
	json_write_cstr(b, codec_action(m->action));
	LIT(b, ",\"score\":");
	json_write_score(b, m->score);
	LIT(b, ",\"rules\":[");
	for (size_t i = 0; i < m->n_rules; i++) {
		if (i > 0)
			buf_addc(b, ',');
		json_write_cstr(b, m->rules[i]);
	}
	LIT(b, "],\"text\":");
	json_write_str(b, m->text);
	LIT(b, ",\"note\":");
	if (m->note.len > 0)
		json_write_str(b, m->note);
	else
		LIT(b, "null");
	LIT(b, "}}");
}

void codec_moderations(struct buf *b, const char *id, const char *model,
		       const struct codec_moderation *m, size_t n)
{
	LIT(b, "{\"id\":");
	json_write_cstr(b, id);
	LIT(b, ",\"model\":");
	json_write_cstr(b, model);
	LIT(b, ",\"results\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		moderation(b, &m[i]);
	}
	LIT(b, "]}");
}

/* ---- search --------------------------------------------------------------------------------- */

static void hit(struct buf *b, const struct ragd_hit *h)
{
	LIT(b, "{\"collection\":");
	json_write_cstr(b, h->collection);
	LIT(b, ",\"document\":");
	json_write_cstr(b, h->document);
	LIT(b, ",\"title\":");
	json_write_str(b, h->passage.title);
	LIT(b, ",\"heading\":");
	json_write_str(b, h->passage.heading);
	LIT(b, ",\"text\":");
	json_write_str(b, h->passage.text);
	LIT(b, ",\"start\":");
	json_write_uint(b, h->start);
	LIT(b, ",\"end\":");
	json_write_uint(b, h->end);
	LIT(b, ",\"score\":");
	json_write_score(b, h->passage.score);
	LIT(b, ",\"lexical\":");
	json_write_score(b, h->lexical);
	LIT(b, ",\"vector\":");
	json_write_score(b, h->vector);
	buf_addc(b, '}');
}

void codec_search(struct buf *b, const struct ragd_hit *hits, size_t n)
{
	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		hit(b, &hits[i]);
	}
	LIT(b, "]}");
}

/* ---- collections, documents ----------------------------------------------------------------- */

void codec_collection(struct buf *b, const struct codec_collection *c)
{
	LIT(b, "{\"name\":");
	json_write_cstr(b, c->c->name);
	LIT(b, ",\"owner\":");
	json_write_cstr(b, c->owner);
	LIT(b, ",\"group\":");
	json_write_cstr(b, c->group);
	buf_printf(b, ",\"mode\":\"%04o\",\"documents\":", (unsigned)c->c->mode);
	json_write_uint(b, c->c->n_documents);
	LIT(b, ",\"passages\":");
	json_write_uint(b, c->c->n_passages);
	LIT(b, ",\"bytes\":");
	json_write_uint(b, c->c->n_bytes);
	LIT(b, ",\"updated\":");
	json_write_int(b, c->c->updated_s);
	buf_addc(b, '}');
}

void codec_collections(struct buf *b, const struct codec_collection *c, size_t n)
{
	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		codec_collection(b, &c[i]);
	}
	LIT(b, "]}");
}

void codec_document(struct buf *b, const struct ragd_document_info *d)
{
	LIT(b, "{\"id\":");
	json_write_cstr(b, d->id);
	LIT(b, ",\"title\":");
	json_write_cstr(b, d->title);
	LIT(b, ",\"media_type\":");
	json_write_cstr(b, d->media_type);
	LIT(b, ",\"digest\":");
	json_write_cstr(b, d->digest);
	LIT(b, ",\"bytes\":");
	json_write_uint(b, d->n_bytes);
	LIT(b, ",\"passages\":");
	json_write_uint(b, d->n_passages);
	LIT(b, ",\"updated\":");
	json_write_int(b, d->updated_s);
	buf_addc(b, '}');
}

void codec_documents(struct buf *b, const struct ragd_document_info *d, size_t n, const char *next)
{
	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		codec_document(b, &d[i]);
	}
	LIT(b, "],\"next\":");
	json_write_cstr(b, next);
	buf_addc(b, '}');
}

/* ---- what became of documents --------------------------------------------------------------- */

static const char *const put_status[] = {
	[RAGD_PUT_ADDED] = "added",
	[RAGD_PUT_UPDATED] = "updated",
	[RAGD_PUT_UNCHANGED] = "unchanged",
	[RAGD_PUT_FAILED] = "failed",
};

/* What is not known has failed. */
static enum ragd_put_status put_known(enum ragd_put_status status)
{
	return (unsigned)status < ARRAY_LEN(put_status) ? status : RAGD_PUT_FAILED;
}

static void put_begin(struct buf *b, const struct codec_put *p)
{
	LIT(b, "{\"id\":");
	json_write_str(b, p->id);
	LIT(b, ",\"status\":");
	json_write_cstr(b, put_status[put_known(p->status)]);
	LIT(b, ",\"passages\":");
	json_write_uint(b, p->n_passages);
}

void codec_put(struct buf *b, const struct codec_put *p)
{
	put_begin(b, p);
	buf_addc(b, '}');
}

static void put_result(struct buf *b, const struct codec_put *p)
{
	put_begin(b, p);
	LIT(b, ",\"error\":");
	if (p->err != NULL) {
		error_object(b, p->err->status, p->err->code, codec_param(p->err), p->err->msg);
	} else {
		LIT(b, "null");
	}
	buf_addc(b, '}');
}

void codec_puts(struct buf *b, const struct codec_put *p, size_t n)
{
	uint64_t count[ARRAY_LEN(put_status)] = { 0 };

	for (size_t i = 0; i < n; i++)
		count[put_known(p[i].status)]++;
	buf_addc(b, '{');
	for (size_t i = 0; i < ARRAY_LEN(count); i++) {
		json_write_cstr(b, put_status[i]);
		buf_addc(b, ':');
		json_write_uint(b, count[i]);
		buf_addc(b, ',');
	}
	LIT(b, "\"results\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		put_result(b, &p[i]);
	}
	LIT(b, "]}");
}
