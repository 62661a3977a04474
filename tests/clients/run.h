/* rag as one types it, against a server that says what the test wants, for cmocka tests. */
#ifndef TESTS_CLIENTS_RUN_H
#define TESTS_CLIENTS_RUN_H

#include <string.h>

#include "tests/clients/fake.h"
#include "tests/clients/replies.h"
#include "tests/test.h"

#define assert_has(text, part)   assert_non_null(strstr(text, part))
#define assert_hasnt(text, part) assert_null(strstr(text, part))

/* One run of rag: what it wrote, how it ended. */
struct ran {
	char *out, *err;
	int status;
};

/* The server of the test that runs; rag finds it. */
extern struct fake *server;

void server_start(const struct fake_row *rows);
void server_stop(void);

/* Run rag in a folder (NULL: here) with input (NULL: none); args end with a NULL. */
struct ran run_in(const char *folder, const char *input, const char *const *args);
#define run_rag(input, ...) run_in(NULL, input, (const char *[]){ "rag", __VA_ARGS__, NULL })
void ran_free(struct ran *r);

#endif
