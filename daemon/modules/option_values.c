#include "daemon/modules/option_values.h"

#include <errno.h>
#include <stdlib.h>

static bool has_string(enum ragd_option_type type)
{
	return type == RAGD_OPT_STRING || type == RAGD_OPT_PATH || type == RAGD_OPT_CHOICE ||
	       type == RAGD_OPT_PLUGIN;
}

void option_values_free(const struct ragd_option *table, struct ragd_config *cfg)
{
	struct ragd_value *values = (struct ragd_value *)cfg->values;

	for (size_t i = 0; values != NULL && i < cfg->n; i++) {
		if (has_string(table[i].type))
			free((char *)values[i].s);
		if (table[i].type == RAGD_OPT_LIST) {
			for (size_t k = 0; values[i].list != NULL && values[i].list[k] != NULL; k++)
				free((char *)values[i].list[k]);
			free((char **)values[i].list);
		}
	}
	free(values);
}

static const char *const *list_copy(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list[n] != NULL)
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (copy[i] != NULL)
			continue;
		while (i-- > 0)
			free(copy[i]);
		free(copy);
		return NULL;
	}
	return (const char *const *)copy;
}

int option_values_copy(const struct ragd_option *table, const struct ragd_config *from,
		       struct ragd_config *to)
{
	struct ragd_value *values = calloc(from->n + 1, sizeof(*values));
	bool ok = values != NULL;

	to->values = values;
	to->n = 0;
	for (size_t i = 0; ok && i < from->n; i++) {
		values[i] = from->values[i];
		values[i].name = table[i].name;
		if (has_string(table[i].type))
			ok = (values[i].s = strdup(from->values[i].s)) != NULL;
		else if (table[i].type == RAGD_OPT_LIST)
			ok = (values[i].list = list_copy(from->values[i].list)) != NULL;
		to->n = i + 1;
	}
	return ok ? 0 : -ENOMEM;
}

static bool list_equal(const char *const *a, const char *const *b)
{
	for (; *a != NULL && *b != NULL; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

bool option_values_equal(const struct ragd_option *table, const struct ragd_config *a,
			 const struct ragd_config *b)
{
	bool equal = a->n == b->n;

	for (size_t i = 0; equal && i < a->n; i++) {
		const struct ragd_value *x = &a->values[i], *y = &b->values[i];

		if (has_string(table[i].type))
			equal = strcmp(x->s, y->s) == 0;
		else if (table[i].type == RAGD_OPT_LIST)
			equal = list_equal(x->list, y->list);
		else if (table[i].type == RAGD_OPT_FLOAT)
			equal = x->f == y->f;
		else if (table[i].type == RAGD_OPT_BOOL)
			equal = x->b == y->b;
		else
			equal = x->i == y->i;
	}
	return equal;
}
