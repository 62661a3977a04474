/*
 * Our renderers against what Jinja makes of real templates: every case of
 * ../shared/models/chat-templates, prompt or refusal.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/util.h"
#include "engine/chat/chat.h"
#include "tests/test.h"

#define MESSAGES_MAX 8

static char dir[4096];

static json_t *load(const char *name)
{
	char path[sizeof(dir) + 256];
	json_error_t error;
	json_t *v;

	snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : dir, name[0] == '/' ? "" : "/",
		 name);
	v = json_load_file(path, 0, &error);
	if (v == NULL)
		fail_msg("%s: %s", path, error.text);
	return v;
}

static struct ragd_str str(const json_t *v)
{
	return (struct ragd_str){ json_string_value(v), json_string_length(v) };
}

static size_t conversation(const json_t *list, struct ragd_message *m)
{
	size_t n = json_array_size(list);

	assert_true(n <= MESSAGES_MAX);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		const char *role = json_string_value(json_object_get(v, "role"));

		m[i].role = strcmp(role, "system") == 0 ? RAGD_ROLE_SYSTEM
			    : strcmp(role, "user") == 0 ? RAGD_ROLE_USER
							: RAGD_ROLE_ASSISTANT;
		m[i].text = str(json_object_get(v, "content"));
	}
	return n;
}

/* The prompt, or with a negative code the complaint. */
static int render(const struct chat_family *f, const struct chat_context *ctx,
		  const struct ragd_message *m, size_t n, struct buf *out)
{
	struct arena *arena = arena_new(1 << 20);
	const struct vocab_piece *pieces;
	struct ragd_err err = { 0 };
	size_t n_pieces;
	int rc = chat_render(f, ctx, m, n, arena, &pieces, &n_pieces, &err);

	out->len = 0;
	if (rc < 0)
		buf_add(out, err.msg, strlen(err.msg));
	for (size_t i = 0; rc == 0 && i < n_pieces; i++) {
		assert_true(pieces[i].text.len > 0);
		buf_add(out, pieces[i].text.s, pieces[i].text.len);
	}
	buf_addc(out, '\0');
	assert_false(out->failed);
	arena_free(arena);
	return rc;
}

static struct ragd_str template_of(const json_t *c, struct buf *file)
{
	char path[sizeof(dir) + 256];
	FILE *f;
	int ch;

	snprintf(path, sizeof(path), "%s/%s", dir,
		 json_string_value(json_object_get(c, "template")));
	file->len = 0;
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	while ((ch = getc(f)) != EOF)
		buf_addc(file, (char)ch);
	fclose(f);
	return (struct ragd_str){ file->data, file->len };
}

/*
 * Jinja says "TemplateError: …" with the template's complaint, and an error of its own for no
 * messages.
 */
static bool complains(const char *error, const char *msg)
{
	if (strncmp(error, "TemplateError: ", 15) == 0)
		return strcmp(error + 15, msg) == 0;
	return strcmp(msg, "the conversation has no messages") == 0;
}

static void compare(const char *name)
{
	json_t *root = load(name), *c;
	const json_t *cases = json_object_get(root, "cases");
	size_t n_prompts = 0, n_refusals = 0, n_wrong = 0, i;
	struct buf out = BUF_INIT, file = BUF_INIT;

	json_array_foreach(cases, i, c) {
		const char *want = json_string_value(json_object_get(c, "prompt"));
		const char *error = json_string_value(json_object_get(c, "error"));
		const char *what = json_string_value(json_object_get(c, "template"));
		const struct chat_family *f = chat_recognise(template_of(c, &file));
		struct chat_context ctx = {
			.bos = str(json_object_get(c, "bos_token")),
			.eos = str(json_object_get(c, "eos_token")),
			.generation_prompt =
				json_is_true(json_object_get(c, "add_generation_prompt")),
			.no_think = json_is_true(json_object_get(c, "no_think")),
			.date = "02 Jan 2025",
		};
		struct ragd_message m[MESSAGES_MAX];
		size_t n = conversation(json_object_get(c, "messages"), m);
		int rc;

		if (f == NULL)
			fail_msg("%s: not recognised", what);
		rc = render(f, &ctx, m, n, &out);
		if (rc < 0 ? error != NULL && complains(error, out.data)
			   : want != NULL && strcmp(out.data, want) == 0) {
			n_prompts += rc == 0;
			n_refusals += rc < 0;
			continue;
		}
		n_wrong++;
		print_error("%s, %s, as %s:\n  got  %s\n  want %s\n", what,
			    json_string_value(json_object_get(c, "conversation")),
			    chat_family_name(f), out.data, want != NULL ? want : error);
	}
	print_message("%s: compared %zu renders: %zu prompts and %zu refusals are the same\n", name,
		      json_array_size(cases), n_prompts, n_refusals);
	assert_true(json_array_size(cases) > 0);
	assert_int_equal(n_wrong, 0);
	buf_fini(&out);
	buf_fini(&file);
	json_decref(root);
}

static void renders_as_jinja_does(void **state)
{
	(void)state;
	compare("rendered.json");
}

/* The family of each line of hf-templates.jsonl; NULL: none of ours. */
static const char *const hf_families[] = {
	"chatml-bare",
	"chatml",
	"zephyr",
	"chatml-ends",
	"openchat",
	"chatml-bos",
	"chatml",
	"qwen2",
	"qwen1.5",
	"stablelm",
	"mistral",
	"starcoder2",
	"llama2",
	NULL,
	"mistral-oldest",
	"chatml",
	"chatml-bos",
	"qwen2",
	NULL,
	"deepseek-coder",
	"deepseek-v2",
	"gemma",
	"llama3",
	"granite-code",
	"magicoder",
	NULL,
	"llama2",
	"phi3-first-bare",
	"phi3-first",
	"phi3-small",
	NULL,
	NULL,
	NULL,
	"solar",
	"qwen2",
};

static void check_family(const char *what, struct ragd_str jinja, const char *want)
{
	const struct chat_family *f = chat_recognise(jinja);
	const char *got = f != NULL ? chat_family_name(f) : "none";

	print_message("%s: %s\n", what, got);
	assert_string_equal(got, want != NULL ? want : "none");
}

static void recognises_templates_of_real_models(void **state)
{
	char path[sizeof(dir) + 256];
	size_t n = 0;
	json_t *line;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/hf-templates.jsonl", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
		const char *name = json_object_iter_key(json_object_iter(line));

		assert_true(n < ARRAY_LEN(hf_families));
		check_family(name, str(json_object_get(line, name)), hf_families[n++]);
		json_decref(line);
	}
	fclose(f);
	assert_int_equal(n, ARRAY_LEN(hf_families));
}

/*
 * llama.cpp's cases. Where it puts a system message into the first question of a template that has
 * no place for one, it does so by its own lights: after one line feed, or with a turn that the
 * template does not have. Ours is a blank line in between, for all families: `own`.
 */
static const struct {
	const char *family;
	const char *own;
} cases[] = {
	{ "chatml", NULL },
	{ "mistral", "[INST] You are a helpful assistant\n\nHello [/INST]Hi there</s>[INST] Who "
		     "are you [/INST]   I "
		     "am an assistant   </s>[INST] Another question [/INST]" },
	{ NULL, NULL }, /* FusionNet: <<SYS>> with a BOS of its own in between */
	{ NULL, NULL }, /* Vigogne */
	{ NULL, NULL }, /* AlphaMonarch */
	{ "gemma", "<start_of_turn>user\nYou are a helpful assistant\n\nHello<end_of_turn>\n"
		   "<start_of_turn>model\nHi there<end_of_turn>\n<start_of_turn>user\nWho are "
		   "you<end_of_turn>\n"
		   "<start_of_turn>model\nI am an assistant<end_of_turn>\n"
		   "<start_of_turn>user\nAnother question<end_of_turn>\n<start_of_turn>model\n" },
	{ NULL, NULL }, /* Orion */
	{ "openchat", NULL },
	{ "deepseek-coder", NULL },
	{ "vicuna", NULL },
	{ "orca-vicuna", NULL },
	{ "command-r", NULL },
	{ "llama3-first", NULL },
	{ "phi3-first",
	  "<|user|>\nYou are a helpful assistant\n\nHello<|end|>\n<|assistant|>\nHi there<|end|>\n"
	  "<|user|>\nWho are you<|end|>\n<|assistant|>\n   I am an assistant   <|end|>\n"
	  "<|user|>\nAnother question<|end|>\n<|assistant|>\n" },
	{ "phi3-small", NULL },
	{ "phi3-first-bare",
	  "<|user|>\nYou are a helpful assistant\n\nHello<|end|>\n<|assistant|>\nHi there<|end|>\n"
	  "<|user|>\nWho are you<|end|>\n<|assistant|>\n   I am an assistant   <|end|>\n"
	  "<|user|>\nAnother question<|end|>\n<|assistant|>\n" },
	{ "phi3-vision", NULL },
	{ NULL, NULL }, /* ChatGLM 3, 4 and Edge */
	{ NULL, NULL },
	{ NULL, NULL },
	{ "minicpm", NULL },
	{ "deepseek-v2", NULL },
	{ "granite3", NULL },
	{ "mistral-v1", NULL },
	{ "mistral-v3", NULL },
	{ "mistral-nemo", NULL },
	{ "mistral-v7", NULL },
	{ NULL, NULL }, /* GigaChat */
	{ "megrez", NULL },
	{ "phi4-first", NULL },
};

static void renders_what_llama_cpp_expects(void **state)
{
	json_t *root = load("llama.cpp-chat-cases.json"), *c;
	struct ragd_message m[MESSAGES_MAX];
	size_t n = conversation(json_object_get(root, "conversation"), m), i;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(root, "cases")), ARRAY_LEN(cases));
	json_array_foreach(json_object_get(root, "cases"), i, c) {
		struct ragd_str jinja = str(json_object_get(c, "template_str"));
		const char *want = json_string_value(json_object_get(c, "expected_output_jinja"));
		struct chat_context ctx = { .bos = str(json_object_get(c, "bos_token")),
					    .eos = str(json_object_get(c, "eos_token")),
					    .generation_prompt = true,
					    .merge_system = true,
					    .bos_is_added = true };

		check_family(json_string_value(json_object_get(c, "name")), jinja, cases[i].family);
		if (cases[i].family == NULL)
			continue;
		if (want == NULL || want[0] == '\0')
			want = json_string_value(json_object_get(c, "expected_output"));
		assert_int_equal(render(chat_recognise(jinja), &ctx, m, n, &out), 0);
		assert_string_equal(out.data, cases[i].own != NULL ? cases[i].own : want);
	}
	buf_fini(&out);
	json_decref(root);
}

int main(void)
{
	const char *src = getenv("RAGD_SRCDIR");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renders_as_jinja_does),
		cmocka_unit_test(recognises_templates_of_real_models),
		cmocka_unit_test(renders_what_llama_cpp_expects),
	};
	FILE *f;

	snprintf(dir, sizeof(dir), "%s/../shared/models/chat-templates", src != NULL ? src : ".");
	strcat(dir, "/rendered.json");
	f = fopen(dir, "r");
	if (f == NULL) {
		print_message("no %s: skipped\n", dir);
		return 77;
	}
	fclose(f);
	*strrchr(dir, '/') = '\0';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
