/*
 * Answers "Four threads.", or as its question asks; its vectors and its card go wrong in the same
 * way.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define KEY "model="
#include "hostile.h"

static void card(void *self, struct ragd_card *out)
{
	const char *mode = ragd_config_get(self, "card")->s;

	RAGD_FILL(out, .name = "hostile");
	if (IS("no_name"))
		out->name = NULL;
	if (IS("bytes"))
		out->family = NOT_UTF8;
	if (IS("endless"))
		out->summary = endless;
	if (IS("number"))
		out->n_parameters = UINT64_MAX;
}

/* ---- what comes after the end, from threads of its own ---- */

#define N_LATE 8

struct late {
	struct ragd_sink *sink;
	bool text;
};

static atomic_int n_late;   /* threads; close waits for them */
static atomic_bool is_shut; /* what they wait for: the answer may not be over yet */

static void *late_main(void *arg)
{
	static const struct ragd_usage usage = { sizeof(usage), 5, 0, 2 };
	struct late *l = arg;

	while (atomic_load(&is_shut))
		usleep(1000);
	if (l->text)
		l->sink->text(l->sink, "Too late.", 9);
	l->sink->done(l->sink, 0, RAGD_FINISH_STOP, &usage, NULL);
	free(l);
	atomic_fetch_sub(&n_late, 1);
	return NULL;
}

static void late(struct ragd_sink *sink, bool text)
{
	for (int i = 0; i < N_LATE; i++) {
		struct late *l = malloc(sizeof(*l));
		pthread_t id;

		if (l == NULL)
			abort();
		*l = (struct late){ sink, text };
		atomic_fetch_add(&n_late, 1);
		if (pthread_create(&id, NULL, late_main, l) != 0)
			abort();
		pthread_detach(id);
	}
}

static void close_(void *self)
{
	atomic_store(&is_shut, false);
	while (atomic_load(&n_late) > 0)
		usleep(1000);
	hostile_close(self);
}

static int generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
		    struct ragd_sink *sink, struct ragd_err *err)
{
	struct ragd_usage usage = { sizeof(usage), 5, 0, 2 };
	struct ragd_err why = { .code = -EIO };
	enum ragd_finish finish = RAGD_FINISH_STOP;
	char mode[MODE_LEN];
	int rc = 0;

	(void)self;
	(void)call;
	mode_of(req->question, mode);
	if (IS("late_now"))
		atomic_store(&is_shut, false);
	if (IS("error_later")) {
		atomic_store(&is_shut, true);
		late(sink, true);
		return ragd_err_set(err, -EIO, "no answer today");
	}
	if (IS("positive"))
		return EIO;
	if (IS("huge_errno"))
		return -70000;
	sink->text(sink, "Four threads.", 13);
	if (IS("done_at_once")) {
		late(sink, false);
		return 0;
	}
	if (IS("text_bytes"))
		sink->text(sink, NOT_UTF8, 3);
	if (IS("text_cut"))
		sink->text(sink, "\xc3", 1);
	if (IS("text_missing"))
		sink->text(sink, NULL, 40);
	if (IS("finish"))
		finish = (enum ragd_finish)77;
	if (IS("finish_negative"))
		finish = (enum ragd_finish) - 5;
	if (IS("usage"))
		usage.n_cached = 9;
	if (IS("done_positive"))
		rc = EIO;
	if (IS("done_endless") || IS("done_mute"))
		rc = -EIO;
	if (IS("done_endless"))
		memset(why.msg, 'x', sizeof(why.msg));
	sink->done(sink, rc, finish, IS("done_bare") ? NULL : &usage,
		   IS("done_endless") ? &why : NULL);
	if (IS("done_twice"))
		sink->done(sink, 0, RAGD_FINISH_STOP, &usage, NULL);
	if (IS("done_later")) {
		atomic_store(&is_shut, true);
		late(sink, true);
	}
	if (IS("text_late"))
		sink->text(sink, "Too late.", 9);
	return IS("done_and_positive") ? EIO : 0;
}

static int embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		 struct ragd_embeddings *out, struct ragd_err *err)
{
	float *v = call->alloc(call, req->n * 4, sizeof(*v));
	char mode[MODE_LEN];

	(void)self;
	(void)err;
	mode_of(req->texts[0], mode);
	for (size_t i = 0; i < req->n * 4; i++)
		v[i] = 0.5f;
	if (IS("nan"))
		v[req->n * 4 - 1] = NAN;
	if (IS("infinite"))
		v[0] = INFINITY;
	if (IS("zero"))
		memset(v, 0, 4 * sizeof(*v));
	if (IS("long"))
		v[req->n * 4 - 1] = 0.6f;
	RAGD_FILL(out, .values = IS("vectors_missing") ? NULL : v,
		  .dim = IS("dim_none")   ? 0
			 : IS("dim_huge") ? UINT32_MAX
					  : 4);
	return IS("positive") ? EIO : 0;
}

static int score(void *self, const struct ragd_call *call, struct ragd_str prompt,
		 const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		 struct ragd_err *err)
{
	char mode[MODE_LEN];

	(void)self;
	(void)call;
	(void)continuations;
	(void)err;
	mode_of(prompt, mode);
	for (size_t i = IS("left_out") ? 1 : 0; i < n; i++)
		out[i].logprob = IS("nan") ? NAN : -1;
	return IS("positive") ? EIO : 0;
}

static int rerank(void *self, const struct ragd_call *call, const struct ragd_rerank *req,
		  double *scores, struct ragd_err *err)
{
	char mode[MODE_LEN];

	(void)self;
	(void)call;
	(void)err;
	mode_of(req->query, mode);
	for (size_t i = IS("left_out") ? 1 : 0; i < req->n; i++)
		scores[i] = IS("nan") ? NAN : IS("infinite") ? INFINITY : 2;
	return IS("positive") ? EIO : 0;
}

static const struct ragd_inference_ops ops = { .size = sizeof(struct ragd_inference_ops),
					       .card = card,
					       .generate = generate,
					       .embed = embed,
					       .score = score,
					       .rerank = rerank };

static const struct ragd_option options[] = {
	{ "card", RAGD_OPT_CHOICE, "fine", 0, 0, "fine|no_name|bytes|endless|number",
	  "What its card says.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "hostile_inference",
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "An inference that returns what it should not",
	.options = options,
	.open = hostile_open,
	.close = close_,
	.ops = { .inference = &ops },
};
