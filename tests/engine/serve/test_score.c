/*
 * Scores, embeddings, the cache in a file, and many threads at once; on a model that is a plain
 * function.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/engine/serve/fake_engine.h"
#include "tests/test.h"

#define CONTEXT 512

/* Sanitizers keep what was freed for a while. */
#if defined(__has_feature)
#define KEEPS_FREED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEPS_FREED true
#else
#define KEEPS_FREED false
#endif

static struct engine *open_engine(struct engine_options o)
{
	if (o.n_context == 0 && (o.model == NULL || o.model == &fake_causal))
		o.n_context = CONTEXT;
	return fake_engine_open(o, 64);
}

/* ---- scores --------------------------------------------------------------------------------- */

/* By the definition: one token after the other. */
static double plain_score(const int32_t *prompt, size_t n, const struct tokens *t)
{
	int32_t ids[2 * CONTEXT];
	float logits[FAKE_VOCAB];
	double sum = 0;

	memcpy(ids, prompt, n * sizeof(*ids));
	for (size_t i = 0; i < t->n; i++) {
		double all = 0;

		fake_logits(ids, n + i, logits);
		for (size_t j = 0; j < FAKE_VOCAB; j++)
			all += exp(logits[j]);
		sum += logits[t->ids[i]] - log(all);
		ids[n + i] = t->ids[i];
	}
	return sum;
}

static void scores_are_those_of_reading_token_by_token(void **state)
{
	enum { N = 6, PROMPT = 300 };
	static const size_t lengths[N] = { 1, 5, 1, 40, 2, 100 };
	int32_t prompt[PROMPT], ids[N][100];
	struct tokens t[N] = { 0 };
	double got[N];

	(void)state;
	fake_ids(prompt, PROMPT, 1);
	for (size_t i = 0; i < N; i++) {
		fake_ids(ids[i], 100, (uint32_t)(i / 2 + 5)); /* two begin alike */
		t[i].ids = ids[i];
		t[i].n = lengths[i];
	}
	/*
	 * Many rows at once and few, one sequence at once and several; twice, so that all is
	 * cached.
	 */
	for (uint32_t active = 1; active < 8; active += 3) {
		struct engine *e = open_engine(
			(struct engine_options){ .max_active = active, .step_tokens = 50 });
		struct fake_counts c;
		struct ragd_err err = { 0 };

		for (int round = 0; round < 2; round++) {
			fake_reset();
			memset(got, 0, sizeof(got));
			assert_int_equal(
				engine_score(e, 0, prompt, PROMPT, t, N, got, NULL, NULL, &err), 0);
			for (size_t i = 0; i < N; i++)
				assert_true(fabs(got[i] - plain_score(prompt, PROMPT, &t[i])) <
					    1e-3);
			fake_counts(&c);
			assert_int_equal(c.n_wrong, 0);
			/* The prompt once, and each continuation but its last token. */
			assert_true(c.n_tokens <= (round == 0 ? PROMPT : 1) + 4 + 39 + 1 + 99u);
		}
		engine_close(e);
	}
}

static bool at_once(void *arg)
{
	(void)arg;
	return true;
}

static void scores_that_cannot_be_given(void **state)
{
	static int32_t ids[CONTEXT + 1];
	int32_t wild = FAKE_VOCAB;
	struct tokens one = { .ids = ids, .n = 1 }, none = { .ids = ids },
		      bad = { .ids = &wild, .n = 1 };
	struct tokens three = { .ids = ids, .n = 3 };
	const struct {
		const char *want;
		int rc;
		size_t n_prompt;
		const struct tokens *t;
		bool (*cancelled)(void *arg);
	} rows[] = {
		{ "the prompt is empty", -EINVAL, 0, &one, NULL },
		{ "continuation 0 is empty", -EINVAL, 1, &none, NULL },
		{ "token 0 is 96", -EINVAL, 1, &bad, NULL },
		{ "513 tokens, 1 over the context of 512", -EMSGSIZE, CONTEXT - 2, &three, NULL },
		{ "nobody waits", -ECANCELED, 100, &three, at_once },
	};
	struct engine *e = open_engine((struct engine_options){ 0 });
	struct engine *enc = open_engine((struct engine_options){ .model = &fake_encoder });
	struct engine_stats st;
	double got = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };

		assert_int_equal(engine_score(e, 0, ids, rows[i].n_prompt, rows[i].t, 1, &got,
					      rows[i].cancelled, NULL, &err),
				 rows[i].rc);
		if (strstr(err.msg, rows[i].want) == NULL)
			fail_msg("'%s' says nothing of '%s'", err.msg, rows[i].want);
		assert_true(got == 7); /* written on success only */
	}
	assert_int_equal(engine_score(e, 0, ids, 5, NULL, 0, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(engine_score(enc, 0, ids, 5, &one, 1, &got, NULL, NULL, NULL), -ENOTSUP);
	engine_stats(e, &st);
	assert_int_equal(st.n_cancelled, 1);
	assert_int_equal(st.n_waiting, 0);
	assert_int_equal(st.n_pages_held, 0);
	engine_close(e);
	engine_close(enc);
}

static void a_score_whose_pass_fails(void **state)
{
	struct engine *e = open_engine((struct engine_options){ .step_tokens = 10 });
	struct ragd_err err = { 0 };
	int32_t prompt[40];
	struct tokens t[2] = { { .ids = prompt, .n = 20 }, { .ids = prompt + 20, .n = 20 } };
	double got[2];

	(void)state;
	fake_ids(prompt, 40, 1);
	for (size_t pass = 2; pass < 8; pass++) {
		fake_reset();
		fake_fail(pass);
		/* Every round another prompt: nothing of it is cached. */
		prompt[0] = (int32_t)(10 + pass);
		assert_int_equal(engine_score(e, 0, prompt, 40, t, 2, got, NULL, NULL, &err), -EIO);
		assert_non_null(strstr(err.msg, "the pass that was to fail"));
	}
	fake_reset();
	assert_int_equal(engine_score(e, 0, prompt, 40, t, 2, got, NULL, NULL, &err), 0);
	assert_true(fabs(got[1] - plain_score(prompt, 40, &t[1])) < 1e-3);
	engine_close(e);
}

/* ---- embeddings ----------------------------------------------------------------------------- */

static double dot(const float *a, const float *b)
{
	double sum = 0;

	for (size_t i = 0; i < FAKE_EMBD; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

static void texts_have_the_vectors_that_they_have_alone(void **state)
{
	enum { N = 40 };
	static int32_t ids[N][300];
	static float all[N][FAKE_EMBD], one[FAKE_EMBD];
	const struct model *models[] = { &fake_encoder, &fake_causal };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(models); m++) {
		struct engine *e = open_engine((struct engine_options){ .model = models[m] });
		size_t limit = models[m] == &fake_encoder ? 64 : 300;
		struct ragd_err err = { 0 };
		struct tokens t[N] = { 0 };
		struct fake_counts c;
		struct engine_stats st;

		for (size_t i = 0; i < N; i++) {
			t[i].ids = ids[i];
			t[i].n = 1 + i * 37 % limit;
			fake_ids(ids[i], t[i].n, (uint32_t)i);
		}
		assert_int_equal(engine_embed(e, 0, t, N, all[0], NULL, NULL, &err), 0);
		fake_counts(&c);
		assert_true(c.most_segments > 1 && c.n_passes < N);
		assert_int_equal(c.n_wrong, 0);
		for (size_t i = 0; i < N; i++) {
			assert_int_equal(engine_embed(e, 0, &t[i], 1, one, NULL, NULL, &err), 0);
			assert_memory_equal(one, all[i], sizeof(one));
			assert_true(fabs(dot(one, one) - 1) < 1e-5);
		}
		assert_true(fabs(dot(all[1], all[2])) < 0.999);
		engine_stats(e, &st);
		assert_int_equal(st.n_pages_held, 0);
		assert_int_equal(st.n_pages_cached, 0); /* what is embedded is not kept */
		engine_close(e);
	}
}

/* A text of three windows: each with the text's own ends, weighed by what is new in it. */
static void a_long_text_is_read_in_windows(void **state)
{
	enum { LIMIT = 64, BODY = LIMIT - 2, N = 2 * BODY + 11 };
	int32_t ids[N + 2], part[LIMIT];
	float all[FAKE_EMBD], v[FAKE_EMBD], sum[FAKE_EMBD] = { 0 };
	struct engine *e = open_engine((struct engine_options){ .model = &fake_encoder });
	struct tokens t = { .ids = ids, .n = N + 2 };

	(void)state;
	fake_ids(ids, N + 2, 3);
	ids[0] = FAKE_BOS;
	ids[N + 1] = FAKE_END;
	assert_int_equal(engine_embed(e, 0, &t, 1, all, NULL, NULL, NULL), 0);
	for (size_t at = 0; at < N; at += BODY) {
		size_t n = MIN((size_t)BODY, N - at);
		struct tokens w = { .ids = part, .n = n + 2 };

		part[0] = FAKE_BOS;
		memcpy(part + 1, ids + 1 + at, n * sizeof(*part));
		part[n + 1] = FAKE_END;
		assert_int_equal(engine_embed(e, 0, &w, 1, v, NULL, NULL, NULL), 0);
		for (size_t i = 0; i < FAKE_EMBD; i++)
			sum[i] += v[i] * (float)n;
	}
	assert_true(dot(all, sum) / sqrt(dot(sum, sum)) > 1 - 1e-6);
	engine_close(e);
}

static void texts_that_cannot_be_embedded(void **state)
{
	static int32_t ids[10];
	int32_t wild[] = { 1, 2, -3 };
	struct tokens two[2] = { { .ids = ids, .n = 10 }, { .ids = ids } };
	struct tokens bad = { .ids = wild, .n = 3 };
	struct engine *e = open_engine((struct engine_options){ .model = &fake_encoder });
	float out[2][FAKE_EMBD];
	struct ragd_err err = { 0 };

	(void)state;
	assert_int_equal(engine_embed(e, 0, two, 2, out[0], NULL, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "text 1 has no tokens"));
	assert_int_equal(engine_embed(e, 0, &bad, 1, out[0], NULL, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "token 2 is -3"));
	assert_int_equal(engine_embed(e, 0, two, 1, out[0], at_once, NULL, &err), -ECANCELED);
	fake_fail(1);
	assert_int_equal(engine_embed(e, 0, two, 1, out[0], NULL, NULL, &err), -EIO);
	assert_int_equal(engine_embed(e, 0, two, 1, out[0], NULL, NULL, &err), 0);
	assert_int_equal(engine_embed(e, 0, NULL, 0, NULL, NULL, NULL, &err), 0);
	assert_int_equal(engine_save(e, "/nowhere", "x", &err), -ENOTSUP);
	engine_close(e);
}

/* ---- next to each other --------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	struct engine *e;
	uint32_t seed;
	size_t n_requests;
};

/* Writes, scores and embeds, and looks that each comes out as it should. */
static void *work(void *arg)
{
	struct worker *w = arg;
	int32_t ids[200];

	for (size_t i = 0; i < w->n_requests; i++) {
		uint32_t n = 20 + (w->seed * 31 + (uint32_t)i * 17) % 150;
		struct tokens t = { .ids = ids + 10, .n = 1 + i % 9 },
			      text = { .ids = ids, .n = n };
		float v[FAKE_EMBD];
		struct engine_stats st;
		double got;
		struct ask a;

		fake_ids(ids, 200, w->seed % 2 + (uint32_t)i % 3); /* others ask the same */
		ids[n - 1] = (int32_t)(w->seed + 20);
		ask_init(&a, ids, n, 1 + (uint32_t)i % 20);
		a.r.client = w->seed;
		ask_start(w->e, &a);
		assert_int_equal(engine_score(w->e, 0, ids, n, &t, 1, &got, NULL, NULL, NULL), 0);
		assert_true(fabs(got - plain_score(ids, n, &t)) < 1e-3);
		assert_int_equal(engine_embed(w->e, 0, &text, 1, v, NULL, NULL, NULL), 0);
		assert_true(fabs(dot(v, v) - 1) < 1e-5);
		engine_stats(w->e, &st);
		if (i % 7 == 3)
			atomic_store(&a.cancel, true);
		ask_wait(&a);
		assert_true(a.rc == 0 ? a.n_out == a.r.max_tokens
				      : a.rc == -ECANCELED && i % 7 == 3);
		ask_fini(&a);
	}
	return NULL;
}

static void many_threads_at_once(void **state)
{
	enum { N = 6 };
	struct engine *e = open_engine((struct engine_options){
		.max_active = 3,
		.draft_tokens = 4,
		.cache_bytes = 24 * model_page_bytes(&fake_causal, KV_F16),
	});
	struct worker w[N];
	struct fake_counts c;
	struct engine_stats st;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		w[i] = (struct worker){ .e = e, .seed = (uint32_t)i };
		w[i].n_requests = getenv("VALGRIND") != NULL ? 5 : 40;
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < N; i++)
		pthread_join(w[i].thread, NULL);
	fake_counts(&c);
	assert_int_equal(c.n_wrong, 0);
	engine_stats(e, &st);
	assert_int_equal(st.n_pages_held, 0);
	assert_int_equal(st.n_active, 0);
	assert_int_equal(st.n_waiting, 0);
	assert_int_equal(st.n_requests, 3 * N * w[0].n_requests);
	engine_close(e);
}

static struct engine *calling;

static void call_back(struct ask *a)
{
	struct tokens t = { .ids = a->out, .n = 1 };
	struct ragd_err err = { 0 };
	double got;

	assert_int_equal(engine_score(calling, 0, a->r.ids, a->r.n, &t, 1, &got, NULL, NULL, &err),
			 -EDEADLK);
	assert_non_null(strstr(err.msg, "callbacks"));
}

static void waiting_inside_a_callback_is_refused(void **state)
{
	struct engine *e = open_engine((struct engine_options){ 0 });
	int32_t ids[5] = { 5, 6, 7, 8, 9 };
	struct ask a;

	(void)state;
	calling = e;
	ask_init(&a, ids, 5, 2);
	a.on_token = call_back;
	ask_start(e, &a);
	ask_wait(&a);
	assert_int_equal(a.rc, 0);
	engine_close(e);
	ask_fini(&a);
}

static void log_probabilities_are_those_of_the_model(void **state)
{
	struct engine *e = open_engine((struct engine_options){ .draft_tokens = 8 });
	const struct token_logprob *lp;
	int32_t ids[40 + 30];
	float logits[FAKE_VOCAB];
	struct ask a;

	(void)state;
	fake_ids(ids, 40, 1);
	ask_init(&a, ids, 40, 30);
	a.r.sampling.temperature = 1.5f;
	a.r.sampling.n_logprobs = 4;
	ask_start(e, &a);
	ask_wait(&a);
	assert_int_equal(a.logprobs.len, 30 * 5 * sizeof(*lp));
	lp = (const struct token_logprob *)a.logprobs.data;
	for (size_t i = 0; i < 30; i++, lp += 5) {
		struct tokens t = { .ids = &a.out[i], .n = 1 };

		fake_logits(ids, 40 + i, logits);
		ids[40 + i] = a.out[i];
		assert_int_equal(lp[0].id, a.out[i]);
		assert_true(fabs(lp[0].logprob - plain_score(ids, 40 + i, &t)) < 1e-3);
		for (size_t j = 2; j < 5; j++)
			assert_true(lp[j].logprob <= lp[j - 1].logprob);
		assert_true(lp[0].logprob <= lp[1].logprob);
	}
	engine_close(e);
	ask_fini(&a);
}

/* ---- the cache in a file -------------------------------------------------------------------- */

static void what_was_read_is_there_after_a_restart(void **state)
{
	char dir[] = "/tmp/ragd-test-XXXXXX", path[64];
	struct ragd_err err = { 0 };
	struct engine *e;
	int32_t ids[200];
	struct ask a, b;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cache", dir);
	fake_ids(ids, 200, 1);
	e = open_engine((struct engine_options){ 0 });
	ask_init(&a, ids, 200, 10);
	ask_start(e, &a);
	ask_wait(&a);
	assert_int_equal(engine_save(e, path, "one", &err), 0);
	engine_close(e);

	e = open_engine((struct engine_options){ 0 });
	assert_int_equal(engine_load(e, path, "another", &err), -ESTALE);
	assert_int_equal(engine_load(e, path, "one", &err), 0);
	ask_init(&b, ids, 200, 10);
	ask_start(e, &b);
	/* While it runs, too. */
	assert_int_equal(engine_save(e, path, "one", &err), 0);
	ask_wait(&b);
	assert_int_equal(b.usage.n_cached, 199);
	assert_memory_equal(a.out, b.out, 10 * sizeof(*a.out));
	engine_close(e);
	unlink(path);
	rmdir(dir);
	ask_fini(&a);
	ask_fini(&b);
}

/* ---- memory --------------------------------------------------------------------------------- */

static long resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long all, resident = 0;

	if (f == NULL || fscanf(f, "%ld %ld", &all, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* RAGD_LONG=1 for ten thousand of them. */
static void memory_stays_as_it_is(void **state)
{
	size_t n = getenv("RAGD_LONG") != NULL ? 10000 : getenv("VALGRIND") != NULL ? 100 : 1500;
	struct engine *e = open_engine((struct engine_options){ .draft_tokens = 4 });
	int32_t ids[100];
	long half = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct ask a;

		if (i == n / 3)
			half = resident_kb();
		fake_ids(ids, 100, (uint32_t)i);
		ask_init(&a, ids, 1 + i % 100, 1 + (uint32_t)i % 9);
		a.r.sampling.temperature = i % 2 == 0 ? 0 : 1;
		a.r.sampling.repeat_penalty = i % 3 == 0 ? 1.1f : 1;
		a.r.client = i;
		ask_start(e, &a);
		ask_wait(&a);
		ask_fini(&a);
	}
	print_message("%ld kB resident after a third, %ld kB at the end\n", half, resident_kb());
	if (!KEEPS_FREED && getenv("VALGRIND") == NULL)
		assert_true(resident_kb() <= half + 512);
	engine_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_stays_as_it_is),
		cmocka_unit_test(scores_are_those_of_reading_token_by_token),
		cmocka_unit_test(scores_that_cannot_be_given),
		cmocka_unit_test(a_score_whose_pass_fails),
		cmocka_unit_test(texts_have_the_vectors_that_they_have_alone),
		cmocka_unit_test(a_long_text_is_read_in_windows),
		cmocka_unit_test(texts_that_cannot_be_embedded),
		cmocka_unit_test(many_threads_at_once),
		cmocka_unit_test(waiting_inside_a_callback_is_refused),
		cmocka_unit_test(log_probabilities_are_those_of_the_model),
		cmocka_unit_test(what_was_read_is_there_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
