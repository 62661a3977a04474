/*
 * Plugins whose calls do not come back, built once for each VARIANT: a filter, a search and a model
 * that are stuck on a text with a certain word in it, for as long as the file of the option `while`
 * exists. Whatever the deadline says and whoever cancels. /metrics counts their calls.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ragd/plugin.h>

#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#define IS(x)      (VARIANT == x)

enum { stuck_filter, stuck_search, stuck_model };

struct self {
	const struct ragd_host *host;
	const char *file;
	bool whole;
};

static int open_(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		 struct ragd_err *err)
{
	struct self *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	s->host = host;
	s->file = ragd_config_get(cfg, "while")->s;
	*self = s;
	return 0;
}

static void close_(void *self)
{
	free(self);
}

/* What the call returns: 1, which no plugin may, if it was stuck: nobody looks at that. */
static int work(struct self *s, struct ragd_str text, const char *word)
{
	int rc = 0;

	s->host->count(s->host, "calls", 1);
	if (text.len == 0 || memmem(text.s, text.len, word, strlen(word)) == NULL)
		return 0;
	for (; access(s->file, F_OK) == 0; rc = 1)
		usleep(1000);
	return rc;
}

/* ---- the filter: "hang" in prompts, "stick" in documents and answers, ---- */
/* ---- "open" where a stream begins, "shut" where it ends               ---- */

struct stream {
	struct self *self;
	bool shut;
};

static int check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		 struct ragd_verdict *out, struct ragd_err *err)
{
	(void)call;
	(void)err;
	RAGD_FILL(out, .action = RAGD_ALLOW);
	return work(self, screen->text, screen->stage == RAGD_STAGE_PROMPT ? "hang" : "stick");
}

static size_t holdback(void *self)
{
	(void)self;
	return 0;
}

static int stream_open(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		       void **stream, struct ragd_err *err)
{
	struct ragd_str question = screen->question;
	struct stream *st = calloc(1, sizeof(*st));

	(void)call;
	if (st == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	work(self, question, "open"); /* what opens too late is closed with the others */
	st->self = self;
	st->shut = question.len > 0 && memmem(question.s, question.len, "shut", 4) != NULL;
	*stream = st;
	return 0;
}

static int stream_feed(void *stream, const struct ragd_call *call, const char *text, size_t len,
		       bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct stream *st = stream;

	(void)call;
	(void)last;
	(void)err;
	RAGD_FILL(out, .action = RAGD_ALLOW, .text = { text, len });
	return work(st->self, out->text, "stick");
}

static void stream_close(void *stream)
{
	struct stream *st = stream;

	while (st->shut && access(st->self->file, F_OK) == 0)
		usleep(1000);
	free(st);
}

static const struct ragd_safety_ops filter = {
	.size = sizeof(struct ragd_safety_ops),
	.stages = 1u << RAGD_STAGE_PROMPT | 1u << RAGD_STAGE_DOCUMENT | 1u << RAGD_STAGE_RESPONSE,
	.holdback = holdback,
	.check = check,
	.stream_open = stream_open,
	.stream_feed = stream_feed,
	.stream_close = stream_close,
};

/* ---- the search ------------------------------------------------------------------------------ */

static int collections(void *self, const struct ragd_call *call, const struct ragd_collection **out,
		       size_t *n, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)err;
	*out = NULL;
	*n = 0;
	return 0;
}

static int search_(void *self, const struct ragd_call *call, const struct ragd_query *query,
		   const struct ragd_hit **hits, size_t *n, struct ragd_err *err)
{
	(void)call;
	(void)err;
	*hits = NULL;
	*n = 0;
	return work(self, query->text, "hang");
}

static void stats(void *self, const struct ragd_caller *caller, struct ragd_retrieval_stats *out)
{
	(void)self;
	(void)caller;
	RAGD_FILL(out, .size = 0);
}

/* The daemon makes what the configuration names. */
static int collection_put(void *self, const struct ragd_call *call, const struct ragd_collection *c,
			  bool *created, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)c;
	(void)err;
	*created = true;
	return 0;
}

static int no_remove(void *self, const struct ragd_call *call, const char *name,
		     struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)name;
	return ragd_err_set(err, -ENOTSUP, "it keeps nothing");
}

static int put(void *self, const struct ragd_call *call, const char *collection,
	       const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
	       struct ragd_err *err)
{
	(void)call;
	(void)collection;
	(void)err;
	for (size_t i = 0; i < n; i++)
		results[i] = (struct ragd_put_result){ .status = RAGD_PUT_ADDED };
	return work(self, docs[0].content, "hang");
}

static int no_document(void *self, const struct ragd_call *call, const char *collection,
		       struct ragd_str id, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)collection;
	(void)id;
	return ragd_err_set(err, -ENOTSUP, "it keeps nothing");
}

static int no_list(void *self, const struct ragd_call *call, const char *collection,
		   struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		   size_t *n, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)collection;
	(void)after;
	(void)limit;
	(void)out;
	(void)n;
	return ragd_err_set(err, -ENOTSUP, "it keeps nothing");
}

static int no_get(void *self, const struct ragd_call *call, const char *collection,
		  struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
		  struct ragd_err *err)
{
	(void)info;
	(void)content;
	return no_document(self, call, collection, id, err);
}

static const struct ragd_retrieval_ops retrieval = {
	.size = sizeof(struct ragd_retrieval_ops),
	.collection_put = collection_put,
	.collection_remove = no_remove,
	.collections = collections,
	.put = put,
	.remove = no_document,
	.list = no_list,
	.get = no_get,
	.search = search_,
	.stats = stats,
};

/* ---- the model ------------------------------------------------------------------------------- */

static void card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(out, .name = "stuck");
}

static int generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
		    struct ragd_sink *sink, struct ragd_err *err)
{
	static const struct ragd_usage usage = { .size = sizeof(usage) };

	(void)call;
	(void)err;
	sink->text(sink, "Well. ", 6);
	work(self, req->question, "hang");
	sink->text(sink, "Done.", 5);
	sink->done(sink, 0, RAGD_FINISH_STOP, &usage, NULL);
	return 0;
}

static int embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		 struct ragd_embeddings *out, struct ragd_err *err)
{
	float *v = call->alloc(call, req->n, sizeof(*v));

	(void)err;
	for (size_t i = 0; i < req->n; i++)
		v[i] = 1;
	RAGD_FILL(out, .dim = 1, .values = v);
	return work(self, req->texts[0], "hang");
}

static const struct ragd_inference_ops inference = { .size = sizeof(struct ragd_inference_ops),
						     .card = card,
						     .generate = generate,
						     .embed = embed };

/* clang-format off */
static const struct ragd_option options[] = {
	{ "while", RAGD_OPT_PATH, "", 0, 0, NULL, "Calls are stuck while this file exists.",
	  false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};
/* clang-format on */

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = IS(stuck_filter)   ? RAGD_KIND_SAFETY
		: IS(stuck_search) ? RAGD_KIND_RETRIEVAL
				   : RAGD_KIND_INFERENCE,
	.name = STRING(VARIANT),
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "Its calls do not come back",
	.options = options,
	.open = open_,
	.close = close_,
	.ops = { .safety = IS(stuck_filter)   ? &filter
			   : IS(stuck_search) ? (const void *)&retrieval
					      : (const void *)&inference },
};
