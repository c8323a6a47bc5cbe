#include "rewire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "attr.h"
#include "buf.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "sidemap.h"
#include "lines.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mem.h"
#include "postconf.h"
#include "quote.h"
#include "target.h"

#define POSTCONF_MS 30000
#define MAIN_MAX ((size_t)4 << 20) /* bytes of main.cf */

/* --- What main.cf is to hold -----------------------------------------------
 */

struct wanting {
	const struct postconf *c; /* or NULL */
	const struct map_facts *map;
	const struct target *target;
	struct rewire_lines *out;
};

static const char *
have(const struct wanting *w, const char *name)
{
	return w->c == NULL ? NULL : postconf_get(w->c, NULL, name);
}

static void
add(struct wanting *w, const char *name, char *value)
{
	struct rewire_lines *out = w->out;
	struct rewire_line *x;

	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	x = &out->v[out->n++];
	*x = (struct rewire_line){
	    .name = name, .value = value, .have = have(w, name)};
	x->differs = x->have == NULL || strcmp(x->have, value) != 0;
}

/* What is there stays if it is one of the good ones, "*" being any. */
static void
want(struct wanting *w, const char *name, const char *value, const char *good)
{
	const char *now = have(w, name);
	bool keep = now != NULL && *now != '\0' &&
		    (strcmp(good, "*") == 0 || maincf_has(good, now));

	add(w, name, mem_dup(keep ? now : value));
}

/* smtp_requiretls_policy where nobody said it, by Postfix 3.11. */
static const char requiretls_preset[] =
    "inline:{{${domain_to_ascii{$mydomain}}=opportunistic}, "
    "{.${domain_to_ascii{$mydomain}}=opportunistic}, "
    "{localhost=opportunistic}}, "
    "cidr:{{0.0.0.0/0 opportunistic}, {::/0 opportunistic}}, enforce";

/* The list `name` with the table in front. */
static void
want_table(
    struct wanting *w, const char *name, const char *path, const char *preset)
{
	const char *is = have(w, name);
	struct span rest = maincf_text(is == NULL ? preset : is), table;
	char *ours = maincf_table(path);
	struct buf value = {0};

	buf_puts(&value, ours);
	while (postconf_word(&rest, &table))
		if (!maincf_is_table(table, ours))
			buf_printf(&value, ", %.*s", SPAN_ARG(table));
	free(ours);
	add(w, name, buf_take(&value));
}

static void
want_outbound(struct wanting *w)
{
	bool dane = w->target->opportunistic == OPPORTUNISTIC_DANE;

	want_table(w, "smtp_tls_policy_maps", w->map->path, "");
	want(w, "smtp_tls_security_level", dane ? "dane" : "may",
	    dane ? "" : "dane encrypt verify secure dane-only");
	if (dane || w->map->dane > 0)
		want(w, "smtp_dns_support_level", "dnssec", "");
	want(w, "smtp_tls_CAfile", w->map->ca_file, "*");
	want(w, "smtp_tls_fingerprint_digest", "sha256", "");
	want(w, "smtp_tls_session_cache_database", "", "");
	want(w, "smtp_tls_loglevel", "1", "2 3 4");
	if (w->target->version >= TARGET_VERSION(3, 10))
		want(w, "tls_required_enable", "no", "");
	if (w->map->requiretls > 0)
		want_table(w, "smtp_requiretls_policy", w->map->requiretls_map,
		    requiretls_preset);
}

/* Where it is asked already, with the right answer for when it is dead. */
static bool
want_where_it_is(struct wanting *w, const char *root)
{
	const char *socket = w->map->policy_socket, *list;
	bool found = false, closes = dead_can_close(w->target->version);
	struct asking a;
	size_t i;

	for (i = 0; asking_lists[i] != NULL; i++) {
		list = have(w, asking_lists[i]);
		if (list == NULL || !asking_find(list, socket, root, &a))
			continue;
		found = true;
		add(w, asking_lists[i],
		    !closes || span_is(a.action, SIDEMAP_CLASS)
			? mem_dup(list)
			: asking_rewrite(list, socket, root, SIDEMAP_CLASS));
	}
	return found;
}

/* In front of the list that relaying does not hang on, so for everybody. */
static void
want_asking(struct wanting *w)
{
	const char *list = have(w, "smtpd_recipient_restrictions");
	const char *root = have(w, "queue_directory");
	const char *relay = have(w, "smtpd_relay_restrictions");
	struct dead_line d[DEAD_LINES];
	char *ours;
	size_t i;

	if (dead_can_close(w->target->version)) {
		dead_lines(
		    have(w, DEAD_CLASSES), w->map->inbound_map, false, d);
		for (i = 0; i < DEAD_LINES; i++)
			add(w, d[i].name, d[i].value);
	}
	if (root == NULL)
		root = "/var/spool/postfix";
	if (want_where_it_is(w, root))
		return;
	ours = asking_words(w->map->policy_socket, root, w->target->version);
	/* Without a guard of its own the relay list is no shield. */
	add(w, "smtpd_recipient_restrictions",
	    asking_add(list == NULL ? "" : list, ours,
		relay != NULL && strstr(relay, "_unauth_destination") == NULL &&
		    list != NULL &&
		    strstr(list, "_unauth_destination") != NULL));
	free(ours);
}

static void
want_inbound(struct wanting *w)
{
	const struct map_facts *m = w->map;

	want(w, "smtpd_tls_security_level", "may", "encrypt");
	want(w, "smtpd_tls_loglevel", "1", "2 3 4");
	want(w, "smtpd_tls_received_header", "yes", "");
	if (m->ask_name + m->ask_key > 0)
		want(w, "smtpd_tls_ask_ccert", "yes", "");
	if (m->ask_name > 0)
		want(w, "smtpd_tls_CAfile", m->ca_file, "*");
	/* Who it is says the name; no purpose is needed for that. */
	if (m->ask_name > 0 && w->target->version >= TARGET_VERSION(3, 12))
		want(w, "tls_trust_server_ccerts", "yes", "");
	/* A bare key in place of the certificate shows no name. */
	if (m->ask_name > 0 && w->target->version >= TARGET_VERSION(3, 9))
		want(w, "smtpd_tls_enable_rpk", "no", "");
	if (m->ask_key > 0)
		want(w, "smtpd_tls_fingerprint_digest", "sha256", "");
	want_asking(w);
}

void
rewire_want(const struct postconf *c, const struct map_facts *map,
    const struct target *target, struct rewire_lines *out)
{
	struct wanting w = {.c = c, .map = map, .target = target, .out = out};

	*out = (struct rewire_lines){0};
	want_outbound(&w);
	if (map->policy_socket != NULL && *map->policy_socket != '\0')
		want_inbound(&w);
}

void
rewire_lines_release(struct rewire_lines *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->v[i].value);
	free(w->v);
	*w = (struct rewire_lines){0};
}

/* --- Changing it -----------------------------------------------------------
 */

/* Lines of main.cf, `name = value`, read from a text that they borrow. */
struct params {
	char *text;
	struct param {
		char *name, *value;
	} * v;
	size_t n, cap;
	char digest[DIGEST_HEX];
};

/*
 * What was put in. In the file, as rewire_diff() shows it: "- name = value"
 * for what stood there, then "+ name = value".
 */
struct change {
	char *name;
	char *before; /* NULL: the line was not there */
	char *put;
};

struct changes {
	struct change *v;
	size_t n, cap;
	char digest[DIGEST_HEX]; /* of main.cf as it became; "": edited since */
};

/* What lies in the folder. */
struct files {
	char *main, *before, *lines; /* their paths */
	struct params now;	     /* main.cf */
	struct changes c;
};

static void
params_free(struct params *p)
{
	free(p->text);
	free(p->v);
}

/* The last line of a name is the one that Postfix takes. */
static const char *
params_get(const struct params *p, const char *name)
{
	size_t i;

	for (i = p->n; i > 0; i--)
		if (strcmp(p->v[i - 1].name, name) == 0)
			return p->v[i - 1].value;
	return NULL;
}

/* 0, or -1 with *e set. The caller frees p. */
static int
params_read(struct params *p, const char *path, struct err *e)
{
	struct digest *g = digest_new();
	struct lines in;
	struct line line;
	struct param x;
	size_t len;

	*p = (struct params){.text = file_slurp(path, MAIN_MAX, &len, NULL, e)};
	digest_add(g, p->text, p->text == NULL ? 0 : len);
	digest_hex(g, p->digest);
	if (p->text == NULL)
		return -1;
	lines_init(&in, p->text, len);
	while (lines_next(&in, &line)) {
		if (attr_assign(line.text, &x.name, &x.value) == -1)
			continue;
		p->v = mem_grow(p->v, p->n, &p->cap, sizeof(*p->v));
		p->v[p->n++] = x;
	}
	return 0;
}

static struct change *
changes_find(const struct changes *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->v[i].name, name) == 0)
			return &c->v[i];
	return NULL;
}

static struct change *
changes_add(struct changes *c, const char *name)
{
	c->v = mem_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n] = (struct change){.name = mem_dup(name)};
	return &c->v[c->n++];
}

static void
changes_free(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->v[i].name);
		free(c->v[i].before);
		free(c->v[i].put);
	}
	free(c->v);
}

/* One line of the file; false if it is none of ours. */
static bool
change_parse(struct changes *c, char *line)
{
	struct change *x;
	char *name, *value, **to;

	if (strncmp(line, "digest = ", 9) == 0) {
		if (strlen(line + 9) >= sizeof(c->digest))
			return false;
		(void)strcpy(c->digest, line + 9);
		return true;
	}
	if ((line[0] != '-' && line[0] != '+') || line[1] != ' ' ||
	    attr_assign(line + 2, &name, &value) == -1)
		return false;
	if ((x = changes_find(c, name)) == NULL)
		x = changes_add(c, name);
	to = line[0] == '-' ? &x->before : &x->put;
	if (*to != NULL)
		return false;
	*to = mem_dup(value);
	return true;
}

/* 0 with none if there is no file, or -1 with *e set. */
static int
changes_read(struct changes *c, const char *path, struct err *e)
{
	char *text, *line, *save = NULL;
	size_t len, i;
	unsigned no = 0;
	int rv = 0;

	if ((text = file_slurp(path, MAIN_MAX, &len, NULL, e)) == NULL)
		return e->code == EX_NOINPUT ? 0 : -1;
	for (line = strtok_r(text, "\n", &save); line != NULL && rv == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		no++;
		if (*line != '#' && !change_parse(c, line))
			rv =
			    err_set(e, EX_DATAERR, "%s:%u: no line of ours: %s",
				path, no, quotes(line).s);
	}
	free(text);
	for (i = 0; i < c->n && rv == 0; i++)
		if (c->v[i].put == NULL)
			rv = err_set(e, EX_DATAERR,
			    "%s: no line \"+ %s = ...\"", path, c->v[i].name);
	return rv;
}

/* Beside main.cf, and readable as it is. */
static int
changes_write(const struct files *f, struct err *e)
{
	const struct changes *c = &f->c;
	const struct change *x;
	struct buf out = {0};
	struct stat st;
	size_t i;
	int rv;

	if (stat(f->main, &st) == -1)
		return err_sys(e, err_code_input(errno), "%s", f->main);
	buf_puts(&out,
	    "# What tlspact-setup apply put into main.cf (+), and what stood\n"
	    "# there (-); tlspact-setup apply --undo takes it out again.\n");
	if (*c->digest != '\0')
		buf_printf(&out, "digest = %s\n", c->digest);
	for (i = 0; i < c->n; i++) {
		x = &c->v[i];
		if (x->before != NULL)
			buf_printf(&out, "- %s = %s\n", x->name, x->before);
		buf_printf(&out, "+ %s = %s\n", x->name, x->put);
	}
	rv = file_replace(f->lines, out.data, out.len, &st, e);
	buf_free(&out);
	return rv;
}

static void
files_free(struct files *f)
{
	free(f->main);
	free(f->before);
	free(f->lines);
	params_free(&f->now);
	changes_free(&f->c);
}

/* 0, or -1 with *e set. The caller frees f. */
static int
files_read(struct files *f, const char *dir, struct err *e)
{
	*f = (struct files){.main = mem_printf("%s/main.cf", dir),
	    .before = mem_printf("%s/main.cf.before-tlspact", dir),
	    .lines = mem_printf("%s/main.cf.tlspact", dir)};
	return changes_read(&f->c, f->lines, e) == -1
		   ? -1
		   : params_read(&f->now, f->main, e);
}

size_t
rewire_diff(const struct rewire_lines *w, struct buf *out)
{
	const struct rewire_line *x;
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		x = &w->v[i];
		if (!x->differs)
			continue;
		if (x->have != NULL)
			buf_printf(out, "- %s = %s\n", x->name, x->have);
		buf_printf(out, "+ %s = %s\n", x->name, x->value);
		n++;
	}
	return n;
}

/* postconf with a flag and n words, which are freed; it writes all or none. */
static int
postconf(
    const char *dir, const char *flag, char **word, size_t n, struct err *e)
{
	char *out = NULL;
	size_t i;

	if (n > 0)
		out = postfix_read("postconf", dir, flag,
		    (const char *const *)word, 65536, POSTCONF_MS, e);
	for (i = 0; i < n; i++)
		free(word[i]);
	free(word);
	free(out);
	return n == 0 || out != NULL ? 0 : -1;
}

static int
edit(const char *dir, const struct rewire_lines *w, struct err *e)
{
	char **word = mem_zero(w->n + 1, sizeof(*word));
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		if (w->v[i].differs)
			word[n++] =
			    mem_printf("%s = %s", w->v[i].name, w->v[i].value);
	return postconf(dir, "-e", word, n, e);
}

/* What stood there before the first time stays known. */
static void
note_changes(
    struct changes *c, const struct rewire_lines *w, const struct params *now)
{
	const struct rewire_line *x;
	const char *before;
	struct change *known;
	size_t i;

	for (i = 0; i < w->n; i++) {
		x = &w->v[i];
		if (!x->differs)
			continue;
		if ((known = changes_find(c, x->name)) == NULL) {
			known = changes_add(c, x->name);
			before = params_get(now, x->name);
			if (before != NULL)
				known->before = mem_dup(before);
		}
		free(known->put);
		known->put = mem_dup(x->value);
	}
}

/* Over `to`, with the owner and mode of `from`. 0, or -1 with *e set. */
static int
copy(const char *from, const char *to, struct err *e)
{
	struct stat st;
	size_t len;
	char *text = file_slurp(from, MAIN_MAX, &len, &st, e);
	int rv = text == NULL ? -1 : file_replace(to, text, len, &st, e);

	free(text);
	return rv;
}

int
rewire_apply(const char *dir, const struct rewire_lines *w, struct err *e)
{
	struct files f;
	struct params after = {0};
	bool whole = true;
	int rv = -1;

	if (files_read(&f, dir, e) == -1)
		goto out;
	/* Applied again, the way back still leads to before the first time. */
	if (f.c.n > 0)
		whole = strcmp(f.c.digest, f.now.digest) == 0;
	else if (access(f.before, F_OK) == 0)
		whole = false;
	else if (copy(f.main, f.before, e) == -1)
		goto out;
	/* Written down first: killed in between, we can still go back. */
	*f.c.digest = '\0';
	note_changes(&f.c, w, &f.now);
	if (changes_write(&f, e) == -1 || edit(dir, w, e) == -1 ||
	    (whole && params_read(&after, f.main, e) == -1))
		goto out;
	(void)strcpy(f.c.digest, after.digest);
	rv = changes_write(&f, e);
out:
	params_free(&after);
	files_free(&f);
	return rv;
}

/* Line by line; what was edited since stays. 0, or -1 with *e set. */
static int
take_out(const char *dir, const struct changes *c, const struct params *now,
    rewire_edited_fn *fn, void *arg, size_t *edited, struct err *e)
{
	char **back = mem_zero(c->n + 1, sizeof(*back));
	char **gone = mem_zero(c->n + 1, sizeof(*gone));
	size_t i, nback = 0, ngone = 0;
	const struct change *x;
	const char *have;
	int rv;

	for (i = 0; i < c->n; i++) {
		x = &c->v[i];
		have = params_get(now, x->name);
		if (have == NULL
			? x->before == NULL
			: x->before != NULL && strcmp(have, x->before) == 0)
			continue; /* somebody took it out already */
		if (have == NULL || strcmp(have, x->put) != 0) {
			fn(x->name, have, x->put, x->before, arg);
			++*edited;
		} else if (x->before == NULL) {
			gone[ngone++] = mem_dup(x->name);
		} else {
			back[nback++] =
			    mem_printf("%s = %s", x->name, x->before);
		}
	}
	rv = postconf(dir, "-e", back, nback, e);
	if (postconf(dir, "-X", gone, ngone, e) == -1)
		rv = -1;
	return rv;
}

int
rewire_undo(const char *dir, rewire_edited_fn *fn, void *arg, size_t *edited,
    struct err *e)
{
	struct files f;
	int rv = files_read(&f, dir, e);

	*edited = 0;
	if (rv == 0 && f.c.n == 0)
		rv = err_set(e, EX_NOINPUT,
		    "there is no %s: nothing was applied, or it was undone",
		    f.lines);
	else if (rv == 0 && strcmp(f.now.digest, f.c.digest) == 0 &&
		 access(f.before, R_OK) == 0)
		rv = copy(f.before, f.main, e);
	else if (rv == 0)
		rv = take_out(dir, &f.c, &f.now, fn, arg, edited, e);
	if (rv == 0 && *edited == 0) {
		(void)unlink(f.lines);
		(void)unlink(f.before);
	}
	files_free(&f);
	return rv;
}
