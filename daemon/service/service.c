#include <config.h>

#include "daemon/service/service.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "daemon/api/api_error.h"
#include "daemon/api/api_routes.h"
#include "daemon/config/paths.h"
#include "daemon/flow/flow.h"
#include "daemon/records/journal.h"
#include "daemon/records/metrics.h"
#include "daemon/service/listen.h"
#include "daemon/service/log.h"
#include "daemon/service/notify.h"
#include "daemon/service/reload.h"

/*
 * Threads for users that hold none. A user that waits for a disk or a model
 * holds one as well, and several may.
 */
#define RESERVE_MIN 8
#define STUCK_MS    5000 /* after the drain's deadline */

/*
 * All that main() sets up; one a process. The handles live in it,
 * so it lives until the loop ends.
 */
struct service {
	struct ragd ragd;
	uv_loop_t loop;
	uv_signal_t signals[3]; /* HUP, TERM, INT */
	uv_timer_t watchdog;
	uv_timer_t deadline; /* of the drain, then of the stop */
	uv_prepare_t turn;   /* while stopping: looks whether the last answer is done */
	struct listen_file file;
	struct arena *arena;
	int lock_fd;
	unsigned n_terms;
	bool stopping; /* answers at work may finish */
	bool hurry;    /* no longer */
	int status;    /* of the process */
};

/* ---- before the loop ----------------------------------------------------------------------- */

static int prepare_state(struct service *s, const struct config *cfg, struct ragd_err *err)
{
	int rc = paths_make_dir(cfg->state_dir, 0700, true, err);

	if (rc == 0)
		rc = s->lock_fd = paths_lock(cfg->state_dir, err);
	if (rc >= 0)
		rc = paths_tighten(cfg->state_dir, s->lock_fd, err);
	if (rc > 0)
		log_warn(
			"event=state-tightened state_dir=%s changed=%d text=\"others could read or "
			"search it\"",
			LOG_TEXT(cfg->state_dir), rc);
	return MIN(rc, 0);
}

/* Only the scope's own directory is ours to make private; of others' we make what is missing. */
static int prepare_socket_dir(struct service *s, const struct config *cfg, struct ragd_err *err)
{
	bool user = s->ragd.source.scope == CONFIG_USER;
	const char *own = paths_socket(s->ragd.source.scope, s->arena, NULL);
	char *dir = arena_strdup(s->arena, cfg->socket);
	char *slash = dir != NULL ? strrchr(dir, '/') : NULL;

	if (slash == NULL || slash == dir)
		return 0; /* listen_open has the sentence */
	*slash = '\0';
	return paths_make_dir(dir, user ? 0700 : 0755,
			      user && own != NULL && strcmp(own, cfg->socket) == 0, err);
}

/* Descriptors to serve on: those we were given, else one of our own. */
static int open_sockets(struct service *s, const struct config *cfg, int *fds, size_t *n,
			struct ragd_err *err)
{
	const struct listen_spec spec = { cfg->socket, cfg->socket_owner, cfg->socket_group,
					  (mode_t)cfg->socket_mode };
	int rc = 0;

	for (int i = 0; rc >= 0 && i < notify_n_fds(); i++) {
		rc = listen_adopt(NOTIFY_FD_FIRST + i, err);
		if (rc >= 0)
			fds[(*n)++] = rc;
	}
	if (rc >= 0 && *n == 0) {
		rc = prepare_socket_dir(s, cfg, err);
		if (rc == 0)
			rc = listen_open(&spec, &s->file, err);
		if (rc >= 0)
			fds[(*n)++] = rc;
	}
	return MIN(rc, 0);
}

/* ---- stop ---------------------------------------------------------------------------------- */

static void close_handle(void *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Plugins do not return. Stored data survives this, as it does kill -9. */
static void stuck_cb(uv_timer_t *timer)
{
	(void)timer;
	log_err("event=stop-forced text=\"plugins still work %d s after the deadline\"",
		STUCK_MS / 1000);
	_exit(EXIT_FAILURE);
}

/*
 * Nothing of HTTP is left: drop what the daemon holds. The loop ends by itself, when the plugins
 * have finished what nobody is waiting for any more and are closed.
 */
static void http_closed_cb(void *arg)
{
	struct service *s = arg;

	s->ragd.http = NULL;
	flow_table_free(s->ragd.flows);
	s->ragd.flows = NULL;
	generation_unref(s->ragd.current);
	s->ragd.current = NULL;
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++)
		close_handle(&s->signals[i]);
	close_handle(&s->watchdog);
}

/* Runs before the loop waits: whatever finished an answer, it has run by now. */
static void turn_cb(uv_prepare_t *handle)
{
	struct service *s = container_of(handle, struct service, turn);
	struct http_stats stats = { 0 };

	if (s->ragd.http != NULL)
		http_server_stats(s->ragd.http, &stats);
	/* A reload in the making needs what is running. */
	if ((stats.n_exchanges > 0 && !s->hurry) || s->ragd.reload != NULL)
		return;
	close_handle(&s->turn);
	uv_timer_start(&s->deadline, stuck_cb, STUCK_MS, 0);
	uv_unref((uv_handle_t *)&s->deadline); /* the loop may end before */
	if (s->ragd.http != NULL)
		http_server_stop(s->ragd.http, http_closed_cb, s);
	else
		http_closed_cb(s);
}

static void drain_deadline_cb(uv_timer_t *timer)
{
	struct service *s = container_of(timer, struct service, deadline);
	struct http_stats stats = { 0 };

	if (s->ragd.http != NULL)
		http_server_stats(s->ragd.http, &stats);
	log_warn("event=drain-timeout answers_cut=%u", stats.n_exchanges);
	s->hurry = true;
	uv_timer_start(&s->deadline, stuck_cb, STUCK_MS, 0); /* should a reload hang */
}

static void service_stop(struct service *s, bool hurry, int64_t timeout_ms)
{
	s->stopping = true;
	s->hurry = hurry;
	s->ragd.state = RAGD_DRAINING;
	uv_prepare_start(&s->turn, turn_cb);
	if (!hurry)
		uv_timer_start(&s->deadline, drain_deadline_cb, (uint64_t)timeout_ms, 0);
}

static void service_drain(struct service *s)
{
	int64_t ms = s->ragd.current != NULL ? s->ragd.current->cfg->drain_timeout_ms : 0;

	log_info("event=draining timeout_ms=%lld", (long long)ms);
	notify_send("STOPPING=1\nSTATUS=finishing answers");
	notify_extend(ms + STUCK_MS);
	if (s->ragd.http != NULL)
		http_server_drain(s->ragd.http);
	listen_unlink(&s->file); /* whoever looks now finds no daemon */
	service_stop(s, false, ms);
}

/* ---- ready --------------------------------------------------------------------------------- */

static void log_start_failed(const struct ragd_err *err)
{
	log_err("event=start-failed error=%s", LOG_TEXT(err->msg));
}

/* "a,b,c" */
static void list_name(struct buf *b, const char *name)
{
	if (b->len > 0)
		buf_addc(b, ',');
	buf_adds(b, name);
}

static void log_ready(struct service *s)
{
	const struct generation *g = s->ragd.current;
	struct buf plugins = BUF_INIT, assistants = BUF_INIT;

	for (size_t i = 0; i < g->cfg->n_plugins; i++)
		list_name(&plugins, g->cfg->plugins[i].name);
	for (size_t i = 0; i < g->cfg->n_assistants; i++)
		list_name(&assistants, g->cfg->assistants[i].name);
	log_info("event=ready version=%s pid=%ld socket=%s plugins=%s assistants=%s ready_ms=%lld",
		 PACKAGE_VERSION, (long)getpid(),
		 notify_n_fds() > 0 ? "inherited" : LOG_TEXT(g->cfg->socket),
		 plugins.data != NULL ? plugins.data : "",
		 assistants.data != NULL ? assistants.data : "",
		 (long long)(clock_us() - s->ragd.started_us) / 1000);
	buf_fini(&plugins);
	buf_fini(&assistants);
}

static void started_cb(const struct ragd_err *err, void *arg)
{
	struct service *s = arg;

	if (err != NULL) {
		log_start_failed(err);
		s->status = EXIT_FAILURE;
		if (!s->stopping)
			service_stop(s, true, 0);
	} else if (s->ragd.state == RAGD_STARTING) {
		s->ragd.state = RAGD_READY;
		malloc_trim(0); /* what reading rules and files left */
		log_ready(s);
		notify_send("READY=1\nMAINPID=%ld\nSTATUS=serving", (long)getpid());
	}
}

/* ---- signals, watchdog --------------------------------------------------------------------- */

static void signal_cb(uv_signal_t *handle, int signum)
{
	struct service *s = handle->data;

	if (signum == SIGHUP) {
		reload_soon(&s->ragd);
	} else if (s->n_terms++ == 0) {
		if (!s->stopping)
			service_drain(s);
	} else {
		log_warn("event=stop-at-once signal=%d", signum);
		listen_unlink(&s->file);
		_exit(EXIT_FAILURE);
	}
}

static void watchdog_cb(uv_timer_t *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

static void start_handles(struct service *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
	}
	uv_signal_start(&s->signals[0], signal_cb, SIGHUP);
	uv_timer_init(&s->loop, &s->deadline);
	uv_timer_init(&s->loop, &s->watchdog);
	uv_prepare_init(&s->loop, &s->turn);
}

/*
 * From the moment on at which there is something to leave in order. Before, a
 * configuration is read and modules run their constructors, on this very thread: should
 * that hang, a signal simply ends us.
 */
static void heed_stop(struct service *s)
{
	uv_signal_start(&s->signals[1], signal_cb, SIGTERM);
	uv_signal_start(&s->signals[2], signal_cb, SIGINT);
}

static void start_watchdog(struct service *s)
{
	uint64_t every = (uint64_t)notify_watchdog_ms() / 2;

	if (every > 0)
		uv_timer_start(&s->watchdog, watchdog_cb, every, every);
}

/* ---- start --------------------------------------------------------------------------------- */

/* Takes cfg, also on failure. */
static int start_with(struct service *s, struct config *cfg, struct ragd_err *err)
{
	int fds[NOTIFY_FDS_MAX];
	size_t n_fds = 0;
	int rc;

	log_set_level(cfg->log_level);
	rc = pool_new(&s->loop, cfg->n_threads, MAX(RESERVE_MIN, cfg->n_threads / 2), &s->ragd.pool,
		      err);
	if (rc == 0)
		rc = prepare_state(s, cfg, err);
	if (rc == 0)
		rc = open_sockets(s, cfg, fds, &n_fds, err);
	if (rc == 0)
		rc = journal_open(cfg->state_dir, cfg->keep_answers_ms, steady_read,
				  &s->ragd.journal, err);
	if (rc == 0)
		rc = flow_table_new(&s->ragd, &s->ragd.flows, err);
	if (rc == 0)
		rc = http_server_start(&s->loop, fds, n_fds, &cfg->limits, api_routes(), &s->ragd,
				       &s->ragd.http, err);
	if (rc == 0)
		http_server_on_failure(s->ragd.http, api_failed_cb);
	if (rc < 0) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		config_free(cfg);
		return rc;
	}
	return reload_first(&s->ragd, cfg, started_cb, s, err);
}

static int service_start(struct service *s, struct ragd_err *err)
{
	struct config *cfg;
	int rc = notify_init(err);

	start_watchdog(s);
	if (rc == 0)
		rc = config_load(&s->ragd.source, &cfg, err);
	if (rc == 0) {
		heed_stop(s);
		rc = start_with(s, cfg, err);
	}
	return rc;
}

int service_run(const struct config_source *source, int64_t started_us)
{
	struct service s = { .ragd = { .source = *source, .started_us = started_us },
			     .lock_fd = -1,
			     .status = EXIT_SUCCESS };
	struct ragd_err err = { 0 };
	bool lost;

	/* Few threads allocate much; an arena for each would keep the most it ever had. */
	mallopt(M_ARENA_MAX, 2);
	signal(SIGPIPE, SIG_IGN);
	umask(0077); /* what plugins write, too; the socket has its own mode */
	s.ragd.loop = &s.loop;
	s.arena = arena_new(64 * 1024);
	s.ragd.metrics = metrics_new();
	if (s.arena == NULL || s.ragd.metrics == NULL || uv_loop_init(&s.loop) < 0) {
		log_err("event=start-failed error=\"out of memory or descriptors\"");
		metrics_free(s.ragd.metrics);
		arena_free(s.arena);
		return EXIT_FAILURE;
	}
	start_handles(&s);
	if (service_start(&s, &err) < 0) {
		log_start_failed(&err);
		s.status = EXIT_FAILURE;
		service_stop(&s, true, 0);
	}
	uv_run(&s.loop, UV_RUN_DEFAULT);
	close_handle(&s.deadline); /* left until now, to end what hangs */
	lost = !pool_free(s.ragd.pool);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	uv_loop_close(&s.loop);
	journal_close(s.ragd.journal);
	listen_unlink(&s.file);
	if (s.lock_fd >= 0)
		close(s.lock_fd);
	metrics_free(s.ragd.metrics);
	arena_free(s.arena);
	if (s.status == EXIT_SUCCESS)
		log_info("event=stopped%s",
			 lost ? " text=\"some calls into plugins have not returned\"" : "");
	if (lost) /* they run on in what would be torn down */
		_exit(s.status);
	return s.status;
}
