#include "tests/plugins/remote_impl.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/wire.h"
#include "tests/test.h"

#define REGION_SIZE (4u << 20)
#define STREAMS_MAX 16

/* ---- the child: memory that goes away ------------------------------------------------------ */

struct region {
	char *base;
	size_t used;
};

static void region_init(struct region *r)
{
	r->base = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	r->used = 0;
	if (r->base == MAP_FAILED)
		abort();
}

static void *region_alloc(void *arg, size_t n, size_t size)
{
	struct region *r = arg;
	size_t len;

	if (__builtin_mul_overflow(n, size, &len) || len > REGION_SIZE - r->used - 16)
		return NULL;
	len = (len + 15) & ~(size_t)15;
	r->used += len;
	return r->base + r->used - len;
}

/* The addresses are never used again: whoever still has a pointer to them crashes. */
static void region_seal(struct region *r)
{
	if (mprotect(r->base, REGION_SIZE, PROT_NONE) < 0)
		abort();
	madvise(r->base, REGION_SIZE, MADV_DONTNEED);
}

/* ---- the child: serving -------------------------------------------------------------------- */

struct child {
	int fd;
	const struct plugin *plugin;
	pthread_mutex_t lock; /* of what follows, and of reading while generate runs */
	bool cancelled;
	bool generating;
	struct {
		void *stream;
		struct region screen;
	} streams[STREAMS_MAX];
};

struct child_call {
	struct ragd_call call;
	struct ragd_caller caller;
	struct child *child;
	struct region *results;
};

/*
 * Read what the parent says while generate runs, under the lock: all that is there, or up to an
 * answer to the last text. Returns that answer.
 */
static int child_listen(struct child *c, bool for_ack)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char *body;
	size_t len;
	enum op op;
	int code = 0;

	while (c->generating && (for_ack || poll(&p, 1, 0) > 0)) {
		if (!remote_read(c->fd, &body, &len) || len != sizeof(op) + sizeof(code))
			abort();
		memcpy(&op, body, sizeof(op));
		memcpy(&code, body + sizeof(op), sizeof(code));
		free(body);
		if (op == OP_ACK)
			return code;
		c->cancelled = true;
	}
	return 0;
}

static void *child_alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	return region_alloc(container_of(call, struct child_call, call)->results, n, size);
}

static bool child_cancelled_cb(const struct ragd_call *call)
{
	struct child *c = container_of(call, struct child_call, call)->child;
	bool cancelled;

	pthread_mutex_lock(&c->lock);
	child_listen(c, false);
	cancelled = c->cancelled;
	pthread_mutex_unlock(&c->lock);
	return cancelled;
}

static struct ragd_call *child_call_read(struct child *c, struct wire *in, struct region *region,
					 struct region *results)
{
	struct child_call *cc = region_alloc(region, 1, sizeof(*cc));
	const char *id = NULL;

	cc->child = c;
	cc->results = results;
	in->arg = region;
	wire_caller(in, &cc->caller);
	wire_name(in, &id);
	WIRE(in, cc->call.deadline_ms);
	cc->call.size = sizeof(cc->call);
	cc->call.caller = &cc->caller;
	cc->call.request_id = id;
	cc->call.alloc = child_alloc_cb;
	cc->call.cancelled = child_cancelled_cb;
	return &cc->call;
}

struct child_sink {
	struct ragd_sink sink;
	struct child *child;
	pthread_cond_t changed;
	bool done;
	struct buf last; /* the event that ends it */
};

static int child_text_cb(struct ragd_sink *sink, const char *text, size_t len)
{
	struct child_sink *s = container_of(sink, struct child_sink, sink);
	struct ragd_str str = { text, len };
	struct wire w = { 0 };
	enum event event = EVENT_TEXT;
	int rc = -ECANCELED;

	WIRE(&w, event);
	wire_str(&w, &str);
	pthread_mutex_lock(&s->child->lock);
	if (remote_send(s->child->fd, &w.out))
		rc = child_listen(s->child, true);
	pthread_mutex_unlock(&s->child->lock);
	return rc;
}

static void child_done_cb(struct ragd_sink *sink, int rc, enum ragd_finish finish,
			  const struct ragd_usage *usage, const struct ragd_err *err)
{
	struct child_sink *s = container_of(sink, struct child_sink, sink);
	struct ragd_usage used = { .size = sizeof(used) };
	struct ragd_err why = { 0 };
	struct wire w = { 0 };
	enum event event = EVENT_DONE;

	if (usage != NULL)
		used = *usage;
	if (err != NULL)
		why = *err;
	WIRE(&w, event);
	WIRE(&w, rc);
	WIRE(&w, finish);
	WIRE(&w, used);
	wire_err(&w, &why);
	pthread_mutex_lock(&s->child->lock);
	s->last = w.out;
	s->done = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->child->lock);
}

static struct buf child_generate(struct child *c, const struct ragd_call *call,
				 const struct ragd_generate *req)
{
	struct child_sink s = { .sink = { sizeof(s.sink), child_text_cb, child_done_cb },
				.child = c };
	struct ragd_err err = { 0 };
	struct wire w = { 0 };
	enum event event = EVENT_FAILED;
	int rc;

	pthread_cond_init(&s.changed, NULL);
	c->cancelled = false;
	c->generating = true;
	rc = c->plugin->descriptor->ops.inference->generate(c->plugin->self, call, req, &s.sink,
							    &err);
	pthread_mutex_lock(&c->lock);
	while (rc == 0 && !s.done)
		pthread_cond_wait(&s.changed, &c->lock);
	c->generating = false;
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&s.changed);
	if (rc == 0)
		return s.last;
	WIRE(&w, event);
	WIRE(&w, rc);
	wire_err(&w, &err);
	return w.out;
}

static int serve_inference(struct child *c, enum op op, const struct ragd_call *call,
			   struct wire *in, struct wire *out, struct ragd_err *err)
{
	const struct ragd_inference_ops *ops = c->plugin->descriptor->ops.inference;
	void *self = c->plugin->self;
	const struct ragd_str *texts = NULL;
	struct ragd_str text = { 0 };
	struct ragd_card card = { .size = sizeof(card) };
	struct ragd_embed embed = { .size = sizeof(embed) };
	struct ragd_embeddings vectors = { .size = sizeof(vectors) };
	struct ragd_embed_card embed_card = { .size = sizeof(embed_card) };
	struct ragd_rerank ranks = { .size = sizeof(ranks) };
	struct ragd_score *scores;
	double *relevance;
	ssize_t count;
	size_t n = 0;
	int rc = 0;

	switch (op) {
	case OP_CARD:
		ops->card(self, &card);
		wire_card(out, &card);
		break;
	case OP_INFERENCE_EMBED:
		wire_embed(in, &embed);
		rc = ops->embed(self, call, &embed, &vectors, err);
		if (rc == 0)
			wire_embeddings(out, &vectors, embed.n);
		break;
	case OP_EMBED_CARD:
		ops->embed_card(self, &embed_card);
		wire_embed_card(out, &embed_card);
		break;
	case OP_SCORE:
		wire_str(in, &text);
		wire_strs(in, &texts, &n);
		scores = calloc(n + 1, sizeof(*scores));
		rc = ops->score(self, call, text, texts, n, scores, err);
		for (size_t i = 0; i < n; i++)
			WIRE(out, scores[i]);
		free(scores);
		break;
	case OP_RERANK:
		wire_str(in, &ranks.query);
		wire_strs(in, &ranks.passages, &ranks.n);
		relevance = calloc(ranks.n + 1, sizeof(*relevance));
		rc = ops->rerank(self, call, &ranks, relevance, err);
		for (size_t i = 0; i < ranks.n; i++)
			WIRE(out, relevance[i]);
		free(relevance);
		break;
	default: /* OP_COUNT */
		wire_str(in, &text);
		count = ops->count(self, text, err);
		rc = count < 0 ? (int)count : 0;
		WIRE(out, count);
		break;
	}
	return rc;
}

static int serve_collections(struct child *c, enum op op, const struct ragd_call *call,
			     struct wire *in, struct wire *out, struct ragd_err *err)
{
	const struct ragd_retrieval_ops *ops = c->plugin->descriptor->ops.retrieval;
	const struct ragd_collection *list = NULL;
	struct ragd_collection collection = { 0 };
	const char *name = NULL;
	bool created = false;
	size_t n = 0;
	int rc;

	switch (op) {
	case OP_COLLECTION_PUT:
		wire_collection(in, &collection);
		rc = ops->collection_put(c->plugin->self, call, &collection, &created, err);
		WIRE(out, created);
		return rc;
	case OP_COLLECTION_REMOVE:
		wire_name(in, &name);
		return ops->collection_remove(c->plugin->self, call, name, err);
	default: /* OP_COLLECTIONS */
		rc = ops->collections(c->plugin->self, call, &list, &n, err);
		if (rc == 0)
			wire_collections(out, &list, &n);
		return rc;
	}
}

static int serve_documents(struct child *c, enum op op, const struct ragd_call *call,
			   struct wire *in, struct wire *out, struct ragd_err *err)
{
	const struct ragd_retrieval_ops *ops = c->plugin->descriptor->ops.retrieval;
	void *self = c->plugin->self;
	const struct ragd_document_info *infos = NULL;
	const struct ragd_document *docs = NULL;
	struct ragd_document_info info = { 0 };
	struct ragd_str id = { 0 }, content = { 0 };
	struct ragd_put_result *results;
	const char *collection = NULL;
	size_t n = 0, limit = 0;
	int rc;

	wire_name(in, &collection);
	switch (op) {
	case OP_PUT:
		wire_documents(in, &docs, &n);
		results = calloc(n + 1, sizeof(*results));
		rc = ops->put(self, call, collection, docs, n, results, err);
		wire_put_results(out, results, n);
		free(results);
		return rc;
	case OP_REMOVE:
		wire_str(in, &id);
		return ops->remove(self, call, collection, id, err);
	case OP_LIST:
		wire_str(in, &id);
		WIRE(in, limit);
		rc = ops->list(self, call, collection, id, limit, &infos, &n, err);
		if (rc == 0)
			wire_infos(out, &infos, &n);
		return rc;
	default: /* OP_GET */
		wire_str(in, &id);
		rc = ops->get(self, call, collection, id, &info, &content, err);
		if (rc == 0) {
			wire_info(out, &info);
			wire_str(out, &content);
		}
		return rc;
	}
}

static int serve_retrieval(struct child *c, enum op op, const struct ragd_call *call,
			   struct wire *in, struct wire *out, struct ragd_err *err)
{
	const struct ragd_retrieval_ops *ops = c->plugin->descriptor->ops.retrieval;
	struct ragd_retrieval_stats stats = { .size = sizeof(stats) };
	struct ragd_caller caller = { 0 };
	const struct ragd_hit *hits = NULL;
	struct ragd_query query = { 0 };
	struct ragd_embed embed = { .size = sizeof(embed) };
	struct ragd_embeddings vectors = { .size = sizeof(vectors) };
	size_t n = 0;
	int rc = 0;

	switch (op) {
	case OP_COLLECTION_PUT:
	case OP_COLLECTION_REMOVE:
	case OP_COLLECTIONS:
		return serve_collections(c, op, call, in, out, err);
	case OP_SEARCH:
		wire_query(in, &query);
		rc = ops->search(c->plugin->self, call, &query, &hits, &n, err);
		if (rc == 0)
			wire_hits(out, &hits, &n);
		return rc;
	case OP_STATS:
		wire_caller(in, &caller);
		ops->stats(c->plugin->self, &caller, &stats);
		WIRE(out, stats);
		return 0;
	case OP_RETRIEVAL_EMBED:
		wire_embed(in, &embed);
		rc = ops->embed(c->plugin->self, call, &embed, &vectors, err);
		if (rc == 0)
			wire_embeddings(out, &vectors, embed.n);
		return rc;
	default:
		return serve_documents(c, op, call, in, out, err);
	}
}

static int serve_safety(struct child *c, enum op op, const struct ragd_call *call, struct wire *in,
			struct wire *out, struct ragd_err *err)
{
	const struct ragd_safety_ops *ops = c->plugin->descriptor->ops.safety;
	struct ragd_release release = { .size = sizeof(release) };
	struct ragd_verdict verdict = { .size = sizeof(verdict) };
	struct ragd_screen screen = { 0 };
	struct ragd_str text = { 0 };
	size_t holdback, id = 0;
	bool last = false;
	int rc = 0;

	switch (op) {
	case OP_HOLDBACK:
		holdback = ops->holdback(c->plugin->self);
		WIRE(out, holdback);
		return 0;
	case OP_CHECK:
		wire_screen(in, &screen);
		rc = ops->check(c->plugin->self, call, &screen, &verdict, err);
		if (rc == 0)
			wire_verdict(out, &verdict);
		return rc;
	case OP_STREAM_OPEN:
		while (id < STREAMS_MAX && c->streams[id].screen.base != NULL)
			id++;
		assert_true(id < STREAMS_MAX);
		region_init(&c->streams[id].screen); /* lives as long as the stream */
		in->arg = &c->streams[id].screen;
		wire_screen(in, &screen);
		rc = ops->stream_open(c->plugin->self, call, &screen, &c->streams[id].stream, err);
		WIRE(out, id);
		return rc;
	case OP_STREAM_FEED:
		WIRE(in, id);
		wire_str(in, &text);
		WIRE(in, last);
		rc = ops->stream_feed(c->streams[id].stream, call, text.s, text.len, last, &release,
				      err);
		if (rc == 0)
			wire_release(out, &release);
		return rc;
	default: /* OP_STREAM_CLOSE */
		WIRE(in, id);
		ops->stream_close(c->streams[id].stream);
		region_seal(&c->streams[id].screen);
		memset(&c->streams[id], 0, sizeof(c->streams[id]));
		return 0;
	}
}

static struct buf child_serve(struct child *c, enum op op, const struct ragd_call *call,
			      struct wire *in)
{
	struct wire out = { 0 }, results = { 0 };
	struct ragd_generate req = { 0 };
	struct ragd_err err = { 0 };
	int rc;

	if (op == OP_GENERATE) {
		wire_generate(in, &req);
		return child_generate(c, call, &req);
	}
	if (op <= OP_COUNT)
		rc = serve_inference(c, op, call, in, &results, &err);
	else if (op <= OP_RETRIEVAL_EMBED)
		rc = serve_retrieval(c, op, call, in, &results, &err);
	else
		rc = serve_safety(c, op, call, in, &results, &err);
	if (in->bad)
		abort();
	WIRE(&out, rc);
	wire_err(&out, &err);
	buf_add(&out.out, results.out.data, results.out.len);
	buf_fini(&results.out);
	return out.out;
}

/* One request after the other, each with memory that is taken away when it is answered. */
static void child_loop(struct child *c)
{
	struct region call_memory, args, results;
	const struct ragd_call *call;
	struct buf reply;
	char *body;
	size_t len;
	enum op op;

	while (remote_read(c->fd, &body, &len)) {
		struct wire in = { .reading = true, .in = body, .len = len, .alloc = region_alloc };

		WIRE(&in, op);
		if (op == OP_QUIT || op == OP_CANCEL) { /* a late cancel means nothing */
			free(body);
			if (op == OP_QUIT)
				break;
			continue;
		}
		region_init(&call_memory);
		region_init(&args);
		region_init(&results);
		call = child_call_read(c, &in, &call_memory, &results);
		in.arg = &args;
		reply = child_serve(c, op, call, &in);
		free(body);
		region_seal(&call_memory);
		region_seal(&args);
		region_seal(&results);
		if (!remote_send(c->fd, &reply))
			break;
	}
}

void remote_child(int fd, struct world *w, size_t i)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };
	struct child c = { .fd = fd };
	struct plugin_set *set;
	struct ragd_err err = { 0 };

	for (size_t k = 0; k < ARRAY_LEN(fatal); k++)
		signal(fatal[k],
		       SIG_DFL); /* a crash is a crash, not a failed test of the parent's */
	if (plugin_set_open(&w->cfg, NULL, &set, &err) < 0) {
		fprintf(stderr, "child: %s\n", err.msg);
		_exit(2);
	}
	pthread_mutex_init(&c.lock, NULL);
	c.plugin = plugin_set_at(set, i);
	child_loop(&c);
	plugin_set_unref(set);
	close(fd);
	arena_free(w->arena);
	exit(0); /* leak checkers run here too */
}
