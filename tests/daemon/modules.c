/*
 * Small modules for the daemon's own tests, built once for each VARIANT into VARIANT.so. Those with
 * the names of the default plugins let the built-in configuration be tested without what the real
 * ones need; `sample` has an option of each type, `clash` one with a name that is the daemon's.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <ragd/plugin.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#define IS(x)      (VARIANT == x)

enum {
	inference_extract,
	inference_gguf,
	retrieval_hybrid,
	safety_basic,
	safety_grounding,
	sample,
	clash
};

#define COLLECTIONS_MAX 8

/* One instance; only the retrieval module keeps anything, the collections it was told of. */
struct self {
	struct ragd_collection list[COLLECTIONS_MAX];
	char names[COLLECTIONS_MAX][65];
	size_t n;
};

static int open_(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		 struct ragd_err *err)
{
	const struct ragd_value *text = ragd_config_get(cfg, "text");
	const struct ragd_value *wait = ragd_config_get(cfg, "file");
	char byte;
	int fd;

	if (text != NULL && strcmp(text->s, "does not open") == 0)
		return ragd_err_set(err, -EIO, "the sample was told not to open");
	/* Opens as soon as somebody has written into this FIFO. */
	if (wait != NULL && wait->s[0] != '\0') {
		host->progress(host, 0.25, "waiting for somebody to write");
		fd = open(wait->s, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return ragd_err_sys(err, "open '%s'", wait->s);
		if (read(fd, &byte, 1) < 0)
			byte = 0;
		close(fd);
	}
	*self = calloc(1, sizeof(struct self));
	return *self != NULL ? 0 : -ENOMEM;
}

static void close_(void *self)
{
	free(self);
}

static int check_(const struct ragd_config *cfg, struct ragd_err *err)
{
	if (ragd_config_get(cfg, "number")->i == 13)
		return ragd_err_set(err, -EINVAL, "number = 13 does not go with anything");
	return 0;
}

static void card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(out, .name = "test");
}

/* The question "wait for PATH" is answered once there is something in that FIFO. */
static int wait_for(const struct ragd_call *call, struct ragd_str question, struct ragd_err *err)
{
	char path[256];
	struct pollfd p = { .events = POLLIN };
	int n = 0;

	if (question.len < 9 || memcmp(question.s, "wait for ", 9) != 0)
		return 0;
	snprintf(path, sizeof(path), "%.*s", (int)question.len - 9, question.s + 9);
	p.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p.fd < 0)
		return ragd_err_sys(err, "open '%s'", path);
	while (n == 0 && !call->cancelled(call))
		n = poll(&p, 1, 10);
	close(p.fd);
	return n > 0 ? 0 : ragd_err_set(err, -ECANCELED, "nobody waits any more");
}

static int generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
		    struct ragd_sink *sink, struct ragd_err *err)
{
	const struct ragd_usage usage = { sizeof(usage), 0, 0, 1 };
	int rc = wait_for(call, req->question, err);

	(void)self;
	if (rc < 0)
		return rc;
	sink->text(sink, "Yes.", 4);
	sink->done(sink, 0, RAGD_FINISH_STOP, &usage, NULL);
	return 0;
}

static const struct ragd_inference_ops inference = { .size = sizeof(struct ragd_inference_ops),
						     .card = card,
						     .generate = generate };

static int collection_put(void *self, const struct ragd_call *call, const struct ragd_collection *c,
			  bool *created, struct ragd_err *err)
{
	struct self *s = self;

	(void)call;
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->names[i], c->name) == 0)
			return ragd_err_set(err, -EEXIST, "made twice");
	if (s->n == COLLECTIONS_MAX)
		return ragd_err_set(err, -ENOSPC, "no more than %d collections", COLLECTIONS_MAX);
	snprintf(s->names[s->n], sizeof(s->names[0]), "%s", c->name);
	s->list[s->n] = *c;
	s->list[s->n].name = s->names[s->n];
	s->n++;
	*created = true;
	return 0;
}

static int collections(void *self, const struct ragd_call *call, const struct ragd_collection **out,
		       size_t *n, struct ragd_err *err)
{
	struct self *s = self;

	(void)call;
	(void)err;
	*out = s->list;
	*n = s->n;
	return 0;
}

static int no_collection(void *self, const struct ragd_call *call, const char *name,
			 struct ragd_err *err)
{
	(void)self;
	(void)call;
	return ragd_err_set(err, -ENOENT, "no collection '%s'", name);
}

static int put(void *self, const struct ragd_call *call, const char *collection,
	       const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
	       struct ragd_err *err)
{
	(void)docs;
	(void)n;
	(void)results;
	return no_collection(self, call, collection, err);
}

static int remove_(void *self, const struct ragd_call *call, const char *collection,
		   struct ragd_str id, struct ragd_err *err)
{
	(void)id;
	return no_collection(self, call, collection, err);
}

static int list(void *self, const struct ragd_call *call, const char *collection,
		struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		size_t *n, struct ragd_err *err)
{
	(void)after;
	(void)limit;
	(void)out;
	(void)n;
	return no_collection(self, call, collection, err);
}

static int get(void *self, const struct ragd_call *call, const char *collection, struct ragd_str id,
	       struct ragd_document_info *info, struct ragd_str *content, struct ragd_err *err)
{
	(void)id;
	(void)info;
	(void)content;
	return no_collection(self, call, collection, err);
}

static int search(void *self, const struct ragd_call *call, const struct ragd_query *query,
		  const struct ragd_hit **hits, size_t *n, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)query;
	(void)err;
	*hits = NULL;
	*n = 0;
	return 0;
}

static void stats(void *self, const struct ragd_caller *caller, struct ragd_retrieval_stats *out)
{
	(void)caller;
	RAGD_FILL(out, .n_collections = ((struct self *)self)->n);
}

static const struct ragd_retrieval_ops retrieval = {
	.size = sizeof(struct ragd_retrieval_ops),
	.collection_put = collection_put,
	.collection_remove = no_collection,
	.collections = collections,
	.put = put,
	.remove = remove_,
	.list = list,
	.get = get,
	.search = search,
	.stats = stats,
};

static size_t holdback(void *self)
{
	(void)self;
	return 0;
}

static int check_text(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		      struct ragd_verdict *out, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)screen;
	(void)err;
	RAGD_FILL(out, .action = RAGD_ALLOW);
	return 0;
}

static const struct ragd_safety_ops safety = {
	.size = sizeof(struct ragd_safety_ops),
	.traits = IS(safety_grounding) ? RAGD_SAFETY_GROUNDS : 0,
	.stages = 1u << RAGD_STAGE_RESPONSE,
	.holdback = holdback,
	.check = check_text,
};

static const struct ragd_option sample_options[] = {
	{ "flag", RAGD_OPT_BOOL, "no", 0, 0, NULL, "A flag.", true },
	{ "number", RAGD_OPT_INT, "4", 1, 64, NULL, "A number, but for 13.", true },
	{ "part", RAGD_OPT_FLOAT, "0.5", 0, 1, NULL, "A part.", true },
	{ "size", RAGD_OPT_SIZE, "64 KiB", 0, 0, NULL, "A size.", true },
	{ "wait", RAGD_OPT_DURATION, "5 s", 0, 0, NULL, "A time.", true },
	{ "text", RAGD_OPT_STRING, NULL, 0, 0, NULL, "A text.", false },
	{ "file", RAGD_OPT_PATH, "", 0, 0, NULL, "A FIFO to read before it opens.", false },
	{ "shade", RAGD_OPT_CHOICE, "dark", 0, 0, "light|dark", "A choice.", true },
	{ "words", RAGD_OPT_LIST, "a, b", 0, 0, NULL, "A list.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_option model_options[] = {
	{ "model", RAGD_OPT_PATH, "", 0, 0, NULL, "A file.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_option search_options[] = {
	{ "embedder", RAGD_OPT_PLUGIN, "", 0, 0, NULL, "A plugin.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_option clash_options[] = {
	{ "deadline", RAGD_OPT_BOOL, "no", 0, 0, NULL, "Has the name of an option of ragd.",
	  false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = IS(inference_extract) || IS(inference_gguf) ? RAGD_KIND_INFERENCE
		: IS(retrieval_hybrid)                      ? RAGD_KIND_RETRIEVAL
							    : RAGD_KIND_SAFETY,
	.name = STRING(VARIANT),
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "A module for tests",
	.options = IS(inference_gguf)     ? model_options
		   : IS(retrieval_hybrid) ? search_options
		   : IS(sample)           ? sample_options
		   : IS(clash)            ? clash_options
					  : NULL,
	.check = IS(sample) ? check_ : NULL,
	.open = open_,
	.close = close_,
	.ops = { .inference = IS(inference_extract) || IS(inference_gguf) ? (const void *)&inference
			      : IS(retrieval_hybrid)                      ? (const void *)&retrieval
									  : (const void *)&safety },
};
