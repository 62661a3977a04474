#include "upstream/wire/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/curl_easy.h"
#include "base/util.h"
#include "config.h"

#define EVENTS_MAX      64
#define CONNECTIONS_MAX 64 /* kept open for the next request */

struct http {
	CURLM *multi;
	int epoll_fd;
	int timer_fd; /* of libcurl */
	int wake_fd;
};

/* ---- epoll --------------------------------------------------------------------------------- */

static int http_watch(struct http *h, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0)
		return 0;
	/* New, or one that was closed and whose number another socket has now. */
	return epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct http *h = arg;
	uint32_t events = 0;

	(void)easy;
	(void)of_socket;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* fails if it is closed already */
		return 0;
	}
	if ((what & CURL_POLL_IN) != 0)
		events |= EPOLLIN;
	if ((what & CURL_POLL_OUT) != 0)
		events |= EPOLLOUT;
	return http_watch(h, fd, events);
}

static int timer_cb(CURLM *multi, long timeout_ms, void *arg)
{
	struct http *h = arg;
	struct itimerspec when = { 0 };

	(void)multi;
	if (timeout_ms >= 0) { /* a time of 0 would disarm */
		when.it_value.tv_sec = timeout_ms / 1000;
		when.it_value.tv_nsec = timeout_ms > 0 ? timeout_ms % 1000 * 1000000 : 1;
	}
	return timerfd_settime(h->timer_fd, 0, &when, NULL);
}

static void fd_drain(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) > 0)
		;
}

static int action_bits(uint32_t events)
{
	int bits = 0;

	if ((events & EPOLLIN) != 0)
		bits |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		bits |= CURL_CSELECT_OUT;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
		bits |= CURL_CSELECT_ERR;
	return bits;
}

/* ---- the end of an exchange ---------------------------------------------------------------- */

static void exchange_release(struct http *h, struct exchange *x)
{
	curl_multi_remove_handle(h->multi, x->easy);
	curl_easy_cleanup(x->easy);
	x->easy = NULL;
	easy_headers_free(x->headers);
	x->headers = NULL;
}

static int code_to_errno(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return -EACCES;
	default:
		return -EPIPE;
	}
}

/* Before the reply's first byte, or when there is none: what its head said. */
static void exchange_read_head(struct exchange *x)
{
	const char *type = NULL;
	curl_off_t wait_s = 0;
	size_t n;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->status);
	curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
	n = type != NULL ? strcspn(type, "; \t") : 0;
	n = MIN(n, sizeof(x->type) - 1);
	for (size_t i = 0; i < n; i++)
		x->type[i] = (char)tolower((unsigned char)type[i]);
	x->type[n] = '\0';
	/* 0 is both "at once" and "not said": no wait either way */
	curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &wait_s);
	x->retry_after_ms = wait_s > 0 ? (int64_t)MIN(wait_s, (curl_off_t)86400) * 1000 : -1;
}

static void exchange_end(struct http *h, struct exchange *x, CURLcode code)
{
	struct ragd_err err = { 0 };
	int rc = 0;

	exchange_read_head(x);
	if (x->refused)
		rc = ragd_err_set(&err, -ECANCELED, "no more of it was wanted");
	else if (code != CURLE_OK)
		rc = ragd_err_set(&err, code_to_errno(code), "%s",
				  x->why[0] != '\0' ? x->why : curl_easy_strerror(code));
	exchange_release(h, x);
	x->ops->done(x, rc, rc < 0 ? &err : NULL);
}

static void exchanges_reap(struct http *h)
{
	struct exchange *x = NULL;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		exchange_end(h, x, msg->data.result); /* msg is gone with its handle */
	}
}

/* ---- running ------------------------------------------------------------------------------- */

void http_run(struct http *h, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(h->epoll_fd, events, EVENTS_MAX, timeout_ms), running;

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == h->wake_fd) {
			fd_drain(fd);
		} else if (fd == h->timer_fd) {
			fd_drain(fd);
			curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		} else {
			curl_multi_socket_action(h->multi, fd, action_bits(events[i].events),
						 &running);
		}
	}
	exchanges_reap(h);
}

void http_wake(struct http *h)
{
	uint64_t one = 1;

	while (write(h->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void http_close(struct http *h)
{
	if (h == NULL)
		return;
	if (h->multi != NULL)
		curl_multi_cleanup(h->multi);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	free(h);
	curl_global_cleanup();
}

int http_open(struct http **out, struct ragd_err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	int rc = 0;

	if (h == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	h->epoll_fd = h->timer_fd = h->wake_fd = -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) { /* counts its callers */
		free(h);
		return ragd_err_set(err, -ENOMEM, "libcurl failed to start");
	}
	h->multi = curl_multi_init();
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (h->multi == NULL)
		rc = ragd_err_set(err, -ENOMEM, "out of memory");
	else if (h->epoll_fd < 0 || h->timer_fd < 0 || h->wake_fd < 0 ||
		 http_watch(h, h->timer_fd, EPOLLIN) < 0 || http_watch(h, h->wake_fd, EPOLLIN) < 0)
		rc = ragd_err_sys(err, "set up epoll");
	if (rc < 0) {
		http_close(h);
		return rc;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, timer_cb);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	*out = h;
	return 0;
}

/* ---- starting ------------------------------------------------------------------------------ */

static size_t write_cb(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	if (x->status == 0)
		exchange_read_head(x);
	if (!x->refused && x->ops->body(x, data, size * n) < 0)
		x->refused = true;
	return x->refused ? 0 : size * n; /* 0 makes libcurl give up */
}

static bool headers_build(struct exchange *x, const struct exchange_request *r)
{
	char *bearer;
	bool ok = easy_header_add(&x->headers, "Accept", r->accept) &&
		  easy_header_add(&x->headers, "Expect", ""); /* no waiting for a 100 */

	if (r->body != NULL)
		ok = ok && easy_header_add(&x->headers, "Content-Type", "application/json");
	if (r->request_id != NULL)
		ok = ok && easy_header_add(&x->headers, "X-Request-Id", r->request_id);
	if (ok && r->key[0] != '\0') {
		if (asprintf(&bearer, "Bearer %s", r->key) < 0)
			return false;
		ok = easy_header_add(&x->headers, "Authorization", bearer);
		explicit_bzero(bearer, strlen(bearer));
		free(bearer);
	}
	return ok;
}

/* Through which proxy a request goes, if any, and what it trusts. */
static bool exchange_set_route(CURL *e, const struct exchange_request *r)
{
	long verify = r->tls_verify ? 1 : 0;
	bool ok = true;

	ok &= !curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	ok &= !curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, verify);
	ok &= !curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2 * verify);
	if (r->tls_ca[0] != '\0')
		ok &= !curl_easy_setopt(e, CURLOPT_CAINFO, r->tls_ca);
	if (r->unix_path != NULL) /* none, as easy_set_up() said */
		return ok;
	if (strcmp(r->proxy, "none") == 0)
		ok &= !curl_easy_setopt(e, CURLOPT_PROXY, ""); /* nor http_proxy */
	else if (strcmp(r->proxy, "environment") != 0)
		ok &= !curl_easy_setopt(e, CURLOPT_PROXY, r->proxy);
	return ok;
}

static bool exchange_set_up(struct exchange *x, const struct exchange_request *r)
{
	const struct easy_request easy = {
		.url = r->url,
		.unix_path = r->unix_path,
		.protocols = "http,https",
		.agent = "ragd/" PACKAGE_VERSION,
		.headers = x->headers,
		.body = r->body,
		.len = r->body != NULL ? strlen(r->body) : 0,
		.timeout_ms = (long)r->total_ms,
		.write = write_cb,
		.arg = x,
	};
	bool ok = easy_set_up(x->easy, &easy) && exchange_set_route(x->easy, r);

	ok &= !curl_easy_setopt(x->easy, CURLOPT_PRIVATE, (void *)x);
	ok &= !curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->why);
	ok &= !curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
	return ok;
}

int http_start(struct http *h, struct exchange *x, const struct exchange_request *r,
	       struct ragd_err *err)
{
	x->status = 0;
	x->retry_after_ms = -1;
	x->type[0] = x->why[0] = '\0';
	x->refused = false;
	x->headers = NULL;
	x->easy = curl_easy_init();
	if (x->easy == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a request");
	if (!headers_build(x, r) || !exchange_set_up(x, r) ||
	    curl_multi_add_handle(h->multi, x->easy) != CURLM_OK) {
		exchange_release(h, x);
		return ragd_err_set(err, -EINVAL, "libcurl refused the request");
	}
	return 0;
}

void http_abort(struct http *h, struct exchange *x)
{
	if (x->easy != NULL)
		exchange_release(h, x);
}
