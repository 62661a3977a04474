#include <string.h>

#include <math.h>

#include "base/util.h"
#include "daemon/plugins/validate.h"
#include "tests/daemon/judged.h"
#include "tests/test.h"

static int vectors(const float *v, uint32_t dim, size_t n, struct ragd_err *err)
{
	const struct ragd_embeddings e = { .size = sizeof(e), .values = v, .dim = dim };

	return validate_vectors("p", 0, &e, n, err);
}

static void vectors_are_finite_and_of_length_one(void **state)
{
	float v[6] = { 0, 1, 0, 0.6f, 0, -0.8f };
	const uint32_t counts[2] = { 7, UINT32_MAX };
	struct ragd_embeddings counted = { .size = sizeof(counted), .values = v, .dim = 3 };
	struct ragd_err err = { 0 };

	(void)state;
	assert_judged(vectors(v, 3, 2, &err), 0, &err);
	assert_judged(vectors(NULL, 0, 0, &err), 0, &err);
	assert_judged(vectors(NULL, 3, 2, &err), -EPROTO, &err);
	assert_judged(vectors(v, 0, 2, &err), -EPROTO, &err);
	assert_judged(vectors(v, UINT32_MAX, 2, &err), -EPROTO, &err);
	assert_judged(vectors(v, 3, LONG, &err), -EPROTO, &err);
	counted.n_tokens = counts;
	assert_judged(validate_vectors("p", 0, &counted, 1, &err), 0, &err);
	assert_judged(validate_vectors("p", 0, &counted, 2, &err), -EPROTO, &err);
	counted.n_pieces = counts;
	counted.n_tokens = NULL;
	assert_judged(validate_vectors("p", 0, &counted, 2, &err), -EPROTO, &err);
	v[5] = 0.8f;
	assert_judged(vectors(v, 3, 2, &err), 0, &err);
	v[5] = 0.9f;
	assert_judged(vectors(v, 3, 2, &err), -EPROTO, &err);
	v[5] = NAN;
	assert_judged(vectors(v, 3, 2, &err), -EPROTO, &err);
	memset(v, 0, sizeof(v));
	assert_judged(vectors(v, 3, 2, &err), -EPROTO, &err);
}

static void an_embed_card_has_a_stamp(void **state)
{
	struct ragd_embed_card c = { .size = sizeof(c), .dim = 3, .stamp = "0aZ9" };

	(void)state;
	assert_int_equal(validate_embed_card("p", &c), 0);
	c.dim = UINT32_MAX;
	assert_int_equal(validate_embed_card("p", &c), -EPROTO);
	c.dim = 0;
	strcpy(c.stamp, "a b");
	assert_int_equal(validate_embed_card("p", &c), -EPROTO);
	memset(c.stamp, 'a', sizeof(c.stamp));
	assert_int_equal(validate_embed_card("p", &c), -EPROTO);
	memset(c.stamp, 0, sizeof(c.stamp));
	assert_int_equal(validate_embed_card("p", &c), -EPROTO);
}

static void numbers_are_finite(void **state)
{
	struct ragd_score s[2];
	double ranks[2];
	struct ragd_retrieval_stats stats = { .n_documents = 7, .dim = 3 };
	struct ragd_err err = { 0 };

	(void)state;
	validate_scores_prepare(s, 2);
	s[0].logprob = -1;
	assert_judged(validate_scores("p", 0, s, 2, &err), -EPROTO, &err);
	s[1].logprob = -INFINITY;
	assert_judged(validate_scores("p", 0, s, 2, &err), -EPROTO, &err);
	s[1].logprob = -2;
	assert_judged(validate_scores("p", 0, s, 2, &err), 0, &err);
	validate_ranks_prepare(ranks, 2);
	ranks[0] = 7;
	assert_judged(validate_ranks("p", 0, ranks, 2, &err), -EPROTO, &err);
	ranks[1] = INFINITY;
	assert_judged(validate_ranks("p", 0, ranks, 2, &err), -EPROTO, &err);
	assert_judged(validate_ranks("p", EIO, ranks, 2, &err), -EPROTO, &err);
	ranks[1] = -7;
	assert_judged(validate_ranks("p", 0, ranks, 2, &err), 0, &err);
	validate_stats("p", &stats);
	assert_int_equal(stats.n_documents, 7);
	stats.n_bytes = UINT64_MAX;
	validate_stats("p", &stats);
	assert_int_equal(stats.n_documents, 0);
	stats = (struct ragd_retrieval_stats){ .n_passages = 3, .n_waiting = 3 };
	memset(stats.trouble, 'x', sizeof(stats.trouble));
	validate_stats("p", &stats);
	assert_int_equal(stats.n_waiting, 3);
	assert_int_equal(strlen(stats.trouble), sizeof(stats.trouble) - 1);
	stats.n_waiting = 4; /* more than there are */
	validate_stats("p", &stats);
	assert_int_equal(stats.n_waiting, 0);
	stats = (struct ragd_retrieval_stats){ .n_passages = 3, .n_foreign = 4 };
	validate_stats("p", &stats);
	assert_int_equal(stats.n_foreign, 0);
}

static void a_card_that_is_wrong_is_emptied(void **state)
{
	const struct ragd_card rows[] = {
		{ .name = NULL },
		{ .name = "m", .family = NOT_UTF8 },
		{ .name = "m", .summary = endless },
		{ .name = "m", .n_parameters = UINT64_MAX },
		{ .name = "m", .n_context = UINT32_MAX },
		{ .name = "m", .abilities = 0x80 },
	};
	struct ragd_card c = { .name = "m", .summary = "Two lines\nof text." };

	(void)state;
	validate_card("p", &c);
	assert_string_equal(c.name, "m");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		c = rows[i];
		validate_card("p", &c);
		assert_string_equal(c.name, "unknown");
		assert_null(c.family);
		assert_null(c.summary);
	}
}

#define SIZE sizeof(struct ragd_usage)

static void the_end_of_an_answer_is_judged(void **state)
{
	static const struct ragd_err said = { -EIO, "the peer is gone" };
	static const struct {
		const char *name;
		int rc;
		int finish;
		struct ragd_usage usage;
		int want;
	} rows[] = {
		{ "well", 0, RAGD_FINISH_NO_ANSWER, { SIZE, 9, 9, 1 }, 0 },
		{ "an error, whatever else is said", -EIO, 77, { SIZE, 1, 9, 1 }, -EIO },
		{ "a positive error", EIO, RAGD_FINISH_STOP, { .size = SIZE }, -EPROTO },
		{ "no known finish", 0, 77, { .size = SIZE }, -EPROTO },
		{ "a negative finish", 0, -5, { .size = SIZE }, -EPROTO },
		{ "more cached than there were", 0, RAGD_FINISH_STOP, { SIZE, 1, 2, 0 }, -EPROTO },
		{ "a size that ends before its members",
		  0,
		  RAGD_FINISH_STOP,
		  { 8, 1, 0, 1 },
		  -EPROTO },
		{ "no size", 0, RAGD_FINISH_STOP, { 0, 1, 0, 1 }, -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_judged(validate_done("p", rows[i].rc, (enum ragd_finish)rows[i].finish,
					    &rows[i].usage, &said, &err),
			      rows[i].want, &err);
		if (rows[i].want == -EIO)
			assert_string_equal(err.msg, said.msg);
	}
	for (size_t i = 0; i < 2; i++) {
		struct ragd_err err = { 0 };

		assert_judged(validate_piece("p", "caf\xc3\xa9", 4 + i, &err), i == 1 ? 0 : -EPROTO,
			      &err);
		assert_judged(validate_piece("p", NULL, i, &err), i == 0 ? 0 : -EPROTO, &err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_finite_and_of_length_one),
		cmocka_unit_test(an_embed_card_has_a_stamp),
		cmocka_unit_test(numbers_are_finite),
		cmocka_unit_test(a_card_that_is_wrong_is_emptied),
		cmocka_unit_test(the_end_of_an_answer_is_judged),
	};

	return cmocka_run_group_tests(tests, endless_fill, NULL);
}
