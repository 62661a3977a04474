/*
 * Which options of our plugins every user may see: each row was judged once and stands here, so
 * that a new one has to be judged, too.
 */
#include <stdlib.h>

#include "base/util.h"
#include "config.h"
#include "daemon/modules/module.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

/* In the order of the tables; words between spaces. */
static const struct {
	const char *module;
	const char *shown;
	const char *hidden;
} rows[] = {
	{ "inference_echo", "delay fail_after", "prefix" },
	{ "inference_extract", "max_sentences threshold language", "" },
#if WITH_GGUF
	{ "inference_gguf",
	  "context max_tokens active waiting cache_idle cache_type keep_cache template think "
	  "repeat_penalty "
	  "draft "
	  "pooling query_prefix passage_prefix",
	  "model threads cpus cache memory kernels huge_pages" },
#endif
#if WITH_UPSTREAM
	{ "inference_upstream",
	  "query_prefix passage_prefix rerank_scores max_requests connect_timeout "
	  "first_token_timeout "
	  "token_timeout retries retry_delay "
	  "retry_after_max health health_interval failures down_time embed_batch extended_sampling "
	  "cache_salt",
	  "endpoints weights model embed_model rerank_model api_key_file tls_ca tls_verify proxy" },
#endif
	{ "retrieval_hybrid",
	  "language passage_target passage_max max_document embedder dim weight_vector reranker "
	  "rerank_top rerank_time",
	  "" },
	{ "safety_basic",
	  "level installed_rules allow prompt_pii document_pii response_pii prompt_secrets "
	  "document_secrets response_secrets links disguises",
	  "rules link_hosts" },
	{ "safety_grounding", "threshold language", "" },
	{ "blocklist", "", "words" },
	{ "folder", "", "path collection" },
	{ "quote", "", "" },
};

static void append(struct buf *out, const char *name)
{
	if (out->len > 0)
		buf_addc(out, ' ');
	buf_adds(out, name);
}

static void every_row_is_judged(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf shown = BUF_INIT, hidden = BUF_INIT;
		const struct ragd_plugin *p;
		struct ragd_err err = { 0 };
		const char *path;

		print_message("%s\n", rows[i].module);
		if (module_load(w.cfg.plugin_dirs, rows[i].module, 0, &p, &path, &err) < 0)
			fail_msg("%s", err.msg);
		buf_adds(&shown, "");
		buf_adds(&hidden, "");
		for (const struct ragd_option *o = p->options; o != NULL && o->name != NULL; o++) {
			append(o->everyone ? &shown : &hidden, o->name);
			assert_false(o->everyone && o->type == RAGD_OPT_PATH);
		}
		assert_string_equal(shown.data, rows[i].shown);
		assert_string_equal(hidden.data, rows[i].hidden);
		buf_fini(&shown);
		buf_fini(&hidden);
	}
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
