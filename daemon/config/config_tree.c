#include "daemon/config/config_tree.h"

#include <confuse.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file/trusted.h"
#include "daemon/config/config_text.h"

#define INCLUDE_DEPTH_MAX 8
#define FILES_MAX         256
#define BLOCKS_MAX        4096

static const struct {
	const char *name;
	bool titled;
} sections[CONFIG_N_SECTIONS] = {
	[CONFIG_RAGD] = { "ragd", false },
	[CONFIG_LIMITS] = { "limits", false },
	[CONFIG_PLUGIN] = { "plugin", true },
	[CONFIG_POLICY] = { "policy", true },
	[CONFIG_COLLECTION] = { "collection", true },
	[CONFIG_ASSISTANT] = { "assistant", true },
};

/* include("…") in line `line`. */
struct include {
	const char *pattern;
	int line;
};

/* Where one option's value stood. */
struct place {
	const cfg_t *section;
	const char *option; /* libconfuse's; valid while it parses */
	int line;
};

/* One file while libconfuse has it. */
struct parse {
	struct arena *arena;
	const char *file;
	struct ragd_err *err;
	int failed; /* a negative errno; the first error counts */
	struct place *places;
	size_t n_places;
	size_t cap_places;
	struct include *includes;
	size_t n_includes;
	size_t cap_includes;
};

/* A whole read: the file and those it includes. */
struct tree_reader {
	struct config_tree *tree;
	struct arena *arena;
	struct ragd_err *err;
	unsigned depth;
	unsigned n_files;
};

/* libconfuse's callbacks carry no pointer of ours; its scanner is one per process anyway. */
static struct parse *parsing;

const char *config_section_name(enum config_section kind)
{
	return sections[kind].name;
}

static void parse_fail(struct parse *p, int code, int line, const char *fmt, ...) RAGD_PRINTF(4, 5);
static void parse_fail(struct parse *p, int code, int line, const char *fmt, ...)
{
	char msg[200];
	va_list ap;

	if (p->failed < 0)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	p->failed = ragd_err_set(p->err, code, "%s:%d: %s", p->file, line, msg);
}

/* What libconfuse says, with file and line and, where we know better, in other words. */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char msg[160], name[100];

	vsnprintf(msg, sizeof(msg), fmt, ap);
	if (sscanf(msg, "no such option '%99[^']'", name) != 1) {
		if (sscanf(msg, "found duplicate title '%99[^']'", name) == 1)
			parse_fail(parsing, -EEXIST, cfg->line, "a second section named \"%s\"",
				   name);
		else
			parse_fail(parsing, -EINVAL, cfg->line, "%s", msg);
	} else if (strcmp(cfg->name, "root") == 0) {
		parse_fail(
			parsing, -EINVAL, cfg->line,
			"'%s' is not known; allowed are the sections ragd, limits, plugin, policy, "
			"collection, assistant, and include(\"FILE\")",
			name);
	} else if (strcmp(name, "include") == 0) {
		parse_fail(parsing, -EINVAL, cfg->line,
			   "include(\"FILE\") must be outside sections");
	} else {
		/* Every name that is followed by '=' was declared. */
		parse_fail(parsing, -EINVAL, cfg->line,
			   "'%s' is not followed by '='; a value of several words needs quotes",
			   name);
	}
}

/* Once for each word, before it is stored. */
static int on_word(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct parse *p = parsing;

	for (size_t i = 0; opt->nvalues <= 1 && i < p->n_places; i++) {
		if (p->places[i].section == cfg && p->places[i].option == opt->name) {
			parse_fail(p, -EEXIST, cfg->line,
				   "option '%s' is given twice, first on line %d", opt->name,
				   p->places[i].line);
			return -1;
		}
	}
	if (opt->nvalues <= 1) {
		if (!array_reserve(&p->places, &p->cap_places, p->n_places + 1,
				   sizeof(*p->places))) {
			parse_fail(p, -ENOMEM, cfg->line, "out of memory");
			return -1;
		}
		p->places[p->n_places++] = (struct place){ cfg, opt->name, cfg->line };
	}
	*(const char **)result = value;
	return 0;
}

static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct parse *p = parsing;
	char *pattern;

	(void)opt;
	if (argc != 1 || argv[0][0] == '\0') {
		parse_fail(p, -EINVAL, cfg->line,
			   "include takes one file: include(\"conf.d/*.conf\")");
		return -1;
	}
	pattern = arena_strdup(p->arena, argv[0]);
	if (pattern == NULL || !array_reserve(&p->includes, &p->cap_includes, p->n_includes + 1,
					      sizeof(*p->includes))) {
		parse_fail(p, -ENOMEM, cfg->line, "out of memory");
		return -1;
	}
	p->includes[p->n_includes++] = (struct include){ pattern, cfg->line };
	return 0;
}

/* Every section may hold every name of the text; judging what belongs where comes later. */
static cfg_opt_t *section_opts(const struct config_text *text)
{
	cfg_opt_t *opts = calloc(text->n_keys + 1, sizeof(*opts));

	for (size_t i = 0; opts != NULL && i < text->n_keys; i++) {
		cfg_opt_t one = CFG_STR_CB(NULL, NULL, CFGF_NODEFAULT, on_word);
		cfg_opt_t many = CFG_STR_LIST_CB(NULL, NULL, CFGF_NODEFAULT, on_word);

		opts[i] = text->keys[i].list ? many : one;
		opts[i].name = text->keys[i].name;
	}
	return opts;
}

static int copy_option(const struct parse *p, const cfg_t *sec, cfg_opt_t *opt, int line,
		       struct config_setting *out)
{
	unsigned n = cfg_opt_size(opt);
	const char **words = arena_alloc(p->arena, n + 1, sizeof(*words));

	if (words == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		words[i] = arena_strdup(p->arena, cfg_opt_getnstr(opt, i));
		if (words[i] == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < p->n_places; i++)
		if (p->places[i].section == sec && p->places[i].option == opt->name)
			line = p->places[i].line;
	out->name = arena_strdup(p->arena, opt->name);
	out->words = words;
	out->n = n;
	out->line = line;
	return out->name != NULL ? 0 : -ENOMEM;
}

static int copy_section(const struct parse *p, cfg_t *sec, struct config_block *b)
{
	struct config_setting *settings;
	size_t n = 0;
	int rc = 0;

	while (sec->opts[n].name != NULL)
		n++;
	settings = arena_alloc(p->arena, n + 1, sizeof(*settings));
	b->title = arena_strdup(p->arena, sec->title != NULL ? sec->title : "");
	if (settings == NULL || b->title == NULL)
		return -ENOMEM;
	/* An empty list has no word that could have told its line. */
	for (size_t i = 0; rc == 0 && i < n; i++)
		if ((sec->opts[i].flags & CFGF_MODIFIED) != 0)
			rc = copy_option(p, sec, &sec->opts[i], b->line,
					 &settings[b->n_settings++]);
	b->settings = settings;
	return rc;
}

/* "collection "x" is there already, at …": libconfuse sees only the sections of one file. */
static int check_twice(const struct config_tree *t, const struct config_block *b,
		       struct ragd_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config_block *o = &t->blocks[i];

		if (o->kind == b->kind && strcmp(o->title, b->title) == 0)
			return ragd_err_set(
				err, -EEXIST,
				"%s:%d: a second section %s%s%s%s, the first is at %s:%d", b->file,
				b->line, sections[b->kind].name, b->title[0] ? " \"" : "", b->title,
				b->title[0] ? "\"" : "", o->file, o->line);
	}
	return 0;
}

int config_tree_add(struct config_tree *t, const struct config_block *b, struct ragd_err *err)
{
	int rc = check_twice(t, b, err);

	if (rc < 0)
		return rc;
	if (t->n == BLOCKS_MAX)
		return ragd_err_set(err, -E2BIG, "%s: more than %d sections", b->file, BLOCKS_MAX);
	if (!array_reserve(&t->blocks, &t->cap, t->n + 1, sizeof(*t->blocks)))
		return ragd_err_set(err, -ENOMEM, "%s: out of memory", b->file);
	t->blocks[t->n++] = *b;
	return 0;
}

/* The line where the nth section of a kind begins. */
static int head_line(const struct config_text *text, const char *name, unsigned nth)
{
	for (size_t i = 0; i < text->n_heads; i++)
		if (strcmp(text->heads[i].section, name) == 0 && nth-- == 0)
			return text->heads[i].line;
	return 0;
}

static int copy_tree(struct tree_reader *r, const struct parse *p, cfg_t *cfg,
		     const struct config_text *text)
{
	int rc = 0;

	for (int kind = 0; kind < CONFIG_N_SECTIONS; kind++) {
		const char *name = sections[kind].name;

		for (unsigned i = 0; rc == 0 && i < cfg_size(cfg, name); i++) {
			struct config_block b = { .kind = (enum config_section)kind,
						  .file = p->file,
						  .line = head_line(text, name, i) };

			if (copy_section(p, cfg_getnsec(cfg, name, i), &b) < 0)
				return ragd_err_set(r->err, -ENOMEM, "%s: out of memory", p->file);
			rc = config_tree_add(r->tree, &b, r->err);
		}
	}
	return rc;
}

static int run_confuse(struct tree_reader *r, struct parse *p, const struct config_text *text)
{
	cfg_opt_t *sub = section_opts(text);
	cfg_opt_t root[CONFIG_N_SECTIONS + 2];
	cfg_opt_t include = CFG_FUNC("include", on_include), end = CFG_END();
	FILE *f = fmemopen(text->clean, text->len, "r");
	cfg_t *cfg = NULL;
	int rc = -ENOMEM;

	for (int i = 0; i < CONFIG_N_SECTIONS; i++) {
		int title = CFGF_TITLE | CFGF_NO_TITLE_DUPES;
		cfg_opt_t o = CFG_SEC(sections[i].name, sub,
				      CFGF_MULTI | (sections[i].titled ? title : 0));

		root[i] = o;
	}
	root[CONFIG_N_SECTIONS] = include;
	root[CONFIG_N_SECTIONS + 1] = end;
	if (sub != NULL && f != NULL)
		cfg = cfg_init(root, CFGF_NONE);
	if (cfg == NULL) {
		ragd_err_set(r->err, rc, "%s: out of memory", p->file);
		goto out;
	}
	cfg_set_error_function(cfg, on_error);
	parsing = p;
	rc = cfg_parse_fp(cfg, f);
	parsing = NULL;
	if (rc != CFG_SUCCESS)
		parse_fail(p, -EINVAL, cfg->line, "cannot be parsed");
	rc = p->failed;
	if (rc == 0)
		rc = copy_tree(r, p, cfg, text);
out:
	cfg_free(cfg); /* also resets the scanner, which an error leaves within a string */
	if (f != NULL)
		fclose(f);
	free(sub);
	return rc;
}

static int read_includes(struct tree_reader *r, const struct parse *p);

static int parse_text(struct tree_reader *r, const char *name, const char *buf, size_t len)
{
	struct parse p = { .arena = r->arena, .err = r->err };
	struct config_text text;
	int rc;

	p.file = arena_strdup(r->arena, name); /* sections keep it */
	if (p.file == NULL)
		return ragd_err_set(r->err, -ENOMEM, "%s: out of memory", name);
	if (r->n_files++ == FILES_MAX)
		return ragd_err_set(r->err, -E2BIG, "%s: more than %d files", name, FILES_MAX);
	rc = config_text_scan(r->arena, name, buf, len, &text, r->err);
	if (rc == 0)
		rc = run_confuse(r, &p, &text);
	if (rc == 0)
		rc = read_includes(r, &p);
	free(p.places);
	free(p.includes);
	return rc;
}

static int read_opened(struct tree_reader *r, const char *path, int fd)
{
	char *buf = malloc(CONFIG_TEXT_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;
	int rc;

	while (buf != NULL && n > 0 && len <= CONFIG_TEXT_MAX) {
		n = read(fd, buf + len, CONFIG_TEXT_MAX + 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (buf == NULL || n < 0)
		rc = ragd_err_sys(r->err, "read configuration '%s'", path);
	else
		rc = parse_text(r, path, buf, len);
	free(buf);
	return rc;
}

/*
 * It says what code runs and who may do what: so it is nobody else's to write. Returns 1 if it is
 * not there and need not be.
 */
static int read_file(struct tree_reader *r, const char *path, bool optional)
{
	struct ragd_err why = { 0 };
	int fd = trusted_open(path, NULL, &why);
	int rc;

	if (optional && (fd == -ENOENT || fd == -ENOTDIR))
		return 1;
	if (fd < 0)
		return ragd_err_set(r->err, fd, "configuration: %s", why.msg);
	rc = read_opened(r, path, fd);
	close(fd);
	return rc;
}

/* One include: a file, or a pattern that may match none. Relative to the file it stands in. */
static int read_include(struct tree_reader *r, const char *file, const struct include *inc)
{
	const char *slash = strrchr(file, '/');
	const char *path = inc->pattern;
	glob_t g = { 0 };
	int rc;

	if (path[0] != '/' && slash != NULL)
		path = arena_printf(r->arena, "%.*s/%s", (int)(slash - file), file, path);
	if (path == NULL)
		return ragd_err_set(r->err, -ENOMEM, "%s: out of memory", file);
	rc = glob(path, 0, NULL, &g);
	if (rc == GLOB_NOMATCH && strpbrk(path, "*?[") != NULL)
		rc = 0;
	else if (rc != 0)
		rc = ragd_err_set(r->err, -ENOENT, "%s:%d: include(\"%s\"): %s", file, inc->line,
				  inc->pattern,
				  access(path, R_OK) < 0 ? strerror(errno) : "cannot be read");
	for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++) {
		const char *name = arena_strdup(r->arena, g.gl_pathv[i]);

		rc = name != NULL ? read_file(r, name, false) : -ENOMEM;
	}
	globfree(&g);
	return rc;
}

static int read_includes(struct tree_reader *r, const struct parse *p)
{
	int rc = 0;

	if (p->n_includes > 0 && ++r->depth > INCLUDE_DEPTH_MAX)
		return ragd_err_set(r->err, -ELOOP,
				    "%s:%d: more than %d files that include each other", p->file,
				    p->includes[0].line, INCLUDE_DEPTH_MAX);
	for (size_t i = 0; rc == 0 && i < p->n_includes; i++)
		rc = read_include(r, p->file, &p->includes[i]);
	r->depth -= p->n_includes > 0;
	return rc;
}

int config_tree_read(struct config_tree *t, struct arena *a, const char *path, bool optional,
		     struct ragd_err *err)
{
	struct tree_reader r = { .tree = t, .arena = a, .err = err };

	return read_file(&r, path, optional);
}

int config_tree_parse(struct config_tree *t, struct arena *a, const char *name, const char *text,
		      size_t len, struct ragd_err *err)
{
	struct tree_reader r = { .tree = t, .arena = a, .err = err };

	return parse_text(&r, name, text, len);
}

void config_tree_fini(struct config_tree *t)
{
	free(t->blocks);
	*t = (struct config_tree){ 0 };
}

size_t config_tree_count(const struct config_tree *t, enum config_section kind)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->blocks[i].kind == kind;
	return n;
}

const struct config_setting *config_block_get(const struct config_block *b, const char *name)
{
	for (size_t i = 0; i < b->n_settings; i++)
		if (strcmp(b->settings[i].name, name) == 0)
			return &b->settings[i];
	return NULL;
}

const struct config_block *config_tree_find(const struct config_tree *t, enum config_section kind,
					    const char *title)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->blocks[i].kind == kind && strcmp(t->blocks[i].title, title) == 0)
			return &t->blocks[i];
	return NULL;
}
