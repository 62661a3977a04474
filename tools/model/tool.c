#include "tools/model/tool.h"

#include <string.h>
#include <unistd.h>

#include "base/text/utf8.h"
#include "base/util.h"

int tool_fail(const struct ragd_err *err)
{
	fprintf(stderr, "ragd-model: %s\n", err->msg);
	return EXIT_FAILED;
}

int tool_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("ragd-model: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see ragd-model --help\n", stderr);
	return EXIT_USAGE;
}

int tool_stdin(struct buf *out, struct ragd_err *err)
{
	char piece[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ragd_err_sys(err, "read standard input");
		buf_add(out, piece, (size_t)n);
	}
	if (buf_failed(out))
		return ragd_err_set(err, -ENOMEM, "read standard input: out of memory");
	return 0;
}

static const char *scaled_text(double n, double step, const char *const *units, size_t n_units,
			       char *buf, size_t size)
{
	size_t u = 0;

	while (n >= step && u + 1 < n_units) {
		n /= step;
		u++;
	}
	snprintf(buf, size, u == 0 || n >= 100 ? "%.0f%s" : "%.1f%s", n, units[u]);
	return buf;
}

const char *tool_bytes(double n, char *buf, size_t size)
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB" };

	return scaled_text(n, 1024, units, ARRAY_LEN(units), buf, size);
}

const char *tool_count(double n, char *buf, size_t size)
{
	static const char *const units[] = { "", " thousand", " million", " billion", " trillion" };

	return scaled_text(n, 1000, units, ARRAY_LEN(units), buf, size);
}

int tool_print_json(json_t *j)
{
	int rc = j != NULL ? json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) : -1;

	json_decref(j);
	if (rc < 0)
		return tool_fail(&(struct ragd_err){ .msg = "write JSON: it could not be done" });
	putchar('\n');
	return EXIT_DONE;
}

json_t *tool_json_text(const char *s, size_t len)
{
	struct buf b = BUF_INIT;
	json_t *j = NULL;
	uint32_t cp;
	char c[4];

	if (utf8_invalid_at(s, len) < 0)
		return json_stringn(s, len);
	for (size_t i = 0; i < len;) {
		i += utf8_next(s + i, len - i, &cp);
		buf_add(&b, c, utf8_put(cp, c));
	}
	if (!buf_failed(&b))
		j = json_stringn(b.data, b.len);
	buf_fini(&b);
	return j;
}
