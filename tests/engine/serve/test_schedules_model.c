/*
 * Random schedules on a real model: with every kind of cache, each request writes what it writes
 * alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf/gguf.h"
#include "tests/engine/model/lab.h"
#include "tests/engine/model/synth.h"
#include "tests/engine/serve/ask.h"
#include "tests/engine/serve/schedules.h"
#include "tests/test.h"

#define CONTEXT 160

/* An engine for it alone, which never drafts and has nothing cached. */
static size_t alone(const struct world *w, const struct engine_request *r, int32_t *out, size_t max)
{
	struct engine_options o = {
		.model = w->model,
		.vocab = w->vocab,
		.threads = w->threads,
		.kv = w->kv,
		.n_context = w->n_context,
		.max_active = 1,
		.cache_bytes = (w->n_context / KV_PAGE + 2) * model_page_bytes(w->model, w->kv),
	};
	struct engine *e;
	struct ask a;
	size_t n;

	assert_int_equal(engine_open(&o, &e, NULL), 0);
	ask_init(&a, r->ids, r->n, r->max_tokens);
	a.r.sampling = r->sampling;
	a.r.ignore_end = r->ignore_end;
	a.stop_after = max;
	ask_start(e, &a);
	ask_wait(&a);
	n = a.n_out;
	assert_true(n <= max);
	memcpy(out, a.out, n * sizeof(*out));
	engine_close(e);
	ask_fini(&a);
	return n;
}

/* The model of a file, or one that was made up, with the vocabulary of the file. */
static void run_schedules(const char *name, const struct buf *made_up, enum kv_type kv,
			  uint64_t from, uint64_t n)
{
	const char *path = lab_shared(name);
	struct ragd_err err = { 0 };
	struct vocab *vocab = NULL;
	struct gguf *file = NULL;
	struct world w;
	struct lab lab;

	if (path == NULL) {
		print_message("skipped: %s is not in ../shared\n", name);
		skip();
	}
	if (gguf_open(path, &file, &err) < 0 || vocab_open(file, &vocab, &err) < 0)
		fail_msg("%s", err.msg);
	gguf_close(file);
	if (made_up != NULL)
		lab_open(&lab, NULL, made_up->data, made_up->len, NULL);
	else
		lab_open(&lab, path, NULL, 0, NULL);
	w = (struct world){
		.model = lab.model,
		.vocab = vocab,
		.threads = lab.threads,
		.kv = kv,
		.n_context = CONTEXT,
		.n_vocab = lab.shape->n_vocab,
		.alone = alone,
	};
	for (uint64_t i = from; i < from + n; i++)
		schedule_run(&w, i);
	print_message("%d requests, %d tokens, %d cached, %d of %d drafts right\n",
		      (int)schedule_totals.n_requests, (int)schedule_totals.n_output,
		      (int)schedule_totals.n_cached, (int)schedule_totals.n_accepted,
		      (int)schedule_totals.n_drafted);
	vocab_close(vocab);
	lab_close(&lab);
}

/* RAGD_LONG=1 for a thousand of each. */
static uint64_t how_many(void)
{
	return getenv("RAGD_LONG") != NULL ? 1000 : getenv("VALGRIND") != NULL ? 1 : 12;
}

static void quantised_weights_and_a_cache_in_halves(void **state)
{
	(void)state;
	run_schedules("models/llm/tinystories-656K/tinystories-656K-Q8_0.gguf", NULL, KV_F16, 0,
		      how_many());
}

static void weights_of_four_bits(void **state)
{
	(void)state;
	run_schedules("models/llm/stories260K/stories260K-Q4_0.gguf", NULL, KV_F16, 5000,
		      how_many());
}

static void heads_that_share_and_a_cache_of_bytes(void **state)
{
	static const struct synth_shape shape = { .arch = "llama",
						  .type = QUANT_Q4_K,
						  .n_layers = 2,
						  .n_embd = 256,
						  .n_heads = 4,
						  .n_kv_heads = 2,
						  .head_dim = 64,
						  .n_ff = 512,
						  .n_vocab = 100,
						  .n_context = 256,
						  .seed = 3 };
	struct buf file = BUF_INIT;
	struct synth s;

	(void)state;
	synth_init(&s, &shape);
	synth_write(&s, &file);
	run_schedules("models/llm/stories260K/stories260K-F32.gguf", &file, KV_Q8_0, 9000,
		      how_many());
	synth_fini(&s);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantised_weights_and_a_cache_in_halves),
		cmocka_unit_test(weights_of_four_bits),
		cmocka_unit_test(heads_that_share_and_a_cache_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
