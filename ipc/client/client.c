/* The handle: opened, used for one call after another, cancelled from other threads. */
#include "ipc/client/client_private.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config.h"
#include "ipc/client/client_socket.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void curl_init(void)
{
	curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int ragd_client_open(const char *socket, struct ragd_client **out, struct ragd_err *err)
{
	struct ragd_client *c;
	int rc;

	pthread_once(&curl_once, curl_init);
	if (curl_ready != CURLE_OK)
		return ragd_err_set(err, -ENOMEM, "libcurl failed to start: %s",
				    curl_easy_strerror(curl_ready));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return client_no_memory(err);
	c->wake = -1;
	rc = socket != NULL ? client_socket_try(socket, &c->socket, err)
			    : client_socket_find(&c->socket, err);
	if (rc < 0)
		goto out;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake < 0) {
		rc = ragd_err_sys(err, "eventfd");
		goto out;
	}
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	if (c->multi == NULL || c->easy == NULL) {
		rc = client_no_memory(err);
		goto out;
	}
	*out = c; /* the caller's from here */
	c = NULL;
out:
	ragd_client_close(c);
	return rc;
}

void ragd_client_close(struct ragd_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->easy);
	curl_multi_cleanup(c->multi);
	if (c->wake >= 0)
		close(c->wake);
	free(c->socket);
	free(c);
}

const char *ragd_client_socket(const struct ragd_client *c)
{
	return c->socket;
}

void ragd_client_timeout(struct ragd_client *c, unsigned timeout_ms)
{
	c->timeout_ms = timeout_ms;
}

void ragd_client_cancel(struct ragd_client *c)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t n;

	/* Fails only if it was cancelled 2^64 times before: it is readable then, too. */
	n = write(c->wake, &one, sizeof(one));
	(void)n;
	errno = saved;
}

int ragd_client_status(const struct ragd_client *c)
{
	return c->status;
}

const char *ragd_client_code(const struct ragd_client *c)
{
	return c->code;
}

const char *ragd_client_request_id(const struct ragd_client *c)
{
	return c->request_id;
}

const char *ragd_client_version(void)
{
	return PACKAGE_VERSION;
}

void ragd_free(void *p)
{
	free(p);
}
