#include "daemon/modules/option.h"

#include <math.h>
#include <stdlib.h>

#include "base/name.h"
#include "base/util.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "KiB", 1024 },
	{ "MiB", 1024 * 1024 },
	{ "GiB", 1024LL * 1024 * 1024 },
	{ "TiB", 1024LL * 1024 * 1024 * 1024 },
};

static const struct unit duration_units[] = {
	{ "", 1 },        { "ms", 1 },      { "s", 1000 },
	{ "min", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};

/* What each type is called, and how its numbers carry units. */
static const struct kind {
	const char *name;
	const struct unit *units;
	size_t n_units;
} kinds[] = {
	[RAGD_OPT_BOOL] = { "yes or no", NULL, 0 },
	[RAGD_OPT_INT] = { "a whole number", duration_units, 1 },
	[RAGD_OPT_FLOAT] = { "a number", NULL, 0 },
	[RAGD_OPT_SIZE] = { "a size", size_units, ARRAY_LEN(size_units) },
	[RAGD_OPT_DURATION] = { "a duration", duration_units, ARRAY_LEN(duration_units) },
	[RAGD_OPT_STRING] = { "a text", NULL, 0 },
	[RAGD_OPT_PATH] = { "a path", NULL, 0 },
	[RAGD_OPT_CHOICE] = { "one of", NULL, 0 },
	[RAGD_OPT_LIST] = { "a list", NULL, 0 },
	[RAGD_OPT_PLUGIN] = { "a plugin's name", NULL, 0 },
};

static bool is_number(enum ragd_option_type type)
{
	return type == RAGD_OPT_INT || type == RAGD_OPT_FLOAT || type == RAGD_OPT_SIZE ||
	       type == RAGD_OPT_DURATION;
}

const char *option_type_name(enum ragd_option_type type)
{
	return (size_t)type < ARRAY_LEN(kinds) ? kinds[type].name : "unknown";
}

/* 65536 as "64 KiB": the largest unit that divides it, as it would be written in the file. */
static void number_text(const struct ragd_option *opt, double number, char *buf, size_t size)
{
	const struct kind *kind = &kinds[opt->type];
	const struct unit *best = NULL;

	for (size_t i = 1; i < kind->n_units; i++)
		if (number != 0 && fmod(number, (double)kind->units[i].factor) == 0)
			best = &kind->units[i];
	if (best != NULL)
		snprintf(buf, size, "%.17g %s", number / (double)best->factor, best->name);
	else
		snprintf(buf, size, "%.10g", number);
}

const char *option_allowed(const struct ragd_option *opt, char *buf, size_t size)
{
	const char *name = option_type_name(opt->type);
	char min[64], max[64];

	if (opt->type == RAGD_OPT_CHOICE) {
		snprintf(buf, size, "%s %s", name, opt->choices != NULL ? opt->choices : "nothing");
	} else if (is_number(opt->type) && opt->min != opt->max) {
		number_text(opt, opt->min, min, sizeof(min));
		number_text(opt, opt->max, max, sizeof(max));
		snprintf(buf, size, "%s from %s to %s", name, min, max);
	} else if (opt->type == RAGD_OPT_SIZE) {
		snprintf(buf, size, "%s (B, KiB, MiB, GiB)", name);
	} else if (opt->type == RAGD_OPT_DURATION) {
		snprintf(buf, size, "%s (ms, s, min, h, d)", name);
	} else {
		snprintf(buf, size, "%s", name);
	}
	return buf;
}

static int value_refuse(const struct ragd_option *opt, const char *text, struct ragd_err *err)
{
	char allowed[160];

	return ragd_err_set(err, -EINVAL, "option '%s': '%s' is not %s", opt->name, text,
			    option_allowed(opt, allowed, sizeof(allowed)));
}

int option_range(const struct ragd_option *opt, double number, struct ragd_err *err)
{
	char text[64];

	if (opt->min == opt->max || (number >= opt->min && number <= opt->max))
		return 0;
	number_text(opt, number, text, sizeof(text));
	return value_refuse(opt, text, err);
}

static bool parse_bool(const char *text, bool *out)
{
	static const char *const words[][2] = { { "no", "yes" },
						{ "false", "true" },
						{ "off", "on" } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int j = 0; j < 2; j++)
			if (strcmp(text, words[i][j]) == 0) {
				*out = j == 1;
				return true;
			}
	return false;
}

/* Digits, then perhaps a space, then perhaps one of the units. */
static bool parse_whole(const struct kind *kind, const char *text, int64_t *out)
{
	char *end;
	long long n;

	if (*text != '-' && (*text < '0' || *text > '9'))
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text)
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < kind->n_units; i++)
		if (strcmp(end, kind->units[i].name) == 0)
			return !__builtin_mul_overflow(n, kind->units[i].factor, out);
	return false;
}

static bool parse_float(const char *text, double *out)
{
	char *end;

	if (*text != '-' && *text != '.' && (*text < '0' || *text > '9'))
		return false;
	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

/* Is text one of the words of "a|b|c"? */
static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; len > 0 && p != NULL; p = strchr(p, '|')) {
		if (*p == '|')
			p++;
		if (strncmp(p, text, len) == 0 && (p[len] == '\0' || p[len] == '|'))
			return strchr(text, '|') == NULL;
	}
	return false;
}

int option_parse(const struct ragd_option *opt, const char *text, struct ragd_value *out,
		 struct ragd_err *err)
{
	struct ragd_value v = { .name = opt->name };
	double number = 0;
	bool ok = true;

	switch (opt->type) {
	case RAGD_OPT_BOOL:
		ok = parse_bool(text, &v.b);
		break;
	case RAGD_OPT_INT:
	case RAGD_OPT_SIZE:
	case RAGD_OPT_DURATION:
		ok = parse_whole(&kinds[opt->type], text, &v.i);
		number = ok ? (double)v.i : 0;
		break;
	case RAGD_OPT_FLOAT:
		ok = parse_float(text, &v.f);
		number = ok ? v.f : 0;
		break;
	case RAGD_OPT_CHOICE:
		ok = is_choice(opt->choices, text);
		v.s = text;
		break;
	case RAGD_OPT_STRING:
	case RAGD_OPT_PATH:
	case RAGD_OPT_PLUGIN:
		v.s = text;
		break;
	default:
		return ragd_err_set(err, -EINVAL, "option '%s' is not a single value", opt->name);
	}
	if (ok && is_number(opt->type) && opt->min != opt->max)
		ok = number >= opt->min && number <= opt->max;
	if (!ok)
		return value_refuse(opt, text, err);
	*out = v;
	return 0;
}

static int row_validate(const struct ragd_option *opt, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	struct ragd_value v;

	if (!name_is_identifier(opt->name, strlen(opt->name)))
		return ragd_err_set(err, -EINVAL,
				    "option '%.64s': a name consists of a-z, 0-9 and _", opt->name);
	if ((size_t)opt->type >= ARRAY_LEN(kinds))
		return ragd_err_set(err, -EINVAL, "option '%s': unknown type %d", opt->name,
				    (int)opt->type);
	if (opt->help == NULL || opt->help[0] == '\0')
		return ragd_err_set(err, -EINVAL, "option '%s' has no help", opt->name);
	if (is_number(opt->type) && !(opt->min <= opt->max))
		return ragd_err_set(err, -EINVAL,
				    "option '%s': its minimum %g is above its maximum %g",
				    opt->name, opt->min, opt->max);
	if (opt->type == RAGD_OPT_CHOICE && (opt->choices == NULL || opt->choices[0] == '\0'))
		return ragd_err_set(err, -EINVAL, "option '%s' is a choice without choices",
				    opt->name);
	if (opt->type == RAGD_OPT_LIST)
		return 0;
	if (opt->dflt == NULL) {
		if (opt->type == RAGD_OPT_STRING || opt->type == RAGD_OPT_PATH ||
		    opt->type == RAGD_OPT_PLUGIN)
			return 0;
		return ragd_err_set(err, -EINVAL, "option '%s' has no default", opt->name);
	}
	if (option_parse(opt, opt->dflt, &v, &why) < 0)
		return ragd_err_set(err, -EINVAL, "default of %s", why.msg);
	return 0;
}

int options_validate(const struct ragd_option *table, struct ragd_err *err)
{
	int n = 0, rc;

	for (; table != NULL && table[n].name != NULL; n++) {
		if (n == OPTIONS_MAX)
			return ragd_err_set(err, -EINVAL,
					    "more than %d options: is the last row empty?",
					    OPTIONS_MAX);
		rc = row_validate(&table[n], err);
		if (rc < 0)
			return rc;
		for (int i = 0; i < n; i++)
			if (strcmp(table[i].name, table[n].name) == 0)
				return ragd_err_set(err, -EINVAL, "option '%s' is listed twice",
						    table[n].name);
	}
	return n;
}
