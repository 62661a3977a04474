#include "clients/rag/answer/conversation.h"

#include <stdlib.h>
#include <string.h>

/* The oldest question and its answer. */
static void conversation_forget(struct conversation *t)
{
	for (size_t i = 0; i < 2; i++) {
		t->bytes -= strlen(t->turns[i].text);
		free((char *)t->turns[i].text);
	}
	t->n -= 2;
	memmove(t->turns, t->turns + 2, t->n * sizeof(t->turns[0]));
}

void conversation_add(struct conversation *t, const char *question, const char *answer)
{
	char *q = strdup(question), *a = strdup(answer);

	if (q == NULL || a == NULL) { /* the conversation goes on without it */
		free(q);
		free(a);
		return;
	}
	if (t->n + 2 > CONVERSATION_TURNS_MAX)
		conversation_forget(t);
	t->turns[t->n++] = (struct ragd_turn){ "user", q };
	t->turns[t->n++] = (struct ragd_turn){ "assistant", a };
	t->bytes += strlen(q) + strlen(a);
	while (t->n > 0 && t->bytes > CONVERSATION_BYTES_MAX)
		conversation_forget(t);
}

const struct ragd_turn *conversation_turns(const struct conversation *t, size_t *n)
{
	*n = t->n;
	return t->turns;
}

void conversation_fini(struct conversation *t)
{
	while (t->n > 0)
		conversation_forget(t);
}
