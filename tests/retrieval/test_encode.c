/* Vectors by an encoder outside of the store: made in the background, searched, made again. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/hash.h"
#include "base/text/ascii.h"
#include "retrieval/index/encoder.h"
#include "tests/retrieval/stores.h"

#define DIM 1024

/*
 * An encoder that knows words and a few synonyms: each word adds one direction, which its hash
 * chooses. Two of them, so that one can take over from the other.
 */
struct word_encoder {
	const char *name;
	char stamp[16];
	atomic_int rc;              /* what calls return, if negative */
	atomic_uint n_passages;     /* encoded so far */
	atomic_uint allowed;        /* passages; beyond, calls fail with -EIO */
	bool hardly_knows;          /* the language: each byte is a piece */
	const char *refuses;        /* texts that have this word: -EINVAL */
	void (*between)(void *arg); /* called before passages are encoded */
	void *arg;
};

struct encoders {
	struct word_encoder of[2];
};

static const char *const synonyms[][2] = { { "automobile", "car" }, { "feline", "cat" } };

/* What it knows is what a text is about. */
static float word_weight(struct ragd_str word)
{
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (strlen(synonyms[i][1]) == word.len &&
		    strncasecmp(synonyms[i][1], word.s, word.len) == 0)
			return 4;
	return 1;
}

static struct word_encoder *encoder_find(void *arg, const char *name)
{
	struct encoders *all = arg;

	for (size_t i = 0; i < ARRAY_LEN(all->of); i++)
		if (all->of[i].name != NULL && strcmp(all->of[i].name, name) == 0)
			return &all->of[i];
	return NULL;
}

static struct ragd_str canonical(struct ragd_str word)
{
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (strlen(synonyms[i][0]) == word.len &&
		    strncasecmp(synonyms[i][0], word.s, word.len) == 0)
			return str(synonyms[i][1]);
	return word;
}

static void encode_words(const char *stamp, struct ragd_str text, float *out)
{
	float sum = 0;

	out[0] = 0.1f; /* no text is nothing */
	for (size_t at = 0, end; at < text.len; at = end + 1) {
		struct ragd_str word;
		char lower[64];

		for (end = at; end < text.len && ascii_is_alnum(text.s[end]); end++)
			;
		word = canonical((struct ragd_str){ text.s + at, MIN(end - at, sizeof(lower)) });
		for (size_t i = 0; i < word.len; i++)
			lower[i] = (char)(word.s[i] | 0x20);
		if (word.len > 0)
			out[(hash_bytes(lower, word.len) + (uint64_t)stamp[0]) % DIM] +=
				word_weight(word);
	}
	for (size_t i = 0; i < DIM; i++)
		sum += out[i] * out[i];
	for (size_t i = 0; i < DIM; i++)
		out[i] /= sqrtf(sum);
}

static bool has_word(struct ragd_str text, const char *word)
{
	return word != NULL && memmem(text.s, text.len, word, strlen(word)) != NULL;
}

static int word_embed(void *arg, const char *name, const struct ragd_call *call,
		      const struct ragd_embed *req, struct ragd_embeddings *out,
		      struct ragd_err *err)
{
	struct word_encoder *e = encoder_find(arg, name);
	uint32_t *pieces;
	float *values;

	if (e == NULL)
		return ragd_err_set(err, -ENOENT, "there is no plugin '%s'", name);
	if (req->use == RAGD_EMBED_PASSAGE && e->between != NULL)
		e->between(e->arg);
	if (atomic_load(&e->rc) < 0)
		return ragd_err_set(err, atomic_load(&e->rc), "the encoder is out of order");
	if (req->use == RAGD_EMBED_PASSAGE && e->n_passages + req->n > e->allowed)
		return ragd_err_set(err, -EIO, "no more than %u", e->allowed);
	values = call->alloc(call, req->n * DIM, sizeof(*values));
	pieces = call->alloc(call, req->n, sizeof(*pieces));
	assert_non_null(values);
	assert_non_null(pieces);
	for (size_t i = 0; i < req->n; i++) {
		assert_true(req->texts[i].len > 0);
		if (has_word(req->texts[i], e->refuses))
			return ragd_err_set(err, -EINVAL, "text %zu is refused", i);
		encode_words(e->stamp, req->texts[i], values + i * DIM);
		pieces[i] = (uint32_t)req->texts[i].len;
	}
	if (req->use == RAGD_EMBED_PASSAGE) {
		assert_true(req->background);
		e->n_passages += (unsigned)req->n;
	}
	RAGD_FILL(out, .dim = DIM, .values = values, .n_pieces = e->hardly_knows ? pieces : NULL);
	snprintf(out->stamp, sizeof(out->stamp), "%s", e->stamp);
	return 0;
}

static int word_card(void *arg, const char *name, struct ragd_embed_card *out, struct ragd_err *err)
{
	const struct word_encoder *e = encoder_find(arg, name);

	if (e == NULL)
		return ragd_err_set(err, -ENOENT, "there is no plugin '%s'", name);
	RAGD_FILL(out, .dim = DIM);
	snprintf(out->stamp, sizeof(out->stamp), "%s", e->stamp);
	return 0;
}

/* ---- the fixture --------------------------------------------------------------------------- */

static int encode_setup(void **state)
{
	struct encoders *all = calloc(1, sizeof(*all));
	struct fixture *f;

	assert_int_equal(fixture_setup(state), 0);
	f = *state;
	fixture_close(f);
	for (size_t i = 0; i < ARRAY_LEN(all->of); i++) {
		snprintf(all->of[i].stamp, sizeof(all->of[i].stamp), "%cone", (char)('a' + i));
		all->of[i].allowed = UINT32_MAX;
	}
	all->of[0].name = "first";
	f->options.encoder = (struct store_encoder){ "first", word_embed, word_card, all };
	fixture_open(f);
	return 0;
}

static int encode_teardown(void **state)
{
	struct fixture *f = *state;
	void *all = f->options.encoder.arg;
	int rc = fixture_teardown(state);

	free(all);
	return rc;
}

static struct word_encoder *encoder(struct fixture *f, size_t i)
{
	return &((struct encoders *)f->options.encoder.arg)->of[i];
}

static struct ragd_retrieval_stats stats(struct fixture *f)
{
	struct ragd_retrieval_stats st;

	store_stats(f->store, &test_admin, &st);
	return st;
}

static void add_numbered(struct fixture *f, const char *collection, unsigned n)
{
	char text[200], id[16];

	for (unsigned i = 0; i < n; i++) {
		make_text(text, sizeof(text), i + 1, 12);
		snprintf(id, sizeof(id), "n%u", i);
		add(f, collection, id, text);
	}
}

static void settle(struct fixture *f)
{
	struct ragd_err err = { 0 };

	if (store_settle(f->store, &err) < 0)
		fail_msg("settle: %s", err.msg);
}

static void reopen(struct fixture *f)
{
	fixture_close(f);
	memset(f->events, 0, sizeof(f->events));
	fixture_open(f);
}

/* ---- cases --------------------------------------------------------------------------------- */

static void what_shares_no_word_is_found(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;

	add_numbered(f, "c", 40);
	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	assert_int_equal(stats(f).n_vectors, 41);
	assert_int_equal(stats(f).n_waiting, 0);
	assert_string_equal(stats(f).encoder, "first");
	assert_true(find(f, "automobile", &hits) > 0);
	assert_string_equal(hits[0].document, "garage");
	assert_true(hits[0].vector == 1 && hits[0].lexical == 0);
	/* And it stays so. */
	reopen(f);
	assert_string_equal(best(f, "automobile"), "garage");
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 41);
	assert_int_equal(f->events[STORE_VECTORS_REBUILT], 0);
	assert_int_equal(f->events[STORE_TROUBLE], 0);
}

static void what_is_about_something_else_is_no_hit(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;
	float sure;

	add_numbered(f, "c", 40);
	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	assert_int_equal(find(f, "xylophone", &hits), 0);
	/* A word in common makes one, and what it says is in its score. */
	assert_true(find(f, "car yard stands", &hits) > 0);
	sure = hits[0].passage.score;
	assert_true(sure > 0.5f && sure < 1);
	assert_true(find(f, "xylophone marimba of the yard", &hits) > 0);
	assert_string_equal(hits[0].document, "garage");
	assert_true(hits[0].passage.score < sure / 2);
}

static void without_a_vector_nothing_is_lost(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;

	add(f, "c", "old", "A harbour, and what else there is.");
	settle(f);
	encoder(f, 0)->allowed = encoder(f, 0)->n_passages;
	add(f, "c", "new", "harbour harbour");
	assert_true(store_settle(f->store, NULL) < 0);
	assert_int_equal(stats(f).n_waiting, 1);
	assert_int_equal(find(f, "harbour", &hits), 2);
	assert_string_equal(hits[0].document, "new");
	assert_true(hits[0].lexical == 1 && hits[0].vector == 0);
	assert_true(hits[0].passage.score > hits[1].passage.score);
}

static void work_goes_on_after_a_restart(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	encoder(f, 0)->allowed = 100;
	add_numbered(f, "c", 300);
	assert_true(store_settle(f->store, NULL) < 0);
	before = encoder(f, 0)->n_passages;
	assert_in_range(before, 1, 100);
	assert_int_equal(stats(f).n_vectors, before);
	assert_int_equal(stats(f).n_waiting, 300 - before);
	reopen(f);
	assert_int_equal(stats(f).n_vectors, before);
	encoder(f, 0)->allowed = UINT32_MAX;
	settle(f);
	assert_int_equal(stats(f).n_vectors, 300);
	assert_int_equal(encoder(f, 0)->n_passages, 300); /* each once */
}

static void another_model_of_the_same_name_is_encoded_for_again(void **state)
{
	struct fixture *f = *state;

	add_numbered(f, "c", 50);
	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	strcpy(encoder(f, 0)->stamp, "other");
	/* The old vectors are none of the new model's: words only, until they are made. */
	encoder(f, 0)->allowed = 0;
	assert_string_equal(best(f, "yard"), "garage");
	assert_string_equal(best(f, "automobile"), "");
	encoder(f, 0)->allowed = UINT32_MAX;
	settle(f);
	assert_int_equal(stats(f).n_vectors, 51);
	assert_string_equal(best(f, "automobile"), "garage");
	reopen(f);
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 102);
}

static void the_old_one_serves_until_the_new_one_is_done(void **state)
{
	struct fixture *f = *state;

	add_numbered(f, "c", 80);
	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	fixture_close(f);
	encoder(f, 1)->name = "second";
	encoder(f, 1)->allowed = 40;
	f->options.encoder.name = "second";
	fixture_open(f);
	assert_true(store_settle(f->store, NULL) < 0);
	assert_int_equal(stats(f).n_waiting, 81 - encoder(f, 1)->n_passages);
	assert_string_equal(best(f, "automobile"), "garage"); /* the first one's doing */
	reopen(f); /* in the middle: what the second made is kept */
	assert_string_equal(best(f, "automobile"), "garage");
	encoder(f, 1)->allowed = UINT32_MAX;
	settle(f);
	assert_int_equal(f->events[STORE_ENCODED], 1);
	assert_int_equal(encoder(f, 1)->n_passages, 81);
	encoder(f, 0)->name = NULL;
	assert_string_equal(best(f, "automobile"), "garage");
	assert_int_equal(stats(f).n_vectors, 81);
}

static int reindex(struct fixture *f, const char *collection)
{
	struct ragd_err err = { 0 };
	int rc = store_reindex(f->store, &f->call.call, collection, &err);

	assert_true(rc == 0 || err.msg[0] != '\0');
	return rc;
}

static void made_again_by_hand_next_to_those_in_use(void **state)
{
	struct fixture *f = *state;

	add_numbered(f, "c", 80);
	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	encoder(f, 0)->allowed = 81 + 40;
	assert_int_equal(reindex(f, "c"), 0);
	assert_true(store_settle(f->store, NULL) < 0);
	assert_in_range(encoder(f, 0)->n_passages, 82, 121);
	assert_int_equal(stats(f).n_vectors, 81);
	assert_int_equal(stats(f).n_waiting, 2 * 81 - encoder(f, 0)->n_passages);
	assert_string_equal(best(f, "automobile"), "garage");
	assert_int_equal(reindex(f, "c"), 0); /* it is being done */
	reopen(f);
	assert_string_equal(best(f, "automobile"), "garage");
	encoder(f, 0)->allowed = UINT32_MAX;
	settle(f);
	assert_int_equal(f->events[STORE_ENCODED], 1);
	assert_int_equal(encoder(f, 0)->n_passages, 2 * 81);
	assert_int_equal(stats(f).n_vectors, 81);
	assert_int_equal(stats(f).n_waiting, 0);
	assert_string_equal(best(f, "automobile"), "garage");
}

/* While others' passages are encoded; then the encoder goes. */
static void reindex_and_leave(void *arg)
{
	struct fixture *f = arg;

	encoder(f, 0)->between = NULL;
	assert_int_equal(reindex(f, "c"), 0);
	encoder(f, 0)->name = NULL;
}

static void what_was_asked_for_is_done_after_a_restart(void **state)
{
	struct fixture *f = *state;

	add_numbered(f, "c", 50);
	settle(f);
	encoder(f, 0)->arg = f;
	encoder(f, 0)->between = reindex_and_leave;
	add(f, "other", "garage", "The car stands in the yard.");
	assert_true(store_settle(f->store, NULL) < 0);
	assert_int_equal(stats(f).n_waiting, 50);
	assert_int_equal(stats(f).n_vectors, 51);
	fixture_close(f);
	encoder(f, 0)->name = "first";
	fixture_open(f);
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 101);
	reopen(f); /* once is enough */
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 101);
}

static void who_may_have_vectors_made_again(void **state)
{
	struct ragd_collection all = { "c", 1000, 1000, 0666, 0, 0, 0, 0 };
	struct fixture *f = *state;

	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	assert_int_equal(reindex(f, "none"), -ENOENT);
	as_user(f, 2000, 2000, false);
	assert_int_equal(reindex(f, "c"), -ENOENT);
	as_user(f, 1000, 1000, false);
	assert_int_equal(store_collection_put(f->store, &f->call.call, &all, NULL, NULL), 0);
	as_user(f, 2000, 2000, false);
	assert_int_equal(reindex(f, "c"), -EACCES);
	as_user(f, 3000, 3000, true);
	assert_int_equal(reindex(f, "c"), 0);
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 2);
	encoder(f, 0)->name = NULL;
	assert_int_equal(reindex(f, "c"), -EAGAIN);
	fixture_close(f);
	f->options.encoder.name = NULL;
	fixture_open(f);
	assert_int_equal(reindex(f, "c"), -ENOTSUP);
}

static void an_encoder_that_comes_back_has_its_vectors(void **state)
{
	struct fixture *f = *state;

	add_numbered(f, "c", 80);
	settle(f);
	fixture_close(f);
	encoder(f, 1)->name = "second";
	encoder(f, 1)->allowed = 40;
	f->options.encoder.name = "second";
	fixture_open(f);
	assert_true(store_settle(f->store, NULL) < 0);
	fixture_close(f);
	f->options.encoder.name = "first";
	fixture_open(f);
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 80);
	assert_int_equal(stats(f).n_vectors, 80);
	assert_int_equal(stats(f).n_waiting, 0);
}

static struct {
	pthread_mutex_t lock;
	struct store_progress last;
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void remember_progress(void *arg, const struct store_progress *p)
{
	(void)arg;
	pthread_mutex_lock(&told.lock);
	told.last = *p;
	pthread_mutex_unlock(&told.lock);
}

static struct store_progress progress(void)
{
	struct store_progress p;

	pthread_mutex_lock(&told.lock);
	p = told.last;
	pthread_mutex_unlock(&told.lock);
	return p;
}

static void progress_is_told_with_its_end(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	f->options.progress = remember_progress;
	fixture_open(f);
	encoder(f, 0)->allowed = 64;
	add_numbered(f, "c", 100);
	assert_true(store_settle(f->store, NULL) < 0);
	assert_int_equal(progress().n_encoded, encoder(f, 0)->n_passages);
	assert_int_equal(progress().n_vectors, progress().n_encoded);
	assert_int_equal(progress().n_waiting, 100 - progress().n_encoded);
	assert_true(progress().n_failures > 0);
	encoder(f, 0)->allowed = UINT32_MAX;
	settle(f);
	assert_int_equal(progress().n_vectors, 100);
	assert_int_equal(progress().n_encoded, 100);
	assert_int_equal(progress().n_waiting, 0);
	assert_int_equal(progress().waiting_s, 0);
}

static void a_language_shows_in_the_pieces(void **state)
{
#define ENGLISH "The mayor opened the new bridge over the river yesterday."
#define THAI    "นายกเทศมนตรีเปิดสะพานใหม่ข้ามแม่น้ำเมื่อวานนี้ คนเดินเท้า"
	(void)state;
	assert_false(encoder_is_foreign(str(ENGLISH), 11));
	assert_true(encoder_is_foreign(str(ENGLISH), 25));
	assert_false(encoder_is_foreign(str(ENGLISH), 0)); /* not told */
	assert_false(encoder_is_foreign(str("too short"), 9));
	assert_true(encoder_is_foreign(str(THAI), 56));
	assert_false(encoder_is_foreign(str(THAI), 20));
}

static void passages_of_other_languages_are_counted(void **state)
{
	struct fixture *f = *state;

	encoder(f, 0)->hardly_knows = true;
	add_numbered(f, "c", 50);
	settle(f);
	assert_int_equal(stats(f).n_foreign, 50);
	encoder(f, 0)->hardly_knows = false;
	add(f, "c", "known", "The car stands in the yard, where it stood before, and it rusts.");
	settle(f);
	assert_int_equal(stats(f).n_foreign, 50);
	reopen(f);
	assert_int_equal(stats(f).n_foreign, 50);
	assert_int_equal(reindex(f, "c"), 0);
	settle(f);
	assert_int_equal(stats(f).n_foreign, 0);
}

static float score_of(struct fixture *f, const char *query, const char *document)
{
	const struct ragd_hit *hits;
	size_t n = find(f, query, &hits);

	for (size_t i = 0; i < n; i++)
		if (strcmp(hits[i].document, document) == 0)
			return hits[i].passage.score;
	return -1;
}

/* By words the harbour is first, by meaning the garage. */
static void vectors_of_other_languages_count_less(void **state)
{
	struct fixture *f = *state;
	float known, foreign;

	add_numbered(f, "c", 20);
	add(f, "c", "harbour", "What lies in the harbour rusts, and what rusts is gone one day.");
	add(f, "c", "garage", "The car stands in the yard, where it stood before, and it rusts.");
	settle(f);
	known = score_of(f, "an automobile that rusts", "garage");
	encoder(f, 0)->hardly_knows = true;
	assert_int_equal(reindex(f, "c"), 0);
	settle(f);
	encoder(f, 0)->hardly_knows = false; /* it knows the question */
	foreign = score_of(f, "an automobile that rusts", "garage");
	assert_true(foreign > 0 && foreign < known);
}

static void without_its_encoder_words_are_searched(void **state)
{
	struct fixture *f = *state;
	struct ragd_retrieval_stats st;

	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	encoder(f, 0)->rc = -EIO;
	assert_string_equal(best(f, "yard"), "garage");
	assert_string_equal(best(f, "automobile"), "");
	st = stats(f);
	assert_string_equal(st.trouble, "the encoder is out of order");
	add(f, "c", "roof", "The roof of the house.");
	assert_true(store_settle(f->store, NULL) < 0);
	assert_int_equal(f->events[STORE_TROUBLE], 1);
	assert_true(store_settle(f->store, NULL) < 0);
	assert_int_equal(f->events[STORE_TROUBLE], 1); /* said once */
	encoder(f, 0)->rc = 0;
	settle(f);
	assert_string_equal(stats(f).trouble, "");
	assert_string_equal(best(f, "automobile"), "garage");
	assert_int_equal(stats(f).n_vectors, 2);
}

static void a_text_that_is_refused_holds_up_no_other(void **state)
{
	struct fixture *f = *state;

	encoder(f, 0)->refuses = "poison";
	add_numbered(f, "c", 20);
	add(f, "c", "bad", "There is poison in it.");
	add(f, "c", "garage", "The car stands in the yard.");
	settle(f);
	assert_int_equal(stats(f).n_vectors, 22);
	assert_int_equal(stats(f).n_waiting, 0);
	assert_int_equal(f->events[STORE_TROUBLE], 1);
	assert_string_equal(best(f, "automobile"), "garage");
	assert_string_equal(best(f, "poisons"), "bad");
}

static void replace_and_remove(void *arg)
{
	struct fixture *f = arg;
	struct test_call call;

	encoder(f, 0)->between = NULL; /* once */
	test_call_init(&call);
	assert_int_equal(store_remove(f->store, &call.call, "c", str("n3"), NULL), 0);
	test_call_fini(&call);
	add(f, "c", "n5", "The car stands in the yard.");
}

static void what_changes_meanwhile_is_encoded_as_it_is(void **state)
{
	struct fixture *f = *state;

	encoder(f, 0)->rc = -EIO;
	add_numbered(f, "c", 20);
	encoder(f, 0)->arg = f;
	encoder(f, 0)->between = replace_and_remove;
	encoder(f, 0)->rc = 0;
	settle(f);
	assert_int_equal(stats(f).n_documents, 19);
	assert_int_equal(stats(f).n_vectors, 19);
	assert_string_equal(best(f, "automobile"), "n5");
	reopen(f);
	assert_int_equal(stats(f).n_vectors, 19);
	assert_int_equal(f->events[STORE_TROUBLE], 0);
}

static void others_documents_change_nothing(void **state)
{
	struct fixture *f = *state;
	const struct ragd_hit *hits;
	struct ragd_hit alone[10];
	uint64_t alone_looked_at, before;
	size_t n;

	add_numbered(f, "mine", 60);
	settle(f);
	before = store_looked_at(f->store);
	n = find(f, "bako sari automobile", &hits);
	assert_true(n > 0 && n <= ARRAY_LEN(alone));
	alone_looked_at = store_looked_at(f->store) - before;
	memcpy(alone, hits, n * sizeof(*hits));
	as_user(f, 2000, 2000, false);
	add(f, "theirs", "garage", "bako sari automobile");
	for (unsigned i = 0; i < 300; i++) {
		char text[100], id[16];

		snprintf(id, sizeof(id), "t%u", i);
		make_text(text, sizeof(text), 1000 + i, 8);
		add(f, "theirs", id, text);
	}
	settle(f);
	as_user(f, 1000, 1000, false);
	before = store_looked_at(f->store);
	assert_int_equal(find(f, "bako sari automobile", &hits), n);
	assert_int_equal(store_looked_at(f->store) - before, alone_looked_at);
	for (size_t i = 0; i < n; i++) {
		assert_true(hits[i].passage.score == alone[i].passage.score);
		assert_true(hits[i].vector == alone[i].vector);
	}
	assert_int_equal(stats(f).n_waiting, 0);
}

static void few_letters_a_piece_take_trust_away(void **state)
{
	static const struct {
		const char *question;
		uint32_t n_pieces;
		float trust;
	} rows[] = {
		{ "where is the harbour?", 4, 1 },
		{ "where is the harbour?", 0, 1 },        /* not known */
		{ "d\xc3\xb3nde est\xc3\xa1?", 4, 0.5f }, /* nine letters */
		{ "\xe0\xb8\x81\xe0\xb8\x82\xe0\xb8\x84", 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_str question = { rows[i].question, strlen(rows[i].question) };

		print_message("%s\n", rows[i].question);
		assert_float_equal(encoder_trust(question, rows[i].n_pieces), rows[i].trust, 1e-6);
	}
}

static void without_the_option_vectors_are_learned_again(void **state)
{
	struct fixture *f = *state;

	add_numbered(f, "c", 250);
	settle(f);
	fixture_close(f);
	f->options.encoder.name = NULL;
	fixture_open(f);
	settle(f);
	assert_int_equal(f->events[STORE_LEARNED], 1);
	assert_int_equal(stats(f).n_vectors, 250);
	fixture_close(f);
	f->options.encoder.name = "first";
	fixture_open(f);
	settle(f);
	assert_int_equal(encoder(f, 0)->n_passages, 500);
	assert_int_equal(stats(f).n_vectors, 250);
	assert_int_equal(stats(f).dim, DIM);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, encode_setup, encode_teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_shares_no_word_is_found),
		CASE(what_is_about_something_else_is_no_hit),
		CASE(without_a_vector_nothing_is_lost),
		CASE(work_goes_on_after_a_restart),
		CASE(another_model_of_the_same_name_is_encoded_for_again),
		CASE(the_old_one_serves_until_the_new_one_is_done),
		CASE(made_again_by_hand_next_to_those_in_use),
		CASE(what_was_asked_for_is_done_after_a_restart),
		CASE(who_may_have_vectors_made_again),
		CASE(an_encoder_that_comes_back_has_its_vectors),
		CASE(progress_is_told_with_its_end),
		CASE(a_language_shows_in_the_pieces),
		CASE(passages_of_other_languages_are_counted),
		CASE(vectors_of_other_languages_count_less),
		CASE(without_its_encoder_words_are_searched),
		CASE(a_text_that_is_refused_holds_up_no_other),
		CASE(what_changes_meanwhile_is_encoded_as_it_is),
		CASE(others_documents_change_nothing),
		CASE(few_letters_a_piece_take_trust_away),
		CASE(without_the_option_vectors_are_learned_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
