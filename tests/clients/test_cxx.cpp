// The client library from C++: it compiles, links, asks and streams.
#include <cstdio>
#include <cstring>
#include <string>

#include <ragd/client.h>

extern "C" {
#include "tests/clients/fake.h"
}
#include "tests/clients/replies.h"

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			std::fprintf(stderr, "%d: %s\n", __LINE__, #what);                         \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int on_text(void *arg, const char *text, size_t len)
{
	static_cast<std::string *>(arg)->append(text, len);
	return 0;
}

int main()
{
	static const fake_row rows[] = {
		{ "POST", "/v1/chat/completions", 200, "text/event-stream", STREAM, FAKE_PIECES,
		  nullptr },
		{ nullptr, nullptr, 0, nullptr, nullptr, FAKE_FINE, nullptr },
	};
	fake *f = fake_start(rows);
	ragd_client *c = nullptr;
	ragd_answer *a = nullptr;
	ragd_events events = {};
	ragd_ask ask = {};
	ragd_err err;
	std::string text;

	CHECK(ragd_client_open(fake_socket(f), &c, &err) == 0);
	ask.question = "How large?";
	events.text = on_text;
	events.arg = &text;
	CHECK(ragd_client_ask(c, &ask, &events, &a, &err) == 0);
	CHECK(text == ragd_answer_text(a));
	CHECK(std::string(ragd_answer_citation(a, 0)->document) == "threadpool.rst");
	CHECK(ragd_client_daemon(c, nullptr, &err) == -ENOENT);
	CHECK(std::strlen(ragd_client_version()) > 0);
	ragd_answer_free(a);
	ragd_client_close(c);
	fake_stop(f);
	return 0;
}
