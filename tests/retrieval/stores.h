/* A store in a fresh directory, and short ways to use it. */
#ifndef TESTS_RETRIEVAL_STORES_H
#define TESTS_RETRIEVAL_STORES_H

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/store/store.h"
#include "tests/retrieval/calls.h"
#include "tests/test.h"

struct fixture {
	char dir[64];
	struct store_options options;
	struct store *store;
	struct test_call call; /* of the user 1000 */
	unsigned events[STORE_TROUBLE + 1];
	char last_event[240];
};

static inline void fixture_event(void *arg, enum store_event event, const char *detail)
{
	struct fixture *f = arg;

	f->events[event]++;
	snprintf(f->last_event, sizeof(f->last_event), "%s", detail);
}

static inline void fixture_open(struct fixture *f)
{
	struct ragd_err err = { 0 };

	if (store_open(&f->options, &f->store, &err) < 0)
		fail_msg("open: %s", err.msg);
}

static inline void fixture_close(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/ragd-store.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->options.dir = f->dir;
	f->options.weight_vector = -1;
	f->options.event = fixture_event;
	f->options.event_arg = f;
	test_call_init(&f->call);
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	test_call_fini(&f->call);
	test_remove_dir(f->dir);
	free(f);
	return 0;
}

static inline void as_user(struct fixture *f, uid_t uid, gid_t gid, bool admin)
{
	f->call.caller.uid = uid;
	f->call.caller.gid = gid;
	f->call.caller.admin = admin;
}

static inline struct ragd_str str(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

/* Add one text document with at most one tag; its status, which must not be FAILED. */
static inline enum ragd_put_status add_tagged(struct fixture *f, const char *collection,
					      const char *id, const char *text, const char *tag)
{
	struct ragd_str tags[1] = { tag != NULL ? str(tag) : str("") };
	struct ragd_document doc = { .id = str(id),
				     .media_type = str("text/plain"),
				     .content = str(text),
				     .tags = tags,
				     .n_tags = tag != NULL };
	struct ragd_put_result result;
	struct ragd_err err = { 0 };
	int rc = store_put(f->store, &f->call.call, collection, &doc, 1, &result, &err);

	if (rc < 0)
		fail_msg("put: %s", err.msg);
	if (result.status == RAGD_PUT_FAILED)
		fail_msg("put '%s': %s", id, result.err.msg);
	return result.status;
}

static inline enum ragd_put_status add(struct fixture *f, const char *collection, const char *id,
				       const char *text)
{
	return add_tagged(f, collection, id, text, NULL);
}

/* Search everything; the hits live until the next search. */
static inline size_t find(struct fixture *f, const char *text, const struct ragd_hit **hits)
{
	struct ragd_query q = { .size = sizeof(q), .text = str(text), .k = 10 };
	struct ragd_err err = { 0 };
	size_t n = 0;

	arena_reset(f->call.arena);
	if (store_search(f->store, &f->call.call, &q, hits, &n, &err) < 0)
		fail_msg("search: %s", err.msg);
	return n;
}

/* The id of the best hit, or "". */
static inline const char *best(struct fixture *f, const char *text)
{
	const struct ragd_hit *hits;

	return find(f, text, &hits) > 0 ? hits[0].document : "";
}

static inline uint64_t count_documents(struct fixture *f)
{
	struct ragd_retrieval_stats st;

	store_stats(f->store, &test_admin, &st);
	return st.n_documents;
}

/* Words that make a text of its own for each number. */
static inline void make_text(char *out, size_t size, unsigned seed, unsigned n_words)
{
	static const char *const syllables[] = { "ba", "ko", "ri", "tu", "me", "sa", "lo", "pi",
						 "na", "du", "ve", "go", "fi", "ze", "mu", "ka" };
	size_t at = 0;

	for (unsigned i = 0; i < n_words && at + 16 < size; i++) {
		seed = seed * 1664525u + 1013904223u;
		at += (size_t)snprintf(out + at, size - at, "%s%s%s%s", i > 0 ? " " : "",
				       syllables[seed >> 28], syllables[seed >> 24 & 15],
				       (seed >> 20 & 3) == 0 ? syllables[seed >> 16 & 15] : "");
	}
}

#endif
