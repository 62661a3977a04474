#include "daemon/plugins/plugin_private.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/util.h"
#include "daemon/flow/sinks_over.h"
#include "daemon/plugins/validate.h"
#include "daemon/service/log.h"

#define METRICS_MAX 64 /* names of one instance */
#define NAME_LEN    64
#define NAME_CHARS  "abcdefghijklmnopqrstuvwxyz0123456789_"

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

struct metric {
	char name[NAME_LEN + 1];
	bool counter;
	_Atomic uint64_t bits; /* the count, or the gauge's double */
};

/* Entries are only ever added, so readers look without a lock at those below n. */
struct plugin_meter {
	struct plugin_meter *next;
	unsigned refs; /* under meters.lock */
	char *instance;
	_Atomic unsigned n;
	atomic_bool warned;
	struct metric faults; /* the host's; shown once there is one */
	_Atomic uint64_t faults_of[PLUGIN_N_FAULTS];
	struct metric metrics[METRICS_MAX];
};

static struct {
	pthread_mutex_t lock;
	struct plugin_meter *first;
} meters = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct plugin_meter *plugin_meter_ref(const char *instance)
{
	struct plugin_meter *m;

	pthread_mutex_lock(&meters.lock);
	for (m = meters.first; m != NULL && strcmp(m->instance, instance) != 0; m = m->next)
		;
	if (m == NULL && (m = calloc(1, sizeof(*m))) != NULL) {
		m->instance = strdup(instance);
		m->faults = (struct metric){ .name = "faults", .counter = true };
		if (m->instance == NULL) {
			free(m);
			m = NULL;
		} else {
			m->next = meters.first;
			meters.first = m;
		}
	}
	if (m != NULL)
		m->refs++;
	pthread_mutex_unlock(&meters.lock);
	return m;
}

void plugin_meter_unref(struct plugin_meter *meter)
{
	struct plugin_meter **p;

	if (meter == NULL)
		return;
	pthread_mutex_lock(&meters.lock);
	if (--meter->refs == 0) {
		for (p = &meters.first; *p != meter; p = &(*p)->next)
			;
		*p = meter->next;
		free(meter->instance);
		free(meter);
	}
	pthread_mutex_unlock(&meters.lock);
}

static struct metric *metric_look(struct plugin_meter *meter, const char *name, bool counter)
{
	unsigned n = atomic_load_explicit(&meter->n, memory_order_acquire);

	if (counter && strcmp(meter->faults.name, name) == 0)
		return &meter->faults;
	for (unsigned i = 0; i < n; i++)
		if (meter->metrics[i].counter == counter &&
		    strcmp(meter->metrics[i].name, name) == 0)
			return &meter->metrics[i];
	return NULL;
}

static bool metric_name_ok(const char *name)
{
	size_t len = strnlen(name, NAME_LEN + 1);

	return len > 0 && len <= NAME_LEN && name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, NAME_CHARS) == len;
}

/* NULL, and one warning for the instance's life, if the name or one name more is not to be had. */
static struct metric *metric_get(struct plugin_meter *meter, const char *name, bool counter)
{
	struct metric *m = metric_look(meter, name, counter);
	char quoted[100];
	unsigned n;

	if (m != NULL)
		return m;
	pthread_mutex_lock(&meters.lock);
	m = metric_look(meter, name, counter); /* another thread may have added it meanwhile */
	n = atomic_load_explicit(&meter->n, memory_order_relaxed);
	if (m == NULL && n < METRICS_MAX && metric_name_ok(name)) {
		m = &meter->metrics[n];
		snprintf(m->name, sizeof(m->name), "%s", name);
		m->counter = counter;
		atomic_store_explicit(&meter->n, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&meters.lock);
	if (m == NULL && !atomic_exchange(&meter->warned, true))
		log_warn("plugin=%s msg=\"metric not kept: names are of a-z, 0-9 and _, up to %d "
			 "bytes and "
			 "%d names\" name=%s",
			 meter->instance, NAME_LEN, METRICS_MAX,
			 log_quote(name, strnlen(name, NAME_LEN), quoted, sizeof(quoted)));
	return m;
}

static void host_count(const struct ragd_host *host, const char *name, uint64_t add)
{
	struct metric *m = metric_get(instance_of(host)->meter, name, true);

	if (m != NULL)
		atomic_fetch_add_explicit(&m->bits, add, memory_order_relaxed);
}

static void host_gauge(const struct ragd_host *host, const char *name, double value)
{
	struct metric *m = metric_get(instance_of(host)->meter, name, false);
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	if (m != NULL)
		atomic_store_explicit(&m->bits, bits, memory_order_relaxed);
}

static bool power_of_ten(uint64_t n)
{
	while (n > 1 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

void plugin_fault(const char *instance, enum plugin_fault kind, const char *sentence)
{
	struct plugin_meter *meter;
	uint64_t n = 1;
	char quoted[512];

	pthread_mutex_lock(&meters.lock);
	for (meter = meters.first; meter != NULL && strcmp(meter->instance, instance) != 0;
	     meter = meter->next)
		;
	if (meter != NULL) {
		atomic_fetch_add(&meter->faults.bits, 1);
		n = atomic_fetch_add(&meter->faults_of[kind], 1) + 1;
	}
	pthread_mutex_unlock(&meters.lock);
	if (power_of_ten(n))
		log_warn("event=plugin_fault plugin=%s of_this_kind=%llu msg=%s", instance,
			 (unsigned long long)n,
			 log_quote(sentence, strlen(sentence), quoted, sizeof(quoted)));
}

struct sample {
	const struct plugin_meter *meter;
	const struct metric *metric;
};

/* By name, then instance: an exposition wants the samples of one metric together. */
static int sample_cmp(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int rc = strcmp(x->metric->name, y->metric->name);

	if (rc == 0)
		rc = (int)x->metric->counter - (int)y->metric->counter;
	return rc != 0 ? rc : strcmp(x->meter->instance, y->meter->instance);
}

static double metric_value(const struct metric *m)
{
	uint64_t bits = atomic_load_explicit(&m->bits, memory_order_relaxed);
	double value;

	if (m->counter)
		return (double)bits;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

void plugin_metrics(void (*each)(const char *instance, const char *name, bool counter, double value,
				 void *arg),
		    void *arg)
{
	struct sample *samples = NULL;
	size_t n = 0, max = 0;

	pthread_mutex_lock(&meters.lock);
	for (struct plugin_meter *m = meters.first; m != NULL; m = m->next)
		max += m->n + 1;
	samples = calloc(max + 1, sizeof(*samples));
	for (struct plugin_meter *m = meters.first; m != NULL && samples != NULL; m = m->next) {
		if (m->faults.bits > 0)
			samples[n++] = (struct sample){ m, &m->faults };
		for (unsigned i = 0; i < m->n && n < max; i++)
			samples[n++] = (struct sample){ m, &m->metrics[i] };
	}
	if (n > 0)
		qsort(samples, n, sizeof(*samples), sample_cmp);
	for (size_t i = 0; i < n; i++)
		each(samples[i].meter->instance, samples[i].metric->name,
		     samples[i].metric->counter, metric_value(samples[i].metric), arg);
	pthread_mutex_unlock(&meters.lock);
	free(samples);
}

/* ---- abilities of other instances ---------------------------------------------------------- */

static int no_peer(const struct ragd_host *host, const char *instance, const char *kind,
		   struct ragd_err *err)
{
	return ragd_err_set(err, -ENOENT, "plugin '%s': there is no %s plugin '%s' to ask",
			    host->instance, kind, instance);
}

static int lacks(const struct ragd_host *host, const char *instance, const char *ability,
		 struct ragd_err *err)
{
	return ragd_err_set(err, -ENOTSUP, "plugin '%s': plugin '%s' cannot %s", host->instance,
			    instance, ability);
}

bool plugin_embeds(const struct ragd_plugin *d)
{
	return (d->kind == RAGD_KIND_INFERENCE && d->ops.inference->embed != NULL) ||
	       (d->kind == RAGD_KIND_RETRIEVAL && d->ops.retrieval->embed != NULL);
}

int plugin_embed(const struct ragd_plugin *d, void *self, const struct ragd_call *call,
		 const struct ragd_str *texts, size_t n, const float **out, uint32_t *dim,
		 struct ragd_err *err)
{
	*out = NULL;
	*dim = 0;
	if (d->kind == RAGD_KIND_INFERENCE)
		return d->ops.inference->embed(self, call, texts, n, out, dim, err);
	return d->ops.retrieval->embed(self, call, texts, n, out, dim, err);
}

static int embed_judged(const struct plugin_instance *peer, const struct ragd_call *call,
			const struct ragd_str *texts, size_t n, const float **out, uint32_t *dim,
			struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	const float *v;
	uint32_t got;
	int rc = plugin_embed(peer->descriptor, peer->self, call, texts, n, &v, &got, &why);

	rc = validate_vectors(peer->name, rc, v, got, n, &why);
	if (rc < 0)
		return ragd_err_set(err, rc, "%s", why.msg);
	*out = v;
	*dim = got;
	return 0;
}

static int host_embed(const struct ragd_host *host, const char *instance,
		      const struct ragd_call *call, const struct ragd_str *texts, size_t n,
		      const float **out, uint32_t *dim, struct ragd_err *err)
{
	struct plugin_instance *peer = plugin_instance_peer(instance_of(host), instance);
	int rc;

	if (peer == NULL || peer->descriptor->kind == RAGD_KIND_SAFETY)
		rc = no_peer(host, instance, "inference or retrieval", err);
	else if (plugin_embeds(peer->descriptor))
		rc = embed_judged(peer, call, texts, n, out, dim, err);
	else
		rc = lacks(host, instance, "embed", err);
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
		rc = no_peer(host, instance, "inference", err);
	} else if (peer->descriptor->ops.inference->score == NULL) {
		rc = lacks(host, instance, "score", err);
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

/* The sink's end, once: drops what it held. The thread may be one that has to end before the peer closes. */
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
		return no_peer(host, instance, "inference", err);
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
		.score = host_score,
		.generate = host_generate,
		.progress = plugin_progress_set,
	};
}
