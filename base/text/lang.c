#include "base/text/lang.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/util.h"

#define FILE_MAX ((size_t)1 << 20) /* bytes; more is no word list */

struct lang_section {
	const char *name;
	size_t from, n; /* of the rows */
};

struct lang {
	char *path;
	char *text; /* names and rows, each ended by a NUL */
	const char **rows;
	size_t n_rows, cap_rows;
	struct lang_section *sections;
	size_t n_sections, cap_sections;
};

static int out_of_memory(const char *path, struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "language '%s': out of memory", path);
}

/* Runs of blanks become one space, those at the ends go. Returns what is left, in place. */
static char *line_tidy(char *line)
{
	char *to = line;

	for (const char *s = line; *s != '\0'; s++) {
		if (*s != ' ' && *s != '\t' && *s != '\r')
			*to++ = *s;
		else if (to > line && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > line && to[-1] == ' ')
		to--;
	*to = '\0';
	return line;
}

static int section_add(struct lang *l, char *line, size_t number, struct ragd_err *err)
{
	size_t len = strlen(line), n;

	if (len < 3 || line[len - 1] != ']')
		return ragd_err_set(err, -EINVAL, "%s:%zu: a section is [name]", l->path, number);
	line[len - 1] = '\0';
	for (size_t i = 0; i < l->n_sections; i++)
		if (strcmp(l->sections[i].name, line + 1) == 0)
			return ragd_err_set(err, -EINVAL, "%s:%zu: the section [%s] occurs twice",
					    l->path, number, line + 1);
	n = l->n_sections + 1;
	if (!array_reserve(&l->sections, &l->cap_sections, n, sizeof(*l->sections)))
		return out_of_memory(l->path, err);
	l->sections[l->n_sections++] = (struct lang_section){ .name = line + 1, .from = l->n_rows };
	return 0;
}

static int row_add(struct lang *l, const char *line, size_t number, struct ragd_err *err)
{
	if (l->n_sections == 0)
		return ragd_err_set(err, -EINVAL, "%s:%zu: words before the first [section]",
				    l->path, number);
	if (!array_reserve(&l->rows, &l->cap_rows, l->n_rows + 1, sizeof(*l->rows)))
		return out_of_memory(l->path, err);
	l->rows[l->n_rows++] = line;
	l->sections[l->n_sections - 1].n++;
	return 0;
}

static int lines_parse(struct lang *l, struct ragd_err *err)
{
	char *next = l->text, *line;
	int rc = 0;

	for (size_t number = 1; rc == 0 && (line = strsep(&next, "\n")) != NULL; number++) {
		line_tidy(line);
		if (*line == '\0' || *line == '#')
			continue;
		rc = *line == '[' ? section_add(l, line, number, err)
				  : row_add(l, line, number, err);
	}
	return rc;
}

int lang_parse(const char *path, const char *text, size_t len, struct lang **out,
	       struct ragd_err *err)
{
	struct lang *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return out_of_memory(path, err);
	l->path = strdup(path);
	l->text = strndup(text, len);
	rc = l->path == NULL || l->text == NULL ? out_of_memory(path, err) : lines_parse(l, err);
	if (rc < 0) {
		lang_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void lang_close(struct lang *l)
{
	if (l == NULL)
		return;
	free(l->sections);
	free(l->rows);
	free(l->text);
	free(l->path);
	free(l);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int file_parse(const char *path, struct lang **out, struct ragd_err *err)
{
	struct buf text = BUF_INIT;
	char piece[4096];
	FILE *f = fopen(path, "re");
	int rc = 0;

	if (f == NULL)
		return ragd_err_sys(err, "language '%s'", path);
	for (size_t n; text.len <= FILE_MAX && (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		buf_add(&text, piece, n);
	if (ferror(f))
		rc = ragd_err_sys(err, "language '%s'", path);
	else if (text.len > FILE_MAX)
		rc = ragd_err_set(err, -EFBIG, "language '%s': over %zu bytes", path, FILE_MAX);
	else if (buf_failed(&text))
		rc = out_of_memory(path, err);
	fclose(f);
	if (rc == 0)
		rc = lang_parse(path, text.len > 0 ? text.data : "", text.len, out, err);
	buf_fini(&text);
	return rc;
}

static bool has_name(const struct lang *l, const char *language)
{
	const char *const *rows, *word;
	size_t n, len;

	rows = lang_rows(l, "names", &n);
	for (size_t i = 0; i < n; i++)
		for (const char *at = rows[i]; (word = lang_word(&at, &len)) != NULL;)
			if (strlen(language) == len && memcmp(word, language, len) == 0)
				return true;
	return false;
}

static int is_lang_file(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return end != NULL && entry->d_name[0] != '.' && strcmp(end, ".lang") == 0;
}

int lang_open(const char *dir, const char *language, struct lang **out, struct ragd_err *err)
{
	struct dirent **files;
	struct lang *l = NULL;
	char path[4096];
	int n = scandir(dir, &files, is_lang_file, alphasort), rc = 0;

	if (n < 0)
		return ragd_err_sys(err, "languages in '%s'", dir);
	for (int i = 0; i < n; i++) {
		if (rc == 0 && l == NULL &&
		    snprintf(path, sizeof(path), "%s/%s", dir, files[i]->d_name) <
			    (int)sizeof(path)) {
			rc = file_parse(path, &l, err);
			if (rc == 0 && !has_name(l, language)) {
				lang_close(l);
				l = NULL;
			}
		}
		free(files[i]);
	}
	free(files);
	if (rc == 0 && l == NULL)
		rc = ragd_err_set(err, -ENOENT, "'%s' has no file for the language '%s'", dir,
				  language);
	if (rc == 0)
		*out = l;
	return rc;
}

/* ---- what it says --------------------------------------------------------------------------- */

const char *lang_path(const struct lang *l)
{
	return l->path;
}

const char *lang_section(const struct lang *l, size_t i)
{
	return i < l->n_sections ? l->sections[i].name : NULL;
}

const char *const *lang_rows(const struct lang *l, const char *section, size_t *n)
{
	for (size_t i = 0; i < l->n_sections; i++)
		if (strcmp(l->sections[i].name, section) == 0) {
			*n = l->sections[i].n;
			return l->rows + l->sections[i].from;
		}
	*n = 0;
	return NULL;
}
