#include "tests/retrieval/stores.h"

/*
 * A store that has learned vectors: many texts about two things, in other words, so that a question
 * finds by vectors what shares no word with it.
 */
static void teach(struct fixture *f, const char *collection, const char *prefix)
{
	char text[600], filler[200], id[32];

	for (unsigned i = 0; i < 240; i++) {
		make_text(filler, sizeof(filler), i * 7919u + 13u, 12);
		snprintf(text, sizeof(text),
			 i % 2 == 0 ? "%s sailor harbour anchor%s vessel mast %s"
				    : "%s oven flour dough%s yeast bread %s",
			 filler, i % 3 == 0 ? " keel crumb" : "", filler + 60);
		snprintf(id, sizeof(id), "%s%03u.txt", prefix, i);
		add(f, collection, id, text);
	}
	if (store_settle(f->store, NULL) < 0)
		fail_msg("settle");
}

static size_t search(struct fixture *f, struct ragd_query *q, const struct ragd_hit **hits)
{
	struct ragd_err err = { 0 };
	size_t n = 0;

	arena_reset(f->call.arena);
	q->size = sizeof(*q);
	if (q->k == 0)
		q->k = 1000;
	if (store_search(f->store, &f->call.call, q, hits, &n, &err) < 0)
		fail_msg("search: %s", err.msg);
	return n;
}

static void vectors_find_what_words_do_not(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .text = RAGD_STR("anchor"), .k = 200 };
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;
	bool by_vector_alone = false;
	size_t n;

	teach(f, "c", "");
	add(f, "c", "new.txt", "vessel mast harbour sailor and no other word");
	store_stats(f->store, &test_admin, &st);
	assert_true(st.dim > 0);
	assert_int_equal(st.n_vectors, st.n_passages);
	n = search(f, &q, &hits);
	for (size_t i = 0; i < n; i++) {
		assert_true(hits[i].lexical >= 0 && hits[i].lexical <= 1);
		assert_true(hits[i].vector >= 0 && hits[i].vector <= 1);
		assert_true(hits[i].passage.score >= 0 && hits[i].passage.score <= 1);
		if (strcmp(hits[i].document, "new.txt") == 0)
			by_vector_alone = hits[i].lexical == 0 && hits[i].vector > 0;
	}
	assert_true(by_vector_alone);
}

/* Every caller, every mode, by words and by vectors. */
static void only_what_may_be_read_is_found(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		uid_t uid;
		gid_t gid;
		bool admin;
		uint32_t mode;
		bool sees;
	} rows[] = {
		{ "owner of 0600", 1000, 1000, false, 0600, true },
		{ "group of 0600", 1001, 1000, false, 0600, false },
		{ "other of 0600", 1002, 1002, false, 0600, false },
		{ "admin of 0600", 0, 0, true, 0600, true },
		{ "group of 0640", 1001, 1000, false, 0640, true },
		{ "other of 0640", 1002, 1002, false, 0640, false },
		{ "other of 0644", 1002, 1002, false, 0644, true },
		{ "group of 0604", 1001, 1000, false, 0604, false },
	};
	const struct ragd_hit *hits;

	teach(f, "c", "");
	add(f, "c", "secret.txt", "The xylophone is hidden.");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_collection c = {
			.name = "c", .owner = (uid_t)-1, .group = (gid_t)-1, .mode = rows[i].mode
		};
		struct ragd_query words = { .text = RAGD_STR("xylophone") };
		struct ragd_query vectors = { .text = RAGD_STR("harbour") };
		const struct ragd_collection *list;
		const struct ragd_document_info *infos;
		struct ragd_str content;
		size_t n;

		print_message("%s\n", rows[i].name);
		as_user(f, 1000, 1000, false);
		assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, NULL), 0);
		as_user(f, rows[i].uid, rows[i].gid, rows[i].admin);
		assert_int_equal(search(f, &words, &hits) > 0, rows[i].sees);
		assert_int_equal(search(f, &vectors, &hits) > 0, rows[i].sees);
		assert_int_equal(store_collections(f->store, &f->call.call, &list, &n, NULL), 0);
		assert_int_equal(n, rows[i].sees);
		assert_int_equal(
			store_list(f->store, &f->call.call, "c", str(""), 10, &infos, &n, NULL),
			rows[i].sees ? 0 : -ENOENT);
		assert_int_equal(store_get(f->store, &f->call.call, "c", str("secret.txt"), NULL,
					   &content, NULL),
				 rows[i].sees ? 0 : -ENOENT);
	}
}

static void only_who_may_write_changes(void **state)
{
	struct fixture *f = *state;
	struct ragd_document doc = { .id = RAGD_STR("b.txt"), .content = RAGD_STR("two") };
	struct ragd_collection c = {
		.name = "c", .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0640
	};
	struct ragd_put_result result;
	struct ragd_err err = { 0 };

	add(f, "c", "a.txt", "one");
	assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, NULL), 0);
	as_user(f, 1001, 1000, false);
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, &err), -EACCES);
	assert_true(err.msg[0] != '\0');
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("a.txt"), &err), -EACCES);
	assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, &err), -EACCES);
	assert_int_equal(store_collection_remove(f->store, &f->call.call, "c", &err), -EACCES);
	as_user(f, 1000, 1000, false);
	c.mode = 0660;
	assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, NULL), 0);
	as_user(f, 1001, 1000, false);
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, &err), 0);
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("a.txt"), &err), 0);
	assert_int_equal(store_collection_remove(f->store, &f->call.call, "c", &err), -EACCES);
	assert_int_equal(count_documents(f), 1);
}

/* Ranks and scores are those of a store that holds nothing but what the caller may read. */
static void hidden_documents_leave_no_trace_in_scores(void **state)
{
	struct fixture *f = *state;
	float alone[3];
	const struct ragd_hit *hits;

	add(f, "mine", "a.txt", "common rare");
	add(f, "mine", "b.txt", "common common other words here");
	add(f, "mine", "c.txt", "common nothing");
	assert_int_equal(find(f, "common rare", &hits), 3);
	for (size_t i = 0; i < 3; i++)
		alone[i] = hits[i].passage.score;
	as_user(f, 2000, 2000, false);
	for (unsigned i = 0; i < 50; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", i);
		add(f, "theirs", id, "rare rare rare and much longer than the others by far");
	}
	as_user(f, 1000, 1000, false);
	assert_int_equal(find(f, "common rare", &hits), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(hits[i].passage.score == alone[i]);
}

static void collections_and_tags_narrow_both_ways(void **state)
{
	struct fixture *f = *state;
	static const char *const only_b[] = { "b" };
	static const char *const none[] = { "no-such" };
	struct ragd_str tags[2] = { RAGD_STR("x"), RAGD_STR("y") };
	struct ragd_query q = { .text = RAGD_STR("harbour anchor") };
	const struct ragd_hit *hits;
	size_t n;

	teach(f, "a", "a");
	add_tagged(f, "b", "b1.txt", "an anchor in the harbour", "x");
	add_tagged(f, "b", "b2.txt", "vessel sailor mast", "x");
	q.collections = only_b;
	q.n_collections = 1;
	n = search(f, &q, &hits);
	assert_int_equal(n, 1);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(hits[i].collection, "b");
	q.collections = none;
	assert_int_equal(search(f, &q, &hits), 0);
	q.n_collections = 0;
	add_tagged(f, "a", "a1.txt", "an anchor in the harbour", "y");
	add_tagged(f, "a", "a2.txt", "vessel sailor mast", "y");
	q.tags = tags;
	q.n_tags = 1;
	n = search(f, &q, &hits);
	assert_int_equal(n, 1); /* by words: there is too little in b to learn from */
	assert_string_equal(hits[0].document, "b1.txt");
	q.tags = tags + 1;
	n = search(f, &q, &hits);
	assert_int_equal(n, 2); /* one of them by vectors alone */
	assert_string_equal(hits[0].document, "a1.txt");
	q.tags = tags;
	q.n_tags = 2;
	assert_int_equal(search(f, &q, &hits), 0);
}

/* What has too little beside it to learn from is not pushed behind what has vectors. */
static void the_best_by_words_wins_without_a_vector(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .text = RAGD_STR("harbour") };
	const struct ragd_hit *hits;

	teach(f, "many", "");
	add(f, "few", "best.txt", "harbour harbour harbour");
	assert_true(search(f, &q, &hits) > 100);
	assert_string_equal(hits[0].document, "best.txt");
	assert_true(hits[0].passage.score > hits[1].passage.score);
	assert_true(hits[0].vector == 0 && hits[1].vector > 0);
}

static void removed_ones_vanish_from_both_ways(void **state)
{
	struct fixture *f = *state;
	struct ragd_query words = { .text = RAGD_STR("harbour") };
	const struct ragd_hit *hits;
	struct ragd_retrieval_stats st;
	size_t n;

	teach(f, "c", "");
	n = search(f, &words, &hits);
	assert_true(n >= 120);
	for (unsigned i = 0; i < 240; i += 2) {
		char id[16];

		snprintf(id, sizeof(id), "%03u.txt", i);
		assert_int_equal(store_remove(f->store, &f->call.call, "c", str(id), NULL), 0);
		n = search(f, &words, &hits);
		for (size_t h = 0; h < n; h++)
			assert_string_not_equal(hits[h].document, id);
	}
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_vectors, st.n_passages);
	assert_int_equal(st.n_passages, 120);
	/* An update has its new vector and not its old. */
	add(f, "c", "001.txt", "sailor vessel mast anchor");
	words.k = 1;
	n = search(f, &words, &hits);
	assert_int_equal(n, 1);
	assert_string_equal(hits[0].document, "001.txt");
}

static void a_removed_collection_is_gone(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .text = RAGD_STR("harbour") };
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };

	teach(f, "c", "");
	assert_int_equal(store_collection_remove(f->store, &f->call.call, "c", &err), 0);
	assert_int_equal(search(f, &q, &hits), 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_collections, 0);
	assert_int_equal(st.n_documents, 0);
	assert_int_equal(st.n_passages, 0);
	assert_int_equal(st.n_vectors, 0);
	assert_int_equal(store_collection_remove(f->store, &f->call.call, "c", &err), -ENOENT);
	add(f, "c", "again.txt", "harbour");
	assert_int_equal(search(f, &q, &hits), 1);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(search(f, &q, &hits), 1);
}

static void collections_are_described(void **state)
{
	struct fixture *f = *state;
	struct ragd_collection want = {
		.name = "team", .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0640
	};
	const struct ragd_collection *list;
	struct ragd_err err = { 0 };
	bool created = false;
	size_t n;

	assert_int_equal(store_collection_put(f->store, &f->call.call, &want, &created, &err), 0);
	assert_true(created);
	assert_int_equal(store_collection_put(f->store, &f->call.call, &want, &created, &err), 0);
	assert_false(created);
	add(f, "team", "a.txt", "12345");
	add(f, "default", "a.txt", "123");
	assert_int_equal(store_collections(f->store, &f->call.call, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, "team");
	assert_int_equal(list[0].owner, 1000);
	assert_int_equal(list[0].group, 1000);
	assert_int_equal(list[0].mode, 0640);
	assert_int_equal(list[0].n_documents, 1);
	assert_int_equal(list[0].n_passages, 1);
	assert_int_equal(list[0].n_bytes, 5);
	assert_true(list[0].updated_s > 1700000000);
	assert_int_equal(list[1].mode, 0600);
	want.name = "Not A Name";
	assert_int_equal(store_collection_put(f->store, &f->call.call, &want, NULL, &err), -EINVAL);
	assert_true(err.msg[0] != '\0');
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(store_collections(f->store, &f->call.call, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].mode, 0640);
	assert_int_equal(list[0].n_bytes, 5);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(vectors_find_what_words_do_not),
		CASE(only_what_may_be_read_is_found),
		CASE(only_who_may_write_changes),
		CASE(hidden_documents_leave_no_trace_in_scores),
		CASE(collections_and_tags_narrow_both_ways),
		CASE(the_best_by_words_wins_without_a_vector),
		CASE(removed_ones_vanish_from_both_ways),
		CASE(a_removed_collection_is_gone),
		CASE(collections_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
