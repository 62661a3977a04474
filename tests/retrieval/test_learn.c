/* Rounds of learning, stopped at every step. */
#include "tests/retrieval/stores.h"

#include "retrieval/index/learn.h"

#define DOCS   150    /* below what the store learns from by itself */
#define ENOUGH 240    /* it does from these */
#define LONG   500000 /* puts: many times what can be done in the time it waits for quiet */

struct patience {
	unsigned left;
	unsigned asked;
};

static bool runs_out(void *arg)
{
	struct patience *p = arg;

	p->asked++;
	if (p->left == 0)
		return true;
	p->left--;
	return false;
}

static void fill_store(struct fixture *f, unsigned n)
{
	char text[300], id[16];

	for (unsigned i = 0; i < n; i++) {
		make_text(text, sizeof(text), i + 1, 30);
		snprintf(id, sizeof(id), "%u", i);
		add(f, "c", id, text);
	}
}

static void check_vectors(struct fixture *f, uint64_t want)
{
	struct ragd_retrieval_stats st;

	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_vectors, want);
	assert_int_equal(st.n_documents, DOCS);
}

static void stopping_anywhere_leaves_what_was(void **state)
{
	struct fixture *f = *state;
	struct patience all = { UINT32_MAX, 0 };
	struct ragd_err err = { 0 };
	unsigned before;

	fill_store(f, DOCS);
	assert_int_equal(learn_collection(f->store, 1, runs_out, &all, &err), 0);
	check_vectors(f, DOCS);
	before = all.asked;
	assert_true(before > 10);
	for (unsigned n = 0; n < before; n += n < 8 || n + 16 > before ? 1 : 13) {
		struct patience some = { n, 0 };
		int rc = learn_collection(f->store, 1, runs_out, &some, &err);

		assert_true(rc == -ECANCELED || rc == 0);
		check_vectors(f, DOCS);
		/* What is added meanwhile has its vector. */
		assert_int_equal(add(f, "c", "0", n % 2 == 0 ? "even words" : "odd words"),
				 RAGD_PUT_UPDATED);
		check_vectors(f, DOCS);
	}
	fixture_close(f);
	fixture_open(f);
	check_vectors(f, DOCS);
	assert_int_equal(f->events[STORE_TROUBLE], 0);
	assert_int_equal(f->events[STORE_VECTORS_REBUILT], 0);
}

static void what_teaches_nothing_leaves_words(void **state)
{
	struct fixture *f = *state;
	struct patience all = { UINT32_MAX, 0 };
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };

	assert_int_equal(learn_collection(f->store, 1, runs_out, &all, &err), -ENOENT);
	assert_true(err.msg[0] != '\0');
	add(f, "c", "a", "a few words");
	assert_int_equal(learn_collection(f->store, 1, runs_out, &all, &err), -ENODATA);
	assert_int_equal(find(f, "words", &hits), 1);
	assert_true(hits[0].vector == 0);
}

/* Replace one document again and again until the store has learned by itself. */
static void write_until_learned(struct fixture *f, const char *collection)
{
	struct ragd_retrieval_stats st = { 0 };

	for (unsigned i = 0; i < LONG && st.n_vectors == 0; i++) {
		arena_reset(f->call.arena);
		add(f, collection, "note", i % 2 == 0 ? "even words" : "odd words");
		store_stats(f->store, &test_admin, &st);
	}
	assert_true(st.n_vectors >= ENOUGH);
}

static void vectors_come_while_others_keep_writing(void **state)
{
	struct fixture *f = *state;

	fill_store(f, ENOUGH);
	as_user(f, 2000, 2000, false);
	write_until_learned(f, "of-another");
}

static void vectors_come_to_a_collection_that_is_never_left_alone(void **state)
{
	struct fixture *f = *state;

	fill_store(f, ENOUGH);
	write_until_learned(f, "c");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(stopping_anywhere_leaves_what_was),
		CASE(what_teaches_nothing_leaves_words),
		CASE(vectors_come_while_others_keep_writing),
		CASE(vectors_come_to_a_collection_that_is_never_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
