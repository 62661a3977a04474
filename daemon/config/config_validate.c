#include <string.h>

#include "daemon/config/config_private.h"

/* "a, b" of the sections of a kind, for sentences. */
static const char *names_of(struct config_build *cb, enum config_section kind, char *out,
			    size_t size)
{
	size_t len = 0;

	snprintf(out, size, "none");
	for (size_t i = 0; i < cb->tree->n; i++) {
		if (cb->tree->blocks[i].kind != kind || len + 1 >= size)
			continue;
		snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "",
			 cb->tree->blocks[i].title);
		len = strlen(out);
	}
	return out;
}

static int reference_validate(struct config_build *cb, const struct config_block *b,
			      const char *option, enum config_section kind, const char *name)
{
	char names[80];

	if (config_tree_find(cb->tree, kind, name) != NULL)
		return 0;
	return config_refuse_section(cb, b, option, "%s: there is no %s \"%s\" (there are: %s)",
				     option, config_section_name(kind), name,
				     names_of(cb, kind, names, sizeof(names)));
}

static int plugin_validate(struct config_build *cb, const struct config_block *b,
			   const char *option, enum ragd_kind kind, const char *name,
			   const struct config_plugin **out)
{
	static const char *const kinds[] = { "", "an inference", "a retrieval", "a safety" };
	int rc = reference_validate(cb, b, option, CONFIG_PLUGIN, name);

	for (size_t i = 0; rc == 0 && i < cb->cfg->n_plugins; i++) {
		const struct config_plugin *p = &cb->cfg->plugins[i];

		if (strcmp(p->name, name) != 0)
			continue;
		if (p->descriptor->kind != kind)
			rc = config_refuse_section(
				cb, b, option, "%s: \"%s\" is %s plugin, but this takes %s plugin",
				option, name, kinds[p->descriptor->kind], kinds[kind]);
		else if (out != NULL)
			*out = p;
	}
	return rc;
}

/* Options that name other plugins. */
static int peers_validate(struct config_build *cb, const struct config_plugin *p)
{
	const struct config_block *b = config_tree_find(cb->tree, CONFIG_PLUGIN, p->name);
	const struct ragd_option *row = p->descriptor->options;
	int rc = 0;

	for (size_t i = 0; rc == 0 && row != NULL && row[i].name != NULL; i++) {
		const char *name = row[i].type == RAGD_OPT_PLUGIN ? p->options.values[i].s : "";

		if (name[0] == '\0')
			continue;
		rc = reference_validate(cb, b, row[i].name, CONFIG_PLUGIN, name);
		if (rc == 0 && strcmp(name, p->name) == 0)
			rc = config_refuse_section(cb, b, row[i].name, "%s: it names itself",
						   row[i].name);
	}
	return rc;
}

static int filters_validate(struct config_build *cb, const struct config_policy *p)
{
	const struct config_block *b = config_tree_find(cb->tree, CONFIG_POLICY, p->name);
	int rc = 0;

	for (size_t i = 0; rc == 0 && p->filters[i] != NULL; i++) {
		if (i == CONFIG_FILTERS_MAX)
			return config_refuse_section(cb, b, "filters", "filters takes at most %d",
						     CONFIG_FILTERS_MAX);
		rc = plugin_validate(cb, b, "filters", RAGD_KIND_SAFETY, p->filters[i], NULL);
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (strcmp(p->filters[i], p->filters[k]) == 0)
				rc = config_refuse_section(cb, b, "filters",
							   "filters has \"%s\" twice",
							   p->filters[i]);
	}
	return rc;
}

static bool policy_grounds(struct config_build *cb, const struct config_policy *p)
{
	for (size_t i = 0; p->filters[i] != NULL; i++)
		for (size_t k = 0; k < cb->cfg->n_plugins; k++) {
			const struct config_plugin *f = &cb->cfg->plugins[k];

			if (strcmp(f->name, p->filters[i]) == 0 &&
			    (f->descriptor->ops.safety->traits & RAGD_SAFETY_GROUNDS) != 0)
				return true;
		}
	return false;
}

static int assistant_validate(struct config_build *cb, const struct config_assistant *a)
{
	const struct config_block *b = config_tree_find(cb->tree, CONFIG_ASSISTANT, a->name);
	int rc = plugin_validate(cb, b, "inference", RAGD_KIND_INFERENCE, a->inference, NULL);

	if (rc == 0 && a->retrieval[0] != '\0')
		rc = plugin_validate(cb, b, "retrieval", RAGD_KIND_RETRIEVAL, a->retrieval, NULL);
	if (rc == 0)
		rc = reference_validate(cb, b, "policy", CONFIG_POLICY, a->policy);
	for (size_t i = 0; rc == 0 && a->collections[i] != NULL; i++)
		rc = reference_validate(cb, b, "collections", CONFIG_COLLECTION, a->collections[i]);
	if (rc < 0 || !a->grounded)
		return rc;
	if (a->retrieval[0] == '\0')
		return config_refuse_section(
			cb, b, "grounded",
			"it is grounded but has no retrieval: name a retrieval plugin, or "
			"say grounded = no");
	if (!policy_grounds(cb, config_policy(cb->cfg, a->policy)))
		return config_refuse_section(
			cb, b, "grounded",
			"it is grounded but policy \"%s\" has no filter that grounds: add "
			"one (safety_grounding), or say grounded = no",
			a->policy);
	return 0;
}

int config_validate(struct config_build *cb)
{
	const struct config *c = cb->cfg;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->n_plugins; i++)
		rc = peers_validate(cb, &c->plugins[i]);
	for (size_t i = 0; rc == 0 && i < c->n_policies; i++)
		rc = filters_validate(cb, &c->policies[i]);
	for (size_t i = 0; rc == 0 && i < c->n_assistants; i++)
		rc = assistant_validate(cb, &c->assistants[i]);
	return rc;
}
