/* retrieval_hybrid as the host sees it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

struct house {
	struct world w;
	struct plugin_set *set;
	void *self;
	const struct ragd_retrieval_ops *ops;
	struct test_call call;
};

static void house_open(struct house *h)
{
	const struct plugin *p;

	h->set = world_open(&h->w, NULL);
	p = plugin_set_at(h->set, 0);
	h->self = p->self;
	h->ops = p->descriptor->ops.retrieval;
	test_call_init(&h->call);
}

static void house_end(struct house *h)
{
	plugin_set_unref(h->set);
	test_call_fini(&h->call);
	world_fini(&h->w);
}

static enum ragd_put_status put(struct house *h, const char *id, const char *text)
{
	struct ragd_document doc = { .id = { id, strlen(id) }, .content = { text, strlen(text) } };
	struct ragd_put_result result;
	struct ragd_err err = { 0 };

	if (h->ops->put(h->self, &h->call.call, "default", &doc, 1, &result, &err) < 0)
		fail_msg("%s", err.msg);
	return result.status;
}

static void every_operation_works_through_the_abi(void **state)
{
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("beans"), .k = 5 };
	struct ragd_collection c = {
		.name = "team", .owner = (uid_t)-1, .group = (gid_t)-1, .mode = 0600
	};
	const struct ragd_document_info *infos;
	const struct ragd_collection *list;
	struct ragd_document_info info;
	struct ragd_retrieval_stats st = { .size = sizeof(st) };
	const struct ragd_hit *hits;
	struct ragd_str content;
	struct house h = { 0 };
	bool created = false;
	size_t n;

	(void)state;
	world_init(&h.w);
	world_add(&h.w, "hybrid", "retrieval_hybrid", "max_document=100");
	house_open(&h);
	assert_int_equal(put(&h, "a.md", "# Beans\n\nThey grow on poles.\n"), RAGD_PUT_ADDED);
	assert_int_equal(put(&h, "a.md", "# Beans\n\nThey grow on poles.\n"), RAGD_PUT_UNCHANGED);
	assert_int_equal(
		put(&h, "long.md",
		    "a text that is longer than a hundred bytes, a text that is longer than "
		    "a hundred bytes, a text that is"),
		RAGD_PUT_FAILED);
	assert_int_equal(h.ops->search(h.self, &h.call.call, &q, &hits, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(hits[0].document, "a.md");
	assert_memory_equal(hits[0].passage.title.s, "Beans", 5);
	assert_int_equal(
		h.ops->list(h.self, &h.call.call, "default", RAGD_STR(""), 10, &infos, &n, NULL),
		0);
	assert_int_equal(n, 1);
	assert_string_equal(infos[0].media_type, "text/markdown");
	assert_int_equal(h.ops->get(h.self, &h.call.call, "default", RAGD_STR("a.md"), &info,
				    &content, NULL),
			 0);
	assert_int_equal(content.len, 29);
	assert_int_equal(h.ops->collection_put(h.self, &h.call.call, &c, &created, NULL), 0);
	assert_true(created);
	assert_int_equal(h.ops->collections(h.self, &h.call.call, &list, &n, NULL), 0);
	assert_int_equal(n, 2);
	h.ops->stats(h.self, &h.call.caller, &st);
	assert_int_equal(st.n_documents, 1);
	assert_int_equal(st.n_collections, 2);
	assert_int_equal(st.dim, 0);
	assert_true(st.n_bytes > 0);
	assert_int_equal(h.ops->reindex(h.self, &h.call.call, "default", NULL), -ENOTSUP);
	assert_int_equal(h.ops->remove(h.self, &h.call.call, "default", RAGD_STR("a.md"), NULL), 0);
	assert_int_equal(h.ops->collection_remove(h.self, &h.call.call, "default", NULL), 0);
	h.ops->stats(h.self, &h.call.caller, &st);
	assert_int_equal(st.n_documents, 0);
	assert_int_equal(st.n_collections, 1);
	house_end(&h);
}

static void it_embeds_once_it_has_learned(void **state)
{
	struct ragd_str text = RAGD_STR("word1 word2 word3");
	struct ragd_retrieval_stats st = { .size = sizeof(st) };
	struct ragd_err err = { 0 };
	struct house h = { 0 };
	const struct ragd_embed req = { .size = sizeof(req), .texts = &text, .n = 1 };
	struct ragd_embeddings v = { .size = sizeof(v) };
	float sum = 0;
	int64_t give_up_ms = clock_ms() + TEST_HANG_S * 1000;
	char id[16], doc[200];
	int rc;

	(void)state;
	world_init(&h.w);
	world_add(&h.w, "hybrid", "retrieval_hybrid", "dim=64");
	house_open(&h);
	assert_int_equal(h.ops->embed(h.self, &h.call.call, &req, &v, &err), -EAGAIN);
	assert_true(err.msg[0] != '\0');
	for (unsigned i = 0; i < 260; i++) {
		snprintf(id, sizeof(id), "%u.txt", i);
		snprintf(doc, sizeof(doc), "word%u word%u word%u word%u word%u word%u", i % 90,
			 i % 89, i % 83, i % 79, i % 73, i % 71);
		put(&h, id, doc);
	}
	do { /* it learns by itself, when it is left alone */
		usleep(1000);
		rc = h.ops->embed(h.self, &h.call.call, &req, &v, NULL);
	} while (rc == -EAGAIN && clock_ms() < give_up_ms);
	assert_int_equal(rc, 0);
	assert_int_equal(v.dim, 64);
	for (uint32_t i = 0; i < v.dim; i++)
		sum += v.values[i] * v.values[i];
	assert_true(sum > 0.99f && sum < 1.01f);
	h.ops->stats(h.self, &h.call.caller, &st);
	assert_int_equal(st.dim, 64);
	assert_int_equal(st.n_vectors, st.n_passages);
	house_end(&h);
}

static void options_are_judged_together(void **state)
{
	static const char *const bad[] = { "passage_target=1000", "passage_max=1500", NULL };
	struct ragd_err err = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(world_try(&w, "hybrid", "retrieval_hybrid", bad, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "passage_max"));
	world_fini(&w);
}

static void an_unknown_language_is_said(void **state)
{
	struct ragd_err err = { 0 };
	struct house h = { 0 };

	(void)state;
	world_init(&h.w);
	world_add(&h.w, "hybrid", "retrieval_hybrid", "language=klingon");
	assert_int_equal(plugin_set_open(&h.w.cfg, NULL, &h.set, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "klingon"));
	world_fini(&h.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_works_through_the_abi),
		cmocka_unit_test(it_embeds_once_it_has_learned),
		cmocka_unit_test(options_are_judged_together),
		cmocka_unit_test(an_unknown_language_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
