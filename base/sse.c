#include "base/sse.h"

#include <string.h>

void sse_init(struct sse *s, size_t event_max, size_t total_max, sse_event_cb event, void *arg)
{
	*s = (struct sse){
		.line = BUF_INIT,
		.data = BUF_INIT,
		.event_max = event_max,
		.total_max = total_max,
		.event = event,
		.arg = arg,
	};
}

void sse_fini(struct sse *s)
{
	buf_fini(&s->line);
	buf_fini(&s->data);
}

static int sse_no_memory(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "out of memory for the stream");
}

/* An empty line ends an event. */
static int event_dispatch(struct sse *s, struct ragd_err *err)
{
	int rc = 0;

	if (s->has_data)
		rc = s->event(s->arg, s->is_error, s->data.data != NULL ? s->data.data : "",
			      s->data.len, err);
	buf_clear(&s->data);
	s->has_data = false;
	s->is_error = false;
	return rc;
}

/* Fields other than data and error, and comments, mean nothing here. */
static int field_take(struct sse *s, const char *line, size_t len, struct ragd_err *err)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon != NULL ? (size_t)(colon - line) : len;
	const char *value = colon != NULL ? colon + 1 : line + len;
	size_t value_len = (size_t)(line + len - value);
	bool is_error = name == 5 && memcmp(line, "error", 5) == 0;

	if (!is_error && (name != 4 || memcmp(line, "data", 4) != 0))
		return 0;
	if (value_len > 0 && value[0] == ' ') {
		value++;
		value_len--;
	}
	if (s->data.len + value_len + 1 > s->event_max)
		return ragd_err_set(err, -EPROTO, "an event is longer than %zu bytes",
				    s->event_max);
	if (s->has_data)
		buf_addc(&s->data, '\n');
	buf_add(&s->data, value, value_len);
	s->has_data = true;
	s->is_error |= is_error;
	return buf_failed(&s->data) ? sse_no_memory(err) : 0;
}

static int line_end(struct sse *s, const char *line, size_t len, struct ragd_err *err)
{
	if (!s->started && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	s->started = true;
	return len == 0 ? event_dispatch(s, err) : field_take(s, line, len, err);
}

/* Bytes up to the next end of a line, which is CR, LF or both; len if there is none. */
static size_t line_len(const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf != NULL ? (size_t)(lf - data) : len;
	const char *cr = memchr(data, '\r', n);

	return cr != NULL ? (size_t)(cr - data) : n;
}

int sse_feed(struct sse *s, const char *data, size_t len, struct ragd_err *err)
{
	int rc = 0;

	if (len > s->total_max - s->n_total)
		return ragd_err_set(err, -EPROTO, "the stream is longer than %zu bytes",
				    s->total_max);
	s->n_total += len;
	while (len > 0 && rc == 0) {
		size_t n;

		if (s->after_cr && data[0] == '\n') {
			s->after_cr = false;
			data++;
			len--;
			continue;
		}
		s->after_cr = false;
		n = line_len(data, len);
		if (s->line.len + n > s->event_max)
			return ragd_err_set(err, -EPROTO, "a line is longer than %zu bytes",
					    s->event_max);
		if (n == len || s->line.len > 0)
			buf_add(&s->line, data, n);
		if (buf_failed(&s->line))
			return sse_no_memory(err);
		if (n == len)
			return 0;
		s->after_cr = data[n] == '\r';
		if (s->line.len > 0)
			rc = line_end(s, s->line.data, s->line.len, err);
		else
			rc = line_end(s, data, n, err);
		buf_clear(&s->line);
		data += n + 1;
		len -= n + 1;
	}
	return rc;
}
