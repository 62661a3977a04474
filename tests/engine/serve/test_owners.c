/*
 * Whose pages are whose: no client finds what another has asked, neither as tokens nor as work that
 * is saved nor as room that is left; only what the configuration says is read once for all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/engine/cache/pages.h"
#include "tests/engine/serve/ask.h"
#include "tests/engine/serve/fake.h"
#include "tests/test.h"

enum { ANN = 1000, BOB = 1001, EVE = 1002 };

/*
 * Begin, read all of it, end. Returns what was found at the beginning, and of that the owner's own.
 */
static size_t read_as(struct cache *c, uint64_t owner, size_t n_configured, const int32_t *ids,
		      size_t n, size_t *own)
{
	struct cache_seq *s = cache_seq_new(c, owner, n_configured, ids, n);
	size_t found = cache_seq_len(s);

	*own = cache_seq_own(s);
	holds(s, ids, cache_seq_len(s));
	assert_int_equal(compute(s, ids + found, n - found), 0);
	cache_seq_free(s);
	return found;
}

static void nobody_finds_what_another_has_read(void **state)
{
	/* Whole pages, a page in part, one that was never full. */
	static const size_t lengths[] = { 96, 100, 33, 32, 20, 1 };
	int32_t ids[100];
	size_t own;

	(void)state;
	count_up(ids, ARRAY_LEN(ids), 1000);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct cache *c = open_cache(32);
		size_t n = lengths[i];

		assert_int_equal(read_as(c, ANN, 0, ids, n, &own), 0);
		assert_int_equal(cache_match(c, BOB, 0, ids, n), 0);
		assert_int_equal(read_as(c, BOB, 0, ids, n, &own), 0);
		assert_int_equal(own, 0);
		assert_int_equal(cache_match(c, EVE, 0, ids, n), 0);
		/* Each finds what is its own. */
		assert_int_equal(read_as(c, ANN, 0, ids, n, &own), n - 1);
		assert_int_equal(own, n - 1);
		assert_int_equal(read_as(c, BOB, 0, ids, n, &own), n - 1);
		cache_close(c);
	}
}

static void two_at_the_same_time_share_nothing(void **state)
{
	struct cache *c = open_cache(8);
	struct cache_seq *ann, *bob;
	int32_t ids[64];

	(void)state;
	count_up(ids, 64, 1);
	ann = cache_seq_new(c, ANN, 0, ids, 64);
	bob = cache_seq_new(c, BOB, 0, ids, 64);
	assert_int_equal(compute(ann, ids, 64), 0);
	assert_int_equal(compute(bob, ids, 64), 0);
	for (size_t i = 0; i < 2; i++)
		assert_ptr_not_equal(cache_seq_pages(ann)[i], cache_seq_pages(bob)[i]);
	cache_seq_free(ann);
	cache_seq_free(bob);
	cache_close(c);
}

static void what_the_configuration_says_is_shared_and_no_token_more(void **state)
{
	/* Tokens of the configuration's, of 100 that are the same. */
	static const size_t rows[] = { 0, 31, 32, 70, 96, 99 };
	int32_t ids[100];
	size_t own;

	(void)state;
	count_up(ids, ARRAY_LEN(ids), 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cache *c = open_cache(16);
		size_t configured = rows[i];

		read_as(c, ANN, configured, ids, 100, &own);
		assert_int_equal(cache_match(c, BOB, configured, ids, 100), configured);
		assert_int_equal(read_as(c, BOB, configured, ids, 100, &own), configured);
		assert_int_equal(own, 0); /* whoever read it, it is not counted */
		assert_int_equal(read_as(c, BOB, configured, ids, 100, &own), 99);
		assert_int_equal(own, 99 - configured);
		/* Who says the same without its being the configuration's finds nothing of it. */
		assert_int_equal(cache_match(c, EVE, 0, ids, 100), 0);
		cache_close(c);
	}
}

static void who_has_most_gives_room(void **state)
{
	struct cache *c = open_cache(12);
	int32_t conf[40], ann[70], bob[70];
	size_t own;

	(void)state;
	count_up(conf, 40, 100);
	count_up(ann, 70, 1000);
	memcpy(ann, conf, 32 * sizeof(*conf));
	read_as(c, EVE, 32, conf, 40, &own); /* two pages, one of them the configuration's */
	read_as(c, ANN, 32, ann, 70, &own);  /* two of her own behind it */
	for (int32_t i = 0; i < 50; i++) {
		count_up(bob, 70, 5000 + 100 * i);
		assert_int_equal(read_as(c, BOB, 0, bob, 70, &own), 0);
	}
	/* He has pushed out what he read himself, and nothing else. */
	assert_int_equal(cache_match(c, ANN, 32, ann, 70), 69);
	assert_int_equal(cache_match(c, EVE, 32, conf, 40), 39);
	assert_int_equal(cache_match(c, BOB, 0, bob, 70), 69);
	count_up(bob, 70, 5000);
	assert_int_equal(cache_match(c, BOB, 0, bob, 70), 0);
	cache_close(c);
}

static void two_who_press_have_half_each(void **state)
{
	struct cache *c = open_cache(16);
	size_t kept[2] = { 0, 0 }, own;
	int32_t ids[32];

	(void)state;
	for (int32_t i = 0; i < 200; i++) { /* one asks three times as often */
		count_up(ids, 32, 100 * i);
		read_as(c, i % 4 == 0 ? ANN : BOB, 0, ids, 32, &own);
	}
	for (int32_t i = 0; i < 200; i++) {
		count_up(ids, 32, 100 * i);
		kept[i % 4 != 0] += cache_match(c, i % 4 == 0 ? ANN : BOB, 0, ids, 32) > 0;
	}
	assert_int_equal(kept[0], 8);
	assert_int_equal(kept[1], 8);
	cache_close(c);
}

static void what_is_held_stays_whoever_asks(void **state)
{
	struct cache *c = open_cache(4);
	struct cache_seq *ann, *bob;
	int32_t ids[128], other[128];

	(void)state;
	count_up(ids, 128, 1);
	count_up(other, 128, 500);
	ann = cache_seq_new(c, ANN, 64, ids, 96);
	assert_int_equal(compute(ann, ids, 96), 0);
	bob = cache_seq_new(c, BOB, 0, other, 64);
	assert_int_equal(cache_seq_reserve(bob, 64, NULL), -ENOSPC);
	assert_int_equal(compute(bob, other, 32), 0);
	cache_seq_free(ann);
	assert_int_equal(compute(bob, other + 32, 96), 0);
	holds(bob, other, cache_seq_len(bob));
	cache_seq_free(bob);
	cache_close(c);
}

/* ---- whatever is begun, dropped and evicted ------------------------------------------------- */

#define LIVES 8
#define PAST  600

struct life {
	struct cache_seq *s;
	uint64_t owner;
	size_t configured;
	int32_t ids[160];
	size_t n;
};

static size_t common(const int32_t *a, size_t n, const int32_t *b, size_t m)
{
	size_t i = 0;

	while (i < MIN(n, m) && a[i] == b[i])
		i++;
	return i;
}

/*
 * The most that a sequence may have found beyond the configuration's: what its owner has begun
 * before.
 */
static size_t most_own(const struct life *past, size_t n_past, const struct life *l)
{
	size_t most = 0;

	for (size_t i = 0; i < n_past; i++)
		if (past[i].owner == l->owner)
			most = MAX(most, common(past[i].ids, past[i].n, l->ids, l->n));
	return most;
}

static void random_lives_find_only_their_owners_past(void **state)
{
	static struct life live[LIVES], past[PAST];
	struct cache *c = open_cache(40);
	struct cache_stats st;
	unsigned seed = 11;
	size_t n_past = 0, n_own = 0;

	(void)state;
	while (n_past < PAST) {
		struct life *l = &live[(size_t)rand_r(&seed) % LIVES];

		if (l->s == NULL) { /* few first tokens, few later ones: much is the same */
			l->owner = (uint64_t)ANN + (unsigned)rand_r(&seed) % 3;
			l->configured = (size_t)rand_r(&seed) % 3 * 20;
			l->n = l->configured + 1 + (size_t)rand_r(&seed) % 100;
			for (size_t k = 0; k < l->n; k++)
				l->ids[k] = k < l->configured ? 5
					    : k % 40 == 0     ? rand_r(&seed) % 3
							      : 9;
			l->s = cache_seq_new(c, l->owner, l->configured, l->ids, l->n);
			holds(l->s, l->ids, cache_seq_len(l->s));
			if (cache_seq_own(l->s) > 0)
				assert_true(cache_seq_len(l->s) <= most_own(past, n_past, l));
			else
				assert_true(cache_seq_len(l->s) <= l->configured);
			n_own += cache_seq_own(l->s);
			past[n_past++] = *l;
		} else if (rand_r(&seed) % 3 == 0) {
			cache_seq_free(l->s);
			l->s = NULL;
		} else {
			size_t len = cache_seq_len(l->s), n = 1 + (size_t)rand_r(&seed) % 40;

			compute(l->s, l->ids + len, MIN(n, l->n - len));
			holds(l->s, l->ids, cache_seq_len(l->s));
		}
	}
	for (size_t i = 0; i < LIVES; i++)
		cache_seq_free(live[i].s);
	cache_stats(c, &st);
	assert_int_equal(st.n_held, 0);
	assert_true(n_own > 1000 && st.n_hit_tokens > n_own + 1000 && st.n_evicted_pages > 100);
	cache_clear(c);
	cache_stats(c, &st);
	assert_int_equal(st.n_cached, 0);
	cache_close(c);
}

/* ---- on disk -------------------------------------------------------------------------------- */

static void a_kept_cache_keeps_its_owners(void **state)
{
	char dir[] = "/tmp/ragd-test-XXXXXX", path[64];
	struct cache *c = open_cache(16), *d = open_cache(16), *small = open_cache(5);
	struct ragd_err err = { 0 };
	int32_t ids[100];
	struct stat st;
	size_t own;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cache", dir);
	count_up(ids, 100, 7);
	read_as(c, ANN, 32, ids, 100, &own);
	read_as(c, BOB, 32, ids, 80, &own);
	assert_int_equal(cache_save(c, path, "x", NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(cache_load(d, path, "x", &err), 0);
	assert_int_equal(cache_match(d, ANN, 32, ids, 100), 99);
	assert_int_equal(cache_match(d, BOB, 32, ids, 100), 80);
	assert_int_equal(cache_match(d, EVE, 32, ids, 100), 32);
	assert_int_equal(cache_match(d, EVE, 0, ids, 100), 0);
	/* Where not all fits, each has its share. */
	assert_int_equal(cache_load(small, path, "x", &err), 0);
	assert_int_equal(cache_match(small, ANN, 32, ids, 100), 96);
	assert_int_equal(cache_match(small, BOB, 32, ids, 100), 80);
	/* What others could have read or written is none of ours. */
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(cache_load(d, path, "x", &err), -EPERM);
	assert_non_null(strstr(err.msg, path));
	unlink(path);
	rmdir(dir);
	cache_close(c);
	cache_close(d);
	cache_close(small);
}

/* ---- work that is saved --------------------------------------------------------------------- */

struct cost {
	size_t n_passes, n_tokens, n_cached;
};

/* What an answer to these tokens takes. */
static struct cost ask_as(struct engine *e, uint64_t client, size_t n_configured,
			  const int32_t *ids, size_t n)
{
	struct fake_counts before, after;
	struct ask a;

	ask_init(&a, ids, n, 1);
	a.r.client = client;
	a.r.n_configured = n_configured;
	fake_counts(&before);
	ask_start(e, &a);
	ask_wait(&a);
	fake_counts(&after);
	assert_int_equal(a.rc, 0);
	ask_fini(&a);
	return (struct cost){ after.n_passes - before.n_passes, after.n_tokens - before.n_tokens,
			      a.usage.n_cached };
}

static void anothers_prompt_costs_what_one_never_seen_costs(void **state)
{
	enum { N = 500, CONFIGURED = 100 };
	struct engine_options o = { .model = &fake_causal, .n_context = 1024, .step_tokens = 64 };
	struct engine *e = NULL;
	int32_t secret[N], fresh[N], guess[N];
	struct cost ann, unseen, seen, again;

	(void)state;
	fake_reset();
	ask_reset();
	o.cache_bytes = 2000 * model_page_bytes(o.model, o.kv);
	assert_int_equal(engine_open(&o, &e, NULL), 0);
	for (size_t configured = 0; configured <= CONFIGURED; configured += CONFIGURED) {
		fake_ids(secret, N, 1 + (uint32_t)configured);
		fake_ids(fresh, N, 2 + (uint32_t)configured);
		memcpy(fresh, secret, configured * sizeof(*fresh));
		ann = ask_as(e, ANN, configured, secret, N);
		assert_int_equal(ann.n_tokens, N);
		assert_int_equal(ann.n_cached, 0);
		unseen = ask_as(e, EVE, configured, fresh, N);
		seen = ask_as(e, BOB, configured, secret, N);
		assert_int_equal(unseen.n_tokens, N - configured);
		assert_memory_equal(&unseen, &seen, sizeof(seen));
		assert_int_equal(seen.n_cached, 0);
		/* Nor do guesses that begin as hers did, of any length. */
		for (size_t n = CONFIGURED + 10; n < N; n += 37) {
			memcpy(guess, secret, N * sizeof(*guess));
			guess[n - 1] ^= 1;
			assert_int_equal(ask_as(e, EVE + 1 + n, configured, guess, n).n_tokens,
					 n - configured);
		}
		again = ask_as(e, ANN, configured, secret, N);
		assert_int_equal(again.n_tokens, 1);
		assert_int_equal(again.n_cached, N - 1 - configured);
	}
	engine_close(e);
}

static void a_score_is_its_askers(void **state)
{
	enum { N = 200 };
	struct engine_options o = { .model = &fake_causal, .n_context = 1024 };
	int32_t prompt[N], next[] = { 5, 6 };
	struct tokens t = { .ids = next, .n = 2 };
	struct fake_counts counts[4];
	struct engine *e = NULL;
	double logprob;

	(void)state;
	fake_reset();
	fake_ids(prompt, N, 3);
	o.cache_bytes = 100 * model_page_bytes(o.model, o.kv);
	assert_int_equal(engine_open(&o, &e, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		static const uint64_t who[] = { ANN, BOB, BOB, ENGINE_NOBODY };

		assert_int_equal(
			engine_score(e, who[i], prompt, N, &t, 1, &logprob, NULL, NULL, NULL), 0);
		fake_counts(&counts[i]);
	}
	assert_int_equal(counts[1].n_tokens, 2 * counts[0].n_tokens);
	assert_true(counts[2].n_tokens - counts[1].n_tokens < 2 * KV_PAGE);
	assert_int_equal(counts[3].n_tokens - counts[2].n_tokens, counts[0].n_tokens);
	engine_close(e);
}

static void the_configurations_place_is_nobodys(void **state)
{
	struct engine_options o = { .model = &fake_causal, .n_context = 1024 };
	int32_t ids[] = { 3, 4, 5 };
	struct tokens t = { .ids = ids, .n = 2 };
	struct ragd_err err = { 0 };
	struct engine *e = NULL;
	struct ask a;
	double logprob;

	(void)state;
	o.cache_bytes = 100 * model_page_bytes(o.model, o.kv);
	assert_int_equal(engine_open(&o, &e, NULL), 0);
	ask_init(&a, ids, 3, 1);
	a.r.client = CACHE_CONFIGURED;
	assert_int_equal(engine_submit(e, &a.r, &err), -EINVAL);
	a.r.client = ANN;
	a.r.n_configured = 4;
	assert_int_equal(engine_submit(e, &a.r, &err), -EINVAL);
	assert_int_equal(
		engine_score(e, CACHE_CONFIGURED, ids, 3, &t, 1, &logprob, NULL, NULL, &err),
		-EINVAL);
	ask_fini(&a);
	engine_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_finds_what_another_has_read),
		cmocka_unit_test(two_at_the_same_time_share_nothing),
		cmocka_unit_test(what_the_configuration_says_is_shared_and_no_token_more),
		cmocka_unit_test(who_has_most_gives_room),
		cmocka_unit_test(two_who_press_have_half_each),
		cmocka_unit_test(what_is_held_stays_whoever_asks),
		cmocka_unit_test(random_lives_find_only_their_owners_past),
		cmocka_unit_test(a_kept_cache_keeps_its_owners),
		cmocka_unit_test(anothers_prompt_costs_what_one_never_seen_costs),
		cmocka_unit_test(a_score_is_its_askers),
		cmocka_unit_test(the_configurations_place_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
