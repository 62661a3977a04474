/* What one user may hold beside others. */
#include "base/util.h"
#include "ipc/http/http_share.h"
#include "tests/test.h"

#define KIND SHARE_BODIES

static struct share *with(size_t all, size_t per_user, size_t reserve)
{
	struct share *s = share_new();

	assert_non_null(s);
	s->bounds[KIND] = (struct share_bounds){ all, per_user, reserve };
	return s;
}

/* One by one until no more. */
static size_t take_all(struct share *s, uid_t uid, bool reserved, bool admin,
		       enum share_answer *why)
{
	size_t n = 0;

	while ((*why = share_take(s, KIND, uid, 1, reserved, admin)) == SHARE_OK)
		n++;
	return n;
}

static void leaves_others_as_much_as_one_takes(void **state)
{
	struct share *s = with(1000, 1000, 100);
	enum share_answer why;

	(void)state;
	assert_int_equal(take_all(s, 1, false, false, &why), 450);
	assert_int_equal(why, SHARE_OWN_FULL);
	assert_int_equal(take_all(s, 2, false, false, &why), 225);
	assert_int_equal(why, SHARE_OWN_FULL);
	assert_int_equal(take_all(s, 3, false, false, &why), 112);
	/* Fifty more who take all they can, and the next one still gets something small. */
	for (uid_t uid = 4; uid < 54; uid++)
		take_all(s, uid, true, false, &why);
	assert_int_equal(share_take(s, KIND, 99, 0, true, false), SHARE_OK);
	assert_true(s->held[KIND] < 1000);
	share_unref(s);
}

static void keeps_a_reserve(void **state)
{
	struct share *s = with(1000, 1000, 100);
	enum share_answer why;

	(void)state;
	for (uid_t uid = 1; uid < 50; uid++)
		take_all(s, uid, false, false, &why);
	assert_true(s->held[KIND] <= 900);
	assert_int_equal(share_take(s, KIND, 60, 40, false, false), SHARE_FULL);
	assert_int_equal(share_take(s, KIND, 60, 40, true, false), SHARE_OK);
	assert_true(take_all(s, 0, true, true, &why) >= 60);
	assert_int_equal(why, SHARE_FULL);
	assert_int_equal(s->held[KIND], 1000);
	share_unref(s);
}

static void bounds_each_user_also_administrators(void **state)
{
	struct share *s = with(1000, 300, 0);
	enum share_answer why;

	(void)state;
	assert_int_equal(take_all(s, 0, true, true, &why), 300);
	assert_int_equal(why, SHARE_OWN_FULL);
	assert_int_equal(take_all(s, 5, false, false, &why), 300);
	assert_int_equal(share_held(s, KIND, 5), 300);
	assert_int_equal(share_take(s, KIND, 6, SIZE_MAX, true, true), SHARE_FULL);
	share_unref(s);
}

static void gives_back_and_forgets_who_holds_nothing(void **state)
{
	struct share *s = with(1000, 1000, 0);
	enum share_answer why;

	(void)state;
	for (uid_t uid = 1; uid < 200; uid++) {
		assert_int_equal(share_take(s, KIND, uid, 2, false, false), SHARE_OK);
		share_give(s, KIND, uid, 1);
	}
	assert_int_equal(s->n_users, 199);
	for (uid_t uid = 1; uid < 200; uid++)
		share_give(s, KIND, uid, 1);
	assert_int_equal(s->n_users, 0);
	assert_int_equal(s->held[KIND], 0);
	assert_int_equal(take_all(s, 1, false, false, &why), 500);
	/* Bounds that shrink below what is held refuse, and take back. */
	s->bounds[KIND].all = 10;
	assert_int_equal(share_take(s, KIND, 2, 1, true, true), SHARE_FULL);
	share_give(s, KIND, 1, 500);
	assert_int_equal(share_take(s, KIND, 2, 1, true, true), SHARE_OK);
	share_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_others_as_much_as_one_takes),
		cmocka_unit_test(keeps_a_reserve),
		cmocka_unit_test(bounds_each_user_also_administrators),
		cmocka_unit_test(gives_back_and_forgets_who_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
