/* A document's file, whole. */
#ifndef RAG_FILE_H
#define RAG_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include <ragd/err.h>

#define FILE_SIZE_MAX ((size_t)512 << 20)

/*
 * Read the file at path, with the caller's permissions. *data is free()d by the caller. What is no
 * regular file, is larger than FILE_SIZE_MAX, or holds NUL bytes like a program or a picture is
 * refused; the sentence does not name the path.
 */
int file_read(const char *path, char **data, size_t *len, struct ragd_err *err);
/* The same from a stream that is open. */
int file_read_stream(int fd, char **data, size_t *len, struct ragd_err *err);

/* Does it look like text (or like a format whose reader takes bytes: PDF). */
int file_looks_readable(const char *data, size_t len);

#endif
