/* JSON lines on a stream: {"id","text",…}, one object a line, blank lines skipped. */
#ifndef RAG_JSON_LINES_H
#define RAG_JSON_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include <ragd/err.h>

struct json_line {
	size_t number;   /* in the stream, from 1 */
	const char *id;  /* "" if it is missing where that is allowed */
	json_t *id_json; /* as it came: a string or a number; null if it is missing */
	const char *text;
	size_t text_len;  /* text may hold NUL bytes */
	json_t *root;     /* the whole object */
	char id_text[32]; /* of a number */
};

/*
 * Read the next line. Returns its length, 0 at the end of the stream; *text is realloc()ed. The
 * number of the line is counted in *number.
 */
ssize_t json_line_next(FILE *f, char **text, size_t *size, size_t *number);

/*
 * Understand one line. Takes "text", or else "question". need_id: one without an id is refused. 0,
 * or -EINVAL with the reason. On success json_line_fini() it.
 */
int json_line_parse(const char *text, size_t len, size_t number, bool need_id,
		    struct json_line *out, struct ragd_err *err);
void json_line_fini(struct json_line *line);

/* Write o (stolen, may be NULL) and a newline. */
void json_line_write(FILE *f, json_t *o);

#endif
