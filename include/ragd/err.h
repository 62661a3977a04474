/*
 * Errors: one int for the code, one sentence for people.
 *
 * Functions that can fail return 0 (or a count) or a negative errno; libuv's codes are the same
 * numbers. The last parameter takes the sentence and may be NULL. Header-only, so that a plugin
 * needs no library of ours.
 */
#ifndef RAGD_ERR_H
#define RAGD_ERR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RAGD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define RAGD_PRINTF(fmt, args)
#endif

struct ragd_err {
	int code;      /* what the function also returns */
	char msg[240]; /* one line: doing what, on what, why; no newline */
};

/* Fill *err (unless NULL) and return code, which must be negative. */
static inline int ragd_err_set(struct ragd_err *err, int code, const char *fmt, ...)
	RAGD_PRINTF(3, 4);
/* The same with the code taken from errno, whose text is appended: "open 'x': No such file". */
static inline int ragd_err_sys(struct ragd_err *err, const char *fmt, ...) RAGD_PRINTF(2, 3);

static inline int ragd_err_set(struct ragd_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	return code;
}

static inline int ragd_err_sys(struct ragd_err *err, const char *fmt, ...)
{
	int saved = errno;
	size_t len;
	va_list ap;

	if (err != NULL) {
		err->code = -saved;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		len = strlen(err->msg);
		snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", strerror(saved));
	}
	return -saved;
}

/*
 * Static analysers do not look into functions with variable arguments: tell them what is returned.
 */
#ifdef __clang_analyzer__
#define ragd_err_set(err, code, ...) ((void)ragd_err_set(err, code, __VA_ARGS__), (code))
#define ragd_err_sys(err, ...)       ((void)ragd_err_sys(err, __VA_ARGS__), -EIO)
#endif

#ifdef __cplusplus
}
#endif

#endif
