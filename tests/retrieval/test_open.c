/* Opening a store where it cannot be opened. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/retrieval/stores.h"

/* ---- flock refused --------------------------------------------------------------------------- */

/* From here on, this process's flock() fails with `code`, as on a file system without locks. */
static int refuse_flock(int code)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { ARRAY_LEN(rows), rows };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 ? -errno : 0;
}

static void a_store_that_cannot_be_locked_is_not_opened(void **state)
{
	struct fixture *f = *state;
	struct {
		int filter;
		int rc;
		struct ragd_err err;
	} *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	pid_t pid;
	int status;

	assert_true(child != MAP_FAILED);
	fixture_close(f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = NULL;

		child->filter = refuse_flock(ENOLCK);
		if (child->filter == 0)
			child->rc = store_open(&f->options, &s, &child->err);
		store_close(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (child->filter < 0) {
		print_message("the kernel takes no filter: %s\n", strerror(-child->filter));
		skip();
	}
	assert_int_equal(child->rc, -ENOLCK);
	assert_non_null(strstr(child->err.msg, "lock"));
	assert_non_null(strstr(child->err.msg, f->dir));
	munmap(child, sizeof(*child));
	fixture_open(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_store_that_cannot_be_locked_is_not_opened,
						fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
