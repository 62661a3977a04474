#include "daemon/modules/module_private.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/abi_words.h"
#include "base/buf.h"
#include "base/file/trusted.h"

/* A loaded shared object; never unloaded, so that no pointer into it can dangle. */
struct module {
	struct module *next;
	char *path; /* absolute, symbolic links resolved */
	/*
	 * What was checked and loaded. Stays open: the dynamic linker knows a library by its name
	 * before it looks at the file, and this one's is the descriptor's number.
	 */
	int fd;
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	struct module_descriptor descriptor;
	bool usable; /* descriptor is valid */
	bool listed;
};

static struct {
	pthread_mutex_t lock; /* a reload may load on a pool thread */
	struct module *modules;
	bool careful;
} loader = { .lock = PTHREAD_MUTEX_INITIALIZER };

void module_probe_enable(void)
{
	pthread_mutex_lock(&loader.lock);
	loader.careful = true;
	pthread_mutex_unlock(&loader.lock);
}

const char *module_path(const struct ragd_plugin *descriptor)
{
	const struct module *m;

	pthread_mutex_lock(&loader.lock);
	for (m = loader.modules; m != NULL && &m->descriptor.plugin != descriptor; m = m->next)
		;
	pthread_mutex_unlock(&loader.lock);
	return m != NULL ? m->path : "";
}

static void module_free(struct module *m)
{
	if (m == NULL)
		return;
	close(m->fd);
	free(m->path);
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
		return ragd_err_set(err, -EINVAL,
				    "module '%s': give the name of a module in plugin_dirs, or an "
				    "absolute path",
				    module);
	if (len > 3 && strcmp(base + len - 3, ".so") == 0)
		len -= 3;
	if (len == 0 || len >= size || base[0] == '.')
		return ragd_err_set(err, -EINVAL, "module '%s': not a module name", module);
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
			  where.len > 0 ? where.data : "plugin_dirs, which is empty");
	buf_fini(&where);
	return rc;
}

/* Opens the module by way of folders that only we can change: what is checked is what is loaded. */
static int module_find(const char *const *dirs, const char *module, const char *name,
		       struct trusted_file *out, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	char path[TRUSTED_PATH_MAX];
	int rc = -ENOENT;

	if (module[0] == '/') {
		rc = trusted_walk(module, out, &why);
		return rc < 0 ? ragd_err_set(err, rc, "module '%s': %s", module, why.msg) : 0;
	}
	for (size_t i = 0; dirs[i] != NULL && (rc == -ENOENT || rc == -ENOTDIR); i++)
		if (snprintf(path, sizeof(path), "%s/%s.so", dirs[i], name) < (int)sizeof(path))
			rc = trusted_walk(path, out, &why);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return not_found(dirs, name, err);
	return rc < 0 ? ragd_err_set(err, rc, "module '%s': %s", name, why.msg) : 0;
}

/* ---- the cache ----------------------------------------------------------------------------- */

/*
 * The entry of a file that was seen before, or a new one, not in the list yet. Takes the file's
 * descriptor on success.
 */
static int module_entry(const struct trusted_file *file, const char *name, struct module **out,
			struct ragd_err *err)
{
	const struct stat *st = &file->st;
	struct module *m;

	for (m = loader.modules; m != NULL; m = m->next)
		if (m->dev == st->st_dev && m->ino == st->st_ino)
			break;
	if (m != NULL &&
	    (m->mtime.tv_sec != st->st_mtim.tv_sec || m->mtime.tv_nsec != st->st_mtim.tv_nsec))
		/* What is mapped now is neither the old module nor the new one. */
		return ragd_err_set(err, -EBUSY,
				    "module '%s': %s was overwritten while it is loaded; restart "
				    "ragd, and next time rename a new file over it",
				    name, file->path);
	if (m != NULL) {
		close(file->fd);
	} else {
		m = calloc(1, sizeof(*m));
		if (m == NULL || (m->path = strdup(file->path)) == NULL) {
			free(m);
			return ragd_err_set(err, -ENOMEM, "module '%s': out of memory", name);
		}
		m->fd = file->fd;
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
static int module_ready(struct module *m, const char *name, struct ragd_err *err)
{
	bool mapped = m->listed;
	int rc = 0;

	if (m->usable)
		return 0;
	if (loader.careful)
		rc = module_probe(m->fd, m->path, name, err);
	if (rc == 0) {
		if (!loader.careful)
			module_guard_begin(m->path, name);
		rc = module_open(m->fd, m->path, name, &m->descriptor, &mapped, err);
		if (!loader.careful)
			module_guard_end();
		m->usable = rc == 0;
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
		       struct module **out, struct ragd_err *err)
{
	struct module *m = NULL;
	struct trusted_file file = { .fd = -1 };
	char name[128];
	int rc;

	rc = module_name(module, name, sizeof(name), err);
	if (rc == 0)
		rc = module_find(dirs, module, name, &file, err);
	if (rc == 0) {
		rc = module_entry(&file, name, &m, err);
		if (rc < 0)
			close(file.fd);
	}
	if (rc == 0)
		rc = module_ready(m, name, err);
	if (rc != 0)
		return rc;
	assert(m->usable);
	if (strcmp(m->descriptor.plugin.name, name) != 0) /* cached under another name: a link */
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': it calls itself '%s'; file and descriptor must agree", name,
			m->descriptor.plugin.name);
	if (kind != 0 && m->descriptor.plugin.kind != kind)
		return ragd_err_set(err, -EINVAL, "module '%s': it is of kind %s, not %s", name,
				    abi_kind_name(m->descriptor.plugin.kind), abi_kind_name(kind));
	*out = m;
	return 0;
}

int module_load(const char *const *dirs, const char *module, enum ragd_kind kind,
		const struct ragd_plugin **out, const char **path, struct ragd_err *err)
{
	struct module *m = NULL;
	int rc;

	pthread_mutex_lock(&loader.lock);
	rc = load_locked(dirs, module, kind, &m, err);
	pthread_mutex_unlock(&loader.lock);
	if (rc != 0)
		return rc;
	*out = &m->descriptor.plugin;
	if (path != NULL)
		*path = m->path;
	return 0;
}
