/*
 * Documents to measure with: the Markdown and text of ../shared/retrieval, cut into documents of
 * some kilobytes and given again with other words until there is enough.
 */
#ifndef TESTS_BENCH_CORPUS_H
#define TESTS_BENCH_CORPUS_H

#include <stddef.h>

#include <ragd/plugin.h>

struct corpus_doc {
	struct ragd_str id;
	struct ragd_str title;
	struct ragd_str text;
};

struct corpus {
	struct corpus_doc *docs;
	size_t n;
	size_t bytes; /* of texts */
};

/* At least `bytes` of text; -ENOENT if the sources are not there. */
int corpus_load(struct corpus *c, size_t bytes);
void corpus_fini(struct corpus *c);

#endif
