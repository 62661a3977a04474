/* A server that says what the test wants and a client on it, for cmocka tests. */
#ifndef TESTS_CLIENTS_PAIR_H
#define TESTS_CLIENTS_PAIR_H

#include <string.h>

#include <ragd/client.h>

#include "tests/clients/fake.h"
#include "tests/clients/replies.h"
#include "tests/test.h"

/* A server with these rows and a client on it. */
struct pair {
	struct fake *f;
	struct ragd_client *c;
	struct ragd_err err;
};

static inline struct pair pair_open(const struct fake_row *rows)
{
	struct pair p = { .f = fake_start(rows) };

	assert_int_equal(ragd_client_open(fake_socket(p.f), &p.c, &p.err), 0);
	assert_string_equal(ragd_client_socket(p.c), fake_socket(p.f));
	return p;
}

static inline void pair_close(struct pair *p)
{
	ragd_client_close(p->c);
	fake_stop(p->f);
}

#define assert_has(text, part) assert_non_null(strstr(text, part))

#endif
