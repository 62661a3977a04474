/* What every reply begins with: the words of its status, its id, the time. */
#include "ipc/http/http_private.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/util.h"

static const char *status_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Other";
}

void http_request_id(struct http_server *s, char out[32])
{
	/* 64 of 62 characters: two come twice as often, which does not matter here. */
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Aa";
	char *p = out;

	if (s->random_at + 20 > sizeof(s->random)) {
		/* Up to 256 bytes come whole; before the pool is ready ids are merely guessable. */
		if (getrandom(s->random, sizeof(s->random), GRND_NONBLOCK) < 0)
			uv_random(NULL, NULL, s->random, sizeof(s->random), 0, NULL);
		s->random_at = 0;
	}
	memcpy(p, "req-", 4);
	p += 4;
	for (int i = 0; i < 20; i++)
		*p++ = digit[s->random[s->random_at++] & 63];
	*p = '\0';
}

/* The time as the Date header has it. */
static const char *date_text(struct http_server *s)
{
	int64_t now_s = (int64_t)time(NULL);
	struct tm tm;

	if (now_s != s->date_s) {
		s->date_s = now_s;
		gmtime_r(&(time_t){ (time_t)now_s }, &tm);
		strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	}
	return s->date;
}

void http_stamp(struct http_server *s, struct buf *out, int status, const char *type,
		const char *request_id)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, status_reason(status),
		   date_text(s));
	if (type != NULL)
		buf_printf(out, "Content-Type: %s\r\n", type);
	/* Whatever a browser takes a reply for, it does not run it. */
	buf_printf(out, "X-Content-Type-Options: nosniff\r\nX-Request-Id: %s\r\n", request_id);
}
