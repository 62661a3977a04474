#include "retrieval/passages/document_validate.h"

#include "base/text/utf8.h"

/* The first control character of s, or -1: ids and tags go into logs and terminals. */
static ssize_t control_at(struct ragd_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c < 0x20 || c == 0x7f)
			return (ssize_t)i;
		/* U+0080..U+009F */
		if (c == 0xc2 && i + 1 < s.len && (unsigned char)s.s[i + 1] < 0xa0)
			return (ssize_t)i;
	}
	return -1;
}

static int validate_label(const char *what, struct ragd_str s, size_t max, struct ragd_err *err)
{
	ssize_t at;

	if (s.len == 0)
		return ragd_err_set(err, -EINVAL, "%s may not be empty", what);
	if (s.len > max)
		return ragd_err_set(err, -EINVAL, "%s may have at most %zu bytes; this has %zu",
				    what, max, s.len);
	at = utf8_invalid_at(s.s, s.len);
	if (at >= 0)
		return ragd_err_set(err, -EINVAL, "%s is not UTF-8 at byte %zd", what, at);
	at = control_at(s);
	if (at >= 0)
		return ragd_err_set(err, -EINVAL, "%s has a control character at byte %zd", what,
				    at);
	return 0;
}

int document_validate_id(struct ragd_str id, struct ragd_err *err)
{
	return validate_label("the id of a document", id, DOCUMENT_ID_MAX, err);
}

int document_validate_tags(const struct ragd_str *tags, size_t n, struct ragd_err *err)
{
	int rc = 0;

	if (n > DOCUMENT_TAGS_MAX)
		return ragd_err_set(err, -EINVAL, "at most %d tags are allowed; there are %zu",
				    DOCUMENT_TAGS_MAX, n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = validate_label("a tag", tags[i], DOCUMENT_TAG_MAX, err);
	return rc;
}

static int validate_title(struct ragd_str title, struct ragd_err *err)
{
	ssize_t at = utf8_invalid_at(title.s, title.len);

	if (at >= 0)
		return ragd_err_set(err, -EINVAL, "the title is not UTF-8 at byte %zd", at);
	return 0;
}

int document_validate(const struct ragd_document *doc, size_t max_bytes, struct ragd_err *err)
{
	int rc = document_validate_id(doc->id, err);

	if (rc == 0)
		rc = document_validate_tags(doc->tags, doc->n_tags, err);
	if (rc == 0)
		rc = validate_title(doc->title, err);
	if (rc == 0 && doc->content.len > max_bytes)
		rc = ragd_err_set(err, -EFBIG,
				  "the document has %zu bytes, more than the %zu that "
				  "max_document allows",
				  doc->content.len, max_bytes);
	return rc;
}
