/* Two users of one store: nothing tells the one what the other has. */
#include "tests/retrieval/stores.h"

#define ANNA 1000 /* whose documents are nobody else's */
#define BEN  2000

static void as_anna(struct fixture *f)
{
	as_user(f, ANNA, ANNA, false);
}

static void as_ben(struct fixture *f)
{
	as_user(f, BEN, BEN, false);
}

/* Enough passages to learn from; every third has `word` in it. */
static void teach(struct fixture *f, const char *collection, unsigned seed, const char *word)
{
	char text[400], filler[200], id[16];

	for (unsigned i = 0; i < 240; i++) {
		make_text(filler, sizeof(filler), (seed + i) * 7919u + 13u, 12);
		snprintf(text, sizeof(text), "%s harbour anchor %s", filler,
			 i % 3 == 0 ? word : "bread");
		snprintf(id, sizeof(id), "%03u.txt", i);
		add_tagged(f, collection, id, text, "x");
	}
	if (store_settle(f->store, NULL) < 0)
		fail_msg("settle");
}

static int embed(struct fixture *f, const char *text, struct ragd_embeddings *v)
{
	struct ragd_str texts[1] = { str(text) };
	const struct ragd_embed req = { .size = sizeof(req), .texts = texts, .n = 1 };

	arena_reset(f->call.arena);
	*v = (struct ragd_embeddings){ .size = sizeof(*v) };
	return store_embed(f->store, &f->call.call, &req, v, NULL);
}

static float length_of(struct fixture *f, const char *text)
{
	struct ragd_embeddings v;
	float sum = 0;

	assert_int_equal(embed(f, text, &v), 0);
	for (uint32_t i = 0; i < v.dim; i++)
		sum += v.values[i] * v.values[i];
	return sum;
}

static void an_embedder_knows_what_its_caller_may_read(void **state)
{
	struct fixture *f = *state;
	struct ragd_embeddings v;
	float before[512];
	uint32_t dim_before;

	as_anna(f);
	teach(f, "anna", 1, "zanzibar");
	assert_true(length_of(f, "zanzibar") > 0.5f);
	as_ben(f);
	assert_int_equal(embed(f, "zanzibar", &v), -EAGAIN);
	teach(f, "ben", 5000, "quixotic");
	assert_true(length_of(f, "quixotic") > 0.5f);
	assert_int_equal(embed(f, "zanzibar", &v), -EINVAL); /* a word that is nowhere in his */
	/* Nor does what others add later move his vectors by a bit. */
	assert_int_equal(embed(f, "harbour quixotic", &v), 0);
	dim_before = v.dim;
	memcpy(before, v.values, v.dim * sizeof(*v.values));
	as_anna(f);
	teach(f, "more", 9000, "quixotic");
	as_ben(f);
	assert_int_equal(embed(f, "harbour quixotic", &v), 0);
	assert_int_equal(v.dim, dim_before);
	assert_memory_equal(before, v.values, v.dim * sizeof(*v.values));
}

/* Hits by id and score, and what was read for them. */
struct outcome {
	char text[16384];
	uint64_t looked_at;
};

static void ask(struct fixture *f, const char *question, bool tagged, struct outcome *out)
{
	struct ragd_str tags[1] = { RAGD_STR("x") };
	struct ragd_query q = {
		.size = sizeof(q), .text = str(question), .k = 100, .tags = tags, .n_tags = tagged
	};
	uint64_t before = store_looked_at(f->store);
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };
	size_t n = 0, at = 0;

	arena_reset(f->call.arena);
	if (store_search(f->store, &f->call.call, &q, &hits, &n, &err) < 0)
		fail_msg("search: %s", err.msg);
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out->text + at, sizeof(out->text) - at, "%s %a %a %a\n",
				       hits[i].document, (double)hits[i].passage.score,
				       (double)hits[i].lexical, (double)hits[i].vector);
	out->text[at] = '\0';
	out->looked_at = store_looked_at(f->store) - before;
}

static void a_search_neither_reads_nor_weighs_what_others_have(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *question;
		bool tagged;
	} rows[] = {
		{ "zanzibar", false },        { "harbour quixotic", false }, { "bread", false },
		{ "harbour quixotic", true }, { "no-such-word", false },
	};
	static struct outcome before[ARRAY_LEN(rows)], after;

	as_ben(f);
	teach(f, "ben", 5000, "quixotic");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ask(f, rows[i].question, rows[i].tagged, &before[i]);
	assert_true(before[0].text[0] == '\0' && before[0].looked_at == 0);
	assert_true(before[1].text[0] != '\0' && before[1].looked_at > 240);
	as_anna(f);
	teach(f, "anna", 1, "zanzibar");
	teach(f, "more", 9000, "quixotic");
	as_ben(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s%s\n", rows[i].question, rows[i].tagged ? ", tagged" : "");
		ask(f, rows[i].question, rows[i].tagged, &after);
		assert_string_equal(after.text, before[i].text);
		assert_int_equal(after.looked_at, before[i].looked_at);
	}
}

static void counts_are_of_what_the_caller_may_read(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;

	as_anna(f);
	teach(f, "anna", 1, "zanzibar");
	as_ben(f);
	store_stats(f->store, &f->call.caller, &st);
	assert_memory_equal(&st, &(struct ragd_retrieval_stats){ 0 }, sizeof(st));
	add(f, "ben", "a.txt", "one");
	store_stats(f->store, &f->call.caller, &st);
	assert_int_equal(st.n_collections, 1);
	assert_int_equal(st.n_documents, 1);
	assert_int_equal(st.n_passages, 1);
	assert_int_equal(st.n_vectors, 0);
	assert_int_equal(st.dim, 0);
	assert_int_equal(st.n_bytes, 0);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_documents, 241);
	assert_true(st.n_bytes > 0);
}

/* What each operation says of a collection; the name is taken out, so that two can be compared. */
static void say(struct fixture *f, const char *what, const char *collection, int rc,
		const struct ragd_err *err, char *out, size_t size)
{
	size_t at = strlen(out), len = strlen(collection);
	const char *name = strstr(err->msg, collection);

	(void)f;
	if (rc == 0 || name == NULL)
		snprintf(out + at, size - at, "%s %d %s\n", what, rc, rc < 0 ? err->msg : "");
	else
		snprintf(out + at, size - at, "%s %d %.*sNAME%s\n", what, rc,
			 (int)(name - err->msg), err->msg, name + len);
}

static void try_all(struct fixture *f, const char *collection, char *out, size_t size)
{
	const struct ragd_document_info *infos;
	struct ragd_document_info info;
	struct ragd_str content;
	struct ragd_err err;
	size_t n;

	out[0] = '\0';
#define SAY(what, call) say(f, what, collection, call, &err, out, size)
	SAY("list", store_list(f->store, &f->call.call, collection, str(""), 9, &infos, &n, &err));
	SAY("get",
	    store_get(f->store, &f->call.call, collection, str("000.txt"), &info, &content, &err));
	SAY("get another",
	    store_get(f->store, &f->call.call, collection, str("none"), &info, &content, &err));
	SAY("remove", store_remove(f->store, &f->call.call, collection, str("000.txt"), &err));
	SAY("remove another", store_remove(f->store, &f->call.call, collection, str("none"), &err));
	SAY("remove all", store_collection_remove(f->store, &f->call.call, collection, &err));
#undef SAY
}

static void a_foreign_collection_is_as_none(void **state)
{
	struct fixture *f = *state;
	char foreign[4096], none[4096];

	as_anna(f);
	add(f, "anna", "000.txt", "one");
	as_ben(f);
	try_all(f, "anna", foreign, sizeof(foreign));
	try_all(f, "none", none, sizeof(none));
	assert_string_equal(foreign, none);
	as_anna(f);
	assert_int_equal(count_documents(f), 1);
}

/* That cannot be kept secret where names are shared; what is in it, and whose it is, can. */
static void a_foreign_name_is_only_told_to_be_taken(void **state)
{
	struct fixture *f = *state;
	struct ragd_document doc = { .id = RAGD_STR("000.txt"), .content = RAGD_STR("one") };
	struct ragd_collection c = {
		.name = "anna", .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600
	};
	struct ragd_err put = { 0 }, make = { 0 };
	struct ragd_put_result result;

	as_anna(f);
	add(f, "anna", "000.txt", "one");
	as_ben(f);
	assert_int_equal(store_put(f->store, &f->call.call, "anna", &doc, 1, &result, &put),
			 -EACCES);
	assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, &make), -EACCES);
	assert_string_equal(put.msg, make.msg);
	assert_non_null(strstr(put.msg, "is taken"));
}

static void who_may_only_write_is_not_told_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct ragd_collection c = {
		.name = "box", .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0602
	};
	const struct ragd_document_info *infos;
	size_t n;

	as_anna(f);
	assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, NULL), 0);
	add(f, "box", "there.txt", "the same text");
	as_ben(f);
	assert_int_equal(add(f, "box", "there.txt", "the same text"), RAGD_PUT_UPDATED);
	assert_int_equal(add(f, "box", "there.txt", "another text"), RAGD_PUT_UPDATED);
	assert_int_equal(add(f, "box", "new.txt", "a text"), RAGD_PUT_UPDATED);
	assert_int_equal(store_remove(f->store, &f->call.call, "box", str("new.txt"), NULL), 0);
	assert_int_equal(store_remove(f->store, &f->call.call, "box", str("none.txt"), NULL), 0);
	assert_int_equal(store_list(f->store, &f->call.call, "box", str(""), 9, &infos, &n, NULL),
			 -EACCES);
	as_anna(f);
	assert_int_equal(add(f, "box", "there.txt", "another text"), RAGD_PUT_UNCHANGED);
	assert_int_equal(count_documents(f), 1);
}

/* Each collection that all may read is one more place for their searches to look. */
static void a_user_owns_so_many_collections_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct ragd_document doc = { .id = RAGD_STR("a.txt"), .content = RAGD_STR("one") };
	struct ragd_collection c = { .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0666 };
	struct ragd_put_result result;
	struct ragd_err err = { 0 };
	char name[16];

	c.name = name;
	as_ben(f);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, NULL), 0);
	}
	c.name = "more";
	assert_int_equal(store_collection_put(f->store, &f->call.call, &c, NULL, &err), -EACCES);
	assert_non_null(strstr(err.msg, "remove one"));
	assert_int_equal(store_put(f->store, &f->call.call, "more", &doc, 1, &result, &err),
			 -EACCES);
	as_anna(f);
	add(f, "anna", "a.txt", "one");
	as_ben(f);
	assert_int_equal(store_collection_remove(f->store, &f->call.call, "c0", NULL), 0);
	add(f, "more", "a.txt", "one");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(an_embedder_knows_what_its_caller_may_read),
		CASE(a_search_neither_reads_nor_weighs_what_others_have),
		CASE(counts_are_of_what_the_caller_may_read),
		CASE(a_foreign_collection_is_as_none),
		CASE(a_foreign_name_is_only_told_to_be_taken),
		CASE(who_may_only_write_is_not_told_what_is_there),
		CASE(a_user_owns_so_many_collections_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
