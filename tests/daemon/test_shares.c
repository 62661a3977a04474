#include "base/util.h"
#include "daemon/service/shares.h"
#include "tests/test.h"

#define PLACES 1024
#define SHARE  90

/* As many as it gets. */
static size_t grab(struct shares *s, uid_t uid, bool admin, size_t max, unsigned share)
{
	size_t n = 0;

	while (shares_take(s, uid, admin, max, share, "things", NULL) == 0)
		n++;
	return n;
}

static void give_all(struct shares *s, uid_t uid, size_t n)
{
	while (n-- > 0)
		shares_give(s, uid);
}

static void one_user_gets_its_share_and_no_more(void **state)
{
	static const struct {
		size_t max;
		unsigned share;
		size_t want; /* of max less a sixteenth */
	} rows[] = {
		{ 1024, 90, 864 }, { 1024, 50, 480 }, { 1024, 100, 960 }, { 1024, 1, 10 },
		{ 16, 90, 14 },    { 1, 90, 1 },      { 2, 90, 2 },       { 10, 50, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct shares s = { 0 };
		size_t n = grab(&s, 1, false, rows[i].max, rows[i].share);

		assert_int_equal(n, rows[i].want);
		give_all(&s, 1, n);
		assert_int_equal(s.n, 0);
		assert_null(s.users);
	}
}

static void two_that_take_all_they_get_leave_some_for_a_third(void **state)
{
	struct shares s = { 0 };
	size_t n[2];

	(void)state;
	for (uid_t uid = 0; uid < ARRAY_LEN(n); uid++) {
		n[uid] = grab(&s, uid, false, PLACES, SHARE);
		assert_true(n[uid] > 0);
		assert_int_equal(shares_take(&s, uid, false, PLACES, SHARE, "things", NULL),
				 -EDQUOT);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(shares_take(&s, 7, false, PLACES, SHARE, "things", NULL), 0);
	give_all(&s, 7, 4);
	for (uid_t uid = 0; uid < ARRAY_LEN(n); uid++)
		give_all(&s, uid, n[uid]);
}

static void two_that_take_turns_share_it(void **state)
{
	struct shares s = { 0 };
	size_t a = 0, b = 0, before;

	(void)state;
	do {
		before = a + b;
		a += shares_take(&s, 1, false, PLACES, SHARE, "things", NULL) == 0;
		b += shares_take(&s, 2, false, PLACES, SHARE, "things", NULL) == 0;
	} while (a + b > before);
	assert_in_range(a - b, 0, 1);
	assert_in_range(a + b, PLACES * 85 / 100, PLACES * 95 / 100);
	give_all(&s, 1, a);
	give_all(&s, 2, b);
}

static void the_last_places_are_for_administrators(void **state)
{
	struct shares s = { 0 };
	size_t n = grab(&s, 1, false, PLACES, 100);

	(void)state;
	assert_int_equal(n, PLACES - PLACES / 16);
	assert_int_equal(shares_take(&s, 2, false, PLACES, 100, "things", NULL), -EAGAIN);
	assert_int_equal(grab(&s, 0, true, PLACES, SHARE), PLACES / 16);
	assert_int_equal(shares_take(&s, 0, true, PLACES, SHARE, "things", NULL), -EAGAIN);
	give_all(&s, 1, n);
	give_all(&s, 0, PLACES / 16);
}

static void an_administrator_alone_has_all(void **state)
{
	struct shares s = { 0 };

	(void)state;
	assert_int_equal(grab(&s, 0, true, PLACES, 1), PLACES);
	give_all(&s, 0, PLACES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_user_gets_its_share_and_no_more),
		cmocka_unit_test(two_that_take_all_they_get_leave_some_for_a_third),
		cmocka_unit_test(two_that_take_turns_share_it),
		cmocka_unit_test(the_last_places_are_for_administrators),
		cmocka_unit_test(an_administrator_alone_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
