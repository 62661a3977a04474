/*
 * The KV cache on disk: what was saved is found again; what is not ours, or is damaged, changes
 * nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/cache/cache.h"
#include "engine/kernels/kernels.h"
#include "tests/test.h"

#define ME         1000
#define PAGE_BYTES 512

static char dir[64], path[80];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/ragd-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/cache", dir);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir); /* fails if a temporary file was left */
}

static struct cache *open_cache(size_t n_pages)
{
	struct cache *c = NULL;

	assert_int_equal(cache_open(PAGE_BYTES, n_pages, &c, NULL), 0);
	return c;
}

/* Pages are filled with a byte made from their first token. */
static void read_once(struct cache *c, int32_t from, size_t n)
{
	struct cache_seq *s;
	int32_t ids[200];

	for (size_t i = 0; i < n; i++)
		ids[i] = from + (int32_t)i;
	s = cache_seq_new(c, ME, 0, ids, n);
	assert_int_equal(cache_seq_len(s), 0);
	assert_int_equal(cache_seq_reserve(s, n, NULL), 0);
	for (size_t p = 0; p * KV_PAGE < n; p++)
		memset(cache_seq_pages(s)[p], (uint8_t)ids[p * KV_PAGE], PAGE_BYTES);
	assert_int_equal(cache_seq_commit(s, ids, n), 0);
	cache_seq_free(s);
}

static void finds(struct cache *c, int32_t from, size_t n, size_t want)
{
	struct cache_seq *s;
	int32_t ids[200];

	for (size_t i = 0; i < n; i++)
		ids[i] = from + (int32_t)i;
	s = cache_seq_new(c, ME, 0, ids, n);
	assert_int_equal(cache_seq_len(s), want);
	for (size_t p = 0; p * KV_PAGE < want; p++) {
		uint8_t page[PAGE_BYTES];

		memset(page, (uint8_t)ids[p * KV_PAGE], sizeof(page));
		assert_memory_equal(cache_seq_pages(s)[p], page, sizeof(page));
	}
	cache_seq_free(s);
}

static void what_was_saved_is_found(void **state)
{
	struct cache *c = open_cache(16), *d = open_cache(16);
	struct cache_seq *held;
	int32_t one = 7;

	(void)state;
	read_once(c, 100, 100);
	read_once(c, 300, 64);
	held = cache_seq_new(c, ME, 0, (int32_t[]){ 100, 101 },
			     2); /* a sequence at work does not matter */
	assert_int_equal(cache_seq_reserve(held, 2, NULL), 0);
	assert_int_equal(cache_seq_commit(held, &one, 1), 0);
	assert_int_equal(cache_save(c, path, "model 1", NULL), 0);
	assert_int_equal(cache_load(d, path, "model 1", NULL), 0);
	finds(d, 100, 100, 99);
	finds(d, 300, 65, 64);
	assert_int_equal(cache_load(d, path, "model 1", NULL), 0); /* again: nothing twice */
	finds(d, 100, 100, 99);
	cache_seq_free(held);
	cache_close(c);
	cache_close(d);
}

static void a_smaller_cache_takes_the_most_recent(void **state)
{
	struct cache *c = open_cache(16), *d = open_cache(3);

	(void)state;
	read_once(c, 100, 64);
	read_once(c, 300, 64);
	read_once(c, 500, 64);
	assert_int_equal(cache_save(c, path, "", NULL), 0);
	assert_int_equal(cache_load(d, path, "", NULL), 0);
	finds(d, 500, 65, 64);
	finds(d, 300, 65, 32);
	finds(d, 100, 65, 0);
	cache_close(c);
	cache_close(d);
}

static void damage_changes_nothing(void **state)
{
	struct cache *c = open_cache(8), *d = open_cache(8);
	struct ragd_err err = { 0 };
	struct cache_stats st;
	struct stat file;
	int fd;

	(void)state;
	read_once(c, 100, 64);
	assert_int_equal(cache_save(c, path, "stamp", NULL), 0);
	assert_int_equal(cache_load(d, path, "other", &err), -ESTALE);
	assert_non_null(strstr(err.msg, "another model"));
	assert_int_equal(stat(path, &file), 0);
	fd = open(path, O_RDWR);
	for (off_t at = 0; at < file.st_size; at += 37) {
		char byte, turned;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		turned = (char)~byte;
		assert_int_equal(pwrite(fd, &turned, 1, at), 1);
		assert_true(cache_load(d, path, "stamp", &err) < 0);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	for (off_t len = file.st_size - 1; len > 0; len -= 97) {
		assert_int_equal(ftruncate(fd, len), 0);
		assert_int_equal(cache_load(d, path, "stamp", &err), -EBADMSG);
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(cache_load(d, path, "stamp", &err), -EBADMSG);
	close(fd);
	unlink(path);
	assert_int_equal(cache_load(d, path, "stamp", &err), -ENOENT);
	cache_stats(d, &st);
	assert_int_equal(st.n_cached, 0);
	cache_close(c);
	cache_close(d);
}

static void where_it_cannot_be_written_nothing_is_left(void **state)
{
	struct cache *c = open_cache(8);
	struct ragd_err err = { 0 };

	(void)state;
	read_once(c, 100, 64);
	assert_int_equal(cache_save(c, "/proc/none/cache", "", &err), -ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(cache_save(c, path, "", &err), -EISDIR);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(rmdir(path), 0); /* and make_dir's own rmdir finds no temporary file */
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_saved_is_found, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(a_smaller_cache_takes_the_most_recent, make_dir,
						drop_dir),
		cmocka_unit_test_setup_teardown(damage_changes_nothing, make_dir, drop_dir),
		cmocka_unit_test_setup_teardown(where_it_cannot_be_written_nothing_is_left,
						make_dir, drop_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
