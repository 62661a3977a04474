#include "daemon/plugins/plugin_private.h"

#include <stdlib.h>

#include "base/util.h"
#include "daemon/plugins/sinks_over.h"
#include "daemon/plugins/validate.h"
#include "daemon/service/log.h"

static struct plugin_instance *instance_of(const struct ragd_host *host)
{
	return container_of((struct ragd_host *)host, struct plugin_instance, host);
}

/* ---- log ----------------------------------------------------------------------------------- */

static void host_log(const struct ragd_host *host, enum ragd_log_level level, const char *fmt, ...)
{
	char text[1024], quoted[1200];
	va_list ap;

	if (level > log_get_level())
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_write(level, "plugin=%s msg=%s", host->instance,
		  log_quote(text, strlen(text), quoted, sizeof(quoted)));
}

/* ---- metrics ------------------------------------------------------------------------------- */

static void host_count(const struct ragd_host *host, const char *name, uint64_t add)
{
	plugin_meter_count(instance_of(host)->meter, name, add);
}

static void host_gauge(const struct ragd_host *host, const char *name, double value)
{
	plugin_meter_gauge(instance_of(host)->meter, name, value);
}

/* ---- abilities of other instances ---------------------------------------------------------- */

static int peer_missing(const struct ragd_host *host, const char *instance, const char *kind,
			struct ragd_err *err)
{
	return ragd_err_set(err, -ENOENT, "plugin '%s': there is no %s plugin '%s' to ask",
			    host->instance, kind, instance);
}

static int peer_lacks(const struct ragd_host *host, const char *instance, const char *ability,
		      struct ragd_err *err)
{
	return ragd_err_set(err, -ENOTSUP, "plugin '%s': plugin '%s' cannot %s", host->instance,
			    instance, ability);
}

static int embed_validated(const struct plugin_instance *peer, const struct ragd_call *call,
			   const struct ragd_embed *req, struct ragd_embeddings *out,
			   struct ragd_err *err)
{
	struct ragd_embeddings got = { .size = sizeof(got) };
	struct ragd_err why = { 0 };
	int rc = plugin_embed(peer->descriptor, peer->self, call, req, &got, &why);

	rc = validate_vectors(peer->name, rc, &got, req->n, &why);
	if (rc < 0)
		return ragd_err_set(err, rc, "%s", why.msg);
	ragd_fill(out, &got, sizeof(got));
	return 0;
}

static int host_embed(const struct ragd_host *host, const char *instance,
		      const struct ragd_call *call, const struct ragd_embed *req,
		      struct ragd_embeddings *out, struct ragd_err *err)
{
	struct plugin_instance *peer = plugin_instance_peer(instance_of(host), instance);
	int rc;

	if (peer == NULL || peer->descriptor->kind == RAGD_KIND_SAFETY)
		rc = peer_missing(host, instance, "inference or retrieval", err);
	else if (plugin_can(peer->descriptor, peer->self, RAGD_EMBEDS))
		rc = embed_validated(peer, call, req, out, err);
	else
		rc = peer_lacks(host, instance, "embed", err);
	plugin_instance_unref_later(peer);
	return rc;
}

static int host_embed_card(const struct ragd_host *host, const char *instance,
			   struct ragd_embed_card *out, struct ragd_err *err)
{
	struct plugin_instance *peer = plugin_instance_peer(instance_of(host), instance);
	struct ragd_embed_card card;
	int rc = 0;

	if (peer == NULL || peer->descriptor->kind == RAGD_KIND_SAFETY)
		rc = peer_missing(host, instance, "inference or retrieval", err);
	else if (plugin_embed_card(peer->name, peer->descriptor, peer->self, &card))
		ragd_fill(out, &card, sizeof(card));
	else
		rc = peer_lacks(host, instance, "say what its vectors are", err);
	plugin_instance_unref_later(peer);
	return rc;
}

static int host_score(const struct ragd_host *host, const char *instance,
		      const struct ragd_call *call, struct ragd_str prompt,
		      const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		      struct ragd_err *err)
{
	struct plugin_instance *peer = plugin_instance_peer(instance_of(host), instance);
	struct ragd_err why = { 0 };
	int rc;

	if (peer == NULL || peer->descriptor->kind != RAGD_KIND_INFERENCE) {
		rc = peer_missing(host, instance, "inference", err);
	} else if (!plugin_can(peer->descriptor, peer->self, RAGD_SCORES)) {
		rc = peer_lacks(host, instance, "score", err);
	} else {
		validate_scores_prepare(out, n);
		rc = peer->descriptor->ops.inference->score(peer->self, call, prompt, continuations,
							    n, out, &why);
		rc = validate_scores(peer->name, rc, out, n, &why);
		if (rc < 0)
			ragd_err_set(err, rc, "%s", why.msg);
	}
	plugin_instance_unref_later(peer);
	return rc;
}

static int host_rerank(const struct ragd_host *host, const char *instance,
		       const struct ragd_call *call, const struct ragd_rerank *req, double *scores,
		       struct ragd_err *err)
{
	struct plugin_instance *peer = plugin_instance_peer(instance_of(host), instance);
	int rc;

	if (peer == NULL || peer->descriptor->kind != RAGD_KIND_INFERENCE)
		rc = peer_missing(host, instance, "inference", err);
	else if (plugin_can(peer->descriptor, peer->self, RAGD_RERANKS))
		rc = plugin_rerank(peer->name, peer->descriptor, peer->self, call, req, scores,
				   err);
	else
		rc = peer_lacks(host, instance, "rerank", err);
	plugin_instance_unref_later(peer);
	return rc;
}

/* Keeps the peer open until its sink is done; its memory stays for a peer that goes on with it. */
struct relay {
	struct ragd_sink sink;
	struct ragd_sink *to;
	struct plugin_instance *peer;
	struct ragd_err fault; /* code < 0: of a piece; nothing more is passed on */
	atomic_bool done;
	atomic_uint refs; /* the call's and the sink's */
	char name[];      /* the peer's */
};

static void relay_unref(struct relay *r)
{
	if (atomic_fetch_sub(&r->refs, 1) == 1)
		sinks_over_keep(r);
}

/*
 * The sink's end, once: drops what it held. The thread may be one that has
 * to end before the peer closes.
 */
static void relay_end(struct relay *r)
{
	plugin_instance_unref_later(r->peer);
	relay_unref(r);
	plugin_pending_end();
}

static int relay_text_cb(struct ragd_sink *sink, const char *text, size_t len)
{
	struct relay *r = container_of(sink, struct relay, sink);

	struct ragd_err why;

	if (atomic_load(&r->done)) {
		validate_after_done(r->name, "text", &why);
		return -ECANCELED;
	}
	if (r->fault.code < 0 || validate_piece(r->name, text, len, &r->fault) < 0)
		return -ECANCELED;
	return r->to->text(r->to, text, len);
}

static void relay_done_cb(struct ragd_sink *sink, int rc, enum ragd_finish finish,
			  const struct ragd_usage *usage, const struct ragd_err *err)
{
	struct relay *r = container_of(sink, struct relay, sink);
	struct ragd_err why = { 0 };

	if (atomic_exchange(&r->done, true)) {
		validate_after_done(r->name, "done", &why);
		return;
	}
	rc = validate_done(r->name, rc, finish, usage, err, &why);
	if (r->fault.code < 0) {
		why = r->fault;
		rc = why.code;
	}
	if (rc < 0)
		r->to->done(r->to, rc, RAGD_FINISH_STOP, NULL, &why);
	else
		r->to->done(r->to, 0, finish, usage, NULL);
	relay_end(r);
}

static int host_generate(const struct ragd_host *host, const char *instance,
			 const struct ragd_call *call, const struct ragd_generate *req,
			 struct ragd_sink *sink, struct ragd_err *err)
{
	struct plugin_instance *peer = plugin_instance_peer(instance_of(host), instance);
	struct ragd_err why = { 0 };
	struct relay *r;
	int rc;

	if (peer == NULL || peer->descriptor->kind != RAGD_KIND_INFERENCE) {
		plugin_instance_unref_later(peer);
		return peer_missing(host, instance, "inference", err);
	}
	if (req->sampling == NULL) {
		plugin_instance_unref_later(peer);
		return ragd_err_set(err, -EINVAL, "plugin '%s': it asks '%s' without sampling",
				    host->instance, instance);
	}
	r = calloc(1, sizeof(*r) + strlen(peer->name) + 1);
	if (r == NULL) {
		plugin_instance_unref_later(peer);
		return ragd_err_set(err, -ENOMEM, "plugin '%s': out of memory", host->instance);
	}
	r->sink = (struct ragd_sink){ sizeof(r->sink), relay_text_cb, relay_done_cb };
	r->to = sink;
	r->peer = peer;
	memcpy(r->name, peer->name, strlen(peer->name));
	r->refs = 2;
	atomic_fetch_add(&peer->refs, 1); /* one for the call, one for the sink */
	plugin_pending_begin();
	rc = peer->descriptor->ops.inference->generate(peer->self, call, req, &r->sink, &why);
	rc = validate_rc(peer->name, "generate", rc, &why);
	if (rc < 0 && !atomic_exchange(&r->done, true)) {
		ragd_err_set(err, rc, "%s", why.msg);
		relay_end(r);
	} else {
		rc = 0; /* the sink was told, or will be */
	}
	relay_unref(r);
	plugin_instance_unref_later(peer);
	return rc;
}

void plugin_host_init(struct plugin_instance *inst)
{
	inst->host = (struct ragd_host){
		.size = sizeof(inst->host),
		.instance = inst->name,
		.state_dir = inst->state_dir,
		.data_dir = inst->data_dir,
		.log = host_log,
		.count = host_count,
		.gauge = host_gauge,
		.embed = host_embed,
		.embed_card = host_embed_card,
		.score = host_score,
		.generate = host_generate,
		.progress = plugin_progress_set,
		.rerank = host_rerank,
	};
}
