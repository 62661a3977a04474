/* ragd-model generate: a prompt in, what the model makes of it out. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/serve/engine.h"
#include "tools/model/prompt.h"
#include "tools/model/tool.h"

#define TOKENS_DEFAULT 256

static const struct args_opt opts[] = {
	{ .letter = 'p',
	  .name = "prompt",
	  .arg = "TEXT",
	  .help = "the prompt (default: standard input)",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct model_args, prompt) },
	{ .letter = 'n',
	  .name = "tokens",
	  .arg = "N",
	  .help = "how many tokens at most (default: 256)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, n),
	  .min = 1,
	  .max = 1 << 24 },
	{ .name = "temp",
	  .arg = "T",
	  .help = "the temperature (default: 0, always the likeliest token)",
	  .type = ARGS_REAL,
	  .offset = offsetof(struct model_args, temp),
	  .min = 0,
	  .max = 100 },
	{ .name = "top-k",
	  .arg = "K",
	  .help = "sample from the K likeliest tokens (default: 0, from all)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, top_k),
	  .min = 0,
	  .max = 1 << 20 },
	{ .name = "top-p",
	  .arg = "P",
	  .help = "sample from the likeliest tokens whose probabilities add up to P (default: 1, "
		  "from all)",
	  .type = ARGS_REAL,
	  .offset = offsetof(struct model_args, top_p),
	  .min = 1e-6,
	  .max = 1 },
	{ .name = "min-p",
	  .arg = "P",
	  .help = "sample from tokens with at least P times the probability of the likeliest "
		  "(default: 0, from all)",
	  .type = ARGS_REAL,
	  .offset = offsetof(struct model_args, min_p),
	  .min = 0,
	  .max = 0.999999 },
	{ .name = "repeat-penalty",
	  .arg = "F",
	  .help = "make tokens that have occurred less likely by this factor (default: 1, off)",
	  .type = ARGS_REAL,
	  .offset = offsetof(struct model_args, repeat),
	  .min = 0.01,
	  .max = 100 },
	{ .name = "seed",
	  .arg = "N",
	  .help = "the seed for sampling: the same seed gives the same text (default: 0)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, seed),
	  .min = 0,
	  .max = 9007199254740992.0 },
	{ .name = "chat",
	  .help = "take the prompt as a question, and wrap it in the file's chat template",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, chat) },
	{ .name = "system",
	  .arg = "TEXT",
	  .help = "with --chat: a system message",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct model_args, system) },
	{ .name = "special",
	  .help = "control tokens named in the prompt become those tokens, for a prompt in the "
		  "form of a template",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct model_args, special) },
	{ .name = "draft",
	  .arg = "N",
	  .help = "how many tokens to draft from the prompt at a time: the same text, sooner "
		  "(default: 8; 0: off)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, draft),
	  .min = 0,
	  .max = 64 },
	{ .name = NULL },
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* One request, waited for. */
struct generated_text {
	bool stream; /* to stdout as it comes */
	struct buf text;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ended;
	int rc;
	enum ragd_finish finish;
	struct engine_usage usage;
	struct ragd_err err;
};

static int token_cb(void *arg, const struct engine_token *t)
{
	struct generated_text *a = arg;

	if (!a->stream) {
		buf_add(&a->text, t->text, t->len);
		return 0;
	}
	fwrite(t->text, 1, t->len, stdout);
	return fflush(stdout) != 0; /* nobody reads any more */
}

static bool cancelled_cb(void *arg)
{
	(void)arg;
	return interrupted;
}

static void done_cb(void *arg, int rc, enum ragd_finish finish, const struct engine_usage *usage,
		    const struct ragd_err *err)
{
	struct generated_text *a = arg;

	pthread_mutex_lock(&a->lock);
	a->rc = rc;
	a->finish = finish;
	if (usage != NULL)
		a->usage = *usage;
	if (rc < 0 && err != NULL)
		a->err = *err;
	a->ended = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

static void answer_await(struct generated_text *a)
{
	pthread_mutex_lock(&a->lock);
	while (!a->ended)
		pthread_cond_wait(&a->wake, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

static int engine_start(const struct model_args *a, const struct loaded *l, size_t n_prompt,
			uint32_t n_tokens, struct engine **out, struct ragd_err *err)
{
	uint64_t want = (uint64_t)n_prompt + n_tokens + 1;
	struct engine_options opt = {
		.model = l->model,
		.vocab = l->vocab,
		.threads = l->threads,
		.kv = l->kv,
		.n_context = (uint32_t)MIN(want, (uint64_t)l->shape->n_context),
		.max_active = 1,
		.draft_tokens = (uint32_t)a->draft,
	};

	opt.cache_bytes = ((size_t)opt.n_context / KV_PAGE + 2) * model_page_bytes(l->model, l->kv);
	return load_engine(&opt, out, err);
}

static int print_json(const struct generated_text *a, double seconds)
{
	static const char *const ends[] = {
		[RAGD_FINISH_STOP] = "stop",
		[RAGD_FINISH_LENGTH] = "length",
	};
	const struct engine_usage *u = &a->usage;

	return tool_print_json(
		json_pack("{s:o,s:s,s:I,s:I,s:I,s:I,s:f,s:f}", "text",
			  tool_json_text(a->text.data != NULL ? a->text.data : "", a->text.len),
			  "finish", ends[a->finish], "prompt_tokens", (json_int_t)u->n_prompt,
			  "tokens", (json_int_t)u->n_output, "drafted", (json_int_t)u->n_drafted,
			  "accepted", (json_int_t)u->n_accepted, "first_ms",
			  (double)u->first_us / 1e3, "seconds", seconds));
}

static int generate_text(const struct model_args *a, struct engine *e, const struct tokens *prompt,
			 uint32_t n_tokens, struct generated_text *answer, struct ragd_err *err)
{
	struct engine_request r = {
		.ids = prompt->ids,
		.n = prompt->n,
		.max_tokens = n_tokens,
		.sampling = { .temperature = (float)a->temp,
			      .top_p = (float)a->top_p,
			      .min_p = (float)a->min_p,
			      .top_k = (uint32_t)a->top_k,
			      .seed = (uint64_t)a->seed,
			      .repeat_penalty = (float)a->repeat },
		.arg = answer,
		.token = token_cb,
		.cancelled = cancelled_cb,
		.done = done_cb,
	};
	int rc = engine_submit(e, &r, err);

	if (rc < 0)
		return rc;
	answer_await(answer);
	if (answer->rc < 0) {
		*err = answer->err;
		return answer->rc;
	}
	return 0;
}

static int read_prompt(const struct model_args *a, const struct loaded *l, struct tokens *out,
		       struct ragd_err *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	if (a->prompt != NULL)
		buf_adds(&text, a->prompt);
	else
		rc = tool_stdin(&text, err);
	if (rc == 0 && a->chat)
		rc = prompt_chat(l, a->system, buf_str(&text), out, err);
	else if (rc == 0)
		rc = prompt_text(l, buf_str(&text), a->special, out, err);
	if (rc == 0 && out->n == 0)
		rc = ragd_err_set(err, -EINVAL, "generate: the prompt is empty");
	buf_fini(&text);
	return rc;
}

static int generate_run(const struct model_args *a)
{
	struct generated_text answer = { .stream = !a->json,
					 .lock = PTHREAD_MUTEX_INITIALIZER,
					 .wake = PTHREAD_COND_INITIALIZER };
	uint32_t n_tokens = a->n > 0 ? (uint32_t)a->n : TOKENS_DEFAULT;
	struct tokens prompt = { .ids = NULL };
	struct engine *engine = NULL;
	struct ragd_err err = { 0 };
	struct loaded l;
	int64_t start;
	int rc;

	if (a->system != NULL && !a->chat)
		return tool_usage("generate: --system is for --chat");
	rc = load_open(a, &l, &err);
	if (rc == 0)
		rc = load_needs_causal(&l, "generate", &err);
	if (rc == 0)
		rc = read_prompt(a, &l, &prompt, &err);
	if (rc == 0)
		rc = engine_start(a, &l, prompt.n, n_tokens, &engine, &err);
	signal(SIGINT, on_interrupt); /* the text so far stays, the terminal too */
	start = clock_ms();
	if (rc == 0)
		rc = generate_text(a, engine, &prompt, n_tokens, &answer, &err);
	if (answer.stream && answer.usage.n_output > 0)
		putchar('\n');
	if (rc < 0)
		rc = tool_fail(&err);
	else if (a->json)
		rc = print_json(&answer, (double)(clock_ms() - start) / 1e3);
	engine_close(engine);
	buf_fini(&answer.text);
	tokens_fini(&prompt);
	load_close(&l);
	return rc;
}

const struct model_command generate_command = {
	.args = { .name = "generate",
		  .usage = "-m FILE <PROMPT",
		  .summary = "continue a prompt, or answer a question",
		  .opts = opts,
		  .shared = true },
	.run = generate_run,
};
