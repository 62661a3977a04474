/* The digest of a model's files, and the small file that remembers it. */
#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/gguf/card.h"
#include "engine/gguf/parse.h"

#define PIECE ((size_t)4 << 20) /* bytes between two questions whether to go on */

/* What the files are recognised by; false if one of them is no file. */
static bool files_stamp(const struct gguf *g, char out[DIGEST_HEX + 1])
{
	struct digest *d = digest_new();
	bool ok = d != NULL;

	for (size_t i = 0; ok && i < g->n_parts; i++) {
		const struct stat *st = &g->parts[i].st;
		uint64_t says[] = { st->st_dev, st->st_ino, (uint64_t)st->st_size,
				    (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec };

		ok = g->parts[i].path != NULL;
		digest_add(d, says, sizeof(says));
	}
	if (ok)
		digest_end(d, out);
	digest_free(d);
	return ok;
}

/* Files change their stamp, not often their inode: the cache's file is named by what stays. */
static char *cache_path(const struct gguf *g, const char *dir)
{
	char *path;

	if (asprintf(&path, "%s/digest-%llx-%llx", dir, (unsigned long long)g->parts[0].st.st_dev,
		     (unsigned long long)g->parts[0].st.st_ino) < 0)
		return NULL;
	return path;
}

static bool cache_read(const char *path, const char *want, char out[GGUF_DIGEST_SIZE])
{
	char line[DIGEST_HEX + 1 + GGUF_DIGEST_SIZE + 1];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(line, 1, sizeof(line), f);
	fclose(f);
	if (n != DIGEST_HEX + 1 + GGUF_DIGEST_SIZE || memcmp(line, want, DIGEST_HEX) != 0 ||
	    line[DIGEST_HEX] != ' ' || line[n - 1] != '\n' ||
	    memcmp(line + DIGEST_HEX + 1, "sha256:", 7) != 0)
		return false;
	line[n - 1] = '\0';
	memcpy(out, line + DIGEST_HEX + 1, GGUF_DIGEST_SIZE);
	return strspn(out + 7, "0123456789abcdef") == DIGEST_HEX;
}

static void cache_write(const char *path, const char *want, const char *digest)
{
	char *temp = NULL;
	FILE *f;
	bool ok;

	if (asprintf(&temp, "%s.%ld", path, (long)getpid()) < 0)
		return;
	f = fopen(temp, "wxe");
	if (f != NULL) {
		ok = fprintf(f, "%s %s\n", want, digest) > 0;
		ok = fclose(f) == 0 && ok;
		if (!ok || rename(temp, path) < 0)
			unlink(temp);
	}
	free(temp);
}

static int digest_parts(const struct gguf *g, bool (*cancelled)(void *arg), void *arg,
			char out[DIGEST_HEX + 1], struct ragd_err *err)
{
	struct digest *d = digest_new();
	uint8_t *piece = malloc(PIECE);
	int rc = 0;

	if (d == NULL || piece == NULL)
		rc = ragd_err_set(err, -ENOMEM, "model digest: out of memory");
	for (size_t i = 0; i < g->n_parts && rc == 0; i++)
		for (uint64_t at = 0; at < g->parts[i].len && rc == 0; at += PIECE) {
			size_t n = (size_t)MIN(PIECE, g->parts[i].len - at);

			if (cancelled != NULL && cancelled(arg))
				rc = ragd_err_set(err, -ECANCELED, "model digest: cancelled");
			if (rc == 0)
				rc = gguf_part_read(&g->parts[i], at, piece, n, err);
			if (rc == 0)
				digest_add(d, piece, n);
		}
	if (rc == 0)
		rc = gguf_unchanged(g, err);
	if (rc == 0)
		digest_end(d, out);
	digest_free(d);
	free(piece);
	return rc;
}

int gguf_digest(const struct gguf *g, const char *cache_dir, bool (*cancelled)(void *arg),
		void *arg, char out[GGUF_DIGEST_SIZE], struct ragd_err *err)
{
	char want[DIGEST_HEX + 1], hex[DIGEST_HEX + 1], *path = NULL;
	int rc = 0;

	if (cache_dir != NULL && files_stamp(g, want))
		path = cache_path(g, cache_dir);
	if (path != NULL && cache_read(path, want, out))
		goto out;
	rc = digest_parts(g, cancelled, arg, hex, err);
	if (rc < 0)
		goto out;
	memcpy(out, "sha256:", 7);
	memcpy(out + 7, hex, sizeof(hex));
	if (path != NULL)
		cache_write(path, want, out);
out:
	free(path);
	return rc;
}
