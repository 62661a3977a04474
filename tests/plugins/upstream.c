#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "daemon/plugins/plugin_metrics.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

void up_server(struct up *t, bool on_unix, const struct act *acts, size_t n_acts)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%.80s/%zu.sock", t->w.dir, t->n_servers);
	server_start(&t->servers[t->n_servers++], on_unix ? path : NULL, acts, n_acts);
}

void up_init(struct up *t)
{
	memset(t, 0, sizeof(*t));
	world_init(&t->w);
	test_call_init(&t->call);
	test_sink_init(&t->sink);
}

int up_try(struct up *t, const char *const *more)
{
	const char *options[12] = { NULL };
	char endpoints[512] = "endpoints=";
	size_t n = 0;

	for (size_t i = 0; i < t->n_servers; i++)
		snprintf(endpoints + strlen(endpoints), sizeof(endpoints) - strlen(endpoints),
			 "%s%s", i > 0 ? "," : "", t->servers[i].url);
	options[n++] = endpoints;
	for (; *more != NULL; more++)
		options[n++] = *more;
	if (world_try(&t->w, "up", "inference_upstream", options, &t->err) < 0)
		return t->err.code;
	if (plugin_set_open(&t->w.cfg, NULL, &t->set, &t->err) < 0)
		return t->err.code;
	t->plugin = plugin_set_at(t->set, 0);
	return 0;
}

void up_end(struct up *t)
{
	if (t->set != NULL)
		plugin_set_unref(t->set);
	for (size_t i = 0; i < t->n_servers; i++)
		server_stop(&t->servers[i]);
	test_sink_fini(&t->sink);
	test_call_fini(&t->call);
	world_fini(&t->w);
}

int up_generate_to(struct up *t, struct test_sink *sink)
{
	static const struct ragd_message messages[] = {
		{ RAGD_ROLE_SYSTEM, RAGD_STR("Be brief.") },
		{ RAGD_ROLE_USER, RAGD_STR("What is new?") },
	};
	static const struct ragd_sampling sampling = { .size = sizeof(sampling),
						       .temperature = 0.5f,
						       .top_p = 1,
						       .min_p = 0.25f,
						       .max_tokens = 9 };
	static const struct ragd_generate req = {
		.size = sizeof(req),
		.messages = messages,
		.n_messages = 2,
		.sampling = &sampling,
	};

	return t->plugin->descriptor->ops.inference->generate(t->plugin->self, &t->call.call, &req,
							      &sink->sink, &t->err);
}

void up_ask(struct up *t)
{
	test_sink_fini(&t->sink);
	test_sink_init(&t->sink);
	assert_int_equal(up_generate_to(t, &t->sink), 0);
	test_sink_wait(&t->sink);
	assert_int_equal(t->sink.n_done, 1);
	assert_true((t->sink.rc < 0) == (t->sink.err.msg[0] != '\0'));
	assert_true(utf8_invalid_at(t->sink.err.msg, strlen(t->sink.err.msg)) < 0);
}

const char *up_answer(const struct up *t)
{
	return t->sink.text.data != NULL ? t->sink.text.data : "";
}

struct wanted {
	const char *name;
	double value;
};

static void metric_cb(const char *instance, const char *name, bool counter, double value, void *arg)
{
	struct wanted *w = arg;

	(void)instance;
	(void)counter;
	if (strcmp(name, w->name) == 0)
		w->value = value;
}

double up_metric(const char *name)
{
	struct wanted w = { name, 0 };

	plugin_metrics(metric_cb, &w);
	return w.value;
}

void up_wait_metric(const char *name, double value)
{
	int64_t until_ms = clock_ms() + TEST_HANG_S * 1000;

	while (up_metric(name) != value && clock_ms() < until_ms)
		usleep(1000); /* there is nothing to wait on: whoever reads /metrics polls too */
	assert_true(up_metric(name) == value);
}
