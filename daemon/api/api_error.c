#include "daemon/api/api_error.h"

#include <errno.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/service/log.h"

bool api_started(struct http_exchange *x, const struct ragd *d)
{
	char opening[256];

	if (d->current != NULL)
		return true;
	http_header(x, "Retry-After", "1");
	if (plugin_progress(opening, sizeof(opening)))
		http_reply_error(x, 503, "starting", NULL,
				 "ragd is starting (%s); try again in a moment", opening);
	else
		http_reply_error(x, 503, "starting", NULL,
				 "ragd is starting; try again in a moment");
	return false;
}

int api_status(int rc, const char *missing, const char **code)
{
	static const struct {
		int rc;
		int status;
		const char *code;
	} rows[] = {
		{ -EACCES, 403, "forbidden" },
		{ -EPERM, 403, "forbidden" },
		{ -EINVAL, 400, "invalid_value" },
		{ -E2BIG, 400, "invalid_value" },
		{ -EMSGSIZE, 400, "context_length_exceeded" },
		{ -EAGAIN, 409, "not_ready" },
		{ -EILSEQ, 422, "unprocessable" },
		{ -EBADMSG, 422, "unprocessable" },
		{ -EFBIG, 422, "unprocessable" },
		{ -ENOTSUP, 415, "unsupported_media_type" },
		{ -ETIMEDOUT, 504, "deadline" },
		{ -ENOMEM, 503, "unavailable" },
		{ -EBUSY, 503, "unavailable" },
		{ -EPROTO, 502, "plugin_fault" },
		{ -ENOSPC, 507, "no_space" },
	};

	if (rc == -ENOENT) {
		*code = missing;
		return 404;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].rc == rc) {
			*code = rows[i].code;
			return rows[i].status;
		}
	}
	*code = "internal";
	return 500;
}

void api_failed_cb(const struct http_request *req, int status, struct ragd_str body, void *ctx)
{
	static struct log_limit limit;
	const struct ragd *d = ctx;
	char reply[400], left_out[LOG_LEFT_LEN] = "";
	bool ready = d->state == RAGD_READY;

	if (ready && status == 503 && !log_limit_pass(&limit, clock_ms(), left_out))
		return;
	/* That it starts or stops is said elsewhere, and clients ask often meanwhile. */
	log_write(ready ? RAGD_LOG_WARN : RAGD_LOG_DEBUG,
		  "event=request-failed request=%s uid=%lu status=%d reply=%s%s", req->request_id,
		  (unsigned long)req->caller->uid, status,
		  log_quote(body.s, body.len, reply, sizeof(reply)), left_out);
}
