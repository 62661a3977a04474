/*
 * An example of a retrieval plugin: a folder of text files, as it is. One collection, read only,
 * whose owner, group and mode are the folder's; search ranks paragraphs by how many of the
 * query's words they contain. Build it with
 *
 *     cc -shared -fPIC -fvisibility=hidden -o folder.so folder.c
 *
 * Every call reads every file: simple, never out of date, and fast
 * enough for a few hundred small ones.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ragd/plugin.h>

#define FILE_MAX (1 << 20) /* larger files are not read */

struct folder {
	const char *path;
	const char *name; /* of the collection */
};

/* All there is to know of a file; like everything here in the memory of the call. */
struct file {
	struct ragd_document_info info;
	struct ragd_str content;
};

/* ---- reading the folder -------------------------------------------------------------------- */

static int is_text(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return (d->d_type == DT_REG || d->d_type == DT_UNKNOWN) && d->d_name[0] != '.' &&
	       dot != NULL && (strcmp(dot, ".txt") == 0 || strcmp(dot, ".md") == 0);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* False for what cannot be read, is too large or no file. */
static bool file_read(const struct folder *f, const struct ragd_call *call, const char *name,
		      struct file *out)
{
	char path[4096], *id = call->alloc(call, strlen(name) + 1, 1), *text = NULL;
	FILE *in = NULL;
	struct stat st;
	size_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	/* A FIFO would have us wait, and a link lead to what its owner may not read himself. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (in = fdopen(fd, "r")) == NULL)
		close(fd);
	if (in != NULL && id != NULL && fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= FILE_MAX &&
	    (text = call->alloc(call, (size_t)st.st_size + 1, 1)) != NULL) {
		n = fread(text, 1, (size_t)st.st_size, in);
		snprintf(id, strlen(name) + 1, "%s", name);
		out->content = (struct ragd_str){ text, n };
		out->info = (struct ragd_document_info){
			.id = id,
			.title = id,
			.media_type = strstr(name, ".md") != NULL ? "text/markdown" : "text/plain",
			.digest = "",
			.n_bytes = n,
			.updated_s = st.st_mtime,
		};
	}
	if (in != NULL)
		fclose(in);
	return text != NULL;
}

/* The folder's files in the order of their names. */
static int folder_read(const struct folder *f, const struct ragd_call *call, struct file **out,
		       size_t *n, struct ragd_err *err)
{
	struct dirent **entries;
	struct file *files;
	int n_entries = scandir(f->path, &entries, is_text, by_name);

	if (n_entries < 0)
		return ragd_err_sys(err, "read folder '%s'", f->path);
	files = call->alloc(call, (size_t)n_entries + 1, sizeof(*files));
	*n = 0;
	for (int i = 0; i < n_entries; i++) {
		if (files != NULL && file_read(f, call, entries[i]->d_name, &files[*n]))
			++*n;
		free(entries[i]);
	}
	free(entries);
	*out = files;
	return files != NULL
		       ? 0
		       : ragd_err_set(err, -ENOMEM, "folder: no memory for %d files", n_entries);
}

static int folder_describe(const struct folder *f, struct ragd_collection *c, struct ragd_err *err)
{
	struct stat st;

	if (stat(f->path, &st) < 0)
		return ragd_err_sys(err, "folder '%s'", f->path);
	*c = (struct ragd_collection){
		.name = f->name,
		.owner = st.st_uid,
		.group = st.st_gid,
		.mode = st.st_mode & 0444,
		.updated_s = st.st_mtime,
	};
	return 0;
}

/* To who may not read it, there is none. */
static bool may_read(const struct ragd_collection *c, const struct ragd_caller *who)
{
	bool in_group = who->gid == c->group;

	for (size_t i = 0; i < who->n_groups; i++)
		in_group |= who->groups[i] == c->group;
	return who->admin || (c->mode & (who->uid == c->owner ? 0400u
					 : in_group           ? 0040u
							      : 0004u)) != 0;
}

/* Files of the collection `name`, if it is ours and the caller may read it. */
static int folder_open_for(const struct folder *f, const struct ragd_call *call, const char *name,
			   struct file **files, size_t *n, struct ragd_err *err)
{
	struct ragd_collection c;
	int rc = folder_describe(f, &c, err);

	if (rc < 0)
		return rc;
	if (strcmp(name, f->name) != 0 || !may_read(&c, call->caller))
		return ragd_err_set(err, -ENOENT, "there is no collection '%s' that you may read",
				    name);
	return folder_read(f, call, files, n, err);
}

static int folder_collections(void *self, const struct ragd_call *call,
			      const struct ragd_collection **out, size_t *n, struct ragd_err *err)
{
	struct ragd_collection *c = call->alloc(call, 1, sizeof(*c));
	struct file *files;
	size_t n_files = 0;
	int rc;

	if (c == NULL)
		return ragd_err_set(err, -ENOMEM, "folder: out of memory");
	rc = folder_describe(self, c, err);
	if (rc == 0 && may_read(c, call->caller))
		rc = folder_read(self, call, &files, &n_files, err);
	if (rc < 0)
		return rc;
	c->n_documents = n_files;
	*out = c;
	*n = may_read(c, call->caller);
	return 0;
}

static int folder_list(void *self, const struct ragd_call *call, const char *collection,
		       struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		       size_t *n, struct ragd_err *err)
{
	struct ragd_document_info *infos;
	struct file *files;
	size_t n_files, found = 0;
	int rc = folder_open_for(self, call, collection, &files, &n_files, err);

	if (rc < 0)
		return rc;
	infos = call->alloc(call, n_files + 1, sizeof(*infos));
	if (infos == NULL)
		return ragd_err_set(err, -ENOMEM, "folder: out of memory");
	for (size_t i = 0; i < n_files && found < limit; i++) {
		int order = after.len > 0 ? strncmp(files[i].info.id, after.s, after.len) : 1;

		if (order > 0 || (order == 0 && files[i].info.id[after.len] != '\0'))
			infos[found++] = files[i].info;
	}
	*out = infos;
	*n = found;
	return 0;
}

static int folder_get(void *self, const struct ragd_call *call, const char *collection,
		      struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
		      struct ragd_err *err)
{
	struct file *files;
	size_t n;
	int rc = folder_open_for(self, call, collection, &files, &n, err);

	for (size_t i = 0; rc == 0 && i < n; i++) /* only what is listed: an id is no path */
		if (strlen(files[i].info.id) == id.len &&
		    memcmp(files[i].info.id, id.s, id.len) == 0) {
			*info = files[i].info;
			*content = files[i].content;
			return 0;
		}
	return rc < 0 ? rc
		      : ragd_err_set(err, -ENOENT, "there is no document '%.*s'", (int)id.len,
				     id.s);
}

static void folder_stats(void *self, const struct ragd_caller *caller,
			 struct ragd_retrieval_stats *out)
{
	const struct folder *f = self;
	struct ragd_collection c;
	struct dirent **entries;
	int n;

	RAGD_FILL(out, .n_collections = 0);
	if (folder_describe(f, &c, NULL) < 0 || !may_read(&c, caller))
		return;
	n = scandir(f->path, &entries, is_text, NULL);
	RAGD_FILL(out, .n_collections = 1, .n_documents = n > 0 ? (uint64_t)n : 0);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
}

/* ---- search -------------------------------------------------------------------------------- */

static bool text_contains(struct ragd_str text, const char *word, size_t len)
{
	for (size_t i = 0; i + len <= text.len; i++)
		if (strncasecmp(text.s + i, word, len) == 0)
			return true;
	return false;
}

/* The part of the query's words that the paragraph contains. */
static float paragraph_score(struct ragd_str query, struct ragd_str paragraph)
{
	unsigned n_words = 0, n_found = 0;
	size_t n;

	for (size_t i = 0; i < query.len; i += n + 1) {
		for (n = 0; i + n < query.len &&
			    (isalnum((unsigned char)query.s[i + n]) || query.s[i + n] & 0x80);)
			n++;
		n_words += n > 0;
		n_found += n > 0 && text_contains(paragraph, query.s + i, n);
	}
	return n_words > 0 ? (float)n_found / (float)n_words : 0;
}

/* The paragraph that begins at `start`: up to a blank line. */
static struct ragd_hit paragraph_at(const struct folder *f, const struct file *file, size_t start)
{
	struct ragd_str all = file->content;
	size_t end = start;

	while (end < all.len &&
	       !(all.s[end] == '\n' && end + 1 < all.len && all.s[end + 1] == '\n'))
		end++;
	return (struct ragd_hit){
		.collection = f->name,
		.document = file->info.id,
		.passage = { .title = { file->info.id, strlen(file->info.id) },
			     .text = { all.s + start, end - start } },
		.start = start,
		.end = end,
	};
}

/* Put a hit in its place among the k best; of equals the first found stays first. */
static void hits_add(struct ragd_hit *hits, size_t *n, size_t k, const struct ragd_hit *hit)
{
	size_t i = *n < k ? (*n)++ : k - 1;

	if (i == k - 1 && *n == k && hits[i].passage.score >= hit->passage.score)
		return;
	for (; i > 0 && hits[i - 1].passage.score < hit->passage.score; i--)
		hits[i] = hits[i - 1];
	hits[i] = *hit;
}

static void file_search(const struct folder *f, const struct file *file,
			const struct ragd_query *query, struct ragd_hit *hits, size_t *n)
{
	struct ragd_hit hit, best = { .end = 0 };

	for (size_t start = 0; start < file->content.len; start = hit.end + 1) {
		hit = paragraph_at(f, file, start);
		hit.passage.score = hit.lexical = paragraph_score(query->text, hit.passage.text);
		if (hit.passage.score > 0 && !query->per_document)
			hits_add(hits, n, query->k, &hit);
		if (hit.passage.score > best.passage.score)
			best = hit;
	}
	if (best.passage.score > 0 && query->per_document)
		hits_add(hits, n, query->k, &best);
}

static int folder_search(void *self, const struct ragd_call *call, const struct ragd_query *query,
			 const struct ragd_hit **out, size_t *n, struct ragd_err *err)
{
	const struct folder *f = self;
	struct ragd_hit *hits = call->alloc(call, query->k, sizeof(*hits));
	bool wanted = query->n_collections == 0;
	struct ragd_collection c;
	struct file *files;
	size_t n_files = 0, n_hits = 0;
	int rc;

	if (hits == NULL)
		return ragd_err_set(err, -ENOMEM, "folder: no memory for %u hits",
				    (unsigned)query->k);
	for (size_t i = 0; i < query->n_collections; i++)
		wanted |= strcmp(query->collections[i], f->name) == 0;
	if (wanted && query->n_tags == 0) { /* files have no tags */
		rc = folder_describe(f, &c, err);
		if (rc == 0 && may_read(&c, call->caller))
			rc = folder_read(f, call, &files, &n_files, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < n_files; i++) {
		if (call->cancelled(call))
			return ragd_err_set(err, -ECANCELED,
					    "folder: nobody is waiting for the hits any more");
		file_search(f, &files[i], query, hits, &n_hits);
	}
	*out = hits;
	*n = n_hits;
	return 0;
}

/* ---- what a folder as it is refuses -------------------------------------------------------- */

/* Neither the name nor the path: who may read neither is told the same. */
static int read_only(struct ragd_err *err)
{
	return ragd_err_set(err, -EACCES,
			    "documents are the files of a folder here: change the files instead");
}

static int folder_collection_put(void *self, const struct ragd_call *call,
				 const struct ragd_collection *c, bool *created,
				 struct ragd_err *err)
{
	const struct folder *f = self;

	if (strcmp(c->name, f->name) != 0 || !call->caller->admin)
		return read_only(err);
	*created = false; /* it is there, and its owner, group and mode stay the folder's */
	return 0;
}

static int folder_collection_remove(void *self, const struct ragd_call *call, const char *name,
				    struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)name;
	return read_only(err);
}

static int folder_put(void *self, const struct ragd_call *call, const char *collection,
		      const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
		      struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)collection;
	(void)docs;
	(void)n;
	(void)results;
	return read_only(err);
}

static int folder_remove(void *self, const struct ragd_call *call, const char *collection,
			 struct ragd_str id, struct ragd_err *err)
{
	(void)self;
	(void)call;
	(void)collection;
	(void)id;
	return read_only(err);
}

/* ---- the plugin ---------------------------------------------------------------------------- */

static int folder_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		       struct ragd_err *err)
{
	struct folder *f = calloc(1, sizeof(*f));
	DIR *dir;
	int rc;

	(void)host;
	if (f == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	f->path = ragd_config_get(cfg, "path")->s;
	f->name = ragd_config_get(cfg, "collection")->s;
	dir = opendir(f->path);
	if (dir == NULL) {
		rc = ragd_err_sys(err, "path: folder '%s'", f->path);
		free(f);
		return rc;
	}
	closedir(dir);
	*self = f;
	return 0;
}

static const struct ragd_option options[] = {
	{ "path", RAGD_OPT_PATH, "", 0, 0, NULL,
	  "The folder; its .txt and .md files are the documents.", false },
	{ "collection", RAGD_OPT_STRING, "folder", 0, 0, NULL, "The name of its only collection.",
	  false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_retrieval_ops ops = {
	.size = sizeof(struct ragd_retrieval_ops),
	.collection_put = folder_collection_put,
	.collection_remove = folder_collection_remove,
	.collections = folder_collections,
	.put = folder_put,
	.remove = folder_remove,
	.list = folder_list,
	.get = folder_get,
	.search = folder_search,
	.stats = folder_stats,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_RETRIEVAL,
	.name = "folder",
	.version = "1.0",
	.licence = "Apache-2.0",
	.summary = "A folder of text files, searched by substring",
	.options = options,
	.open = folder_open,
	.close = free,
	.ops = { .retrieval = &ops },
};
