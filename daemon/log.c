#include "daemon/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int log_level = RAGD_LOG_INFO;

void log_set_level(enum ragd_log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

enum ragd_log_level log_get_level(void)
{
	return (enum ragd_log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* Is stderr the stream that systemd made for the journal? It says so as "device:inode". */
static bool to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

static const char *level_name(enum ragd_log_level level)
{
	switch (level) {
	case RAGD_LOG_ERR:
		return "error";
	case RAGD_LOG_WARN:
		return "warning";
	case RAGD_LOG_INFO:
		return "info";
	case RAGD_LOG_DEBUG:
		return "debug";
	}
	return "unknown";
}

/* One write() a line, so that lines of several threads do not mix. */
void log_vwrite(enum ragd_log_level level, const char *fmt, va_list ap)
{
	char line[2048];
	ssize_t written;
	int len, n;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	if (to_journal())
		len = snprintf(line, sizeof(line), "<%d>", (int)level);
	else
		len = snprintf(line, sizeof(line), "level=%s ", level_name(level));
	n = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, fmt, ap);
	if (n < 0)
		return;
	len += n;
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	for (int i = 0; i < len; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[len] = '\n';
	written = write(STDERR_FILENO, line, (size_t)len + 1);
	(void)written; /* a log that cannot be written has nowhere to say so */
}

void log_write(enum ragd_log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, fmt, ap);
	va_end(ap);
}

const char *log_quote(const char *s, size_t len, char *out, size_t size)
{
	size_t n = 0;

	if (size < 3) {
		if (size > 0)
			out[0] = '\0';
		return out;
	}
	out[n++] = '"';
	/* The longest escape is 4 bytes; the quote and the NUL need 2. */
	for (size_t i = 0; i < len && n + 6 <= size; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\') {
			out[n++] = '\\';
			out[n++] = (char)c;
		} else if (c == '\n') {
			out[n++] = '\\';
			out[n++] = 'n';
		} else if (c < 0x20 || c == 0x7f) {
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
		} else {
			out[n++] = (char)c;
		}
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}
