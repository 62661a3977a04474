/* What the parts of `rag doctor` share: findings, one a line. */
#ifndef RAG_CHECKS_H
#define RAG_CHECKS_H

#include <jansson.h>

#include "clients/rag/rag.h"

struct exam {
	struct rag *r;
	struct ragd_client *c;
	json_t *found; /* [{"check","state","text"}] */
	unsigned n_bad;
};

/* STYLE_GOOD, STYLE_WARN (worth knowing) or STYLE_BAD (why it does not work), and a sentence. */
void exam_finding(struct exam *x, enum style state, const char *check, const char *fmt, ...)
	RAGD_PRINTF(4, 5);

/* exam_models.c: which model answers for each assistant, and what stands in its way. */
void exam_models(struct exam *x);

#endif
