#include "upstream/servers/probe.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "upstream/servers/retry.h"

#define REPLY_MAX  ((size_t)1 << 20) /* bytes of a list of models */
#define PATIENT_MS 10000             /* for the whole of a check, beyond connecting */

struct probe {
	struct probes *all;
	struct servers *servers;
	size_t at; /* endpoint */
	struct exchange x;
	struct buf reply;
	int64_t due_ms; /* while it is well; one that is down is asked when its time is over */
	bool of_list;
	bool told_missing; /* that the model is not in its list; told once */
};

struct probes {
	struct servers *servers;
	probes_checked_cb checked;
	void *arg;
	struct probe v[]; /* [n_servers] */
};

static int probe_body_cb(struct exchange *x, const char *data, size_t len)
{
	struct probe *p = container_of(x, struct probe, x);

	if (p->reply.len + len > REPLY_MAX)
		return -EPROTO;
	buf_add(&p->reply, data, len);
	return buf_failed(&p->reply) ? -ENOMEM : 0;
}

/* ---- what a reply says ---------------------------------------------------------------------- */

static int models_read(struct probe *p, struct ragd_err *err)
{
	const struct settings *s = &p->servers->settings;
	json_t *root = reply_parse(p->reply.data != NULL ? p->reply.data : "", p->reply.len);
	struct reply_models models;
	int rc;

	if (root == NULL)
		return ragd_err_set(err, -EPROTO, "its list of models is not JSON");
	rc = reply_models_read(root, s->model, &models, err);
	json_decref(root);
	if (rc < 0)
		return rc;
	if (s->model[0] == '\0' && models.n == 0)
		return ragd_err_set(err, -EPROTO, "it lists no model");
	snprintf(p->servers->models[p->at], sizeof(p->servers->models[p->at]), "%s", models.first);
	if (s->model[0] == '\0' || models.listed)
		servers_learn(p->servers, &models);
	else if (!p->told_missing)
		p->servers->host->log(
			p->servers->host, RAGD_LOG_WARN,
			"server '%s' does not list the model '%s'; it has %zu, the first "
			"is '%s'",
			s->servers[p->at].url.text, s->model, models.n, models.first);
	p->told_missing = s->model[0] != '\0' && !models.listed;
	return 0;
}

static int probe_reply_read(struct probe *p, struct ragd_err *err)
{
	char words[REPLY_MESSAGE_MAX + 1];

	if (p->x.status / 100 == 2)
		return p->of_list ? models_read(p, err) : 0;
	reply_message(p->reply.data != NULL ? p->reply.data : "", p->reply.len, words);
	return ragd_err_set(err, -EREMOTEIO, "it answers %ld%s%s", p->x.status,
			    words[0] != '\0' ? ": " : "", words);
}

static void probe_done_cb(struct exchange *x, int rc, const struct ragd_err *err)
{
	struct probe *p = container_of(x, struct probe, x);
	struct servers *servers = p->servers;
	bool was_unknown = servers->endpoints[p->at].state == ENDPOINT_UNKNOWN;
	struct ragd_err why = { 0 };

	if (rc < 0)
		why = *err;
	else if (x->status == 429) /* it is there, with other things to do */
		rc = servers->rules.need_list && servers->models[p->at][0] == '\0'
			     ? ragd_err_set(&why, -EBUSY, "it is busy and does not list its models")
			     : 0;
	else
		rc = probe_reply_read(p, &why);
	buf_fini(&p->reply);
	p->due_ms = clock_ms() + (int64_t)((double)servers->settings.health_interval_ms *
					   (0.8 + 0.4 * retry_random(&servers->random)));
	if (rc < 0)
		servers_failed(servers, p->at, was_unknown, &why);
	else
		servers_ok(servers, p->at);
	p->all->checked(p->all->arg);
}

/* ---- asking --------------------------------------------------------------------------------- */

static int probe_start(struct probe *p, struct ragd_err *err)
{
	static const struct exchange_ops ops = { .body = probe_body_cb, .done = probe_done_cb };
	const struct settings *s = &p->servers->settings;
	const struct server_url *server = &s->servers[p->at].url;
	struct exchange_request r;
	char *url;
	int rc;

	p->of_list = s->health == HEALTH_MODELS ||
		     (p->servers->rules.need_list && p->servers->models[p->at][0] == '\0');
	if (asprintf(&url, "%s%s", p->of_list ? server->base : server->origin,
		     p->of_list                   ? "/models"
		     : s->health == HEALTH_HEALTH ? "/health"
						  : "/healthz") < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	r = servers_request(p->servers, p->at, url);
	r.accept = "application/json, */*";
	r.total_ms = r.connect_ms + PATIENT_MS;
	p->x.ops = &ops;
	rc = http_start(p->servers->http, &p->x, &r, err);
	free(url);
	return rc;
}

static int64_t probe_due_ms(const struct probe *p)
{
	const struct endpoint *e = &p->servers->endpoints[p->at];

	return e->state == ENDPOINT_DOWN ? e->down_until_ms : p->due_ms;
}

void probes_tick(struct probes *probes, int64_t now_ms)
{
	struct servers *servers = probes->servers;
	struct ragd_err err;

	for (size_t i = 0; servers->rules.probed && i < servers->settings.n_servers; i++) {
		struct probe *p = &probes->v[i];

		if (p->x.easy != NULL || now_ms < probe_due_ms(p))
			continue;
		if (probe_start(p, &err) < 0) {
			p->due_ms = now_ms + servers->settings.health_interval_ms;
			servers_failed(servers, i, true, &err);
		}
	}
}

int64_t probes_next_ms(const struct probes *probes)
{
	const struct servers *servers = probes->servers;
	int64_t next = INT64_MAX;

	for (size_t i = 0; servers->rules.probed && i < servers->settings.n_servers; i++)
		if (probes->v[i].x.easy == NULL)
			next = MIN(next, probe_due_ms(&probes->v[i]));
	return next;
}

int probes_new(struct servers *servers, probes_checked_cb checked, void *arg, struct probes **out,
	       struct ragd_err *err)
{
	size_t n = servers->settings.n_servers;
	struct probes *probes = calloc(1, sizeof(*probes) + n * sizeof(probes->v[0]));

	if (probes == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	*probes = (struct probes){ .servers = servers, .checked = checked, .arg = arg };
	for (size_t i = 0; i < n; i++)
		probes->v[i] = (struct probe){ .all = probes, .servers = servers, .at = i };
	*out = probes;
	return 0;
}

void probes_free(struct probes *probes)
{
	if (probes == NULL)
		return;
	for (size_t i = 0; i < probes->servers->settings.n_servers; i++) {
		http_abort(probes->servers->http, &probes->v[i].x);
		buf_fini(&probes->v[i].reply);
	}
	free(probes);
}
