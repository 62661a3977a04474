/* The URLs of servers. */
#include "base/util.h"
#include "tests/test.h"
#include "upstream/servers/server_url.h"

static void the_urls_of_servers_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *base, *origin;
		bool tls, local;
	} rows[] = {
		{ "http://host", "http://host/v1", "http://host", false, false },
		{ "HTTP://host:8000/", "http://host:8000/v1", "http://host:8000", false, false },
		{ "https://host/v1/", "https://host/v1", "https://host", true, false },
		{ "https://host/openai/v2", "https://host/openai/v2", "https://host", true, false },
		{ "https://host/openai", "https://host/openai/v1", "https://host", true, false },
		{ "https://host/rev1", "https://host/rev1/v1", "https://host", true, false },
		{ "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", "http://127.0.0.1:1", false,
		  true },
		{ "http://127.evil.com", "http://127.evil.com/v1", "http://127.evil.com", false,
		  false },
		{ "http://[::1]:8080", "http://[::1]:8080/v1", "http://[::1]:8080", false, true },
		{ "unix:/run/s.sock", "http://localhost/v1", "http://localhost", false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server_url u = { 0 };

		print_message("%s\n", rows[i].url);
		assert_int_equal(server_url_parse(rows[i].url, &u, NULL), 0);
		assert_string_equal(u.text, rows[i].url);
		assert_string_equal(u.base, rows[i].base);
		assert_string_equal(u.origin, rows[i].origin);
		assert_int_equal(u.tls, rows[i].tls);
		assert_int_equal(u.local, rows[i].local);
		server_url_fini(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_urls_of_servers_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
