#include "clients/rag/upload/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/rag/upload/file.h"

static int no_memory(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "out of memory");
}

static int next_file(struct upload_source *s, struct upload_item *it, struct ragd_err *err)
{
	const struct walk_file *f;

	if (s->next_file == s->walk->n)
		return 0;
	f = &s->walk->files[s->next_file++];
	it->label = strdup(f->path);
	it->id = strdup(f->id);
	it->cost = (uint64_t)f->size;
	it->why = f->why;
	return it->label != NULL && it->id != NULL ? 1 : no_memory(err);
}

static int lines_open(struct upload_source *s, struct ragd_err *err)
{
	s->lines_name = s->names[s->next_name++];
	s->line_number = 0;
	if (strcmp(s->lines_name, "-") == 0) {
		s->lines_name = "standard input";
		s->lines = stdin;
		return 0;
	}
	s->lines = fopen(s->lines_name, "re");
	return s->lines != NULL ? 0 : ragd_err_sys(err, "%s", s->lines_name);
}

static int lines_close(struct upload_source *s, struct ragd_err *err)
{
	int rc = ferror(s->lines) ? ragd_err_set(err, -EIO, "%s: reading stopped", s->lines_name)
				  : 0;

	if (s->lines != stdin)
		fclose(s->lines);
	s->lines = NULL;
	return rc;
}

static int next_line(struct upload_source *s, struct upload_item *it, struct ragd_err *err)
{
	size_t size = 0;
	ssize_t len;
	int rc;

	for (;;) {
		if (s->lines == NULL && s->next_name == s->n_names)
			return 0;
		rc = s->lines == NULL ? lines_open(s, err) : 0;
		if (rc < 0)
			return rc;
		len = json_line_next(s->lines, &it->json, &size, &s->line_number);
		if (len > 0)
			break;
		rc = lines_close(s, err);
		if (rc < 0)
			return rc;
	}
	it->json_len = (size_t)len;
	it->cost = (uint64_t)len;
	it->number = s->line_number;
	return asprintf(&it->label, "%s line %zu", s->lines_name, s->line_number) >= 0
		       ? 1
		       : no_memory(err);
}

static int next_stdin(struct upload_source *s, struct upload_item *it, struct ragd_err *err)
{
	size_t len;
	int rc;

	s->from_stdin = 0;
	rc = file_read_stream(STDIN_FILENO, &it->data, &len, err);
	if (rc < 0)
		return rc;
	it->label = strdup("standard input");
	it->id = strdup(s->id);
	it->cost = len;
	it->doc.data = it->data;
	it->doc.len = len;
	return it->label != NULL && it->id != NULL ? 1 : no_memory(err);
}

int source_next(struct upload_source *s, struct upload_item *out, struct ragd_err *err)
{
	int rc = 0;

	*out = (struct upload_item){ .label = NULL };
	if (s->from_stdin)
		rc = next_stdin(s, out, err);
	else if (s->walk != NULL)
		rc = next_file(s, out, err);
	else if (s->names != NULL)
		rc = next_line(s, out, err);
	if (rc <= 0)
		item_fini(out);
	return rc;
}

void source_fini(struct upload_source *s)
{
	if (s->lines != NULL && s->lines != stdin)
		fclose(s->lines);
	s->lines = NULL;
}

static int load_tags(struct upload_item *it, struct ragd_err *err)
{
	const json_t *tags = json_object_get(it->line.root, "tags");
	size_t n = json_array_size(tags);

	if (n == 0)
		return 0;
	it->tags = calloc(n, sizeof(*it->tags));
	if (it->tags == NULL)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		it->tags[i] = json_string_value(json_array_get(tags, i));
		if (it->tags[i] == NULL)
			return ragd_err_set(err, -EINVAL,
					    "\"tags\" contains something that is not a string");
	}
	it->doc.tags = it->tags;
	it->doc.n_tags = n;
	return 0;
}

static int load_line(struct upload_item *it, struct ragd_err *err)
{
	int rc = json_line_parse(it->json, it->json_len, it->number, true, &it->line, err);

	free(it->json);
	it->json = NULL;
	if (rc < 0)
		return rc;
	it->id = strdup(it->line.id);
	if (it->id == NULL)
		return no_memory(err);
	it->doc.title = json_string_value(json_object_get(it->line.root, "title"));
	it->doc.media_type = json_string_value(json_object_get(it->line.root, "media_type"));
	it->doc.data = it->line.text;
	it->doc.len = it->line.text_len;
	return load_tags(it, err);
}

int item_load(struct upload_item *it, struct ragd_err *err)
{
	size_t len = 0;
	int rc = 0;

	if (it->why != NULL)
		return ragd_err_set(err, -EINVAL, "%s", it->why);
	if (it->json != NULL) {
		rc = load_line(it, err);
	} else if (it->data == NULL) {
		rc = file_read(it->label, &it->data, &len, err);
		it->doc.data = it->data;
		it->doc.len = len;
	}
	it->doc.id = it->id;
	return rc;
}

void item_fini(struct upload_item *it)
{
	free(it->label);
	free(it->id);
	free(it->json);
	free(it->data);
	free(it->tags);
	json_line_fini(&it->line);
	*it = (struct upload_item){ .label = NULL };
}
