/*
 * What the machine says: by a child that becomes an account, so that groups,
 * access lists and folders count as they will.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "around.h"
#include "diag.h"
#include "err.h"
#include "mem.h"
#include "mxdns.h"
#include "postconf.h"
#include "program.h"
#include "process.h"
#include "registry.h"
#include "settings.h"
#include "wiring.h"

/* Exists nowhere (RFC 2606): that is proven by the root, which is signed. */
#define NO_NAME "tlspact-check.example"

typedef int look_fn(const void *what); /* 0 to 254 */

struct look {
	look_fn *fn;
	const void *what;
};

static int
can_read(const void *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return errno;
	(void)close(fd);
	return 0;
}

static int
can_run(const void *path)
{
	return access(path, X_OK) == 0 ? 0 : errno;
}

static int
see_journal(const void *name)
{
	return (int)logjournal_look(name, NULL);
}

static int
look(int fd, void *arg)
{
	const struct look *l = arg;

	(void)fd;
	return l->fn(l->what);
}

/* What fn says as that account. */
static int
look_as(const struct around_user *u, look_fn *fn, const void *what)
{
	struct look l = {.fn = fn, .what = what};
	struct apart a;
	struct err e;

	if (*u->name == '\0')
		return fn(what);
	return apart_start(&a, u->name, look, &l, &e) == 0 &&
		       apart_end(&a, false, "", &e) == -1
		   ? e.code
		   : 0;
}

static void
look_at_file(struct around *a, const struct around_user *u, const char *what,
    const char *path)
{
	int error;

	if (*path == '\0' || u->missing ||
	    (error = look_as(u, can_read, path)) == 0)
		return;
	a->file = mem_grow(a->file, a->nfiles, &a->file_cap, sizeof(*a->file));
	a->file[a->nfiles++] = (struct around_file){.path = mem_dup(path),
	    .user = u->name,
	    .what = what,
	    .error = error};
}

/* The registry as we can read it; what is wrong in it compile says. */
static void
look_at_registry(
    struct around *a, const struct around_user *u, const struct settings *s)
{
	struct diags d = {0};
	struct err e;
	struct registry *r = registry_load(s->registry, 0, &d, &e);
	size_t i;

	if (r == NULL)
		look_at_file(a, u, "the registry", s->registry);
	for (i = 0; r != NULL && i < r->nfiles; i++)
		look_at_file(
		    a, u, "the registry", registry_file(r, (uint32_t)i));
	diag_free(&d);
	registry_free(r);
}

static int
lookup(const char *table, const char *key)
{
	const char *argv[] = {"postmap", "-q", key, table, NULL};
	struct err e;
	char *out = program_read(argv, 65536, 10000, &e);

	/* 1 without output: not there; it says why if the table is bad. */
	if (out == NULL)
		return strstr(e.text, "fatal") != NULL ? -1 : 0;
	free(out);
	return 1;
}

struct asked {
	struct around *a;
	struct event_base *base;
};

static void
on_answer(const struct mxdns_result *r, void *arg)
{
	struct asked *q = arg;

	q->a->dns = r->mx.secure		  ? AROUND_DNS_GOOD
		    : r->mx.kind == MXDNS_TIMEOUT ? AROUND_DNS_SILENT
						  : AROUND_DNS_HIDDEN;
	if (r->mx.why != NULL)
		q->a->dns_why = mem_dup(r->mx.why);
	(void)event_base_loopbreak(q->base);
}

static void
look_at_dns(struct around *a, const struct settings *s)
{
	struct mxdns_settings set = {
	    .resolver = *s->resolver == '\0' ? NULL : s->resolver,
	    .trust_anchor = s->trust_anchor,
	    .timeout_ms = AROUND_DNS_MS};
	struct asked q = {.a = a};
	struct mxdns *dns;
	struct err e;

	if (*s->trust_anchor == '\0')
		return;
	if ((q.base = event_base_new()) == NULL)
		return;
	if ((dns = mxdns_new(q.base, &set, &e)) == NULL) {
		a->dns = AROUND_DNS_SILENT;
		a->dns_why = mem_dup(e.text);
	} else {
		mxdns_lookup(dns, NO_NAME, 25, false, on_answer, &q);
		(void)event_base_dispatch(q.base);
	}
	mxdns_free(dns);
	event_base_free(q.base);
}

static void
look_at_log(struct around *a, const struct settings *s)
{
	bool journal = logjournal_is_name(s->mail_log);
	const char *name = journal ? s->mail_log : LOGJOURNAL;
	const struct around_user *u = &a->user[1];
	struct stat st;

	if (!journal && stat(s->mail_log, &st) == 0)
		a->log_written = st.st_mtime;
	if (!journal)
		a->log = look_as(u, can_read, s->mail_log);
	a->journal = (enum logjournal_look)look_as(u, see_journal, name);
	a->all = logjournal_look(name, &a->logged);
}

static void
look_as_users(
    struct around *a, const struct settings *s, const struct map_facts *map)
{
	const struct around_user *u = &a->user[0];
	size_t i;

	look_at_registry(a, u, s);
	if (strcmp(u->name, a->user[1].name) != 0)
		look_at_registry(a, &a->user[1], s);
	look_at_file(a, u, "the CA file", s->ca_file);
	for (i = 0; i < map->ntafiles; i++)
		look_at_file(a, u, "the CA file", map->tafile[i]);
	look_at_file(a, u, "the trust anchor", s->trust_anchor);
	if (!a->user[1].missing)
		look_at_log(a, s);
	if (u->missing)
		return;
	a->sendmail = look_as(u, can_run, s->sendmail);
	if (a->postqueue_path != NULL)
		a->postqueue = look_as(u, can_run, a->postqueue_path);
}

void
around_look(struct around *a, const struct settings *s,
    const struct postconf *c, const struct map_facts *map)
{
	const char *bin = postconf_get(c, NULL, "command_directory");
	size_t i;

	*a = (struct around){
	    .user = {{.setting = "service_user", .name = s->service_user},
		{.setting = "log_user", .name = s->log_user},
		{.setting = "probe_user", .name = s->probe_user}},
	    .mail_log = s->mail_log,
	    .sendmail_path = s->sendmail,
	    .resolver = s->resolver,
	    .lookup = lookup};
	if (bin != NULL)
		a->postqueue_path = mem_printf("%s/postqueue", bin);
	for (i = 0; i < AROUND_USERS; i++)
		a->user[i].missing = *a->user[i].name != '\0' &&
				     getpwnam(a->user[i].name) == NULL;
	a->unasked = geteuid() != 0;
	if (!a->unasked)
		look_as_users(a, s, map);
	look_at_dns(a, s);
}

void
around_release(struct around *a)
{
	size_t i;

	for (i = 0; i < a->nfiles; i++)
		free(a->file[i].path);
	free(a->file);
	free(a->postqueue_path);
	free(a->dns_why);
	*a = (struct around){0};
}
