#include "daemon/service/notify.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
	struct sockaddr_un to;
	socklen_t to_len; /* 0: nobody wants to know */
	int n_fds;
	int64_t watchdog_ms;
} manager;

/* A whole number from 1 to max. */
static int read_number(const char *name, const char *text, long long max, long long *out,
		       struct ragd_err *err)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 1 || n > max)
		return ragd_err_set(err, -EINVAL, "%s is '%.40s', not a number from 1 to %lld",
				    name, text, max);
	*out = n;
	return 0;
}

/* Is $name, where it is set, our process number? */
static int for_us(const char *name, bool unset_means, bool *out, struct ragd_err *err)
{
	const char *text = getenv(name);
	long long pid;
	int rc;

	*out = unset_means;
	if (text == NULL)
		return 0;
	rc = read_number(name, text, INT32_MAX, &pid, err);
	if (rc == 0)
		*out = pid == (long long)getpid();
	return rc;
}

static int init_socket(const char *path, struct ragd_err *err)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(manager.to.sun_path))
		return ragd_err_set(err, -EINVAL,
				    "NOTIFY_SOCKET is '%.80s', not a path of at most %zu bytes",
				    path, sizeof(manager.to.sun_path) - 1);
	manager.to.sun_family = AF_UNIX;
	memcpy(manager.to.sun_path, path, len);
	if (path[0] == '@') /* the abstract namespace */
		manager.to.sun_path[0] = '\0';
	manager.to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

static int init_fds(const char *text, struct ragd_err *err)
{
	long long n;
	bool ours;
	int rc = for_us("LISTEN_PID", false, &ours, err);

	if (rc < 0 || !ours)
		return rc;
	rc = read_number("LISTEN_FDS", text, NOTIFY_FDS_MAX, &n, err);
	if (rc < 0)
		return rc;
	for (int fd = NOTIFY_FD_FIRST; fd < NOTIFY_FD_FIRST + n; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return ragd_err_sys(err, "LISTEN_FDS is %lld but descriptor %d", n, fd);
	manager.n_fds = (int)n;
	return 0;
}

static int init_watchdog(const char *text, struct ragd_err *err)
{
	long long us;
	bool ours;
	int rc = for_us("WATCHDOG_PID", true, &ours, err);

	if (rc < 0 || !ours)
		return rc;
	rc = read_number("WATCHDOG_USEC", text, INT64_MAX, &us, err);
	if (rc == 0)
		manager.watchdog_ms = us / 1000;
	return rc;
}

int notify_init(struct ragd_err *err)
{
	static const char *const names[] = { "NOTIFY_SOCKET",  "LISTEN_PID",    "LISTEN_FDS",
					     "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID" };
	const char *text;
	int rc = 0;

	memset(&manager, 0, sizeof(manager));
	text = getenv("NOTIFY_SOCKET");
	if (text != NULL && text[0] != '\0')
		rc = init_socket(text, err);
	text = getenv("LISTEN_FDS");
	if (rc == 0 && text != NULL)
		rc = init_fds(text, err);
	text = getenv("WATCHDOG_USEC");
	if (rc == 0 && text != NULL)
		rc = init_watchdog(text, err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	return rc;
}

int notify_send(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	ssize_t n;
	int fd, saved, len;

	if (manager.to_len == 0)
		return 0;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -EMSGSIZE;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	n = sendto(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&manager.to, manager.to_len);
	saved = errno;
	close(fd);
	return n < 0 ? -saved : 0;
}

void notify_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the configuration",
		    (long long)clock_us());
}

void notify_extend(int64_t ms)
{
	notify_send("EXTEND_TIMEOUT_USEC=%lld", (long long)ms * 1000);
}

int64_t notify_watchdog_ms(void)
{
	return manager.watchdog_ms;
}

int notify_n_fds(void)
{
	return manager.n_fds;
}
