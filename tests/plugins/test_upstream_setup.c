/* What inference_upstream is set to: options, models, the key. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

static const struct act fine = ACT_FINE;

static void options_are_validated_together(void **state)
{
	static const struct {
		const char *options[5];
		const char *why;
	} rows[] = {
		{ { NULL }, "at least one server" },
		{ { "endpoints=localhost:8000" }, "is not http://host:port" },
		{ { "endpoints=ftp://host" }, "is not http://host:port" },
		{ { "endpoints=file:///etc/passwd" }, "is not http://host:port" },
		{ { "endpoints=http://" }, "is not http://host:port" },
		{ { "endpoints=http://host:99999" }, "is not http://host:port" },
		{ { "endpoints=http://user:geheim@host" }, "no user" },
		{ { "endpoints=https://host/v1?key=1" }, "without '?'" },
		{ { "endpoints=https://host/v1#a" }, "without '#'" },
		{ { "endpoints=unix:run/x.sock" }, "begins with a slash" },
		{ { "endpoints=unix:/"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "x"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		  "at most 107 bytes" },
		{ { "endpoints=http://a,http://a" }, "is listed twice" },
		{ { "endpoints=http://a,http://b", "weights=1" }, "1 for 2 endpoints" },
		{ { "endpoints=http://a", "weights=0" }, "from 1 to 100" },
		{ { "endpoints=http://a", "weights=101" }, "from 1 to 100" },
		{ { "endpoints=http://a", "weights=-1" }, "from 1 to 100" },
		{ { "endpoints=http://a", "weights=2x" }, "from 1 to 100" },
		{ { "endpoints=http://a", "health=none" }, "model must be given" },
		{ { "endpoints=http://a", "tls_ca=/ca.pem" }, "no endpoint begins with https" },
		{ { "endpoints=https://a", "tls_ca=/ca.pem", "tls_verify=no" }, "contradict" },
		{ { "endpoints=http://a", "proxy=proxy:3128" },
		  "proxy: must be none, environment" },
		{ { "endpoints=http://a", "proxy=http://svc:secret@proxy:3128" },
		  "proxy: a URL must not contain a user" },
		{ { "endpoints=http://a", "proxy=socks5h://svc@proxy" },
		  "proxy: a URL must not contain a user" },
		{ { "endpoints=http://a", "model=a\nb" }, "control character" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct world w;

		print_message("%s\n", rows[i].why);
		world_init(&w);
		assert_int_equal(world_try(&w, "up", "inference_upstream", rows[i].options, &err),
				 -EINVAL);
		assert_non_null(strstr(err.msg, rows[i].why));
		assert_null(strstr(err.msg, "geheim"));
		world_fini(&w);
	}
}

static void the_servers_list_tells_the_model(void **state)
{
	struct ragd_card card = { .size = sizeof(card) };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &fine, 1);
	server_models(&t.servers[0],
		      HEAD_JSON "{\"data\":[{\"id\":\"first\",\"max_model_len\":512},"
				"{\"id\":\"second\"}]}");
	up_open(&t, QUICK);
	up_ask(&t); /* before the list is there it waits for it */
	assert_int_equal(t.sink.rc, 0);
	assert_non_null(strstr(t.servers[0].body.data, "{\"model\":\"first\","));
	t.plugin->descriptor->ops.inference->card(t.plugin->self, &card);
	assert_string_equal(card.name, "first");
	assert_int_equal(card.n_context, 512);
	assert_non_null(strstr(card.summary, "on this machine"));
	up_end(&t);

	up_init(&t); /* the model that was asked for is the one on the card */
	up_server(&t, true, &fine, 1);
	up_open(&t, "model=mine", QUICK);
	t.plugin->descriptor->ops.inference->card(t.plugin->self, &card);
	assert_string_equal(card.name, "mine");
	up_end(&t);
}

static void without_a_list_there_is_no_model_to_ask_for(void **state)
{
	static const char *const lists[] = { HEAD_JSON "{\"data\":[]}", HEAD_JSON "{}",
					     HEAD_JSON "<html>", ERROR_OF("404 No", "none"), "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct up t;

		up_init(&t);
		up_server(&t, true, &fine, 1);
		server_models(&t.servers[0], lists[i]);
		up_open(&t, QUICK, "retries=0");
		up_ask(&t);
		assert_int_equal(t.sink.rc, -EBUSY);
		assert_non_null(strstr(t.sink.err.msg, "none of the servers can be reached"));
		assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 0);
		up_end(&t);
	}
}

static void key_write(const struct up *t, const char *key, mode_t mode, char path[PATH_MAX + 16])
{
	int fd;

	snprintf(path, PATH_MAX + 16, "%s/key", t->w.dir);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, key, strlen(key)), (ssize_t)strlen(key));
	fchmod(fd, mode);
	close(fd);
}

static void the_key_goes_to_the_server_and_nowhere_else(void **state)
{
	static const struct act acts[] = {
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
		{ ERROR_OF("400 Bad", "your key is sk-two!"), THEN_CLOSE, 0, NULL, 0 },
	};
	char path[PATH_MAX + 16], option[PATH_MAX + 32];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	key_write(&t, "sk-one\n", 0600, path);
	snprintf(option, sizeof(option), "api_key_file=%s", path);
	up_open(&t, "model=m", option);
	server_wait(&t.servers[0], &t.servers[0].n_gets, 1);
	assert_non_null(strstr(t.servers[0].get.data, "\r\nAuthorization: Bearer sk-one"));
	up_ask(&t);
	assert_non_null(strstr(t.servers[0].head.data, "\r\nAuthorization: Bearer sk-one\r\n"));
	key_write(&t, "sk-two\n", 0600, path);
	up_ask(&t);
	assert_non_null(strstr(t.servers[0].head.data, "\r\nAuthorization: Bearer sk-two\r\n"));
	assert_int_equal(t.sink.rc, -EINVAL);
	assert_non_null(strstr(t.sink.err.msg, "your key is ******!"));
	up_end(&t);
}

static void a_key_that_others_may_read_does_not_open(void **state)
{
	char path[PATH_MAX + 16], option[PATH_MAX + 32];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &fine, 1);
	key_write(&t, "sk-one\n", 0644, path);
	snprintf(option, sizeof(option), "api_key_file=%s", path);
	assert_int_equal(up_try(&t, (const char *const[]){ "model=m", option, NULL }), -EACCES);
	assert_non_null(strstr(t.err.msg, "chmod 0600"));
	up_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_validated_together),
		cmocka_unit_test(the_servers_list_tells_the_model),
		cmocka_unit_test(without_a_list_there_is_no_model_to_ask_for),
		cmocka_unit_test(the_key_goes_to_the_server_and_nowhere_else),
		cmocka_unit_test(a_key_that_others_may_read_does_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
