#include "daemon/plugins_impl.h"

#include <assert.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

static struct {
	pthread_mutex_t lock; /* a reload may load on a pool thread */
	struct plugin_module *modules;
	bool careful;
} loader = { .lock = PTHREAD_MUTEX_INITIALIZER };

void plugin_load_carefully(void)
{
	pthread_mutex_lock(&loader.lock);
	loader.careful = true;
	pthread_mutex_unlock(&loader.lock);
}

const struct plugin_module *plugin_module_of(const struct ragd_plugin *descriptor)
{
	const struct plugin_module *m;

	pthread_mutex_lock(&loader.lock);
	for (m = loader.modules; m != NULL && m->descriptor != descriptor; m = m->next)
		;
	pthread_mutex_unlock(&loader.lock);
	return m;
}

static void module_free(struct plugin_module *m)
{
	if (m == NULL)
		return;
	free(m->path);
	free(m->alias);
	free(m);
}

/* ---- which file ---------------------------------------------------------------------------- */

/* The file's name without folder and ".so": what the descriptor has to call itself. */
static int module_name(const char *module, char *out, size_t size, struct ragd_err *err)
{
	const char *slash = strrchr(module, '/');
	const char *base = slash != NULL ? slash + 1 : module;
	size_t len = strlen(base);

	if (slash != NULL && module[0] != '/')
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': give a name that is searched in plugin_dirs, or a path "
			"from the root",
			module);
	if (len > 3 && strcmp(base + len - 3, ".so") == 0)
		len -= 3;
	if (len == 0 || len >= size || base[0] == '.')
		return ragd_err_set(err, -EINVAL, "module '%s': not a module's name", module);
	memcpy(out, base, len);
	out[len] = '\0';
	return 0;
}

static int not_found(const char *const *dirs, const char *name, struct ragd_err *err)
{
	struct buf where = BUF_INIT;
	int rc;

	for (size_t i = 0; dirs[i] != NULL; i++)
		buf_printf(&where, "%s%s", i > 0 ? ", " : "", dirs[i]);
	rc = ragd_err_set(err, -ENOENT, "module '%s': no %s.so in %s", name, name,
			  where.len > 0 ? where.data : "plugin_dirs, which are empty");
	buf_fini(&where);
	return rc;
}

/* Writes the resolved path to out[PATH_MAX]. */
static int module_find(const char *const *dirs, const char *module, const char *name, char *out,
		       struct ragd_err *err)
{
	char path[PATH_MAX];

	if (module[0] == '/') {
		if (realpath(module, out) == NULL)
			return ragd_err_sys(err, "module '%s'", module);
		return 0;
	}
	for (size_t i = 0; dirs[i] != NULL; i++) {
		if (snprintf(path, sizeof(path), "%s/%s.so", dirs[i], name) >= (int)sizeof(path))
			continue;
		if (realpath(path, out) != NULL)
			return 0;
		if (errno != ENOENT && errno != ENOTDIR)
			return ragd_err_sys(err, "module '%s': %s", name, path);
	}
	return not_found(dirs, name, err);
}

/* ---- may it be trusted --------------------------------------------------------------------- */

/* Could somebody else than root and the daemon's user have written, or write, what st tells of? */
static int judge_owner(const char *name, const char *what, const char *path, const struct stat *st,
		       struct ragd_err *err)
{
	bool by_group = (st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 && st->st_gid != getegid();

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return ragd_err_set(
			err, -EACCES,
			"module '%s': the %s %s belongs to user %u; it has to be root's or "
			"the daemon's own",
			name, what, path, (unsigned)st->st_uid);
	if ((st->st_mode & S_IWOTH) != 0 || by_group)
		return ragd_err_set(
			err, -EACCES, "module '%s': the %s %s may be written by %s; chmod %s-w it",
			name, what, path, by_group ? "a group" : "others", by_group ? "g" : "o");
	return 0;
}

/* Who may write any folder above can put another one in its place, unless it is sticky like /tmp.
 */
static int judge_above(const char *name, char *dir, struct ragd_err *err)
{
	struct stat st;
	char *slash;

	while ((slash = strrchr(dir, '/')) != NULL && slash != dir) {
		*slash = '\0';
		if (stat(dir, &st) < 0)
			return ragd_err_sys(err, "module '%s': %s", name, dir);
		if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
			return ragd_err_set(
				err, -EACCES,
				"module '%s': the folder %s above it may be written by others; "
				"chmod o-w it",
				name, dir);
	}
	return 0;
}

static int judge_file(const char *name, const char *path, struct stat *st, struct ragd_err *err)
{
	char dir[PATH_MAX];
	struct stat dir_st;
	int rc;

	if (stat(path, st) < 0)
		return ragd_err_sys(err, "module '%s': %s", name, path);
	if (!S_ISREG(st->st_mode))
		return ragd_err_set(err, -EINVAL, "module '%s': %s is not a regular file", name,
				    path);
	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	if (dir[0] == '\0')
		strcpy(dir, "/");
	if (stat(dir, &dir_st) < 0)
		return ragd_err_sys(err, "module '%s': %s", name, dir);
	rc = judge_owner(name, "file", path, st, err);
	if (rc == 0)
		rc = judge_owner(name, "folder", dir, &dir_st, err);
	if (rc == 0)
		rc = judge_above(name, dir, err);
	return rc;
}

/* ---- dlopen -------------------------------------------------------------------------------- */

/*
 * The descriptor and how many bytes the symbol table gives it. dlsym also searches the libraries
 * that the module links: only the module's own symbol counts.
 */
static int module_symbol(void *handle, const char *name, const void **sym, size_t *avail,
			 struct ragd_err *err)
{
	const ElfW(Sym) *elf = NULL;
	struct link_map *own = NULL;
	struct link_map *map = NULL;
	void *p = dlsym(handle, "ragd_plugin");
	Dl_info info;

	if (p == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &own) != 0 ||
	    dladdr1(p, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map != own)
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': it exports no 'ragd_plugin', so it is not a ragd plugin",
			name);
	if (dladdr1(p, &info, (void **)&elf, RTLD_DL_SYMENT) == 0 || elf == NULL ||
	    ELF64_ST_TYPE(elf->st_info) != STT_OBJECT)
		return ragd_err_set(err, -EINVAL,
				    "module '%s': its ragd_plugin is not a descriptor", name);
	*sym = p;
	*avail = elf->st_size;
	return 0;
}

int plugin_module_open(const char *path, const char *alias, const char *name,
		       const struct ragd_plugin **out, bool *mapped, struct ragd_err *err)
{
	void *handle = dlopen(alias, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const void *sym = NULL;
	const char *why;
	size_t avail = 0;
	int rc;

	if (handle == NULL) {
		why = dlerror();
		if (strncmp(why, alias, strlen(alias)) == 0 && why[strlen(alias)] == ':')
			why += strlen(alias) + 1; /* it says the path, and so do we */
		return ragd_err_set(err, -ENOEXEC, "module '%s': cannot load %s: %s", name, path,
				    why + strspn(why, " "));
	}
	*mapped = true; /* and stays so in any case: code of it may run already */
	rc = module_symbol(handle, name, &sym, &avail, err);
	if (rc == 0)
		rc = plugin_judge(name, sym, avail, err);
	if (rc == 0)
		*out = sym;
	return rc;
}

/*
 * The dynamic linker knows a library by name before it looks at the file, so a module that replaced
 * another at the same path needs another name: "dir/././x.so".
 */
static char *module_alias(const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	struct buf b = BUF_INIT;
	size_t len;

	buf_add(&b, path, (size_t)(base - path));
	for (const struct plugin_module *m = loader.modules; m != NULL; m = m->next)
		if (strcmp(m->path, path) == 0)
			buf_adds(&b, "./");
	buf_adds(&b, base);
	return buf_steal(&b, &len);
}

/* The entry of a file that was seen before, or a new one, not in the list yet. */
static int module_entry(const char *path, const char *name, const struct stat *st,
			struct plugin_module **out, struct ragd_err *err)
{
	struct plugin_module *m;

	for (m = loader.modules; m != NULL; m = m->next)
		if (m->dev == st->st_dev && m->ino == st->st_ino)
			break;
	if (m != NULL &&
	    (m->mtime.tv_sec != st->st_mtim.tv_sec || m->mtime.tv_nsec != st->st_mtim.tv_nsec))
		/* What is mapped now is neither the old module nor the new one. */
		return ragd_err_set(
			err, -EBUSY,
			"module '%s': %s was written over while it is loaded; restart, and "
			"rename a new file over it next time",
			name, path);
	if (m == NULL) {
		m = calloc(1, sizeof(*m));
		if (m == NULL || (m->path = strdup(path)) == NULL ||
		    (m->alias = module_alias(path)) == NULL) {
			module_free(m);
			return ragd_err_set(err, -ENOMEM, "module '%s': out of memory", name);
		}
		m->dev = st->st_dev;
		m->ino = st->st_ino;
		m->mtime = st->st_mtim;
	}
	*out = m;
	return 0;
}

/*
 * Make the entry's module a loaded one, or free the entry. One that is mapped but was refused stays
 * in the list, for its name and inode are taken; of one that is not mapped, the inode may be
 * another's tomorrow.
 */
static int module_ready(struct plugin_module *m, const char *name, struct ragd_err *err)
{
	bool mapped = m->listed;
	int rc = 0;

	if (m->descriptor != NULL)
		return 0;
	if (loader.careful)
		rc = plugin_probe(m->path, name, err);
	if (rc == 0) {
		if (!loader.careful)
			plugin_guard_begin(m->path, name);
		rc = plugin_module_open(m->path, m->alias, name, &m->descriptor, &mapped, err);
		if (!loader.careful)
			plugin_guard_end();
	}
	if (rc < 0 && !mapped) {
		module_free(m);
		return rc;
	}
	if (!m->listed) {
		m->listed = true;
		m->next = loader.modules;
		loader.modules = m;
	}
	return rc;
}

static int load_locked(const char *const *dirs, const char *module, enum ragd_kind kind,
		       struct plugin_module **out, struct ragd_err *err)
{
	struct plugin_module *m = NULL;
	char path[PATH_MAX], name[128];
	struct stat st;
	int rc;

	rc = module_name(module, name, sizeof(name), err);
	if (rc == 0)
		rc = module_find(dirs, module, name, path, err);
	if (rc == 0)
		rc = judge_file(name, path, &st, err);
	if (rc == 0)
		rc = module_entry(path, name, &st, &m, err);
	if (rc == 0)
		rc = module_ready(m, name, err);
	if (rc != 0)
		return rc;
	assert(m->descriptor != NULL);
	if (strcmp(m->descriptor->name, name) != 0) /* cached under another name: a link */
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': it calls itself '%s'; file and descriptor must agree", name,
			m->descriptor->name);
	if (kind != 0 && m->descriptor->kind != kind)
		return ragd_err_set(err, -EINVAL, "module '%s': it is of kind %s, not %s", name,
				    plugin_kind_name(m->descriptor->kind), plugin_kind_name(kind));
	*out = m;
	return 0;
}

int plugin_load(const char *const *dirs, const char *module, enum ragd_kind kind,
		const struct ragd_plugin **out, const char **path, struct ragd_err *err)
{
	struct plugin_module *m = NULL;
	int rc;

	pthread_mutex_lock(&loader.lock);
	rc = load_locked(dirs, module, kind, &m, err);
	pthread_mutex_unlock(&loader.lock);
	if (rc != 0)
		return rc;
	*out = m->descriptor;
	if (path != NULL)
		*path = m->path;
	return 0;
}
