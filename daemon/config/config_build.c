#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/name.h"
#include "base/util.h"
#include "daemon/config/config_fill.h"
#include "daemon/config/config_private.h"
#include "daemon/config/paths.h"
#include "daemon/modules/module.h"
#include "daemon/plugins/validate.h"

static int build_no_memory(struct config_build *cb)
{
	return ragd_err_set(cb->err, -ENOMEM, "configuration: out of memory");
}

/* The section that is there at most once; an empty one where there is none. */
static struct config_block only_block(struct config_build *cb, enum config_section kind)
{
	struct config_block none = { .kind = kind, .title = "", .file = cb->cfg->path };

	for (size_t i = 0; i < cb->tree->n; i++)
		if (cb->tree->blocks[i].kind == kind)
			return cb->tree->blocks[i];
	return none;
}

/* Those of the command line and the environment before those of the file. */
static int plugin_dirs_set(struct config_build *cb, const struct config_block *b)
{
	const char *env = getenv("RAGD_PLUGIN_PATH");
	const char *const *file = cb->cfg->plugin_dirs;
	size_t n = 0, max = 4;
	const char **dirs;
	char *copy, *save = NULL;

	if (env != NULL && secure_getenv("RAGD_PLUGIN_PATH") == NULL)
		return ragd_err_set(cb->err, -EPERM,
				    "RAGD_PLUGIN_PATH is refused in a set-uid or set-gid program");
	for (const char *p = env; p != NULL && *p != '\0'; p++)
		max += *p == ':';
	for (size_t i = 0; file[i] != NULL; i++)
		max++;
	dirs = arena_alloc(cb->arena, max, sizeof(*dirs));
	copy = arena_strdup(cb->arena, env != NULL ? env : "");
	if (dirs == NULL || copy == NULL)
		return build_no_memory(cb);
	if (cb->src->plugin_dir != NULL)
		dirs[n++] = cb->src->plugin_dir;
	for (char *d = strtok_r(copy, ":", &save); d != NULL; d = strtok_r(NULL, ":", &save))
		dirs[n++] = d;
	for (size_t i = 0; file[i] != NULL; i++) {
		if (file[i][0] != '/')
			return config_refuse(
				b->file, config_block_get(b, "plugin_dirs")->line, -EINVAL, cb->err,
				"option 'plugin_dirs': '%s' is not an absolute path", file[i]);
		dirs[n++] = file[i];
	}
	if (file[0] == NULL)
		dirs[n++] = RAGD_PLUGIN_DIR;
	cb->cfg->plugin_dirs = dirs;
	return 0;
}

static unsigned default_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 4 ? (unsigned)MIN(n, 1024) : 4;
}

/* The command line stands above the file, the file above the scope's places. */
static int places_set(struct config_build *cb, const struct config_block *b)
{
	struct config *c = cb->cfg;
	const struct config_source *src = cb->src;
	const char *data = secure_getenv("RAGD_DATA_DIR");

	if (src->socket != NULL)
		c->socket = src->socket;
	else if (c->socket[0] == '\0')
		c->socket = paths_socket(src->scope, cb->arena, cb->err);
	if (c->socket == NULL)
		return cb->err != NULL ? cb->err->code : -ENOENT;
	if (src->state_dir != NULL)
		c->state_dir = src->state_dir;
	else if (c->state_dir[0] == '\0')
		c->state_dir = paths_state_dir(src->scope, cb->arena, cb->err);
	if (c->state_dir == NULL)
		return cb->err != NULL ? cb->err->code : -ENOENT;
	if (src->data_dir != NULL)
		c->data_dir = src->data_dir;
	else if (c->data_dir[0] == '\0')
		c->data_dir = data != NULL ? arena_strdup(cb->arena, data) : RAGD_DATA_DIR;
	if (c->data_dir == NULL)
		return build_no_memory(cb);
	if (c->n_threads == 0)
		c->n_threads = default_threads();
	return plugin_dirs_set(cb, b);
}

static bool is_origin(const char *s)
{
	const char *host = strstr(s, "://");

	return host != NULL && host > s && host[3] != '\0' && strpbrk(host + 3, "/?# ") == NULL;
}

/* Browsers send them in one form: what is written otherwise would never match. */
static int sites_validate(struct config_build *cb, const struct config_block *b)
{
	const struct http_limits *l = &cb->cfg->limits;

	for (size_t i = 0; l->hosts[i] != NULL; i++)
		if (l->hosts[i][0] == '\0' || strpbrk(l->hosts[i], ":/ ") != NULL)
			return config_refuse(b->file, config_block_get(b, "allowed_hosts")->line,
					     -EINVAL, cb->err,
					     "option 'allowed_hosts': '%s' is not a host's name; "
					     "write it without scheme, port and path",
					     l->hosts[i]);
	for (size_t i = 0; l->origins[i] != NULL; i++)
		if (!is_origin(l->origins[i]))
			return config_refuse(
				b->file, config_block_get(b, "allowed_origins")->line, -EINVAL,
				cb->err,
				"option 'allowed_origins': '%s' is not an origin; write "
				"it as https://chat.example.org",
				l->origins[i]);
	return 0;
}

/* One body of the size that is allowed must find room. */
static int bodies_validate(struct config_build *cb, const struct config_block *b)
{
	const struct http_limits *l = &cb->cfg->limits;
	const char *option = l->bodies > 0 && l->bodies < 3 * l->body ? "bodies"
			     : l->bodies_per_user > 0 && l->bodies_per_user < l->body
				     ? "bodies_per_user"
				     : NULL;

	if (option == NULL)
		return 0;
	return config_refuse(b->file, config_block_get(b, option)->line, -EINVAL, cb->err,
			     "option '%s': bodies is at least three times body (%zu bytes), "
			     "bodies_per_user at least body",
			     option, l->body);
}

static int daemon_build(struct config_build *cb)
{
	struct config_block ragd = only_block(cb, CONFIG_RAGD);
	struct config_block limits = only_block(cb, CONFIG_LIMITS);
	int rc;

	cb->cfg->socket_owner = (uid_t)-1;
	cb->cfg->socket_group = (gid_t)-1;
	cb->cfg->socket_mode = cb->src->scope == CONFIG_USER ? 0600 : 0660;
	rc = config_fill(cb->arena, &ragd, NULL, cb->cfg, cb->err);
	if (rc == 0)
		rc = config_fill(cb->arena, &limits, NULL, cb->cfg, cb->err);
	if (rc == 0)
		rc = sites_validate(cb, &ragd);
	if (rc == 0)
		rc = bodies_validate(cb, &limits);
	if (rc == 0)
		rc = places_set(cb, &ragd);
	return rc;
}

/* ---- one section each ---------------------------------------------------------------------- */

static int plugin_build(struct config_build *cb, const struct config_block *b, void *target)
{
	const struct config_setting *module = config_block_get(b, "module");
	struct config_plugin *p = target;
	const struct ragd_plugin *d;
	const char *path;
	struct ragd_err why = { 0 };
	int rc;

	if (module == NULL || module->n != 1 || module->words[0][0] == '\0')
		return config_refuse_section(cb, b, "module", "needs module = \"NAME\"");
	rc = module_load(cb->cfg->plugin_dirs, module->words[0], 0, &d, &path, &why);
	if (rc < 0)
		return config_refuse(b->file, module->line, rc, cb->err, "%s", why.msg);
	rc = config_fill(cb->arena, b, d->options, p, cb->err);
	if (rc < 0)
		return rc;
	p->name = b->title;
	p->descriptor = d;
	rc = config_fill_plugin(cb->arena, b, d->options, cb->cfg->data_dir, &p->options, cb->err);
	if (rc < 0)
		return rc;
	if (d->kind != RAGD_KIND_SAFETY && config_block_get(b, "on_failure") != NULL)
		return config_refuse_section(cb, b, "on_failure",
					     "on_failure is for safety plugins only");
	if (d->check != NULL &&
	    validate_rc(b->title, "check", d->check(&p->options, &why), &why) < 0)
		return config_refuse(b->file, b->line, -EINVAL, cb->err, "plugin \"%s\": %s",
				     b->title, why.msg);
	return 0;
}

static int policy_build(struct config_build *cb, const struct config_block *b, void *target)
{
	struct config_policy *p = target;

	p->name = b->title;
	return config_fill(cb->arena, b, NULL, p, cb->err);
}

static int collection_build(struct config_build *cb, const struct config_block *b, void *target)
{
	struct config_collection *c = target;
	int rc;

	c->name = b->title;
	c->owner = geteuid();
	c->group = getegid();
	c->mode = cb->src->scope == CONFIG_USER ? 0600 : 0664;
	c->group_is_set = config_block_get(b, "group") != NULL;
	c->mode_is_set = config_block_get(b, "mode") != NULL;
	rc = config_fill(cb->arena, b, NULL, c, cb->err);
	if (rc < 0)
		return rc;
	if ((c->mode & ~0666u) != 0 || (c->mode & 0600) != 0600)
		return config_refuse_section(
			cb, b, "mode",
			"mode %04o: a collection's mode is 0600 to 0666, without x bits", c->mode);
	return 0;
}

static int assistant_build(struct config_build *cb, const struct config_block *b, void *target)
{
	const struct config_setting *inference = config_block_get(b, "inference");
	struct config_assistant *a = target;

	a->name = b->title;
	a->inference_at = arena_printf(cb->arena, "%s:%d", b->file,
				       inference != NULL ? inference->line : b->line);
	if (a->inference_at == NULL)
		return build_no_memory(cb);
	return config_fill(cb->arena, b, NULL, a, cb->err);
}

/* All sections of a kind to an array of structs of `size`. */
static int kind_build(struct config_build *cb, enum config_section kind, size_t size,
		      int (*one)(struct config_build *, const struct config_block *, void *),
		      void *array, size_t *n_out)
{
	char *items = arena_alloc(cb->arena, config_tree_count(cb->tree, kind) + 1, size);
	size_t n = 0;
	int rc = 0;

	if (items == NULL)
		return build_no_memory(cb);
	for (size_t i = 0; rc == 0 && i < cb->tree->n; i++) {
		const struct config_block *b = &cb->tree->blocks[i];

		if (b->kind != kind)
			continue;
		if (!name_is_collection(b->title, strlen(b->title)))
			return config_refuse(
				b->file, b->line, -EINVAL, cb->err,
				"%s \"%.70s\": a name consists of a-z, 0-9, '.', '_' and '-', at "
				"most %d, and begins with a letter or digit",
				config_section_name(kind), b->title, NAME_LEN_MAX);
		rc = one(cb, b, items + n++ * size);
	}
	*(void **)array = items;
	*n_out = n;
	return rc;
}

int config_build(struct config_built *built, const struct config_source *src,
		 const struct config_tree *tree, struct ragd_err *err)
{
	struct config *c = &built->pub;
	struct config_build cb = { c, built->arena, src, tree, err };
	int rc = daemon_build(&cb);

	if (rc == 0)
		rc = kind_build(&cb, CONFIG_PLUGIN, sizeof(*c->plugins), plugin_build, &c->plugins,
				&c->n_plugins);
	if (rc == 0)
		rc = kind_build(&cb, CONFIG_POLICY, sizeof(*c->policies), policy_build,
				&c->policies, &c->n_policies);
	if (rc == 0)
		rc = kind_build(&cb, CONFIG_COLLECTION, sizeof(*c->collections), collection_build,
				&c->collections, &c->n_collections);
	if (rc == 0)
		rc = kind_build(&cb, CONFIG_ASSISTANT, sizeof(*c->assistants), assistant_build,
				&c->assistants, &c->n_assistants);
	return rc == 0 ? config_validate(&cb) : rc;
}
