/* The endpoints' rows: each is found by its own path, and none stands in another's way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "daemon/api/api_routes.h"
#include "ipc/http/syntax/http_route.h"

#define ROUTES_MAX 256
#define PATH_ROOM  256

/* The rows of all tables; returns how many there are. */
static size_t rows_list(const struct http_route *const *tables, const struct http_route **out)
{
	size_t n = 0;

	for (; *tables != NULL; tables++)
		for (const struct http_route *r = *tables; r->method != NULL; r++) {
			assert_true(n < ROUTES_MAX);
			out[n++] = r;
		}
	return n;
}

/* Is there a path that fits both? */
static bool patterns_overlap(const char *a, const char *b)
{
	while (*a == '/' && *b == '/') {
		size_t len_a = strcspn(++a, "/"), len_b = strcspn(++b, "/");
		bool any_a = len_a == 2 && memcmp(a, "{}", 2) == 0;
		bool any_b = len_b == 2 && memcmp(b, "{}", 2) == 0;

		if (!any_a && !any_b && (len_a != len_b || memcmp(a, b, len_a) != 0))
			return false;
		a += len_a;
		b += len_b;
	}
	return *a == *b;
}

/* The first row that shares a method and a path with a later one; NULL if there is none. */
static const struct http_route *rows_clash(const struct http_route *const *tables)
{
	const struct http_route *rows[ROUTES_MAX];
	size_t n = rows_list(tables, rows);

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (strcmp(rows[i]->method, rows[k]->method) == 0 &&
			    patterns_overlap(rows[i]->pattern, rows[k]->pattern))
				return rows[i];
	return NULL;
}

static void no_two_rows_fit_one_request(void **state)
{
	const struct http_route *clash = rows_clash(api_routes());

	(void)state;
	if (clash != NULL)
		fail_msg("%s %s fits two rows", clash->method, clash->pattern);
}

static void a_second_row_of_a_request_is_noticed(void **state)
{
	static const struct {
		const char *method, *pattern;
		bool clashes;
	} rows[] = {
		{ "GET", "/v1/collections/{}/documents", true },
		{ "GET", "/v1/collections/all/documents", true },
		{ "GET", "/v1/{}/default/documents", true },
		{ "PUT", "/v1/collections/{}/documents", false },
		{ "GET", "/v1/collections/{}/passages", false },
		{ "GET", "/v1/documents", false },
		{ "GET", "/v1/collections/{}/documents/{}/passages", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct http_route more[] = {
			{ rows[i].method, rows[i].pattern, 0, NULL, NULL }, { 0 }
		};
		const struct http_route *tables[ROUTES_MAX] = { more };
		size_t n = 1;

		for (const struct http_route *const *t = api_routes(); *t != NULL; t++)
			tables[n++] = *t;
		assert_ptr_equal(rows_clash(tables), rows[i].clashes ? more : NULL);
	}
}

/* The pattern with a name in place of each {}. */
static void path_of(const char *pattern, char out[PATH_ROOM])
{
	const char *at;

	out[0] = '\0';
	assert_true(strlen(pattern) < PATH_ROOM / 2);
	for (; (at = strstr(pattern, "{}")) != NULL; pattern = at + 2) {
		strncat(out, pattern, (size_t)(at - pattern));
		strcat(out, "x.1");
	}
	strcat(out, pattern);
}

static void each_row_is_found_by_its_path(void **state)
{
	const struct http_route *rows[ROUTES_MAX];
	size_t n = rows_list(api_routes(), rows);

	(void)state;
	assert_true(n > 20);
	for (size_t i = 0; i < n; i++) {
		char path[PATH_ROOM], scratch[PATH_ROOM];
		struct http_matched match;

		path_of(rows[i]->pattern, path);
		assert_int_equal(
			http_route_match(api_routes(), rows[i]->method, path, scratch, &match),
			HTTP_MATCH);
		assert_ptr_equal(match.route, rows[i]);
		assert_non_null(rows[i]->handler);
	}
}

/* Clients and people read this list; it follows the rows' order, whatever file they stand in. */
static void a_path_names_its_methods_in_the_order_of_its_rows(void **state)
{
	char scratch[PATH_ROOM];
	struct http_matched match;

	(void)state;
	assert_int_equal(
		http_route_match(api_routes(), "PATCH", "/v1/collections/x", scratch, &match),
		HTTP_MATCH_NO_METHOD);
	assert_string_equal(match.allow, "PUT, GET, HEAD, DELETE");
	assert_int_equal(http_route_match(api_routes(), "GET", "/v1/collection", scratch, &match),
			 HTTP_MATCH_NO_PATH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_rows_fit_one_request),
		cmocka_unit_test(a_second_row_of_a_request_is_noticed),
		cmocka_unit_test(each_row_is_found_by_its_path),
		cmocka_unit_test(a_path_names_its_methods_in_the_order_of_its_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
