#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/plugins/plugin_metrics.h"
#include "daemon/plugins/plugin_set.h"
#include "daemon/service/log.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

/* ---- helpers ------------------------------------------------------------------------------- */

static void journal_is(struct world *w, const char *want)
{
	char path[PATH_MAX + 16], text[4096] = "";
	FILE *f;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/journal", w->dir);
	f = fopen(path, "r");
	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	assert_string_equal(text, want);
}

static const struct ragd_inference_ops *ops(const struct plugin *p)
{
	return p->descriptor->ops.inference;
}

static void says(struct plugin_set *set, const char *name, const char *want)
{
	const struct plugin *p = plugin_set_find(set, RAGD_KIND_INFERENCE, name);
	struct ragd_generate req = { .size = sizeof(req),
				     .question = RAGD_STR("well?"),
				     .sampling = &plain_sampling };
	struct test_call call;
	struct test_sink sink;

	assert_non_null(p);
	test_call_init(&call);
	test_sink_init(&sink);
	assert_int_equal(ops(p)->generate(p->self, &call.call, &req, &sink.sink, NULL), 0);
	test_sink_wait(&sink);
	assert_int_equal(sink.rc, 0);
	assert_string_equal(sink.text.data, want);
	test_sink_fini(&sink);
	test_call_fini(&call);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void opens_in_order_and_closes_in_reverse(void **state)
{
	struct world w;
	struct plugin_set *set;

	(void)state;
	world_init(&w);
	world_add(&w, "one", "peer", world_journal(&w), "verse=a");
	world_add(&w, "two", "peer", world_journal(&w), "verse=b");
	set = world_open(&w, NULL);
	assert_int_equal(plugin_set_count(set), 2);
	assert_string_equal(plugin_set_at(set, 0)->name, "one");
	assert_string_equal(plugin_set_at(set, 1)->name, "two");
	assert_null(plugin_set_at(set, 2));
	assert_non_null(strstr(plugin_set_at(set, 0)->path, "peer.so"));
	assert_ptr_equal(plugin_set_find(set, 0, "two"), plugin_set_at(set, 1));
	assert_ptr_equal(plugin_set_find(set, RAGD_KIND_INFERENCE, "two"), plugin_set_at(set, 1));
	assert_null(plugin_set_find(set, RAGD_KIND_SAFETY, "two"));
	assert_null(plugin_set_find(set, 0, "three"));
	assert_ptr_equal(plugin_set_ref(set), set);
	plugin_set_unref(set);
	journal_is(&w, "open one a\nopen two b\n");
	plugin_set_unref(set);
	journal_is(&w, "open one a\nopen two b\nclose two b\nclose one a\n");
	plugin_set_unref(NULL);
	world_fini(&w);
}

static void gives_each_instance_a_private_folder(void **state)
{
	struct world w;
	struct plugin_set *set;
	char path[PATH_MAX + 64];
	struct stat st;

	(void)state;
	world_init(&w);
	world_add(&w, "one", "peer", world_journal(&w));
	set = world_open(&w, NULL);
	snprintf(path, sizeof(path), "%s/plugins/one", w.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	plugin_set_unref(set);
	world_fini(&w);
}

static void one_that_does_not_open_undoes_all(void **state)
{
	static const struct {
		const char *fail, *sentence;
		int code;
	} rows[] = {
		{ "fail=yes", "plugin 'two' (peer): told to fail", -EIO },
		{ "fail=mute", "plugin 'two' (peer): two: open: Input/output error", -EIO },
		{ "fail=odd",
		  "plugin 'two' (peer): two: open returned 7, which is neither 0 nor a negative "
		  "errno",
		  -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plugin_set *set = NULL;
		struct ragd_err err = { 0 };
		struct world w;

		world_init(&w);
		world_add(&w, "one", "peer", world_journal(&w));
		world_add(&w, "two", "peer", world_journal(&w), rows[i].fail);
		assert_int_equal(plugin_set_open(&w.cfg, NULL, &set, &err), rows[i].code);
		assert_string_equal(err.msg, rows[i].sentence);
		assert_null(set);
		journal_is(&w, "open one \nclose one \n");
		world_fini(&w);
	}
}

static void a_trial_finds_what_a_start_would(void **state)
{
	static const char *const fails[] = { "fail=no", "fail=yes", "fail=mute", "fail=odd" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fails); i++) {
		struct plugin_set *set = NULL;
		struct ragd_err tried = { 0 }, started = { 0 };
		struct world w;
		int rc;

		world_init(&w);
		world_add(&w, "one", "peer", world_journal(&w), fails[i]);
		rc = plugin_trial(&w.cfg, &tried);
		journal_is(&w, rc == 0 ? "open one \nclose one \n" : "");
		assert_int_equal(plugin_set_open(&w.cfg, NULL, &set, &started), rc);
		assert_string_equal(tried.msg, started.msg);
		plugin_set_unref(set);
		world_fini(&w);
	}
}

static void refuses_names_that_are_no_folders_and_twins(void **state)
{
	static const struct {
		const char *name, *sentence;
		int code;
	} rows[] = {
		{ "one", "plugin 'one': two plugins have that name", -EEXIST },
		{ "../up", "plugin '../up': a name consists of a-z", -EINVAL },
		{ "", "plugin '': a name consists of a-z", -EINVAL },
		{ "a b", "plugin 'a b': a name consists of a-z", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plugin_set *set;
		struct ragd_err err = { 0 };
		struct world w;

		world_init(&w);
		world_add(&w, "one", "peer", world_journal(&w));
		world_add(&w, rows[i].name, "peer", world_journal(&w));
		assert_int_equal(plugin_set_open(&w.cfg, NULL, &set, &err), rows[i].code);
		assert_non_null(strstr(err.msg, rows[i].sentence));
		journal_is(&w, "");
		world_fini(&w);
	}
}

static void says_why_there_is_no_state_folder(void **state)
{
	struct plugin_set *set;
	struct ragd_err err = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "one", "peer", world_journal(&w));
	w.cfg.state_dir = "/nonexistent";
	assert_int_equal(plugin_set_open(&w.cfg, NULL, &set, &err), -ENOENT);
	assert_string_equal(err.msg,
			    "make directory '/nonexistent/plugins': No such file or directory");
	world_fini(&w);
}

static void carries_over_what_did_not_change(void **state)
{
	struct world w, next, last;
	struct plugin_set *one, *two, *three;

	(void)state;
	world_init(&w);
	world_add(&w, "same", "peer", world_journal(&w), "verse=a", "words=x,y");
	world_add(&w, "other", "peer", world_journal(&w), "verse=a", "words=x,y");
	world_add(&w, "gone", "peer", world_journal(&w), "verse=a");
	one = world_open(&w, NULL);

	world_next(&next, &w);
	world_add(&next, "other", "peer", world_journal(&w), "verse=a", "words=x,z");
	world_add(&next, "same", "peer", world_journal(&w), "verse=a", "words=x,y");
	two = world_open(&next, one);
	assert_ptr_equal(plugin_set_find(one, 0, "same")->self,
			 plugin_set_find(two, 0, "same")->self);
	assert_ptr_not_equal(plugin_set_find(one, 0, "other")->self,
			     plugin_set_find(two, 0, "other")->self);
	journal_is(&w, "open same a\nopen other a\nopen gone a\nopen other a\n");
	plugin_set_unref(one);
	journal_is(&w, "open same a\nopen other a\nopen gone a\nopen other a\nclose gone a\nclose "
		       "other a\n");
	arena_free(w.arena); /* the first configuration is gone, what was carried over lives */
	says(two, "same", "a");

	world_next(&last, &next);
	world_add(&last, "same", "peer", world_journal(&next), "verse=a", "words=x,y", "part=0.5");
	three = world_open(&last, two);
	assert_ptr_not_equal(plugin_set_find(two, 0, "same")->self,
			     plugin_set_find(three, 0, "same")->self);
	plugin_set_unref(two);
	plugin_set_unref(three);
	arena_free(next.arena);
	world_fini(&last);
}

static void a_failed_reload_leaves_the_old_set_as_it_was(void **state)
{
	struct world w, next;
	struct plugin_set *one, *two = NULL;
	struct ragd_err err = { 0 };

	(void)state;
	world_init(&w);
	world_add(&w, "same", "peer", world_journal(&w), "verse=a");
	one = world_open(&w, NULL);
	world_next(&next, &w);
	world_add(&next, "same", "peer", world_journal(&w), "verse=a");
	world_add(&next, "new", "peer", world_journal(&w), "fail=yes");
	assert_int_equal(plugin_set_open(&next.cfg, one, &two, &err), -EIO);
	journal_is(&w, "open same a\n");
	says(one, "same", "a");
	next.cfg.n_plugins = 0;
	world_add(&next, "same", "peer", world_journal(&w), "verse=b", "fail=busy");
	assert_int_equal(plugin_set_open(&next.cfg, one, &two, &err), -EBUSY);
	assert_string_equal(
		err.msg,
		"plugin 'same' (peer): it runs with other options and cannot be open twice: "
		"restart to change them (the store is taken)");
	says(one, "same", "a");
	plugin_set_unref(one);
	journal_is(&w, "open same a\nclose same a\n");
	arena_free(next.arena);
	world_fini(&w);
}

static void reaches_the_abilities_of_others_by_name(void **state)
{
	struct ragd_str text = RAGD_STR("four"), words[2] = { RAGD_STR("yes"), RAGD_STR("no") };
	struct ragd_generate req = { .size = sizeof(req), .sampling = &plain_sampling };
	const struct plugin *front, *lost, *dumb;
	struct ragd_err err = { 0 };
	struct ragd_score score[2];
	const struct ragd_rerank ranks = { sizeof(ranks), text, words, 2 };
	double relevance[2];
	struct plugin_set *set;
	struct test_call call;
	const struct ragd_embed embed = { .size = sizeof(embed), .texts = &text, .n = 1 };
	struct ragd_embeddings v = { .size = sizeof(v) };
	struct test_sink sink;
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "front", "peer", world_journal(&w), "ask=back");
	world_add(&w, "back", "peer", world_journal(&w), "verse=from the back");
	world_add(&w, "lost", "peer", world_journal(&w), "ask=nobody");
	world_add(&w, "dumb", "peer", world_journal(&w), "ask=echo");
	world_add(&w, "echo", "inference_echo", NULL);
	set = world_open(&w, NULL);
	test_call_init(&call);
	test_sink_init(&sink);
	front = plugin_set_find(set, 0, "front");
	lost = plugin_set_find(set, 0, "lost");
	dumb = plugin_set_find(set, 0, "dumb");

	says(set, "front", "from the back");
	assert_int_equal(ops(front)->embed(front->self, &call.call, &embed, &v, &err), 0);
	assert_int_equal(v.dim, 1);
	assert_string_equal(v.stamp, "peer");
	assert_int_equal(ops(dumb)->embed(dumb->self, &call.call, &embed, &v, &err), 0);
	assert_int_equal(v.dim, 64);
	assert_string_equal(v.stamp, "echo1"); /* of the one that made them */
	assert_int_equal(ops(front)->score(front->self, &call.call, text, words, 2, score, &err),
			 0);
	assert_true(score[0].logprob == -3 && score[1].logprob == -2);
	assert_int_equal(ops(front)->rerank(front->self, &call.call, &ranks, relevance, &err), 0);
	assert_true(relevance[0] == 1 && relevance[1] == 2);

	assert_int_equal(ops(dumb)->score(dumb->self, &call.call, text, words, 2, score, &err),
			 -ENOTSUP);
	assert_string_equal(err.msg, "plugin 'dumb': plugin 'echo' cannot score");
	assert_int_equal(ops(lost)->embed(lost->self, &call.call, &embed, &v, &err), -ENOENT);
	assert_string_equal(
		err.msg,
		"plugin 'lost': there is no inference or retrieval plugin 'nobody' to ask");
	assert_int_equal(ops(lost)->score(lost->self, &call.call, text, words, 2, score, &err),
			 -ENOENT);
	assert_int_equal(ops(dumb)->rerank(dumb->self, &call.call, &ranks, relevance, &err),
			 -ENOTSUP);
	assert_string_equal(err.msg, "plugin 'dumb': plugin 'echo' cannot rerank");
	assert_int_equal(ops(lost)->rerank(lost->self, &call.call, &ranks, relevance, &err),
			 -ENOENT);
	assert_int_equal(ops(lost)->generate(lost->self, &call.call, &req, &sink.sink, &err),
			 -ENOENT);
	assert_int_equal(sink.n_done, 0);

	test_sink_fini(&sink);
	test_call_fini(&call);
	plugin_set_unref(set);
	world_fini(&w);
}

/* A sink that keeps the plugin's thread in text() until it is let go. */
struct slow_sink {
	struct ragd_sink sink;
	sem_t inside, go;
	atomic_int done;
};

static int slow_text_cb(struct ragd_sink *sink, const char *text, size_t len)
{
	struct slow_sink *s = container_of(sink, struct slow_sink, sink);

	(void)text;
	(void)len;
	sem_post(&s->inside);
	sem_wait(&s->go);
	return 0;
}

static void slow_done_cb(struct ragd_sink *sink, int rc, enum ragd_finish finish,
			 const struct ragd_usage *usage, const struct ragd_err *err)
{
	(void)finish;
	(void)usage;
	(void)err;
	atomic_store(&container_of(sink, struct slow_sink, sink)->done, rc == 0 ? 1 : -1);
}

static void a_peer_stays_open_while_it_answers_across_a_reload(void **state)
{
	struct ragd_generate req = { .size = sizeof(req), .sampling = &plain_sampling };
	struct slow_sink slow = { .sink = { sizeof(slow.sink), slow_text_cb, slow_done_cb } };
	struct plugin_set *one, *two;
	const struct plugin *front;
	struct world w, next;
	struct test_call call;

	(void)state;
	sem_init(&slow.inside, 0, 0);
	sem_init(&slow.go, 0, 0);
	test_call_init(&call);
	world_init(&w);
	world_add(&w, "back", "peer", world_journal(&w), "verse=old", "threaded=yes");
	world_add(&w, "front", "peer", world_journal(&w), "ask=back");
	one = world_open(&w, NULL);
	front = plugin_set_find(one, 0, "front");
	assert_int_equal(ops(front)->generate(front->self, &call.call, &req, &slow.sink, NULL), 0);
	sem_wait(&slow.inside);

	world_next(&next, &w);
	world_add(&next, "back", "peer", world_journal(&w), "verse=new");
	world_add(&next, "front", "peer", world_journal(&w), "ask=back");
	two = world_open(&next, one);
	plugin_set_unref(one);
	/* The old back is in no set any more, but it is not closed under its answer. */
	journal_is(&w, "open back old\nopen front \nopen back new\n");
	says(two, "front", "new"); /* carried over, and it finds the new one */

	assert_int_equal(atomic_load(&slow.done), 0);
	sem_post(&slow.go);
	plugin_set_unref(two); /* waits for what is under way */
	assert_int_equal(atomic_load(&slow.done), 1);
	arena_free(next.arena);
	{
		char path[PATH_MAX + 16], text[256] = "";
		FILE *f;

		snprintf(path, sizeof(path), "%s/journal", w.dir);
		f = fopen(path, "r");
		assert_non_null(f);
		assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
		fclose(f);
		assert_non_null(strstr(text, "close back old"));
		assert_non_null(strstr(text, "close back new"));
		assert_non_null(strstr(text, "close front"));
	}
	test_call_fini(&call);
	world_fini(&w);
}

/* ---- metrics and log ----------------------------------------------------------------------- */

static void collect_cb(const char *instance, const char *name, bool counter, double value,
		       void *arg)
{
	buf_printf(arg, "%s %s %s %g\n", instance, name, counter ? "counter" : "gauge", value);
}

static void metrics_are(const char *want)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "");
	plugin_metrics(collect_cb, &b);
	assert_string_equal(b.data, want);
	buf_fini(&b);
}

/* What a plugin's own thread asks another for, as nobody in particular. */
struct own_thread {
	const struct plugin *p;
	struct test_call call;
	struct ragd_embeddings v;
	int rc;
};

static void *own_thread_run(void *arg)
{
	const struct ragd_str text = RAGD_STR("four");
	const struct ragd_embed embed = { .size = sizeof(embed),
					  .use = RAGD_EMBED_PASSAGE,
					  .texts = &text,
					  .n = 1,
					  .background = true };
	struct own_thread *t = arg;

	t->rc = ops(t->p)->embed(t->p->self, &t->call.call, &embed, &t->v, NULL);
	return NULL;
}

static void vectors_come_to_any_thread_with_their_stamp(void **state)
{
	const struct ragd_str blank = RAGD_STR(" \n");
	const struct ragd_embed embed = { .size = sizeof(embed), .texts = &blank, .n = 1 };
	struct ragd_embed_card card = { .size = sizeof(card) };
	struct own_thread t = { .v = { .size = sizeof(t.v) } };
	const struct plugin *lost;
	struct ragd_err err = { 0 };
	struct plugin_set *set;
	pthread_t thread;
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "front", "peer", world_journal(&w), "ask=echo");
	world_add(&w, "lost", "peer", world_journal(&w), "ask=nobody");
	world_add(&w, "echo", "inference_echo", NULL);
	set = world_open(&w, NULL);
	test_call_init(&t.call);
	t.p = plugin_set_find(set, 0, "front");
	lost = plugin_set_find(set, 0, "lost");
	ops(t.p)->embed_card(t.p->self, &card);
	assert_int_equal(card.dim, 64);
	assert_string_equal(card.stamp, "echo1");
	ops(lost)->embed_card(lost->self, &card);
	assert_string_equal(card.stamp, "none");

	t.call.call.caller = NULL;
	assert_int_equal(pthread_create(&thread, NULL, own_thread_run, &t), 0);
	pthread_join(thread, NULL);
	assert_int_equal(t.rc, 0);
	assert_string_equal(t.v.stamp, "echo1");
	assert_int_equal(t.v.n_tokens[0], 1);

	/* No plugin is asked for the vector of nothing. */
	assert_int_equal(ops(t.p)->embed(t.p->self, &t.call.call, &embed, &t.v, &err), -EINVAL);
	assert_string_equal(err.msg, "text 0 is blank: it has no vector");
	test_call_fini(&t.call);
	plugin_set_unref(set);
	world_fini(&w);
}

/* The host stands between two plugins as it stands between a plugin and the daemon. */
static void what_a_peer_returns_is_judged(void **state)
{
	static const struct {
		const char *ability;
		const char *mode;
		int want;
	} rows[] = {
		{ "score", "", 0 },
		{ "score", "nan", -EPROTO },
		{ "score", "left_out", -EPROTO },
		{ "score", "positive", -EPROTO },
		{ "rerank", "", 0 },
		{ "rerank", "nan", -EPROTO },
		{ "rerank", "infinite", -EPROTO },
		{ "rerank", "left_out", -EPROTO },
		{ "rerank", "positive", -EPROTO },
		{ "embed", "", 0 },
		{ "embed", "nan", -EPROTO },
		{ "embed", "zero", -EPROTO },
		{ "embed", "long", -EPROTO },
		{ "embed", "vectors_missing", -EPROTO },
		{ "embed", "positive", -EPROTO },
		{ "generate", "", 0 },
		{ "generate", "done_twice", 0 },
		{ "generate", "text_late", 0 },
		{ "generate", "text_bytes", -EPROTO },
		{ "generate", "finish", -EPROTO },
		{ "generate", "done_positive", -EPROTO },
		{ "generate", "done_mute", -EIO },
	};
	const struct ragd_str words[] = { RAGD_STR("a"), RAGD_STR("b") };
	struct ragd_score score[2];
	struct plugin_set *set;
	struct test_call call;
	const struct plugin *p;
	struct world w;

	(void)state;
	world_init(&w);
	world_add(&w, "front", "peer", world_journal(&w), "ask=back");
	world_add(&w, "back", "hostile_inference", "card=fine");
	set = world_open(&w, NULL);
	test_call_init(&call);
	p = plugin_set_find(set, 0, "front");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_generate req = { .size = sizeof(req), .sampling = &plain_sampling };
		struct ragd_err err = { 0 };
		struct test_sink sink;
		const struct ragd_embed embed = { .size = sizeof(embed),
						  .texts = &req.question,
						  .n = 1 };
		struct ragd_embeddings v = { .size = sizeof(v) };
		struct ragd_rerank ranks = { .size = sizeof(ranks), .passages = words, .n = 2 };
		double relevance[2];
		char text[64];
		int rc;

		print_message("%s: %s\n", rows[i].ability, rows[i].mode);
		snprintf(text, sizeof(text), "model=%s", rows[i].mode);
		req.question = (struct ragd_str){ text, strlen(text) };
		test_sink_init(&sink);
		if (strcmp(rows[i].ability, "score") == 0) {
			rc = ops(p)->score(p->self, &call.call, req.question, words, 2, score,
					   &err);
		} else if (strcmp(rows[i].ability, "embed") == 0) {
			rc = ops(p)->embed(p->self, &call.call, &embed, &v, &err);
		} else if (strcmp(rows[i].ability, "rerank") == 0) {
			ranks.query = req.question;
			rc = ops(p)->rerank(p->self, &call.call, &ranks, relevance, &err);
		} else {
			rc = ops(p)->generate(p->self, &call.call, &req, &sink.sink, &err);
			assert_int_equal(rc, 0);
			test_sink_wait(&sink);
			assert_int_equal(sink.n_done, 1);
			assert_string_equal(sink.text.data, "Four threads.");
			rc = sink.rc;
			err = sink.err;
		}
		test_sink_fini(&sink);
		assert_int_equal(rc, rows[i].want);
		if (rc == -EPROTO)
			assert_int_equal(strncmp(err.msg, "back: ", 6), 0);
	}
	test_call_fini(&call);
	metrics_are("back faults counter 17\n");
	plugin_set_unref(set);
	world_fini(&w);
}

static void counts(struct plugin_set *set, const char *instance, const char *name)
{
	const struct plugin *p = plugin_set_find(set, 0, instance);

	assert_int_equal(ops(p)->count(p->self, (struct ragd_str){ name, strlen(name) }, NULL), 1);
}

static void keeps_metrics_by_instance_across_reloads(void **state)
{
	struct plugin_set *one, *two;
	struct world w, next;

	(void)state;
	metrics_are("");
	world_init(&w);
	world_add(&w, "one", "peer", world_journal(&w));
	world_add(&w, "two", "peer", world_journal(&w));
	one = world_open(&w, NULL);
	counts(one, "two", "hits");
	counts(one, "one", "hits");
	counts(one, "one", "hits");
	counts(one, "one", "seen");
	metrics_are("one hits counter 4\ntwo hits counter 2\none level gauge 4\ntwo level gauge 4\n"
		    "one seen counter 2\n");
	world_next(&next, &w);
	world_add(&next, "one", "peer", world_journal(&w), "verse=changed");
	two = world_open(&next, one);
	plugin_set_unref(one);
	counts(two, "one", "hits");
	metrics_are("one hits counter 6\none level gauge 4\none seen counter 2\n");
	plugin_set_unref(two);
	metrics_are("");
	arena_free(next.arena);
	world_fini(&w);
}

static void bounds_the_names_of_metrics(void **state)
{
	struct buf b = BUF_INIT;
	struct plugin_set *set;
	struct world w;
	char name[32];
	size_t lines = 0;

	(void)state;
	world_init(&w);
	world_add(&w, "one", "peer", world_journal(&w));
	set = world_open(&w, NULL);
	counts(set, "one", "No Name For Prometheus");
	counts(set, "one", "");
	counts(set, "one", "a23456789_123456789_123456789_123456789_123456789_123456789_12345");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "name_%d", i);
		counts(set, "one", name);
	}
	plugin_metrics(collect_cb, &b);
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	assert_int_equal(lines, 64);
	assert_null(strstr(b.data, "No Name"));
	buf_fini(&b);
	plugin_set_unref(set);
	world_fini(&w);
}

static void logs_one_line_with_the_instance_in_it(void **state)
{
	char text[512] = "";
	struct plugin_set *set;
	struct world w;
	int fds[2], saved;
	ssize_t n;

	(void)state;
	world_init(&w);
	world_add(&w, "one", "peer", world_journal(&w));
	set = world_open(&w, NULL);
	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	log_set_level(RAGD_LOG_INFO);
	counts(set, "one", "hits");
	log_set_level(RAGD_LOG_ERR);
	counts(set, "one", "quiet");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_true(n > 0);
	assert_non_null(strstr(text, "plugin=one msg=\"counted hits\\nsecond line\""));
	assert_null(strstr(text, "quiet"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	plugin_set_unref(set);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_in_order_and_closes_in_reverse),
		cmocka_unit_test(gives_each_instance_a_private_folder),
		cmocka_unit_test(one_that_does_not_open_undoes_all),
		cmocka_unit_test(a_trial_finds_what_a_start_would),
		cmocka_unit_test(refuses_names_that_are_no_folders_and_twins),
		cmocka_unit_test(says_why_there_is_no_state_folder),
		cmocka_unit_test(carries_over_what_did_not_change),
		cmocka_unit_test(a_failed_reload_leaves_the_old_set_as_it_was),
		cmocka_unit_test(reaches_the_abilities_of_others_by_name),
		cmocka_unit_test(a_peer_stays_open_while_it_answers_across_a_reload),
		cmocka_unit_test(keeps_metrics_by_instance_across_reloads),
		cmocka_unit_test(bounds_the_names_of_metrics),
		cmocka_unit_test(vectors_come_to_any_thread_with_their_stamp),
		cmocka_unit_test(what_a_peer_returns_is_judged),
		cmocka_unit_test(logs_one_line_with_the_instance_in_it),
	};

	log_set_level(RAGD_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
