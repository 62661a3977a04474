/* Models, passes and numbers for the tests of models. */
#include "tests/engine/model/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/test.h"

void lab_open(struct lab *lab, const char *path, const void *data, size_t len,
	      const struct kernels *k)
{
	struct ragd_err err = { 0 };
	struct model_options opt = { .kernels = k };
	int rc;

	*lab = (struct lab){ 0 };
	rc = path != NULL ? gguf_open(path, &lab->gguf, &err)
			  : gguf_read(data, len, &lab->gguf, &err);
	if (rc == 0)
		rc = threads_open(2, NULL, &lab->threads, &err);
	opt.threads = lab->threads;
	if (rc == 0)
		rc = model_open(lab->gguf, &opt, &lab->model, &err);
	if (rc < 0)
		fail_msg("%s", err.msg);
	lab->shape = model_shape(lab->model);
}

void lab_close(struct lab *lab)
{
	model_close(lab->model);
	threads_close(lab->threads);
	gguf_close(lab->gguf);
}

uint8_t **lab_pages(const struct lab *lab, enum kv_type type, size_t n)
{
	size_t n_pages = (n + KV_PAGE - 1) / KV_PAGE, bytes = model_page_bytes(lab->model, type);
	uint8_t **pages = calloc(n_pages, sizeof(*pages));

	for (size_t i = 0; i < n_pages; i++) {
		pages[i] = aligned_alloc(64, bytes);
		memset(pages[i], 0xff, bytes); /* not-a-numbers, should anybody look */
	}
	return pages;
}

void lab_pages_free(uint8_t **pages, size_t n)
{
	for (size_t i = 0; i < (n + KV_PAGE - 1) / KV_PAGE; i++)
		free(pages[i]);
	free(pages);
}

float *lab_forward(const struct lab *lab, enum kv_type type, const int32_t *ids, size_t n,
		   size_t n_outputs, enum run_output what)
{
	size_t width = what == RUN_LOGITS ? lab->shape->n_vocab : lab->shape->n_embd;
	uint8_t **pages = lab->shape->causal ? lab_pages(lab, type, n) : NULL;
	struct segment s = { .ids = ids, .n = n, .pages = pages, .n_outputs = n_outputs };
	struct ragd_err err = { 0 };
	const float *rows;
	float *copy = malloc(n_outputs * width * sizeof(float));
	struct run *r;

	if (run_new(lab->model, lab->threads, type, n, n_outputs, &r, &err) < 0)
		fail_msg("%s", err.msg);
	if (run_forward(r, &s, 1, what, &rows, &err) < 0)
		fail_msg("%s", err.msg);
	memcpy(copy, rows, n_outputs * width * sizeof(float));
	run_free(r);
	if (pages != NULL)
		lab_pages_free(pages, n);
	return copy;
}

const char *lab_shared(const char *name)
{
	static char path[4096];
	const char *top = getenv("RAGD_SRCDIR");

	snprintf(path, sizeof(path), "%s/../shared/%s", top != NULL ? top : ".", name);
	return access(path, R_OK) == 0 ? path : NULL;
}

double lab_cosine(const float *a, const double *b, size_t n)
{
	double ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * (double)a[i];
		bb += b[i] * b[i];
	}
	return ab / sqrt(aa * bb);
}

double lab_max_difference(const float *a, const double *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - b[i]));
	return most;
}

uint64_t lab_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

double lab_normal(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(lab_random(state) >> 11) * 0x1p-53;
	return sum;
}
