/*
 * Real models against a float64 forward pass of their dequantised weights: what is left is the
 * error of keys and values of 16 bits, and of activations, which such small models multiply in two
 * parts of 8 bits. Models of more than that are in test_arch.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/util.h"
#include "tests/engine/model/lab.h"
#include "tests/test.h"

static const struct {
	const char *file;
	double cosine; /* at least */
	double most;   /* difference of a logit, at most; their deviation is some 3 to 5 */
} bounds[] = {
	{ "stories260K/stories260K-F32.gguf", 0.99999, 0.02 },
	{ "stories260K/stories260K-Q8_0.gguf", 0.99999, 0.02 },
	{ "stories260K/stories260K-Q4_0.gguf", 0.99999, 0.02 },
	{ "babyllama-105/babyllama-105-F16.gguf", 0.99999, 0.02 },
	{ "babyllama-105/babyllama-105-Q8_0.gguf", 0.99999, 0.02 },
	{ "tinystories-656K/tinystories-656K-F16.gguf", 0.99999, 0.02 },
	{ "tinystories-656K/tinystories-656K-Q8_0.gguf", 0.99999, 0.02 },
	{ "tinystories-656K/tinystories-656K-Q5_1.gguf", 0.99999, 0.02 },
	{ "tinystories-656K/tinystories-656K-Q5_0.gguf", 0.99999, 0.02 },
	{ "tinystories-656K/tinystories-656K-Q4_1.gguf", 0.99999, 0.02 },
	{ "tinystories-656K/tinystories-656K-Q4_0.gguf", 0.99999, 0.02 },
};

/* A lead of the best logit over the next that rounding does not turn round. */
#define CLEAR_GAP 0.05

static size_t ids_read(const json_t *list, int32_t *ids)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
	return json_array_size(list);
}

static size_t best(const float *x, size_t n)
{
	size_t at = 0;

	for (size_t i = 1; i < n; i++)
		at = x[i] > x[at] ? i : at;
	return at;
}

static double log_probability(const float *x, size_t n, size_t id)
{
	double max = (double)x[best(x, n)], sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += exp((double)x[i] - max);
	return (double)x[id] - max - log(sum);
}

/* One prompt and the text that follows it, read in one pass. */
static void case_check(const struct lab *lab, const json_t *one, size_t row)
{
	const json_t *logits = json_object_get(one, "last_logits");
	const json_t *gaps = json_object_get(one, "top2_gap");
	const json_t *logprobs = json_object_get(one, "prompt_logprobs");
	size_t vocab = lab->shape->n_vocab, n_prompt, n;
	int32_t *ids = calloc(lab->shape->n_context, sizeof(*ids));
	double *want = calloc(vocab, sizeof(*want)), cosine = 1, most = 0, off = 0;
	float *rows, *last;

	n_prompt = ids_read(json_object_get(one, "prompt_ids"), ids);
	n = n_prompt + ids_read(json_object_get(one, "greedy_ids"), ids + n_prompt);
	rows = lab_forward(lab, KV_F16, ids, n, n, RUN_LOGITS);
	last = rows + (n_prompt - 1) * vocab;
	if (logits != NULL) { /* each file's first prompts have them */
		assert_int_equal(json_array_size(logits), vocab);
		for (size_t i = 0; i < vocab; i++)
			want[i] = json_number_value(json_array_get(logits, i));
		cosine = lab_cosine(last, want, vocab);
		most = lab_max_difference(last, want, vocab);
	}
	for (size_t i = 0; i + 1 < n_prompt; i++)
		off = fmax(off, fabs(log_probability(rows + i * vocab, vocab, (size_t)ids[i + 1]) -
				     json_number_value(json_array_get(logprobs, i))));
	print_message("%-45s cosine %.7f, logits %.4f, log-probabilities %.4f off\n",
		      bounds[row].file, cosine, most, off);
	assert_true(cosine > bounds[row].cosine);
	assert_true(most < bounds[row].most);
	assert_true(off < bounds[row].most);
	for (size_t i = 0; i < n - n_prompt; i++)
		if (json_number_value(json_array_get(gaps, i)) > CLEAR_GAP)
			assert_int_equal(best(last + i * vocab, vocab), ids[n_prompt + i]);
	free(rows);
	free(want);
	free(ids);
}

static void file_check(size_t row, const struct kernels *k)
{
	const char *slash = strchr(bounds[row].file, '/');
	char name[256];
	const char *path;
	json_t *reference, *cases, *one;
	size_t i, n_cases = 0;
	struct lab lab;

	snprintf(name, sizeof(name), "models/llm/%.*s/reference.json",
		 (int)(slash - bounds[row].file), bounds[row].file);
	path = lab_shared(name);
	if (path == NULL) {
		print_message("%s is not there\n", name);
		skip();
	}
	reference = json_load_file(path, 0, NULL);
	assert_non_null(reference);
	snprintf(name, sizeof(name), "models/llm/%s", bounds[row].file);
	lab_open(&lab, lab_shared(name), NULL, 0, k);
	cases = json_object_get(reference, "cases");
	json_array_foreach(cases, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "file")), slash + 1) != 0)
			continue;
		case_check(&lab, one, row);
		n_cases++;
	}
	assert_true(n_cases > 0);
	lab_close(&lab);
	json_decref(reference);
}

static void logits_and_greedy_text_are_the_reference_s(void **state)
{
	const struct kernels *k;

	(void)state;
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		if (!k->usable())
			continue;
		print_message("kernels: %s\n", k->name);
		for (size_t row = 0; row < ARRAY_LEN(bounds); row++)
			file_check(row, k);
	}
}

static void embeddings_are_the_reference_s(void **state)
{
	static const char *const kinds[] = { "F16", "Q8_0" };

	(void)state;
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
		char name[256];
		const char *path;
		const struct kernels *k;
		json_t *reference;

		snprintf(name, sizeof(name), "models/embeddings/static-bert/reference-%s.json",
			 kinds[kind]);
		path = lab_shared(name);
		if (path == NULL) {
			print_message("%s is not there\n", name);
			skip();
		}
		reference = json_load_file(path, 0, NULL);
		snprintf(name, sizeof(name), "models/embeddings/static-bert/static-bert-%s.gguf",
			 kinds[kind]);
		for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
			const json_t *texts = json_object_get(reference, "texts");
			double worst = 0;
			struct lab lab;

			if (!k->usable())
				continue;
			lab_open(&lab, lab_shared(name), NULL, 0, k);
			assert_int_equal(lab.shape->pooling, POOLING_MEAN);
			assert_true(json_array_size(texts) > 0);
			for (size_t t = 0; t < json_array_size(texts); t++) {
				const json_t *text = json_array_get(texts, t);
				const json_t *vector = json_object_get(text, "vector");
				size_t dim = lab.shape->n_embd;
				int32_t ids[512];
				size_t n = ids_read(json_object_get(text, "ids"), ids);
				float *rows = lab_forward(&lab, KV_F16, ids, n, n, RUN_HIDDEN);
				float *got = calloc(dim, sizeof(*got));
				double *want = calloc(dim, sizeof(*want));

				assert_int_equal(json_array_size(vector), dim);
				for (size_t d = 0; d < dim; d++)
					want[d] = json_number_value(json_array_get(vector, d));
				run_pool(lab.shape, POOLING_MEAN, rows, n, got);
				worst = fmax(worst, lab_max_difference(got, want, dim));
				free(want);
				free(got);
				free(rows);
			}
			print_message("static-bert-%s, %s: %.6f off\n", kinds[kind], k->name,
				      worst);
			assert_true(worst < 1e-3);
			lab_close(&lab);
		}
		json_decref(reference);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logits_and_greedy_text_are_the_reference_s),
		cmocka_unit_test(embeddings_are_the_reference_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
