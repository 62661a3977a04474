/*
 * The log: one line on stderr for each event, key=value, with a journald priority (<4>) when
 * stderr goes to the journal. Any thread.
 *
 * Lines begin with event=, a name with dashes. What went wrong stands under error=,
 * other prose under text=. A value that may hold anything, as every sentence of an error
 * does since it may quote what a client or a server sent, goes through LOG_TEXT:
 * unquoted it could pass for keys of ours.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <ragd/plugin.h>

void log_set_level(enum ragd_log_level level);
enum ragd_log_level log_get_level(void);
void log_vwrite(enum ragd_log_level level, const char *fmt, va_list ap);
void log_write(enum ragd_log_level level, const char *fmt, ...) RAGD_PRINTF(2, 3);

#define log_err(...)   log_write(RAGD_LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_write(RAGD_LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(RAGD_LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(RAGD_LOG_DEBUG, __VA_ARGS__)

/*
 * For a line that anybody can cause as often as they like: the first is written at once, then at
 * most one in LOG_LIMIT_MS. Zeroed to begin with; one thread.
 */
struct log_limit {
	int64_t next_ms;
	unsigned n_left_out;
};
#define LOG_LIMIT_MS 1000
#define LOG_LEFT_LEN 32

/*
 * Whether to write it at now_ms; left_out then is " left_out=N" for its end,
 * "" if none were since the last.
 */
bool log_limit_pass(struct log_limit *l, int64_t now_ms, char left_out[LOG_LEFT_LEN]);

/* s in double quotes with quotes, backslashes and control bytes escaped, cut to fit out. */
const char *log_quote(const char *s, size_t len, char *out, size_t size);

/*
 * The same of a C string, named twice, in room that lasts until the block
 * ends: for arguments of log_…().
 */
#define LOG_TEXT_LEN 512
#define LOG_TEXT(s)  log_quote(s, strlen(s), (char[LOG_TEXT_LEN]){ 0 }, LOG_TEXT_LEN)

#endif
