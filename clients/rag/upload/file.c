#include "clients/rag/upload/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_looks_readable(const char *data, size_t len)
{
	if (len >= 5 && memcmp(data, "%PDF-", 5) == 0)
		return 1;
	return len == 0 || memchr(data, '\0', len) == NULL;
}

/* From fd to its end; hint is the size it had. */
static int read_all(int fd, size_t hint, char **data, size_t *len, struct ragd_err *err)
{
	size_t cap = hint + 1, n = 0;
	char *buf = malloc(cap), *more;
	ssize_t got;

	for (;;) {
		if (buf == NULL)
			return ragd_err_set(err, -ENOMEM, "out of memory");
		got = read(fd, buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n > FILE_SIZE_MAX) {
			free(buf);
			return ragd_err_set(err, -EFBIG, "larger than %zu MiB",
					    FILE_SIZE_MAX >> 20);
		}
		if (n == cap) {
			cap = 2 * cap + 4096;
			more = realloc(buf, cap);
			if (more == NULL)
				free(buf);
			buf = more;
		}
	}
	if (got < 0) {
		got = -errno;
		free(buf);
		return ragd_err_set(err, (int)got, "reading stopped: %s", strerror(-(int)got));
	}
	if (!file_looks_readable(buf, n)) {
		bool utf16 = n >= 2 &&
			     (memcmp(buf, "\xff\xfe", 2) == 0 || memcmp(buf, "\xfe\xff", 2) == 0);

		free(buf);
		return ragd_err_set(err, -EILSEQ, "%s",
				    utf16 ? "UTF-16; convert it, e.g. with iconv -f UTF-16 -t UTF-8"
					  : "binary, not text");
	}
	*data = buf;
	*len = n;
	return 0;
}

int file_read_stream(int fd, char **data, size_t *len, struct ragd_err *err)
{
	return read_all(fd, 65536, data, len, err);
}

int file_read(const char *path, char **data, size_t *len, struct ragd_err *err)
{
	struct stat st;
	int fd, rc;

	/* It may have become a FIFO since it was seen: do not wait for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ragd_err_set(err, -errno, "%s",
				    errno == EACCES   ? "you may not read it"
				    : errno == ENOENT ? "it is gone"
						      : strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = ragd_err_set(err, -EINVAL, "not a file any more");
	else if (st.st_size > (off_t)FILE_SIZE_MAX)
		rc = ragd_err_set(err, -EFBIG, "larger than %zu MiB", FILE_SIZE_MAX >> 20);
	else
		rc = read_all(fd, (size_t)st.st_size, data, len, err);
	close(fd);
	return rc;
}
