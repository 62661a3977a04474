/*
 * Any text as a configuration: it is refused with one line, or gives a configuration in which every
 * name leads somewhere. And whatever it was, the next text is read as if nothing had been.
 */
#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "tests/fuzz/fuzz.h"

static const char good[] = "ragd { threads = 7 } # \"\ncollection \"c\" { }";

static struct config_source source = { .scope = CONFIG_USER, .socket = "/s", .state_dir = "/d" };

static const struct config_source *the_source(void)
{
	static char dir[PATH_MAX];
	const char *build = getenv("RAGD_BUILDDIR");

	if (source.plugin_dir == NULL) {
		snprintf(dir, sizeof(dir), "%s/tests/daemon/modules", build != NULL ? build : ".");
		source.plugin_dir = realpath(dir, NULL);
		if (source.plugin_dir == NULL) /* then plugins are unknown, the rest goes on */
			source.plugin_dir = "/nonexistent";
	}
	return &source;
}

/* Read the good text. It is refused where its plugins are neither built nor installed. */
static int read_good(const struct config_source *src)
{
	struct config *cfg = NULL;
	struct ragd_err err = { 0 };
	int rc = config_parse(src, "good", good, sizeof(good) - 1, &cfg, &err);

	if (rc == 0)
		assert(cfg->n_threads == 7 && cfg->n_collections == 1);
	config_free(cfg);
	return rc;
}

static void check_names(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_plugins; i++) {
		assert(cfg->plugins[i].descriptor != NULL);
		assert(cfg->plugins[i].deadline_ms > 0);
	}
	for (size_t i = 0; i < cfg->n_assistants; i++) {
		const struct config_assistant *a = &cfg->assistants[i];

		assert(config_assistant(cfg, a->name) == a);
		assert(config_policy(cfg, a->policy) != NULL);
		assert(a->k >= 1 && a->k <= 50);
		assert(!a->grounded || a->retrieval[0] != '\0');
	}
	assert(cfg->n_threads > 0 && cfg->limits.body >= 1024);
	assert((cfg->socket_mode & ~0777u) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int good_rc = 1; /* before any other text was read */
	const struct config_source *src = the_source();
	struct config *cfg = NULL;
	struct ragd_err err = { 0 };
	int rc;

	if (good_rc == 1)
		good_rc = read_good(src);
	/* A pattern such as /[star]/[star] would have it walk the whole disk. */
	if (memmem(data, size, "include", 7) != NULL)
		return 0;
	rc = config_parse(src, "t.conf", (const char *)data, size, &cfg, &err);
	if (rc < 0) {
		assert(cfg == NULL && err.code == rc);
		assert(err.msg[0] != '\0' && strchr(err.msg, '\n') == NULL);
	} else {
		check_names(cfg);
		config_free(cfg);
	}
	assert(read_good(src) == good_rc);
	return 0;
}
