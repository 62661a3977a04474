#include "safety/rules/hs_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"

/* A database is worth a file from here on; smaller ones compile as fast as they load. */
#define CACHE_MIN_EXPRS 200

/* Everything that a database depends on: what it is made of, by what, for which processor. */
static bool source_digest(const struct hs_source *src, char out[DIGEST_HEX + 1])
{
	struct buf b = BUF_INIT;
	hs_platform_info_t cpu = { 0 };
	bool ok;

	hs_populate_platform(&cpu);
	buf_printf(&b, "%s %u %u %llu %u %d\n", hs_version(), cpu.tune, src->mode,
		   (unsigned long long)cpu.cpu_features, src->n, src->literal);
	for (unsigned i = 0; i < src->n; i++) {
		buf_printf(&b, "%u %u ", src->flags[i], src->ids[i]);
		buf_add(&b, src->exprs[i], src->literal ? src->lens[i] : strlen(src->exprs[i]));
		buf_addc(&b, '\0');
	}
	ok = !buf_failed(&b);
	if (ok)
		digest_hex(b.data, b.len, out);
	buf_fini(&b);
	return ok;
}

/* A file is the digest of the rest of it in hexadecimal, then the serialised database. */
static hs_database_t *cache_read(const char *path)
{
	char digest[DIGEST_HEX + 1];
	hs_database_t *db = NULL;
	char *data = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > DIGEST_HEX &&
	    st.st_size < 256 << 20)
		data = malloc((size_t)st.st_size);
	if (data != NULL) {
		n = read(fd, data, (size_t)st.st_size);
		if (n == st.st_size) {
			digest_hex(data + DIGEST_HEX, (size_t)n - DIGEST_HEX, digest);
			if (memcmp(digest, data, DIGEST_HEX) == 0 &&
			    hs_deserialize_database(data + DIGEST_HEX, (size_t)n - DIGEST_HEX,
						    &db) != HS_SUCCESS)
				db = NULL;
		}
	}
	free(data);
	close(fd);
	return db;
}

static void cache_write(const char *path, const hs_database_t *db)
{
	char digest[DIGEST_HEX + 1], tmp[4200], *data = NULL;
	size_t len = 0;
	bool ok;
	int fd;

	if (hs_serialize_database(db, &data, &len) != HS_SUCCESS)
		return;
	digest_hex(data, len, digest);
	snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd >= 0) {
		ok = write(fd, digest, DIGEST_HEX) == DIGEST_HEX &&
		     write(fd, data, len) == (ssize_t)len;
		close(fd);
		if (!ok || rename(tmp, path) < 0)
			unlink(tmp);
	}
	free(data);
}

static int source_compile(const struct hs_source *src, hs_database_t **out, int *bad,
			  struct ragd_err *err)
{
	hs_compile_error_t *why = NULL;
	hs_error_t rc;
	int code = 0;

	if (src->literal)
		rc = hs_compile_lit_multi(src->exprs, src->flags, src->ids, src->lens, src->n,
					  src->mode, NULL, out, &why);
	else
		rc = hs_compile_multi(src->exprs, src->flags, src->ids, src->n, src->mode, NULL,
				      out, &why);
	if (rc != HS_SUCCESS) {
		if (bad != NULL && why != NULL)
			*bad = why->expression;
		code = ragd_err_set(err, -EINVAL, "%s",
				    why != NULL ? why->message : "the rules cannot be compiled");
	}
	hs_free_compile_error(why);
	return code;
}

int hs_cached_compile(const struct hs_source *src, const char *dir, hs_database_t **out, int *bad,
		      struct ragd_err *err)
{
	char digest[DIGEST_HEX + 1], path[4160];
	hs_database_t *db = NULL;
	bool cached;
	int rc;

	if (bad != NULL)
		*bad = -1;
	cached = dir != NULL && (src->n >= CACHE_MIN_EXPRS || !src->literal) &&
		 source_digest(src, digest) &&
		 snprintf(path, sizeof(path), "%s/patterns-%.16s.hs", dir, digest) <
			 (int)sizeof(path);
	if (cached)
		db = cache_read(path);
	if (db == NULL) {
		rc = source_compile(src, &db, bad, err);
		if (rc < 0)
			return rc;
		if (cached)
			cache_write(path, db);
	}
	*out = db;
	return 0;
}
