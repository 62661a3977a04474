/* Opening a store: where it fails half-way, and where the kernel refuses the lock. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/retrieval/stores.h"

/* ---- locks that were made, and not yet destroyed; linked with --wrap ------------------------- */

#define MADE_MAX 64

static const void *made[MADE_MAX];
static unsigned n_strange; /* destroyed, but never made */
static unsigned n_strdup;
static unsigned fail_strdup; /* the one that finds no memory; 0: none */

static void lock_made(const void *lock)
{
	for (size_t i = 0; i < MADE_MAX; i++) {
		if (made[i] == NULL) {
			made[i] = lock;
			return;
		}
	}
}

static void lock_destroyed(const void *lock)
{
	for (size_t i = 0; i < MADE_MAX; i++) {
		if (made[i] == lock) {
			made[i] = NULL;
			return;
		}
	}
	n_strange++;
}

static unsigned count_left(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < MADE_MAX; i++)
		n += made[i] != NULL;
	return n;
}

/* clang-format off */
int __real_pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr);
int __wrap_pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr);
int __real_pthread_rwlock_destroy(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_destroy(pthread_rwlock_t *lock);
int __real_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attr);
int __real_pthread_mutex_destroy(pthread_mutex_t *lock);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *lock);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
/* clang-format on */

int __wrap_pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr)
{
	lock_made(lock);
	return __real_pthread_rwlock_init(lock, attr);
}

int __wrap_pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
	lock_destroyed(lock);
	return __real_pthread_rwlock_destroy(lock);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attr)
{
	lock_made(lock);
	return __real_pthread_mutex_init(lock, attr);
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *lock)
{
	lock_destroyed(lock);
	return __real_pthread_mutex_destroy(lock);
}

char *__wrap_strdup(const char *s)
{
	return ++n_strdup == fail_strdup ? NULL : __real_strdup(s);
}

static void opening_without_memory_destroys_only_the_locks_it_made(void **state)
{
	struct fixture *f = *state;
	struct store_options options = f->options;
	unsigned before, n;

	fixture_close(f);
	n_strange = 0;
	before = count_left();
	n_strdup = 0;
	fixture_open(f);
	n = n_strdup;
	fixture_close(f);
	assert_true(n >= 2);
	for (fail_strdup = 1; fail_strdup <= n; fail_strdup++) {
		struct store *s = NULL;
		struct ragd_err err = { 0 };

		n_strdup = 0;
		assert_int_equal(store_open(&options, &s, &err), -ENOMEM);
		assert_null(s);
		assert_non_null(strstr(err.msg, "memory"));
		assert_int_equal(n_strange, 0);
		assert_int_equal(count_left(), before);
	}
	fail_strdup = 0;
	fixture_open(f);
}

static void an_unknown_language_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct store_options options = f->options;
	struct store *s = NULL;
	unsigned before = count_left();

	n_strange = 0;
	options.language = "klingon";
	assert_int_equal(store_open(&options, &s, NULL), -EINVAL);
	assert_null(s);
	assert_int_equal(n_strange, 0);
	assert_int_equal(count_left(), before);
}

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
		cmocka_unit_test_setup_teardown(
			opening_without_memory_destroys_only_the_locks_it_made, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(an_unknown_language_leaves_nothing_behind,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_store_that_cannot_be_locked_is_not_opened,
						fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
