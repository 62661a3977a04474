/* Cards and digests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/util.h"
#include "engine/gguf/card.h"
#include "tests/engine/gguf/build.h"
#include "tests/temp.h"
#include "tests/test.h"

static void card_of(const struct buf *b, const char *path, struct gguf **g, struct gguf_card **c)
{
	struct ragd_err err = { 0 };

	if (gguf_read(b->data, b->len, g, &err) < 0 || gguf_card_new(*g, path, c, &err) < 0)
		fail_msg("%s", err.msg);
}

static void a_card_says_what_the_file_says(void **state)
{
	struct buf b = BUF_INIT;
	struct gguf_card *c;
	struct gguf *g;

	(void)state;
	put_head(&b, 3, 2, 9);
	put_key_str(&b, "general.architecture", "llama");
	put_key_str(&b, "general.name", "  Tiny\n\tStories\x01\xff  ");
	put_key_str(&b, "general.license", "mit");
	put_key_str(&b, "general.organization", "Somebody");
	put_key_str(&b, "general.base_model.0.repo_url", "https://example.org/base");
	put_key_str(&b, "general.description", "Tells stories.");
	put_key_str(&b, "tokenizer.chat_template", "{{ x }}");
	put_key_u32(&b, "general.file_type", 15);
	put_key_u32(&b, "llama.context_length", 2048);
	put_tensor(&b, "a", 256, 3, QUANT_Q4_K, 0);
	put_tensor(&b, "b", 5, 1, QUANT_F32, 448);
	put_pad(&b, 32);
	put_zeros(&b, 480);
	card_of(&b, "/models/x.gguf", &g, &c);
	assert_string_equal(c->brief.name, "Tiny Stories \xef\xbf\xbd");
	assert_string_equal(c->brief.family, "llama");
	assert_string_equal(c->brief.licence, "mit");
	assert_string_equal(c->brief.quantisation, "Q4_K_M");
	assert_string_equal(c->brief.summary, "Tells stories.");
	assert_string_equal(c->author, "Somebody");
	assert_string_equal(c->base_model, "https://example.org/base");
	assert_int_equal(c->brief.n_parameters, 768 + 5);
	assert_int_equal(c->n_weight_bytes, 3 * 144 + 20);
	assert_int_equal(c->brief.n_context, 2048);
	assert_true(c->chat_template);
	assert_null(c->brief.digest);
	gguf_card_free(c);
	gguf_close(g);
	buf_fini(&b);
}

static void what_is_not_said_is_counted_or_left_out(void **state)
{
	static const struct {
		const char *path, *name;
	} rows[] = {
		{ "/models/My Model.Q8_0.gguf", "My Model.Q8_0" },
		{ "big-00001-of-00004.gguf", "big" },
		{ "/x/plain", "plain" },
		{ NULL, NULL },
	};
	struct buf b = BUF_INIT;
	struct gguf_card *c;
	struct gguf *g;

	(void)state;
	put_head(&b, 3, 2, 2);
	put_key_u32(&b, "general.name", 7); /* of the wrong type: as if not there */
	put_key_u32(&b, "general.file_type", 4000);
	put_tensor(&b, "a", 64, 200, QUANT_Q8_0, 0);
	put_tensor(&b, "b", 5, 1, QUANT_F32, 13600);
	put_pad(&b, 32);
	put_zeros(&b, 13632);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		card_of(&b, rows[i].path, &g, &c);
		if (rows[i].name == NULL)
			assert_null(c->brief.name);
		else
			assert_string_equal(c->brief.name, rows[i].name);
		assert_string_equal(c->brief.quantisation, "Q8_0");
		assert_string_equal(c->brief.summary,
				    "A nameless model of 13 thousand parameters, Q8_0.");
		assert_null(c->brief.licence);
		assert_null(c->architecture);
		assert_int_equal(c->brief.n_context, 0);
		assert_false(c->chat_template);
		gguf_card_free(c);
		gguf_close(g);
	}
	buf_fini(&b);
}

static void long_texts_are_cut_at_a_character(void **state)
{
	struct buf b = BUF_INIT;
	struct gguf_card *c;
	struct gguf *g;
	char *text = calloc(3001, 1);

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 1000; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	put_head(&b, 3, 0, 1);
	put_key_str(&b, "general.name", text);
	card_of(&b, NULL, &g, &c);
	assert_in_range(strlen(c->brief.name), 398, 402);
	assert_int_equal(strlen(c->brief.name) % 3, 0);
	assert_null(c->brief.summary); /* a vocabulary without weights */
	assert_null(c->brief.quantisation);
	gguf_card_free(c);
	gguf_close(g);
	buf_fini(&b);
	free(text);
}

/* ---- digests -------------------------------------------------------------------------------- */

static void build(struct buf *b, uint8_t fill)
{
	put_head(b, 3, 1, 0);
	put_tensor(b, "w", 8, 1, QUANT_F32, 0);
	put_pad(b, 32);
	for (int i = 0; i < 32; i++)
		buf_addc(b, (char)fill);
}

static void digest_of(const char *name, const char *cache, char out[GGUF_DIGEST_SIZE])
{
	struct ragd_err err = { 0 };
	struct gguf *g;

	if (gguf_open(temp_path(name), &g, &err) < 0 ||
	    gguf_digest(g, cache, NULL, NULL, out, &err) < 0)
		fail_msg("%s", err.msg);
	gguf_close(g);
}

static void digests_are_those_of_the_file(void **state)
{
	char hex[DIGEST_HEX + 1], out[GGUF_DIGEST_SIZE];
	struct buf b = BUF_INIT;

	(void)state;
	build(&b, 1);
	temp_write_bytes("m.gguf", b.data, b.len);
	digest_hex(b.data, b.len, hex);
	digest_of("m.gguf", NULL, out);
	assert_memory_equal(out, "sha256:", 7);
	assert_string_equal(out + 7, hex);
	buf_fini(&b);
}

/* The only file in the cache. */
static void cached_file(const char *cache, char *out, size_t size)
{
	char command[300];
	FILE *p;

	snprintf(command, sizeof(command), "ls -d %s/*", cache);
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(out, (int)size, p));
	out[strcspn(out, "\n")] = '\0';
	pclose(p);
}

static void digests_are_remembered_while_the_file_is_the_same(void **state)
{
	char cache[256], file[300], first[GGUF_DIGEST_SIZE], out[GGUF_DIGEST_SIZE], line[256];
	struct buf b = BUF_INIT;
	struct stat st;
	FILE *f;

	(void)state;
	snprintf(cache, sizeof(cache), "%s/cache", temp_dir);
	assert_int_equal(mkdir(cache, 0700), 0);
	build(&b, 1);
	temp_write_bytes("m.gguf", b.data, b.len);
	digest_of("m.gguf", cache, first);
	/* What the cache says is what comes back: put something else into it. */
	cached_file(cache, file, sizeof(file));
	f = fopen(file, "r+");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	memset(line + 65 + 7, 'a', 64);
	rewind(f);
	fputs(line, f);
	fclose(f);
	digest_of("m.gguf", cache, out);
	assert_string_equal(out + 7,
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	/* Another time of the file: computed again, and kept. */
	assert_int_equal(stat(temp_path("m.gguf"), &st), 0);
	st.st_mtim.tv_sec -= 10;
	assert_int_equal(utimensat(-1, temp_path("m.gguf"),
				   (struct timespec[]){ st.st_mtim, st.st_mtim }, 0),
			 0);
	digest_of("m.gguf", cache, out);
	assert_string_equal(out, first);
	/* A cache of rubbish, and none. */
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("rubbish\n", f);
	fclose(f);
	digest_of("m.gguf", cache, out);
	assert_string_equal(out, first);
	digest_of("m.gguf", "/nonexistent", out);
	assert_string_equal(out, first);
	buf_fini(&b);
}

static bool yes(void *arg)
{
	(void)arg;
	return true;
}

static void a_digest_can_be_cancelled(void **state)
{
	char out[GGUF_DIGEST_SIZE];
	struct buf b = BUF_INIT;
	struct gguf *g;

	(void)state;
	build(&b, 1);
	assert_int_equal(gguf_read(b.data, b.len, &g, NULL), 0);
	assert_int_equal(gguf_digest(g, NULL, yes, NULL, out, NULL), -ECANCELED);
	gguf_close(g);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_says_what_the_file_says),
		cmocka_unit_test(what_is_not_said_is_counted_or_left_out),
		cmocka_unit_test(long_texts_are_cut_at_a_character),
		cmocka_unit_test_setup_teardown(digests_are_those_of_the_file, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(digests_are_remembered_while_the_file_is_the_same,
						temp_setup, temp_teardown),
		cmocka_unit_test(a_digest_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
