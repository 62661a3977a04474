/*
 * Arguments and results of every plugin operation as bytes. Each function works in both directions:
 * it writes what its pointer shows, or reads into it, with memory from wire.alloc; so that the two
 * can never disagree. Nothing here knows of pointers that both sides share, and so proves that none
 * are needed.
 */
#ifndef TESTS_PLUGINS_WIRE_H
#define TESTS_PLUGINS_WIRE_H

#include <ragd/plugin.h>

#include "base/buf.h"

struct wire {
	bool reading;
	bool bad; /* reading: the bytes ended early, or there was no memory */
	struct buf out;
	const char *in;
	size_t len;
	size_t at;
	void *(*alloc)(void *arg, size_t n, size_t size); /* reading: zeroed memory */
	void *arg;
};

void wire_raw(struct wire *w, void *p, size_t size);
/* A number, a bool, an enum. */
#define WIRE(w, field) wire_raw(w, &(field), sizeof(field))

void wire_str(struct wire *w, struct ragd_str *s);
void wire_name(struct wire *w, const char **s); /* may be NULL */
void wire_strs(struct wire *w, const struct ragd_str **v, size_t *n);
void wire_names(struct wire *w, const char *const **v, size_t *n);
void wire_floats(struct wire *w, const float **v, size_t n);
void wire_err(struct wire *w, struct ragd_err *err);
void wire_caller(struct wire *w, struct ragd_caller *c);

void wire_card(struct wire *w, struct ragd_card *c);
void wire_embed(struct wire *w, struct ragd_embed *e);
void wire_embeddings(struct wire *w, struct ragd_embeddings *v, size_t n); /* of n texts */
void wire_embed_card(struct wire *w, struct ragd_embed_card *c);
void wire_generate(struct wire *w, struct ragd_generate *g);

void wire_collection(struct wire *w, struct ragd_collection *c);
void wire_collections(struct wire *w, const struct ragd_collection **v, size_t *n);
void wire_documents(struct wire *w, const struct ragd_document **v, size_t *n);
void wire_put_results(struct wire *w, struct ragd_put_result *v, size_t n);
void wire_info(struct wire *w, struct ragd_document_info *info);
void wire_infos(struct wire *w, const struct ragd_document_info **v, size_t *n);
void wire_query(struct wire *w, struct ragd_query *q);
void wire_hits(struct wire *w, const struct ragd_hit **v, size_t *n);

void wire_screen(struct wire *w, struct ragd_screen *s);
void wire_verdict(struct wire *w, struct ragd_verdict *v);
void wire_release(struct wire *w, struct ragd_release *r);

#endif
