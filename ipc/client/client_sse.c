#include "ipc/client/client_sse.h"

void sse_init(struct sse *s, sse_event_cb event, void *arg)
{
	*s = (struct sse){ .line = BUF_INIT, .data = BUF_INIT, .event = event, .arg = arg };
}

void sse_fini(struct sse *s)
{
	buf_fini(&s->line);
	buf_fini(&s->data);
}

static int sse_dispatch(struct sse *s, struct ragd_err *err)
{
	int rc = 0;

	if (buf_failed(&s->data))
		return client_no_memory(err);
	if (s->has_data)
		rc = s->event(s->arg, s->data.data, s->data.len, err);
	buf_clear(&s->data);
	s->has_data = false;
	return rc;
}

/* One whole line. Fields other than data, and comments, mean nothing here. */
static int sse_line(struct sse *s, const char *line, size_t len, struct ragd_err *err)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return sse_dispatch(s, err);
	if (len < 5 || memcmp(line, "data:", 5) != 0)
		return 0;
	line += 5;
	len -= 5;
	if (len > 0 && line[0] == ' ') {
		line++;
		len--;
	}
	if (s->data.len + len > SSE_EVENT_MAX)
		return ragd_err_set(err, -EPROTO, "the stream has an event longer than %zu bytes",
				    SSE_EVENT_MAX);
	if (s->has_data)
		buf_addc(&s->data, '\n');
	buf_add(&s->data, line, len);
	s->has_data = true;
	return 0;
}

int sse_feed(struct sse *s, const char *data, size_t len, struct ragd_err *err)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end != NULL ? (size_t)(end - data) : len;

		if (s->line.len + n > SSE_EVENT_MAX)
			return ragd_err_set(err, -EPROTO,
					    "the stream has a line longer than %zu bytes",
					    SSE_EVENT_MAX);
		if (end == NULL) {
			buf_add(&s->line, data, n);
			return buf_failed(&s->line) ? client_no_memory(err) : 0;
		}
		if (s->line.len > 0) {
			buf_add(&s->line, data, n);
			if (buf_failed(&s->line))
				return client_no_memory(err);
			rc = sse_line(s, s->line.data, s->line.len, err);
			buf_clear(&s->line);
		} else {
			rc = sse_line(s, data, n, err);
		}
		data = end + 1;
		len -= n + 1;
	}
	return rc;
}
