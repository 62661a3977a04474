#include "daemon/config/config_fill.h"

#include <stdlib.h>
#include <string.h>

#include "base/users.h"
#include "daemon/config/config_private.h"
#include "daemon/modules/option.h"

#define STOPS_MAX 16

static int no_memory(const struct config_block *b, struct ragd_err *err)
{
	return config_refuse(b->file, b->line, -ENOMEM, err, "out of memory");
}

/* "allowed: a, b, c" as far as there is room. */
static void allowed_names(const struct config_row *rows, const struct ragd_option *own, char *out,
			  size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (; rows->option.name != NULL; rows++) {
		snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", rows->option.name);
		len = strlen(out);
	}
	for (; own != NULL && own->name != NULL; own++) {
		snprintf(out + len, size - len, ", %s", own->name);
		len = strlen(out);
	}
	if (len + 1 == size)
		memcpy(out + len - 3, "...", 3);
}

static int check_names(const struct config_block *b, const struct ragd_option *own,
		       struct ragd_err *err)
{
	for (size_t i = 0; i < b->n_settings; i++) {
		const char *name = b->settings[i].name;
		const struct ragd_option *o = own;
		char allowed[160];

		while (o != NULL && o->name != NULL && strcmp(o->name, name) != 0)
			o++;
		if (config_row_find(b->kind, name) != NULL || (o != NULL && o->name != NULL))
			continue;
		allowed_names(config_rows(b->kind), own, allowed, sizeof(allowed));
		return config_refuse(b->file, b->settings[i].line, -EINVAL, err,
				     "option '%s' is not known in %s; allowed: %s", name,
				     config_section_name(b->kind), allowed);
	}
	return 0;
}

/* The words of "a, b" as a list; of "": none. */
static const char *const *list_split(struct arena *a, const char *text)
{
	size_t n = 0, max = 1;
	const char **list;
	char *copy = arena_strdup(a, text), *save = NULL;

	for (const char *p = text; *p != '\0'; p++)
		max += *p == ',';
	list = arena_alloc(a, max + 1, sizeof(*list));
	if (copy == NULL || list == NULL)
		return NULL;
	for (char *w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		w += strspn(w, " ");
		if (*w != '\0')
			list[n++] = w;
	}
	return list;
}

/* A path is relative to the directory of the file it stands in. */
#define IN_DATA_DIR "ragd:" /* a path of what came with ragd */

static const char *path_absolute(struct arena *a, const struct config_block *b,
				 const char *data_dir, const char *path)
{
	const char *slash = strrchr(b->file, '/');

	if (data_dir != NULL && strncmp(path, IN_DATA_DIR, strlen(IN_DATA_DIR)) == 0)
		return arena_printf(a, "%s/%s", data_dir, path + strlen(IN_DATA_DIR));
	if (path[0] == '\0' || path[0] == '/' || slash == NULL)
		return path;
	return arena_printf(a, "%.*s/%s", (int)(slash - b->file), b->file, path);
}

/* The value of one row: given or default. Not for an option that must be given. */
static int read_value(struct arena *a, const struct config_block *b, const struct ragd_option *o,
		      const struct config_setting *setting, const char *data_dir,
		      struct ragd_value *out, struct ragd_err *err)
{
	const char *text = setting != NULL && setting->n > 0 ? setting->words[0] : o->dflt;
	struct ragd_value v = { .name = o->name };
	struct ragd_err why = { 0 };
	int line = setting != NULL ? setting->line : b->line;

	if (text == NULL)
		text = "";
	if (o->type == RAGD_OPT_LIST) {
		v.list = setting != NULL ? setting->words : list_split(a, text);
		if (v.list == NULL)
			return no_memory(b, err);
	} else if (setting != NULL && setting->n != 1) {
		return config_refuse(b->file, line, -EINVAL, err,
				     "option '%s' takes one value, not a list of %zu", o->name,
				     setting->n);
	} else if (option_parse(o, text, &v, &why) < 0) {
		return config_refuse(b->file, line, -EINVAL, err, "%s", why.msg);
	}
	if (o->type == RAGD_OPT_PATH) {
		v.s = path_absolute(a, b, data_dir, v.s);
		if (v.s == NULL)
			return no_memory(b, err);
	}
	*out = v;
	return 0;
}

static int find_mode(const char *text, uint32_t *out)
{
	char *end;
	unsigned long n;

	if (text[0] < '0' || text[0] > '7')
		return -EINVAL;
	n = strtoul(text, &end, 8);
	if (*end != '\0' || n > 0777)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static enum ragd_log_level find_level(const char *word)
{
	static const struct {
		const char *word;
		enum ragd_log_level level;
	} levels[] = {
		{ "err", RAGD_LOG_ERR },
		{ "warn", RAGD_LOG_WARN },
		{ "info", RAGD_LOG_INFO },
		{ "debug", RAGD_LOG_DEBUG },
	};
	size_t i = 0;

	while (strcmp(levels[i].word, word) != 0) /* one of the row's choices */
		i++;
	return levels[i].level;
}

static int set_stops(struct arena *a, const char *const *list, struct ragd_sampling *out)
{
	struct ragd_str *stop = arena_alloc(a, STOPS_MAX, sizeof(*stop));
	size_t n = 0;

	if (stop == NULL)
		return -ENOMEM;
	for (; list[n] != NULL; n++) {
		if (n == STOPS_MAX)
			return -E2BIG;
		stop[n] = (struct ragd_str){ list[n], strlen(list[n]) };
		if (stop[n].len == 0)
			return -EINVAL;
	}
	out->stop = stop;
	out->n_stop = n;
	return 0;
}

/* Store v at p. Users, groups and modes that are empty leave what was there. */
static int value_store(struct arena *a, const struct config_row *row, const struct ragd_value *v,
		       void *p)
{
	switch (row->as) {
	case CONFIG_AS_BOOL:
		*(bool *)p = v->b;
		return 0;
	case CONFIG_AS_UNSIGNED:
		*(uint32_t *)p = (uint32_t)v->i;
		return 0;
	case CONFIG_AS_INT64:
		*(int64_t *)p = v->i;
		return 0;
	case CONFIG_AS_UINT64:
		*(uint64_t *)p = (uint64_t)v->i;
		return 0;
	case CONFIG_AS_SIZE:
		*(size_t *)p = (size_t)v->i;
		return 0;
	case CONFIG_AS_FLOAT:
		*(float *)p = (float)v->f;
		return 0;
	case CONFIG_AS_TEXT:
		*(const char **)p = v->s;
		return 0;
	case CONFIG_AS_LIST:
		*(const char *const **)p = v->list;
		return 0;
	case CONFIG_AS_MODE:
		return v->s[0] != '\0' ? find_mode(v->s, p) : 0;
	case CONFIG_AS_USER:
		return v->s[0] != '\0' ? users_uid(v->s, p) : 0;
	case CONFIG_AS_GROUP:
		return v->s[0] != '\0' ? users_gid(v->s, p) : 0;
	case CONFIG_AS_LEVEL:
		*(enum ragd_log_level *)p = find_level(v->s);
		return 0;
	case CONFIG_AS_FAILURE:
		*(enum config_failure *)p = strcmp(v->s, "open") == 0 ? CONFIG_OPEN : CONFIG_CLOSED;
		return 0;
	case CONFIG_AS_STOPS:
		return set_stops(a, v->list, p);
	}
	return 0;
}

/* Why value_store() did not take it. */
static const char *value_wanted(enum config_as as)
{
	switch (as) {
	case CONFIG_AS_MODE:
		return "a mode in octal, 0000 to 0777";
	case CONFIG_AS_USER:
		return "a user of this system";
	case CONFIG_AS_GROUP:
		return "a group of this system";
	default:
		return "what it should be";
	}
}

static int fill_row(struct arena *a, const struct config_block *b, const struct config_row *row,
		    void *target, struct ragd_err *err)
{
	const struct config_setting *setting = config_block_get(b, row->option.name);
	struct ragd_value v;
	int rc;

	if (setting == NULL && row->option.dflt == NULL)
		return config_refuse(
			b->file, b->line, -EINVAL, err, "%s \"%s\" lacks the option '%s': %s",
			config_section_name(b->kind), b->title, row->option.name, row->option.help);
	rc = read_value(a, b, &row->option, setting, NULL, &v, err);
	if (rc < 0)
		return rc;
	rc = value_store(a, row, &v, (char *)target + row->offset);
	if (rc == -ENOMEM)
		return no_memory(b, err);
	if (rc < 0 && row->as == CONFIG_AS_STOPS)
		return config_refuse(b->file, setting->line, -EINVAL, err,
				     "option '%s' takes at most %d texts, none of them empty",
				     row->option.name, STOPS_MAX);
	if (rc < 0)
		return config_refuse(b->file, setting->line, -EINVAL, err,
				     "option '%s': '%s' is not %s", row->option.name, v.s,
				     value_wanted(row->as));
	return 0;
}

int config_fill(struct arena *a, const struct config_block *b, const struct ragd_option *own,
		void *target, struct ragd_err *err)
{
	int rc = check_names(b, own, err);

	for (const struct config_row *r = config_rows(b->kind); rc == 0 && r->option.name; r++)
		rc = fill_row(a, b, r, target, err);
	return rc;
}

int config_fill_plugin(struct arena *a, const struct config_block *b,
		       const struct ragd_option *table, const char *data_dir,
		       struct ragd_config *out, struct ragd_err *err)
{
	struct ragd_value *values;
	size_t n = 0;
	int rc = 0;

	while (table != NULL && table[n].name != NULL) {
		if (config_row_find(CONFIG_PLUGIN, table[n].name) != NULL)
			return config_refuse(
				b->file, b->line, -EINVAL, err,
				"the module has an option '%s', which is a reserved name",
				table[n].name);
		n++;
	}
	values = arena_alloc(a, n + 1, sizeof(*values));
	if (values == NULL)
		return no_memory(b, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = read_value(a, b, &table[i], config_block_get(b, table[i].name), data_dir,
				&values[i], err);
	out->n = n;
	out->values = values;
	return rc;
}
