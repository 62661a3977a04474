#include "daemon/service/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text/utf8.h"

#define LINE_MAX_BYTES 4096

static atomic_int max_level = RAGD_LOG_INFO;

void log_set_level(enum ragd_log_level level)
{
	atomic_store(&max_level, (int)level);
}

enum ragd_log_level log_get_level(void)
{
	return (enum ragd_log_level)atomic_load(&max_level);
}

/* Is stderr the stream that the journal gave us? ($JOURNAL_STREAM is "device:inode".) */
static bool to_journal(void)
{
	static atomic_int known; /* 0: not asked yet, 1: no, 2: yes */
	const char *env;
	unsigned long long dev, ino;
	struct stat st;
	int k = atomic_load(&known);

	if (k == 0) {
		env = getenv("JOURNAL_STREAM");
		k = env != NULL && sscanf(env, "%llu:%llu", &dev, &ino) == 2 &&
				    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
				    st.st_ino == ino
			    ? 2
			    : 1;
		atomic_store(&known, k);
	}
	return k == 2;
}

/* The journal has time and level of its own; elsewhere they stand in the line. */
static int put_head(char *line, size_t size, enum ragd_log_level level)
{
	static const char *const names[] = { [RAGD_LOG_ERR] = "err",
					     [RAGD_LOG_WARN] = "warn",
					     [RAGD_LOG_INFO] = "info",
					     [RAGD_LOG_DEBUG] = "debug" };
	struct timespec ts;
	struct tm tm;
	size_t n;

	if (to_journal())
		return snprintf(line, size, "<%d>", (int)level);
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return (int)n +
	       snprintf(line + n, size - n, ".%03ldZ level=%s ", ts.tv_nsec / 1000000,
			level <= RAGD_LOG_DEBUG && names[level] != NULL ? names[level] : "info");
}

void log_vwrite(enum ragd_log_level level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	size_t at, len;
	int n;

	if ((int)level > atomic_load(&max_level))
		return;
	at = (size_t)put_head(line, sizeof(line), level);
	n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);
	if (n < 0)
		return;
	len = strlen(line);
	for (size_t i = at; i < len; i++) /* one event, one line */
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[len++] = '\n';
	/* One write, so that lines of several threads do not mix. Where else could a failure go? */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_write(enum ragd_log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, fmt, ap);
	va_end(ap);
}

bool log_limit_pass(struct log_limit *l, int64_t now_ms, char left_out[LOG_LEFT_LEN])
{
	if (l->next_ms > 0 && now_ms < l->next_ms) {
		l->n_left_out++;
		return false;
	}
	left_out[0] = '\0';
	if (l->n_left_out > 0)
		snprintf(left_out, LOG_LEFT_LEN, " left_out=%u", l->n_left_out);
	*l = (struct log_limit){ .next_ms = now_ms + LOG_LIMIT_MS };
	return true;
}

/* The bytes of s[0] as they stand in quotes; returns how many went to esc (room for 5). */
static size_t byte_escape(unsigned char c, char *esc)
{
	if (c == '"' || c == '\\')
		return (size_t)sprintf(esc, "\\%c", c);
	if (c == '\n')
		return (size_t)sprintf(esc, "\\n");
	if (c < 0x20 || c == 0x7f)
		return (size_t)sprintf(esc, "\\x%02x", c);
	esc[0] = (char)c;
	return 1;
}

const char *log_quote(const char *s, size_t len, char *out, size_t size)
{
	size_t at = 0;
	bool cut = false;
	char esc[8];

	if (size < 6) { /* no room for quotes and dots */
		if (size > 0)
			out[0] = '\0';
		return out;
	}
	out[at++] = '"';
	for (size_t i = 0; i < len && !cut; i++) {
		size_t n = byte_escape((unsigned char)s[i], esc);

		/* What follows needs room too: three dots, the quote, the NUL. */
		cut = at + n + 5 > size;
		if (!cut) {
			memcpy(out + at, esc, n);
			at += n;
		}
	}
	if (cut) /* not inside a character */
		at = 1 + utf8_whole(out + 1, at - 1);
	memcpy(out + at, cut ? "...\"" : "\"", cut ? 5 : 2);
	return out;
}
