/* What a reload opens anew, for files that changed. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/plugins/plugin_set.h"
#include "daemon/service/log.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

static void write_in(const struct world *w, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Change something, reload: was the instance that names "file" opened anew? The other never is. */
static bool opens_anew(struct world *w, const char *file, void (*change)(const struct world *w))
{
	const char *option = arena_printf(w->arena, "file=%s/%s", w->dir, file);
	struct plugin_set *one, *two;
	struct world next;
	bool anew;

	w->cfg.n_plugins = 0;
	world_add(w, "reader", "peer", world_journal(w), option);
	world_add(w, "other", "peer", world_journal(w));
	one = world_open(w, NULL);
	change(w);
	world_next(&next, w);
	world_add(&next, "reader", "peer", world_journal(w), option);
	world_add(&next, "other", "peer", world_journal(w));
	two = world_open(&next, one);
	anew = plugin_set_find(one, 0, "reader")->self != plugin_set_find(two, 0, "reader")->self;
	assert_ptr_equal(plugin_set_find(one, 0, "other")->self,
			 plugin_set_find(two, 0, "other")->self);
	plugin_set_unref(one);
	plugin_set_unref(two);
	arena_free(next.arena);
	return anew;
}

static void nothing(const struct world *w)
{
	(void)w;
}

static void as_long_as_before(const struct world *w)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char path[PATH_MAX + 64];

	write_in(w, "rules", "two");
	snprintf(path, sizeof(path), "%s/rules", w->dir);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0); /* nor does the time tell */
}

static void another_in_its_place(const struct world *w)
{
	char from[PATH_MAX + 64], to[PATH_MAX + 64];

	write_in(w, "next", "two");
	snprintf(from, sizeof(from), "%s/next", w->dir);
	snprintf(to, sizeof(to), "%s/rules", w->dir);
	assert_int_equal(rename(from, to), 0);
}

static void it_goes(const struct world *w)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/rules", w->dir);
	assert_int_equal(unlink(path), 0);
}

static void one_in_the_folder(const struct world *w)
{
	write_in(w, "pack/b.rules", "changed");
}

static void one_more_in_the_folder(const struct world *w)
{
	write_in(w, "pack/c.rules", "");
}

static void a_hidden_one_in_the_folder(const struct world *w)
{
	write_in(w, "pack/.b.rules.swp", "");
}

static void a_changed_file_is_read_by_a_reload(void **state)
{
	static const struct {
		const char *name, *file;
		void (*change)(const struct world *w);
		bool anew;
	} rows[] = {
		{ "a file", "rules", nothing, false },
		{ "a file written over, as long and as old as before", "rules", as_long_as_before,
		  true },
		{ "another in its place", "rules", another_in_its_place, true },
		{ "none any more", "rules", it_goes, true },
		{ "a folder", "pack", nothing, false },
		{ "a file in the folder", "pack", one_in_the_folder, true },
		{ "one more in the folder", "pack", one_more_in_the_folder, true },
		{ "what an editor keeps there", "pack", a_hidden_one_in_the_folder, false },
		{ "a file that is not there", "none", nothing, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[PATH_MAX + 64];
		struct world w;

		print_message("%s\n", rows[i].name);
		world_init(&w);
		write_in(&w, "rules", "one");
		snprintf(path, sizeof(path), "%s/pack", w.dir);
		assert_int_equal(mkdir(path, 0755), 0);
		write_in(&w, "pack/a.rules", "");
		write_in(&w, "pack/b.rules", "");
		assert_int_equal(opens_anew(&w, rows[i].file, rows[i].change), rows[i].anew);
		world_fini(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_file_is_read_by_a_reload),
	};

	log_set_level(RAGD_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
