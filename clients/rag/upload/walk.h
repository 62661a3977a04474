/* Files and folders of a command line as documents-to-be: a path to read, an id to add it under. */
#ifndef RAG_WALK_H
#define RAG_WALK_H

#include <stddef.h>
#include <sys/types.h>

struct walk_file {
	char *path;
	char *id;
	off_t size;      /* when it was seen */
	const char *why; /* NULL, or why it cannot be added */
};

struct file_walk {
	struct walk_file *files; /* in the order of the arguments, each folder sorted */
	size_t n, cap;
	size_t n_skipped; /* hidden, or symbolic links out of the folder */
	int failed;       /* out of memory */
};

/*
 * Add what `path` names. A folder: every file below it, its id the path relative to the folder;
 * hidden ones are skipped, symbolic links are followed to files inside the folder only. A file: its
 * base name. prefix (may be NULL) and a slash go before each id. What cannot be taken (missing, a
 * FIFO, a folder without permission) becomes a file with a reason.
 */
void walk_add(struct file_walk *w, const char *path, const char *prefix);
/* Give every file whose id another has before it a reason. */
void walk_mark_twins(struct file_walk *w);
void walk_fini(struct file_walk *w);

/* "PREFIX/REL", without doubling a slash; NULL: out of memory. */
char *walk_id(const char *prefix, const char *rel);

#endif
