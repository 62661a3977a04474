/* What was said in a conversation, as far back as a request may carry. */
#ifndef RAG_CONVERSATION_H
#define RAG_CONVERSATION_H

#include <stddef.h>

#include <ragd/client.h>

/* The daemon takes 64 KiB of messages; this leaves room for the next question. */
#define TALK_BYTES_MAX ((size_t)40 << 10)
#define TALK_TURNS_MAX 40

struct talk {
	struct ragd_turn turns[TALK_TURNS_MAX]; /* question, answer, question, … */
	size_t n;
	size_t bytes;
};

/* Copies both; the oldest are forgotten beyond either limit. */
void talk_add(struct talk *t, const char *question, const char *answer);
const struct ragd_turn *talk_turns(const struct talk *t, size_t *n);
/* Forgets all; t may be used again. */
void talk_fini(struct talk *t);

#endif
