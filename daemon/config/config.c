#include "daemon/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "daemon/config/config_private.h"

void config_free(struct config *cfg)
{
	struct config_built *built;

	if (cfg == NULL)
		return;
	built = container_of(cfg, struct config_built, pub);
	arena_free(built->arena);
	free(built);
}

const struct config_assistant *config_assistant(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_assistants; i++)
		if (strcmp(cfg->assistants[i].name, name) == 0)
			return &cfg->assistants[i];
	return NULL;
}

const struct config_policy *config_policy(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_policies; i++)
		if (strcmp(cfg->policies[i].name, name) == 0)
			return &cfg->policies[i];
	return NULL;
}

static const struct config_built *built_of(const struct config *cfg)
{
	return container_of(cfg, struct config_built, pub);
}

static const struct config_section_digest *section_digest_find(const struct config_built *m,
							       const char *what)
{
	for (size_t i = 0; i < m->n_sections; i++)
		if (strcmp(m->sections[i].name, what) == 0)
			return &m->sections[i];
	return NULL;
}

/* Sections of `a` that b lacks. */
static void sections_lacking(struct buf *out, const char *label, const struct config_built *a,
			     const struct config_built *b)
{
	const char *lead = label;

	for (size_t i = 0; i < a->n_sections; i++) {
		if (section_digest_find(b, a->sections[i].name) != NULL)
			continue;
		buf_printf(out, "%s%s", lead, a->sections[i].name);
		lead = ",";
	}
}

static bool section_reopened(const char *section, bool (*reopened)(const char *plugin, void *arg),
			     void *arg)
{
	return reopened != NULL && strncmp(section, "plugin.", 7) == 0 &&
	       reopened(section + 7, arg);
}

char *config_diff(const struct config *was, const struct config *is,
		  bool (*reopened)(const char *plugin, void *arg), void *arg)
{
	const struct config_built *a = built_of(was), *b = built_of(is);
	const char *lead = " changed=";
	struct buf out = BUF_INIT;
	size_t len;

	for (size_t i = 0; i < a->n_sections; i++) {
		const struct config_section_digest *m = &a->sections[i];
		const struct config_section_digest *o = section_digest_find(b, m->name);

		if (o == NULL || (strcmp(o->digest, m->digest) == 0 &&
				  !section_reopened(m->name, reopened, arg)))
			continue;
		buf_printf(&out, "%s%s", lead, m->name);
		lead = ",";
	}
	sections_lacking(&out, " added=", b, a);
	sections_lacking(&out, " removed=", a, b);
	if (out.len == 0)
		buf_adds(&out, " changed=none");
	return buf_steal(&out, &len);
}
