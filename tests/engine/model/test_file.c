/*
 * What happens to a model's file while it is read, and after: an error with a sentence, or nothing
 * at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/gguf/card.h"
#include "tests/engine/model/lab.h"
#include "tests/engine/model/synth.h"
#include "tests/test.h"

#define N 9

static const struct synth_shape shapes[] = {
	{ "llama", QUANT_Q4_K, 2, 256, 4, 2, 64, 512, 96, 64, 1, false, false, false },
	{ "llama", QUANT_Q8_0, 2, 256, 4, 2, 64, 512, 96, 64, 2, true, false, false },
	{ "llama", QUANT_F16, 2, 256, 4, 2, 64, 512, 96, 64, 3, true, false, false },
	{ "bert", QUANT_Q8_0, 2, 256, 4, 4, 64, 512, 96, 64, 4, false, false, false },
};

static char dir[64], path[80], other[80];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/ragd-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/m.gguf", dir);
	snprintf(other, sizeof(other), "%s/new.gguf", dir);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void write_file(const char *name, const struct buf *b)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->len), b->len);
	close(fd);
}

static void synth_file(const struct synth_shape *shape, struct buf *out)
{
	struct synth s;

	synth_init(&s, shape);
	synth_write(&s, out);
	synth_fini(&s);
	write_file(path, out);
}

/* What others may do to the file. */
static void truncate_all(const struct buf *b)
{
	(void)b;
	assert_int_equal(truncate(path, 0), 0);
}

static void truncate_half(const struct buf *b)
{
	assert_int_equal(truncate(path, (off_t)b->len / 2), 0);
}

static void overwrite(const struct buf *b)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 1000000000, 0 } };
	int fd = open(path, O_WRONLY);
	char junk[4096];

	memset(junk, 0x5a, sizeof(junk));
	for (size_t at = 0; at < b->len; at += sizeof(junk))
		assert_true(pwrite(fd, junk, MIN(sizeof(junk), b->len - at), (off_t)at) > 0);
	futimens(fd, times); /* as long ago as you like, but not when it was opened */
	close(fd);
}

static void replace(const struct buf *b)
{
	(void)b;
	write_file(other, &(struct buf){ .data = (char[]){ "no model" }, .len = 8 });
	assert_int_equal(rename(other, path), 0);
}

static void delete (const struct buf *b)
{
	(void)b;
	assert_int_equal(unlink(path), 0);
}

static const struct {
	void (*act)(const struct buf *b);
	int opens; /* a model that is opened after it */
	const char *says;
} acts[] = {
	{ truncate_all, -EINVAL, "has become shorter" },
	{ truncate_half, -EINVAL, "has become shorter" },
	{ overwrite, -ESTALE, "was changed while it was being read" },
	{ replace, 0, "" },
	{ delete, 0, "" },
};

static void a_file_that_changes_while_it_is_read_is_refused(void **state)
{
	struct model_options opt = { 0 };

	(void)state;
	assert_int_equal(threads_open(2, NULL, &opt.threads, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		char digest[GGUF_DIGEST_SIZE];
		struct buf b = BUF_INIT;
		struct ragd_err err = { 0 };
		struct model *m = NULL;
		struct gguf *g;
		int rc;

		synth_file(&shapes[0], &b);
		assert_int_equal(gguf_open(path, &g, &err), 0);
		acts[i].act(&b);
		rc = model_open(g, &opt, &m, &err);
		assert_int_equal(rc, acts[i].opens);
		if (rc < 0) {
			assert_non_null(strstr(err.msg, acts[i].says));
			assert_non_null(strstr(err.msg, path));
		}
		rc = gguf_digest(g, NULL, NULL, NULL, digest, &err);
		assert_int_equal(rc, acts[i].opens);
		model_close(m);
		gguf_close(g);
		buf_fini(&b);
	}
	threads_close(opt.threads);
}

/* So much is packed, then it happens. */
struct later {
	void (*act)(const struct buf *b);
	const struct buf *b;
	unsigned n;
};

static bool on_progress(void *arg, double done)
{
	struct later *l = arg;

	(void)done;
	if (l->n-- == 1)
		l->act(l->b);
	return true;
}

static void in_the_middle_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct buf b = BUF_INIT;
		struct later later = { acts[i].act, &b, 3 };
		struct model_options opt = { .progress = on_progress, .progress_arg = &later };
		struct ragd_err err = { 0 };
		struct model *m = NULL;
		struct gguf *g;

		assert_int_equal(threads_open(1, NULL, &opt.threads, NULL), 0);
		synth_file(&shapes[0], &b);
		assert_int_equal(gguf_open(path, &g, &err), 0);
		assert_int_equal(model_open(g, &opt, &m, &err), acts[i].opens);
		model_close(m);
		gguf_close(g);
		threads_close(opt.threads);
		buf_fini(&b);
	}
}

static float *rows_of(const struct lab *lab)
{
	static const int32_t ids[N] = { 1, 5, 90, 3, 17, 64, 2, 5, 95 };

	return lab_forward(lab, KV_F16, ids, N, N, lab->shape->causal ? RUN_LOGITS : RUN_HIDDEN);
}

static void an_open_model_needs_no_file(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(shapes); k++)
		for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
			struct buf b = BUF_INIT;
			float *before, *after;
			struct lab lab;

			synth_file(&shapes[k], &b);
			lab_open(&lab, path, NULL, 0, NULL);
			before = rows_of(&lab);
			gguf_close(lab.gguf);
			lab.gguf = NULL;
			acts[i].act(&b);
			after = rows_of(&lab);
			assert_memory_equal(before, after,
					    N * sizeof(float) *
						    (lab.shape->causal ? lab.shape->n_vocab
								       : lab.shape->n_embd));
			free(before);
			free(after);
			lab_close(&lab);
			buf_fini(&b);
		}
}

/* A table that serves as a matrix, too, is in memory once, and its rows are what they are alone. */
static void a_table_that_is_packed_is_not_kept_twice(void **state)
{
	struct synth_shape apart = shapes[1];
	struct ragd_err err = { 0 };
	struct buf b = BUF_INIT;
	struct model *m;
	struct gguf *g;

	(void)state;
	for (int tied = 0; tied < 2; tied++) {
		apart.tied = tied;
		buf_clear(&b);
		synth_file(&apart, &b);
		assert_int_equal(gguf_open(path, &g, &err), 0);
		assert_int_equal(model_outline(g, NULL, &m, &err), 0);
		assert_int_equal(model_shape(m)->table_bytes,
				 tied ? 0 : gguf_tensor(g, "token_embd.weight")->n_bytes);
		model_close(m);
		gguf_close(g);
	}
	buf_fini(&b);
}

static void says_who_may_write_to_it(void **state)
{
	struct ragd_err err = { 0 };
	struct buf b = BUF_INIT;
	struct gguf *g;

	(void)state;
	for (int shared = 0; shared < 2; shared++) {
		buf_clear(&b);
		synth_file(&shapes[0], &b);
		assert_int_equal(chmod(path, shared ? 0664 : 0644), 0);
		assert_int_equal(gguf_open(path, &g, &err), 0);
		assert_int_equal(gguf_private(g, &err), shared ? -EPERM : 0);
		gguf_close(g);
	}
	assert_non_null(strstr(err.msg, "0664"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_that_changes_while_it_is_read_is_refused,
						make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(in_the_middle_too, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(an_open_model_needs_no_file, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(a_table_that_is_packed_is_not_kept_twice, make_dir,
						drop_dir),
		cmocka_unit_test_setup_teardown(says_who_may_write_to_it, make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
