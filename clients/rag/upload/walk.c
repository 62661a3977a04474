#include "clients/rag/upload/walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 64

/* One folder of the command line being walked. */
struct tour {
	struct file_walk *w;
	const char *prefix;
	char root[PATH_MAX]; /* resolved; what links may not lead out of */
};

char *walk_id(const char *prefix, const char *rel)
{
	size_t len = prefix != NULL ? strlen(prefix) : 0;
	char *id;

	if (asprintf(&id, "%s%s%s", len > 0 ? prefix : "",
		     len > 0 && prefix[len - 1] != '/' ? "/" : "", rel) < 0)
		return NULL;
	return id;
}

/* path and id are stolen. */
static void walk_push(struct file_walk *w, char *path, char *id, off_t size, const char *why)
{
	struct walk_file *more = w->files;

	if (w->n == w->cap) {
		w->cap = 2 * w->cap + 64;
		more = realloc(w->files, w->cap * sizeof(*more));
		if (more != NULL)
			w->files = more;
	}
	if (path == NULL || id == NULL || more == NULL) {
		w->failed = 1;
		w->cap = more == NULL ? w->n : w->cap;
		free(path);
		free(id);
		return;
	}
	w->files[w->n++] = (struct walk_file){ path, id, size, why };
}

static const char *kind_refused(mode_t mode)
{
	if (S_ISREG(mode))
		return NULL;
	return S_ISFIFO(mode)                   ? "a FIFO, not a file"
	       : S_ISSOCK(mode)                 ? "a socket, not a file"
	       : S_ISCHR(mode) || S_ISBLK(mode) ? "a device, not a file"
						: "neither a file nor a folder";
}

static const char *open_refused(int error)
{
	switch (error) {
	case ENOENT:
		return "there is no such file or folder";
	case EACCES:
	case EPERM:
		return "you may not read it";
	case ELOOP:
		return "its symbolic links lead in a circle";
	case ENAMETOOLONG:
		return "the path is too long";
	default:
		return "it cannot be read";
	}
}

/* Does the link lead to a file inside the folder. */
static int stays_inside(const struct tour *t, const char *path, struct stat *st)
{
	char to[PATH_MAX];
	size_t len = strlen(t->root);

	if (realpath(path, to) == NULL || stat(to, st) < 0 || !S_ISREG(st->st_mode))
		return 0;
	return strncmp(to, t->root, len) == 0 && (to[len] == '/' || strcmp(t->root, "/") == 0);
}

static void visit_folder(struct tour *t, const char *path, const char *rel, unsigned depth);

static void visit_entry(struct tour *t, const char *path, const char *rel, unsigned depth)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		walk_push(t->w, strdup(path), walk_id(t->prefix, rel), 0, open_refused(errno));
	} else if (S_ISDIR(st.st_mode)) {
		visit_folder(t, path, rel, depth + 1);
	} else if (S_ISLNK(st.st_mode)) {
		if (stays_inside(t, path, &st))
			walk_push(t->w, strdup(path), walk_id(t->prefix, rel), st.st_size, NULL);
		else
			t->w->n_skipped++;
	} else {
		walk_push(t->w, strdup(path), walk_id(t->prefix, rel), st.st_size,
			  kind_refused(st.st_mode));
	}
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* the same in every locale */
}

static void visit_folder(struct tour *t, const char *path, const char *rel, unsigned depth)
{
	struct dirent **names;
	int n = depth < DEPTH_MAX ? scandir(path, &names, NULL, by_bytes) : -1;

	if (n < 0) {
		walk_push(t->w, strdup(path), walk_id(t->prefix, rel), 0,
			  depth < DEPTH_MAX ? open_refused(errno) : "folders nested too deep");
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char *below = NULL, *id = NULL;

		if (name[0] == '.') {
			t->w->n_skipped += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
		} else if (asprintf(&below, "%s%s%s", path,
				    path[strlen(path) - 1] == '/' ? "" : "/", name) < 0 ||
			   asprintf(&id, "%s%s%s", rel, rel[0] != '\0' ? "/" : "", name) < 0) {
			t->w->failed = 1;
		} else {
			visit_entry(t, below, id, depth);
			free(below);
			free(id);
		}
		free(names[i]);
	}
	free(names);
}

void walk_add(struct file_walk *w, const char *path, const char *prefix)
{
	struct tour t = { .w = w, .prefix = prefix };
	const char *base = strrchr(path, '/');
	struct stat st;

	base = base != NULL && base[1] != '\0' ? base + 1 : path;
	if (stat(path, &st) < 0)
		walk_push(w, strdup(path), walk_id(prefix, base), 0, open_refused(errno));
	else if (!S_ISDIR(st.st_mode))
		walk_push(w, strdup(path), walk_id(prefix, base), st.st_size,
			  kind_refused(st.st_mode));
	else if (realpath(path, t.root) == NULL)
		walk_push(w, strdup(path), walk_id(prefix, base), 0, open_refused(errno));
	else
		visit_folder(&t, path, "", 0);
}

static int by_id(const void *a, const void *b)
{
	const struct walk_file *const *x = a, *const *y = b;
	int order = strcmp((*x)->id, (*y)->id);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

void walk_mark_twins(struct file_walk *w)
{
	struct walk_file **sorted = calloc(w->n + 1, sizeof(struct walk_file *));

	if (sorted == NULL) {
		w->failed = 1;
		return;
	}
	for (size_t i = 0; i < w->n; i++)
		sorted[i] = &w->files[i];
	qsort(sorted, w->n, sizeof(struct walk_file *), by_id);
	for (size_t i = 1; i < w->n; i++)
		if (sorted[i]->why == NULL && strcmp(sorted[i]->id, sorted[i - 1]->id) == 0)
			sorted[i]->why = "another file has the same id already; add them apart "
					 "with --prefix";
	free(sorted);
}

void walk_fini(struct file_walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->files[i].path);
		free(w->files[i].id);
	}
	free(w->files);
	*w = (struct file_walk){ .files = NULL };
}
