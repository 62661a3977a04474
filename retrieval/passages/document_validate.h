/* What a document may look like from outside, before a byte of its content is read. */
#ifndef RETRIEVAL_DOCUMENT_VALIDATE_H
#define RETRIEVAL_DOCUMENT_VALIDATE_H

#include <stddef.h>

#include <ragd/plugin.h>

#define DOCUMENT_ID_MAX   1024 /* bytes of an id */
#define DOCUMENT_TAG_MAX  256  /* bytes of a tag */
#define DOCUMENT_TAGS_MAX 64   /* tags of one document or query */

/*
 * Each: 0, or -EINVAL with a sentence that says what is allowed. The whole document also: -EFBIG,
 * its content is larger than max_bytes.
 */
int document_validate(const struct ragd_document *doc, size_t max_bytes, struct ragd_err *err);
int document_validate_id(struct ragd_str id, struct ragd_err *err);
int document_validate_tags(const struct ragd_str *tags, size_t n, struct ragd_err *err);

#endif
