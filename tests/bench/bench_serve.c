/*
 * Serving: how soon the first token comes, how even streams run, and what memory it takes, on a
 * model file:
 *
 *     bench_serve -m FILE [-t THREADS] [-c TOKENS] [-p TOKENS] [-k f16|q8_0] [-n REQUESTS] [CASE…]
 *
 * CASE: cold, seen, gap, batch, rss, many, draft, busy; all without. RAGD_BENCH_MODEL names a file,
 * too.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/serve/engine.h"
#include "tests/bench/order.h"

#define CLIENTS    8
#define TOKENS_MAX 8192

struct setting {
	const char *path;
	unsigned n_threads;
	uint32_t n_context;
	size_t prompt;
	enum kv_type kv;
	size_t n_requests;
	struct gguf *gguf;
	struct vocab *vocab;
	struct threads *threads;
	struct model *model;
	const struct model_shape *shape;
};

/* One request and when its tokens came. */
struct stream {
	struct engine_request r;
	int32_t ids[TOKENS_MAX];
	int64_t asked_us, at_us[TOKENS_MAX];
	int32_t out[TOKENS_MAX];
	size_t n_out; /* under the lock, as done */
	size_t until; /* ends itself with this many; 0: max_tokens does */
	bool quit;    /* ends with the next token */
	bool done;
	struct engine_usage usage;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void die(const char *what, const struct ragd_err *err)
{
	printf("%s: %s\n", what, err->msg);
	exit(1);
}

/* ---- requests ------------------------------------------------------------------------------- */

static int on_token(void *arg, const struct engine_token *t)
{
	struct stream *s = arg;
	bool quit;

	pthread_mutex_lock(&lock);
	s->at_us[s->n_out] = clock_us();
	s->out[s->n_out++] = t->id;
	quit = s->quit || s->n_out == TOKENS_MAX;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return quit;
}

static void on_done(void *arg, int rc, enum ragd_finish finish, const struct engine_usage *usage,
		    const struct ragd_err *err)
{
	struct stream *s = arg;

	(void)finish;
	if (rc < 0 && rc != -ECANCELED)
		printf("a request failed: %s\n", err->msg);
	pthread_mutex_lock(&lock);
	s->usage = *usage;
	s->done = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static struct stream *stream_new(size_t n_prompt, uint32_t max_tokens, uint64_t client)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		exit(1);
	s->r = (struct engine_request){
		.ids = s->ids,
		.n = n_prompt,
		.client = client,
		.max_tokens = max_tokens,
		.sampling = { .top_p = 1, .repeat_penalty = 1 },
		.ignore_end = true,
		.arg = s,
		.token = on_token,
		.done = on_done,
	};
	return s;
}

/* Tokens that look like nothing else. */
static void fill(const struct setting *set, int32_t *ids, size_t n, uint64_t seed)
{
	seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < n; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		ids[i] = (int32_t)((seed >> 33) % (set->shape->n_vocab - 8)) + 4;
	}
}

static void stream_start(struct engine *e, struct stream *s)
{
	struct ragd_err err = { 0 };

	s->asked_us = clock_us();
	if (engine_submit(e, &s->r, &err) < 0)
		die("submit", &err);
}

static void stream_wait_tokens(struct stream *s, size_t n)
{
	pthread_mutex_lock(&lock);
	while (!s->done && s->n_out < n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void stream_wait(struct stream *s)
{
	stream_wait_tokens(s, SIZE_MAX);
}

static void stream_quit(struct stream *s)
{
	pthread_mutex_lock(&lock);
	s->quit = true;
	pthread_mutex_unlock(&lock);
}

static struct engine *engine_for(const struct setting *set, struct threads *threads,
				 uint32_t draft_tokens)
{
	size_t page = model_page_bytes(set->model, set->kv);
	struct engine_options o = {
		.model = set->model,
		.vocab = set->vocab,
		.threads = threads,
		.kv = set->kv,
		.n_context = set->n_context,
		.cache_bytes = page * (CLIENTS + 2) * (set->n_context / KV_PAGE + 1),
		.max_active = CLIENTS,
		.max_waiting = 64,
		.step_tokens = 256,
		.draft_tokens = draft_tokens,
	};
	struct ragd_err err = { 0 };
	struct engine *e;

	if (engine_open(&o, &e, &err) < 0)
		die("engine", &err);
	return e;
}

/* The first step of an engine touches memory for the first time: none of it is measured. */
static void warm_up(const struct setting *set, struct engine *e)
{
	struct stream *s = stream_new(64, 4, 0);

	fill(set, s->ids, 64, 999);
	stream_start(e, s);
	stream_wait(s);
	free(s);
}

static double first_ms(const struct stream *s)
{
	return (double)(s->at_us[0] - s->asked_us) / 1e3;
}

/* Kilobytes of a line of /proc/self/status. */
static long status_kb(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtol(line + strlen(name) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kb;
}

/* ---- the cases ------------------------------------------------------------------------------ */

static void bench_cold(const struct setting *set)
{
	struct engine *e = engine_for(set, set->threads, 0);
	struct stream *s = stream_new(set->prompt, 2, 1);

	warm_up(set, e);
	fill(set, s->ids, set->prompt, 1);
	stream_start(e, s);
	stream_wait(s);
	printf("cold: first token of a prompt of %zu after %.0f ms, %.0f tokens/s\n", set->prompt,
	       first_ms(s), (double)set->prompt * 1e3 / first_ms(s));
	free(s);
	engine_close(e);
}

static void eight(const struct setting *set, struct engine *e, size_t seen, const char *what)
{
	struct stream *s[CLIENTS];
	struct engine_stats before, after;
	double ms[CLIENTS];

	engine_stats(e, &before);
	for (size_t i = 0; i < CLIENTS; i++) {
		s[i] = stream_new(set->prompt, 8, i);
		s[i]->r.n_configured = seen;
		fill(set, s[i]->ids, seen, 2);
		fill(set, s[i]->ids + seen, set->prompt - seen, 100 + i);
		stream_start(e, s[i]);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		stream_wait(s[i]);
		ms[i] = first_ms(s[i]);
		free(s[i]);
	}
	engine_stats(e, &after);
	qsort(ms, CLIENTS, sizeof(*ms), order_double);
	printf("seen: %d clients at once, %zu of %zu tokens %s: first token p50 %.0f ms, p95 %.0f "
	       "ms; "
	       "read %llu of %llu tokens\n",
	       CLIENTS, seen, set->prompt, what, ms[CLIENTS / 2], ms[CLIENTS - 1],
	       (unsigned long long)(after.n_prompt_tokens - before.n_prompt_tokens -
				    (after.n_cached_tokens - before.n_cached_tokens)),
	       (unsigned long long)(after.n_prompt_tokens - before.n_prompt_tokens));
}

static void bench_seen(const struct setting *set)
{
	size_t seen = set->prompt - MIN((size_t)100, set->prompt / 2);
	struct engine *e = engine_for(set, set->threads, 0);
	struct stream *s = stream_new(seen, 1, 1);

	warm_up(set, e);
	s->r.n_configured = seen;
	fill(set, s->ids, seen, 2);
	stream_start(e, s);
	stream_wait(s);
	printf("seen: the first time it took %.0f ms\n", first_ms(s));
	eight(set, e, seen, "seen before");
	free(s);
	engine_close(e);
}

/* Gaps between the tokens of one stream from number `from` on, appended. */
static size_t gaps(const struct stream *s, size_t from, size_t to, double *ms, size_t n)
{
	for (size_t i = from; i < to; i++)
		ms[n++] = (double)(s->at_us[i] - s->at_us[i - 1]) / 1e3;
	return n;
}

static void bench_gap(const struct setting *set)
{
	enum { STREAMS = 4, USUAL = 40 };
	struct engine *e = engine_for(set, set->threads, 0);
	struct stream *s[STREAMS], *late = stream_new(set->prompt, 1, 99);
	static double usual[STREAMS * TOKENS_MAX], while_reading[STREAMS * TOKENS_MAX];
	size_t before[STREAMS], after[STREAMS], n_usual = 0, n_reading = 0;

	warm_up(set, e);
	for (size_t i = 0; i < STREAMS; i++) {
		s[i] = stream_new(64, set->n_context - 64, i);
		fill(set, s[i]->ids, 64, i);
		stream_start(e, s[i]);
	}
	fill(set, late->ids, set->prompt, 77);
	for (size_t i = 0; i < STREAMS; i++)
		stream_wait_tokens(s[i], 10 + USUAL);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < STREAMS; i++)
		before[i] = s[i]->n_out;
	pthread_mutex_unlock(&lock);
	stream_start(e, late);
	stream_wait_tokens(late, 1);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < STREAMS; i++)
		after[i] = s[i]->n_out;
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < STREAMS; i++)
		stream_quit(s[i]);
	for (size_t i = 0; i < STREAMS; i++) {
		stream_wait(s[i]);
		n_usual = gaps(s[i], 10, before[i], usual, n_usual);
		n_reading = gaps(s[i], before[i], after[i], while_reading, n_reading);
	}
	stream_wait(late);
	qsort(usual, n_usual, sizeof(*usual), order_double);
	qsort(while_reading, n_reading, sizeof(*while_reading), order_double);
	printf("gap: %d streams, %.1f ms between tokens (worst %.1f); while a prompt of %zu is "
	       "read "
	       "(%.1f s): p50 %.1f, p99 %.1f, worst %.1f ms: %.2f times the usual\n",
	       STREAMS, usual[n_usual / 2], usual[n_usual - 1], set->prompt, first_ms(late) / 1e3,
	       while_reading[n_reading / 2], while_reading[n_reading * 99 / 100],
	       while_reading[n_reading - 1], while_reading[n_reading - 1] / usual[n_usual / 2]);
	for (size_t i = 0; i < STREAMS; i++)
		free(s[i]);
	free(late);
	engine_close(e);
}

/* Tokens a second of n sequences that decode together. */
static double decode_rate(const struct setting *set, struct threads *threads, size_t n,
			  size_t tokens)
{
	struct engine *e = engine_for(set, threads, 0);
	struct stream *s[CLIENTS];
	int64_t from = 0, to = INT64_MAX;
	size_t written = 0;

	warm_up(set, e);
	for (size_t i = 0; i < n; i++) {
		s[i] = stream_new(32, (uint32_t)tokens, i);
		fill(set, s[i]->ids, 32, i);
		stream_start(e, s[i]);
	}
	for (size_t i = 0; i < n; i++)
		stream_wait(s[i]);
	/* While all of them run. */
	for (size_t i = 0; i < n; i++) {
		from = MAX(from, s[i]->at_us[0]);
		to = MIN(to, s[i]->at_us[s[i]->n_out - 1]);
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < s[i]->n_out; j++)
			written += s[i]->at_us[j] > from && s[i]->at_us[j] <= to;
		free(s[i]);
	}
	engine_close(e);
	return (double)written * 1e6 / (double)(to - from);
}

static void bench_batch(const struct setting *set)
{
	double one = decode_rate(set, set->threads, 1, 48), all;

	all = decode_rate(set, set->threads, CLIENTS, 48);
	printf("batch: %.1f tokens/s for one sequence, %.1f for %d together: %.2f times\n", one,
	       all, CLIENTS, all / one);
}

static void bench_rss(const struct setting *set)
{
	struct engine *e = engine_for(set, set->threads, 4);
	struct stream *s[CLIENTS];
	struct stat st;
	long peak;

	for (size_t i = 0; i < CLIENTS; i++) {
		s[i] = stream_new(256, 256, i);
		fill(set, s[i]->ids, 256, i);
		stream_start(e, s[i]);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		stream_wait(s[i]);
		free(s[i]);
	}
	peak = status_kb("VmHWM");
	if (stat(set->path, &st) == 0)
		printf("rss: %d clients x 512 tokens: peak %.1f MB, %.1f MB beyond the file's %.1f "
		       "(now: anonymous %.1f MB, of files %.1f MB)\n",
		       CLIENTS, (double)peak / 1e3,
		       (double)peak / 1e3 - (double)st.st_size / 1.024e6,
		       (double)st.st_size / 1.024e6, (double)status_kb("RssAnon:") / 1e3,
		       (double)status_kb("RssFile:") / 1e3);
	engine_close(e);
}

static void bench_many(const struct setting *set)
{
	struct engine *e = engine_for(set, set->threads, 4);
	struct stream *s[CLIENTS];
	long early = 0, late;
	size_t n = 0;

	while (n < set->n_requests) {
		for (size_t i = 0; i < CLIENTS; i++, n++) {
			size_t len = 1 + n * 7 % 24;

			s[i] = stream_new(len, (uint32_t)(1 + n % 6), n % 5);
			fill(set, s[i]->ids, len, n);
			s[i]->r.sampling.temperature = n % 2 == 0 ? 0 : 1;
			stream_start(e, s[i]);
		}
		for (size_t i = 0; i < CLIENTS; i++) {
			stream_wait(s[i]);
			free(s[i]);
		}
		early = n < set->n_requests / 2 + CLIENTS ? status_kb("VmRSS:") : early;
	}
	late = status_kb("VmRSS:");
	printf("many: %zu requests: %.1f MB resident after half of them, %.1f MB after all\n", n,
	       (double)early / 1e3, (double)late / 1e3);
	engine_close(e);
}

static struct stream *continuation(const struct setting *set, const int32_t *ids, size_t n,
				   size_t tokens, uint32_t drafts, double *rate)
{
	struct engine *e = engine_for(set, set->threads, drafts);
	struct stream *s = stream_new(n, (uint32_t)tokens, 1);

	warm_up(set, e);
	memcpy(s->ids, ids, n * sizeof(*ids));
	stream_start(e, s);
	stream_wait(s);
	*rate = (double)(s->n_out - 1) * 1e6 / (double)(s->at_us[s->n_out - 1] - s->at_us[0]);
	engine_close(e);
	return s;
}

/* The model tells a story; then it is given the story and its beginning once more, to go on. */
static void bench_draft(const struct setting *set)
{
	size_t n = MIN((size_t)200, set->n_context / 3), start = MIN((size_t)20, n / 4);
	struct stream *story, *plain, *quick;
	int32_t ids[TOKENS_MAX];
	double rate, with;

	fill(set, ids, 1, 1);
	if (vocab_bos(set->vocab) >= 0)
		ids[0] = vocab_bos(set->vocab);
	story = continuation(set, ids, 1, n, 0, &rate);
	memcpy(ids + 1, story->out, n * sizeof(*ids));
	memcpy(ids + 1 + n, story->out, start * sizeof(*ids));
	plain = continuation(set, ids, 1 + n + start, n - start, 0, &rate);
	quick = continuation(set, ids, 1 + n + start, n - start, 8, &with);
	printf("draft: %.0f tokens/s without, %.0f with: %.2f times; %u drafted, %u of them taken; "
	       "the tokens are %s\n",
	       rate, with, with / rate, quick->usage.n_drafted, quick->usage.n_accepted,
	       plain->n_out == quick->n_out &&
			       memcmp(plain->out, quick->out, plain->n_out * sizeof(*ids)) == 0
		       ? "the same"
		       : "NOT THE SAME");
	free(story);
	free(plain);
	free(quick);
}

/* A process of its own that keeps a processor busy; pinned to the last that we may use. */
static pid_t keep_busy(void)
{
	pid_t pid = fork();
	cpu_set_t ours, one;
	volatile double x = 1;
	int last = 0;

	if (pid != 0)
		return pid;
	sched_getaffinity(0, sizeof(ours), &ours);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &ours))
			last = i;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (;;)
		x = x * 1.0000001;
}

static void bench_busy(const struct setting *set)
{
	struct ragd_err err = { 0 };
	struct threads *single;
	double one, beside;
	pid_t pid;

	if (threads_open(1, NULL, &single, &err) < 0)
		die("threads", &err);
	one = decode_rate(set, single, 1, 48);
	threads_close(single);
	pid = keep_busy();
	beside = decode_rate(set, set->threads, 1, 48);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	printf("busy: %.1f tokens/s with one thread; %.1f with %u while another process keeps a "
	       "processor busy: %.2f times\n",
	       one, beside, threads_n(set->threads), beside / one);
}

/* ---- the program ---------------------------------------------------------------------------- */

static const struct bench {
	const char *name;
	void (*run)(const struct setting *set);
} benches[] = {
	{ "rss", bench_rss },   { "cold", bench_cold },   { "seen", bench_seen },
	{ "gap", bench_gap },   { "batch", bench_batch }, { "draft", bench_draft },
	{ "busy", bench_busy }, { "many", bench_many },
};

static void open_model(struct setting *set)
{
	struct model_options o = { 0 };
	struct ragd_err err = { 0 };

	if (gguf_open(set->path, &set->gguf, &err) < 0 ||
	    vocab_open(set->gguf, &set->vocab, &err) < 0 ||
	    threads_open(set->n_threads, NULL, &set->threads, &err) < 0)
		die("open", &err);
	o.threads = set->threads;
	if (model_open(set->gguf, &o, &set->model, &err) < 0)
		die("model", &err);
	set->shape = model_shape(set->model);
	set->n_context = MIN(MIN(set->n_context, set->shape->n_context), (uint32_t)TOKENS_MAX);
	set->prompt = MIN(set->prompt, (size_t)set->n_context * 3 / 4);
	if (set->kv == KV_Q8_0 && set->shape->head_dim % 32 != 0)
		set->kv = KV_F16;
	printf("serve: %s, %u threads, kernels %s, KV cache of %s\n", set->path,
	       threads_n(set->threads), model_kernels(set->model)->name,
	       set->kv == KV_F16 ? "F16" : "Q8_0");
}

static void read_options(int argc, char **argv, struct setting *set)
{
	int c;

	while ((c = getopt(argc, argv, "m:t:c:p:k:n:")) != -1) {
		if (c == 'm')
			set->path = optarg;
		else if (c == 't')
			set->n_threads = (unsigned)atoi(optarg);
		else if (c == 'c')
			set->n_context = (uint32_t)atoi(optarg);
		else if (c == 'p')
			set->prompt = (size_t)atol(optarg);
		else if (c == 'k')
			set->kv = strcmp(optarg, "f16") == 0 ? KV_F16 : KV_Q8_0;
		else if (c == 'n')
			set->n_requests = (size_t)atol(optarg);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct setting set = {
		.path = getenv("RAGD_BENCH_MODEL"),
		.n_context = 4096,
		.prompt = 3000,
		.kv = KV_Q8_0,
		.n_requests = 2000,
	};

	read_options(argc, argv, &set);
	if (set.path == NULL) {
		printf("serve: no model; -m FILE or RAGD_BENCH_MODEL names one\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_model(&set);
	for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
		bool wanted = optind == argc;

		for (int j = optind; j < argc; j++)
			wanted = wanted || strcmp(argv[j], benches[i].name) == 0;
		if (wanted)
			benches[i].run(&set);
	}
	model_close(set.model);
	threads_close(set.threads);
	vocab_close(set.vocab);
	gguf_close(set.gguf);
	return 0;
}
