#include "upstream/servers/keyfile.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void keyfile_init(struct keyfile *k, const char *path)
{
	memset(k, 0, sizeof(*k));
	k->path = path;
}

void keyfile_fini(struct keyfile *k)
{
	explicit_bzero(k->key, sizeof(k->key));
}

static bool keyfile_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A group may read it, as in root:ragd 0640; nobody else, and only the owner may change it. */
static int keyfile_check(const struct keyfile *k, const struct stat *st, struct ragd_err *err)
{
	if (!S_ISREG(st->st_mode))
		return ragd_err_set(err, -EINVAL, "api_key_file '%s' is not a regular file",
				    k->path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return ragd_err_set(
			err, -EACCES,
			"api_key_file '%s' belongs to user %u, neither root nor the daemon's user",
			k->path, (unsigned)st->st_uid);
	if ((st->st_mode & 0027) != 0)
		return ragd_err_set(err, -EACCES,
				    "api_key_file '%s' has mode %04o: others may use the key; "
				    "chmod 0600 it",
				    k->path, (unsigned)st->st_mode & 07777);
	return 0;
}

/*
 * One line; what stands around it is white space. The key's characters go into a header as they
 * are.
 */
static int keyfile_parse(struct keyfile *k, char *text, size_t len, struct ragd_err *err)
{
	size_t from = 0;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	while (from < len && strchr(" \t\r\n", text[from]) != NULL)
		from++;
	len -= from;
	if (len == 0)
		return ragd_err_set(err, -EINVAL, "api_key_file '%s' is empty", k->path);
	if (len > KEYFILE_MAX)
		return ragd_err_set(err, -EINVAL,
				    "api_key_file '%s' holds more than %d bytes: that is not a key",
				    k->path, KEYFILE_MAX);
	for (size_t i = 0; i < len; i++)
		if (text[from + i] < 0x21 || text[from + i] > 0x7e)
			return ragd_err_set(err, -EINVAL,
					    "api_key_file '%s': a key is one line of printable "
					    "ASCII without spaces",
					    k->path);
	if (strlen(k->key) == len && memcmp(k->key, text + from, len) == 0)
		return 0;
	explicit_bzero(k->key, sizeof(k->key));
	memcpy(k->key, text + from, len);
	return 1;
}

static int keyfile_read(struct keyfile *k, int fd, struct ragd_err *err)
{
	char text[KEYFILE_MAX + 64];
	size_t len = 0;
	ssize_t n;
	int rc;

	while (len < sizeof(text) && (n = read(fd, text + len, sizeof(text) - len)) != 0) {
		if (n < 0) {
			rc = ragd_err_sys(err, "read api_key_file '%s'", k->path);
			goto out;
		}
		len += (size_t)n;
	}
	rc = keyfile_parse(k, text, len, err);
out:
	explicit_bzero(text, sizeof(text));
	return rc;
}

int keyfile_refresh(struct keyfile *k, struct ragd_err *err)
{
	struct stat st;
	int fd, rc;

	if (k->path[0] == '\0')
		return 0;
	fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		rc = k->missing ? 0 : ragd_err_sys(err, "open api_key_file '%s'", k->path);
		k->missing = true;
		return rc;
	}
	if (fstat(fd, &st) < 0) {
		rc = ragd_err_sys(err, "look at api_key_file '%s'", k->path);
	} else if (!k->missing && keyfile_same(&st, &k->seen)) {
		rc = 0;
	} else {
		k->missing = false;
		k->seen = st;
		rc = keyfile_check(k, &st, err);
		if (rc == 0)
			rc = keyfile_read(k, fd, err);
	}
	close(fd);
	return rc;
}

void keyfile_hide(const struct keyfile *k, char *text)
{
	size_t len = strlen(k->key);

	if (len == 0)
		return;
	for (char *p = strstr(text, k->key); p != NULL; p = strstr(p + len, k->key))
		memset(p, '*', len);
}
