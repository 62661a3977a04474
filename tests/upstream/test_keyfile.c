/* The key that servers ask for. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/test.h"
#include "upstream/servers/keyfile.h"

struct dir {
	char path[64];
	char file[80];
};

static void dir_init(struct dir *d)
{
	snprintf(d->path, sizeof(d->path), "/tmp/ragd-upstream-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	snprintf(d->file, sizeof(d->file), "%s/key", d->path);
}

static void dir_fini(struct dir *d)
{
	unlink(d->file);
	assert_int_equal(rmdir(d->path), 0);
}

/* As editors do: a new file over the old one. */
static void write_file(const struct dir *d, const char *text, size_t len, mode_t mode)
{
	char next[96];
	int fd;

	snprintf(next, sizeof(next), "%s.next", d->file);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	fchmod(fd, mode);
	close(fd);
	assert_int_equal(rename(next, d->file), 0);
}

static void a_key_is_one_line_that_others_may_not_read(void **state)
{
	char huge[KEYFILE_MAX + 2];
	struct {
		const char *name, *text;
		mode_t mode;
		int rc;
		const char *want; /* the key, or part of the sentence */
	} rows[] = {
		{ "plain", "sk-123", 0600, 1, "sk-123" },
		{ "with a newline", "sk-123\n", 0400, 1, "sk-123" },
		{ "white space around it", " \r\n\tsk-123 \n\n", 0600, 1, "sk-123" },
		{ "its group may read it", "sk-123", 0640, 1, "sk-123" },
		{ "others may read it", "sk-123", 0644, -EACCES, "mode 0644" },
		{ "others may change it", "sk-123", 0602, -EACCES, "mode 0602" },
		{ "its group may change it", "sk-123", 0660, -EACCES, "chmod 0600" },
		{ "empty", "", 0600, -EINVAL, "is empty" },
		{ "nothing but white space", " \n", 0600, -EINVAL, "is empty" },
		{ "two lines", "sk-123\nX-Evil: 1", 0600, -EINVAL, "one line" },
		{ "a space in it", "sk 123", 0600, -EINVAL, "one line" },
		{ "no ASCII", "sk-\xc3\xa4", 0600, -EINVAL, "printable ASCII" },
		{ "too long", huge, 0600, -EINVAL, "that is not a key" },
	};

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct keyfile k;
		struct dir d;

		print_message("%s\n", rows[i].name);
		dir_init(&d);
		write_file(&d, rows[i].text, strlen(rows[i].text), rows[i].mode);
		keyfile_init(&k, d.file);
		assert_int_equal(keyfile_refresh(&k, &err), rows[i].rc);
		if (rows[i].rc < 0) {
			assert_non_null(strstr(err.msg, rows[i].want));
			assert_null(strstr(err.msg, "sk-"));
			assert_string_equal(k.key, "");
		} else {
			assert_string_equal(k.key, rows[i].want);
		}
		assert_int_equal(keyfile_refresh(&k, &err), 0); /* told once */
		keyfile_fini(&k);
		assert_string_equal(k.key, "");
		dir_fini(&d);
	}
}

static void a_key_is_read_again_when_it_changes(void **state)
{
	struct ragd_err err = { 0 };
	struct keyfile k;
	struct dir d;

	(void)state;
	dir_init(&d);
	keyfile_init(&k, d.file);
	assert_int_equal(keyfile_refresh(&k, &err), -ENOENT);
	assert_non_null(strstr(err.msg, d.file));
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	write_file(&d, "one", 3, 0600);
	assert_int_equal(keyfile_refresh(&k, &err), 1);
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	write_file(&d, "two", 3, 0600);
	assert_int_equal(keyfile_refresh(&k, &err), 1);
	assert_string_equal(k.key, "two");
	write_file(&d, "two\n", 4, 0600); /* the same key */
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	write_file(&d, "three", 5, 0644);
	assert_int_equal(keyfile_refresh(&k, &err), -EACCES);
	assert_string_equal(k.key, "two"); /* the old one stays */
	chmod(d.file, 0600);
	assert_int_equal(keyfile_refresh(&k, &err), 1);
	assert_string_equal(k.key, "three");
	unlink(d.file);
	assert_int_equal(keyfile_refresh(&k, &err), -ENOENT);
	assert_string_equal(k.key, "three");
	keyfile_fini(&k);
	keyfile_init(&k, d.path); /* a directory */
	assert_int_equal(keyfile_refresh(&k, &err), -EINVAL);
	keyfile_init(&k, "");
	assert_int_equal(keyfile_refresh(&k, &err), 0);
	dir_fini(&d);
}

static void a_key_is_hidden_in_what_servers_say(void **state)
{
	struct keyfile k = { .key = "sk-1" };
	char text[] = "bad key sk-1, I say: 'sk-1'sk-1";

	(void)state;
	keyfile_hide(&k, text);
	assert_string_equal(text, "bad key ****, I say: '****'****");
	k.key[0] = '\0';
	keyfile_hide(&k, text);
	assert_string_equal(text, "bad key ****, I say: '****'****");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_one_line_that_others_may_not_read),
		cmocka_unit_test(a_key_is_read_again_when_it_changes),
		cmocka_unit_test(a_key_is_hidden_in_what_servers_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
