/* Programs of the machine get in, web pages do not. */
#include <string.h>

#include "base/util.h"
#include "ipc/http/syntax/http_site.h"
#include "tests/test.h"

static const char *const hosts[] = { "chat.example.org", NULL };
static const char *const origins[] = { "https://chat.example.org", NULL };

static void checks_hosts(void **state)
{
	static const struct {
		const char *host;
		enum http_site_result want;
	} rows[] = {
		{ NULL, HTTP_SITE_OK },
		{ "", HTTP_SITE_OK },
		{ "localhost", HTTP_SITE_OK },
		{ "LocalHost:8080", HTTP_SITE_OK },
		{ "localhost.", HTTP_SITE_OK },
		{ "localhost.:80", HTTP_SITE_OK },
		{ "localhost:", HTTP_SITE_OK },
		{ "ragd", HTTP_SITE_OK },
		{ "RAGD:1", HTTP_SITE_OK },
		{ "127.0.0.1", HTTP_SITE_OK },
		{ "127.0.0.1:8080", HTTP_SITE_OK },
		{ "192.168.1.7:65535", HTTP_SITE_OK },
		{ "[::1]", HTTP_SITE_OK },
		{ "[::1]:8080", HTTP_SITE_OK },
		{ "[FE80::1:2]", HTTP_SITE_OK },
		{ "[::ffff:127.0.0.1]:1", HTTP_SITE_OK },
		{ "chat.example.org", HTTP_SITE_OK },
		{ "Chat.Example.ORG.:443", HTTP_SITE_OK },
		{ "evil.example", HTTP_SITE_HOST },
		{ "evil.example:8080", HTTP_SITE_HOST },
		{ "localhost.evil.example", HTTP_SITE_HOST },
		{ "localhost..", HTTP_SITE_HOST },
		{ ".localhost", HTTP_SITE_HOST },
		{ "notlocalhost", HTTP_SITE_HOST },
		{ "localhosts", HTTP_SITE_HOST },
		{ "ragd.example", HTTP_SITE_HOST },
		{ "sub.chat.example.org", HTTP_SITE_HOST },
		{ "127.0.0.1.nip.io", HTTP_SITE_HOST },
		{ "127.1", HTTP_SITE_HOST },
		{ "0x7f.0.0.1", HTTP_SITE_HOST },
		{ "2130706433", HTTP_SITE_HOST },
		{ "127.0.0.1:80:80", HTTP_SITE_HOST },
		{ "localhost:8a", HTTP_SITE_HOST },
		{ "localhost:800000", HTTP_SITE_HOST },
		{ "localhost@evil.example", HTTP_SITE_HOST },
		{ "evil.example@localhost", HTTP_SITE_HOST },
		{ "localhost evil.example", HTTP_SITE_HOST },
		{ "localhost,evil.example", HTTP_SITE_HOST },
		{ "::1", HTTP_SITE_HOST },
		{ "[::1", HTTP_SITE_HOST },
		{ "[::1]evil", HTTP_SITE_HOST },
		{ "[evil.example]", HTTP_SITE_HOST },
		{ "[]", HTTP_SITE_HOST },
		{ ".", HTTP_SITE_HOST },
		{ ":80", HTTP_SITE_HOST },
		{ "l\xc3\xb6"
		  "calhost",
		  HTTP_SITE_HOST },
	};
	char longest[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct http_site site = { .host = rows[i].host };

		print_message("%s\n", rows[i].host != NULL ? rows[i].host : "none");
		assert_int_equal(http_site_check(&site, hosts, origins), rows[i].want);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(http_site_check(&(struct http_site){ .host = longest }, hosts, NULL),
			 HTTP_SITE_HOST);
	assert_int_equal(
		http_site_check(&(struct http_site){ .host = "chat.example.org" }, NULL, NULL),
		HTTP_SITE_HOST);
}

static void checks_targets(void **state)
{
	static const struct {
		const char *target;
		enum http_site_result want;
	} rows[] = {
		{ "/v1/models?url=http://evil.example/", HTTP_SITE_OK },
		{ "*", HTTP_SITE_OK },
		{ "http://localhost/v1/models", HTTP_SITE_OK },
		{ "http://ragd:8080?x", HTTP_SITE_OK },
		{ "http://[::1]:8080/", HTTP_SITE_OK },
		{ "http://evil.example/v1/models", HTTP_SITE_HOST },
		{ "https://evil.example", HTTP_SITE_HOST },
		{ "HTTP://evil.example:80/#localhost", HTTP_SITE_HOST },
		{ "http://localhost@evil.example/", HTTP_SITE_HOST },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct http_site site = { .host = "localhost", .target = rows[i].target };

		print_message("%s\n", rows[i].target);
		assert_int_equal(http_site_check(&site, NULL, NULL), rows[i].want);
	}
}

static void checks_origins(void **state)
{
	static const struct {
		const char *origin, *fetch;
		enum http_site_result want;
	} rows[] = {
		{ NULL, NULL, HTTP_SITE_OK },
		{ NULL, "none", HTTP_SITE_OK },
		{ NULL, "Same-Origin", HTTP_SITE_OK },
		{ "https://chat.example.org", NULL, HTTP_SITE_OK },
		{ "https://chat.example.org", "cross-site", HTTP_SITE_OK },
		{ "HTTPS://CHAT.example.org", "same-origin", HTTP_SITE_OK },
		{ NULL, "cross-site", HTTP_SITE_ORIGIN },
		{ NULL, "same-site", HTTP_SITE_ORIGIN },
		{ NULL, "", HTTP_SITE_ORIGIN },
		{ NULL, "new-word", HTTP_SITE_ORIGIN },
		{ "", NULL, HTTP_SITE_ORIGIN },
		{ "null", NULL, HTTP_SITE_ORIGIN },
		{ "https://evil.example", NULL, HTTP_SITE_ORIGIN },
		{ "https://evil.example", "same-origin", HTTP_SITE_ORIGIN },
		{ "http://chat.example.org", NULL, HTTP_SITE_ORIGIN },
		{ "https://chat.example.org:8443", NULL, HTTP_SITE_ORIGIN },
		{ "https://chat.example.org.evil.example", NULL, HTTP_SITE_ORIGIN },
		{ "https://chat.example.org https://evil.example", NULL, HTTP_SITE_ORIGIN },
		/* A page from another port of this machine is another program's. */
		{ "http://localhost:3000", NULL, HTTP_SITE_ORIGIN },
		{ "http://127.0.0.1:8080", NULL, HTTP_SITE_ORIGIN },
		{ "file://", NULL, HTTP_SITE_ORIGIN },
		{ "app://notes", NULL, HTTP_SITE_ORIGIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct http_site site = { .host = "localhost:8080",
						.origin = rows[i].origin,
						.sec_fetch_site = rows[i].fetch };

		print_message("%s %s\n", rows[i].origin != NULL ? rows[i].origin : "-",
			      rows[i].fetch != NULL ? rows[i].fetch : "-");
		assert_int_equal(http_site_check(&site, hosts, origins), rows[i].want);
	}
	assert_int_equal(
		http_site_check(&(struct http_site){ .origin = "https://chat.example.org" }, NULL,
				NULL),
		HTTP_SITE_ORIGIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_hosts),
		cmocka_unit_test(checks_targets),
		cmocka_unit_test(checks_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
