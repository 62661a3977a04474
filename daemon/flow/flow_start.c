/* What the API sees of a flow: how one begins. */
#include "daemon/flow/flow_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

/* One answer's memory: its passages and prompt, its decisions, and what one release hands over. */
#define CALL_MEMORY     (64u << 20)
#define FINDINGS_MEMORY (1u << 20)
#define RELEASE_MEMORY  (16u << 20)

/* "ans-" and 96 random bits in base 32: not to be guessed by anybody who did not get the answer. */
static void id_make(char id[FLOW_ID_MAX])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char random[20] = { 0 };
	size_t at = 4;

	if (getrandom(random, sizeof(random), 0) < 0)
		abort(); /* cannot fail for so few bytes once the system has booted */
	memcpy(id, "ans-", 4);
	for (size_t i = 0; i < sizeof(random); i++)
		id[at++] = digits[random[i] & 31];
	id[at] = '\0';
}

/* Everything of the question that outlives the client's request, into the call's arena. */
static int question_copy(struct flow *f, const struct flow_question *q)
{
	struct arena *a = f->call->arena;
	const char **names = arena_alloc(a, q->n_collections + 1, sizeof(*names));
	struct ragd_str *stop = arena_alloc(a, q->sampling.n_stop, sizeof(*stop));
	struct ragd_bias *bias = arena_alloc(a, q->sampling.n_bias, sizeof(*bias));

	f->n_messages = q->n_messages;
	f->messages = arena_alloc(a, q->n_messages, sizeof(*f->messages));
	if (names == NULL || stop == NULL || bias == NULL || f->messages == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < q->n_messages; i++) {
		f->messages[i].role = q->messages[i].role;
		f->messages[i].text = arena_str(a, q->messages[i].text);
		if (f->messages[i].text.s == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < q->n_collections; i++)
		if ((names[i] = arena_strdup(a, q->collections[i])) == NULL)
			return -ENOMEM;
	for (size_t i = 0; i < q->sampling.n_stop; i++)
		if ((stop[i] = arena_str(a, q->sampling.stop[i])).s == NULL)
			return -ENOMEM;
	f->collections = q->n_collections > 0 ? names : f->assistant->collections;
	f->generate.size = sizeof(f->generate);
	f->sampling = q->sampling;
	f->sampling.size = sizeof(f->sampling);
	f->sampling.stop = stop;
	if (q->sampling.n_bias > 0)
		memcpy(bias, q->sampling.bias, q->sampling.n_bias * sizeof(*bias));
	f->sampling.bias = bias;
	f->generate.sampling = &f->sampling;
	return 0;
}

int flow_start(struct ragd *d, const struct flow_question *q, const struct flow_events *events,
	       void *arg, struct flow **out, struct ragd_err *err)
{
	const struct config *cfg = d->current->cfg;
	struct flow_table *t = d->flows;
	struct flow *f;

	if (shares_take(&t->shares, q->caller->uid, q->caller->admin, cfg->queue_max,
			cfg->user_share, "answers", err) < 0)
		return -EAGAIN;
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		shares_give(&t->shares, q->caller->uid);
		return ragd_err_set(err, -ENOMEM, "answer: out of memory");
	}
	f->call = call_new(q->caller, q->request_id, CALL_MEMORY, &f->cancelled);
	f->release_call = call_new(q->caller, q->request_id, RELEASE_MEMORY, &f->cancelled);
	f->findings.arena = arena_new(FINDINGS_MEMORY);
	f->assistant = q->assistant;
	f->k = q->k > 0 ? q->k : q->assistant->k;
	if (f->call == NULL || f->release_call == NULL || f->findings.arena == NULL ||
	    question_copy(f, q) < 0) {
		arena_free(f->findings.arena);
		call_free(f->release_call);
		call_free(f->call);
		free(f);
		shares_give(&t->shares, q->caller->uid);
		return ragd_err_set(err, -ENOMEM, "answer: out of memory for the question");
	}
	uv_mutex_init(&f->lock);
	f->table = t;
	f->gen = generation_ref(d->current);
	f->events = *events;
	f->arg = arg;
	f->received_us = q->received_us;
	f->deadline_ms = q->assistant->deadline_ms > 0 ? clock_ms() + q->assistant->deadline_ms : 0;
	f->out_tail = &f->out_head;
	call_deadline(f->call, 0, f->deadline_ms);
	call_deadline(f->release_call, 0, f->deadline_ms);
	flow_watch(f);
	id_make(f->id);
	f->next = t->flows;
	if (f->next != NULL)
		f->next->prev = f;
	t->flows = f;
	flow_go(f); /* events come later, never from within this call */
	*out = f;
	return 0;
}

void flow_cancel(struct flow *f)
{
	f->detached = true;
	atomic_store(&f->cancelled, true);
}

const char *flow_id(const struct flow *f)
{
	return f->id;
}
