#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/config/config_fill.h"
#include "daemon/config/config_private.h"
#include "daemon/config/paths.h"
#include "daemon/modules/module.h"
#include "daemon/plugins/validate.h"

#define NAME_MAX_LEN 64

struct judge {
	struct config *cfg;
	struct arena *arena;
	const struct config_source *src;
	const struct config_tree *tree;
	struct ragd_err *err;
};

static int no_memory(struct judge *j)
{
	return ragd_err_set(j->err, -ENOMEM, "configuration: out of memory");
}

/* Instances name directories, and collections stand in paths of the API. */
static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_LEN && strchr("._-", name[0]) == NULL &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static int refuse(struct judge *j, const struct config_block *b, const char *option,
		  const char *fmt, ...) RAGD_PRINTF(4, 5);
static int refuse(struct judge *j, const struct config_block *b, const char *option,
		  const char *fmt, ...)
{
	const struct config_given *given = option != NULL ? config_block_get(b, option) : NULL;
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return config_refuse(b->file, given != NULL ? given->line : b->line, -EINVAL, j->err,
			     "%s \"%s\": %s%s", config_section_name(b->kind), b->title, msg,
			     strcmp(b->file, CONFIG_BUILT_IN) == 0
				     ? "; a file with its own plugins or policies needs what names "
				       "them too"
				     : "");
}

/* The section that is there at most once; an empty one where there is none. */
static struct config_block only_block(struct judge *j, enum config_section kind)
{
	struct config_block none = { .kind = kind, .title = "", .file = j->cfg->path };

	for (size_t i = 0; i < j->tree->n; i++)
		if (j->tree->blocks[i].kind == kind)
			return j->tree->blocks[i];
	return none;
}

/* Those of the command line and the environment before those of the file. */
static int set_plugin_dirs(struct judge *j, const struct config_block *b)
{
	const char *env = getenv("RAGD_PLUGIN_PATH");
	const char *const *file = j->cfg->plugin_dirs;
	size_t n = 0, max = 4;
	const char **dirs;
	char *copy, *save = NULL;

	if (env != NULL && secure_getenv("RAGD_PLUGIN_PATH") == NULL)
		return ragd_err_set(j->err, -EPERM,
				    "RAGD_PLUGIN_PATH is refused in a set-uid or set-gid program");
	for (const char *p = env; p != NULL && *p != '\0'; p++)
		max += *p == ':';
	for (size_t i = 0; file[i] != NULL; i++)
		max++;
	dirs = arena_alloc(j->arena, max, sizeof(*dirs));
	copy = arena_strdup(j->arena, env != NULL ? env : "");
	if (dirs == NULL || copy == NULL)
		return no_memory(j);
	if (j->src->plugin_dir != NULL)
		dirs[n++] = j->src->plugin_dir;
	for (char *d = strtok_r(copy, ":", &save); d != NULL; d = strtok_r(NULL, ":", &save))
		dirs[n++] = d;
	for (size_t i = 0; file[i] != NULL; i++) {
		if (file[i][0] != '/')
			return config_refuse(
				b->file, config_block_get(b, "plugin_dirs")->line, -EINVAL, j->err,
				"option 'plugin_dirs': '%s' is not an absolute path", file[i]);
		dirs[n++] = file[i];
	}
	if (file[0] == NULL)
		dirs[n++] = RAGD_PLUGIN_DIR;
	j->cfg->plugin_dirs = dirs;
	return 0;
}

static unsigned default_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 4 ? (unsigned)MIN(n, 1024) : 4;
}

/* The command line stands above the file, the file above the scope's places. */
static int set_places(struct judge *j, const struct config_block *b)
{
	struct config *c = j->cfg;
	const struct config_source *src = j->src;
	const char *data = secure_getenv("RAGD_DATA_DIR");

	if (src->socket != NULL)
		c->socket = src->socket;
	else if (c->socket[0] == '\0')
		c->socket = paths_socket(src->scope, j->arena, j->err);
	if (c->socket == NULL)
		return j->err != NULL ? j->err->code : -ENOENT;
	if (src->state_dir != NULL)
		c->state_dir = src->state_dir;
	else if (c->state_dir[0] == '\0')
		c->state_dir = paths_state_dir(src->scope, j->arena, j->err);
	if (c->state_dir == NULL)
		return j->err != NULL ? j->err->code : -ENOENT;
	if (src->data_dir != NULL)
		c->data_dir = src->data_dir;
	else if (c->data_dir[0] == '\0')
		c->data_dir = data != NULL ? arena_strdup(j->arena, data) : RAGD_DATA_DIR;
	if (c->data_dir == NULL)
		return no_memory(j);
	if (c->n_threads == 0)
		c->n_threads = default_threads();
	return set_plugin_dirs(j, b);
}

static bool is_origin(const char *s)
{
	const char *host = strstr(s, "://");

	return host != NULL && host > s && host[3] != '\0' && strpbrk(host + 3, "/?# ") == NULL;
}

/* Browsers send them in one form: what is written otherwise would never match. */
static int judge_sites(struct judge *j, const struct config_block *b)
{
	const struct http_limits *l = &j->cfg->limits;

	for (size_t i = 0; l->hosts[i] != NULL; i++)
		if (l->hosts[i][0] == '\0' || strpbrk(l->hosts[i], ":/ ") != NULL)
			return config_refuse(b->file, config_block_get(b, "allowed_hosts")->line,
					     -EINVAL, j->err,
					     "option 'allowed_hosts': '%s' is not a host's name; "
					     "write it without scheme, port and path",
					     l->hosts[i]);
	for (size_t i = 0; l->origins[i] != NULL; i++)
		if (!is_origin(l->origins[i]))
			return config_refuse(
				b->file, config_block_get(b, "allowed_origins")->line, -EINVAL,
				j->err,
				"option 'allowed_origins': '%s' is not an origin; write "
				"it as https://chat.example.org",
				l->origins[i]);
	return 0;
}

/* One body of the size that is allowed must find room. */
static int judge_bodies(struct judge *j, const struct config_block *b)
{
	const struct http_limits *l = &j->cfg->limits;
	const char *option = l->bodies > 0 && l->bodies < 3 * l->body ? "bodies"
			     : l->bodies_per_user > 0 && l->bodies_per_user < l->body
				     ? "bodies_per_user"
				     : NULL;

	if (option == NULL)
		return 0;
	return config_refuse(b->file, config_block_get(b, option)->line, -EINVAL, j->err,
			     "option '%s': bodies is at least three times body (%zu bytes), "
			     "bodies_per_user at least body",
			     option, l->body);
}

static int judge_daemon(struct judge *j)
{
	struct config_block ragd = only_block(j, CONFIG_RAGD);
	struct config_block limits = only_block(j, CONFIG_LIMITS);
	int rc;

	j->cfg->socket_owner = (uid_t)-1;
	j->cfg->socket_group = (gid_t)-1;
	j->cfg->socket_mode = j->src->scope == CONFIG_USER ? 0600 : 0660;
	rc = config_fill(j->arena, &ragd, NULL, j->cfg, j->err);
	if (rc == 0)
		rc = config_fill(j->arena, &limits, NULL, j->cfg, j->err);
	if (rc == 0)
		rc = judge_sites(j, &ragd);
	if (rc == 0)
		rc = judge_bodies(j, &limits);
	if (rc == 0)
		rc = set_places(j, &ragd);
	return rc;
}

/* ---- one section each ---------------------------------------------------------------------- */

static int judge_plugin(struct judge *j, const struct config_block *b, void *target)
{
	const struct config_given *module = config_block_get(b, "module");
	struct config_plugin *p = target;
	const struct ragd_plugin *d;
	const char *path;
	struct ragd_err why = { 0 };
	int rc;

	if (module == NULL || module->n != 1 || module->words[0][0] == '\0')
		return refuse(j, b, "module", "wants module = \"NAME\"");
	rc = module_load(j->cfg->plugin_dirs, module->words[0], 0, &d, &path, &why);
	if (rc < 0)
		return config_refuse(b->file, module->line, rc, j->err, "%s", why.msg);
	rc = config_fill(j->arena, b, d->options, p, j->err);
	if (rc < 0)
		return rc;
	p->name = b->title;
	p->descriptor = d;
	rc = config_fill_plugin(j->arena, b, d->options, &p->options, j->err);
	if (rc < 0)
		return rc;
	if (d->kind != RAGD_KIND_SAFETY && config_block_get(b, "on_failure") != NULL)
		return refuse(j, b, "on_failure", "on_failure is for safety plugins only");
	if (d->check != NULL &&
	    validate_rc(b->title, "check", d->check(&p->options, &why), &why) < 0)
		return config_refuse(b->file, b->line, -EINVAL, j->err, "plugin \"%s\": %s",
				     b->title, why.msg);
	return 0;
}

static int judge_policy(struct judge *j, const struct config_block *b, void *target)
{
	struct config_policy *p = target;

	p->name = b->title;
	return config_fill(j->arena, b, NULL, p, j->err);
}

static int judge_collection(struct judge *j, const struct config_block *b, void *target)
{
	struct config_collection *c = target;
	int rc;

	c->name = b->title;
	c->owner = geteuid();
	c->group = getegid();
	c->mode = j->src->scope == CONFIG_USER ? 0600 : 0664;
	c->group_given = config_block_get(b, "group") != NULL;
	c->mode_given = config_block_get(b, "mode") != NULL;
	rc = config_fill(j->arena, b, NULL, c, j->err);
	if (rc < 0)
		return rc;
	if ((c->mode & ~0666u) != 0 || (c->mode & 0600) != 0600)
		return refuse(j, b, "mode",
			      "mode %04o: a collection's mode is 0600 to 0666, of r and w",
			      c->mode);
	return 0;
}

static int judge_assistant(struct judge *j, const struct config_block *b, void *target)
{
	struct config_assistant *a = target;

	a->name = b->title;
	return config_fill(j->arena, b, NULL, a, j->err);
}

/* All sections of a kind to an array of structs of `size`. */
static int judge_kind(struct judge *j, enum config_section kind, size_t size,
		      int (*one)(struct judge *, const struct config_block *, void *), void *array,
		      size_t *n_out)
{
	char *items = arena_alloc(j->arena, config_tree_count(j->tree, kind) + 1, size);
	size_t n = 0;
	int rc = 0;

	if (items == NULL)
		return no_memory(j);
	for (size_t i = 0; rc == 0 && i < j->tree->n; i++) {
		const struct config_block *b = &j->tree->blocks[i];

		if (b->kind != kind)
			continue;
		if (!name_ok(b->title))
			return config_refuse(b->file, b->line, -EINVAL, j->err,
					     "%s \"%.70s\": a name is of a-z, 0-9, '.', '_' and "
					     "'-', at most %d, and begins with a letter or digit",
					     config_section_name(kind), b->title, NAME_MAX_LEN);
		rc = one(j, b, items + n++ * size);
	}
	*(void **)array = items;
	*n_out = n;
	return rc;
}

/* ---- what names what ----------------------------------------------------------------------- */

static const struct config_block *block_of(struct judge *j, enum config_section kind,
					   const char *title)
{
	for (size_t i = 0; i < j->tree->n; i++)
		if (j->tree->blocks[i].kind == kind && strcmp(j->tree->blocks[i].title, title) == 0)
			return &j->tree->blocks[i];
	return NULL;
}

/* "a, b" of the sections of a kind, for sentences. */
static const char *names_of(struct judge *j, enum config_section kind, char *out, size_t size)
{
	size_t len = 0;

	snprintf(out, size, "none");
	for (size_t i = 0; i < j->tree->n; i++) {
		if (j->tree->blocks[i].kind != kind || len + 1 >= size)
			continue;
		snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "",
			 j->tree->blocks[i].title);
		len = strlen(out);
	}
	return out;
}

static int refer(struct judge *j, const struct config_block *b, const char *option,
		 enum config_section kind, const char *name)
{
	char names[80];

	if (block_of(j, kind, name) != NULL)
		return 0;
	return refuse(j, b, option, "%s: there is no %s \"%s\" (there are: %s)", option,
		      config_section_name(kind), name, names_of(j, kind, names, sizeof(names)));
}

static int refer_plugin(struct judge *j, const struct config_block *b, const char *option,
			enum ragd_kind kind, const char *name, const struct config_plugin **out)
{
	static const char *const kinds[] = { "", "an inference", "a retrieval", "a safety" };
	int rc = refer(j, b, option, CONFIG_PLUGIN, name);

	for (size_t i = 0; rc == 0 && i < j->cfg->n_plugins; i++) {
		const struct config_plugin *p = &j->cfg->plugins[i];

		if (strcmp(p->name, name) != 0)
			continue;
		if (p->descriptor->kind != kind)
			rc = refuse(j, b, option, "%s: \"%s\" is %s plugin, it takes %s plugin",
				    option, name, kinds[p->descriptor->kind], kinds[kind]);
		else if (out != NULL)
			*out = p;
	}
	return rc;
}

static int refer_policy_filters(struct judge *j, const struct config_policy *p)
{
	const struct config_block *b = block_of(j, CONFIG_POLICY, p->name);
	int rc = 0;

	for (size_t i = 0; rc == 0 && p->filters[i] != NULL; i++) {
		rc = refer_plugin(j, b, "filters", RAGD_KIND_SAFETY, p->filters[i], NULL);
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (strcmp(p->filters[i], p->filters[k]) == 0)
				rc = refuse(j, b, "filters", "filters has \"%s\" twice",
					    p->filters[i]);
	}
	return rc;
}

static bool policy_grounds(struct judge *j, const struct config_policy *p)
{
	for (size_t i = 0; p->filters[i] != NULL; i++)
		for (size_t k = 0; k < j->cfg->n_plugins; k++) {
			const struct config_plugin *f = &j->cfg->plugins[k];

			if (strcmp(f->name, p->filters[i]) == 0 &&
			    (f->descriptor->ops.safety->traits & RAGD_SAFETY_GROUNDS) != 0)
				return true;
		}
	return false;
}

static int refer_assistant(struct judge *j, const struct config_assistant *a)
{
	const struct config_block *b = block_of(j, CONFIG_ASSISTANT, a->name);
	int rc = refer_plugin(j, b, "inference", RAGD_KIND_INFERENCE, a->inference, NULL);

	if (rc == 0 && a->retrieval[0] != '\0')
		rc = refer_plugin(j, b, "retrieval", RAGD_KIND_RETRIEVAL, a->retrieval, NULL);
	if (rc == 0)
		rc = refer(j, b, "policy", CONFIG_POLICY, a->policy);
	for (size_t i = 0; rc == 0 && a->collections[i] != NULL; i++)
		rc = refer(j, b, "collections", CONFIG_COLLECTION, a->collections[i]);
	if (rc < 0 || !a->grounded)
		return rc;
	if (a->retrieval[0] == '\0')
		return refuse(j, b, "grounded",
			      "it is grounded but has no retrieval: name a retrieval plugin, or "
			      "say grounded = no");
	if (!policy_grounds(j, config_policy(j->cfg, a->policy)))
		return refuse(j, b, "grounded",
			      "it is grounded but policy \"%s\" has no filter that grounds: add "
			      "one (safety_grounding), or say grounded = no",
			      a->policy);
	return 0;
}

int config_judge(struct config_made *made, const struct config_source *src,
		 const struct config_tree *tree, struct ragd_err *err)
{
	struct config *c = &made->pub;
	struct judge j = { c, made->arena, src, tree, err };
	int rc = judge_daemon(&j);

	if (rc == 0)
		rc = judge_kind(&j, CONFIG_PLUGIN, sizeof(*c->plugins), judge_plugin, &c->plugins,
				&c->n_plugins);
	if (rc == 0)
		rc = judge_kind(&j, CONFIG_POLICY, sizeof(*c->policies), judge_policy, &c->policies,
				&c->n_policies);
	if (rc == 0)
		rc = judge_kind(&j, CONFIG_COLLECTION, sizeof(*c->collections), judge_collection,
				&c->collections, &c->n_collections);
	if (rc == 0)
		rc = judge_kind(&j, CONFIG_ASSISTANT, sizeof(*c->assistants), judge_assistant,
				&c->assistants, &c->n_assistants);
	for (size_t i = 0; rc == 0 && i < c->n_policies; i++)
		rc = refer_policy_filters(&j, &c->policies[i]);
	for (size_t i = 0; rc == 0 && i < c->n_assistants; i++)
		rc = refer_assistant(&j, &c->assistants[i]);
	return rc;
}
