/* What runs here, as docs/protocol.md shows it, and what of it who may see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/codec/codec.h"

static void replies_of_one_word(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	codec_health(&b, "draining");
	assert_string_equal(b.data, "{\"status\":\"draining\"}");
	buf_clear(&b);
	codec_reloaded(&b, 3);
	assert_string_equal(b.data, "{\"status\":\"reloaded\",\"generation\":3}");
	buf_fini(&b);
}

/* ---- status --------------------------------------------------------------------------------- */

static void a_start_says_what_it_waits_for(void **state)
{
	static const struct codec_process process = { "1.2", 42, "starting", 1.5 };
	struct buf b = BUF_INIT;

	(void)state;
	codec_status_starting(&b, &process, NULL);
	assert_string_equal(
		b.data, "{\"version\":\"1.2\",\"pid\":42,\"state\":\"starting\",\"uptime_s\":1.5}");
	buf_clear(&b);
	codec_status_starting(&b, &process, "local: reading the model, 40 %");
	assert_string_equal(
		b.data, "{\"version\":\"1.2\",\"pid\":42,\"state\":\"starting\",\"uptime_s\":1.5,"
			"\"opening\":\"local: reading the model, 40 %\"}");
	buf_fini(&b);
}

static void a_status_says_more_to_administrators(void **state)
{
	static const char *const assistants[] = { "default", "x", NULL };
	static const char *const plugins[] = { "hybrid", NULL };
	static const struct codec_load load = { "/etc/ragd.conf", 12, 1, 3, 99 };
	struct codec_retrieval retrieval = { "hybrid", { 1, 2, 3, 4, 384, 1000 }, false };
	struct codec_status s = { .process = { "1.2", 42, "ready", 2 },
				  .generation = 7,
				  .assistants = assistants,
				  .plugins = plugins,
				  .retrieval = &retrieval,
				  .n_retrieval = 1 };
	static const char head[] =
		"{\"version\":\"1.2\",\"pid\":42,\"state\":\"ready\",\"uptime_s\":2.0,"
		"\"generation\":7,\"assistants\":[\"default\",\"x\"],\"plugins\":[\"hybrid\"],"
		"\"retrieval\":[{\"plugin\":\"hybrid\",\"collections\":1,\"documents\":2,"
		"\"passages\":3,\"vectors\":4,\"dim\":384";
	struct buf b = BUF_INIT;

	(void)state;
	codec_status(&b, &s);
	assert_memory_equal(b.data, head, sizeof(head) - 1);
	assert_string_equal(b.data + sizeof(head) - 1, "}]}");
	buf_clear(&b);
	retrieval.with_bytes = true;
	s.load = &load;
	codec_status(&b, &s);
	assert_memory_equal(b.data, head, sizeof(head) - 1);
	assert_string_equal(b.data + sizeof(head) - 1,
			    ",\"bytes\":1000}],\"configuration\":\"/etc/ragd.conf\","
			    "\"answers\":{\"total\":12,\"active\":1},\"connections\":3,"
			    "\"requests\":99}");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_of_one_word),
		cmocka_unit_test(a_start_says_what_it_waits_for),
		cmocka_unit_test(a_status_says_more_to_administrators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
