/*
 * A thousand random schedules on a model that is a plain function: each request writes what it
 * writes alone.
 */
#include <stdlib.h>

#include "tests/engine/serve/fake.h"
#include "tests/engine/serve/schedules.h"
#include "tests/test.h"

#define CONTEXT 300

/* No pages, no batch, no engine: the tokens and the sampler. */
static size_t alone(const struct world *w, const struct engine_request *r, int32_t *out, size_t max)
{
	struct sampler *s = sampler_new(&r->sampling, FAKE_VOCAB, model_kernels(w->model));
	int32_t ids[2 * CONTEXT];
	float logits[FAKE_VOCAB];
	size_t n = 0;

	assert_non_null(s);
	for (size_t i = 0; i < r->n; i++)
		ids[i] = r->ids[i];
	sampler_see(s, r->ids, r->n);
	while (n < max && r->n + n < 2 * CONTEXT && (r->max_tokens == 0 || n < r->max_tokens)) {
		fake_logits(ids, r->n + n, logits);
		out[n] = ids[r->n + n] = sampler_next(s, logits, NULL);
		if (vocab_is_end(w->vocab, out[n++]) && !r->ignore_end)
			break;
	}
	sampler_free(s);
	return n;
}

static void every_request_writes_what_it_writes_alone(void **state)
{
	static const struct world w = {
		.model = &fake_causal,
		.n_context = CONTEXT,
		.n_vocab = FAKE_VOCAB,
		.alone = alone,
	};
	const char *seed = getenv("RAGD_SCHEDULE"); /* one of them, to look at it alone */
	uint64_t from = seed != NULL ? strtoull(seed, NULL, 10) : 0;
	uint64_t to = seed != NULL ? from + 1 : getenv("VALGRIND") != NULL ? 60 : 1000;
	struct schedule_totals *t = &schedule_totals;
	struct fake_counts counts;

	(void)state;
	for (uint64_t i = from; i < to; i++) {
		fake_reset();
		schedule_run(&w, i);
		fake_counts(&counts);
		if (counts.n_wrong > 0)
			fail_msg("schedule %d: %zu tokens in wrong places", (int)i, counts.n_wrong);
	}
	print_message("%d requests, %d tokens, %d cached, %d of %d drafts right, %d cancelled, "
		      "%d stopped\n",
		      (int)t->n_requests, (int)t->n_output, (int)t->n_cached, (int)t->n_accepted,
		      (int)t->n_drafted, (int)t->n_cancelled, (int)t->n_stopped);
	if (seed != NULL)
		return;
	assert_true(t->n_cached > 0 && t->n_cancelled > 0 && t->n_stopped > 0);
	assert_true(t->n_accepted > 0 && t->n_accepted < t->n_drafted && t->n_logprobs > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_writes_what_it_writes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
