/* One HTTP exchange of the client library. */
#include "ipc/client/client_private.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/curl_easy.h"
#include "config.h"

#define ERROR_BODY_MAX   ((size_t)1 << 20)
#define CONNECT_WAIT_MS  20
#define CONNECT_ATTEMPTS 250

/* A call at work. */
struct transfer {
	struct ragd_client *c;
	const struct client_call *call;
	struct buf error_body; /* of a reply that is not 2xx */
	struct ragd_err *err;
	int rc; /* what the sink said */
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n;
	long status = 0;

	curl_easy_getinfo(t->c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 2)
		t->rc = t->call->sink(t->call->arg, data, len, t->err);
	else if (t->error_body.len + len <= ERROR_BODY_MAX)
		buf_add(&t->error_body, data, len);
	return t->rc < 0 ? 0 : len; /* 0 makes curl give up */
}

static bool headers_build(const struct client_call *call, struct curl_slist **out)
{
	return easy_header_add(out, "Accept", "*/*") &&
	       (call->body == NULL ||
		easy_header_add(out, "Content-Type", call->type != NULL ? call->type : ""));
}

static bool transfer_set_up(struct transfer *t, const char *url, struct curl_slist *headers)
{
	const struct client_call *call = t->call;
	const struct easy_request easy = {
		.url = url,
		.unix_path = t->c->socket,
		.protocols = "http",
		.agent = "libragd/" PACKAGE_VERSION,
		.headers = headers,
		.body = call->body,
		.len = call->len,
		.timeout_ms = (long)t->c->timeout_ms,
		.write = on_body,
		.arg = t,
	};
	bool ok;

	curl_easy_reset(t->c->easy); /* keeps connections */
	ok = easy_set_up(t->c->easy, &easy);
	ok &= !curl_easy_setopt(t->c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	ok &= !curl_easy_setopt(t->c->easy, CURLOPT_PATH_AS_IS, 1L); /* ids may be "." */
	ok &= !curl_easy_setopt(t->c->easy, CURLOPT_CUSTOMREQUEST, call->method);
	return ok;
}

static bool was_cancelled(struct ragd_client *c)
{
	uint64_t n;

	return read(c->wake, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

/*
 * Run the transfer to its end. CURLE_OK, why not, or CURLE_ABORTED_BY_CALLBACK if it was cancelled.
 */
static CURLcode transfer_run(struct transfer *t)
{
	struct curl_waitfd wake = { .fd = t->c->wake, .events = CURL_WAIT_POLLIN };
	int running = 1, left;
	CURLMsg *msg;

	for (;;) {
		if (was_cancelled(t->c))
			return CURLE_ABORTED_BY_CALLBACK;
		if (curl_multi_perform(t->c->multi, &running) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		if (running == 0)
			break;
		if (curl_multi_poll(t->c->multi, &wake, 1, 60000, NULL) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
	}
	/* One that came too late was meant for this call, and must not hit the next. */
	(void)was_cancelled(t->c);
	msg = curl_multi_info_read(t->c->multi, &left);
	return msg != NULL && msg->msg == CURLMSG_DONE ? msg->data.result : CURLE_GOT_NOTHING;
}

/*
 * A full queue of connections refuses with EAGAIN where a connect that blocks would wait, so wait
 * here. Nothing was sent yet, so trying again is safe. The whole call's timeout holds for each
 * attempt alone.
 */
static CURLcode transfer_run_patiently(struct transfer *t)
{
	struct pollfd wake = { .fd = t->c->wake, .events = POLLIN };
	CURLcode code = CURLE_COULDNT_CONNECT;

	for (unsigned i = 0; i < CONNECT_ATTEMPTS; i++) {
		long why = 0;

		if (curl_multi_add_handle(t->c->multi, t->c->easy) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		code = transfer_run(t);
		curl_easy_getinfo(t->c->easy, CURLINFO_OS_ERRNO, &why);
		curl_multi_remove_handle(t->c->multi, t->c->easy);
		if (code != CURLE_COULDNT_CONNECT || why != EAGAIN)
			break;
		(void)poll(&wake, 1, CONNECT_WAIT_MS);
	}
	return code;
}

static int transfer_broken(struct transfer *t, CURLcode code)
{
	long why = 0;

	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return ragd_err_set(t->err, -ECANCELED, "the call was cancelled");
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(t->c->easy, CURLINFO_OS_ERRNO, &why);
		why = why > 0 ? why : ECONNREFUSED;
		return ragd_err_set(t->err, -(int)why, "connect to '%s': %s", t->c->socket,
				    strerror((int)why));
	case CURLE_OPERATION_TIMEDOUT:
		return ragd_err_set(t->err, -ETIMEDOUT,
				    "the daemon gave no complete reply within %u ms",
				    t->c->timeout_ms);
	case CURLE_OUT_OF_MEMORY:
		return client_no_memory(t->err);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return ragd_err_set(t->err, -ECONNRESET,
				    "the connection to the daemon broke before the reply was "
				    "complete");
	default:
		return ragd_err_set(t->err, -EPROTO, "the reply is not ragd's: %s",
				    curl_easy_strerror(code));
	}
}

static int status_to_errno(long status)
{
	static const struct {
		short status, code;
	} rows[] = {
		{ 400, EINVAL }, { 403, EACCES },    { 404, ENOENT }, { 408, ETIMEDOUT },
		{ 409, EAGAIN }, { 411, EINVAL },    { 413, EFBIG },  { 415, EILSEQ },
		{ 422, EILSEQ }, { 429, EBUSY },     { 431, EFBIG },  { 500, EREMOTEIO },
		{ 503, EAGAIN }, { 504, ETIMEDOUT }, { 507, ENOSPC },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return -rows[i].code;
	return status / 100 == 4 ? -EINVAL : -EREMOTEIO;
}

/* The error in a reply that is not 2xx: the daemon's sentence, or that this is no ragd. */
static int reply_refused(struct transfer *t)
{
	const struct buf *body = &t->error_body;
	const char *type = NULL, *message;
	const json_t *error;
	json_t *root;
	int rc;

	root = body->len > 0 ? json_loadb(body->data, body->len, 0, NULL) : NULL;
	error = json_object_get(root, "error");
	message = client_text(error, "message");
	if (message[0] != '\0') {
		snprintf(t->c->code, sizeof(t->c->code), "%s", client_text(error, "code"));
		rc = ragd_err_set(t->err, status_to_errno(t->c->status), "%s", message);
	} else {
		curl_easy_getinfo(t->c->easy, CURLINFO_CONTENT_TYPE, &type);
		rc = ragd_err_set(t->err, -EPROTO,
				  "status %d without an error from ragd (%s, %zu bytes)",
				  t->c->status, type != NULL ? type : "no content type", body->len);
	}
	json_decref(root);
	return rc;
}

static void note_reply(struct ragd_client *c)
{
	struct curl_header *h;
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	c->status = (int)status;
	if (curl_easy_header(c->easy, "X-Request-Id", 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
		snprintf(c->request_id, sizeof(c->request_id), "%s", h->value);
}

int client_call(struct ragd_client *c, const struct client_call *call, struct ragd_err *err)
{
	struct transfer t = { .c = c, .call = call, .err = err, .error_body = BUF_INIT };
	struct curl_slist *headers = NULL;
	struct buf url = BUF_INIT;
	CURLcode code;
	int rc;

	c->status = 0;
	c->code[0] = '\0';
	c->request_id[0] = '\0';
	buf_printf(&url, "http://ragd%s", call->path);
	if (!headers_build(call, &headers) || buf_failed(&url) ||
	    !transfer_set_up(&t, url.data, headers)) {
		rc = client_no_memory(err);
		goto out;
	}
	code = transfer_run_patiently(&t);
	note_reply(c);
	if (t.rc < 0)
		rc = t.rc;
	else if (code != CURLE_OK)
		rc = transfer_broken(&t, code);
	else
		rc = c->status / 100 == 2 ? 0 : reply_refused(&t);
out:
	curl_easy_reset(c->easy); /* it must not point at what is freed here */
	easy_headers_free(headers);
	buf_fini(&url);
	buf_fini(&t.error_body);
	return rc;
}

static int reply_gather(void *arg, const char *data, size_t len, struct ragd_err *err)
{
	struct buf *reply = arg;

	if (len > CLIENT_REPLY_MAX - reply->len)
		return ragd_err_set(err, -EPROTO, "a reply longer than %zu bytes",
				    CLIENT_REPLY_MAX);
	buf_add(reply, data, len);
	return buf_failed(reply) ? client_no_memory(err) : 0;
}

int client_get(struct ragd_client *c, const char *method, const char *path, const char *type,
	       const char *body, size_t len, struct buf *reply, struct ragd_err *err)
{
	const struct client_call call = { method, path, type, body, len, reply_gather, reply };

	return client_call(c, &call, err);
}

int ragd_client_request(struct ragd_client *c, const char *method, const char *path,
			const char *type, const void *body, size_t len, char **reply,
			size_t *reply_len, struct ragd_err *err)
{
	struct buf b = BUF_INIT;
	size_t n = 0;
	char *text;
	int rc;

	if (path == NULL || path[0] != '/')
		return ragd_err_set(err, -EINVAL, "a path must begin with '/'");
	rc = client_get(c, method, path, type, body, len, &b, err);
	text = rc == 0 ? buf_steal(&b, &n) : NULL;
	if (rc == 0 && text == NULL)
		rc = client_no_memory(err);
	if (rc == 0) {
		*reply = text;
		if (reply_len != NULL)
			*reply_len = n;
	}
	buf_fini(&b);
	return rc;
}
