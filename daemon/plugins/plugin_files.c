#include "daemon/plugins/plugin_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/util.h"

/*
 * Which file it is and when it was last changed. Of a folder and of what only passes bytes on, as
 * a FIFO, which one it is: they change whenever they are used.
 */
static void add_stat(struct digest *d, const char *name, const struct stat *st)
{
	char text[256];
	int len;

	digest_add(d, name, strlen(name) + 1);
	len = snprintf(text, sizeof(text), "%llu %llu %o", (unsigned long long)st->st_dev,
		       (unsigned long long)st->st_ino, (unsigned)st->st_mode);
	digest_add(d, text, (size_t)len + 1);
	if (!S_ISREG(st->st_mode))
		return;
	len = snprintf(text, sizeof(text), "%lld %lld.%09ld %lld.%09ld", (long long)st->st_size,
		       (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		       (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	digest_add(d, text, (size_t)len + 1);
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void add_entries(struct digest *d, int dir)
{
	struct dirent **list = NULL;
	int n = scandirat(dir, ".", &list, is_shown, alphasort);
	struct stat st;

	for (int i = 0; i < n; i++) {
		if (fstatat(dir, list[i]->d_name, &st, 0) == 0)
			add_stat(d, list[i]->d_name, &st);
		free(list[i]);
	}
	free(list);
}

/*
 * A file, or a folder with the files in it. What is not there is
 * nothing, and different once it is.
 */
static void add_path(struct digest *d, const char *path)
{
	struct stat st;
	int dir;

	if (stat(path, &st) < 0)
		return;
	add_stat(d, path, &st);
	dir = S_ISDIR(st.st_mode) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		return;
	add_entries(d, dir);
	close(dir);
}

/* Of data_dir, which no option names: by the kind of plugin and, or NULL, an option it has. */
static const struct {
	enum ragd_kind kind;
	const char *option, *path;
} folders[] = {
	{ RAGD_KIND_SAFETY, NULL, "rules" },
	{ RAGD_KIND_SAFETY, NULL, "lang/grounding" },
	/* What answers in a language; a model does not, and is not opened again for its words. */
	{ RAGD_KIND_INFERENCE, "language", "lang" },
};

static bool has_option(const struct ragd_option *table, size_t n, const char *name)
{
	size_t i = 0;

	while (name != NULL && i < n && strcmp(table[i].name, name) != 0)
		i++;
	return name == NULL || i < n;
}

int plugin_files_digest(const struct ragd_plugin *descriptor, const struct ragd_config *options,
			const char *data_dir, char out[DIGEST_HEX + 1])
{
	const struct ragd_option *table = descriptor->options;
	struct digest *d = digest_new();
	char path[4096];

	if (d == NULL)
		return -ENOMEM;
	/* A store is not opened twice, whatever becomes of a file that it was named. */
	for (size_t i = 0; descriptor->kind != RAGD_KIND_RETRIEVAL && i < options->n; i++)
		if (table[i].type == RAGD_OPT_PATH && options->values[i].s[0] != '\0')
			add_path(d, options->values[i].s);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (folders[i].kind == descriptor->kind &&
		    has_option(table, options->n, folders[i].option) &&
		    snprintf(path, sizeof(path), "%s/%s", data_dir, folders[i].path) <
			    (int)sizeof(path))
			add_path(d, path);
	digest_end(d, out);
	digest_free(d);
	return 0;
}
