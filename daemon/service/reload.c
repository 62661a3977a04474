#include "daemon/service/reload.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/api/collections.h"
#include "daemon/service/log.h"
#include "daemon/service/notify.h"

#define EXTEND_EVERY_MS 5000 /* while plugins open */
#define SPARE_FDS       256  /* files, databases and pipes besides the connections */
#define EXTEND_BY_MS    15000

/* One generation in the making; the loop's from reload_start() until reload_closed_cb(). */
struct reload {
	struct pool_work work;
	uv_timer_t extend; /* asks the service manager for more time */
	struct ragd *d;
	struct config_source source;
	struct generation *next;     /* its cfg is NULL until work_cb has read it */
	struct plugin_set *previous; /* referenced */
	const char *state_dir;       /* of the running generation, which outlives us; NULL: none */
	void (*done_cb)(const struct ragd_err *err, void *arg);
	void *arg;
	struct ragd_err err;
	int rc;
};

/* The daemon's own, not a client's. */
static void own_work(struct pool *pool, struct pool_work *work, pool_cb work_cb, pool_cb done_cb)
{
	work->steady = true; /* threads that a plugin starts inherit the priority */
	pool_start(pool, work, geteuid(), true, work_cb, done_cb);
}

/* ---- references ---------------------------------------------------------------------------- */

static void free_work_cb(struct pool_work *work) /* pool thread */
{
	struct generation *g = container_of(work, struct generation, free_work);

	plugin_set_unref(g->plugins);
	config_free(g->cfg);
	malloc_trim(0); /* an index or a model may have gone */
}

static void free_done_cb(struct pool_work *work) /* loop thread */
{
	struct generation *g = container_of(work, struct generation, free_work);

	log_debug("event=generation-closed generation=%u", g->number);
	free(g);
}

struct generation *generation_ref(struct generation *g)
{
	g->n_refs++;
	return g;
}

void generation_unref(struct generation *g)
{
	if (g == NULL || --g->n_refs > 0)
		return;
	own_work(g->pool, &g->free_work, free_work_cb, free_done_cb);
}

/* ---- what a reload cannot change, or did change --------------------------------------------- */

static void log_restart_options(const struct config *was, const struct config *is)
{
	char options[128] = "";
	const struct {
		const char *name;
		bool differs;
	} rows[] = {
		{ "socket", strcmp(was->socket, is->socket) != 0 },
		{ "owner", was->socket_owner != is->socket_owner },
		{ "group", was->socket_group != is->socket_group },
		{ "mode", was->socket_mode != is->socket_mode },
		{ "threads", was->n_threads != is->n_threads },
		{ "keep_answers", was->keep_answers_ms != is->keep_answers_ms },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].differs)
			snprintf(options + strlen(options), sizeof(options) - strlen(options),
				 "%s%s", options[0] != '\0' ? "," : "", rows[i].name);
	if (options[0] != '\0')
		log_warn("event=restart-needed options=%s text=\"these take effect when ragd "
			 "starts again\"",
			 options);
}

/* Connections need descriptors; what the shell left us as a soft limit is too few. */
static void raise_fd_limit(const struct config *cfg)
{
	rlim_t want = (rlim_t)cfg->limits.connections + SPARE_FDS;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= want)
		return;
	l.rlim_cur = MIN(want, l.rlim_max);
	if (setrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur < want)
		log_warn("event=few-descriptors limit=%llu text=\"%u connections want %llu\"",
			 (unsigned long long)l.rlim_cur, cfg->limits.connections,
			 (unsigned long long)want);
}

/* Files that only its options name, or that it read of data_dir, change without its section. */
static bool reopened_cb(const char *name, void *arg)
{
	const struct reload *r = arg;
	const struct plugin *was = plugin_set_find(r->d->current->plugins, 0, name);
	const struct plugin *is = plugin_set_find(r->next->plugins, 0, name);

	return was != NULL && is != NULL && was->instance != is->instance;
}

static void generation_swap(struct reload *r)
{
	struct generation *old = r->d->current;
	struct generation *g = r->next;
	char *diff = old != NULL ? config_diff(old->cfg, g->cfg, reopened_cb, r) : NULL;

	g->n_refs = 1;
	g->number = ++r->d->n_generations;
	r->d->current = g;
	r->next = NULL;
	log_set_level(g->cfg->log_level);
	raise_fd_limit(g->cfg);
	if (r->d->http != NULL) /* at start, too: there are more descriptors now */
		http_server_set_limits(r->d->http, &g->cfg->limits);
	if (old == NULL)
		return;
	log_info("event=reloaded generation=%u%s", g->number, diff != NULL ? diff : "");
	log_restart_options(old->cfg, g->cfg);
	free(diff);
	generation_unref(old);
}

/* ---- one reload ---------------------------------------------------------------------------- */

static void reload_work_cb(struct pool_work *work) /* pool thread: touches nothing but r */
{
	struct reload *r = container_of(work, struct reload, work);
	struct generation *g = r->next;

	if (g->cfg == NULL)
		r->rc = config_load(&r->source, &g->cfg, &r->err);
	if (r->rc == 0 && r->state_dir != NULL && strcmp(r->state_dir, g->cfg->state_dir) != 0)
		r->rc = ragd_err_set(&r->err, -EBUSY,
				     "state_dir cannot change from '%s' to '%s' while ragd runs: "
				     "restart it",
				     r->state_dir, g->cfg->state_dir);
	if (r->rc == 0)
		r->rc = plugin_set_open(g->cfg, r->previous, &g->plugins, &r->err);
	if (r->rc == 0)
		r->rc = collections_make(g->cfg, g->plugins, &r->err);
	plugin_set_unref(r->previous);
	r->previous = NULL;
	if (r->rc < 0) {
		plugin_set_unref(g->plugins);
		config_free(g->cfg);
	}
}

static void reload_closed_cb(uv_handle_t *handle)
{
	struct reload *r = container_of((uv_timer_t *)handle, struct reload, extend);

	free(r->next);
	free(r);
}

static void reload_done_cb(struct pool_work *work) /* loop thread */
{
	struct reload *r = container_of(work, struct reload, work);

	r->d->reload = NULL;
	if (r->rc == 0) {
		generation_swap(r);
	} else if (r->d->current != NULL) {
		log_err("event=reload-failed generation=%u error=%s", r->d->current->number,
			LOG_TEXT(r->err.msg));
	}
	if (r->d->current != NULL && r->d->state == RAGD_READY)
		notify_send("READY=1\nSTATUS=%s",
			    r->rc == 0 ? "serving"
				       : "serving; the last reload failed, see the log");
	r->done_cb(r->rc < 0 ? &r->err : NULL, r->arg);
	uv_close((uv_handle_t *)&r->extend, reload_closed_cb);
	if (r->d->reload_again)
		reload_soon(r->d);
}

static void extend_cb(uv_timer_t *timer)
{
	char opening[256];

	(void)timer;
	notify_extend(EXTEND_BY_MS);
	if (plugin_progress(opening, sizeof(opening)))
		notify_send("STATUS=%s", opening);
}

/* cfg may be NULL: to be read. */
static int reload_start(struct ragd *d, struct config *cfg,
			void (*done_cb)(const struct ragd_err *err, void *arg), void *arg,
			struct ragd_err *err)
{
	struct reload *r;

	if (d->reload != NULL) {
		config_free(cfg);
		return ragd_err_set(err, -EBUSY, "another reload is in progress");
	}
	r = calloc(1, sizeof(*r));
	if (r != NULL)
		r->next = calloc(1, sizeof(*r->next));
	if (r == NULL || r->next == NULL) {
		free(r);
		config_free(cfg);
		return ragd_err_set(err, -ENOMEM, "reload: out of memory");
	}
	r->d = d;
	r->source = d->source;
	r->next->cfg = cfg;
	r->next->pool = d->pool;
	r->done_cb = done_cb;
	r->arg = arg;
	if (d->current != NULL) {
		r->state_dir = d->current->cfg->state_dir; /* current cannot go while we run */
		r->previous = plugin_set_ref(d->current->plugins);
	}
	uv_timer_init(d->loop, &r->extend);
	uv_timer_start(&r->extend, extend_cb, EXTEND_EVERY_MS, EXTEND_EVERY_MS);
	own_work(d->pool, &r->work, reload_work_cb, reload_done_cb);
	d->reload = r;
	return 0;
}

int reload_first(struct ragd *d, struct config *cfg,
		 void (*done_cb)(const struct ragd_err *err, void *arg), void *arg,
		 struct ragd_err *err)
{
	return reload_start(d, cfg, done_cb, arg, err);
}

int ragd_reload(struct ragd *d, void (*done_cb)(const struct ragd_err *err, void *arg), void *arg,
		struct ragd_err *err)
{
	int rc;

	if (d->state != RAGD_READY)
		return ragd_err_set(err, -EBUSY,
				    d->state == RAGD_DRAINING ? "ragd is stopping"
							      : "ragd is still starting");
	rc = reload_start(d, NULL, done_cb, arg, err);
	if (rc == 0)
		notify_reloading();
	return rc;
}

static void soon_done_cb(const struct ragd_err *err, void *arg)
{
	(void)err; /* logged where it happened */
	(void)arg;
}

void reload_soon(struct ragd *d)
{
	struct ragd_err err = { 0 };

	d->reload_again = d->reload != NULL;
	if (!d->reload_again && ragd_reload(d, soon_done_cb, NULL, &err) < 0)
		log_warn("event=reload-refused error=%s", LOG_TEXT(err.msg));
}
