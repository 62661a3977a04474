/*
 * peer: an inference plugin for test_sets.c that tells what happens to it: it appends "open NAME
 * VERSE" and "close NAME VERSE" to a journal, and what it is asked it may ask another instance.
 */
#include <pthread.h>
#include <stdlib.h>

#include <ragd/plugin.h>

struct peer {
	const struct ragd_host *host;
	const char *journal;
	const char *verse;
	const char *ask;
	bool threaded;
};

struct answer {
	struct peer *peer;
	const struct ragd_generate *req;
	struct ragd_sink *sink;
};

static const struct ragd_option options[] = {
	{ "journal", RAGD_OPT_STRING, NULL, 0, 0, NULL, "Where to tell what happens.", false },
	{ "verse", RAGD_OPT_STRING, "", 0, 0, NULL, "What to say.", false },
	{ "ask", RAGD_OPT_STRING, "", 0, 0, NULL, "An instance to ask in place of answering.",
	  false },
	{ "fail", RAGD_OPT_CHOICE, "no", 0, 0, "no|yes|mute|odd|busy", "Fail to open.", false },
	{ "threaded", RAGD_OPT_BOOL, "no", 0, 0, NULL, "Answer from a thread.", false },
	{ "words", RAGD_OPT_LIST, NULL, 0, 0, NULL, "Only there to differ.", false },
	{ "file", RAGD_OPT_PATH, "", 0, 0, NULL, "Only there to change.", false },
	{ "number", RAGD_OPT_INT, "0", 0, 0, NULL, "Only there to differ.", false },
	{ "part", RAGD_OPT_FLOAT, "0", 0, 0, NULL, "Only there to differ.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static void tell(const struct peer *p, const char *what)
{
	FILE *f = fopen(p->journal, "a");

	if (f == NULL) {
		p->host->log(p->host, RAGD_LOG_ERR, "cannot write the journal");
		return;
	}
	fprintf(f, "%s %s %s\n", what, p->host->instance, p->verse);
	fclose(f);
}

static int peer_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		     struct ragd_err *err)
{
	const char *fail = ragd_config_get(cfg, "fail")->s;
	struct peer *p;

	if (strcmp(fail, "yes") == 0)
		return ragd_err_set(err, -EIO, "told to fail");
	if (strcmp(fail, "busy") == 0)
		return ragd_err_set(err, -EBUSY, "the store is taken");
	if (strcmp(fail, "mute") == 0)
		return -EIO;
	if (strcmp(fail, "odd") == 0)
		return 7;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	p->host = host;
	p->journal = ragd_config_get(cfg, "journal")->s;
	p->verse = ragd_config_get(cfg, "verse")->s;
	p->ask = ragd_config_get(cfg, "ask")->s;
	p->threaded = ragd_config_get(cfg, "threaded")->b;
	tell(p, "open");
	*self = p;
	return 0;
}

static void peer_close(void *self)
{
	struct peer *p = self;

	tell(p, "close");
	free(p);
}

static void peer_card(void *self, struct ragd_card *out)
{
	(void)self;
	RAGD_FILL(out, .name = "peer");
}

static void answer(struct peer *p, struct ragd_sink *sink)
{
	struct ragd_usage usage = { sizeof(usage), 1, 0, 1 };
	int rc = sink->text(sink, p->verse, strlen(p->verse));

	sink->done(sink, rc, RAGD_FINISH_STOP, &usage, NULL);
}

static void *answer_thread(void *arg)
{
	struct answer *a = arg;

	answer(a->peer, a->sink);
	free(a);
	return NULL;
}

static int peer_generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
			 struct ragd_sink *sink, struct ragd_err *err)
{
	struct peer *p = self;
	struct answer *a;
	pthread_t thread;

	if (p->ask[0] != '\0')
		return p->host->generate(p->host, p->ask, call, req, sink, err);
	if (!p->threaded) {
		answer(p, sink);
		return 0;
	}
	a = malloc(sizeof(*a));
	if (a == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	*a = (struct answer){ p, req, sink };
	if (pthread_create(&thread, NULL, answer_thread, a) != 0) {
		free(a);
		return ragd_err_set(err, -EAGAIN, "no thread");
	}
	pthread_detach(thread);
	return 0;
}

static int peer_embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		      struct ragd_embeddings *out, struct ragd_err *err)
{
	struct peer *p = self;
	float *v;

	if (p->ask[0] != '\0')
		return p->host->embed(p->host, p->ask, call, req, out, err);
	v = call->alloc(call, req->n, sizeof(*v));
	if (v == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < req->n; i++)
		v[i] = 1;
	RAGD_FILL(out, .dim = 1, .values = v);
	return 0;
}

static void peer_embed_card(void *self, struct ragd_embed_card *out)
{
	struct peer *p = self;
	struct ragd_err err;

	if (p->ask[0] == '\0')
		RAGD_FILL(out, .dim = 1, .stamp = "peer");
	else if (p->host->embed_card(p->host, p->ask, out, &err) < 0)
		RAGD_FILL(out, .stamp = "none");
}

static int peer_score(void *self, const struct ragd_call *call, struct ragd_str prompt,
		      const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		      struct ragd_err *err)
{
	struct peer *p = self;

	if (p->ask[0] != '\0')
		return p->host->score(p->host, p->ask, call, prompt, continuations, n, out, err);
	for (size_t i = 0; i < n; i++)
		out[i].logprob = -(double)continuations[i].len;
	return 0;
}

static int peer_rerank(void *self, const struct ragd_call *call, const struct ragd_rerank *req,
		       double *scores, struct ragd_err *err)
{
	struct peer *p = self;

	if (p->ask[0] != '\0')
		return p->host->rerank(p->host, p->ask, call, req, scores, err);
	for (size_t i = 0; i < req->n; i++)
		scores[i] = (double)req->query.len - (double)req->passages[i].len;
	return 0;
}

/* Stands in for work: what it is given goes to the host's counters, gauges and log. */
static ssize_t peer_count(void *self, struct ragd_str text, struct ragd_err *err)
{
	struct peer *p = self;
	char name[100];

	(void)err;
	snprintf(name, sizeof(name), "%.*s", (int)text.len, text.s);
	p->host->count(p->host, name, 2);
	p->host->gauge(p->host, "level", (double)text.len);
	p->host->log(p->host, RAGD_LOG_INFO, "counted %s\nsecond line", name);
	return 1;
}

static const struct ragd_inference_ops ops = {
	.size = sizeof(struct ragd_inference_ops),
	.card = peer_card,
	.generate = peer_generate,
	.embed = peer_embed,
	.embed_card = peer_embed_card,
	.score = peer_score,
	.count = peer_count,
	.rerank = peer_rerank,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "peer",
	.version = "1",
	.licence = "Apache-2.0",
	.summary = "Tells what happens to it",
	.options = options,
	.open = peer_open,
	.close = peer_close,
	.ops = { .inference = &ops },
};
