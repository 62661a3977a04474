/* Many threads on one store. Build with --enable-tsan to have races told. */
#include "tests/retrieval/stores.h"

#include <pthread.h>
#include <stdatomic.h>

#define WRITERS 3
#define PUTS    60

struct shared {
	struct store *store;
	atomic_bool stop;
	atomic_uint failures; /* assertions of threads are looked at by the main one */
	atomic_uint searches;
	atomic_uint removed; /* the highest document of writer 0 that is gone */
};

struct worker {
	pthread_t thread;
	struct shared *shared;
	unsigned n;
};

static bool has_hit(struct shared *sh, struct test_call *call, const char *text, const char *id)
{
	struct ragd_query q = { .size = sizeof(q), .text = str(text), .k = 1000 };
	const struct ragd_hit *hits;
	bool found = false;
	size_t n = 0;

	arena_reset(call->arena);
	if (store_search(sh->store, &call->call, &q, &hits, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		found = found || strcmp(hits[i].document, id) == 0;
	return found;
}

static bool put(struct shared *sh, struct test_call *call, const char *id, const char *text)
{
	struct ragd_document doc = { .id = str(id),
				     .media_type = str("text/plain"),
				     .content = str(text) };
	struct ragd_put_result result = { .status = RAGD_PUT_FAILED };

	arena_reset(call->arena);
	return store_put(sh->store, &call->call, "c", &doc, 1, &result, NULL) == 0 &&
	       result.status != RAGD_PUT_FAILED;
}

/* Each document it put is found by its next search. */
static void *writer_main(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->shared;
	struct test_call call;
	char id[32], filler[200], text[300], word[32];

	test_call_init(&call);
	for (unsigned i = 0; i < PUTS; i++) {
		snprintf(id, sizeof(id), "w%u-%u", w->n, i);
		snprintf(word, sizeof(word), "unique%ux%u", w->n, i);
		make_text(filler, sizeof(filler), i, 15);
		snprintf(text, sizeof(text), "%s %s", filler, word);
		if (!put(sh, &call, id, text) || !has_hit(sh, &call, word, id))
			sh->failures++;
		if (i % 10 == 9 && (store_remove(sh->store, &call.call, "c", str(id), NULL) < 0 ||
				    has_hit(sh, &call, word, id)))
			sh->failures++;
	}
	test_call_fini(&call);
	return NULL;
}

/* One document is replaced again and again; whoever looks finds it at every moment. */
static void *replacer_main(void *arg)
{
	struct worker *w = arg;
	struct test_call call;
	char text[64];

	test_call_init(&call);
	for (unsigned i = 0; i < PUTS; i++) {
		snprintf(text, sizeof(text), "constantword version %u", i);
		if (!put(w->shared, &call, "replaced", text))
			w->shared->failures++;
	}
	test_call_fini(&call);
	return NULL;
}

static void *searcher_main(void *arg)
{
	struct worker *w = arg;
	struct test_call call;

	test_call_init(&call);
	do {
		if (!has_hit(w->shared, &call, "constantword", "replaced"))
			w->shared->failures++;
		w->shared->searches++;
	} while (!w->shared->stop);
	test_call_fini(&call);
	return NULL;
}

static void *settler_main(void *arg)
{
	struct worker *w = arg;
	struct ragd_retrieval_stats st;

	do { /* once at least, however late this thread comes to its turn */
		if (store_settle(w->shared->store, NULL) < 0)
			w->shared->failures++;
		store_stats(w->shared->store, &test_admin, &st);
		if (st.n_vectors > st.n_passages)
			w->shared->failures++;
	} while (!w->shared->stop);
	return NULL;
}

static void start(struct worker *w, struct shared *sh, unsigned n, void *(*run)(void *))
{
	w->shared = sh;
	w->n = n;
	assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
}

static void threads_see_one_store(void **state)
{
	struct fixture *f = *state;
	struct shared sh = { .store = f->store };
	struct worker writers[WRITERS], replacer, searchers[2], settler;
	struct ragd_retrieval_stats st;
	char text[300], id[16];

	for (unsigned i = 0; i < 220; i++) { /* enough to learn from */
		make_text(text, sizeof(text), 1000 + i, 20);
		snprintf(id, sizeof(id), "%u", i);
		add(f, "c", id, text);
	}
	add(f, "c", "replaced", "constantword");
	for (unsigned i = 0; i < WRITERS; i++)
		start(&writers[i], &sh, i, writer_main);
	start(&replacer, &sh, 0, replacer_main);
	for (unsigned i = 0; i < 2; i++)
		start(&searchers[i], &sh, i, searcher_main);
	start(&settler, &sh, 0, settler_main);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	pthread_join(replacer.thread, NULL);
	sh.stop = true;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(searchers[i].thread, NULL);
	pthread_join(settler.thread, NULL);
	assert_int_equal(sh.failures, 0);
	assert_true(sh.searches > 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, 220 + 1 + WRITERS * (PUTS - PUTS / 10));
	assert_int_equal(st.n_vectors, st.n_passages);
	assert_true(f->events[STORE_LEARNED] > 0);
	fixture_close(f);
	fixture_open(f);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, 220 + 1 + WRITERS * (PUTS - PUTS / 10));
	assert_int_equal(st.n_vectors, st.n_passages);
}

/* Closing while it learns: what was half done is dropped, nothing is lost. */
static void closing_does_not_wait_for_learning(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;
	char text[400], id[16];

	for (unsigned i = 0; i < 400; i++) {
		make_text(text, sizeof(text), i, 40);
		snprintf(id, sizeof(id), "%u", i);
		add(f, "c", id, text);
	}
	fixture_close(f); /* it was nudged by every put */
	fixture_open(f);
	assert_int_equal(store_settle(f->store, NULL), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, 400);
	assert_int_equal(st.n_vectors, st.n_passages);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(threads_see_one_store),
		CASE(closing_does_not_wait_for_learning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
