#include "tests/plugins/support.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/modules/module.h"
#include "daemon/modules/option.h"
#include "tests/test.h"

const struct ragd_sampling plain_sampling = { .size = sizeof(plain_sampling) };

/* ---- world --------------------------------------------------------------------------------- */

static const char *const *plugin_dirs(struct arena *a)
{
	static const char *const folders[] = {
		"plugins/inference_echo/.libs",   "plugins/inference_extract/.libs",
		"plugins/inference_gguf/.libs",   "plugins/inference_upstream/.libs",
		"plugins/retrieval_hybrid/.libs", "plugins/safety_basic/.libs",
		"plugins/safety_grounding/.libs", "plugins/examples/.libs",
		"tests/plugins/modules",
	};
	const char **dirs = arena_alloc(a, ARRAY_LEN(folders) + 1, sizeof(*dirs));
	const char *build = getenv("RAGD_BUILDDIR");

	assert_non_null(dirs);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		dirs[i] = arena_printf(a, "%s/%s", build != NULL ? build : ".", folders[i]);
	return dirs;
}

void world_next(struct world *w, const struct world *before)
{
	const char *source = getenv("RAGD_SRCDIR");

	memset(w, 0, sizeof(*w));
	w->arena = arena_new(16 << 20);
	assert_non_null(w->arena);
	snprintf(w->dir, sizeof(w->dir), "%s", before->dir);
	w->cfg.path = "";
	w->cfg.state_dir = w->dir;
	w->cfg.data_dir = arena_printf(w->arena, "%s/data", source != NULL ? source : ".");
	w->cfg.plugin_dirs = plugin_dirs(w->arena);
	w->cfg.plugins = w->plugins;
}

void world_init(struct world *w)
{
	struct world fresh = { 0 };
	const char *tmp = getenv("TMPDIR");

	snprintf(fresh.dir, sizeof(fresh.dir), "%s/ragd-plugins-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(fresh.dir));
	world_next(w, &fresh);
}

void world_fini(struct world *w)
{
	char cmd[PATH_MAX + 16];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->dir);
	assert_int_equal(system(cmd), 0);
	arena_free(w->arena);
}

/* "a,b" as { "a", "b", NULL } */
static const char *const *split(struct arena *a, const char *text)
{
	const char **list = arena_alloc(a, strlen(text) + 2, sizeof(*list));
	size_t n = 0, len;

	assert_non_null(list);
	for (; *text != '\0'; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		list[n++] = arena_strndup(a, text, len);
	}
	return list;
}

static const char *option_text(const struct ragd_option *opt, const char *const *options)
{
	size_t len = strlen(opt->name);

	for (; *options != NULL; options++)
		if (strncmp(*options, opt->name, len) == 0 && (*options)[len] == '=')
			return *options + len + 1;
	return opt->dflt != NULL ? opt->dflt : "";
}

int world_try(struct world *w, const char *instance, const char *module, const char *const *options,
	      struct ragd_err *err)
{
	struct config_plugin *p = &w->plugins[w->cfg.n_plugins];
	const struct ragd_option *table;
	struct ragd_value *values;
	size_t n = 0;
	int rc;

	assert_true(w->cfg.n_plugins < WORLD_PLUGINS);
	rc = module_load(w->cfg.plugin_dirs, module, 0, &p->descriptor, NULL, err);
	if (rc < 0)
		return rc;
	table = p->descriptor->options;
	while (table != NULL && table[n].name != NULL)
		n++;
	values = arena_alloc(w->arena, n + 1, sizeof(*values));
	assert_non_null(values);
	for (size_t i = 0; i < n; i++) {
		const char *text = arena_strdup(w->arena, option_text(&table[i], options));

		values[i].name = table[i].name;
		if (table[i].type == RAGD_OPT_LIST)
			values[i].list = split(w->arena, text);
		else if ((rc = option_parse(&table[i], text, &values[i], err)) < 0)
			return rc;
	}
	p->name = instance;
	p->module = module;
	p->options = (struct ragd_config){ n, values };
	p->deadline_ms = TEST_HANG_S * 1000;
	if (p->descriptor->check != NULL && (rc = p->descriptor->check(&p->options, err)) < 0)
		return rc;
	w->cfg.n_plugins++;
	return 0;
}

const char *world_journal(const struct world *w)
{
	return arena_printf(w->arena, "journal=%s/journal", w->dir);
}

struct plugin_set *world_open(const struct world *w, struct plugin_set *previous)
{
	struct plugin_set *set = NULL;
	struct ragd_err err = { 0 };

	if (plugin_set_open(&w->cfg, previous, &set, &err) < 0)
		fail_msg("%s", err.msg);
	return set;
}

/* ---- call ---------------------------------------------------------------------------------- */

static void *call_alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	return arena_alloc(container_of(call, struct test_call, call)->arena, n, size);
}

static bool call_cancelled_cb(const struct ragd_call *call)
{
	return atomic_load(&container_of(call, struct test_call, call)->is_cancelled);
}

void test_call_init(struct test_call *c)
{
	memset(c, 0, sizeof(*c));
	c->caller.uid = getuid();
	c->caller.gid = getgid();
	c->caller.admin = true;
	c->arena = arena_new(64 << 20);
	c->call = (struct ragd_call){
		.size = sizeof(c->call),
		.caller = &c->caller,
		.request_id = "test",
		.alloc = call_alloc_cb,
		.cancelled = call_cancelled_cb,
	};
}

void test_call_fini(struct test_call *c)
{
	arena_free(c->arena);
}

/* ---- sink ---------------------------------------------------------------------------------- */

static int sink_text_cb(struct ragd_sink *sink, const char *text, size_t len)
{
	struct test_sink *s = container_of(sink, struct test_sink, sink);
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (s->stop_after != 0 && s->n_pieces >= s->stop_after) {
		rc = s->stop_code;
	} else {
		buf_add(&s->text, text, len);
		s->n_pieces++;
	}
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void sink_done_cb(struct ragd_sink *sink, int rc, enum ragd_finish finish,
			 const struct ragd_usage *usage, const struct ragd_err *err)
{
	struct test_sink *s = container_of(sink, struct test_sink, sink);

	pthread_mutex_lock(&s->lock);
	s->rc = rc;
	s->finish = finish;
	if (usage != NULL)
		s->usage = *usage;
	if (err != NULL)
		s->err = *err;
	s->n_done++;
	s->done = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void test_sink_init(struct test_sink *s)
{
	memset(s, 0, sizeof(*s));
	s->sink = (struct ragd_sink){ sizeof(s->sink), sink_text_cb, sink_done_cb };
	s->stop_code = -ECANCELED;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
}

void test_sink_fini(struct test_sink *s)
{
	buf_fini(&s->text);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

static void sink_wait(struct test_sink *s, unsigned n_pieces)
{
	struct timespec until;
	bool ok;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TEST_HANG_S;
	pthread_mutex_lock(&s->lock);
	while (!s->done && s->n_pieces < n_pieces && rc == 0)
		rc = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	ok = s->done || s->n_pieces >= n_pieces;
	pthread_mutex_unlock(&s->lock);
	assert_true(ok);
}

void test_sink_wait(struct test_sink *s)
{
	sink_wait(s, UINT_MAX);
}

void test_sink_wait_pieces(struct test_sink *s, unsigned n)
{
	sink_wait(s, n);
}
