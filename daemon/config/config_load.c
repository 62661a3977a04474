#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/utf8.h"
#include "daemon/config/config_private.h"
#include "daemon/config/paths.h"

#define MEMORY_MAX (32u << 20) /* of one configuration */

/* Sections of a kind that the file lacks come from the defaults. */
static int defaults_add(struct config_built *built, struct config_tree *tree, struct ragd_err *err)
{
	struct config_tree built_in = { 0 };
	const char *text = config_defaults();
	size_t had[CONFIG_N_SECTIONS];
	int rc = config_tree_parse(&built_in, built->arena, CONFIG_BUILT_IN, text, strlen(text),
				   err);

	for (int k = 0; k < CONFIG_N_SECTIONS; k++)
		had[k] = config_tree_count(tree, (enum config_section)k);
	for (size_t i = 0; rc == 0 && i < built_in.n; i++)
		if (had[built_in.blocks[i].kind] == 0)
			rc = config_tree_add(tree, &built_in.blocks[i], err);
	config_tree_fini(&built_in);
	return rc;
}

/*
 * A file that was replaced is another module, with another descriptor: its section
 * changed, even if not a word of it did. The address tells them apart within one process,
 * which is all that compares digests.
 */
static void module_add(struct buf *text, const struct config *cfg, const struct config_block *b)
{
	for (size_t i = 0; b->kind == CONFIG_PLUGIN && i < cfg->n_plugins; i++)
		if (strcmp(cfg->plugins[i].name, b->title) == 0)
			buf_printf(text, "%p", (const void *)cfg->plugins[i].descriptor);
}

/* Remember how each section was written, and what code it stands for. */
static int sections_digest(struct config_built *built, const struct config_tree *tree)
{
	built->sections = arena_alloc(built->arena, tree->n + 1, sizeof(*built->sections));
	if (built->sections == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < tree->n; i++) {
		const struct config_block *b = &tree->blocks[i];
		struct config_section_digest *m = &built->sections[i];
		struct buf text = BUF_INIT;

		for (size_t k = 0; k < b->n_settings; k++) {
			buf_printf(&text, "%s=", b->settings[k].name);
			for (size_t w = 0; w < b->settings[k].n; w++) {
				buf_adds(&text, b->settings[k].words[w]);
				buf_addc(&text, '\0');
			}
			buf_addc(&text, '\0');
		}
		module_add(&text, &built->pub, b);
		digest_hex(text.data != NULL ? text.data : "", text.len, m->digest);
		m->name = arena_printf(built->arena, "%s%s%s", config_section_name(b->kind),
				       b->title[0] != '\0' ? "." : "", b->title);
		if (buf_failed(&text) || m->name == NULL) {
			buf_fini(&text);
			return -ENOMEM;
		}
		buf_fini(&text);
	}
	built->n_sections = tree->n;
	return 0;
}

static struct config_built *config_built_new(const char *path)
{
	struct config_built *built = calloc(1, sizeof(*built));

	if (built == NULL)
		return NULL;
	built->arena = arena_new(MEMORY_MAX);
	if (built->arena != NULL)
		built->pub.path = arena_strdup(built->arena, path);
	if (built->pub.path == NULL) {
		config_free(&built->pub);
		return NULL;
	}
	return built;
}

/* Errors quote what stands in files: keep them to one line of whole characters. */
static int error_to_line(int rc, struct ragd_err *err)
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

/* Build what was read, unless reading it ended with rc; takes built and what is in the tree. */
static int build_finish(int rc, struct config_built *built, const struct config_source *src,
			struct config_tree *tree, struct config **out, struct ragd_err *err)
{
	if (rc == 0)
		rc = defaults_add(built, tree, err);
	if (rc == 0)
		rc = config_build(built, src, tree, err);
	if (rc == 0 && sections_digest(built, tree) < 0)
		rc = ragd_err_set(err, -ENOMEM, "configuration: out of memory");
	if (rc == 0)
		*out = &built->pub;
	else
		config_free(&built->pub);
	config_tree_fini(tree);
	return error_to_line(rc, err);
}

int config_load(const struct config_source *src, struct config **out, struct ragd_err *err)
{
	struct config_built *built = config_built_new(src->path != NULL ? src->path : "");
	struct config_tree tree = { 0 };
	int rc;

	if (built == NULL)
		return ragd_err_set(err, -ENOMEM, "configuration: out of memory");
	if (src->path == NULL)
		built->pub.path = paths_config(src->scope, built->arena, err);
	if (built->pub.path == NULL)
		rc = err != NULL ? err->code : -ENOENT;
	else
		rc = config_tree_read(&tree, built->arena, built->pub.path, src->path == NULL, err);
	if (rc == 1) {
		built->pub.path = "";
		rc = 0;
	}
	return build_finish(rc, built, src, &tree, out, err);
}

int config_parse(const struct config_source *src, const char *name, const char *text, size_t len,
		 struct config **out, struct ragd_err *err)
{
	struct config_built *built = config_built_new(name);
	struct config_tree tree = { 0 };
	int rc;

	if (built == NULL)
		return ragd_err_set(err, -ENOMEM, "configuration: out of memory");
	rc = config_tree_parse(&tree, built->arena, name, text, len, err);
	return build_finish(rc, built, src, &tree, out, err);
}
