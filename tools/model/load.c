#include "tools/model/load.h"

#include <string.h>

#include "base/clock.h"
#include "engine/model/memory.h"

static int load_kernels(const struct model_args *a, const struct kernels **out,
			struct ragd_err *err)
{
	*out = kernels_choose(a->kernel);
	if (*out == NULL)
		return ragd_err_set(err, -ENOTSUP, "kernels '%s': this processor cannot run them",
				    a->kernel);
	return 0;
}

/*
 * Before a weight is packed: a model that does not fit would bring the machine to a halt, not fail.
 */
static int check_weights(const struct gguf *g, const struct kernels *k, struct ragd_err *err)
{
	struct memory_plan plan = { 0 };
	struct model *outline;
	int rc = model_outline(g, k, &outline, err);

	if (rc < 0)
		return rc;
	plan.weights = model_shape(outline)->weight_bytes + model_shape(outline)->table_bytes;
	model_close(outline);
	return memory_check(&plan, memory_available(), 0, err);
}

int load_fits(uint64_t cache, uint64_t scratch, struct ragd_err *err)
{
	struct memory_plan plan = { .cache = cache, .scratch = scratch };

	return memory_check(&plan, memory_available(), 0, err);
}

int load_engine(const struct engine_options *opt, struct engine **out, struct ragd_err *err)
{
	size_t cache = model_shape(opt->model)->causal ? opt->cache_bytes : 0;
	int rc = load_fits(cache, engine_plan(opt) - cache, err);

	return rc < 0 ? rc : engine_open(opt, out, err);
}

int load_open(const struct model_args *a, struct loaded *l, struct ragd_err *err)
{
	struct model_options opt = { .huge_pages = true };
	int64_t start = clock_ms();
	int rc;

	memset(l, 0, sizeof(*l));
	l->kv = a->kv != NULL && strcmp(a->kv, "q8_0") == 0 ? KV_Q8_0 : KV_F16;
	rc = load_kernels(a, &opt.kernels, err);
	if (rc == 0)
		rc = gguf_open(a->model, &l->gguf, err);
	if (rc == 0)
		rc = vocab_open(l->gguf, &l->vocab, err);
	if (rc == 0)
		rc = threads_open((unsigned)a->n_threads, a->cpus, &l->threads, err);
	opt.threads = l->threads;
	if (rc == 0)
		rc = check_weights(l->gguf, opt.kernels, err);
	if (rc == 0)
		rc = model_open(l->gguf, &opt, &l->model, err);
	if (rc < 0)
		return rc;
	l->shape = model_shape(l->model);
	l->seconds = (double)(clock_ms() - start) / 1e3;
	return 0;
}

void load_close(struct loaded *l)
{
	model_close(l->model);
	threads_close(l->threads);
	vocab_close(l->vocab);
	gguf_close(l->gguf);
}

int load_needs_causal(const struct loaded *l, const char *command, struct ragd_err *err)
{
	if (l->shape->causal)
		return 0;
	return ragd_err_set(err, -ENOTSUP, "%s: a %s model is for embeddings and writes no text",
			    command, l->shape->architecture);
}

size_t load_bos(const struct loaded *l, int32_t *id)
{
	struct tokens t = { .ids = NULL };
	size_t n = 0;

	/* What stands at the ends of an empty text. */
	if (vocab_encode(l->vocab, (struct ragd_str){ NULL, 0 }, VOCAB_ENDS, &t, NULL) == 0 &&
	    t.n > 0 && t.ids[0] == vocab_bos(l->vocab)) {
		*id = t.ids[0];
		n = 1;
	}
	tokens_fini(&t);
	return n;
}
