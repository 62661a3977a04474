#include "base/util.h"
#include "daemon/api/collections.h"
#include "tests/daemon/install.h"
#include "tests/test.h"

static const char text[] = "plugin \"fake\" { module = retrieval_hybrid }\n"
			   "plugin \"i\" { module = inference_extract }\n"
			   "policy \"open\" { }\n"
			   "assistant \"a\" { inference = i policy = open grounded = no }\n"
			   "collection \"handbook\" { %s }\n";

static const char *modules;

/* Owner 7, group 8, mode 0640; the file says more or less of it. */
static struct config *parse(const char *attributes)
{
	struct config_source source = { .plugin_dir = modules,
					.state_dir = temp_dir,
					.scope = CONFIG_SYSTEM };
	struct config *cfg = NULL;
	struct ragd_err err = { 0 };
	char file[1024];

	snprintf(file, sizeof(file), text, attributes);
	if (config_parse(&source, "/etc/t.conf", file, strlen(file), &cfg, &err) < 0)
		fail_msg("%s", err.msg);
	return cfg;
}

static void a_collection_that_exists_is_what_the_file_says(void **state)
{
	static const struct {
		const char *name;
		struct ragd_collection there; /* mode 0: nothing */
		const char *attributes;
		const char *sentence; /* NULL: accepted */
	} rows[] = {
		{ "none there", { .mode = 0 }, "owner = 7 group = 8 mode = 0640", NULL },
		{ "as it says",
		  { .owner = 7, .group = 8, .mode = 0640 },
		  "owner = 7 group = 8 mode = 0640",
		  NULL },
		{ "another owner",
		  { .owner = 666, .group = 8, .mode = 0640 },
		  "owner = 7 group = 8 mode = 0640",
		  "it exists with owner 666, group 8, mode 0640; the configuration says owner 7, "
		  "group 8, mode 0640" },
		{ "another owner, and nothing said of one",
		  { .owner = 666, .group = 8, .mode = 0640 },
		  "",
		  "it exists with owner 666" },
		{ "another group",
		  { .owner = 7, .group = 666, .mode = 0640 },
		  "owner = 7 group = 8 mode = 0640",
		  "it exists with owner 7, group 666" },
		{ "another mode",
		  { .owner = 7, .group = 8, .mode = 0666 },
		  "owner = 7 group = 8 mode = 0640",
		  "mode 0666; the configuration says owner 7, group 8, mode 0640" },
		{ "group and mode that the owner chose where the file says nothing",
		  { .owner = 7, .group = 666, .mode = 0666 },
		  "owner = 7",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *cfg = parse(rows[i].attributes);
		struct ragd_collection there = rows[i].there;
		struct plugin_set *set = NULL;
		struct ragd_err err = { 0 };
		const struct plugin *p;
		bool created;
		int rc;

		assert_int_equal(plugin_set_open(cfg, NULL, &set, &err), 0);
		p = plugin_set_find(set, RAGD_KIND_RETRIEVAL, "fake");
		there.name = "handbook";
		if (there.mode != 0)
			assert_int_equal(p->descriptor->ops.retrieval->collection_put(
						 p->self, NULL, &there, &created, &err),
					 0);
		rc = collections_make(cfg, set, &err);
		print_message("%s: %s\n", rows[i].name, rc < 0 ? err.msg : "accepted");
		assert_int_equal(rc, rows[i].sentence != NULL ? -EPERM : 0);
		if (rows[i].sentence != NULL) {
			assert_non_null(
				strstr(err.msg, "plugin \"fake\": collection \"handbook\": "));
			assert_non_null(strstr(err.msg, rows[i].sentence));
		}
		plugin_set_unref(set);
		config_free(cfg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_collection_that_exists_is_what_the_file_says,
						temp_setup, temp_teardown),
	};

	modules = install_modules();
	if (modules == NULL) {
		perror("tests/daemon/modules");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
