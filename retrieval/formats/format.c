#include "retrieval/formats/format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/formats/html_entity.h"
#include "retrieval/formats/format_out.h"

/* Lists begin and end with a space, so that " md " finds a whole word. */
/* clang-format off */
static const struct format_kind kinds[] = {
	{ "text/plain", " text/x-log application/x-subrip text/x-readme ",
	  " txt text log readme me nfo srt ", false, format_text },
	{ "text/markdown", " text/x-markdown text/x-web-markdown ",
	  " md markdown mkd mdown mdx ", false, format_markdown },
	{ "text/x-rst", " text/prs.fallenstein.rst text/restructuredtext text/x-restructuredtext ",
	  " rst rest ", false, format_rst },
	{ "text/html", " application/xhtml+xml ",
	  " html htm xhtml xht ", true, format_html },
	{ "text/troff", " application/x-troff application/x-troff-man text/x-troff-man ",
	  " 1 2 3 4 5 6 7 8 1ssl 3ssl 5ssl 7ssl 3pm 3p man roff mdoc ", true, format_man },
	{ "text/csv", " text/tab-separated-values application/jsonl application/x-ndjson ",
	  " csv tsv jsonl ndjson ", false, format_rows },
	{ "application/json", " application/ld+json text/json ",
	  " json json5 geojson ", false, format_source },
	{ "text/x-source",
	  " text/x-csrc text/x-chdr text/x-c text/x-c++ text/x-c++src text/x-python text/x-java"
	  " text/javascript application/javascript application/x-sh text/x-shellscript text/css"
	  " application/xml text/xml application/yaml text/yaml text/x-yaml application/toml"
	  " text/x-diff text/x-patch text/x-makefile application/x-perl text/x-lua text/x-go"
	  " text/x-rust text/x-sql application/sql ",
	  " c h cc cpp cxx hh hpp hxx py pyi js mjs ts tsx jsx java kt go rs rb pl pm php lua sh"
	  " bash zsh fish sql css scss xml xsd svg yaml yml toml ini cfg conf cmake mk am ac in"
	  " m4 diff patch s asm cs fs hs ml mli ex exs erl el lisp clj scala swift r jl vim tcl"
	  " awk proto graphql service socket desktop tex bib y l def ",
	  false, format_source },
};
/* clang-format on */

/* What people add by mistake, with its name for the sentence. */
static const struct {
	const char *extensions;
	const char *magic; /* how such a file begins; NULL: many ways */
	const char *what;
} refused[] = {
	{ " pdf ", "%PDF-", "PDF" },
	{ " png ", "\x89PNG", "a PNG image" },
	{ " jpg jpeg ", "\xff\xd8\xff", "a JPEG image" },
	{ " gif ", "GIF8", "a GIF image" },
	{ " webp bmp tif tiff ico heic ", NULL, "an image" },
	{ " zip jar whl apk ", "PK\x03\x04", "a ZIP archive or office document" },
	{ " docx xlsx pptx odt ods odp epub doc xls ppt rtf ", NULL, "an office document" },
	{ " gz tgz ", "\x1f\x8b", "gzip-compressed" },
	{ " xz txz ", "\xfd\x37zXZ", "xz-compressed" },
	{ " bz2 tbz2 ", "BZh9", "bzip2-compressed" },
	{ " zst 7z rar tar deb rpm ", NULL, "an archive" },
	{ " o so a exe dll bin ",
	  "\x7f"
	  "ELF",
	  "a program" },
	{ " mp3 ogg flac wav mp4 mkv webm avi mov ", NULL, "sound or video" },
	{ " sqlite db ", "SQLite format 3", "a database" },
	{ " ps eps ", "%!PS", "PostScript" },
};

/* Whether `word`, in small letters, is in a list of the tables above. */
static bool is_listed(const char *list, struct ragd_str word)
{
	char find[72];

	if (word.len == 0 || word.len > sizeof(find) - 3)
		return false;
	find[0] = ' ';
	for (size_t i = 0; i < word.len; i++) {
		if (word.s[i] == ' ' || word.s[i] == '\0')
			return false;
		find[i + 1] = ascii_to_lower(word.s[i]);
	}
	find[word.len + 1] = ' ';
	find[word.len + 2] = '\0';
	return strstr(list, find) != NULL;
}

/* The last part of the path that an id usually is. */
static struct ragd_str id_base(struct ragd_str id)
{
	const char *slash = id.len > 0 ? memrchr(id.s, '/', id.len) : NULL;

	if (slash == NULL || slash + 1 == id.s + id.len)
		return id;
	return (struct ragd_str){ slash + 1, (size_t)(id.s + id.len - slash - 1) };
}

static struct ragd_str id_extension(struct ragd_str id)
{
	struct ragd_str base = id_base(id);
	const char *dot = base.len > 0 ? memrchr(base.s, '.', base.len) : NULL;

	if (dot == NULL || dot == base.s) /* ".profile" has none */
		return (struct ragd_str){ NULL, 0 };
	return (struct ragd_str){ dot + 1, (size_t)(base.s + base.len - dot - 1) };
}

static bool starts_with(struct ragd_str s, const char *with)
{
	size_t len = strlen(with);

	return s.len >= len && memcmp(s.s, with, len) == 0;
}

static bool starts_nocase(struct ragd_str s, const char *with)
{
	size_t len = strlen(with);

	return s.len >= len && strncasecmp(s.s, with, len) == 0;
}

/* The kind that the content looks like; plain text if nothing says otherwise. */
static const struct format_kind *kind_by_look(struct ragd_str s)
{
	const char *type = "text/plain";

	if (starts_with(s, "\xef\xbb\xbf"))
		s = (struct ragd_str){ s.s + 3, s.len - 3 };
	while (s.len > 0 && ascii_is_space(s.s[0]))
		s = (struct ragd_str){ s.s + 1, s.len - 1 };
	if (starts_nocase(s, "<!doctype html") || starts_nocase(s, "<html"))
		type = "text/html";
	else if (starts_with(s, ".TH ") || starts_with(s, ".Dd ") || starts_with(s, "'\\\"") ||
		 starts_with(s, ".\\\""))
		type = "text/troff";
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].media_type, type) == 0)
			return &kinds[i];
	return &kinds[0];
}

/* The media type without parameters; empty for one that tells nothing. */
static struct ragd_str media_type_bare(struct ragd_str type)
{
	const char *semicolon = type.len > 0 ? memchr(type.s, ';', type.len) : NULL;

	if (semicolon != NULL)
		type.len = (size_t)(semicolon - type.s);
	while (type.len > 0 && ascii_is_space(type.s[type.len - 1]))
		type.len--;
	while (type.len > 0 && ascii_is_space(type.s[0])) {
		type.s++;
		type.len--;
	}
	if (is_listed(" application/octet-stream binary/octet-stream */* ", type))
		type.len = 0;
	return type;
}

static int refuse_kind(struct ragd_err *err, const char *what)
{
	return ragd_err_set(err, -ENOTSUP,
			    "the document is %s, which cannot be read; convert it to text, "
			    "Markdown or HTML first",
			    what);
}

static int kind_by_type(struct ragd_str type, const struct format_kind **kind, struct ragd_err *err)
{
	struct ragd_str name;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		name = (struct ragd_str){ kinds[i].media_type, strlen(kinds[i].media_type) };
		*kind = &kinds[i];
		if ((name.len == type.len && strncasecmp(name.s, type.s, type.len) == 0) ||
		    is_listed(kinds[i].aliases, type))
			return 0;
	}
	*kind = &kinds[0];
	if (starts_nocase(type, "text/")) /* whatever it is, it calls itself text */
		return 0;
	if (starts_nocase(type, "application/pdf"))
		return refuse_kind(err, "PDF");
	return ragd_err_set(err, -ENOTSUP,
			    "documents of the media type '%.*s' cannot be read; text/plain, "
			    "text/markdown, text/x-rst and text/html are among those that can",
			    (int)MIN(type.len, (size_t)80), type.s);
}

static int kind_find(const struct format_input *in, const struct format_kind **kind,
		     struct ragd_err *err)
{
	struct ragd_str type = media_type_bare(in->media_type), ext = id_extension(in->id);

	if (type.len > 0)
		return kind_by_type(type, kind, err);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		*kind = &kinds[i];
		if (!is_listed(kinds[i].extensions, ext))
			continue;
		if (kinds[i].read == format_man) /* "notes.1" may be anything */
			*kind = kind_by_look(in->content);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (is_listed(refused[i].extensions, ext) ||
		    (refused[i].magic != NULL && starts_with(in->content, refused[i].magic)))
			return refuse_kind(err, refused[i].what);
	*kind = kind_by_look(in->content);
	return 0;
}

const char *format_media_type(const struct format_input *in, struct ragd_err *err)
{
	const struct format_kind *kind;

	return kind_find(in, &kind, err) < 0 ? NULL : kind->media_type;
}

/* ---- what the content must be --------------------------------------------------------------- */

static int content_check(const struct format_input *in, struct ragd_err *err)
{
	size_t max = in->max_bytes > 0 ? in->max_bytes : FORMAT_MAX_BYTES;
	struct ragd_str s = in->content;
	const char *nul, *encoding = NULL;
	ssize_t bad;

	if (s.len > max || s.len > UINT32_MAX / 2)
		return ragd_err_set(
			err, -EFBIG,
			"the document has %zu bytes, more than the %zu that are accepted; "
			"split it",
			s.len, MIN(max, (size_t)UINT32_MAX / 2));
	if (starts_with(s, "\xff\xfe") || starts_with(s, "\xfe\xff"))
		encoding = "UTF-16";
	if (s.len >= 4 &&
	    (memcmp(s.s, "\xff\xfe\0\0", 4) == 0 || memcmp(s.s, "\0\0\xfe\xff", 4) == 0))
		encoding = "UTF-32";
	if (encoding != NULL)
		return ragd_err_set(err, -EILSEQ,
				    "the document is %s; convert it to UTF-8, e.g. with "
				    "iconv -f %s -t UTF-8",
				    encoding, encoding);
	nul = s.len > 0 ? memchr(s.s, '\0', s.len) : NULL;
	if (nul != NULL)
		return ragd_err_set(
			err, -EBADMSG,
			"the document is binary: byte %zu is NUL, which text does not contain",
			(size_t)(nul - s.s));
	bad = s.len > 0 ? utf8_invalid_at(s.s, s.len) : -1;
	if (bad >= 0)
		return ragd_err_set(
			err, -EILSEQ,
			"byte %zd of the document is not valid UTF-8; convert it, e.g. with "
			"iconv -f ISO-8859-1 -t UTF-8",
			bad);
	return 0;
}

/* ---- from the builder to the caller's arena ------------------------------------------------- */

/* A copy in the arena; sets *failed where memory is out. */
static void *arena_keep(struct arena *arena, const void *v, size_t n, size_t size, bool *failed)
{
	void *p = arena_alloc(arena, n, size);

	if (p == NULL)
		*failed = true;
	else if (n > 0)
		memcpy(p, v, n * size);
	return p;
}

static int title_keep(struct arena *arena, const struct format_input *in,
		      const struct format_out *out, struct ragd_str *title)
{
	struct ragd_str base = id_base(in->id);
	struct buf line = BUF_INIT;

	format_one_line(&line, in->title.s, in->title.len);
	if (line.len == 0)
		format_one_line(&line, out->title.data, out->title.len);
	if (line.len == 0 && out->n_labels > 0)
		buf_add(&line, out->label_text.data, out->labels[0].end);
	if (line.len == 0)
		format_one_line(&line, base.s, base.len);
	if (line.len == 0)
		buf_adds(&line, "untitled");
	*title = arena_str(arena, buf_str(&line));
	buf_fini(&line);
	return title->s != NULL ? 0 : -ENOMEM;
}

static int out_keep(struct arena *arena, const struct format_out *out, struct format_document *doc)
{
	const char *label_text;
	struct format_label *labels;
	bool failed = out->failed || buf_failed(&out->text) || buf_failed(&out->title) ||
		      buf_failed(&out->label_text);

	if (failed)
		return -ENOMEM;
	doc->content = out->content;
	doc->n_blocks = out->n_blocks;
	doc->blocks = arena_keep(arena, out->blocks, out->n_blocks, sizeof(*out->blocks), &failed);
	label_text = arena_keep(arena, out->label_text.data, out->label_text.len, 1, &failed);
	doc->n_labels = out->n_labels;
	doc->labels = labels = arena_alloc(arena, out->n_labels, sizeof(*labels));
	if (failed || labels == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < out->n_labels; i++)
		labels[i] = (struct format_label){
			.block = out->labels[i].block,
			.text = { label_text + out->labels[i].start,
				  out->labels[i].end - out->labels[i].start },
		};
	if (out->text.data == NULL) {
		doc->text = out->content;
		return 0;
	}
	doc->text.len = out->text.len;
	doc->text.s = arena_keep(arena, out->text.data, out->text.len, 1, &failed);
	doc->n_runs = out->n_runs;
	doc->runs = arena_keep(arena, out->runs, out->n_runs, sizeof(*out->runs), &failed);
	return failed ? -ENOMEM : 0;
}

int format_read(struct arena *arena, const struct format_input *in, struct format_document *out,
		struct ragd_err *err)
{
	struct format_out o = { .content = in->content, .wanted = in->wanted };
	const struct format_kind *kind = NULL;
	struct format_document doc = { 0 };
	int rc;

	rc = kind_find(in, &kind, err);
	if (rc == 0)
		rc = content_check(in, err);
	if (rc < 0)
		return rc;
	if (starts_with(o.content, "\xef\xbb\xbf"))
		o.skip = 3;
	if (kind->extracts)
		buf_add(&o.text, "", 0); /* even if there is none */
	rc = kind->read(&o, err);
	if (in->wanted != NULL && in->wanted->err.code < 0)
		rc = ragd_err_set(err, in->wanted->err.code, "%s", in->wanted->err.msg);
	if (rc < 0)
		goto out;
	doc.media_type = kind->media_type;
	doc.wanted = in->wanted;
	rc = out_keep(arena, &o, &doc);
	if (rc == 0)
		rc = title_keep(arena, in, &o, &doc.title);
	if (rc < 0)
		rc = ragd_err_set(err, rc, "read the document: out of memory");
	else
		*out = doc;
out:
	format_out_fini(&o);
	return rc;
}

uint64_t format_place_end(const struct format_document *doc, uint64_t at)
{
	const char *s = doc->content.s;
	char utf8[HTML_ENTITY_UTF8_MAX];
	size_t used, n;

	if (strcmp(doc->media_type, "text/html") != 0)
		return at + 1;
	/* The bytes of a decoded character stand for the first bytes of its reference. */
	for (size_t back = 0; back < HTML_ENTITY_UTF8_MAX && back <= at; back++) {
		if (s[at - back] != '&')
			continue;
		used = html_entity(s + at - back, doc->content.len - (at - back), utf8, &n);
		if (used > back && n > back)
			return at - back + used;
	}
	return at + 1;
}
