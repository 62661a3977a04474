/* What the parts of `rag doctor` share: findings, one a line. */
#ifndef RAG_CHECKS_H
#define RAG_CHECKS_H

#include <jansson.h>

#include "clients/rag/rag.h"

struct checks {
	struct rag *r;
	struct ragd_client *c;
	json_t *found; /* [{"check","state","text"}] */
	unsigned n_bad;
};

/* STYLE_GOOD, STYLE_WARN (worth knowing) or STYLE_BAD (why it does not work), and a sentence. */
void checks_add(struct checks *x, enum style state, const char *check, const char *fmt, ...)
	RAGD_PRINTF(4, 5);

/* checks_models.c: which model answers for each assistant, and what stands in its way. */
void checks_models(struct checks *x);

#endif
