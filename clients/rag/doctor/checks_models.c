/*
 * The part of `rag doctor` that is about models: what answers for each assistant, whether the files
 * of its model are there and fit into memory, what this processor can do for it. The daemon is on
 * the same machine, so its files, its memory and its processor can be looked at from here.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/rag/doctor/checks.h"

/* The module that runs models, and the page that says how to get one. */
#define MODULE   "inference_gguf"
#define UPSTREAM "inference_upstream"
#define GUIDE    "docs/models.md"

#define GIB (1024.0 * 1024.0 * 1024.0)

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static const json_t *plugin_named(const json_t *plugins, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)plugins, i, one)
		if (strcmp(text_of(one, "name"), name) == 0)
			return one;
	return NULL;
}

/* "Llama 3.2 1B, 1.2 billion parameters, Q4_K_M, context 8192": what its card says. */
static void model_describe(const json_t *model, char *out, size_t room)
{
	const char *quantisation = text_of(model, "quantisation");
	double n = json_number_value(json_object_get(model, "parameters"));
	long long context = json_integer_value(json_object_get(model, "context"));
	size_t len = (size_t)snprintf(out, room, "%s", text_of(model, "name"));

	if (n > 0 && len < room)
		len += (size_t)snprintf(out + len, room - len, ", %.*f %s parameters", n >= 1e9,
					n >= 1e9 ? n / 1e9 : n / 1e6,
					n >= 1e9 ? "billion" : "million");
	if (quantisation[0] != '\0' && len < room)
		len += (size_t)snprintf(out + len, room - len, ", %s", quantisation);
	if (context > 0 && len < room)
		snprintf(out + len, room - len, ", context %lld", context);
}

/* Whether it has a model. */
static bool check_assistant(struct checks *x, const json_t *assistant, const json_t *plugins)
{
	bool has = false;
	const json_t *model = json_object_get(assistant, "model");
	const char *name = text_of(assistant, "name"), *plugin = text_of(model, "plugin");
	const char *module = text_of(plugin_named(plugins, plugin), "module");
	char what[200];

	model_describe(model, what, sizeof(what));
	if (!json_is_object(model))
		checks_add(x, STYLE_BAD, "model", "assistant %s: its plugin is not loaded", name);
	else if (strcmp(module, "inference_extract") == 0)
		checks_add(x, STYLE_WARN, "model",
			   "assistant %s has none: it quotes from the documents", name);
	else if (strcmp(module, "inference_echo") == 0)
		checks_add(x, STYLE_WARN, "model",
			   "assistant %s has none: it repeats the question, for tests", name);
	else
		has = true;
	if (has)
		checks_add(x, STYLE_GOOD, "model", "assistant %s: %s (plugin %s)", name, what,
			   plugin);
	return has;
}

/*
 * The parts of a split model are "NAME-00001-of-00003.gguf" …: how many, and where the number
 * stands.
 */
static unsigned parts_of(const char *path, size_t *at)
{
	size_t len = strlen(path);
	unsigned part, n;
	int end = 0;

	if (len < 20)
		return 1;
	*at = len - 20;
	if (sscanf(path + *at, "-%5u-of-%5u.gguf%n", &part, &n, &end) != 2 || end != 20 || n == 0)
		return 1;
	return n;
}

/* Bytes of all files of a model; a finding and 0 where one is missing. */
static double size_of_model(struct checks *x, const char *plugin, const char *path)
{
	size_t at = 0;
	unsigned n = parts_of(path, &at);
	double sum = 0;

	for (unsigned i = 1; i <= n; i++) {
		char part[PATH_MAX];
		struct stat st;
		int len = snprintf(part, sizeof(part), "%s", path);

		if (n > 1)
			len = snprintf(part, sizeof(part), "%.*s-%05u-of-%05u.gguf", (int)at, path,
				       i, n);
		if (len < 0 || (size_t)len >= sizeof(part))
			return 0;
		if (stat(part, &st) == 0) {
			sum += (double)st.st_size;
			continue;
		}
		/* The daemon's user may see more than we do. */
		if (errno == EACCES)
			checks_add(x, STYLE_WARN, "model file",
				   "%s: you may not look at %s; the daemon may", plugin, part);
		else
			checks_add(x, STYLE_BAD, "model file",
				   "%s: %s: %s; the daemon still has it open, but cannot start "
				   "or reload without it",
				   plugin, part, strerror(errno));
		return 0;
	}
	return sum;
}

/* Bytes of memory, of a line of /proc/meminfo; 0 where there is none. */
static double memory_bytes(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	double kib = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			kib = strtod(line + strlen(key) + 1, NULL);
	if (f != NULL)
		fclose(f);
	return kib * 1024;
}

static void check_memory(struct checks *x, double need)
{
	double total = memory_bytes("MemTotal"), free_now = memory_bytes("MemAvailable");

	if (need <= 0 || total <= 0)
		return;
	if (need > total)
		checks_add(x, STYLE_BAD, "memory",
			   "the models take %.1f GiB and this machine has %.1f GiB of memory: they "
			   "would be read from the disk for each word; take a smaller one",
			   need / GIB, total / GIB);
	else if (need > 0.8 * total)
		checks_add(x, STYLE_WARN, "memory",
			   "the models take %.1f GiB of this machine's %.1f GiB of memory, which "
			   "leaves little for the rest",
			   need / GIB, total / GIB);
	else
		checks_add(x, STYLE_GOOD, "memory",
			   "the models take %.1f GiB of this machine's %.1f GiB; %.1f GiB are free "
			   "to be used",
			   need / GIB, total / GIB, free_now / GIB);
}

/* What the kernels of the engine are made for, best first. */
static void check_processor(struct checks *x)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl"))
		checks_add(x, STYLE_GOOD, "processor", "has AVX-512 with VNNI");
	else if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		checks_add(x, STYLE_GOOD, "processor",
			   "has AVX-512 without VNNI: reading takes longer");
	else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		checks_add(x, STYLE_GOOD, "processor",
			   "has AVX2, no AVX-512: reading takes longer");
	else
		checks_add(x, STYLE_WARN, "processor",
			   "has no AVX2: a model runs, but many times slower");
#else
	checks_add(x, STYLE_WARN, "processor",
		   "no kernels are made for it: a model runs, but many times slower");
#endif
}

static void check_threads(struct checks *x, const char *plugin, const json_t *options)
{
	long long threads = json_integer_value(json_object_get(options, "threads"));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores > 0 && threads > cores)
		checks_add(x, STYLE_WARN, "threads",
			   "%s has %lld for %ld cores: more threads than cores make it slower",
			   plugin, threads, cores);
}

/* What a plugin last set a gauge to; -1 if it has none of that name. */
static double gauge_value(const char *metrics, const char *name, const char *plugin)
{
	char line[256];
	const char *at;

	snprintf(line, sizeof(line), "\nragd_plugin_%s{plugin=\"%s\"} ", name, plugin);
	at = strstr(metrics, line);
	return at != NULL ? strtod(at + strlen(line), NULL) : -1;
}

static void check_servers(struct checks *x, const char *plugin)
{
	struct ragd_err err;
	double n, n_well;
	char *metrics;

	if (ragd_client_metrics(x->c, &metrics, &err) < 0)
		return;
	n = gauge_value(metrics, "endpoints", plugin);
	n_well = gauge_value(metrics, "healthy_endpoints", plugin);
	ragd_free(metrics);
	if (n < 0 || n_well < 0)
		return;
	if (n_well == 0)
		checks_add(x, STYLE_BAD, "servers",
			   "%s: none of its %.0f answers; the log says why", plugin, n);
	else
		checks_add(x, n_well < n ? STYLE_WARN : STYLE_GOOD, "servers",
			   "%s: %.0f of %.0f respond", plugin, n_well, n);
}

void checks_models(struct checks *x)
{
	json_t *card, *list, *plugins, *one;
	double n_bytes = 0;
	char *text = NULL;
	struct ragd_err err;
	size_t i, n_gguf = 0, n_with = 0;

	if (ragd_client_system_card(x->c, &text, &err) < 0) {
		checks_add(x, STYLE_BAD, "model", "%s", err.msg);
		return;
	}
	card = json_loads(text, JSON_ALLOW_NUL, NULL);
	ragd_free(text);
	text = NULL;
	list = ragd_client_plugins(x->c, &text, &err) < 0 ? NULL
							  : json_loads(text, JSON_ALLOW_NUL, NULL);
	ragd_free(text);
	plugins = json_object_get(list, "data");
	json_array_foreach(json_object_get(card, "assistants"), i, one)
		n_with += check_assistant(x, one, plugins);
	json_array_foreach(plugins, i, one) {
		const json_t *options = json_object_get(one, "options");
		const char *path = text_of(options, "model");

		if (strcmp(text_of(one, "module"), UPSTREAM) == 0)
			check_servers(x, text_of(one, "name"));
		if (strcmp(text_of(one, "module"), MODULE) != 0)
			continue;
		n_gguf++;
		if (path[0] != '\0')
			n_bytes += size_of_model(x, text_of(one, "name"), path);
		check_threads(x, text_of(one, "name"), options);
	}
	if (n_gguf > 0) {
		check_memory(x, n_bytes);
		check_processor(x);
	} else if (list != NULL && n_with == 0) {
		checks_add(x, STYLE_WARN, "model",
			   "to answer in sentences of its own, it needs a plugin with module = "
			   "\"" MODULE "\" and a GGUF file, as " GUIDE " says");
	}
	json_decref(card);
	json_decref(list);
}
