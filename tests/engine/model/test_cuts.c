/*
 * What a token gets depends, to the last bit, on its sequence alone: not on how that was cut into
 * passes, on what else ran in them, or on how many threads there were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/model/lab.h"
#include "tests/engine/model/synth.h"
#include "tests/test.h"

#define N_SEQS   4
#define LEN_MAX  70
#define PASS_MAX 120 /* tokens */

struct seq {
	int32_t ids[LEN_MAX];
	size_t n, done;
	uint8_t **pages;
	float *alone; /* [n][width]: what it gets in one pass of its own */
};

struct game {
	struct lab lab;
	enum kv_type kv;
	enum run_output what;
	size_t width;
	struct threads *threads; /* another number of them */
	struct run *run;
	struct seq seqs[N_SEQS];
	uint64_t seed;
};

static size_t below(struct game *g, size_t n)
{
	return (size_t)(lab_random(&g->seed) % n);
}

static void seq_init(struct game *g, struct seq *s)
{
	s->n = 1 + below(g, LEN_MAX);
	s->done = 0;
	for (size_t i = 0; i < s->n; i++)
		s->ids[i] = (int32_t)below(g, g->lab.shape->n_vocab);
	s->pages = g->lab.shape->causal ? lab_pages(&g->lab, g->kv, s->n) : NULL;
	s->alone = lab_forward(&g->lab, g->kv, s->ids, s->n, s->n, g->what);
}

static void seq_fini(struct seq *s)
{
	if (s->pages != NULL)
		lab_pages_free(s->pages, s->n);
	free(s->alone);
}

/* One token now and then, as decoding does, or a slice of any length. */
static size_t slice(struct game *g, const struct seq *s)
{
	if (!g->lab.shape->causal)
		return s->n;
	return below(g, 2) == 0 ? 1 : 1 + below(g, s->n - s->done);
}

static void pass(struct game *g)
{
	struct segment segments[N_SEQS];
	struct seq *who[N_SEQS];
	struct ragd_err err = { 0 };
	const float *rows;
	size_t n = 0, tokens = 0;

	for (size_t i = 0; i < N_SEQS; i++) {
		struct seq *s = &g->seqs[i];
		size_t take = s->done < s->n && below(g, 4) != 0 ? slice(g, s) : 0;

		if (take == 0 || tokens + take > PASS_MAX)
			continue;
		who[n] = s;
		segments[n++] = (struct segment){ s->ids + s->done,   take, s->done, s->pages,
						  below(g, take + 1), 0 };
		tokens += take;
	}
	if (n == 0)
		return;
	if (run_forward(g->run, segments, n, g->what, &rows, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		size_t out = segments[i].n_outputs;

		who[i]->done += segments[i].n;
		assert_memory_equal(rows, who[i]->alone + (who[i]->done - out) * g->width,
				    out * g->width * sizeof(float));
		rows += out * g->width;
	}
}

static bool all_done(const struct game *g)
{
	for (size_t i = 0; i < N_SEQS; i++)
		if (g->seqs[i].done < g->seqs[i].n)
			return false;
	return true;
}

static void play(const struct synth_shape *shape, const struct kernels *k, enum kv_type kv,
		 enum run_output what, size_t n_games)
{
	struct game g = { .kv = kv, .what = what, .seed = shape->seed };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	struct synth s;

	synth_init(&s, shape);
	synth_write(&s, &file);
	lab_open(&g.lab, NULL, file.data, file.len, k);
	g.width = what == RUN_LOGITS ? shape->n_vocab : shape->n_embd;
	assert_int_equal(threads_open(3, NULL, &g.threads, &err), 0);
	if (run_new(g.lab.model, g.threads, kv, PASS_MAX, PASS_MAX, &g.run, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t game = 0; game < n_games; game++) {
		for (size_t i = 0; i < N_SEQS; i++)
			seq_init(&g, &g.seqs[i]);
		while (!all_done(&g))
			pass(&g);
		for (size_t i = 0; i < N_SEQS; i++)
			seq_fini(&g.seqs[i]);
		run_trim(g.run);
	}
	run_free(g.run);
	threads_close(g.threads);
	lab_close(&g.lab);
	buf_fini(&file);
	synth_fini(&s);
}

static void cuts_and_company_change_no_bit(void **state)
{
	static const struct {
		const char *arch;
		enum quant_type type;
		uint32_t n_embd;
		enum kv_type kv;
		enum run_output what;
	} rows[] = {
		{ "llama", QUANT_F32, 256, KV_F16, RUN_LOGITS },
		{ "llama", QUANT_F16, 512, KV_Q8_0, RUN_LOGITS },
		{ "llama", QUANT_Q8_0, 256, KV_F16, RUN_LOGITS },
		{ "llama", QUANT_Q8_0, 512, KV_F16, RUN_LOGITS },
		{ "llama", QUANT_Q4_0, 512, KV_Q8_0, RUN_LOGITS },
		{ "qwen2", QUANT_Q4_K, 512, KV_F16, RUN_LOGITS },
		{ "qwen3", QUANT_Q6_K, 512, KV_F16, RUN_LOGITS },
		{ "llama", QUANT_Q5_K, 512, KV_F16, RUN_HIDDEN },
		{ "bert", QUANT_Q8_0, 512, KV_F16, RUN_HIDDEN },
		{ "nomic-bert", QUANT_F16, 256, KV_F16, RUN_HIDDEN },
	};
	const struct kernels *k;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool bert = strstr(rows[i].arch, "bert") != NULL;
		struct synth_shape shape = { .arch = rows[i].arch,
					     .type = rows[i].type,
					     .n_layers = i % 2 + 1,
					     .n_embd = rows[i].n_embd,
					     .n_heads = rows[i].n_embd / 64,
					     .n_kv_heads = rows[i].n_embd / (bert ? 64 : 128),
					     .head_dim = 64,
					     .n_ff = 256,
					     .n_vocab = 100,
					     .n_context = 128,
					     .seed = 11 + i };

		for (size_t set = 0; (k = kernels_list(set)) != NULL; set++) {
			/* The plain loops are slow: once with each kind of activations. */
			if (!k->usable() || (strcmp(k->name, "portable") == 0 && i > 2))
				continue;
			print_message("%s %s %u, %s\n", rows[i].arch,
				      quant_info(rows[i].type)->name, (unsigned)rows[i].n_embd,
				      k->name);
			play(&shape, k, rows[i].kv, rows[i].what, set > 0 ? 1 : 3);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_and_company_change_no_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
