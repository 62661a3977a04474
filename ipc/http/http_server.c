#include "ipc/http/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/util.h"

/* Batches of connections taken from a backlog that goes. */
#define DRAIN_BATCHES 64
/* All bodies together where nothing else is said, in units of the bound on one. */
#define BODIES_DEFAULT 16
/* What part of each thing is kept for administrators and small requests. */
#define RESERVE 32
/* Descriptors for files and pipes, which connections shall not take. */
#define FDS_SPARE 256

/* ---- stopping ------------------------------------------------------------------------------ */

static void list_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static void server_free(struct http_server *s)
{
	share_unref(s->share);
	list_free(s->hosts);
	list_free(s->origins);
	free(s);
}

static void handle_closed_cb(uv_handle_t *handle)
{
	struct http_server *s = handle->data;
	void (*closed_cb)(void *arg) = s->closed_cb;
	void *arg = s->closed_arg;

	if (--s->n_handles > 0)
		return;
	server_free(s);
	if (closed_cb != NULL)
		closed_cb(arg);
}

static void listeners_close(struct http_server *s)
{
	for (size_t i = 0; i < s->n_listen; i++) {
		if (s->listen_fd[i] < 0)
			continue;
		/*
		 * In this order: the loop must forget the number before it can mean something else.
		 */
		uv_close((uv_handle_t *)&s->listen[i], handle_closed_cb);
		close(s->listen_fd[i]);
		s->listen_fd[i] = -1;
	}
	uv_timer_stop(&s->retry);
}

static void handles_close(struct http_server *s)
{
	uv_close((uv_handle_t *)&s->poll, handle_closed_cb);
	uv_close((uv_handle_t *)&s->prepare, handle_closed_cb);
	uv_close((uv_handle_t *)&s->idle, handle_closed_cb);
	uv_close((uv_handle_t *)&s->tick, handle_closed_cb);
	uv_close((uv_handle_t *)&s->retry, handle_closed_cb);
	uv_close((uv_handle_t *)&s->trim, handle_closed_cb);
}

/* From the prepare callback, so that no handler is on the stack. */
static void server_stop(struct http_server *s)
{
	struct http_conn *c, *next;

	listeners_close(s);
	for (c = s->conns; c != NULL; c = next) {
		next = c->next;
		http_conn_kill(c);
	}
	s->state = HTTP_STOPPED;
	handles_close(s);
	close(s->epoll_fd);
}

/* ---- driving ------------------------------------------------------------------------------- */

/* Before the loop waits: all that became ready in this round, once. */
static void prepare_cb(uv_prepare_t *prepare)
{
	struct http_server *s = prepare->data;
	struct http_conn *last = s->ready_last, *c;

	if (s->state == HTTP_STOPPING) {
		server_stop(s);
		return;
	}
	for (bool more = last != NULL; more && s->ready != NULL;) {
		c = s->ready;
		more = c != last;
		http_conn_unready(c);
		http_conn_turn(c);
	}
	if (s->ready == NULL)
		uv_idle_stop(&s->idle);
}

/* ---- starting ------------------------------------------------------------------------------ */

static void handles_init(struct http_server *s)
{
	uv_prepare_init(s->loop, &s->prepare);
	uv_idle_init(s->loop, &s->idle);
	uv_timer_init(s->loop, &s->tick);
	uv_timer_init(s->loop, &s->retry);
	uv_timer_init(s->loop, &s->trim);
	s->poll.data = s->prepare.data = s->idle.data = s;
	s->tick.data = s->retry.data = s->trim.data = s;
	for (size_t i = 0; i < s->n_listen; i++)
		s->listen[i].data = s;
	s->n_handles = 6 + (unsigned)s->n_listen;
}

/* Only uv_poll_init() can fail, where a descriptor is not one that can be polled. */
static int polls_init(struct http_server *s, size_t *n)
{
	int rc = uv_poll_init(s->loop, &s->poll, s->epoll_fd);

	*n = 0;
	if (rc < 0)
		return rc;
	(*n)++;
	for (size_t i = 0; i < s->n_listen; i++, (*n)++) {
		rc = uv_poll_init(s->loop, &s->listen[i], s->listen_fd[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Undo polls_init() of n handles; s is freed when the loop has let go of them. */
static void polls_undo(struct http_server *s, size_t n)
{
	if (n == 0) {
		server_free(s);
		return;
	}
	s->n_handles = (unsigned)n;
	for (size_t i = 0; i < n; i++) {
		uv_poll_t *poll = i == 0 ? &s->poll : &s->listen[i - 1];

		poll->data = s;
		uv_close((uv_handle_t *)poll, handle_closed_cb);
	}
}

static int handles_start(struct http_server *s)
{
	size_t n;
	int rc = polls_init(s, &n);

	if (rc < 0) {
		close(s->epoll_fd);
		polls_undo(s, n);
		return rc;
	}
	handles_init(s);
	for (size_t i = 0; i < s->n_listen; i++)
		uv_poll_start(&s->listen[i], UV_READABLE, http_accept_cb);
	uv_poll_start(&s->poll, UV_READABLE, http_events_cb);
	uv_prepare_start(&s->prepare, prepare_cb);
	return 0;
}

static struct http_server *server_new(uv_loop_t *loop, const int *fds, size_t n_fds)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->share = share_new();
	if (s->share == NULL) {
		free(s);
		return NULL;
	}
	s->loop = loop;
	s->random_at = sizeof(s->random);
	s->n_listen = n_fds;
	memcpy(s->listen_fd, fds, n_fds * sizeof(*fds));
	return s;
}

int http_server_start(uv_loop_t *loop, const int *fds, size_t n_fds,
		      const struct http_limits *limits, const struct http_route *const *routes,
		      void *ctx, struct http_server **out, struct ragd_err *err)
{
	struct http_server *s;
	int rc;

	if (n_fds > HTTP_LISTEN_MAX)
		return ragd_err_set(err, -EINVAL, "start the HTTP server: %zu sockets, at most %d",
				    n_fds, HTTP_LISTEN_MAX);
	for (size_t i = 0; i < n_fds; i++)
		if (fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK) < 0)
			return ragd_err_sys(err, "start the HTTP server: descriptor %d", fds[i]);
	s = server_new(loop, fds, n_fds);
	if (s == NULL)
		return ragd_err_set(err, -ENOMEM, "start the HTTP server: out of memory");
	s->routes = routes;
	s->ctx = ctx;
	http_server_set_limits(s, limits);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0) {
		rc = ragd_err_sys(err, "start the HTTP server: epoll");
		server_free(s);
		return rc;
	}
	rc = handles_start(s);
	if (rc < 0)
		return ragd_err_set(err, rc, "start the HTTP server: %s", uv_strerror(rc));
	*out = s;
	return 0;
}

static char **list_copy(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list != NULL && list[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (copy[i] == NULL) /* what is missing is not allowed */
			break;
	}
	return copy;
}

/* As many as the kernel will give us, so that those of others are refused before it refuses all. */
static size_t connections_max(const struct http_limits *limits)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return limits->connections;
	return (size_t)MIN(limits->connections, l.rlim_cur - MIN(FDS_SPARE, l.rlim_cur / 4));
}

static void set_shares(struct http_server *s)
{
	const struct http_limits *l = &s->limits;
	size_t connections = connections_max(l);
	size_t bodies = l->bodies > 0 ? l->bodies : BODIES_DEFAULT * l->body;

	s->share->bounds[SHARE_CONNECTIONS] = (struct share_bounds){
		.all = connections,
		.per_user = l->connections_per_user,
		.reserve = connections / RESERVE,
	};
	s->share->bounds[SHARE_BODIES] = (struct share_bounds){
		.all = bodies,
		.per_user = l->bodies_per_user > 0 ? l->bodies_per_user : bodies / 2,
		.reserve = bodies / RESERVE,
	};
	s->share->bounds[SHARE_REPLIES] = (struct share_bounds){
		.all = l->replies,
		.per_user = l->replies_per_user > 0 ? l->replies_per_user : l->replies / 2,
		.reserve = l->replies / RESERVE,
	};
}

void http_server_set_limits(struct http_server *s, const struct http_limits *limits)
{
	s->limits = *limits;
	list_free(s->hosts);
	list_free(s->origins);
	s->hosts = list_copy(limits->hosts);
	s->origins = list_copy(limits->origins);
	s->limits.hosts = s->limits.origins = NULL; /* the caller's */
	set_shares(s);
	if (s->tick.data != NULL && uv_is_active((uv_handle_t *)&s->tick))
		http_tick_start(s);
}

void http_server_on_failure(struct http_server *s, http_failure_cb cb)
{
	s->failure_cb = cb;
}

void http_server_drain(struct http_server *s)
{
	struct http_conn *c, *next;

	if (s->state != HTTP_SERVING)
		return;
	/*
	 * Clients that have connected by now are answered: take them from the backlog before it
	 * goes.
	 */
	for (size_t i = 0; i < DRAIN_BATCHES * s->n_listen; i++)
		http_accept_cb(&s->listen[i % s->n_listen], 0, UV_READABLE);
	s->state = HTTP_DRAINING;
	listeners_close(s);
	for (c = s->conns; c != NULL; c = next) {
		next = c->next;
		http_conn_drain(c);
	}
}

static void stop_idle_cb(uv_idle_t *idle)
{
	(void)idle; /* the loop does not wait before prepare_cb() stops the server */
}

void http_server_stop(struct http_server *s, void (*closed_cb)(void *arg), void *arg)
{
	if (s->state >= HTTP_STOPPING)
		return;
	s->closed_cb = closed_cb;
	s->closed_arg = arg;
	s->state = HTTP_STOPPING;
	uv_idle_start(&s->idle, stop_idle_cb);
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
	*out = s->stats;
}
