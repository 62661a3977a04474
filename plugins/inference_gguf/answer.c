/* One answer: the conversation as tokens, its request to the engine, and what comes back. */
#include "plugins/inference_gguf/llm.h"

#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/util.h"

#define TELL_EVERY_MS 100
#define PROMPT_PIECES (256 * 1024) /* bytes for the list of a prompt's pieces; texts are borrowed */

/* The engine's from answer_start() until answer_done_cb(). */
struct gguf_answer {
	struct llm *llm;
	const struct ragd_call *call;
	struct ragd_sink *sink;
	struct prompt prompt;
	int ended;       /* by us, with this code; 0: not */
	int64_t told_ms; /* when the metrics were last told, on the way */
};

/* ---- the prompt ------------------------------------------------------------------------------ */

static struct ragd_str text_of(const struct vocab *v, int32_t id)
{
	return id != TOKEN_NONE ? vocab_text(v, id) : (struct ragd_str){ NULL, 0 };
}

static void date_today(char *out, size_t room)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(out, room, "%d %b %Y", &tm);
}

/* A model without a template reads what was said, a blank line between. */
static int prompt_plain(const struct ragd_message *messages, size_t n, size_t n_configured,
			struct arena *arena, const struct vocab_piece **pieces, size_t *n_pieces)
{
	struct vocab_piece *p = arena_alloc(arena, 2 * n + 1, sizeof(*p));
	size_t count = 0;

	if (p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (messages[i].text.len == 0)
			continue;
		if (count > 0)
			p[count++] = (struct vocab_piece){ .text = RAGD_STR("\n\n"), .own = true };
		p[count++] = (struct vocab_piece){
			.text = messages[i].text,
			.n_configured = i == 0 ? MIN(n_configured, messages[i].text.len) : 0,
		};
	}
	*pieces = p;
	*n_pieces = count;
	return 0;
}

/* An end put behind the prompt would end the conversation before the answer. */
static int pieces_encode(const struct llm *l, const struct ragd_call *call,
			 const struct vocab_piece *pieces, size_t n, struct tokens *out,
			 struct ragd_err *err)
{
	int rc = vocab_encode_pieces_for(l->vocab, call, pieces, n, VOCAB_ENDS, out, err);

	if (rc == 0 && out->n > 1 && out->ids[out->n - 1] == vocab_eos(l->vocab))
		out->n--;
	return rc;
}

/*
 * How many tokens of the prompt the configuration decides alone: what the template writes before
 * anybody has said a word, and the configured beginning of the first text, encoded by themselves,
 * as far as the prompt begins with the same tokens. So whatever follows, these are always the same.
 */
static int configured_count(const struct llm *l, const struct vocab_piece *pieces, size_t n,
			    struct arena *arena, struct prompt *p, struct ragd_err *err)
{
	struct vocab_piece *head = arena_alloc(arena, n + 1, sizeof(*head));
	struct tokens alone = { 0 };
	size_t n_head = 0, same = 0;
	int rc;

	if (head == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the prompt");
	while (n_head < n && pieces[n_head].own) {
		head[n_head] = pieces[n_head];
		n_head++;
	}
	if (n_head < n && pieces[n_head].n_configured > 0) {
		head[n_head] = pieces[n_head];
		head[n_head].text.len = pieces[n_head].n_configured;
		n_head++;
	}
	rc = pieces_encode(l, NULL, head, n_head, &alone, err);
	while (same < MIN(alone.n, p->tokens.n) && alone.ids[same] == p->tokens.ids[same])
		same++;
	p->n_configured = same;
	tokens_fini(&alone);
	return rc;
}

int answer_prompt(const struct llm *l, const struct ragd_call *call,
		  const struct ragd_message *messages, size_t n, size_t n_configured,
		  struct prompt *out, struct ragd_err *err)
{
	struct arena *arena = arena_new(PROMPT_PIECES + n * 1024);
	const struct vocab_piece *pieces;
	struct chat_context ctx = { .generation_prompt = true,
				    .bos_is_added = l->adds_bos,
				    .merge_system = true,
				    .n_configured = n_configured };
	char date[32];
	size_t n_pieces;
	int rc;

	if (arena == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the prompt");
	date_today(date, sizeof(date));
	ctx.date = date;
	ctx.bos = text_of(l->vocab, vocab_bos(l->vocab));
	ctx.eos = text_of(l->vocab, vocab_eos(l->vocab));
	ctx.no_think = !l->think;
	if (l->chat != NULL)
		rc = chat_render(l->chat, &ctx, messages, n, arena, &pieces, &n_pieces, err);
	else if ((rc = prompt_plain(messages, n, n_configured, arena, &pieces, &n_pieces)) < 0)
		ragd_err_set(err, rc, "out of memory for the prompt");
	if (rc == 0)
		rc = pieces_encode(l, call, pieces, n_pieces, &out->tokens, err);
	if (rc == 0)
		rc = configured_count(l, pieces, n_pieces, arena, out, err);
	arena_free(arena);
	return rc;
}

uint64_t answer_client(const struct ragd_call *call)
{
	return call->caller != NULL ? call->caller->uid : ENGINE_NOBODY;
}

/* ---- what comes back ------------------------------------------------------------------------- */

static int answer_token_cb(void *arg, const struct engine_token *t)
{
	struct gguf_answer *a = arg;

	if (t->len > 0 && a->ended == 0)
		a->ended = a->sink->text(a->sink, t->text, t->len);
	if (clock_ms() - a->told_ms >= TELL_EVERY_MS) {
		a->told_ms = clock_ms();
		llm_tell(a->llm);
	}
	return a->ended;
}

static bool answer_cancelled_cb(void *arg)
{
	struct gguf_answer *a = arg;

	if (a->ended == 0 && a->call->cancelled(a->call))
		a->ended = -ECANCELED;
	if (a->ended == 0 && a->call->deadline_ms != 0 && clock_ms() > a->call->deadline_ms)
		a->ended = -ETIMEDOUT;
	return a->ended != 0;
}

static void answer_done_cb(void *arg, int rc, enum ragd_finish finish,
			   const struct engine_usage *usage, const struct ragd_err *err)
{
	struct gguf_answer *a = arg;
	struct ragd_usage u = { .size = sizeof(u) };
	struct ragd_err why = { 0 };

	if (usage != NULL) {
		u.n_prompt = usage->n_prompt;
		u.n_cached = usage->n_cached;
		u.n_output = usage->n_output;
	}
	llm_tell(a->llm);
	if (a->ended == -ENOBUFS) { /* the host takes no more: what it has is the answer */
		rc = 0;
		finish = RAGD_FINISH_LENGTH;
	} else if (a->ended == -ETIMEDOUT) {
		rc = ragd_err_set(&why, -ETIMEDOUT, "the deadline passed after %u tokens",
				  (unsigned)u.n_output);
		err = &why;
	}
	a->sink->done(a->sink, rc, finish, rc == 0 ? &u : NULL, rc < 0 ? err : NULL);
	tokens_fini(&a->prompt.tokens);
	free(a);
}

int answer_start(struct llm *l, const struct ragd_call *call, const struct ragd_generate *req,
		 struct ragd_sink *sink, struct ragd_err *err)
{
	const struct ragd_sampling *s = req->sampling;
	struct gguf_answer *a = calloc(1, sizeof(*a));
	struct engine_request r;
	int rc;

	if (a == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an answer");
	*a = (struct gguf_answer){ .llm = l, .call = call, .sink = sink };
	rc = answer_prompt(l, call, req->messages, req->n_messages, req->n_configured, &a->prompt,
			   err);
	if (rc == 0) {
		r = (struct engine_request){
			.ids = a->prompt.tokens.ids,
			.n = a->prompt.tokens.n,
			.n_configured = a->prompt.n_configured,
			.client = answer_client(call),
			.max_tokens = s->max_tokens > 0 ? s->max_tokens : l->max_tokens,
			.sampling = { .temperature = s->temperature,
				      .top_p = s->top_p > 0 ? s->top_p : 1,
				      .min_p = s->min_p,
				      .top_k = s->top_k,
				      .seed = s->seed,
				      .repeat_penalty = l->repeat_penalty,
				      .presence_penalty = s->presence_penalty,
				      .frequency_penalty = s->frequency_penalty,
				      .bias = s->bias,
				      .n_bias = s->n_bias },
			.stop = s->stop,
			.n_stop = s->n_stop,
			.arg = a,
			.token = answer_token_cb,
			.cancelled = answer_cancelled_cb,
			.done = answer_done_cb,
		};
		rc = engine_submit(l->engine, &r, err);
	}
	if (rc < 0) {
		tokens_fini(&a->prompt.tokens);
		free(a);
	}
	return rc;
}
