/* Random schedules, each request against what it writes alone. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "tests/engine/serve/schedules.h"
#include "tests/test.h"

#define REQUESTS 12
#define PREFIXES 3
#define TOKENS   512 /* of a prompt, and of an output */

struct schedule_totals schedule_totals;

/* One request and what has become of it. */
struct asked {
	struct run_of *run;
	struct engine_request r;
	struct ragd_str stop[2];
	struct ragd_bias bias[2];
	int32_t prompt[TOKENS];
	size_t after;         /* submitted when this many tokens were written in all */
	size_t cancel_polls;  /* cancelled() says so from this many questions on; SIZE_MAX: never */
	size_t cancel_tokens; /* token() does */
	size_t n_polls;
	int refused;
	/* what came */
	int32_t out[TOKENS];
	size_t n_out;
	struct buf text;
	size_t n_logprobs;
	int n_done, rc;
	enum ragd_finish finish;
	struct engine_usage usage;
};

struct run_of {
	const struct world *w;
	struct engine *e;
	uint64_t rng;
	struct asked asked[REQUESTS];
	size_t n;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t n_context;
	size_t n_submitted;
	size_t n_ended;
	size_t n_written;
};

static uint64_t random_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static size_t below(struct run_of *run, size_t n)
{
	return (size_t)(random_next(&run->rng) % n);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

static void submit_due(struct run_of *run);

static int on_token(void *arg, const struct engine_token *t)
{
	struct asked *a = arg;

	assert_int_equal(a->n_done, 0);
	assert_true(a->n_out < TOKENS);
	a->out[a->n_out++] = t->id;
	assert_true(t->len == 0 || utf8_invalid_at(t->text, t->len) < 0);
	buf_add(&a->text, t->text, t->len);
	if (t->logprobs != NULL) {
		assert_int_equal(t->logprobs[0].id, t->id);
		a->n_logprobs++;
	}
	pthread_mutex_lock(&a->run->lock);
	a->run->n_written++;
	pthread_mutex_unlock(&a->run->lock);
	submit_due(a->run);
	return a->n_out >= a->cancel_tokens;
}

static bool on_cancelled(void *arg)
{
	struct asked *a = arg;

	assert_int_equal(a->n_done, 0);
	return ++a->n_polls >= a->cancel_polls;
}

static void on_done(void *arg, int rc, enum ragd_finish finish, const struct engine_usage *usage,
		    const struct ragd_err *err)
{
	struct asked *a = arg;
	struct run_of *run = a->run;

	assert_int_equal(a->n_done++, 0);
	assert_true((rc < 0) == (err->msg[0] != '\0'));
	a->rc = rc;
	a->finish = finish;
	a->usage = *usage;
	submit_due(run);
	pthread_mutex_lock(&run->lock);
	run->n_ended++;
	pthread_cond_signal(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

static void submit(struct asked *a)
{
	struct ragd_err err;

	a->refused = engine_submit(a->run->e, &a->r, &err);
	if (a->refused == 0)
		return;
	assert_int_equal(a->refused, -EBUSY);
	pthread_mutex_lock(&a->run->lock);
	a->run->n_ended++;
	pthread_cond_signal(&a->run->changed);
	pthread_mutex_unlock(&a->run->lock);
}

/* Whatever is due by now; all of it once nothing else runs that could make it due. */
static void submit_due(struct run_of *run)
{
	for (;;) {
		struct asked *a = NULL;

		pthread_mutex_lock(&run->lock);
		if (run->n_submitted < run->n &&
		    (run->asked[run->n_submitted].after <= run->n_written ||
		     run->n_ended + 1 >= run->n_submitted))
			a = &run->asked[run->n_submitted++];
		pthread_mutex_unlock(&run->lock);
		if (a == NULL)
			return;
		submit(a);
	}
}

/* ---- what is asked -------------------------------------------------------------------------- */

static void draw_sampling(struct run_of *run, struct asked *a)
{
	static const float temperatures[] = { 0, 0, 0.5f, 1, 1.3f };
	struct sampler_options *o = &a->r.sampling;

	o->temperature = temperatures[below(run, ARRAY_LEN(temperatures))];
	o->top_p = below(run, 2) == 0 ? 1 : 0.9f;
	o->min_p = below(run, 3) == 0 ? 0.02f : 0;
	o->top_k = below(run, 3) == 0 ? 20 : 0;
	o->seed = below(run, 1000);
	o->repeat_penalty = below(run, 4) == 0 ? 1.1f : 1;
	o->presence_penalty = below(run, 5) == 0 ? 0.3f : 0;
	o->frequency_penalty = below(run, 5) == 0 ? 0.2f : 0;
	o->penalty_tokens = (uint32_t)below(run, 64);
	o->n_logprobs = below(run, 5) == 0 ? 3 : 0;
	if (below(run, 5) == 0) {
		a->bias[0] = (struct ragd_bias){ (int32_t)below(run, run->w->n_vocab), 2 };
		a->bias[1] = (struct ragd_bias){ (int32_t)below(run, run->w->n_vocab), -2 };
		o->bias = a->bias;
		o->n_bias = 2;
	}
}

static void draw_request(struct run_of *run, struct asked *a, int32_t prefixes[][TOKENS],
			 size_t n_context)
{
	static const struct ragd_str stops[] = { { "xaby", 4 }, { "ab", 2 },   { "\xc3\xa9", 2 },
						 { "z", 1 },    { "the ", 4 }, { "q", 1 } };
	size_t most = n_context - 1, prefix = below(run, most), tail = below(run, 24) + 1;
	const int32_t *from = prefixes[below(run, PREFIXES)];

	if (below(run, 4) == 0)
		prefix = 0;
	prefix = MIN(prefix, most - MIN(tail, most - 1));
	tail = MIN(tail, most - prefix);
	memcpy(a->prompt, from, prefix * sizeof(*from));
	for (size_t i = 0; i < tail; i++)
		a->prompt[prefix + i] = (int32_t)below(run, run->w->n_vocab);
	a->run = run;
	a->r = (struct engine_request){
		.ids = a->prompt,
		.n = prefix + tail,
		.n_configured = below(run, 3) == 0 ? below(run, prefix + 1) : 0,
		.client = below(run, 3),
		.max_tokens = (uint32_t)(below(run, 3) == 0 ? 0 : 1 + below(run, 40)),
		.ignore_end = below(run, 3) == 0,
		.arg = a,
		.token = on_token,
		.cancelled = on_cancelled,
		.done = on_done,
	};
	draw_sampling(run, a);
	if (below(run, 3) == 0) {
		a->stop[0] = stops[below(run, ARRAY_LEN(stops))];
		a->stop[1] = stops[below(run, ARRAY_LEN(stops))];
		a->r.stop = a->stop;
		a->r.n_stop = 1 + below(run, 2);
	}
	a->cancel_polls = below(run, 8) == 0 ? below(run, 40) + 1 : SIZE_MAX;
	a->cancel_tokens = below(run, 10) == 0 ? below(run, 30) + 1 : SIZE_MAX;
	a->after = below(run, 120);
}

/* ---- what is to come ------------------------------------------------------------------------ */

static void add_clean(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		char put[4];

		i += utf8_next(s + i, n - i, &cp);
		buf_add(out, put, utf8_put(cp, put));
	}
}

/* The text of n tokens, and how many of them are written before a stop string is complete. */
static size_t text_of(const struct asked *a, const int32_t *ids, size_t n, struct buf *out,
		      bool *stopped)
{
	struct buf raw = BUF_INIT;
	size_t taken = 0, cut;

	*stopped = false;
	for (; taken < n && !*stopped; taken++) {
		size_t had = raw.len;

		if (a->r.ignore_end || !vocab_is_end(a->run->w->vocab, ids[taken]))
			vocab_piece(a->run->w->vocab, ids[taken], false, &raw);
		for (size_t end = had + 1; end <= raw.len && !*stopped; end++) {
			size_t longest = 0;

			for (size_t i = 0; i < a->r.n_stop; i++)
				if (a->stop[i].len <= end && a->stop[i].len > longest &&
				    memcmp(raw.data + end - a->stop[i].len, a->stop[i].s,
					   a->stop[i].len) == 0)
					longest = a->stop[i].len;
			if (longest > 0) {
				*stopped = true;
				raw.len = end - longest;
			}
		}
	}
	cut = raw.len > 0 ? utf8_whole(raw.data, raw.len) : 0;
	add_clean(out, raw.data, cut);
	buf_fini(&raw);
	return taken;
}

/* Nothing is found in the cache that the same client did not ask or read before. */
static void check_cached(const struct run_of *run, const struct asked *a)
{
	size_t most = 0;

	for (size_t i = 0; i < run->n; i++) {
		const struct asked *b = &run->asked[i];
		size_t n = 0;

		if (b == a || b->r.client != a->r.client)
			continue;
		while (n < a->r.n && n < b->r.n + b->n_out &&
		       a->prompt[n] == (n < b->r.n ? b->prompt[n] : b->out[n - b->r.n]))
			n++;
		most = MAX(most, n);
	}
	assert_true(a->usage.n_cached <= most);
}

static void check_request(struct run_of *run, struct asked *a)
{
	int32_t want[TOKENS];
	size_t n = run->w->alone(run->w, &a->r, want, MIN((size_t)TOKENS, run->n_context - a->r.n)),
	       taken;
	struct buf text = BUF_INIT;
	bool stopped, ended;

	taken = text_of(a, want, n, &text, &stopped);
	assert_true(a->n_out <= taken);
	assert_memory_equal(a->out, want, a->n_out * sizeof(*want));
	if (a->r.sampling.n_logprobs > 0)
		assert_int_equal(a->n_logprobs, a->n_out);
	assert_int_equal(a->usage.n_output, a->n_out);
	assert_int_equal(a->usage.n_prompt, a->r.n);
	check_cached(run, a);
	assert_true(a->usage.n_accepted <= a->usage.n_drafted);
	if (a->rc == -ECANCELED) {
		assert_true(a->n_polls >= a->cancel_polls || a->n_out >= a->cancel_tokens);
		assert_true(a->text.len <= text.len);
		if (a->text.len > 0)
			assert_memory_equal(a->text.data, text.data, a->text.len);
		schedule_totals.n_cancelled++;
	} else {
		ended = !a->r.ignore_end && vocab_is_end(run->w->vocab, want[taken - 1]);
		assert_int_equal(a->rc, 0);
		assert_int_equal(a->n_out, taken);
		assert_int_equal(a->finish,
				 stopped || ended ? RAGD_FINISH_STOP : RAGD_FINISH_LENGTH);
		assert_int_equal(a->text.len, text.len);
		if (text.len > 0)
			assert_memory_equal(a->text.data, text.data, text.len);
		schedule_totals.n_stopped += stopped;
	}
	buf_fini(&text);
	schedule_totals.n_requests++;
	schedule_totals.n_output += a->n_out;
	schedule_totals.n_cached += a->usage.n_cached;
	schedule_totals.n_drafted += a->usage.n_drafted;
	schedule_totals.n_accepted += a->usage.n_accepted;
	schedule_totals.n_logprobs += a->n_logprobs;
}

static void wait_for_all(struct run_of *run)
{
	pthread_mutex_lock(&run->lock);
	while (run->n_ended < run->n)
		pthread_cond_wait(&run->changed, &run->lock);
	pthread_mutex_unlock(&run->lock);
}

void schedule_run(const struct world *w, uint64_t seed)
{
	static int32_t prefixes[PREFIXES][TOKENS];
	struct run_of *run = calloc(1, sizeof(*run));
	struct engine_options opt = {
		.model = w->model, .vocab = w->vocab, .threads = w->threads, .kv = w->kv
	};
	struct engine_stats stats;
	size_t pages;

	assert_non_null(run);
	run->w = w;
	run->rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	opt.n_context = (uint32_t)(33 + below(run, w->n_context - 32));
	opt.n_context = MIN(opt.n_context, w->n_context);
	run->n_context = opt.n_context;
	pages = (opt.n_context + KV_PAGE - 1) / KV_PAGE;
	pages += below(run, 3) == 0 ? below(run, 2) : below(run, 3 * pages);
	opt.cache_bytes = pages * model_page_bytes(w->model, w->kv);
	opt.max_active = (uint32_t)(1 + below(run, 6));
	opt.max_waiting = (uint32_t)(4 + below(run, REQUESTS));
	opt.step_tokens = (uint32_t)(1 + below(run, 64));
	opt.draft_tokens = (uint32_t)(below(run, 3) == 0 ? 0 : 1 + below(run, 8));
	for (size_t i = 0; i < PREFIXES; i++)
		for (size_t j = 0; j < TOKENS; j++) /* the second goes its own way half-way */
			prefixes[i][j] =
				i == 1 && j < 70 ? prefixes[0][j] : (int32_t)below(run, w->n_vocab);
	run->n = 2 + below(run, REQUESTS - 1);
	for (size_t i = 0; i < run->n; i++)
		draw_request(run, &run->asked[i], prefixes, opt.n_context);
	pthread_mutex_init(&run->lock, NULL);
	pthread_cond_init(&run->changed, NULL);
	assert_int_equal(engine_open(&opt, &run->e, NULL), 0);
	submit_due(run);
	wait_for_all(run);
	engine_stats(run->e, &stats);
	assert_int_equal(stats.n_waiting, 0);
	engine_close(run->e);
	for (size_t i = 0; i < run->n; i++) {
		assert_int_equal(run->asked[i].n_done, run->asked[i].refused == 0);
		if (run->asked[i].refused == 0)
			check_request(run, &run->asked[i]);
		buf_fini(&run->asked[i].text);
	}
	pthread_cond_destroy(&run->changed);
	pthread_mutex_destroy(&run->lock);
	free(run);
}
