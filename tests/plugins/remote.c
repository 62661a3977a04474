#include "tests/plugins/remote.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/plugins/remote_impl.h"
#include "tests/plugins/wire.h"
#include "tests/test.h"

/* ---- messages: a length and that many bytes ------------------------------------------------ */

static bool read_full(int fd, void *p, size_t len)
{
	char *to = p;
	ssize_t n;

	for (size_t have = 0; have < len; have += (size_t)n) {
		n = read(fd, to + have, len - have);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

bool remote_send(int fd, struct buf *b)
{
	uint32_t len = (uint32_t)b->len;
	struct buf frame = BUF_INIT;
	bool ok;

	buf_add(&frame, &len, sizeof(len));
	buf_add(&frame, b->data, b->len);
	ok = !buf_failed(b) && !buf_failed(&frame);
	for (size_t at = 0; ok && at < frame.len;) {
		ssize_t n = send(fd, frame.data + at, frame.len - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else
			ok = n < 0 && errno == EINTR;
	}
	buf_fini(&frame);
	buf_fini(b);
	return ok;
}

bool remote_read(int fd, char **out, size_t *len)
{
	uint32_t n;

	if (!read_full(fd, &n, sizeof(n)) || (*out = malloc(n + 1u)) == NULL)
		return false;
	*len = n;
	if (read_full(fd, *out, n))
		return true;
	free(*out);
	return false;
}

/* ---- the parent: the same operations ------------------------------------------------------- */

struct remote {
	int fd;
	pid_t pid;
	bool may_die;
};

struct remote_stream {
	struct remote *remote;
	size_t id;
};

static void *parent_alloc(void *arg, size_t n, size_t size)
{
	const struct ragd_call *call = arg;

	return call->alloc(call, n, size);
}

static struct wire request(enum op op, const struct ragd_call *call)
{
	static const struct ragd_caller nobody = { .uid = (uid_t)-1 };
	struct ragd_caller caller = call != NULL ? *call->caller : nobody;
	const char *id = call != NULL ? call->request_id : "none";
	int64_t deadline_ms = call != NULL ? call->deadline_ms : 0;
	struct wire w = { 0 };

	WIRE(&w, op);
	wire_caller(&w, &caller);
	wire_name(&w, &id);
	WIRE(&w, deadline_ms);
	return w;
}

/* Send what is in w, and have it read the reply's results. Its bytes are in w->in, to be freed. */
static int exchange(struct remote *r, struct wire *w, const struct ragd_call *call,
		    struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	char *body = NULL;
	size_t len = 0;
	int rc = 0;

	if (!remote_send(r->fd, &w->out) || !remote_read(r->fd, &body, &len)) {
		if (!r->may_die)
			fail_msg("the plugin's process is gone");
		*w = (struct wire){ .reading = true };
		return ragd_err_set(err, -EPIPE, "the plugin's process is gone");
	}
	*w = (struct wire){
		.reading = true, .in = body, .len = len, .alloc = parent_alloc, .arg = (void *)call
	};
	WIRE(w, rc);
	wire_err(w, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

static int finish(struct wire *w, int rc)
{
	if (rc == 0)
		assert_int_equal(w->at, w->len); /* nothing sent that nobody reads */
	assert_false(w->bad);
	free((char *)w->in);
	return rc;
}

static void *static_alloc(void *arg, size_t n, size_t size)
{
	struct arena **a = arg;

	if (*a == NULL)
		*a = arena_new(1 << 20);
	return arena_alloc(*a, n, size);
}

/* Strings of a card live as long as the instance; a test keeps one at a time. */
static void remote_card(void *self, struct ragd_card *out)
{
	static struct arena *kept;
	struct wire w = request(OP_CARD, NULL);

	arena_free(kept);
	kept = NULL;
	exchange(self, &w, NULL, NULL);
	w.alloc = static_alloc;
	w.arg = &kept;
	wire_card(&w, out);
	finish(&w, 0);
}

static void remote_tell(struct remote *r, enum op op, int code)
{
	struct wire w = { 0 };

	WIRE(&w, op);
	WIRE(&w, code);
	remote_send(r->fd, &w.out);
}

/* One event of an answer; true while there is more to come. */
static bool generate_event(struct remote *r, struct ragd_sink *sink, int *rc, struct ragd_err *err)
{
	struct wire w = { .reading = true, .alloc = parent_alloc };
	enum ragd_finish how = RAGD_FINISH_STOP;
	struct ragd_usage usage = { .size = sizeof(usage) };
	struct ragd_err why = { 0 };
	enum event event = EVENT_FAILED;
	char *body = NULL;
	size_t len = 0;

	if (!remote_read(r->fd, &body, &w.len))
		fail_msg("the plugin's process is gone");
	w.in = body;
	WIRE(&w, event);
	if (event == EVENT_TEXT) {
		WIRE(&w, len);
		assert_int_equal(len, w.len - w.at);
		remote_tell(r, OP_ACK, sink->text(sink, body + w.at, len));
		w.at += len;
	} else {
		WIRE(&w, *rc);
		if (event == EVENT_DONE) {
			WIRE(&w, how);
			WIRE(&w, usage);
			wire_err(&w, &why);
			sink->done(sink, *rc, how, &usage, &why);
			*rc = 0;
		} else {
			wire_err(&w, err != NULL ? err : &why);
		}
	}
	finish(&w, 0);
	return event == EVENT_TEXT;
}

static int remote_generate(void *self, const struct ragd_call *call,
			   const struct ragd_generate *req, struct ragd_sink *sink,
			   struct ragd_err *err)
{
	struct remote *r = self;
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	struct wire w = request(OP_GENERATE, call);
	bool told = false;
	int rc = 0;

	wire_generate(&w, (struct ragd_generate *)req);
	if (!remote_send(r->fd, &w.out))
		fail_msg("the plugin's process is gone");
	for (;;) {
		if (!told && call->cancelled(call)) {
			told = true;
			remote_tell(r, OP_CANCEL, 0);
		}
		if (poll(&p, 1, 5) > 0 && !generate_event(r, sink, &rc, err))
			return rc;
	}
}

static int remote_embed(struct remote *r, enum op op, const struct ragd_call *call,
			const struct ragd_embed *req, struct ragd_embeddings *out,
			struct ragd_err *err)
{
	struct wire w = request(op, call);
	int rc;

	wire_embed(&w, (struct ragd_embed *)req);
	rc = exchange(r, &w, call, err);
	if (rc == 0)
		wire_embeddings(&w, out, req->n);
	return finish(&w, rc);
}

static int remote_inference_embed(void *self, const struct ragd_call *call,
				  const struct ragd_embed *req, struct ragd_embeddings *out,
				  struct ragd_err *err)
{
	return remote_embed(self, OP_INFERENCE_EMBED, call, req, out, err);
}

static int remote_retrieval_embed(void *self, const struct ragd_call *call,
				  const struct ragd_embed *req, struct ragd_embeddings *out,
				  struct ragd_err *err)
{
	return remote_embed(self, OP_RETRIEVAL_EMBED, call, req, out, err);
}

static void remote_embed_card(void *self, struct ragd_embed_card *out)
{
	struct wire w = request(OP_EMBED_CARD, NULL);

	exchange(self, &w, NULL, NULL);
	wire_embed_card(&w, out);
	finish(&w, 0);
}

static int remote_score(void *self, const struct ragd_call *call, struct ragd_str prompt,
			const struct ragd_str *continuations, size_t n, struct ragd_score *out,
			struct ragd_err *err)
{
	struct wire w = request(OP_SCORE, call);
	int rc;

	wire_str(&w, &prompt);
	wire_strs(&w, &continuations, &n);
	rc = exchange(self, &w, call, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		WIRE(&w, out[i]);
	return finish(&w, rc);
}

static int remote_rerank(void *self, const struct ragd_call *call, const struct ragd_rerank *req,
			 double *scores, struct ragd_err *err)
{
	struct wire w = request(OP_RERANK, call);
	struct ragd_rerank sent = *req;
	int rc;

	wire_str(&w, &sent.query);
	wire_strs(&w, &sent.passages, &sent.n);
	rc = exchange(self, &w, call, err);
	for (size_t i = 0; rc == 0 && i < req->n; i++)
		WIRE(&w, scores[i]);
	return finish(&w, rc);
}

static ssize_t remote_count(void *self, struct ragd_str text, struct ragd_err *err)
{
	struct wire w = request(OP_COUNT, NULL);
	ssize_t count = 0;
	int rc;

	wire_str(&w, &text);
	rc = exchange(self, &w, NULL, err);
	WIRE(&w, count);
	return finish(&w, rc) < 0 ? rc : count;
}

static int remote_collection_put(void *self, const struct ragd_call *call,
				 const struct ragd_collection *c, bool *created,
				 struct ragd_err *err)
{
	struct wire w = request(OP_COLLECTION_PUT, call);
	int rc;

	wire_collection(&w, (struct ragd_collection *)c);
	rc = exchange(self, &w, call, err);
	if (rc == 0)
		WIRE(&w, *created);
	return finish(&w, rc);
}

static int remote_collection_remove(void *self, const struct ragd_call *call, const char *name,
				    struct ragd_err *err)
{
	struct wire w = request(OP_COLLECTION_REMOVE, call);
	int rc;

	wire_name(&w, &name);
	rc = exchange(self, &w, call, err);
	return finish(&w, rc);
}

static int remote_collections(void *self, const struct ragd_call *call,
			      const struct ragd_collection **out, size_t *n, struct ragd_err *err)
{
	struct wire w = request(OP_COLLECTIONS, call);
	int rc = exchange(self, &w, call, err);

	if (rc == 0)
		wire_collections(&w, out, n);
	return finish(&w, rc);
}

static int remote_put(void *self, const struct ragd_call *call, const char *collection,
		      const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
		      struct ragd_err *err)
{
	struct wire w = request(OP_PUT, call);
	int rc;

	wire_name(&w, &collection);
	wire_documents(&w, &docs, &n);
	rc = exchange(self, &w, call, err);
	if (rc == 0)
		wire_put_results(&w, results, n);
	return finish(&w, rc);
}

static int remote_remove(void *self, const struct ragd_call *call, const char *collection,
			 struct ragd_str id, struct ragd_err *err)
{
	struct wire w = request(OP_REMOVE, call);
	int rc;

	wire_name(&w, &collection);
	wire_str(&w, &id);
	rc = exchange(self, &w, call, err);
	return finish(&w, rc);
}

static int remote_list(void *self, const struct ragd_call *call, const char *collection,
		       struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		       size_t *n, struct ragd_err *err)
{
	struct wire w = request(OP_LIST, call);
	int rc;

	wire_name(&w, &collection);
	wire_str(&w, &after);
	WIRE(&w, limit);
	rc = exchange(self, &w, call, err);
	if (rc == 0)
		wire_infos(&w, out, n);
	return finish(&w, rc);
}

static int remote_get(void *self, const struct ragd_call *call, const char *collection,
		      struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
		      struct ragd_err *err)
{
	struct wire w = request(OP_GET, call);
	int rc;

	wire_name(&w, &collection);
	wire_str(&w, &id);
	rc = exchange(self, &w, call, err);
	if (rc == 0) {
		wire_info(&w, info);
		wire_str(&w, content);
	}
	return finish(&w, rc);
}

static int remote_search(void *self, const struct ragd_call *call, const struct ragd_query *query,
			 const struct ragd_hit **hits, size_t *n, struct ragd_err *err)
{
	struct wire w = request(OP_SEARCH, call);
	int rc;

	wire_query(&w, (struct ragd_query *)query);
	rc = exchange(self, &w, call, err);
	if (rc == 0)
		wire_hits(&w, hits, n);
	return finish(&w, rc);
}

static void remote_stats(void *self, const struct ragd_caller *caller,
			 struct ragd_retrieval_stats *out)
{
	struct wire w = request(OP_STATS, NULL);

	wire_caller(&w, (struct ragd_caller *)caller);
	exchange(self, &w, NULL, NULL);
	WIRE(&w, *out);
	finish(&w, 0);
}

static size_t remote_holdback(void *self)
{
	struct wire w = request(OP_HOLDBACK, NULL);
	size_t holdback = 0;

	exchange(self, &w, NULL, NULL);
	WIRE(&w, holdback);
	finish(&w, 0);
	return holdback;
}

static int remote_check(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
			struct ragd_verdict *out, struct ragd_err *err)
{
	struct wire w = request(OP_CHECK, call);
	int rc;

	wire_screen(&w, (struct ragd_screen *)screen);
	rc = exchange(self, &w, call, err);
	if (rc == 0)
		wire_verdict(&w, out);
	return finish(&w, rc);
}

static int remote_stream_open(void *self, const struct ragd_call *call,
			      const struct ragd_screen *screen, void **stream, struct ragd_err *err)
{
	struct remote_stream *s = calloc(1, sizeof(*s));
	struct wire w = request(OP_STREAM_OPEN, call);
	int rc;

	assert_non_null(s);
	s->remote = self;
	wire_screen(&w, (struct ragd_screen *)screen);
	rc = exchange(self, &w, call, err);
	WIRE(&w, s->id);
	if (rc == 0)
		*stream = s;
	else
		free(s);
	return finish(&w, rc);
}

static int remote_stream_feed(void *stream, const struct ragd_call *call, const char *text,
			      size_t len, bool last, struct ragd_release *out, struct ragd_err *err)
{
	struct remote_stream *s = stream;
	struct wire w = request(OP_STREAM_FEED, call);
	struct ragd_str piece = { text, len };
	int rc;

	WIRE(&w, s->id);
	wire_str(&w, &piece);
	WIRE(&w, last);
	rc = exchange(s->remote, &w, call, err);
	if (rc == 0)
		wire_release(&w, out);
	return finish(&w, rc);
}

static void remote_stream_close(void *stream)
{
	struct remote_stream *s = stream;
	struct wire w = request(OP_STREAM_CLOSE, NULL);

	WIRE(&w, s->id);
	exchange(s->remote, &w, NULL, NULL);
	finish(&w, 0);
	free(s);
}

/* ---- start and stop ------------------------------------------------------------------------ */

#define THERE(real, function) ((real) != NULL ? (function) : NULL)

static void subject_fill(struct subject *s)
{
	const struct ragd_plugin *d = s->descriptor;

	if (d->kind == RAGD_KIND_INFERENCE) {
		s->ops.inference = (struct ragd_inference_ops){
			.card = remote_card,
			.generate = remote_generate,
			.embed = THERE(d->ops.inference->embed, remote_inference_embed),
			.embed_card = THERE(d->ops.inference->embed_card, remote_embed_card),
			.score = THERE(d->ops.inference->score, remote_score),
			.count = THERE(d->ops.inference->count, remote_count),
			.rerank = THERE(d->ops.inference->rerank, remote_rerank),
		};
	} else if (d->kind == RAGD_KIND_RETRIEVAL) {
		s->ops.retrieval = (struct ragd_retrieval_ops){
			.collection_put = remote_collection_put,
			.collection_remove = remote_collection_remove,
			.collections = remote_collections,
			.put = remote_put,
			.remove = remote_remove,
			.list = remote_list,
			.get = remote_get,
			.search = remote_search,
			.stats = remote_stats,
			.embed = THERE(d->ops.retrieval->embed, remote_retrieval_embed),
		};
	} else {
		s->ops.safety = (struct ragd_safety_ops){
			.traits = d->ops.safety->traits,
			.stages = d->ops.safety->stages,
			.holdback = THERE(d->ops.safety->holdback, remote_holdback),
			.check = remote_check,
			.stream_open = THERE(d->ops.safety->stream_open, remote_stream_open),
			.stream_feed = THERE(d->ops.safety->stream_feed, remote_stream_feed),
			.stream_close = THERE(d->ops.safety->stream_close, remote_stream_close),
		};
	}
}

void remote_start(struct subject *s, struct world *w, size_t i)
{
	struct remote *r = calloc(1, sizeof(*r));
	int fds[2];

	assert_non_null(r);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fflush(NULL);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		close(fds[0]);
		free(r);
		remote_child(fds[1], w, i);
	}
	close(fds[1]);
	r->fd = fds[0];
	s->descriptor = w->plugins[i].descriptor;
	s->self = r;
	subject_fill(s);
}

void remote_may_die(struct subject *s)
{
	((struct remote *)s->self)->may_die = true;
}

static int remote_end(struct remote *r)
{
	struct wire w = { 0 };
	enum op op = OP_QUIT;
	int status;

	WIRE(&w, op);
	remote_send(r->fd, &w.out);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	close(r->fd);
	free(r);
	return status;
}

bool remote_died(struct subject *s)
{
	return remote_end(s->self) != 0;
}

void remote_stop(struct subject *s)
{
	int status = remote_end(s->self);

	if (WIFSIGNALED(status))
		fail_msg("the plugin's process crashed: signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
