/* Rule files from disk, and what can only be checked when all are read. */
#include "safety/rules/rules.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file/trusted.h"

#define FILE_LIMIT (4 << 20)

/* Takes fd. */
static int load_file(struct rules *r, int fd, const char *path, enum rule_level level,
		     struct ragd_err *err)
{
	const char *base = strrchr(path, '/');
	struct buf b = BUF_INIT;
	char chunk[8192];
	ssize_t n;
	int rc = 0;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && b.len <= FILE_LIMIT)
		buf_add(&b, chunk, (size_t)n);
	if (n < 0)
		rc = ragd_err_sys(err, "read rule file '%s'", path);
	else if (b.len > FILE_LIMIT)
		rc = ragd_err_set(err, -EFBIG, "rule file '%s' is larger than 4 MiB", path);
	else if (buf_failed(&b))
		rc = ragd_err_set(err, -ENOMEM, "read rule file '%s': out of memory", path);
	if (rc == 0 && b.len > 0)
		rc = rules_parse(r, base != NULL ? base + 1 : path, b.data, b.len, level, err);
	close(fd);
	buf_fini(&b);
	return rc;
}

/*
 * Rules decide what passes, so neither they nor their folder may be anybody's to write. Opened
 * once: whatever is at the path the moment after is not what is read.
 */
static int open_rules(int dir, const char *name, const char *path, struct stat *st,
		      struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	int fd = trusted_open_any(dir, name, path, st, &why);

	return fd < 0 ? ragd_err_set(err, fd, "rules: %s", why.msg) : fd;
}

static int is_rule_file(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 6 && d->d_name[0] != '.' && strcmp(d->d_name + n - 6, ".rules") == 0;
}

static int load_one(struct rules *r, int dir, const char *dir_path, const char *name,
		    enum rule_level level, struct ragd_err *err)
{
	char path[4096];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir_path, name) >= (int)sizeof(path))
		return ragd_err_set(err, -ENAMETOOLONG, "rules '%s': the path is too long",
				    dir_path);
	fd = open_rules(dir, name, path, &st, err);
	return fd < 0 ? fd : load_file(r, fd, path, level, err);
}

int rules_load(struct rules *r, const char *path, enum rule_level level, struct ragd_err *err)
{
	struct dirent **list = NULL;
	struct stat st;
	int fd, n, rc = 0;

	fd = open_rules(AT_FDCWD, path, path, &st, err);
	if (fd < 0)
		return fd;
	if (!S_ISDIR(st.st_mode))
		return load_file(r, fd, path, level, err);
	n = scandirat(fd, ".", &list, is_rule_file, alphasort);
	if (n < 0)
		rc = ragd_err_sys(err, "read rules directory '%s'", path);
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = load_one(r, fd, path, list[i]->d_name, level, err);
		free(list[i]);
	}
	free(list);
	close(fd);
	return rc;
}

int rules_check(struct rules *r, struct ragd_err *err)
{
	for (size_t i = 0; i < r->n_rules; i++) {
		struct rule *rule = &r->rules[i];

		if (rule->n_finds == 0)
			return ragd_err_set(err, -EINVAL, "rule '%s' has no find line", rule->name);
		rule->kind = rule->category->kind;
		rule->kind.action = rule->action;
		for (size_t f = 0; f < rule->n_finds; f++)
			for (unsigned k = 0; k < rule->finds[f].n; k++)
				r->terms[rule->finds[f].term[k]].stages |= rule->stages;
		for (size_t u = 0; u < rule->n_unless; u++)
			r->terms[rule->unless[u]].stages |= rule->stages;
		if (rule->stages & 1u << RAGD_STAGE_RESPONSE)
			for (size_t f = 0; f < rule->n_finds; f++)
				if (rule->finds[f].n > 1 || rule->n_unless > 0)
					return ragd_err_set(err, -EINVAL,
							    "rule '%s' is for responses: each find "
							    "has one term and "
							    "there is no unless, because text that "
							    "was sent cannot be called back",
							    rule->name);
	}
	for (size_t i = 0; i < r->n_terms; i++)
		if (r->terms[i].n_phrases == 0 && r->terms[i].regex == NULL)
			return ragd_err_set(err, -EINVAL, "%s:%u: term '%s' has no phrases",
					    r->terms[i].file, r->terms[i].line, r->terms[i].name);
	return 0;
}
