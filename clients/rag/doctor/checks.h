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

/* checks_daemon.c: who asks, where the sockets are and which of them is used. */
void checks_me(struct checks *x);
void checks_places(struct checks *x);
/* Sets x->c; false if there is no daemon to look at. */
bool checks_connect(struct checks *x);
/* False while it starts: models take their time, and there is nothing else to look at yet. */
bool checks_daemon(struct checks *x);
void checks_assistants(struct checks *x);
void checks_collections(struct checks *x);
/* What finds passages: words, and vectors if they are there. */
void checks_search(struct checks *x);
void checks_plugins(struct checks *x);

/* checks_models.c: which model answers for each assistant, and what stands in its way. */
void checks_models(struct checks *x);

#endif
