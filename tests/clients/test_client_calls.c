/* libragd: every other call, what it sends and what it makes of the reply. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/clients/pair.h"
#include "tests/test.h"

static void searches(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/search", 200, NULL,
		  "{\"object\":\"list\",\"data\":[{\"collection\":\"default\",\"document\":\"a."
		  "md\",\"title\":\"A\","
		  "\"heading\":\"H\",\"text\":\"nul \\u0000 "
		  "byte\",\"start\":3,\"end\":9,\"score\":0.5,"
		  "\"lexical\":0.25,\"vector\":1}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const char *const tags[] = { "x" };
	const struct ragd_search search = {
		.query = "words", .tags = tags, .n_tags = 1, .per_document = true
	};
	struct pair p = pair_open(rows);
	const struct ragd_hit_row *hit;
	struct ragd_hits *hits;

	(void)state;
	assert_int_equal(ragd_client_search(p.c, &search, &hits, &p.err), 0);
	hit = ragd_hits_at(hits, 0);
	assert_string_equal(hit->document, "a.md");
	assert_int_equal(hit->end, 9);
	assert_float_equal(hit->vector, 1, 1e-9); /* an integer in JSON */
	assert_null(ragd_hits_at(hits, 1));
	assert_has(ragd_hits_json(hits), "\"score\":0.5");
	ragd_hits_free(hits);
	ragd_hits_free(NULL);
	assert_string_equal(
		fake_request(p.f, 0)->body,
		"{\"query\":\"words\",\"k\":10,\"tags\":[\"x\"],\"per_document\":true}");
	pair_close(&p);
}

static void lists_and_changes_collections(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections", 200, NULL,
		  "{\"data\":[{\"name\":\"a "
		  "b\",\"owner\":\"root\",\"group\":\"7\",\"mode\":\"0640\","
		  "\"documents\":3,\"passages\":9,\"bytes\":12345678901,\"updated\":1760000000}]}",
		  0, NULL },
		{ "PUT", "/v1/collections/new", 201, NULL, "{\"name\":\"new\"}", 0, NULL },
		{ "PUT", "/v1/collections/old%2Fer", 200, NULL, "{\"name\":\"old\"}", 0, NULL },
		{ "GET", "/v1/collections/new", 200, NULL, "{\"name\":\"new\",\"mode\":\"0600\"}",
		  0, NULL },
		{ "DELETE", "/v1/collections/new", 200, NULL, "", 0, NULL },
		{ "POST", "/v1/collections/a%20b/reindex", 202, NULL,
		  "{\"collection\":\"a b\",\"status\":\"reindexing\"}", 0, NULL },
		{ .method = NULL },
	};
	struct pair p = pair_open(rows);
	struct ragd_collections *l;
	char *json;

	(void)state;
	assert_int_equal(ragd_client_collections(p.c, &l, &p.err), 0);
	assert_string_equal(ragd_collections_at(l, 0)->name, "a b");
	assert_true(ragd_collections_at(l, 0)->bytes == 12345678901u);
	assert_null(ragd_collections_at(l, 1));
	ragd_collections_free(l);
	assert_int_equal(ragd_client_collection_set(p.c, "new", NULL, "staff", "0640", &p.err), 1);
	assert_string_equal(fake_request(p.f, 1)->body, "{\"group\":\"staff\",\"mode\":\"0640\"}");
	assert_int_equal(ragd_client_collection_set(p.c, "old/er", "me", NULL, NULL, &p.err), 0);
	assert_int_equal(ragd_client_collection(p.c, "new", &l, &p.err), 0);
	assert_string_equal(ragd_collections_at(l, 0)->mode, "0600");
	assert_null(ragd_collections_at(l, 1));
	ragd_collections_free(l);
	assert_int_equal(ragd_client_collection_remove(p.c, "new", &p.err), 0);
	assert_int_equal(ragd_client_collection_remove(p.c, "other", &p.err), -ENOENT);
	assert_int_equal(ragd_client_reindex(p.c, "a b", &json, &p.err), 0);
	assert_has(json, "\"reindexing\"");
	ragd_free(json);
	assert_int_equal(ragd_client_reindex(p.c, "a b", NULL, &p.err), 0);
	assert_int_equal(ragd_client_reindex(p.c, "other", NULL, &p.err), -ENOENT);
	pair_close(&p);
}

static int gather(void *arg, const void *data, size_t len)
{
	strncat(arg, data, len);
	return 0;
}

static int gather_none(void *arg, const void *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return 1;
}

static void lists_shows_and_removes_documents(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/v1/collections/c%20d/documents?limit=100&after=a%26b*", 200, NULL,
		  "{\"object\":\"list\",\"data\":[],\"next\":null}", 0, NULL },
		{ "GET", "/v1/collections/c%20d/documents", 200, NULL,
		  "{\"object\":\"list\",\"data\":[{\"id\":\"a&b\",\"title\":\"T\",\"media_type\":"
		  "\"text/plain\","
		  "\"digest\":\"00\",\"bytes\":5,\"passages\":1,\"updated\":9}],\"next\":\"a&b\"}",
		  0, NULL },
		{ "GET", "/v1/collections/c/documents/dir%2F%C3%A4.md", 200, NULL,
		  "{\"id\":\"dir/ä.md\"}", 0, NULL },
		{ "GET", "/v1/collections/c/documents/x/content", 200, "text/plain", "the bytes",
		  FAKE_PIECES, NULL },
		{ "DELETE", "/v1/collections/c/documents/x", 200, NULL, "{}", 0, NULL },
		{ .method = NULL },
	};
	struct pair p = pair_open(rows);
	struct ragd_documents *l;
	char text[64] = "";

	(void)state;
	assert_int_equal(ragd_client_documents(p.c, "c d", NULL, 0, &l, &p.err), 0);
	assert_string_equal(ragd_documents_at(l, 0)->digest, "00");
	assert_string_equal(ragd_documents_next(l), "a&b");
	ragd_documents_free(l);
	assert_int_equal(ragd_client_documents(p.c, "c d", "a&b", 0, &l, &p.err), 0);
	assert_null(ragd_documents_at(l, 0));
	assert_null(ragd_documents_next(l));
	ragd_documents_free(l);
	assert_int_equal(ragd_client_document(p.c, "c", "dir/ä.md", &l, &p.err), 0);
	assert_string_equal(ragd_documents_at(l, 0)->id, "dir/ä.md");
	assert_null(ragd_documents_at(l, 1));
	ragd_documents_free(l);
	assert_int_equal(ragd_client_content(p.c, "c", "x", gather, text, &p.err), 0);
	assert_string_equal(text, "the bytes");
	assert_int_equal(ragd_client_content(p.c, "c", "x", gather_none, NULL, &p.err), -ECANCELED);
	assert_int_equal(ragd_client_document_remove(p.c, "c", "x", &p.err), 0);
	assert_int_equal(ragd_client_document_remove(p.c, "c", "y", &p.err), -ENOENT);
	pair_close(&p);
}

static void adds_documents_as_lines(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/collections/c/documents", 200, NULL,
		  "{\"added\":1,\"updated\":0,\"unchanged\":0,\"failed\":1,\"results\":["
		  "{\"id\":\"a\",\"status\":\"added\",\"passages\":2,\"error\":null},"
		  "{\"id\":\"b\",\"status\":\"failed\",\"passages\":0,\"error\":{\"code\":"
		  "\"unprocessable\","
		  "\"message\":\"It is not text.\"}}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const char *const tags[] = { "x", "y\"z" };
	const struct ragd_new_document docs[] = {
		{ .id = "a",
		  .title = "T",
		  .tags = tags,
		  .n_tags = 2,
		  .data = "one\n\"two\"\t\\\x01ü",
		  .len = 14 },
		{ .id = "b", .media_type = "text/plain", .data = "\xff\x00\x01", .len = 3 },
	};
	struct pair p = pair_open(rows);
	struct ragd_added *added;

	(void)state;
	assert_int_equal(ragd_client_add(p.c, "c", docs, 2, &added, &p.err), 0);
	assert_string_equal(ragd_added_at(added, 0)->status, "added");
	assert_int_equal(ragd_added_at(added, 0)->passages, 2);
	assert_string_equal(ragd_added_at(added, 1)->code, "unprocessable");
	assert_string_equal(ragd_added_at(added, 1)->error, "It is not text.");
	assert_null(ragd_added_at(added, 2));
	ragd_added_free(added);
	assert_string_equal(
		fake_request(p.f, 0)->body,
		"{\"id\":\"a\",\"title\":\"T\",\"tags\":[\"x\",\"y\\\"z\"],"
		"\"text\":\"one\\n\\\"two\\\"\\t\\\\\\u0001ü\"}\n"
		"{\"id\":\"b\",\"media_type\":\"text/plain\",\"content_base64\":\"/wAB\"}\n");
	assert_has(fake_request(p.f, 0)->headers, "Content-Type: application/x-ndjson\r\n");
	/* A reply that does not account for every document is none. */
	assert_int_equal(ragd_client_add(p.c, "c", docs, 1, &added, &p.err), -EPROTO);
	assert_int_equal(ragd_client_add(p.c, "c", docs, 10001, &added, &p.err), -EINVAL);
	pair_close(&p);
}

static void puts_a_document_as_it_is(void **state)
{
	static const struct fake_row rows[] = {
		{ "PUT", "/v1/collections/c/documents/big.md?title=A%20B*", 201, NULL,
		  "{\"id\":\"big.md\",\"status\":\"added\",\"passages\":3}", 0, NULL },
		{ "PUT", "/v1/collections/c/documents/empty", 200, NULL,
		  "{\"id\":\"empty\",\"status\":\"unchanged\",\"passages\":0}", 0, NULL },
		{ .method = NULL },
	};
	struct ragd_new_document doc = { .id = "big.md",
					 .title = "A B",
					 .media_type = "text/markdown" };
	size_t len = 3 << 20;
	char *data = malloc(len);
	struct pair p = pair_open(rows);
	struct ragd_added *added;

	(void)state;
	memset(data, 'x', len);
	doc.data = data;
	doc.len = len;
	assert_int_equal(ragd_client_put(p.c, "c", &doc, &added, &p.err), 0);
	assert_string_equal(ragd_added_at(added, 0)->status, "added");
	assert_null(ragd_added_at(added, 1));
	ragd_added_free(added);
	assert_int_equal(fake_request(p.f, 0)->len, len);
	assert_has(fake_request(p.f, 0)->headers, "Content-Type: text/markdown\r\n");
	doc = (struct ragd_new_document){ .id = "empty" };
	assert_int_equal(ragd_client_put(p.c, "c", &doc, &added, &p.err), 0);
	ragd_added_free(added);
	assert_has(fake_request(p.f, 1)->headers, "Content-Type: application/octet-stream\r\n");
	assert_has(fake_request(p.f, 1)->headers, "Content-Length: 0\r\n");
	free(data);
	pair_close(&p);
}

static void encodes_base64_of_every_length(void **state)
{
	static const char *const want[] = { "", "/w==", "//8=", "////", "/////w==" };
	static const struct fake_row rows[] = { { "POST", "/v1/collections/c/documents", 200, NULL,
						  "{}", 0, NULL },
						{ .method = NULL } };
	struct pair p = pair_open(rows);

	(void)state;
	for (size_t i = 1; i < 5; i++) {
		const struct ragd_new_document doc = { .id = "x",
						       .data = "\xff\xff\xff\xff",
						       .len = i };
		struct ragd_added *added;
		char body[80];

		assert_int_equal(ragd_client_add(p.c, "c", &doc, 1, &added, &p.err), -EPROTO);
		snprintf(body, sizeof(body), "{\"id\":\"x\",\"content_base64\":\"%s\"}\n", want[i]);
		assert_string_equal(fake_request(p.f, i - 1)->body, body);
	}
	pair_close(&p);
}

static void moderates(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/moderations", 200, NULL,
		  "{\"results\":[{\"flagged\":true,\"categories\":{\"pii\":true,\"violence\":false}"
		  ","
		  "\"category_scores\":{\"pii\":0.9,\"violence\":0.1},\"ragd\":{\"action\":"
		  "\"redact\",\"score\":0.9,"
		  "\"rules\":[\"card\",\"iban\"],\"text\":\"pay [card]\",\"note\":null}},"
		  "{\"flagged\":false,\"categories\":{},\"category_scores\":{},\"ragd\":{"
		  "\"action\":\"allow\","
		  "\"score\":0,\"rules\":[],\"text\":\"hi\",\"note\":\"n\"}}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const char *const texts[] = { "pay 4111…", "hi" };
	const struct ragd_moderate m = {
		.texts = texts, .n_texts = 2, .policy = "strict", .stage = "response"
	};
	const struct ragd_moderate one = { .texts = texts, .n_texts = 1 };
	struct pair p = pair_open(rows);
	struct ragd_verdicts *v;

	(void)state;
	assert_int_equal(ragd_client_moderate(p.c, &m, &v, &p.err), 0);
	assert_true(ragd_verdicts_at(v, 0)->flagged);
	assert_string_equal(ragd_verdicts_at(v, 0)->action, "redact");
	assert_string_equal(ragd_verdicts_at(v, 0)->text, "pay [card]");
	assert_string_equal(ragd_verdicts_at(v, 1)->note, "n");
	assert_null(ragd_verdicts_at(v, 2));
	assert_string_equal(ragd_verdicts_category(v, 0, 0)->name, "pii");
	assert_true(ragd_verdicts_category(v, 0, 0)->flagged);
	assert_float_equal(ragd_verdicts_category(v, 0, 1)->score, 0.1, 1e-9);
	assert_null(ragd_verdicts_category(v, 0, 2));
	assert_null(ragd_verdicts_category(v, 1, 0));
	assert_string_equal(ragd_verdicts_rule(v, 0, 1), "iban");
	assert_null(ragd_verdicts_rule(v, 0, 2));
	assert_null(ragd_verdicts_rule(v, 2, 0));
	ragd_verdicts_free(v);
	assert_string_equal(
		fake_request(p.f, 0)->body,
		"{\"input\":[\"pay 4111…\",\"hi\"],\"model\":\"strict\",\"stage\":\"response\"}");
	assert_int_equal(ragd_client_moderate(p.c, &one, &v, &p.err), -EPROTO);
	pair_close(&p);
}

static void embeds(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/embeddings", 200, NULL,
		  "{\"data\":[{\"index\":0,\"embedding\":[0.5,-1]},{\"index\":1,\"embedding\":[2,0."
		  "25]}]}",
		  0, NULL },
		{ .method = NULL },
	};
	static const struct fake_row odd[] = {
		{ "POST", "/v1/embeddings", 200, NULL,
		  "{\"data\":[{\"embedding\":[0.5,-1]},{\"embedding\":[2]}]}", 0, NULL },
		{ .method = NULL },
	};
	static const char *const texts[] = { "a", "b" };
	struct pair p = pair_open(rows);
	struct ragd_vectors *v;

	(void)state;
	assert_int_equal(ragd_client_embed(p.c, NULL, texts, 2, &v, &p.err), 0);
	assert_int_equal(ragd_vectors_dim(v), 2);
	assert_float_equal(ragd_vectors_at(v, 1)[1], 0.25, 1e-9);
	assert_null(ragd_vectors_at(v, 2));
	ragd_vectors_free(v);
	assert_int_equal(ragd_client_embed(p.c, NULL, texts, 1, &v, &p.err), -EPROTO);
	pair_close(&p);
	p = pair_open(odd);
	assert_int_equal(ragd_client_embed(p.c, "x", texts, 2, &v, &p.err), -EPROTO);
	pair_close(&p);
}

static void rates_and_administers(void **state)
{
	static const struct fake_row rows[] = {
		{ "POST", "/v1/feedback", 201, NULL, "{\"id\":\"fb-1\",\"answer_id\":\"ans-1\"}", 0,
		  NULL },
		{ "GET", "/v1/feedback/export", 200, "application/x-ndjson",
		  "{\"a\":1}\n{\"a\":2}\n", FAKE_PIECES, NULL },
		{ "POST", "/v1/admin/reload", 200, NULL, "{\"generation\":2}", 0, NULL },
		{ "GET", "/metrics", 200, "text/plain", "ragd_up 1\n", 0, NULL },
		{ "GET", "/v1/system-card", 200, NULL, "{\"ai\":true}", 0, NULL },
		{ "GET", "/v1/models", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/any?x=1*", 200, NULL, "any", 0, NULL },
		{ .method = NULL },
	};
	const struct ragd_feedback f = {
		.answer_id = "ans-1", .rating = "down", .reason = "wrong", .better = "5"
	};
	struct pair p = pair_open(rows);
	char text[64] = "", *got;
	size_t len;

	(void)state;
	assert_int_equal(ragd_client_feedback(p.c, &f, &got, &p.err), 0);
	assert_string_equal(got, "fb-1");
	ragd_free(got);
	assert_int_equal(ragd_client_feedback(p.c, &f, NULL, &p.err), 0);
	assert_string_equal(fake_request(p.f, 0)->body,
			    "{\"answer_id\":\"ans-1\",\"rating\":\"down\","
			    "\"reason\":\"wrong\",\"better\":\"5\"}");
	assert_int_equal(ragd_client_feedback_export(p.c, gather, text, &p.err), 0);
	assert_string_equal(text, "{\"a\":1}\n{\"a\":2}\n");
	assert_int_equal(ragd_client_reload(p.c, &got, &p.err), 0);
	assert_string_equal(got, "{\"generation\":2}");
	ragd_free(got);
	assert_int_equal(ragd_client_reload(p.c, NULL, &p.err), 0);
	assert_int_equal(ragd_client_metrics(p.c, &got, &p.err), 0);
	assert_string_equal(got, "ragd_up 1\n");
	ragd_free(got);
	assert_int_equal(ragd_client_system_card(p.c, &got, &p.err), 0);
	ragd_free(got);
	assert_int_equal(ragd_client_assistants(p.c, &got, &p.err), 0);
	ragd_free(got);
	assert_int_equal(
		ragd_client_request(p.c, "GET", "/v1/any?x=1", NULL, NULL, 0, &got, &len, &p.err),
		0);
	assert_string_equal(got, "any");
	assert_int_equal(len, 3);
	ragd_free(got);
	pair_close(&p);
}

static void knows_its_digest(void **state)
{
	char hex[RAGD_DIGEST_HEX + 1];

	(void)state;
	ragd_digest("abc", 3, hex); /* FIPS 180-4, appendix */
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ragd_digest("", 0, hex);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches),
		cmocka_unit_test(lists_and_changes_collections),
		cmocka_unit_test(lists_shows_and_removes_documents),
		cmocka_unit_test(adds_documents_as_lines),
		cmocka_unit_test(puts_a_document_as_it_is),
		cmocka_unit_test(encodes_base64_of_every_length),
		cmocka_unit_test(moderates),
		cmocka_unit_test(embeds),
		cmocka_unit_test(rates_and_administers),
		cmocka_unit_test(knows_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
