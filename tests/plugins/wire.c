#include "tests/plugins/wire.h"

#include "base/util.h"

void wire_raw(struct wire *w, void *p, size_t size)
{
	if (!w->reading) {
		buf_add(&w->out, p, size);
	} else if (w->bad || size > w->len - w->at) {
		w->bad = true;
		memset(p, 0, size);
	} else {
		memcpy(p, w->in + w->at, size);
		w->at += size;
	}
}

/* Room for n things; NULL for none or when it is not to be had. */
static void *wire_room(struct wire *w, size_t n, size_t size)
{
	void *p;

	if (w->bad || n == 0)
		return NULL;
	p = n <= w->len ? w->alloc(w->arg, n, size) : NULL; /* everything takes a byte at least */
	if (p == NULL)
		w->bad = true;
	return p;
}

static void wire_bytes(struct wire *w, const char **s, size_t *len, size_t extra)
{
	char *p;

	WIRE(w, *len);
	if (!w->reading) {
		buf_add(&w->out, *s, *len);
		return;
	}
	if (w->bad || *len > w->len - w->at) {
		w->bad = true;
		return;
	}
	p = wire_room(w, *len + extra, 1);
	if (p != NULL)
		wire_raw(w, p, *len);
	*s = p;
}

void wire_str(struct wire *w, struct ragd_str *s)
{
	wire_bytes(w, &s->s, &s->len, 0); /* no NUL after it: nobody may count on one */
}

void wire_name(struct wire *w, const char **s)
{
	bool there = !w->reading && *s != NULL;
	size_t len = there ? strlen(*s) : 0;

	WIRE(w, there);
	if (there)
		wire_bytes(w, s, &len, 1);
	else
		*s = NULL;
}

/* The array at *v, [*n]: written ones are only looked at, so the const may go. */
#define WIRE_ARRAY(w, v, n)                                                                        \
	do {                                                                                       \
		WIRE(w, *(n));                                                                     \
		if ((w)->reading)                                                                  \
			*(v) = wire_room(w, *(n), sizeof(**(v)));                                  \
		if ((w)->bad)                                                                      \
			*(n) = 0;                                                                  \
	} while (0)

void wire_strs(struct wire *w, const struct ragd_str **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++)
		wire_str(w, (struct ragd_str *)&(*v)[i]);
}

void wire_names(struct wire *w, const char *const **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++)
		wire_name(w, (const char **)&(*v)[i]);
}

void wire_floats(struct wire *w, const float **v, size_t n)
{
	if (w->reading)
		*v = wire_room(w, n, sizeof(**v));
	for (size_t i = 0; i < n && !w->bad; i++)
		wire_raw(w, (float *)&(*v)[i], sizeof(**v));
}

void wire_err(struct wire *w, struct ragd_err *err)
{
	WIRE(w, err->code);
	wire_raw(w, err->msg, sizeof(err->msg));
}

void wire_caller(struct wire *w, struct ragd_caller *c)
{
	if (w->reading)
		c->size = sizeof(*c);
	WIRE(w, c->uid);
	WIRE(w, c->gid);
	WIRE(w, c->admin);
	WIRE_ARRAY(w, &c->groups, &c->n_groups);
	for (size_t i = 0; i < c->n_groups; i++)
		wire_raw(w, (gid_t *)&c->groups[i], sizeof(c->groups[i]));
}

/* ---- inference ----------------------------------------------------------------------------- */

void wire_card(struct wire *w, struct ragd_card *c)
{
	wire_name(w, &c->name);
	wire_name(w, &c->family);
	WIRE(w, c->n_parameters);
	wire_name(w, &c->quantisation);
	WIRE(w, c->n_context);
	wire_name(w, &c->licence);
	wire_name(w, &c->digest);
	wire_name(w, &c->summary);
	WIRE(w, c->abilities);
}

void wire_embed(struct wire *w, struct ragd_embed *e)
{
	WIRE(w, e->use);
	wire_strs(w, &e->texts, &e->n);
	WIRE(w, e->background);
}

static void wire_counts(struct wire *w, const uint32_t **v, size_t n)
{
	bool there = *v != NULL;

	WIRE(w, there);
	if (!there)
		return;
	if (w->reading)
		*v = wire_room(w, n, sizeof(**v));
	for (size_t i = 0; i < n && !w->bad; i++)
		wire_raw(w, (uint32_t *)&(*v)[i], sizeof(**v));
}

void wire_embeddings(struct wire *w, struct ragd_embeddings *v, size_t n)
{
	WIRE(w, v->dim);
	wire_floats(w, &v->values, n * v->dim);
	wire_counts(w, &v->n_tokens, n);
	wire_counts(w, &v->n_pieces, n);
}

void wire_embed_card(struct wire *w, struct ragd_embed_card *c)
{
	WIRE(w, c->dim);
	WIRE(w, c->n_context);
	WIRE(w, c->nested);
	wire_raw(w, c->stamp, sizeof(c->stamp));
}

static void wire_passage(struct wire *w, struct ragd_passage *p)
{
	wire_str(w, &p->title);
	wire_str(w, &p->heading);
	wire_str(w, &p->text);
	WIRE(w, p->score);
}

static void wire_passages(struct wire *w, const struct ragd_passage **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++)
		wire_passage(w, (struct ragd_passage *)&(*v)[i]);
}

static void wire_sampling(struct wire *w, struct ragd_sampling *s)
{
	if (w->reading)
		s->size = sizeof(*s);
	WIRE(w, s->max_tokens);
	WIRE(w, s->temperature);
	WIRE(w, s->top_p);
	WIRE(w, s->min_p);
	WIRE(w, s->top_k);
	WIRE(w, s->seed);
	wire_strs(w, &s->stop, &s->n_stop);
	WIRE(w, s->presence_penalty);
	WIRE(w, s->frequency_penalty);
	WIRE_ARRAY(w, &s->bias, &s->n_bias);
	for (size_t i = 0; i < s->n_bias; i++)
		WIRE(w, ((struct ragd_bias *)s->bias)[i]);
}

void wire_generate(struct wire *w, struct ragd_generate *g)
{
	size_t one = 1;

	g->size = sizeof(*g);
	WIRE_ARRAY(w, &g->messages, &g->n_messages);
	for (size_t i = 0; i < g->n_messages; i++) {
		struct ragd_message *m = (struct ragd_message *)&g->messages[i];

		WIRE(w, m->role);
		wire_str(w, &m->text);
	}
	wire_str(w, &g->question);
	wire_passages(w, &g->passages, &g->n_passages);
	WIRE(w, g->grounded);
	WIRE_ARRAY(w, &g->sampling, &one);
	wire_sampling(w, (struct ragd_sampling *)g->sampling);
}

/* ---- retrieval ----------------------------------------------------------------------------- */

void wire_collection(struct wire *w, struct ragd_collection *c)
{
	wire_name(w, &c->name);
	WIRE(w, c->owner);
	WIRE(w, c->group);
	WIRE(w, c->mode);
	WIRE(w, c->n_documents);
	WIRE(w, c->n_passages);
	WIRE(w, c->n_bytes);
	WIRE(w, c->updated_s);
}

void wire_collections(struct wire *w, const struct ragd_collection **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++)
		wire_collection(w, (struct ragd_collection *)&(*v)[i]);
}

void wire_documents(struct wire *w, const struct ragd_document **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++) {
		struct ragd_document *d = (struct ragd_document *)&(*v)[i];

		wire_str(w, &d->id);
		wire_str(w, &d->title);
		wire_str(w, &d->media_type);
		wire_str(w, &d->content);
		wire_strs(w, &d->tags, &d->n_tags);
	}
}

void wire_put_results(struct wire *w, struct ragd_put_result *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		WIRE(w, v[i].status);
		WIRE(w, v[i].n_passages);
		wire_err(w, &v[i].err);
	}
}

void wire_info(struct wire *w, struct ragd_document_info *info)
{
	wire_name(w, &info->id);
	wire_name(w, &info->title);
	wire_name(w, &info->media_type);
	wire_name(w, &info->digest);
	WIRE(w, info->n_bytes);
	WIRE(w, info->n_passages);
	WIRE(w, info->updated_s);
}

void wire_infos(struct wire *w, const struct ragd_document_info **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++)
		wire_info(w, (struct ragd_document_info *)&(*v)[i]);
}

void wire_query(struct wire *w, struct ragd_query *q)
{
	q->size = sizeof(*q);
	wire_str(w, &q->text);
	WIRE(w, q->k);
	wire_names(w, &q->collections, &q->n_collections);
	wire_strs(w, &q->tags, &q->n_tags);
	WIRE(w, q->per_document);
}

void wire_hits(struct wire *w, const struct ragd_hit **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++) {
		struct ragd_hit *h = (struct ragd_hit *)&(*v)[i];

		wire_name(w, &h->collection);
		wire_name(w, &h->document);
		wire_passage(w, &h->passage);
		WIRE(w, h->start);
		WIRE(w, h->end);
		WIRE_ARRAY(w, &h->runs, &h->n_runs);
		for (size_t k = 0; k < h->n_runs; k++)
			wire_raw(w, (struct ragd_run *)&h->runs[k], sizeof(h->runs[k]));
		WIRE(w, h->lexical);
		WIRE(w, h->vector);
	}
}

/* ---- safety -------------------------------------------------------------------------------- */

void wire_screen(struct wire *w, struct ragd_screen *s)
{
	if (w->reading)
		s->size = sizeof(*s);
	WIRE(w, s->stage);
	wire_str(w, &s->text);
	wire_str(w, &s->question);
	wire_passages(w, &s->passages, &s->n_passages);
	WIRE(w, s->grounded);
}

static void wire_findings(struct wire *w, const struct ragd_finding **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++) {
		struct ragd_finding *f = (struct ragd_finding *)&(*v)[i];

		WIRE(w, f->action);
		wire_name(w, &f->category);
		wire_name(w, &f->rule);
		WIRE(w, f->score);
		WIRE(w, f->start);
		WIRE(w, f->end);
	}
}

static void wire_cites(struct wire *w, const struct ragd_cite **v, size_t *n)
{
	WIRE_ARRAY(w, v, n);
	for (size_t i = 0; i < *n; i++) {
		struct ragd_cite *c = (struct ragd_cite *)&(*v)[i];

		WIRE(w, c->at);
		WIRE(w, c->passage);
		WIRE(w, c->start);
		WIRE(w, c->end);
		WIRE(w, c->score);
	}
}

void wire_verdict(struct wire *w, struct ragd_verdict *v)
{
	WIRE(w, v->action);
	wire_findings(w, &v->findings, &v->n_findings);
	wire_str(w, &v->text);
	wire_str(w, &v->note);
	wire_str(w, &v->message);
}

void wire_release(struct wire *w, struct ragd_release *r)
{
	WIRE(w, r->action);
	wire_str(w, &r->text);
	wire_findings(w, &r->findings, &r->n_findings);
	wire_cites(w, &r->cites, &r->n_cites);
	wire_str(w, &r->message);
}
