/* One answer: the conversation as tokens, its request to the engine, and what comes back. */
#include "plugins/inference_gguf/llm.h"

#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/util.h"

#define TELL_EVERY_MS 100
#define PROMPT_PIECES (256 * 1024) /* bytes for the list of a prompt's pieces; texts are borrowed */

/* The engine's from answer_start() until finished(). */
struct answer {
	struct llm *llm;
	const struct ragd_call *call;
	struct ragd_sink *sink;
	struct tokens prompt;
	int ended;       /* by us, with this code; 0: not */
	int64_t told_ms; /* when the metrics were last told, on the way */
};

/* ---- the prompt --------------------------------------------------------------------------------- */

static struct ragd_str text_of(const struct vocab *v, int32_t id)
{
	return id != TOKEN_NONE ? vocab_text(v, id) : (struct ragd_str){ NULL, 0 };
}

static void today(char *out, size_t room)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(out, room, "%d %b %Y", &tm);
}

/* A model without a template reads what was said, a blank line between. */
static int prompt_plain(const struct ragd_message *messages, size_t n, struct arena *arena,
			const struct vocab_piece **pieces, size_t *n_pieces)
{
	struct vocab_piece *p = arena_alloc(arena, 2 * n + 1, sizeof(*p));
	size_t count = 0;

	if (p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (messages[i].text.len == 0)
			continue;
		if (count > 0)
			p[count++] = (struct vocab_piece){ RAGD_STR("\n\n"), true };
		p[count++] = (struct vocab_piece){ messages[i].text, false };
	}
	*pieces = p;
	*n_pieces = count;
	return 0;
}

int answer_prompt(const struct llm *l, const struct ragd_message *messages, size_t n,
		  struct tokens *out, struct ragd_err *err)
{
	struct arena *arena = arena_new(PROMPT_PIECES + n * 1024);
	const struct vocab_piece *pieces;
	struct chat_context ctx = { .generation_prompt = true,
				    .bos_is_added = l->adds_bos,
				    .merge_system = true };
	char date[32];
	size_t n_pieces;
	int rc;

	if (arena == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the prompt");
	today(date, sizeof(date));
	ctx.date = date;
	ctx.bos = text_of(l->vocab, vocab_bos(l->vocab));
	ctx.eos = text_of(l->vocab, vocab_eos(l->vocab));
	ctx.no_think = !l->think;
	if (l->chat != NULL)
		rc = chat_render(l->chat, &ctx, messages, n, arena, &pieces, &n_pieces, err);
	else if ((rc = prompt_plain(messages, n, arena, &pieces, &n_pieces)) < 0)
		ragd_err_set(err, rc, "out of memory for the prompt");
	if (rc == 0)
		rc = vocab_encode_pieces(l->vocab, pieces, n_pieces, VOCAB_ENDS, out, err);
	/* An end put behind the prompt would end the conversation before the answer. */
	if (rc == 0 && out->n > 1 && out->ids[out->n - 1] == vocab_eos(l->vocab))
		out->n--;
	arena_free(arena);
	return rc;
}

/* ---- what comes back ------------------------------------------------------------------------------- */

static int token(void *arg, const struct engine_token *t)
{
	struct answer *a = arg;

	if (t->len > 0 && a->ended == 0)
		a->ended = a->sink->text(a->sink, t->text, t->len);
	if (clock_ms() - a->told_ms >= TELL_EVERY_MS) {
		a->told_ms = clock_ms();
		llm_tell(a->llm);
	}
	return a->ended;
}

static bool cancelled(void *arg)
{
	struct answer *a = arg;

	if (a->ended == 0 && a->call->cancelled(a->call))
		a->ended = -ECANCELED;
	if (a->ended == 0 && a->call->deadline_ms != 0 && clock_ms() > a->call->deadline_ms)
		a->ended = -ETIMEDOUT;
	return a->ended != 0;
}

static void finished(void *arg, int rc, enum ragd_finish finish, const struct engine_usage *usage,
		     const struct ragd_err *err)
{
	struct answer *a = arg;
	struct ragd_usage u = { 0 };
	struct ragd_err why = { 0 };

	if (usage != NULL)
		u = (struct ragd_usage){ usage->n_prompt, usage->n_cached, usage->n_output };
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
	tokens_fini(&a->prompt);
	free(a);
}

int answer_start(struct llm *l, const struct ragd_call *call, const struct ragd_generate *req,
		 struct ragd_sink *sink, struct ragd_err *err)
{
	const struct ragd_sampling *s = &req->sampling;
	struct answer *a = calloc(1, sizeof(*a));
	struct engine_request r;
	int rc;

	if (a == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for an answer");
	*a = (struct answer){ .llm = l, .call = call, .sink = sink };
	rc = answer_prompt(l, req->messages, req->n_messages, &a->prompt, err);
	if (rc == 0) {
		r = (struct engine_request){
			.ids = a->prompt.ids,
			.n = a->prompt.n,
			.client = call->caller != NULL ? call->caller->uid : 0,
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
			.token = token,
			.cancelled = cancelled,
			.done = finished,
		};
		rc = engine_submit(l->engine, &r, err);
	}
	if (rc < 0) {
		tokens_fini(&a->prompt);
		free(a);
	}
	return rc;
}
