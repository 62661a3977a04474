/* rag doctor: what it finds missing, and what it says of models. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ragd/client.h>

#include "tests/clients/run.h"
#include "tests/test.h"

static void doctor_finds_what_is_missing(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/healthz", 503, NULL, ERROR("starting", "It is starting."), 0, NULL },
		{ "GET", "/v1/status", 200, NULL, "{\"version\":\"0.0.1\"}", 0, NULL },
		{ "GET", "/v1/models", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/collections", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/plugins", 200, NULL, "{\"data\":[{\"name\":\"x\"}]}", 0, NULL },
		{ "GET", "/v1/system-card", 200, NULL, "{\"assistants\":[]}", 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "doctor");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  health       It is starting.\n");
	assert_has(r.out, "note version      the daemon is 0.0.1");
	assert_has(r.out, "bad  assistants   none");
	assert_has(r.out, "note documents    there are none yet");
	assert_has(r.out, "ok   plugins      1 loaded");
	ran_free(&r);
	r = run_rag(NULL, "doctor", "--json");
	assert_has(r.out, "{\"ok\":false,\"checks\":[{\"check\":\"you\"");
	ran_free(&r);
	r = run_rag(NULL, "doctor", "--socket", "/nonexistent");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  connect      no ragd at '/nonexistent'");
	assert_has(r.out, "its log says why");
	ran_free(&r);
	server_stop();
}

static void doctor_says_when_a_language_does_not_fit(void **state)
{
	static char status[200];
	static const struct fake_row rows[] = {
		{ "GET", "/healthz", 200, NULL, "{\"status\":\"ok\"}", 0, NULL },
		{ "GET", "/v1/status", 200, NULL, status, 0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	for (int foreign = 4; foreign <= 5; foreign++) {
		snprintf(status, sizeof(status),
			 "{\"version\":\"0\",\"retrieval\":[{\"passages\":12,\"vectors\":10,"
			 "\"embedder\":\"enc\",\"waiting\":2,\"foreign\":%d}]}",
			 foreign);
		server_start(rows);
		r = run_rag(NULL, "doctor");
		if (foreign == 4)
			assert_null(strstr(r.out, "language"));
		else
			assert_has(r.out, "note language     5 of 12 passages are in a language "
					  "that 'enc' hardly knows");
		ran_free(&r);
		server_stop();
	}
}

/* ---- models ---- */

static char card[1024], plugins[2048], metrics[512], folder[64];

/* A daemon whose assistant is answered by `module` with one model, told by the card. */
static void daemon_start(const char *model_json, const char *module, const char *options)
{
	static const struct fake_row rows[] = {
		{ "GET", "/healthz", 200, NULL, "{\"status\":\"ok\"}", 0, NULL },
		{ "GET", "/v1/status", 200, NULL, "{\"version\":\"0\"}", 0, NULL },
		{ "GET", "/v1/models", 200, NULL, "{\"data\":[{\"id\":\"default\"}]}", 0, NULL },
		{ "GET", "/v1/collections", 200, NULL, "{\"data\":[]}", 0, NULL },
		{ "GET", "/v1/plugins", 200, NULL, plugins, 0, NULL },
		{ "GET", "/v1/system-card", 200, NULL, card, 0, NULL },
		{ "GET", "/metrics", 200, "text/plain", metrics, 0, NULL },
		{ .method = NULL },
	};

	snprintf(card, sizeof(card), "{\"assistants\":[{\"name\":\"default\",\"model\":%s}]}",
		 model_json);
	snprintf(plugins, sizeof(plugins),
		 "{\"data\":[{\"name\":\"llm\",\"module\":\"%s\",\"options\":%s}]}", module,
		 options);
	server_start(rows);
}

static void file_make(const char *name, long long len)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, len), 0);
	close(fd);
}

static void file_remove(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

#define LLAMA                                                                                      \
	"{\"plugin\":\"llm\",\"name\":\"Llama 3.2 1B\",\"parameters\":1235814432,"                 \
	"\"quantisation\":\"Q4_K_M\",\"context\":8192}"

/* Runs it on a plugin with `file` of the folder as its model. */
static struct ran doctor_with(const char *file)
{
	char options[256];

	snprintf(options, sizeof(options), "{\"model\":\"%s/%s\",\"threads\":0}", folder, file);
	daemon_start(LLAMA, "inference_gguf", options);
	return run_rag(NULL, "doctor");
}

static void doctor_names_the_model(void **state)
{
	struct ran r;

	(void)state;
	file_make("a.gguf", 4096);
	r = doctor_with("a.gguf");
	assert_int_equal(r.status, 0);
	assert_has(r.out,
		   "ok   model        assistant default: Llama 3.2 1B, 1.2 billion parameters, "
		   "Q4_K_M, context 8192 (plugin llm)\n");
	assert_has(r.out, "ok   memory       the models take 0.0 GiB of this machine's ");
	assert_has(r.out, " processor    ");
	assert_null(strstr(r.out, "to answer in sentences of its own"));
	ran_free(&r);
	server_stop();
	file_remove("a.gguf");
}

static void doctor_says_what_a_model_needs(void **state)
{
	struct ran r;

	(void)state;
	daemon_start("{\"plugin\":\"llm\",\"name\":\"extract\",\"parameters\":0}",
		     "inference_extract", "{}");
	r = run_rag(NULL, "doctor");
	assert_int_equal(r.status, 0);
	assert_has(r.out,
		   "note model        assistant default has none: it quotes from the documents\n");
	assert_has(r.out, "note model        to answer in sentences of its own, it needs a plugin "
			  "with module = "
			  "\"inference_gguf\" and a GGUF file, as docs/models.md says\n");
	assert_null(strstr(r.out, "processor"));
	ran_free(&r);
	server_stop();
	daemon_start("{\"plugin\":\"llm\",\"name\":\"qwen\",\"parameters\":0,"
		     "\"quantisation\":null,\"context\":0}",
		     "inference_upstream", "{}");
	r = run_rag(NULL, "doctor");
	assert_has(r.out, "ok   model        assistant default: qwen (plugin llm)\n");
	assert_null(strstr(r.out, "to answer in sentences of its own"));
	ran_free(&r);
	server_stop();
	daemon_start("null", "retrieval_hybrid", "{}");
	r = run_rag(NULL, "doctor");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  model        assistant default: its plugin is not loaded\n");
	ran_free(&r);
	server_stop();
}

static void doctor_counts_servers(void **state)
{
	static const struct {
		int n_well, status;
		const char *want;
	} rows[] = {
		{ 0, 1, "bad  servers      llm: none of its 2 answers; the log says why\n" },
		{ 1, 0, "note servers      llm: 1 of 2 respond\n" },
		{ 2, 0, "ok   servers      llm: 2 of 2 respond\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ran r;

		snprintf(metrics, sizeof(metrics),
			 "# TYPE ragd_plugin_endpoints gauge\n"
			 "ragd_plugin_endpoints{plugin=\"llm\"} 2\n"
			 "# TYPE ragd_plugin_healthy_endpoints gauge\n"
			 "ragd_plugin_healthy_endpoints{plugin=\"other\"} 7\n"
			 "ragd_plugin_healthy_endpoints{plugin=\"llm\"} %d\n",
			 rows[i].n_well);
		daemon_start("{\"plugin\":\"llm\",\"name\":\"qwen\"}", "inference_upstream", "{}");
		r = run_rag(NULL, "doctor");
		assert_int_equal(r.status, rows[i].status);
		assert_has(r.out, rows[i].want);
		ran_free(&r);
		server_stop();
	}
	metrics[0] = '\0';
}

static void doctor_misses_files(void **state)
{
	struct ran r;

	(void)state;
	r = doctor_with("gone.gguf");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  model file   llm: ");
	assert_has(r.out,
		   "/gone.gguf: No such file or directory; the daemon still has it open, but "
		   "cannot start or reload without it\n");
	ran_free(&r);
	server_stop();
	/* Of a split model each part. */
	file_make("b-00001-of-00003.gguf", 100 << 20);
	file_make("b-00003-of-00003.gguf", 100 << 20);
	r = doctor_with("b-00001-of-00003.gguf");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "/b-00002-of-00003.gguf: No such file");
	ran_free(&r);
	server_stop();
	file_make("b-00002-of-00003.gguf", 100 << 20);
	r = doctor_with("b-00001-of-00003.gguf");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "the models take 0.3 GiB");
	ran_free(&r);
	server_stop();
	file_remove("b-00001-of-00003.gguf");
	file_remove("b-00002-of-00003.gguf");
	file_remove("b-00003-of-00003.gguf");
}

static void doctor_weighs_models(void **state)
{
	struct ran r;

	(void)state;
	file_make("large.gguf", 4LL << 40); /* of holes */
	r = doctor_with("large.gguf");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  memory       the models take 4096.0 GiB and this machine ");
	ran_free(&r);
	server_stop();
	file_remove("large.gguf");
	daemon_start(LLAMA, "inference_gguf", "{\"threads\":100000}");
	r = run_rag(NULL, "doctor");
	assert_int_equal(r.status, 0);
	assert_has(r.out, "note threads      llm has 100000 for ");
	ran_free(&r);
	server_stop();
}

static void doctor_waits_for_a_model_to_load(void **state)
{
	static const struct fake_row rows[] = {
		{ "GET", "/healthz", 503, NULL, "{\"status\":\"starting\"}", 0, NULL },
		{ "GET", "/v1/status", 200, NULL,
		  "{\"version\":\"0\",\"state\":\"starting\","
		  "\"opening\":\"plugin 'llm': packing weights, 43 %\"}",
		  0, NULL },
		{ .method = NULL },
	};
	struct ran r;

	(void)state;
	server_start(rows);
	r = run_rag(NULL, "doctor");
	assert_int_equal(r.status, 1);
	assert_has(r.out, "bad  starting     plugin 'llm': packing weights, 43 %; look again in a "
			  "moment\n");
	assert_null(strstr(r.out, "assistants"));
	assert_null(strstr(r.out, "model  "));
	ran_free(&r);
	server_stop();
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/rag-doctor-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doctor_finds_what_is_missing),
		cmocka_unit_test(doctor_says_when_a_language_does_not_fit),
		cmocka_unit_test(doctor_names_the_model),
		cmocka_unit_test(doctor_says_what_a_model_needs),
		cmocka_unit_test(doctor_counts_servers),
		cmocka_unit_test(doctor_misses_files),
		cmocka_unit_test(doctor_weighs_models),
		cmocka_unit_test(doctor_waits_for_a_model_to_load),
	};

	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, setup, teardown);
}
