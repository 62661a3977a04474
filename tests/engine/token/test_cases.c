/*
 * Real vocabularies of ../shared/models against the ids that other tokenizers give: every case of
 * every file, and how many there were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/token/vocab.h"
#include "tests/engine/token/models.h"
#include "tests/test.h"

static struct buf read_file(const char *name)
{
	FILE *f = fopen(models_path(name), "re");
	struct buf b = BUF_INIT;
	char chunk[4096];
	size_t n;

	if (f == NULL)
		fail_msg("no %s", models_path(name));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	buf_addc(&b, '\0');
	assert_false(buf_failed(&b));
	b.len--;
	return b;
}

/* What is wrong is shown, not only that something is. Returns whether all is right. */
static bool check(const char *what, const struct vocab *v, struct ragd_str text, unsigned flags,
		  const int32_t *want, size_t n_want)
{
	struct ragd_err err = { 0 };
	struct tokens got = { 0 };
	bool same;

	assert_int_equal(vocab_encode(v, text, flags, &got, &err), 0);
	same = got.n == n_want && (n_want == 0 || memcmp(got.ids, want, n_want * 4) == 0);
	if (!same) {
		print_error("%s: \"%.*s\"\n  got ", what, (int)text.len, text.s);
		for (size_t i = 0; i < got.n; i++)
			print_error(" %d", got.ids[i]);
		print_error("\n  want");
		for (size_t i = 0; i < n_want; i++)
			print_error(" %d", want[i]);
		print_error("\n");
	}
	tokens_fini(&got);
	return same;
}

static size_t parse_ids(char **line, int32_t *ids, size_t room)
{
	size_t n = 0;
	char *p = *line;

	while (*p == ' ') {
		assert_true(n < room);
		ids[n++] = (int32_t)strtol(p, &p, 10);
	}
	assert_int_equal(*p, '\n');
	*line = p + 1;
	return n;
}

/* Byte-level BPE loses nothing; SentencePiece neither, but for its own mark. */
static void check_decode(const struct vocab *v, struct ragd_str text, const int32_t *ids, size_t n)
{
	struct buf b = BUF_INIT;

	if (strcmp(vocab_kind(v), "bert") == 0)
		return;
	vocab_decode(v, ids, n, false, &b);
	assert_int_equal(b.len, text.len);
	if (b.len > 0)
		assert_memory_equal(b.data, text.s, text.len);
	buf_fini(&b);
}

static size_t check_inp(const char *name)
{
	static const char separator[] = "\n__ggml_vocab_test__\n";
	char file[256];
	struct buf inp, out;
	struct vocab *v;
	size_t n_cases = 0, n_right = 0;
	char *text, *line;

	snprintf(file, sizeof(file), "tokenizers/ggml-vocab-%s.gguf", name);
	v = models_vocab(file);
	snprintf(file, sizeof(file), "tokenizers/ggml-vocab-%s.gguf.inp", name);
	inp = read_file(file);
	snprintf(file, sizeof(file), "tokenizers/ggml-vocab-%s.gguf.out", name);
	out = read_file(file);
	text = inp.data;
	line = out.data;
	for (char *end; (end = strstr(text, separator)) != NULL; n_cases++) {
		struct ragd_str s = { text, (size_t)(end - text) };
		int32_t want[1024];
		size_t n = parse_ids(&line, want, ARRAY_LEN(want));

		n_right += check(name, v, s, 0, want, n);
		check_decode(v, s, want, n);
		text = end + sizeof(separator) - 1;
	}
	assert_int_equal(*line, '\0');
	print_message("%s: %zu of %zu cases\n", name, n_right, n_cases);
	assert_int_equal(n_right, n_cases);
	assert_true(n_cases >= 46);
	buf_fini(&inp);
	buf_fini(&out);
	vocab_close(v);
	return n_cases;
}

static void files_of_cases(void **state)
{
	static const char *const names[] = { "llama-spm", "phi-3",          "llama-bpe", "qwen2",
					     "gpt-2",     "deepseek-coder", "bert-bge" };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		n += check_inp(names[i]);
	print_message("all %zu cases of %zu vocabularies\n", n, ARRAY_LEN(names));
}

static size_t ids_of_json(const json_t *array, int32_t *ids, size_t room)
{
	size_t n = json_array_size(array);

	assert_true(json_is_array(array) && n <= room);
	for (size_t i = 0; i < n; i++)
		ids[i] = (int32_t)json_integer_value(json_array_get(array, i));
	return n;
}

/*
 * A list of texts, each with its ids under `key`; `file` names the vocabulary's own field, if not
 * NULL.
 */
static void check_json(const char *vocab, const char *json, const char *list, const char *text_key,
		       const char *key, unsigned flags)
{
	struct vocab *v = vocab != NULL ? models_vocab(vocab) : NULL;
	json_t *root = json_load_file(models_path(json), 0, NULL), *items;
	size_t n_right = 0, n;
	char file[256];

	assert_non_null(root);
	items = list != NULL ? json_object_get(root, list) : root;
	n = json_array_size(items);
	for (size_t i = 0; i < n; i++) {
		json_t *item = json_array_get(items, i), *text = json_object_get(item, text_key);
		struct vocab *own = v;
		int32_t want[512];
		size_t n_want = ids_of_json(json_object_get(item, key), want, ARRAY_LEN(want));

		if (v == NULL) {
			snprintf(file, sizeof(file), "%.*s/%s", (int)(strrchr(json, '/') - json),
				 json, json_string_value(json_object_get(item, "file")));
			own = models_vocab(file);
		}
		n_right += check(
			json, own,
			(struct ragd_str){ json_string_value(text), json_string_length(text) },
			flags, want, n_want);
		if (v == NULL)
			vocab_close(own);
	}
	print_message("%s: %zu of %zu cases\n", json, n_right, n);
	assert_int_equal(n_right, n);
	assert_true(n > 0);
	json_decref(root);
	vocab_close(v);
}

static void wordpiece_as_bert_does(void **state)
{
	(void)state;
	check_json("tokenizers/ggml-vocab-bert-bge.gguf", "tokenizers/wordpiece-fixture.json", NULL,
		   "text", "bge_ids", 0);
	check_json("embeddings/static-bert/static-bert-F16.gguf",
		   "embeddings/static-bert/reference-F16.json", "texts", "text", "ids", VOCAB_ENDS);
}

static void small_models_with_their_ends(void **state)
{
	(void)state;
	check_json("llm/tinystories-656K/tinystories-656K-F16.gguf",
		   "llm/tinystories-656K/tokenizer-cases.json", NULL, "text", "spm_ids",
		   VOCAB_ENDS);
	check_json("llm/tinystories-656K/tinystories-656K-F16.gguf",
		   "llm/tinystories-656K/tokenizer-cases.json", NULL, "text", "hf_bpe_ids",
		   VOCAB_ENDS);
	check_json(NULL, "llm/tinystories-656K/reference.json", "cases", "prompt", "prompt_ids",
		   VOCAB_ENDS);
	check_json(NULL, "llm/stories260K/reference.json", "cases", "prompt", "prompt_ids",
		   VOCAB_ENDS);
	check_json(NULL, "llm/babyllama-105/reference.json", "cases", "prompt", "prompt_ids",
		   VOCAB_ENDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_cases),
		cmocka_unit_test(wordpiece_as_bert_does),
		cmocka_unit_test(small_models_with_their_ends),
	};

	if (!models_find(""))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
