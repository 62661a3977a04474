#include "tests/retrieval/stores.h"

#include "base/clock.h"

static void what_was_put_is_found_at_once(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;

	assert_int_equal(find(f, "anything", &hits), 0);
	assert_int_equal(add(f, "default", "a.txt", "The thread pool has four threads."),
			 RAGD_PUT_ADDED);
	assert_int_equal(add(f, "default", "b.txt", "Pipes carry bytes between processes."),
			 RAGD_PUT_ADDED);
	assert_int_equal(find(f, "how many threads?", &hits), 1);
	assert_string_equal(hits[0].document, "a.txt");
	assert_string_equal(hits[0].collection, "default");
	assert_memory_equal(hits[0].passage.text.s, "The thread pool has four threads.", 33);
	assert_int_equal(hits[0].start, 0);
	assert_int_equal(hits[0].end, 33);
	assert_null(hits[0].runs);
	assert_true(hits[0].lexical > 0 && hits[0].lexical <= 1);
	assert_true(hits[0].vector >= 0 && hits[0].vector <= 1);
}

static void unchanged_documents_are_left_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "c", "a.txt", "first text"), RAGD_PUT_ADDED);
	assert_int_equal(add(f, "c", "a.txt", "first text"), RAGD_PUT_UNCHANGED);
	assert_int_equal(add_tagged(f, "c", "a.txt", "first text", "t"), RAGD_PUT_UPDATED);
	assert_int_equal(add_tagged(f, "c", "a.txt", "first text", "t"), RAGD_PUT_UNCHANGED);
	assert_int_equal(add_tagged(f, "c", "a.txt", "second text", "t"), RAGD_PUT_UPDATED);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(add_tagged(f, "c", "a.txt", "second text", "t"), RAGD_PUT_UNCHANGED);
	assert_int_equal(count_documents(f), 1);
}

static void a_title_makes_a_difference(void **state)
{
	struct fixture *f = *state;
	struct ragd_document doc = { .id = RAGD_STR("x.txt"),
				     .title = RAGD_STR("Zebra crossings"),
				     .content = RAGD_STR("Plain words of no matter.") };
	struct ragd_put_result result;
	const struct ragd_hit *hits;

	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_ADDED);
	assert_int_equal(find(f, "zebra", &hits), 1);
	assert_memory_equal(hits[0].passage.title.s, "Zebra crossings", 15);
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_UNCHANGED);
	doc.title = RAGD_STR("Horses");
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_UPDATED);
	assert_int_equal(find(f, "zebra", &hits), 0);
	assert_int_equal(find(f, "horse", &hits), 1);
	doc.title = RAGD_STR("The Who"); /* stop words, but a title */
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(find(f, "the who", &hits), 1);
}

static void an_update_replaces_all_passages(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;
	const struct ragd_hit *hits;
	char text[8000];

	make_text(text, sizeof(text), 7, 900);
	memcpy(text + 3000, " unmistakable ", 14);
	add(f, "c", "a.txt", text);
	store_stats(f->store, &test_admin, &st);
	assert_true(st.n_passages > 2);
	assert_int_equal(find(f, "unmistakable", &hits), 1);
	add(f, "c", "a.txt", "something else entirely");
	assert_int_equal(find(f, "unmistakable", &hits), 0);
	assert_int_equal(find(f, "entirely", &hits), 1);
	store_stats(f->store, &test_admin, &st);
	assert_int_equal(st.n_passages, 1);
	assert_int_equal(st.n_documents, 1);
}

static void removed_documents_are_gone_at_once(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };

	add(f, "c", "a.txt", "green apples");
	add(f, "c", "b.txt", "red apples");
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("a.txt"), &err), 0);
	assert_int_equal(find(f, "apples", &hits), 1);
	assert_string_equal(hits[0].document, "b.txt");
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("a.txt"), &err), -ENOENT);
	assert_non_null(strstr(err.msg, "a.txt"));
	assert_int_equal(store_remove(f->store, &f->call.call, "d", str("a.txt"), &err), -ENOENT);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(find(f, "apples", &hits), 1);
	assert_int_equal(find(f, "green", &hits), 0);
}

static void one_bad_document_does_not_stop_the_others(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		struct ragd_str id, content;
		int want; /* code of the failure; 0: stored */
	} rows[] = {
		{ "good", { "1.txt", 5 }, { "one", 3 }, 0 },
		{ "no id", { "", 0 }, { "two", 3 }, -EINVAL },
		{ "control character in the id", { "a\nb", 3 }, { "two", 3 }, -EINVAL },
		{ "binary", { "3.txt", 5 }, { "a\0b", 3 }, -EBADMSG },
		{ "not UTF-8", { "4.txt", 5 }, { "a\xff", 2 }, -EILSEQ },
		{ "no format", { "5.png", 5 }, { "x", 1 }, -ENOTSUP },
		{ "empty is taken", { "6.txt", 5 }, { "", 0 }, 0 },
		{ "good again", { "7.txt", 5 }, { "seven", 5 }, 0 },
	};
	struct ragd_document docs[ARRAY_LEN(rows)] = { 0 };
	struct ragd_put_result results[ARRAY_LEN(rows)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		docs[i].id = rows[i].id;
		docs[i].content = rows[i].content;
	}
	assert_int_equal(
		store_put(f->store, &f->call.call, "c", docs, ARRAY_LEN(rows), results, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s: %s\n", rows[i].name, results[i].err.msg);
		assert_int_equal(results[i].status,
				 rows[i].want < 0 ? RAGD_PUT_FAILED : RAGD_PUT_ADDED);
		assert_int_equal(results[i].err.code, rows[i].want);
		assert_true((results[i].err.msg[0] != '\0') == (rows[i].want < 0));
	}
	assert_int_equal(count_documents(f), 3);
}

static void the_last_of_the_same_id_wins(void **state)
{
	struct fixture *f = *state;
	struct ragd_document docs[3] = {
		{ .id = RAGD_STR("a"),
		  .media_type = RAGD_STR("text/plain"),
		  .content = RAGD_STR("one") },
		{ .id = RAGD_STR("a"),
		  .media_type = RAGD_STR("text/plain"),
		  .content = RAGD_STR("two") },
		{ .id = RAGD_STR("a"),
		  .media_type = RAGD_STR("text/plain"),
		  .content = RAGD_STR("one") },
	};
	struct ragd_put_result results[3];
	const struct ragd_hit *hits;

	add(f, "c", "a", "one");
	assert_int_equal(store_put(f->store, &f->call.call, "c", docs, 3, results, NULL), 0);
	assert_int_equal(results[0].status, RAGD_PUT_UNCHANGED);
	assert_int_equal(results[1].status, RAGD_PUT_UPDATED);
	assert_int_equal(results[2].status, RAGD_PUT_UPDATED);
	assert_int_equal(find(f, "one", &hits), 1);
	assert_int_equal(find(f, "two", &hits), 0);
}

static void documents_larger_than_the_option_are_refused(void **state)
{
	struct fixture *f = *state;
	struct ragd_document doc = { .id = RAGD_STR("a.txt"), .content = RAGD_STR("0123456789") };
	struct ragd_put_result result;

	fixture_close(f);
	f->options.max_document = 9;
	fixture_open(f);
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_FAILED);
	assert_int_equal(result.err.code, -EFBIG);
	doc.content.len = 9;
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_ADDED);
}

static void lists_in_the_order_of_ids_page_by_page(void **state)
{
	struct fixture *f = *state;
	const struct ragd_document_info *infos;
	struct ragd_str after = { NULL, 0 };
	size_t n, seen = 0;
	char id[16];

	for (unsigned i = 0; i < 25; i++) {
		snprintf(id, sizeof(id), "%02u.txt", (i * 7) % 25);
		add(f, "c", id, id);
	}
	do {
		assert_int_equal(
			store_list(f->store, &f->call.call, "c", after, 10, &infos, &n, NULL), 0);
		for (size_t i = 0; i < n; i++) {
			snprintf(id, sizeof(id), "%02zu.txt", seen++);
			assert_string_equal(infos[i].id, id);
			assert_string_equal(infos[i].media_type, "text/plain");
			assert_int_equal(infos[i].n_bytes, 6);
			assert_int_equal(infos[i].n_passages, 1);
			assert_int_equal(strlen(infos[i].digest), 64);
		}
		if (n > 0)
			after = str(infos[n - 1].id);
	} while (n > 0);
	assert_int_equal(seen, 25);
	assert_int_equal(store_list(f->store, &f->call.call, "none", after, 10, &infos, &n, NULL),
			 -ENOENT);
}

static void get_gives_back_the_bytes(void **state)
{
	struct fixture *f = *state;
	struct ragd_document_info info;
	struct ragd_err err = { 0 };
	struct ragd_str content;
	size_t len = 300000; /* several pieces */
	char *text = malloc(len + 1);

	make_text(text, len, 1, 100000);
	add(f, "c", "long.txt", text);
	assert_int_equal(
		store_get(f->store, &f->call.call, "c", str("long.txt"), &info, &content, &err), 0);
	assert_int_equal(content.len, strlen(text));
	assert_memory_equal(content.s, text, content.len);
	assert_int_equal(info.n_bytes, content.len);
	assert_int_equal(store_get(f->store, &f->call.call, "c", str("no"), &info, &content, &err),
			 -ENOENT);
	assert_int_equal(store_get(f->store, &f->call.call, "no", str("no"), &info, NULL, &err),
			 -ENOENT);
	/* Each passage says where it stands. */
	for (unsigned i = 0; i < 20; i++) {
		const struct ragd_hit *hits;
		char query[40];
		size_t n, at = i * strlen(text) / 20;

		snprintf(query, sizeof(query), "%.30s", text + at);
		n = find(f, query, &hits);
		assert_true(n > 0);
		for (size_t h = 0; h < n; h++) {
			assert_int_equal(hits[h].end - hits[h].start, hits[h].passage.text.len);
			assert_memory_equal(hits[h].passage.text.s, text + hits[h].start,
					    hits[h].passage.text.len);
		}
	}
	free(text);
}

static void html_hits_carry_runs(void **state)
{
	struct fixture *f = *state;
	static const char html[] = "<html><head><title>Fruit</title></head><body><h1>Fruit</h1>"
				   "<p>Quinces &amp; <b>medlars</b> ripen late.</p></body></html>";
	struct ragd_document doc = { .id = RAGD_STR("f.html"),
				     .content = { html, sizeof(html) - 1 } };
	struct ragd_put_result result;
	const struct ragd_hit *hits;

	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_ADDED);
	assert_int_equal(find(f, "medlars", &hits), 1);
	assert_non_null(hits[0].runs);
	assert_true(hits[0].n_runs > 0);
	for (size_t i = 0; i < hits[0].n_runs; i++) {
		assert_true(hits[0].runs[i].from < hits[0].passage.text.len);
		assert_true(hits[0].runs[i].to < sizeof(html));
	}
	assert_memory_equal(hits[0].passage.title.s, "Fruit", 5);
	/* The document is removed with the terms it was added with. */
	assert_int_equal(store_remove(f->store, &f->call.call, "c", str("f.html"), NULL), 0);
	assert_int_equal(find(f, "medlars", &hits), 0);
}

static void queries_are_checked(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("x"), .k = 0 };
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };
	size_t n;

	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), -EINVAL);
	q.k = 1001;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), -EINVAL);
	q.k = 1000;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), 0);
	assert_int_equal(n, 0);
	q.text = (struct ragd_str){ NULL, 0 };
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), 0);
	add(f, "c", "a", "quotes and such");
	q.text = RAGD_STR("\"quotes\" AND (such OR NEAR(*^:-)) \x01 \xff");
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), 0);
	assert_int_equal(n, 1);
}

static void deadlines_and_cancelling_end_a_call(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("words"), .k = 5 };
	struct ragd_document doc = { .id = RAGD_STR("b.txt"), .content = RAGD_STR("words") };
	struct ragd_put_result result;
	const struct ragd_hit *hits;
	size_t n;

	add(f, "c", "a", "words");
	f->call.call.deadline_ms = clock_ms() - 1;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), -ETIMEDOUT);
	assert_int_equal(store_put(f->store, &f->call.call, "c", &doc, 1, &result, NULL), 0);
	assert_int_equal(result.status, RAGD_PUT_FAILED);
	assert_int_equal(result.err.code, -ETIMEDOUT);
	f->call.call.deadline_ms = 0;
	f->call.cancelled = true;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), -ECANCELED);
	f->call.cancelled = false;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), 0);
}

static void a_request_without_memory_gets_an_error(void **state)
{
	struct fixture *f = *state;
	const struct ragd_collection *list;
	const struct ragd_hit *hits;
	struct ragd_err err = { 0 };
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("words"), .k = 5 };
	struct ragd_str content;
	size_t n;

	add(f, "c", "a", "words");
	arena_free(f->call.arena);
	f->call.arena = arena_new(1);
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, &err), -ENOMEM);
	assert_int_equal(store_get(f->store, &f->call.call, "c", str("a"), NULL, &content, &err),
			 -ENOMEM);
	assert_int_equal(store_collections(f->store, &f->call.call, &list, &n, &err), -ENOMEM);
	assert_true(err.msg[0] != '\0');
}

static void per_document_gives_the_best_of_each(void **state)
{
	struct fixture *f = *state;
	struct ragd_query q = {
		.size = sizeof(q), .text = RAGD_STR("needle"), .k = 10, .per_document = true
	};
	const struct ragd_hit *hits;
	char text[6000];
	size_t n;

	make_text(text, sizeof(text), 3, 700);
	for (size_t at = 100; at + 100 < strlen(text); at += 500)
		memcpy(text + at, " needle ", 8);
	add(f, "c", "a.txt", text);
	add(f, "c", "b.txt", "one needle");
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_not_equal(hits[0].document, hits[1].document);
	q.per_document = false;
	assert_int_equal(store_search(f->store, &f->call.call, &q, &hits, &n, NULL), 0);
	assert_true(n > 2);
	for (size_t i = 1; i < n; i++)
		assert_true(hits[i].passage.score <= hits[i - 1].passage.score);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_was_put_is_found_at_once),
		CASE(unchanged_documents_are_left_alone),
		CASE(a_title_makes_a_difference),
		CASE(an_update_replaces_all_passages),
		CASE(removed_documents_are_gone_at_once),
		CASE(one_bad_document_does_not_stop_the_others),
		CASE(the_last_of_the_same_id_wins),
		CASE(documents_larger_than_the_option_are_refused),
		CASE(lists_in_the_order_of_ids_page_by_page),
		CASE(get_gives_back_the_bytes),
		CASE(html_hits_carry_runs),
		CASE(queries_are_checked),
		CASE(deadlines_and_cancelling_end_a_call),
		CASE(a_request_without_memory_gets_an_error),
		CASE(per_document_gives_the_best_of_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
