#include "daemon/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "daemon/config/config_private.h"
#include "daemon/config/paths.h"

#define MEMORY_MAX (32u << 20) /* of one configuration */

static const struct config_made *made_of(const struct config *cfg)
{
	return container_of(cfg, struct config_made, pub);
}

/* Sections of a kind that the file lacks come from the defaults. */
static int add_defaults(struct config_made *made, struct config_tree *tree, struct ragd_err *err)
{
	struct config_tree built_in = { 0 };
	const char *text = config_defaults();
	size_t had[CONFIG_N_SECTIONS];
	int rc =
		config_tree_parse(&built_in, made->arena, CONFIG_BUILT_IN, text, strlen(text), err);

	for (int k = 0; k < CONFIG_N_SECTIONS; k++)
		had[k] = config_tree_count(tree, (enum config_section)k);
	for (size_t i = 0; rc == 0 && i < built_in.n; i++)
		if (had[built_in.blocks[i].kind] == 0)
			rc = config_tree_add(tree, &built_in.blocks[i], err);
	config_tree_fini(&built_in);
	return rc;
}

/* Remember how each section was written. */
static int make_marks(struct config_made *made, const struct config_tree *tree)
{
	made->marks = arena_alloc(made->arena, tree->n + 1, sizeof(*made->marks));
	if (made->marks == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < tree->n; i++) {
		const struct config_block *b = &tree->blocks[i];
		struct config_mark *m = &made->marks[i];
		struct buf text = BUF_INIT;

		for (size_t k = 0; k < b->n_given; k++) {
			buf_printf(&text, "%s=", b->given[k].name);
			for (size_t w = 0; w < b->given[k].n; w++) {
				buf_adds(&text, b->given[k].words[w]);
				buf_addc(&text, '\0');
			}
			buf_addc(&text, '\0');
		}
		digest_hex(text.data != NULL ? text.data : "", text.len, m->digest);
		m->what = arena_printf(made->arena, "%s%s%s", config_section_name(b->kind),
				       b->title[0] != '\0' ? "." : "", b->title);
		if (buf_failed(&text) || m->what == NULL) {
			buf_fini(&text);
			return -ENOMEM;
		}
		buf_fini(&text);
	}
	made->n_marks = tree->n;
	return 0;
}

static struct config_made *made_new(const char *path)
{
	struct config_made *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return NULL;
	made->arena = arena_new(MEMORY_MAX);
	if (made->arena != NULL)
		made->pub.path = arena_strdup(made->arena, path);
	if (made->pub.path == NULL) {
		config_free(&made->pub);
		return NULL;
	}
	return made;
}

/* Errors quote what stands in files: keep them to one line of whole characters. */
static int one_line(int rc, struct ragd_err *err)
{
	size_t len;

	if (rc >= 0 || err == NULL)
		return rc;
	len = utf8_whole(err->msg, strlen(err->msg));
	err->msg[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)err->msg[i] < 0x20 || err->msg[i] == 0x7f)
			err->msg[i] = ' ';
	return rc;
}

/* Judge what was read; takes made, also on failure. */
static int finish(struct config_made *made, const struct config_source *src,
		  struct config_tree *tree, struct config **out, struct ragd_err *err)
{
	int rc = add_defaults(made, tree, err);

	if (rc == 0)
		rc = config_judge(made, src, tree, err);
	if (rc == 0 && make_marks(made, tree) < 0)
		rc = ragd_err_set(err, -ENOMEM, "configuration: out of memory");
	if (rc == 0)
		*out = &made->pub;
	else
		config_free(&made->pub);
	return rc;
}

int config_load(const struct config_source *src, struct config **out, struct ragd_err *err)
{
	struct config_made *made = made_new(src->path != NULL ? src->path : "");
	struct config_tree tree = { 0 };
	int rc;

	if (made == NULL)
		return ragd_err_set(err, -ENOMEM, "configuration: out of memory");
	if (src->path == NULL)
		made->pub.path = paths_config(src->scope, made->arena, err);
	if (made->pub.path == NULL)
		rc = err != NULL ? err->code : -ENOENT;
	else
		rc = config_tree_read(&tree, made->arena, made->pub.path, src->path == NULL, err);
	if (rc == 1) {
		made->pub.path = "";
		rc = 0;
	}
	if (rc == 0)
		rc = finish(made, src, &tree, out, err);
	else
		config_free(&made->pub);
	config_tree_fini(&tree);
	return one_line(rc, err);
}

int config_parse(const struct config_source *src, const char *name, const char *text, size_t len,
		 struct config **out, struct ragd_err *err)
{
	struct config_made *made = made_new(name);
	struct config_tree tree = { 0 };
	int rc;

	if (made == NULL)
		return ragd_err_set(err, -ENOMEM, "configuration: out of memory");
	rc = config_tree_parse(&tree, made->arena, name, text, len, err);
	if (rc == 0)
		rc = finish(made, src, &tree, out, err);
	else
		config_free(&made->pub);
	config_tree_fini(&tree);
	return one_line(rc, err);
}

void config_free(struct config *cfg)
{
	struct config_made *made;

	if (cfg == NULL)
		return;
	made = container_of(cfg, struct config_made, pub);
	arena_free(made->arena);
	free(made);
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

static const struct config_mark *find_mark(const struct config_made *m, const char *what)
{
	for (size_t i = 0; i < m->n_marks; i++)
		if (strcmp(m->marks[i].what, what) == 0)
			return &m->marks[i];
	return NULL;
}

/* Sections of `a` that b lacks, or (changed) has with other words. */
static void list_marks(struct buf *out, const char *label, const struct config_made *a,
		       const struct config_made *b, bool changed)
{
	const char *lead = label;

	for (size_t i = 0; i < a->n_marks; i++) {
		const struct config_mark *o = find_mark(b, a->marks[i].what);

		if (changed ? o == NULL || strcmp(o->digest, a->marks[i].digest) == 0 : o != NULL)
			continue;
		buf_printf(out, "%s%s", lead, a->marks[i].what);
		lead = ",";
	}
}

char *config_diff(const struct config *was, const struct config *is)
{
	struct buf out = BUF_INIT;
	size_t len;

	list_marks(&out, " changed=", made_of(was), made_of(is), true);
	list_marks(&out, " added=", made_of(is), made_of(was), false);
	list_marks(&out, " removed=", made_of(was), made_of(is), false);
	if (out.len == 0)
		buf_adds(&out, " changed=none");
	return buf_steal(&out, &len);
}
