/* One request to an engine, and what came of it. */
#include "tests/engine/serve/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "tests/test.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static unsigned n_ended;

static int on_token(void *arg, const struct engine_token *t)
{
	struct ask *a = arg;

	assert_int_equal(a->n_done, 0);
	assert_true(t->len == 0 || utf8_invalid_at(t->text, t->len) < 0);
	a->out = realloc(a->out, (a->n_out + 1) * sizeof(*a->out));
	assert_non_null(a->out);
	a->out[a->n_out++] = t->id;
	buf_add(&a->text, t->text, t->len);
	if (t->logprobs != NULL)
		buf_add(&a->logprobs, t->logprobs,
			(1 + a->r.sampling.n_logprobs) * sizeof(*t->logprobs));
	if (a->on_token != NULL)
		a->on_token(a);
	return a->n_out == a->stop_after;
}

static bool on_cancelled(void *arg)
{
	struct ask *a = arg;

	return atomic_load(&a->cancel);
}

static void on_done(void *arg, int rc, enum ragd_finish finish, const struct engine_usage *usage,
		    const struct ragd_err *err)
{
	struct ask *a = arg;

	pthread_mutex_lock(&lock);
	a->rc = rc;
	a->finish = finish;
	a->usage = *usage;
	a->err = *err;
	a->order = ++n_ended;
	a->n_done++;
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
}

void ask_init(struct ask *a, const int32_t *ids, size_t n, uint32_t max_tokens)
{
	memset(a, 0, sizeof(*a));
	a->r = (struct engine_request){
		.ids = ids,
		.n = n,
		.max_tokens = max_tokens,
		.sampling = { .top_p = 1, .repeat_penalty = 1 },
		.ignore_end = true,
		.arg = a,
		.token = on_token,
		.cancelled = on_cancelled,
		.done = on_done,
	};
}

void ask_fini(struct ask *a)
{
	free(a->out);
	buf_fini(&a->text);
	buf_fini(&a->logprobs);
}

void ask_start(struct engine *e, struct ask *a)
{
	struct ragd_err err = { 0 };

	if (engine_submit(e, &a->r, &err) != 0)
		fail_msg("%s", err.msg);
}

void ask_wait(struct ask *a)
{
	pthread_mutex_lock(&lock);
	while (a->n_done == 0)
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
	assert_int_equal(a->n_done, 1);
}

void ask_reset(void)
{
	pthread_mutex_lock(&lock);
	n_ended = 0;
	pthread_mutex_unlock(&lock);
}
