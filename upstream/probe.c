#include "upstream/probe.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "upstream/job.h"

#define REPLY_MAX  ((size_t)1 << 20) /* bytes of a list of models */
#define PATIENT_MS 10000             /* for the whole of a check, beyond connecting */

struct probe {
	struct upstream *u;
	size_t at; /* endpoint */
	struct exchange x;
	struct buf reply;
	int64_t due_ms; /* while it is well; one that is down is asked when its time is over */
	bool of_list;
	bool told_missing; /* that the model is not in its list; told once */
};

static int body_cb(struct exchange *x, const char *data, size_t len)
{
	struct probe *p = container_of(x, struct probe, x);

	if (p->reply.len + len > REPLY_MAX)
		return -EPROTO;
	buf_add(&p->reply, data, len);
	return buf_failed(&p->reply) ? -ENOMEM : 0;
}

/* ---- what a reply says ---------------------------------------------------------------------- */

static int list_read(struct probe *p, struct ragd_err *err)
{
	const struct settings *s = &p->u->settings;
	json_t *root = reply_parse(p->reply.data != NULL ? p->reply.data : "", p->reply.len);
	struct reply_models models;
	int rc;

	if (root == NULL)
		return ragd_err_set(err, -EPROTO, "its list of models is no JSON");
	rc = reply_models_read(root, s->model, &models, err);
	json_decref(root);
	if (rc < 0)
		return rc;
	if (s->model[0] == '\0' && models.n == 0)
		return ragd_err_set(err, -EPROTO, "it lists no model");
	snprintf(p->u->models[p->at], sizeof(p->u->models[p->at]), "%s", models.first);
	if (s->model[0] == '\0' || models.listed)
		upstream_learn(p->u, &models);
	else if (!p->told_missing)
		p->u->host->log(p->u->host, RAGD_LOG_WARN,
				"server '%s' does not list the model '%s'; it has %zu, the first "
				"is '%s'",
				s->servers[p->at].url.text, s->model, models.n, models.first);
	p->told_missing = s->model[0] != '\0' && !models.listed;
	return 0;
}

static int reply_judge(struct probe *p, struct ragd_err *err)
{
	char words[REPLY_MESSAGE_MAX + 1];

	if (p->x.status / 100 == 2)
		return p->of_list ? list_read(p, err) : 0;
	reply_message(p->reply.data != NULL ? p->reply.data : "", p->reply.len, words);
	return ragd_err_set(err, -EREMOTEIO, "it answers %ld%s%s", p->x.status,
			    words[0] != '\0' ? ": " : "", words);
}

static void done_cb(struct exchange *x, int rc, const struct ragd_err *err)
{
	struct probe *p = container_of(x, struct probe, x);
	struct upstream *u = p->u;
	bool was_unknown = u->endpoints[p->at].state == ENDPOINT_UNKNOWN;
	struct ragd_err why = { 0 };

	if (rc < 0)
		why = *err;
	else if (x->status == 429) /* it is there, with other things to do */
		rc = u->rules.need_list && u->models[p->at][0] == '\0'
			     ? ragd_err_set(&why, -EBUSY, "it is busy and does not list its models")
			     : 0;
	else
		rc = reply_judge(p, &why);
	buf_fini(&p->reply);
	p->due_ms = clock_ms() + (int64_t)((double)u->settings.health_interval_ms *
					   (0.8 + 0.4 * retry_random(&u->random)));
	if (rc < 0)
		upstream_failed(u, p->at, was_unknown, &why);
	else
		upstream_ok(u, p->at);
	for (struct upstream_job *job = u->jobs; job != NULL; job = job->next)
		job_kick(job, clock_ms());
}

/* ---- asking --------------------------------------------------------------------------------- */

static int probe_start(struct probe *p, struct ragd_err *err)
{
	static const struct exchange_ops ops = { .body = body_cb, .done = done_cb };
	const struct settings *s = &p->u->settings;
	const struct server_url *server = &s->servers[p->at].url;
	struct http_request r;
	char *url;
	int rc;

	p->of_list = s->health == HEALTH_MODELS ||
		     (p->u->rules.need_list && p->u->models[p->at][0] == '\0');
	if (asprintf(&url, "%s%s", p->of_list ? server->base : server->origin,
		     p->of_list                   ? "/models"
		     : s->health == HEALTH_HEALTH ? "/health"
						  : "/healthz") < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	r = upstream_request(p->u, p->at, url);
	r.accept = "application/json, */*";
	r.total_ms = r.connect_ms + PATIENT_MS;
	p->x.ops = &ops;
	rc = http_start(p->u->http, &p->x, &r, err);
	free(url);
	return rc;
}

static int64_t due_ms(const struct probe *p)
{
	const struct endpoint *e = &p->u->endpoints[p->at];

	return e->state == ENDPOINT_DOWN ? e->down_until_ms : p->due_ms;
}

void probes_tick(struct upstream *u, int64_t now_ms)
{
	struct ragd_err err;

	for (size_t i = 0; u->rules.probed && i < u->settings.n_servers; i++) {
		struct probe *p = &u->probes[i];

		if (p->x.easy != NULL || now_ms < due_ms(p))
			continue;
		if (probe_start(p, &err) < 0) {
			p->due_ms = now_ms + u->settings.health_interval_ms;
			upstream_failed(u, i, true, &err);
		}
	}
}

int64_t probes_next_ms(const struct upstream *u)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; u->rules.probed && i < u->settings.n_servers; i++)
		if (u->probes[i].x.easy == NULL)
			next = MIN(next, due_ms(&u->probes[i]));
	return next;
}

int probes_new(struct upstream *u, struct ragd_err *err)
{
	u->probes = calloc(u->settings.n_servers, sizeof(*u->probes));
	if (u->probes == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < u->settings.n_servers; i++) {
		u->probes[i].u = u;
		u->probes[i].at = i;
	}
	return 0;
}

void probes_free(struct upstream *u)
{
	for (size_t i = 0; u->probes != NULL && i < u->settings.n_servers; i++) {
		http_abort(u->http, &u->probes[i].x);
		buf_fini(&u->probes[i].reply);
	}
	free(u->probes);
	u->probes = NULL;
}
