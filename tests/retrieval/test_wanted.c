/*
 * Calls that nobody waits for any more, stopped at every question they ask; and that the work of a
 * call grows with its input and no faster. Work is counted in such questions: there is one in at
 * most WANTED_BYTES of it.
 */
#include "tests/retrieval/stores.h"

#include "base/clock.h"
#include "retrieval/wanted.h"

struct asked {
	struct test_call call; /* first: calls are cast */
	unsigned n;
	unsigned patience; /* questions until nobody waits; 0: for ever */
};

static bool ask(const struct ragd_call *call)
{
	struct asked *a = (struct asked *)call;

	a->n++; /* the writer's thread asks, too, but not while a put's own does */
	return a->patience != 0 && a->n >= a->patience;
}

static void asked_init(struct asked *a)
{
	memset(a, 0, sizeof(*a));
	test_call_init(&a->call);
	a->call.call.cancelled = ask;
}

/* Prose with paragraphs and headings, or what is written between them, of `len` bytes. */
static char *make_document(const char *unit, size_t len)
{
	char *s = malloc(len + 1);
	size_t n = strlen(unit);

	for (size_t i = 0; s != NULL && i < len; i++)
		s[i] = unit[i % n];
	if (s != NULL)
		s[len] = '\0';
	return s;
}

static int put(struct fixture *f, struct asked *a, const char *id, const char *type,
	       const char *text, size_t len)
{
	struct ragd_document doc = { .id = str(id),
				     .media_type = str(type),
				     .content = { text, len } };
	struct ragd_put_result result = { .status = RAGD_PUT_FAILED };
	struct ragd_err err = { 0 };
	int rc = store_put(f->store, &a->call.call, "c", &doc, 1, &result, &err);

	return rc == 0 && result.status == RAGD_PUT_FAILED ? result.err.code : rc;
}

static const struct {
	const char *name, *type, *unit;
} kinds[] = {
	{ "paragraphs", "text/plain", "Some words make a sentence. And one more.\n\n" },
	{ "one line", "text/plain", "word " },
	{ "one word", "text/plain", "x" },
	{ "Markdown", "text/markdown", "# A head\n\nA *text* with `code`.\n\n- an item\n\n" },
	{ "one paragraph of Markdown", "text/markdown", "words, more words. " },
	{ "reStructuredText", "text/x-rst", "Head\n====\n\nA text::\n\n  code\n\n" },
	{ "HTML", "text/html", "<h1>A head</h1><p>A text &amp; more</p>" },
	{ "references", "text/html", "&amp;" },
	{ "a manual page", "text/troff", ".SH NAME\ntext \\- more\n.PP\nwords\n" },
	{ "escapes", "text/troff", "\\(bu" },
	{ "arguments", "text/troff", ".B one two three four five six\n" },
	{ "source", "text/x-csrc", "int f(void)\n{\n\treturn 1;\n}\n\n" },
	{ "rows", "text/csv", "a,b,c,1,2,3\n" },
};

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static void the_work_of_a_put_grows_with_the_document(void **state)
{
	static const size_t lengths[] = { 64 * KIB, 1 * MIB, 4 * MIB };
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		double first = 0;

		for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
			char *text = make_document(kinds[k].unit, lengths[i]);
			double per_mib;
			struct asked a;

			assert_non_null(text);
			asked_init(&a);
			assert_int_equal(put(f, &a, "d", kinds[k].type, text, lengths[i]), 0);
			free(text);
			test_call_fini(&a.call);
			per_mib = (double)a.n * MIB / (double)lengths[i];
			print_message("%s, %zu KiB: asked %u times\n", kinds[k].name,
				      lengths[i] / KIB, a.n);
			/* Read, cut, made into terms, stored: each asks once in WANTED_BYTES. */
			assert_true(a.n >= lengths[i] / WANTED_BYTES);
			if (i == 0)
				first = per_mib;
			assert_true(per_mib <= 1.5 * first);
		}
	}
}

static void a_put_ends_at_any_question(void **state)
{
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		char *text = make_document(kinds[k].unit, 256 * KIB);
		struct asked all;

		assert_non_null(text);
		asked_init(&all);
		assert_int_equal(put(f, &all, "d", kinds[k].type, text, 256 * KIB), 0);
		assert_int_equal(store_remove(f->store, &all.call.call, "c", str("d"), NULL), 0);
		for (unsigned at = 1; at <= all.n; at += at < 8 ? 1 : 7) {
			struct asked some;
			int rc;

			asked_init(&some);
			some.patience = at;
			rc = put(f, &some, "d", kinds[k].type, text, 256 * KIB);
			/* Where the writer's thread was late for it, `all` asked more often. */
			assert_int_equal(rc, some.n < at ? 0 : -ECANCELED);
			if (rc == 0)
				store_remove(f->store, &f->call.call, "c", str("d"), NULL);
			/* The writer asks for itself. */
			assert_true(some.n <= at + 2);
			assert_int_equal(count_documents(f), 0);
			test_call_fini(&some.call);
		}
		test_call_fini(&all.call);
		free(text);
	}
}

static void a_deadline_ends_calls(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("words"), .k = 10 };
	const struct ragd_document_info *infos;
	const struct ragd_hit *hits;
	struct asked a;
	size_t n;

	asked_init(&a);
	assert_int_equal(put(f, &a, "d", "text/plain", "some words", 10), 0);
	a.call.call.deadline_ms = clock_ms() - 1;
	assert_int_equal(put(f, &a, "e", "text/plain", "some words", 10), -ETIMEDOUT);
	assert_int_equal(store_search(f->store, &a.call.call, &q, &hits, &n, NULL), -ETIMEDOUT);
	assert_int_equal(store_list(f->store, &a.call.call, "c", str(""), 10, &infos, &n, NULL),
			 -ETIMEDOUT);
	test_call_fini(&a.call);
}

/* Of a long question the beginning is asked: what stands behind costs nothing. */
static void a_search_does_not_grow_with_its_question(void **state)
{
	static const size_t lengths[] = { 64 * KIB, 1 * MIB, 4 * MIB };
	struct fixture *f = *state;
	char words[4096];
	uint64_t read[ARRAY_LEN(lengths)];
	unsigned asked[ARRAY_LEN(lengths)];

	for (unsigned i = 0; i < 50; i++) {
		char id[16];

		make_text(words, sizeof(words), i, 100);
		snprintf(id, sizeof(id), "%u", i);
		add(f, "c", id, words);
	}
	make_text(words, sizeof(words), 7, 400);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char *text = make_document(words, lengths[i]);
		struct ragd_query q = { .size = sizeof(q), .text = { text, lengths[i] }, .k = 10 };
		uint64_t before = store_looked_at(f->store);
		const struct ragd_hit *hits;
		struct asked a;
		size_t n;

		assert_non_null(text);
		asked_init(&a);
		assert_int_equal(store_search(f->store, &a.call.call, &q, &hits, &n, NULL), 0);
		assert_int_equal(n, 10);
		read[i] = store_looked_at(f->store) - before;
		asked[i] = a.n;
		test_call_fini(&a.call);
		free(text);
	}
	for (size_t i = 1; i < ARRAY_LEN(lengths); i++) {
		assert_int_equal(read[i], read[0]);
		assert_int_equal(asked[i], asked[0]);
	}
}

static void a_search_ends_at_any_question(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("one two three"), .k = 10 };
	const struct ragd_hit *hits;
	struct asked all;
	size_t n;

	add(f, "c", "a", "one two three");
	add(f, "d", "b", "three four");
	asked_init(&all);
	assert_int_equal(store_search(f->store, &all.call.call, &q, &hits, &n, NULL), 0);
	assert_int_equal(n, 2);
	for (unsigned at = 1; at <= all.n; at++) {
		struct asked some;

		asked_init(&some);
		some.patience = at;
		assert_int_equal(store_search(f->store, &some.call.call, &q, &hits, &n, NULL),
				 -ECANCELED);
		assert_int_equal(some.n, at);
		test_call_fini(&some.call);
	}
	test_call_fini(&all.call);
}

static void a_search_asks_among_the_documents_of_one_tag(void **state)
{
	enum { N = 8192 };
	struct fixture *f = *state;
	struct ragd_str tags[1] = { RAGD_STR("x") };
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("none"), .k = 10 };
	struct ragd_document *docs = calloc(N, sizeof(*docs));
	struct ragd_put_result *results = calloc(N, sizeof(*results));
	const struct ragd_hit *hits;
	struct asked plain, tagged;
	static char ids[N][8];
	size_t n;

	assert_true(docs != NULL && results != NULL);
	for (size_t i = 0; i < N; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%zu", i);
		docs[i] = (struct ragd_document){
			.id = str(ids[i]), .content = RAGD_STR("some"), .tags = tags, .n_tags = 1
		};
	}
	asked_init(&plain);
	asked_init(&tagged);
	assert_int_equal(store_put(f->store, &f->call.call, "c", docs, N, results, NULL), 0);
	assert_int_equal(store_search(f->store, &plain.call.call, &q, &hits, &n, NULL), 0);
	q.tags = tags;
	q.n_tags = 1;
	assert_int_equal(store_search(f->store, &tagged.call.call, &q, &hits, &n, NULL), 0);
	/* Once before it reads the tag, then once in a thousand. */
	assert_true(tagged.n >= plain.n + 1 + N / 1024);
	test_call_fini(&plain.call);
	test_call_fini(&tagged.call);
	free(docs);
	free(results);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_work_of_a_put_grows_with_the_document),
		CASE(a_put_ends_at_any_question),
		CASE(a_deadline_ends_calls),
		CASE(a_search_does_not_grow_with_its_question),
		CASE(a_search_ends_at_any_question),
		CASE(a_search_asks_among_the_documents_of_one_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
