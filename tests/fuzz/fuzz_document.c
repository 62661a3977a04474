/*
 * Any bytes as a document of any kind: read, or refused with a sentence; and what the headers
 * promise of blocks, runs and passages holds. The first byte chooses the kind and the size of
 * passages, and whether bytes that are not UTF-8 stay, so that the document is refused, or become
 * question marks.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "tests/fuzz/fuzz.h"
#include "tests/retrieval/read_document.h"

static void check(bool holds, const char *what, const char *type)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", type, what);
	abort();
}

static void make_text(char *s, size_t len)
{
	ssize_t bad;

	for (size_t at = 0; at < len; at += (size_t)bad + 1) {
		bad = utf8_invalid_at(s + at, len - at);
		if (bad < 0)
			break;
		s[at + (size_t)bad] = '?';
	}
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\0')
			s[i] = '?';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "text/html",  "text/markdown",
					     "text/x-rst", "text/plain",
					     "text/troff", "text/x-source",
					     "text/csv",   "" };
	static const uint32_t targets[] = { 0, 64, 200, 4000 };
	struct format_input in = { .id = RAGD_STR("a/document") };
	struct chunk_options options = { 0 };
	struct format_document doc;
	struct ragd_err err = { 0 };
	struct chunk *chunks;
	struct arena *arena;
	const char *broken;
	char *content;
	ssize_t n;
	int rc;

	if (size == 0)
		return 0;
	in.media_type.s = types[data[0] % ARRAY_LEN(types)];
	in.media_type.len = strlen(in.media_type.s);
	options.target_bytes = targets[data[0] / 16 % ARRAY_LEN(targets)];
	content =
		malloc(size - 1 + (size == 1)); /* no byte more, so that one read beyond is seen */
	if (content == NULL)
		return 0;
	memcpy(content, data + 1, size - 1);
	if ((data[0] & 8) == 0)
		make_text(content, size - 1);
	in.content = (struct ragd_str){ content, size - 1 };
	arena = arena_new(FORMAT_ARENA_BYTES(size) + CHUNK_ARENA_BYTES(size));
	rc = format_read(arena, &in, &doc, &err);
	if (rc < 0) {
		check(err.msg[0] != '\0', "refused without a sentence", in.media_type.s);
		check(rc != -ENOMEM, err.msg, in.media_type.s);
		goto out;
	}
	broken = document_broken(&doc, in.content);
	check(broken == NULL, broken, in.media_type.s);
	n = chunk_document(arena, &doc, &options, &chunks, &err);
	check(n >= 0, err.msg, in.media_type.s);
	broken = chunks_broken(&doc, chunks, (size_t)n,
			       options.target_bytes > 0 ? 2 * options.target_bytes : 2000);
	check(broken == NULL, broken, in.media_type.s);
out:
	arena_free(arena);
	free(content);
	return 0;
}
