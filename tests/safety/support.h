/*
 * What the tests of the filter share: a call with memory, a filter from rules written in the test.
 */
#ifndef TESTS_SAFETY_SUPPORT_H
#define TESTS_SAFETY_SUPPORT_H

#include <ragd/plugin.h>

#include "base/arena.h"
#include "base/buf.h"
#include "safety/stream/filter.h"

struct test_call {
	struct ragd_call call;
	struct arena *arena;
};

void test_call_init(struct test_call *c);
void test_call_fini(struct test_call *c);

/*
 * A filter that finds everything at every stage, with the rules given as text (may be NULL); fails
 * the test when it cannot.
 */
struct filter *test_filter(const char *rules);
/* The same with this configuration; *cfg's rules are set from the text. */
struct filter *test_filter_cfg(struct filter_config *cfg, const char *rules);

/* The installed rules with this configuration; NULL, after saying why, where they do not open. */
struct filter *test_packs(const struct filter_config *cfg);

/* A fresh directory, a file in it, and their end. */
char *test_dir(void);
void test_file(const char *dir, const char *name, const char *text);
void test_dir_remove(char *dir);

/* All that a stream lets out, and what it found. */
struct streamed {
	struct buf text;
	enum ragd_action action;
	size_t n_findings;
	char findings[4096]; /* "category@start-end " */
	size_t most_held;
};

/* What the answers of the streams below rest on; nothing at first. */
extern struct ragd_screen test_evidence;

/* Feed text in pieces whose ends are given (ascending; the last piece follows by itself). */
void test_stream(const struct filter *f, enum ragd_stage stage, struct ragd_str text,
		 const size_t *cuts, size_t n_cuts, struct streamed *out);
/* One byte at a time. */
void test_stream_bytes(const struct filter *f, enum ragd_stage stage, struct ragd_str text,
		       struct streamed *out);
/* Fails unless the text gives the same in one piece, cut in two at every byte, and byte by byte. */
void test_every_cut(const struct filter *f, enum ragd_stage stage, struct ragd_str text);

/* Fails if the filter holds more of an answer than it says, of each text over and over. */
void test_runs_held(const struct filter *f, const char *const *texts, size_t n);

#endif
