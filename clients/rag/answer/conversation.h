/* What was said in a conversation, as far back as a request may carry. */
#ifndef RAG_CONVERSATION_H
#define RAG_CONVERSATION_H

#include <stddef.h>

#include <ragd/client.h>

/* The daemon takes 64 KiB of messages; this leaves room for the next question. */
#define CONVERSATION_BYTES_MAX ((size_t)40 << 10)
#define CONVERSATION_TURNS_MAX 40

struct conversation {
	struct ragd_turn turns[CONVERSATION_TURNS_MAX]; /* question, answer, question, … */
	size_t n;
	size_t bytes;
};

/* Copies both; the oldest are forgotten beyond either limit. */
void conversation_add(struct conversation *t, const char *question, const char *answer);
const struct ragd_turn *conversation_turns(const struct conversation *t, size_t *n);
/* Forgets all; t may be used again. */
void conversation_fini(struct conversation *t);

#endif
