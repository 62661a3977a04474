#include "daemon/modules/module_private.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

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

int module_open(int fd, const char *path, const char *name, struct module_descriptor *out,
		bool *mapped, struct ragd_err *err)
{
	const void *sym = NULL;
	char alias[64];
	void *handle;
	const char *why;
	size_t avail = 0;
	int rc;

	snprintf(alias, sizeof(alias), "/proc/self/fd/%d", fd);
	handle = dlopen(alias, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
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
		rc = module_validate(name, sym, avail, out, err);
	return rc;
}
