/*
 * One collection, "default", with one document; or what the query, the id or the collection's name
 * asks for.
 */
#define KEY "store="
#include "hostile.h"

#define TEXT "The pool has 4 threads."

static int collection_put(void *self, const struct ragd_call *call, const struct ragd_collection *c,
			  bool *created, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)err;
	*created = true;
	return strcmp(c->name, "positive") == 0 ? EIO : 0;
}

static int collection_remove(void *self, const struct ragd_call *call, const char *name,
			     struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)err;
	return strcmp(name, "positive") == 0 ? EIO : 0;
}

/* It knows no text to read a mode in: an option says how it lists. */
static int collections(void *self, const struct ragd_call *call, const struct ragd_collection **out,
		       size_t *n, struct ragd_err *err)
{
	const char *mode = ragd_config_get(self, "lists")->s;
	struct ragd_collection *c = call->alloc(call, 1, sizeof(*c));

	(void)err;
	*c = (struct ragd_collection){ .name = "default", .mode = 0666 };
	if (call->caller->admin && strcmp(call->request_id, "start") == 0)
		mode = "honestly"; /* or it would not start */
	*out = c;
	*n = 1;
	if (IS("missing"))
		*out = NULL;
	if (IS("many"))
		*n = (size_t)-1 / 2;
	if (IS("no_name"))
		c->name = NULL;
	if (IS("endless_name"))
		c->name = endless;
	if (IS("odd_name"))
		c->name = "../etc";
	if (IS("mode"))
		c->mode = 04777;
	return IS("positive") ? EIO : 0;
}

/* ---- documents ------------------------------------------------------------------------------- */

static int put(void *self, const struct ragd_call *call, const char *collection,
	       const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
	       struct ragd_err *err)
{
	char mode[MODE_LEN];

	(void)self;
	(void)call;
	(void)collection;
	(void)err;
	mode_of(docs[0].id, mode);
	for (size_t i = 0; i < n && !IS("left_out"); i++) {
		results[i].status = RAGD_PUT_ADDED;
		if (IS("status"))
			results[i].status = (enum ragd_put_status)77;
		if (IS("status_negative"))
			results[i].status = (enum ragd_put_status) - 5;
		if (IS("failed_well") || IS("failed_endless"))
			results[i].status = RAGD_PUT_FAILED;
		if (IS("failed_endless")) {
			results[i].err.code = -EBADMSG;
			memset(results[i].err.msg, 'x', sizeof(results[i].err.msg));
		}
	}
	return IS("positive") ? EIO : 0;
}

static int remove_(void *self, const struct ragd_call *call, const char *collection,
		   struct ragd_str id, struct ragd_err *err)
{
	char mode[MODE_LEN];

	(void)self;
	(void)call;
	(void)collection;
	(void)err;
	mode_of(id, mode);
	return IS("positive") ? EIO : 0;
}

static struct ragd_document_info info_of(const char *mode)
{
	struct ragd_document_info d = {
		.id = "pool.txt", .title = "Pool", .media_type = "text/plain", .digest = ""
	};

	if (IS("id_missing"))
		d.id = NULL;
	if (IS("id_endless"))
		d.id = endless;
	if (IS("id_control"))
		d.id = "a\nb";
	if (IS("title_missing"))
		d.title = NULL;
	if (IS("title_endless"))
		d.title = endless;
	if (IS("title_bytes"))
		d.title = NOT_UTF8;
	if (IS("type_header"))
		d.media_type = "text/plain\r\nX-Forged: yes";
	if (IS("digest"))
		d.digest = "sha256";
	return d;
}

static int list(void *self, const struct ragd_call *call, const char *collection,
		struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		size_t *n, struct ragd_err *err)
{
	struct ragd_document_info *d = call->alloc(call, limit + 1, sizeof(*d));
	char mode[MODE_LEN];

	(void)self;
	(void)collection;
	(void)err;
	mode_of(after, mode);
	for (size_t i = 0; i <= limit; i++)
		d[i] = info_of(mode);
	*out = IS("list_missing") ? NULL : d;
	*n = IS("list_many") ? limit + 1 : 1;
	return IS("positive") ? EIO : 0;
}

static int get(void *self, const struct ragd_call *call, const char *collection, struct ragd_str id,
	       struct ragd_document_info *info, struct ragd_str *content, struct ragd_err *err)
{
	char mode[MODE_LEN];

	(void)self;
	(void)call;
	(void)collection;
	(void)err;
	mode_of(id, mode);
	*info = info_of(mode);
	*content = IS("content_missing") ? (struct ragd_str){ NULL, 40 }
		   : IS("content_long")  ? (struct ragd_str){ TEXT, (size_t)-1 / 2 }
					 : RAGD_STR(TEXT);
	return IS("positive") ? EIO : 0;
}

/* ---- search ---------------------------------------------------------------------------------- */

static int search(void *self, const struct ragd_call *call, const struct ragd_query *query,
		  const struct ragd_hit **hits, size_t *n, struct ragd_err *err)
{
	static const struct ragd_run descending[] = { { 0, 0 }, { 9, 9 }, { 5, 5 } };
	static const struct ragd_run outside[] = { { 0, 0 }, { 900, 9 } };
	static const struct ragd_run elsewhere[] = { { 0, 0 }, { 5, 900 } };
	struct ragd_hit *h = call->alloc(call, (size_t)query->k + 1, sizeof(*h));
	char mode[MODE_LEN];

	(void)self;
	(void)err;
	mode_of(query->text, mode);
	for (uint32_t i = 0; i <= query->k; i++)
		h[i] = (struct ragd_hit){ .collection = "default",
					  .document = "pool.txt",
					  .passage = { RAGD_STR("Pool"), RAGD_STR("Size"),
						       RAGD_STR(TEXT), 1 },
					  .end = sizeof(TEXT) - 1 };
	*hits = IS("hits_missing") ? NULL : h;
	*n = IS("hits_many") ? (size_t)query->k + 1 : 1;
	if (IS("collection_missing"))
		h->collection = NULL;
	if (IS("collection_odd"))
		h->collection = "../etc";
	if (IS("collection_other"))
		h->collection = "others";
	if (IS("document_missing"))
		h->document = NULL;
	if (IS("document_endless"))
		h->document = endless;
	if (IS("title_bytes"))
		h->passage.title = RAGD_STR(NOT_UTF8);
	if (IS("heading_missing"))
		h->passage.heading.s = NULL;
	if (IS("text_bytes"))
		h->passage.text.s = NOT_UTF8 "e pool has 4 threads";
	if (IS("text_long"))
		h->passage.text.len = (size_t)-1 / 2;
	if (IS("score_nan"))
		h->passage.score = NAN;
	if (IS("lexical"))
		h->lexical = 77;
	if (IS("vector_nan"))
		h->vector = NAN;
	if (IS("span_reversed"))
		h->start = 24;
	if (IS("span_other"))
		h->end = 90;
	if (IS("runs_descending"))
		h->runs = descending, h->n_runs = 3;
	if (IS("runs_outside"))
		h->runs = outside, h->n_runs = 2;
	if (IS("runs_elsewhere"))
		h->runs = elsewhere, h->n_runs = 2;
	if (IS("runs_missing"))
		h->n_runs = 4;
	return IS("positive") ? EIO : 0;
}

static void stats(void *self, const struct ragd_caller *caller, struct ragd_retrieval_stats *out)
{
	(void)self;
	(void)caller;
	RAGD_FILL(out, .n_documents = UINT64_MAX, .dim = UINT32_MAX);
}

static const struct ragd_retrieval_ops ops = {
	.size = sizeof(struct ragd_retrieval_ops),
	.collection_put = collection_put,
	.collection_remove = collection_remove,
	.collections = collections,
	.put = put,
	.remove = remove_,
	.list = list,
	.get = get,
	.search = search,
	.stats = stats,
};

static const struct ragd_option options[] = {
	{ "lists", RAGD_OPT_CHOICE, "honestly", 0, 0,
	  "honestly|missing|many|no_name|endless_name|odd_name|mode|positive",
	  "How it lists collections.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_RETRIEVAL,
	.name = "hostile_retrieval",
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "A retrieval that returns what it should not",
	.options = options,
	.open = hostile_open,
	.close = hostile_close,
	.ops = { .retrieval = &ops },
};
