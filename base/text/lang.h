/*
 * What is known about a language, as data: a text file of sections, which are rows of words.
 *
 *     # comment
 *     [section]
 *     row of words
 *     another row
 *
 * What the sections mean is up to those who read them, such as engine/reader/lexicon.h.
 */
#ifndef BASE_TEXT_LANG_H
#define BASE_TEXT_LANG_H

#include <stddef.h>
#include <string.h>

#include <ragd/err.h>

struct lang;

/*
 * The file of a language in a folder: any NAME.lang whose section [names] has it. -ENOENT: the
 * folder has none, or is not there; -EINVAL with file and line where one is not as above.
 */
int lang_open(const char *dir, const char *language, struct lang **out, struct ragd_err *err);
/* A file's text; `path` is for errors. */
int lang_parse(const char *path, const char *text, size_t len, struct lang **out,
	       struct ragd_err *err);
void lang_close(struct lang *l);

const char *lang_path(const struct lang *l);
/* The name of section i in the order of the file; NULL at the end. */
const char *lang_section(const struct lang *l, size_t i);
/*
 * The rows of a section, words one space apart: *n of them, none for a section that is not there.
 */
const char *const *lang_rows(const struct lang *l, const char *section, size_t *n);

/* The word of a row at *at, *len bytes; *at moves past it. NULL: no more. */
static inline const char *lang_word(const char **at, size_t *len)
{
	const char *word = *at;

	*len = strcspn(word, " ");
	*at = word + *len + (word[*len] == ' ');
	return *len > 0 ? word : NULL;
}

#endif
