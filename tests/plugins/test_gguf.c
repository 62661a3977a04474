/*
 * inference_gguf with small real models: it answers, embeds, scores and counts; what it cannot do
 * it says. Without the models the tests are skipped.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/plugins/plugin_metrics.h"
#include "daemon/plugins/plugin_set.h"
#include "daemon/service/log.h"
#include "engine/gguf/write.h"
#include "engine/kernels/kernels.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

#define STORY "llm/tinystories-656K/tinystories-656K-Q8_0.gguf"
#define BERT  "embeddings/static-bert/static-bert-Q8_0.gguf"

struct fixture {
	struct world w;
	struct plugin_set *set;
	const struct plugin *llm;
	const struct ragd_inference_ops *ops;
	struct test_call call;
	struct test_sink sink;
	struct ragd_err err;
};

/* "model=…" of a file among the shared ones; skips the test if it is not there. */
static const char *model_option(const char *name)
{
	static char option[PATH_MAX + 16];
	const char *dir = getenv("RAGD_SRCDIR");

	snprintf(option, sizeof(option), "model=%s/../shared/models/%s", dir != NULL ? dir : ".",
		 name);
	if (access(option + strlen("model="), R_OK) == 0)
		return option;
	print_message("%s is absent\n", option + strlen("model="));
	skip();
	return NULL;
}

static void begin_with(struct fixture *f, const char *const *options)
{
	memset(f, 0, sizeof(*f));
	world_init(&f->w);
	if (world_try(&f->w, "llm", "inference_gguf", options, &f->err) < 0 ||
	    plugin_set_open(&f->w.cfg, NULL, &f->set, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	f->llm = plugin_set_at(f->set, 0);
	f->ops = f->llm->descriptor->ops.inference;
	test_call_init(&f->call);
	test_sink_init(&f->sink);
}

#define begin(f, ...) begin_with(f, (const char *const[]){ __VA_ARGS__, NULL })

static void end(struct fixture *f)
{
	plugin_set_unref(f->set);
	test_sink_fini(&f->sink);
	test_call_fini(&f->call);
	world_fini(&f->w);
}

static int ask_with(struct fixture *f, const char *text, struct ragd_sampling sampling)
{
	struct ragd_message message = { RAGD_ROLE_USER, { text, strlen(text) } };
	struct ragd_generate req = {
		.size = sizeof(req), .messages = &message, .n_messages = 1, .sampling = &sampling
	};
	int rc;

	test_sink_fini(&f->sink);
	test_sink_init(&f->sink);
	rc = f->ops->generate(f->llm->self, &f->call.call, &req, &f->sink.sink, &f->err);
	if (rc == 0) /* req is only borrowed until then */
		test_sink_wait(&f->sink);
	return rc;
}

static void ask(struct fixture *f, const char *text, uint32_t max_tokens)
{
	assert_int_equal(ask_with(f, text, (struct ragd_sampling){ .max_tokens = max_tokens }), 0);
}

static void tells_the_story_that_the_model_tells(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain");
	ask(&f, "Once upon a time", 32);
	assert_int_equal(f.sink.rc, 0);
	assert_int_equal(f.sink.n_done, 1);
	assert_int_equal(f.sink.finish, RAGD_FINISH_LENGTH);
	/* As the reference has it, in the beginning at least, where the model is sure. */
	assert_non_null(strstr(f.sink.text.data, ", a little girl named Lily lived in a small"));
	assert_int_equal(f.sink.usage.n_prompt, 6);
	assert_int_equal(f.sink.usage.n_output, 32);
	ask(&f, "Once upon a time", 5); /* all but the BOS and the last token */
	assert_int_equal(f.sink.usage.n_cached, 4);
	end(&f);
}

/*
 * Ask as somebody of this uid, whose messages[0] begins with so many bytes of the configuration's.
 */
static uint32_t cached_for(struct fixture *f, uid_t uid, const struct ragd_message *messages,
			   size_t n, size_t n_configured)
{
	struct ragd_generate req = { .size = sizeof(req),
				     .messages = messages,
				     .n_messages = n,
				     .sampling = &(struct ragd_sampling){ .max_tokens = 1 },
				     .n_configured = n_configured };

	f->call.caller.uid = uid;
	test_sink_fini(&f->sink);
	test_sink_init(&f->sink);
	assert_int_equal(
		f->ops->generate(f->llm->self, &f->call.call, &req, &f->sink.sink, &f->err), 0);
	test_sink_wait(&f->sink);
	assert_int_equal(f->sink.rc, 0);
	return f->sink.usage.n_cached;
}

/* Everything that could be guessed of what another asked, a word at a time and as a whole. */
static void guesses_tell_nothing_of_what_another_asked(void **state)
{
	static const char secret[] =
		"Once upon a time my bank was Lloyds and the password was cat dog sun 4711, and so "
		"it "
		"was for many years, but nobody in the small house by the sea was to know of that.";
	static const char *const templates[] = { "template=plain", "template=chatml",
						 "template=llama3.1", "template=gemma3" };

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(templates); t++) {
		struct ragd_message m = { RAGD_ROLE_USER, { secret, sizeof(secret) - 1 } };
		struct fixture f;

		begin(&f, model_option(STORY), templates[t]);
		cached_for(&f, 1000, &m, 1, 0);
		for (uid_t uid = 2000; m.text.len > 0; uid++) { /* of each guess the first try */
			assert_int_equal(cached_for(&f, uid, &m, 1, 0), 0);
			m.text.len--;
			while (m.text.len > 0 && secret[m.text.len - 1] != ' ')
				m.text.len--;
		}
		m.text.len = sizeof(secret) - 1;
		/*
		 * Who asked finds it all, but for the last token and what the template begins with.
		 */
		assert_true(cached_for(&f, 1000, &m, 1, 0) > 40);
		end(&f);
	}
}

/* What is the configuration's is read once, and counts for nobody, whoever asks behind it. */
static void only_the_configurations_words_are_shared(void **state)
{
	static const char policy[] = "You tell stories to small children. Tell of animals and of "
				     "the weather, of boats and "
				     "of trees, and never of anything that makes them sad. If you "
				     "are asked for something "
				     "else then say that you do not know. Be kind to everybody and "
				     "use small words. Once "
				     "upon a time there was a little girl who asked why the sky is "
				     "blue and got an answer.";
	struct ragd_message m[] = { { RAGD_ROLE_SYSTEM, { policy, sizeof(policy) - 1 } },
				    { RAGD_ROLE_USER, RAGD_STR("Tell me of a dog named Tom.") } };
	static const char *const templates[] = { "template=plain", "template=chatml",
						 "template=llama3.1", "template=gemma3" };

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(templates); t++) {
		struct fixture f;
		uint32_t n, own;

		begin(&f, model_option(STORY), templates[t]);
		cached_for(&f, 1000, m, 2, m[0].text.len);
		n = f.sink.usage.n_prompt;
		assert_int_equal(cached_for(&f, 1001, m, 2, m[0].text.len), 0);
		own = cached_for(&f, 1000, m, 2, m[0].text.len);
		/* The rest are the configuration's, some but not all. */
		assert_true(own > 0 && own + KV_PAGE < n - 1);
		/* Without a word on it nothing is but the template's head. */
		assert_int_equal(cached_for(&f, 1001, m, 2, 0), 0);
		assert_true(cached_for(&f, 1001, m, 2, 0) > own);
		end(&f);
	}
}

static void ends_where_it_is_told(void **state)
{
	const struct ragd_str stop[] = { RAGD_STR("named Lily") };
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain", "max_tokens=20");
	assert_int_equal(ask_with(&f, "Once upon a time",
				  (struct ragd_sampling){ .stop = stop, .n_stop = 1 }),
			 0);
	assert_string_equal(f.sink.text.data, ", a little girl ");
	assert_int_equal(f.sink.finish, RAGD_FINISH_STOP);
	ask(&f, "Once upon a time", 0);
	assert_int_equal(f.sink.usage.n_output, 20); /* the option's limit */
	test_sink_fini(&f.sink);
	test_sink_init(&f.sink);
	end(&f);
}

static void sampling_reaches_the_model(void **state)
{
	const struct ragd_bias never = { 313, -100 }; /* ", a little" begins with it */
	struct fixture f;
	char first[4][256];

	(void)state;
	begin(&f, model_option(STORY), "template=plain");
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		const struct ragd_sampling s = {
			.max_tokens = 24, .temperature = 1, .top_p = 1, .seed = 7 + i / 2
		};

		assert_int_equal(ask_with(&f, "Once upon a time", s), 0);
		snprintf(first[i], sizeof(first[i]), "%s", f.sink.text.data);
	}
	assert_string_equal(first[0], first[1]);
	assert_string_equal(first[2], first[3]);
	assert_string_not_equal(first[0], first[2]);
	assert_int_equal(
		ask_with(&f, "Once upon a time",
			 (struct ragd_sampling){ .max_tokens = 4, .bias = &never, .n_bias = 1 }),
		0);
	assert_true(f.sink.text.len > 0 && strncmp(f.sink.text.data, ", a little", 10) != 0);
	end(&f);
}

static void what_does_not_fit_is_counted(void **state)
{
	char text[4096];
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain", "context=128", "max_tokens=64");
	for (size_t i = 0; i + 6 < sizeof(text); i += 6)
		memcpy(text + i, " time ", 7);
	assert_int_equal(ask_with(&f, text, (struct ragd_sampling){ 0 }), -EMSGSIZE);
	assert_non_null(strstr(f.err.msg, "128"));
	assert_false(f.sink.done);
	end(&f);
}

static void nobody_waits_any_more(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain");
	f.call.is_cancelled = true;
	ask(&f, "Once upon a time", 400);
	assert_int_equal(f.sink.rc, -ECANCELED);
	f.call.is_cancelled = false;
	f.call.call.deadline_ms = clock_ms() - 1;
	ask(&f, "Once upon a time", 400);
	assert_int_equal(f.sink.rc, -ETIMEDOUT);
	f.call.call.deadline_ms = 0;
	test_sink_fini(&f.sink);
	test_sink_init(&f.sink);
	end(&f);
}

/* Nor do texts to embed, to score and to answer hold a thread for longer than anybody waits. */
static void long_texts_are_given_up(void **state)
{
	static const struct {
		bool cancelled;
		int64_t deadline_ms;
		int rc;
	} rows[] = { { true, 0, -ECANCELED }, { false, 1, -ETIMEDOUT } };
	size_t len = 4 << 20;
	char *text = malloc(len);
	struct ragd_str s = { text, len };
	struct ragd_message m = { RAGD_ROLE_USER, s };
	struct ragd_generate req = {
		.size = sizeof(req), .messages = &m, .n_messages = 1, .sampling = &plain_sampling
	};
	const struct ragd_str short_text = { text, 9 };
	const struct ragd_embed long_one = { .size = sizeof(long_one), .texts = &s, .n = 1 };
	const struct ragd_embed short_one = { .size = sizeof(short_one),
					      .texts = &short_text,
					      .n = 1 };
	struct ragd_embeddings v = { .size = sizeof(v) };
	struct ragd_score score;
	struct fixture f;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', len);
	begin(&f, model_option(STORY), "template=plain");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		f.call.is_cancelled = rows[i].cancelled;
		f.call.call.deadline_ms = rows[i].deadline_ms;
		assert_int_equal(
			f.ops->generate(f.llm->self, &f.call.call, &req, &f.sink.sink, &f.err),
			rows[i].rc);
		assert_int_equal(f.ops->embed(f.llm->self, &f.call.call, &long_one, &v, &f.err),
				 rows[i].rc);
		assert_int_equal(f.ops->score(f.llm->self, &f.call.call, s, &s, 1, &score, &f.err),
				 rows[i].rc);
		/* Short ones, too, that only the engine has to give up. */
		assert_int_equal(f.ops->embed(f.llm->self, &f.call.call, &short_one, &v, &f.err),
				 rows[i].rc);
		assert_int_equal(f.ops->score(f.llm->self, &f.call.call,
					      (struct ragd_str){ text, 9 },
					      &(struct ragd_str){ text, 9 }, 1, &score, &f.err),
				 rows[i].rc);
	}
	end(&f);
	free(text);
}

static void a_full_host_ends_the_answer(void **state)
{
	struct ragd_message message = { RAGD_ROLE_USER, RAGD_STR("Once upon a time") };
	struct ragd_generate req = { .size = sizeof(req),
				     .messages = &message,
				     .n_messages = 1,
				     .sampling = &plain_sampling };
	static const int codes[] = { -ENOBUFS, -ECANCELED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct fixture f;

		begin(&f, model_option(STORY), "template=plain");
		f.sink.stop_after = 3;
		f.sink.stop_code = codes[i];
		assert_int_equal(
			f.ops->generate(f.llm->self, &f.call.call, &req, &f.sink.sink, &f.err), 0);
		test_sink_wait(&f.sink);
		assert_int_equal(f.sink.n_pieces, 3);
		assert_int_equal(f.sink.n_done, 1);
		assert_int_equal(f.sink.rc, codes[i] == -ENOBUFS ? 0 : -ECANCELED);
		if (codes[i] == -ENOBUFS)
			assert_int_equal(f.sink.finish, RAGD_FINISH_LENGTH);
		end(&f);
	}
}

static void scores_what_may_follow(void **state)
{
	const struct ragd_str next[] = { RAGD_STR(", a little girl named Lily"),
					 RAGD_STR(", a little girl named Zqxj"), RAGD_STR(",") };
	struct ragd_score score[3];
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain");
	assert_int_equal(f.ops->score(f.llm->self, &f.call.call, RAGD_STR("Once upon a time"), next,
				      3, score, &f.err),
			 0);
	assert_true(score[0].logprob > score[1].logprob + 5);
	assert_true(score[2].logprob < 0 && score[2].logprob > score[0].logprob);
	end(&f);
}

static void counts_tokens(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain");
	assert_int_equal(f.ops->count(f.llm->self, RAGD_STR("Once upon a time"), &f.err), 5);
	assert_int_equal(f.ops->count(f.llm->self, RAGD_STR(""), &f.err), 0);
	end(&f);
}

static double dot(const float *a, const float *b, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

static void embeds_texts(void **state)
{
	const struct ragd_str texts[] = { RAGD_STR("How do I reset my password?"),
					  RAGD_STR("resetting a password"),
					  RAGD_STR("The museum lies in Rotterdam.") };
	struct ragd_message message = { RAGD_ROLE_USER, RAGD_STR("Hello") };
	struct ragd_generate req = { .size = sizeof(req),
				     .messages = &message,
				     .n_messages = 1,
				     .sampling = &plain_sampling };
	const struct ragd_embed embed = { .size = sizeof(embed), .texts = texts, .n = 3 };
	struct ragd_embeddings out = { .size = sizeof(out) };
	struct ragd_score score;
	struct fixture f;
	const float *v;
	uint32_t dim;

	(void)state;
	begin(&f, model_option(BERT));
	assert_int_equal(f.ops->embed(f.llm->self, &f.call.call, &embed, &out, &f.err), 0);
	v = out.values;
	dim = out.dim;
	for (size_t i = 0; i < 3; i++)
		assert_true(fabs(dot(v + i * dim, v + i * dim, dim) - 1) < 1e-4);
	assert_true(dot(v, v + dim, dim) > dot(v, v + 2 * dim, dim) + 0.1);
	/* It has no text to give, and says so. */
	assert_int_equal(f.ops->generate(f.llm->self, &f.call.call, &req, &f.sink.sink, &f.err),
			 -ENOTSUP);
	assert_non_null(strstr(f.err.msg, "writes no text"));
	assert_int_equal(
		f.ops->score(f.llm->self, &f.call.call, texts[0], texts, 1, &score, &f.err),
		-ENOTSUP);
	end(&f);
}

/* What one text gives, as what it is used. */
static struct ragd_embeddings embed_one(struct fixture *f, enum ragd_embed_use use,
					const char *text)
{
	const struct ragd_str s = { text, strlen(text) };
	const struct ragd_embed req = {
		.size = sizeof(req), .use = use, .texts = &s, .n = 1, .background = use == 2
	};
	struct ragd_embeddings out = { .size = sizeof(out) };

	assert_int_equal(f->ops->embed(f->llm->self, &f->call.call, &req, &out, &f->err), 0);
	return out;
}

static void texts_have_the_prefix_of_their_use(void **state)
{
	struct ragd_embed_card plain = { .size = sizeof(plain) }, card = plain;
	struct ragd_embeddings asked, as_it_is, whole;
	struct ragd_card model = { .size = sizeof(model) };
	struct fixture f;

	(void)state;
	begin(&f, model_option(BERT));
	f.ops->card(f.llm->self, &model);
	assert_int_equal(model.abilities, RAGD_EMBEDS);
	f.ops->embed_card(f.llm->self, &plain);
	assert_int_equal(strlen(plain.stamp), 64);
	asked = embed_one(&f, RAGD_EMBED_QUERY, "the harbour");
	as_it_is = embed_one(&f, RAGD_EMBED_PASSAGE, "the harbour");
	assert_int_equal(asked.dim, plain.dim);
	assert_memory_equal(asked.values, as_it_is.values, asked.dim * sizeof(float));
	end(&f);

	begin(&f, model_option(BERT), "query_prefix=find: ");
	f.ops->embed_card(f.llm->self, &card);
	assert_string_not_equal(card.stamp, plain.stamp);
	asked = embed_one(&f, RAGD_EMBED_QUERY, "the harbour");
	as_it_is = embed_one(&f, RAGD_EMBED_PASSAGE, "the harbour");
	whole = embed_one(&f, RAGD_EMBED_PLAIN, "find: the harbour");
	assert_memory_equal(asked.values, whole.values, asked.dim * sizeof(float));
	assert_int_equal(asked.n_tokens[0], whole.n_tokens[0]);
	/* The prefix is no piece of the text. */
	assert_int_equal(asked.n_pieces[0], as_it_is.n_pieces[0]);
	assert_true(asked.n_tokens[0] > as_it_is.n_tokens[0]);
	end(&f);
}

/* Threads of this process that are this much nicer than the one that runs the tests. */
static size_t count_nicer(int by)
{
	int own = getpriority(PRIO_PROCESS, 0);
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *d;
	size_t n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			n += getpriority(PRIO_PROCESS, (id_t)atoi(d->d_name)) == own + by;
	closedir(dir);
	return n;
}

static void requests_cb(const char *instance, const char *name, bool counter, double value,
			void *arg)
{
	(void)instance;
	(void)counter;
	if (strcmp(name, "requests") == 0)
		*(double *)arg = value;
}

static double count_requests(void)
{
	double n = 0;

	plugin_metrics(requests_cb, &n);
	return n;
}

/* The vectors are the same: texts_have_the_prefix_of_their_use() compares them. */
static void passages_are_read_on_threads_that_yield(void **state)
{
	struct fixture f;

	(void)state;
	if (getpriority(PRIO_PROCESS, 0) > 9)
		skip(); /* nothing yields to it */
	begin(&f, model_option(BERT), "threads=3");
	/* The engine's and two that compute. */
	assert_int_equal(count_nicer(10), 3);
	embed_one(&f, RAGD_EMBED_QUERY, "the harbour");
	assert_float_equal(count_requests(), 2, 0); /* one is the warm-up's */
	embed_one(&f, RAGD_EMBED_PASSAGE, "the harbour");
	assert_float_equal(count_requests(), 3, 0);
	end(&f);
	assert_int_equal(count_nicer(10), 0);
	/* What writes answers reads texts between them. */
	begin(&f, model_option(STORY), "template=plain");
	assert_int_equal(count_nicer(10), 0);
	end(&f);
}

/* Few letters a piece tell that the vocabulary does not know the language. */
static void pieces_with_letters_are_counted(void **state)
{
	static const struct {
		const char *text;
		uint32_t pieces;
	} rows[] = {
		{ "the harbour", 2 },
		{ "(the): harbour!", 2 },
		{ "the \xe0\xb8\x81\xe0\xb8\x82\xe0\xb8\x84", 4 }, /* three Thai letters */
	};
	struct fixture f;

	(void)state;
	begin(&f, model_option(BERT));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].text);
		assert_int_equal(embed_one(&f, RAGD_EMBED_PLAIN, rows[i].text).n_pieces[0],
				 rows[i].pieces);
	}
	end(&f);
}

/* A vocabulary that was made for many languages has few letters a piece in some of them. */
static void pieces_of_other_vocabularies_tell_nothing(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain");
	assert_null(embed_one(&f, RAGD_EMBED_PLAIN, "the harbour").n_pieces);
	end(&f);
}

static void of_a_long_text_the_beginning_counts(void **state)
{
	enum { WORDS = 3000 };
	char *text = calloc(WORDS + 1, 8), *other = calloc(WORDS + 1, 8);
	struct ragd_embed_card card = { .size = sizeof(card) };
	struct ragd_embeddings a, b;
	struct fixture f;

	(void)state;
	assert_true(text != NULL && other != NULL);
	for (int i = 0; i < WORDS; i++) {
		strcat(text + strlen(text), "harbour ");
		strcat(other + strlen(other), i < WORDS / 2 ? "harbour " : "museum ");
	}
	begin(&f, model_option(BERT));
	f.ops->embed_card(f.llm->self, &card);
	a = embed_one(&f, RAGD_EMBED_PASSAGE, text);
	b = embed_one(&f, RAGD_EMBED_PASSAGE, other);
	assert_int_equal(a.n_tokens[0], card.n_context);
	assert_memory_equal(a.values, b.values, a.dim * sizeof(float));
	end(&f);
	free(text);
	free(other);
}

static void says_what_it_is(void **state)
{
	struct ragd_card card = { .size = sizeof(card) };
	struct fixture f;

	(void)state;
	begin(&f, model_option(STORY), "template=plain", "context=256");
	f.ops->card(f.llm->self, &card);
	assert_string_equal(card.quantisation, "Q8_0");
	assert_true(card.n_parameters > 600000 && card.n_parameters < 1000000);
	assert_int_equal(card.n_context, 256);
	assert_int_equal(strncmp(card.digest, "sha256:", 7), 0);
	assert_int_equal(strlen(card.digest), 7 + 64);
	end(&f);
}

static void what_was_read_can_be_kept(void **state)
{
	const char *options[] = { NULL, "template=plain", "keep_cache=yes", NULL };
	struct fixture f;

	(void)state;
	options[0] = model_option(STORY);
	begin_with(&f, options);
	ask(&f,
	    "Once upon a time, there was a big dog who liked to run and a small cat who did not "
	    "like the dog at all.",
	    4);
	assert_true(f.sink.usage.n_cached <= 2);
	plugin_set_unref(f.set); /* closes it, as when ragd stops */
	assert_int_equal(plugin_set_open(&f.w.cfg, NULL, &f.set, &f.err), 0);
	f.llm = plugin_set_at(f.set, 0);
	ask(&f,
	    "Once upon a time, there was a big dog who liked to run and a small cat who did not "
	    "like the dog at all.",
	    4);
	assert_int_equal(f.sink.usage.n_cached, f.sink.usage.n_prompt - 2);
	end(&f);
}

static void refuses_with_a_sentence(void **state)
{
	static const struct {
		const char *option, *says;
		bool file; /* the model is there */
	} rows[] = {
		{ "model=", "must name a GGUF file", false },
		{ "model=/nowhere/model.gguf", "/nowhere/model.gguf", false },
		{ "model=/proc/self/cmdline", "/proc/self/cmdline", false },
		{ "memory=64 KiB", "MiB", true },
		{ "cache=4 KiB", "KV cache", true },
		{ "template=llama77", "llama77", true },
		{ "cpus=99999", "99999", true },
		{ "cpus=x", "x", true },
	};
	const char *model = model_option(STORY);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *options[3] = { rows[i].option, rows[i].file ? model : NULL, NULL };
		struct plugin_set *set = NULL;
		struct ragd_err err = { 0 };
		struct world w;
		int rc;

		world_init(&w);
		rc = world_try(&w, "llm", "inference_gguf", options, &err);
		if (rc == 0)
			rc = plugin_set_open(&w.cfg, NULL, &set, &err);
		print_message("%s: %s\n", rows[i].option, err.msg);
		assert_true(rc < 0);
		assert_non_null(strstr(err.msg, rows[i].says));
		world_fini(&w);
	}
}

/* 900 GB in a file of holes: to read it through for its digest alone would take minutes. */
static void what_is_larger_than_the_machine_is_refused_before_it_is_read(void **state)
{
	char path[] = "/tmp/ragd-test-XXXXXX", option[64], command[PATH_MAX];
	const char *options[] = { option, NULL }, *dir = getenv("RAGD_BUILDDIR");
	struct plugin_set *set = NULL;
	struct ragd_err err = { 0 };
	struct world w;
	clock_t start; /* in time of ours: how busy the machine is does not matter */

	(void)state;
	close(mkstemp(path));
	snprintf(option, sizeof(option), "model=%s", path);
	snprintf(command, sizeof(command), "%s/tests/engine/model/sparse %s",
		 dir != NULL ? dir : ".", path);
	assert_int_equal(system(command), 0);
	world_init(&w);
	start = clock();
	assert_int_equal(world_try(&w, "llm", "inference_gguf", options, &err), 0);
	assert_true(plugin_set_open(&w.cfg, NULL, &set, &err) < 0);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 60);
	print_message("%s\n", err.msg);
	assert_non_null(strstr(err.msg, "the model needs"));
	assert_non_null(strstr(err.msg, "are available"));
	world_fini(&w);
	unlink(path);
}

/* The model of `option` as a file of its own that says whether its vocabulary adds the BOS. */
static void say_bos_is_added(const char *option, bool added, const char *path)
{
	static const char key[] = "tokenizer.ggml.add_bos_token";
	struct gguf_writer *w = gguf_writer_new();
	const struct gguf_tensor *t;
	struct ragd_err err = { 0 };
	struct gguf *g;

	assert_non_null(w);
	assert_int_equal(gguf_open(option + strlen("model="), &g, &err), 0);
	for (size_t i = 0; i < gguf_n_entries(g); i++) {
		struct gguf_entry e;

		gguf_entry(g, i, &e);
		if (e.key.len != strlen(key) || memcmp(e.key.s, key, e.key.len) != 0)
			gguf_writer_entry(w, g, i);
	}
	gguf_writer_bool(w, key, added);
	for (size_t i = 0; (t = gguf_tensor_at(g, i)) != NULL; i++)
		gguf_writer_tensor(w, t->name, t->type, t->n_dims, t->dims);
	assert_int_equal(gguf_writer_begin(w, path, &err), 0);
	for (size_t i = 0; (t = gguf_tensor_at(g, i)) != NULL; i++)
		assert_int_equal(gguf_writer_copy(w, g, t, &err), 0);
	assert_int_equal(gguf_writer_end(w, &err), 0);
	gguf_writer_free(w);
	gguf_close(g);
}

/* Once, whoever writes it: the vocabulary, or where that does not, the template. */
static void the_prompt_begins_with_one_bos(void **state)
{
	static const struct {
		bool added;
		const char *template;
	} rows[] = { { true, "template=llama3" },
		     { false, "template=llama3" },
		     { true, "template=plain" },
		     { false, "template=plain" } };
	const char *model = model_option(STORY);
	uint32_t n[ARRAY_LEN(rows)];
	char dir[] = "/tmp/ragd-test-XXXXXX", option[64];
	struct fixture f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(option, sizeof(option), "model=%s/model.gguf", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		say_bos_is_added(model, rows[i].added, option + strlen("model="));
		begin(&f, option, rows[i].template);
		ask(&f, "Once upon a time", 1);
		n[i] = f.sink.usage.n_prompt;
		end(&f);
	}
	unlink(option + strlen("model="));
	rmdir(dir);
	assert_int_equal(n[0], n[1]);
	assert_int_equal(n[2], n[3] + 1);
}

/* Memory of our own, in pages: files that are mapped do not count. */
static long own_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long size, resident, shared;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld %ld", &size, &resident, &shared), 3);
	fclose(f);
	return resident - shared;
}

static void loading_and_unloading_leaves_nothing(void **state)
{
	int turns = getenv("VALGRIND") != NULL ? 3 : 100;
	const char *model = model_option(STORY);
	long before = 0;

	(void)state;
	for (int i = 0; i < turns; i++) {
		struct fixture f;

		if (i == turns / 10) /* libraries and heaps have what they keep */
			before = own_pages();
		begin(&f, model, "template=plain");
		ask(&f, "Once upon a time", 4);
		end(&f);
	}
	print_message("%ld pages before, %ld after\n", before, own_pages());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(turns < 100 || own_pages() * 100 <= before * 102);
#endif
}

static int be_quiet(void **state)
{
	(void)state;
	log_set_level(RAGD_LOG_WARN);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_story_that_the_model_tells),
		cmocka_unit_test(guesses_tell_nothing_of_what_another_asked),
		cmocka_unit_test(only_the_configurations_words_are_shared),
		cmocka_unit_test(ends_where_it_is_told),
		cmocka_unit_test(sampling_reaches_the_model),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(nobody_waits_any_more),
		cmocka_unit_test(long_texts_are_given_up),
		cmocka_unit_test(a_full_host_ends_the_answer),
		cmocka_unit_test(scores_what_may_follow),
		cmocka_unit_test(counts_tokens),
		cmocka_unit_test(embeds_texts),
		cmocka_unit_test(texts_have_the_prefix_of_their_use),
		cmocka_unit_test(passages_are_read_on_threads_that_yield),
		cmocka_unit_test(pieces_with_letters_are_counted),
		cmocka_unit_test(pieces_of_other_vocabularies_tell_nothing),
		cmocka_unit_test(of_a_long_text_the_beginning_counts),
		cmocka_unit_test(says_what_it_is),
		cmocka_unit_test(what_was_read_can_be_kept),
		cmocka_unit_test(refuses_with_a_sentence),
		cmocka_unit_test(what_is_larger_than_the_machine_is_refused_before_it_is_read),
		cmocka_unit_test(the_prompt_begins_with_one_bos),
		cmocka_unit_test(loading_and_unloading_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, be_quiet, NULL);
}
