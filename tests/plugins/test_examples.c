#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/modules/module.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

struct example {
	struct world w;
	struct plugin_set *set;
	const struct plugin *plugin;
	struct test_call call;
	struct ragd_err err;
};

static void example_open(struct example *x)
{
	if (plugin_set_open(&x->w.cfg, NULL, &x->set, &x->err) < 0)
		fail_msg("%s", x->err.msg);
	x->plugin = plugin_set_at(x->set, 0);
	test_call_init(&x->call);
}

static void example_end(struct example *x)
{
	plugin_set_unref(x->set);
	test_call_fini(&x->call);
	world_fini(&x->w);
}

static struct ragd_str str(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

/* ---- the command of plugin.h's head -------------------------------------------------------- */

static void each_builds_with_one_line_and_loads(void **state)
{
	static const char *const names[] = { "blocklist", "quote", "folder" };
	const char *source = getenv("RAGD_SRCDIR");
	const struct ragd_plugin *d;
	struct ragd_err err = { 0 };
	char cmd[3 * PATH_MAX];
	struct world w;

	(void)state;
	if (system("command -v cc >/dev/null") != 0) {
		print_message("no command cc here\n");
		skip();
	}
	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *const dirs[] = { w.dir, NULL };

		snprintf(cmd, sizeof(cmd),
			 "cd '%s' && cc -I'%s/include' -Wall -Wextra -Werror -shared -fPIC "
			 "-fvisibility=hidden "
			 "-o %s.so '%s/plugins/examples/%s.c'",
			 w.dir, source, names[i], source, names[i]);
		assert_int_equal(system(cmd), 0);
		if (module_load(dirs, names[i], 0, &d, NULL, &err) < 0)
			fail_msg("%s", err.msg);
		assert_string_equal(d->name, names[i]);
	}
	world_fini(&w);
}

/* ---- blocklist ----------------------------------------------------------------------------- */

#define LONG_WORD "x123456789x123456789x123456789x123456789x123456789x123456789x123456789"

static const struct {
	const char *in, *out;
	size_t n_findings;
} filtered[] = {
	{ "", "", 0 },
	{ "nothing to see", "nothing to see", 0 },
	{ "a secret here", "a ****** here", 1 },
	{ "SECRET", "******", 1 },
	{ "Secret, secret. Secretly?", "******, ******. Secretly?", 2 },
	{ "two secrets", "two secrets", 0 },
	{ "die Gr\xc3\xb6\xc3\x9f\145 ist geheim", "die ******* ist geheim", 1 },
	{ LONG_WORD " secret " LONG_WORD, LONG_WORD " ****** " LONG_WORD, 1 },
	{ "secret\xff secret", "secret\xff ******", 1 },
	{ "x secret y secret", "x ****** y ******", 2 },
};

static void blocklist_begin(struct example *x)
{
	memset(x, 0, sizeof(*x));
	world_init(&x->w);
	world_add(&x->w, "words", "blocklist",
		  "words=secret,gr\xc3\xb6\xc3\x9f\145,Gr\xc3\xb6\xc3\x9f\145");
	example_open(x);
}

static void blocklist_redacts_whole_words(void **state)
{
	struct example x;

	(void)state;
	blocklist_begin(&x);
	for (size_t i = 0; i < ARRAY_LEN(filtered); i++) {
		struct ragd_screen screen = { .size = sizeof(screen), .text = str(filtered[i].in) };
		struct ragd_verdict v = { .size = sizeof(v) };

		print_message("%s\n", filtered[i].in);
		assert_int_equal(x.plugin->descriptor->ops.safety->check(
					 x.plugin->self, &x.call.call, &screen, &v, &x.err),
				 0);
		assert_int_equal(v.text.len, strlen(filtered[i].out));
		assert_memory_equal(v.text.s, filtered[i].out, v.text.len);
		assert_int_equal(v.n_findings, filtered[i].n_findings);
		assert_int_equal(v.action, v.n_findings > 0 ? RAGD_REDACT : RAGD_ALLOW);
		for (size_t k = 0; k < v.n_findings; k++)
			for (size_t b = v.findings[k].start; b < v.findings[k].end; b++)
				assert_int_equal(v.text.s[b], '*');
	}
	example_end(&x);
}

/* Feed s in pieces that end where a bit of cuts is set; joined and sound, or the test fails. */
static void feed_cut(struct example *x, const char *s, uint64_t cuts, const char *want,
		     size_t n_findings)
{
	const struct ragd_safety_ops *ops = x->plugin->descriptor->ops.safety;
	struct ragd_screen screen = { .size = sizeof(screen), .stage = RAGD_STAGE_RESPONSE };
	size_t len = strlen(s), from = 0, found = 0;
	struct buf out = BUF_INIT;
	struct ragd_release r = { .size = sizeof(r) };
	void *stream;

	assert_int_equal(
		ops->stream_open(x->plugin->self, &x->call.call, &screen, &stream, &x->err), 0);
	for (size_t to = 0; to <= len; to++) {
		bool last = to == len;

		if (!last && (cuts >> (to % 64) & 1) == 0)
			continue;
		assert_int_equal(ops->stream_feed(stream, &x->call.call, s + from, to - from, last,
						  &r, &x->err),
				 0);
		buf_add(&out, r.text.s, r.text.len);
		found += r.n_findings;
		assert_true(last || to - out.len <= ops->holdback(x->plugin->self));
		from = to;
	}
	ops->stream_close(stream);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.data != NULL ? out.data : "", want, out.len);
	assert_int_equal(found, n_findings);
	buf_fini(&out);
	arena_reset(x->call.arena);
}

static void blocklist_does_not_depend_on_the_cuts(void **state)
{
	struct example x;
	uint64_t cuts = 88172645463325252u;

	(void)state;
	blocklist_begin(&x);
	for (size_t i = 0; i < ARRAY_LEN(filtered); i++) {
		feed_cut(&x, filtered[i].in, 0, filtered[i].out, filtered[i].n_findings);
		feed_cut(&x, filtered[i].in, ~0ull, filtered[i].out, filtered[i].n_findings);
		for (int at = 0; at < 64; at++)
			feed_cut(&x, filtered[i].in, 1ull << at, filtered[i].out,
				 filtered[i].n_findings);
		for (int n = 0; n < 200; n++) {
			cuts ^= cuts << 13;
			cuts ^= cuts >> 7;
			cuts ^= cuts << 17;
			feed_cut(&x, filtered[i].in, cuts, filtered[i].out, filtered[i].n_findings);
		}
	}
	example_end(&x);
}

static void blocklist_refuses_words_that_could_never_match(void **state)
{
	static const struct {
		const char *option, *sentence;
	} rows[] = {
		{ "words=two words", "words: 'two words' is not one word of up to 63 bytes" },
		{ "words=good,no-hyphens", "words: 'no-hyphens' is not one word" },
		{ "words=,empty", "words: '' is not one word" },
		{ "words=" LONG_WORD, "is not one word of up to 63 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct world w;

		world_init(&w);
		assert_int_equal(world_try(&w, "words", "blocklist",
					   (const char *const[]){ rows[i].option, NULL }, &err),
				 -EINVAL);
		assert_non_null(strstr(err.msg, rows[i].sentence));
		world_fini(&w);
	}
}

/* ---- quote --------------------------------------------------------------------------------- */

static void quote_answers_from_the_best_passage(void **state)
{
	static const struct {
		const char *question, *answer;
		enum ragd_finish finish;
	} rows[] = {
		{ "How large is the thread pool?", "The thread pool has 4 threads.",
		  RAGD_FINISH_STOP },
		{ "What is a handle?", "A handle lives until it is closed.", RAGD_FINISH_STOP },
		{ "Who wrote Faust?", "I found nothing about that.", RAGD_FINISH_NO_ANSWER },
	};
	const struct ragd_passage passages[] = {
		{ .text = RAGD_STR(
			  "A handle lives until it is closed. Then its memory is yours.") },
		{ .text = RAGD_STR("The thread pool has 4 threads. It can be made large.") },
	};
	struct example x = { 0 };

	(void)state;
	world_init(&x.w);
	world_add(&x.w, "quote", "quote", NULL);
	example_open(&x);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_generate req = { .size = sizeof(req),
					     .question = str(rows[i].question),
					     .passages = passages,
					     .n_passages = 2,
					     .sampling = &plain_sampling };
		struct test_sink sink;

		test_sink_init(&sink);
		assert_int_equal(x.plugin->descriptor->ops.inference->generate(
					 x.plugin->self, &x.call.call, &req, &sink.sink, &x.err),
				 0);
		assert_int_equal(sink.n_done, 1);
		assert_string_equal(sink.text.data, rows[i].answer);
		assert_int_equal(sink.finish, rows[i].finish);
		test_sink_fini(&sink);
	}
	example_end(&x);
}

/* ---- folder -------------------------------------------------------------------------------- */

static void write_file(struct example *x, const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(x->w.arena, "%s/docs/%s", x->w.dir, name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void folder_begin(struct example *x)
{
	const char *docs;

	memset(x, 0, sizeof(*x));
	world_init(&x->w);
	docs = arena_printf(x->w.arena, "%s/docs", x->w.dir);
	assert_int_equal(mkdir(docs, 0750), 0);
	write_file(x, "apple.txt", "An apple is red.\n\nAn apple falls from the tree.\n");
	write_file(x, "pear.md", "# Pears\n\nA pear is green and hangs on a tree.\n");
	write_file(x, "photo.jpg", "tree tree tree");
	/* Neither of these is a document: one would never end, the other is somebody else's. */
	assert_int_equal(mkfifo(arena_printf(x->w.arena, "%s/gate.txt", docs), 0600), 0);
	assert_int_equal(symlink("/etc/passwd", arena_printf(x->w.arena, "%s/users.txt", docs)), 0);
	world_add(&x->w, "docs", "folder", arena_printf(x->w.arena, "path=%s", docs),
		  "collection=fruit");
	example_open(x);
}

static const struct ragd_retrieval_ops *retrieval(const struct example *x)
{
	return x->plugin->descriptor->ops.retrieval;
}

static void folder_finds_paragraphs(void **state)
{
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("green tree"), .k = 2 };
	const char *const other[] = { "other" }, *const ours[] = { "other", "fruit" };
	const struct ragd_hit *hits;
	struct example x;
	size_t n;

	(void)state;
	folder_begin(&x);
	assert_int_equal(retrieval(&x)->search(x.plugin->self, &x.call.call, &q, &hits, &n, &x.err),
			 0);
	assert_int_equal(n, 2);
	assert_string_equal(hits[0].document, "pear.md");
	assert_true(hits[0].passage.score == 1 && hits[1].passage.score == 0.5f);
	assert_string_equal(hits[1].document, "apple.txt");
	assert_string_equal(hits[1].collection, "fruit");
	assert_int_equal(hits[1].start, 17);
	assert_int_equal(hits[1].end - hits[1].start, hits[1].passage.text.len);

	q.text = (struct ragd_str)RAGD_STR("apple");
	q.per_document = true;
	q.k = 10;
	assert_int_equal(retrieval(&x)->search(x.plugin->self, &x.call.call, &q, &hits, &n, &x.err),
			 0);
	assert_int_equal(n, 1);
	q.per_document = false;
	q.collections = ours;
	q.n_collections = 2;
	assert_int_equal(retrieval(&x)->search(x.plugin->self, &x.call.call, &q, &hits, &n, &x.err),
			 0);
	assert_int_equal(n, 2);
	q.collections = other;
	q.n_collections = 1;
	assert_int_equal(retrieval(&x)->search(x.plugin->self, &x.call.call, &q, &hits, &n, &x.err),
			 0);
	assert_int_equal(n, 0);
	example_end(&x);
}

static void folder_lists_and_shows_its_files_and_nothing_else(void **state)
{
	const struct ragd_document_info *list;
	const struct ragd_collection *collections;
	struct ragd_document_info info;
	struct ragd_retrieval_stats stats = { .size = sizeof(stats) };
	struct ragd_str content;
	struct example x;
	size_t n;

	(void)state;
	folder_begin(&x);
	assert_int_equal(retrieval(&x)->list(x.plugin->self, &x.call.call, "fruit", str(""), 10,
					     &list, &n, &x.err),
			 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].id, "apple.txt");
	assert_string_equal(list[1].id, "pear.md");
	assert_string_equal(list[1].media_type, "text/markdown");
	assert_int_equal(retrieval(&x)->list(x.plugin->self, &x.call.call, "fruit",
					     str("apple.txt"), 10, &list, &n, &x.err),
			 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].id, "pear.md");
	assert_int_equal(retrieval(&x)->list(x.plugin->self, &x.call.call, "fruit", str("apple"), 1,
					     &list, &n, &x.err),
			 0);
	assert_string_equal(list[0].id, "apple.txt");
	assert_int_equal(retrieval(&x)->get(x.plugin->self, &x.call.call, "fruit", str("pear.md"),
					    &info, &content, &x.err),
			 0);
	assert_int_equal(content.len, info.n_bytes);
	assert_int_equal(retrieval(&x)->get(x.plugin->self, &x.call.call, "fruit",
					    str("../docs/pear.md"), &info, &content, &x.err),
			 -ENOENT);
	assert_int_equal(retrieval(&x)->get(x.plugin->self, &x.call.call, "fruit", str("photo.jpg"),
					    &info, &content, &x.err),
			 -ENOENT);
	assert_int_equal(retrieval(&x)->list(x.plugin->self, &x.call.call, "nuts", str(""), 10,
					     &list, &n, &x.err),
			 -ENOENT);
	assert_int_equal(
		retrieval(&x)->collections(x.plugin->self, &x.call.call, &collections, &n, &x.err),
		0);
	assert_int_equal(n, 1);
	assert_int_equal(collections[0].mode, 0440);
	assert_int_equal(collections[0].n_documents, 2);
	retrieval(&x)->stats(x.plugin->self, &x.call.caller, &stats);
	assert_int_equal(stats.n_documents, 2);
	example_end(&x);
}

static void folder_keeps_to_the_permissions_of_the_folder(void **state)
{
	struct ragd_query q = { .size = sizeof(q), .text = RAGD_STR("tree"), .k = 2 };
	const gid_t groups[] = { 4711, getgid() };
	const struct ragd_document_info *list;
	const struct ragd_collection *collections;
	const struct ragd_hit *hits;
	struct ragd_retrieval_stats stats = { .size = sizeof(stats) };
	struct example x;
	size_t n;

	(void)state;
	folder_begin(&x);
	x.call.caller = (struct ragd_caller){ .uid = getuid() + 1, .gid = 4711 };
	assert_int_equal(retrieval(&x)->search(x.plugin->self, &x.call.call, &q, &hits, &n, &x.err),
			 0);
	assert_int_equal(n, 0);
	assert_int_equal(retrieval(&x)->list(x.plugin->self, &x.call.call, "fruit", str(""), 10,
					     &list, &n, &x.err),
			 -ENOENT);
	assert_string_equal(x.err.msg, "there is no collection 'fruit' that you may read");
	retrieval(&x)->stats(x.plugin->self, &x.call.caller, &stats);
	assert_int_equal(stats.n_collections, 0);
	assert_int_equal(stats.n_documents, 0);
	assert_int_equal(
		retrieval(&x)->collections(x.plugin->self, &x.call.call, &collections, &n, &x.err),
		0);
	assert_int_equal(n, 0);
	x.call.caller.groups = groups;
	x.call.caller.n_groups = 2;
	assert_int_equal(retrieval(&x)->search(x.plugin->self, &x.call.call, &q, &hits, &n, &x.err),
			 0);
	assert_int_equal(n, 2);
	example_end(&x);
}

static void folder_is_read_only(void **state)
{
	struct ragd_document doc = { .id = RAGD_STR("new.txt"), .content = RAGD_STR("text") };
	struct ragd_collection c = { .name = "nuts" };
	struct ragd_put_result result;
	struct example x;
	bool created;

	(void)state;
	folder_begin(&x);
	assert_int_equal(
		retrieval(&x)->put(x.plugin->self, &x.call.call, "fruit", &doc, 1, &result, &x.err),
		-EACCES);
	assert_string_equal(x.err.msg, "documents are the files of a folder here: change the files "
				       "instead");
	assert_int_equal(retrieval(&x)->remove(x.plugin->self, &x.call.call, "fruit",
					       str("pear.md"), &x.err),
			 -EACCES);
	assert_int_equal(
		retrieval(&x)->collection_put(x.plugin->self, &x.call.call, &c, &created, &x.err),
		-EACCES);
	assert_int_equal(
		retrieval(&x)->collection_remove(x.plugin->self, &x.call.call, "fruit", &x.err),
		-EACCES);
	example_end(&x);
}

static void folder_needs_a_folder(void **state)
{
	struct plugin_set *set;
	struct ragd_err err = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "docs", "folder", "path=/nonexistent");
	assert_int_equal(plugin_set_open(&w.cfg, NULL, &set, &err), -ENOENT);
	assert_string_equal(
		err.msg,
		"plugin 'docs' (folder): path: folder '/nonexistent': No such file or directory");
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_builds_with_one_line_and_loads),
		cmocka_unit_test(blocklist_redacts_whole_words),
		cmocka_unit_test(blocklist_does_not_depend_on_the_cuts),
		cmocka_unit_test(blocklist_refuses_words_that_could_never_match),
		cmocka_unit_test(quote_answers_from_the_best_passage),
		cmocka_unit_test(folder_finds_paragraphs),
		cmocka_unit_test(folder_lists_and_shows_its_files_and_nothing_else),
		cmocka_unit_test(folder_keeps_to_the_permissions_of_the_folder),
		cmocka_unit_test(folder_is_read_only),
		cmocka_unit_test(folder_needs_a_folder),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
