#include "wired.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cdbmap.h"
#include "ctlfacts.h"
#include "file.h"
#include "maincf.h"
#include "mem.h"
#include "postmap.h"
#include "process.h"
#include "route.h"
#include "settings.h"
#include "wiring.h"

#define TABLES_MAX 65536	  /* bytes of the list of table types */
#define TABLES_MS 10000		  /* patience with it */
#define GROUPS 64		  /* of mail_owner, that count */
#define CA_MAX ((size_t)16 << 20) /* bytes of a file of CAs */

/* As readable_fn: by the bits of the file itself, since we may be root. */
static int
readable(const char *path, const char *owner)
{
	const struct passwd *pw;
	struct stat st;

	if (access(path, R_OK) == -1 || stat(path, &st) == -1)
		return errno == EACCES && geteuid() != 0 ? 0 : errno;
	if (owner == NULL || (pw = getpwnam(owner)) == NULL ||
	    (st.st_mode & S_IROTH) != 0)
		return 0;
	if (st.st_uid == pw->pw_uid)
		return (st.st_mode & S_IRUSR) != 0 ? 0 : EACCES;
	if (st.st_gid == pw->pw_gid)
		return (st.st_mode & S_IRGRP) != 0 ? 0 : EACCES;
	return EACCES;
}

/* As same_fn: one file, or two with the same in them. */
static bool
same(const char *a, const char *b)
{
	struct err e;
	size_t n, k;
	char *one = file_slurp(a, CA_MAX, &n, NULL, &e);
	char *two = file_slurp(b, CA_MAX, &k, NULL, &e);
	bool is =
	    one != NULL && two != NULL && n == k && memcmp(one, two, n) == 0;

	free(one);
	free(two);
	return is;
}

/* In a child that has become the user. */
static int
connects(int end, void *arg)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	(void)end;
	if (strlen(arg) >= sizeof(un.sun_path) ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) == -1)
		return 0;
	(void)strcpy(un.sun_path, arg);
	return connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ? 0 : errno;
}

/* Has one of the groups the right, by the bits of others: S_IXOTH, S_IWOTH? */
static bool
may(const char *path, mode_t right, const struct passwd *pw, const gid_t *group,
    int ngroups)
{
	struct stat st;
	int i;

	/* What we cannot see we do not know. */
	if (stat(path, &st) == -1 || pw->pw_uid == 0)
		return true;
	if (st.st_uid == pw->pw_uid)
		return (st.st_mode & right << 6) != 0;
	for (i = 0; i < ngroups; i++)
		if (st.st_gid == group[i])
			return (st.st_mode & right << 3) != 0;
	return (st.st_mode & right) != 0;
}

/* By the bits of the socket and of the folders that lead to it. */
static bool
may_open(const char *root, const char *path, const struct passwd *pw)
{
	gid_t group[GROUPS];
	int n = GROUPS;
	char *whole =
	    *path == '/' ? mem_dup(path) : mem_printf("%s/%s", root, path);
	char *p = whole + (*path == '/' ? 0 : strlen(root));
	bool is = true;

	if (getgrouplist(pw->pw_name, pw->pw_gid, group, &n) == -1)
		n = GROUPS;
	for (; is && p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		is = may(p == whole ? "/" : whole, S_IXOTH, pw, group, n);
		*p = '/';
	}
	is = is && may(whole, S_IWOTH, pw, group, n);
	free(whole);
	return is;
}

/* As opens_fn: tried, by root, who can become the user; else judged. */
static int
opens(const char *root, const char *path, const char *user)
{
	const struct passwd *pw = getpwnam(user);
	struct apart a;
	struct err e;
	int here, why = 0;

	if (pw == NULL)
		return 0;
	if (geteuid() != 0)
		return may_open(root, path, pw) ? 0 : EACCES;
	/* Postfix goes there while it is root, too. */
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here == -1)
		return 0;
	if (chdir(root) == 0 &&
	    apart_start(&a, user, connects, (char *)(uintptr_t)path, &e) == 0 &&
	    apart_end(&a, false, "", &e) == -1)
		why = e.code;
	if (fchdir(here) == -1)
		why = errno;
	close(here);
	return why;
}

/* The caller closes the map, which is NULL if it cannot be read. */
static struct cdbmap *
open_map(const struct settings *s, struct map_facts *map, struct err *why)
{
	struct cdbmap *m;

	*map = (struct map_facts){.path = s->map,
	    .inbound_map = s->inbound_map,
	    .requiretls_map = s->requiretls_map,
	    .ca_file = s->ca_file,
	    .policy_socket = s->policy_socket,
	    .socketmap_socket = s->socketmap_socket};
	if ((m = cdbmap_open(s->map, why)) == NULL)
		map->fault = why->text;
	else
		map_facts_read(map, m, time(NULL));
	return m;
}

void
wired_map(const struct settings *s, struct map_facts *map, struct err *why)
{
	cdbmap_close(open_map(s, map, why));
}

static int
read_postfix(struct wired *w, const struct settings *s, struct err *e)
{
	if (postconf_read(&w->c, settings_postfix(s), false, e) == -1)
		return -1;
	w->c.tables = postfix_read("postconf", settings_postfix(s), "-m", NULL,
	    TABLES_MAX, TABLES_MS, e);
	return w->c.tables == NULL ? -1 : 0;
}

int
wired_check(struct wired *w, const struct settings *s, struct err *e)
{
	struct cdbmap *rows;

	*w = (struct wired){0};
	if (read_postfix(w, s, e) == -1)
		return -1;
	rows = open_map(s, &w->map, &w->why);
	wiring_check(&w->c, &w->map, readable, same, opens, &w->found);
	route_check(&w->c, &w->map, rows, &w->found, NULL, NULL);
	cdbmap_close(rows);
	return 0;
}

void
wired_release(struct wired *w)
{
	findings_release(&w->found);
	map_facts_release(&w->map);
	postconf_release(&w->c);
}

/* Is the map, or tlspactd, one of the tables? */
static bool
names_map(const struct settings *s, const char *tables, const char *root)
{
	char *ours = maincf_table(s->map);
	struct span list = maincf_text(tables), table;
	bool found = false;

	while (!found && postconf_word(&list, &table))
		found = maincf_is_table(table, ours) ||
			maincf_is_socketmap(table, s->socketmap_socket, root);
	free(ours);
	return found;
}

/* May a service of master.cf say otherwise than main.cf? -1: not known. */
static int
is_overridden(const struct settings *s, struct err *e)
{
	char *own = postconf_ask(
	    settings_postfix(s), "-Px", "*/*/smtp_tls_policy_maps", e);
	int is = own == NULL ? -1 : *own != '\0';

	free(own);
	return is;
}

/* Ask each service that sends. */
static int
service_names_map(const struct settings *s, const char *name, struct err *e)
{
	const struct postconf_service *service;
	struct postconf c = {0};
	size_t at = 0;
	int is = postconf_read(&c, settings_postfix(s), false, e);

	while (is == 0 && (service = postconf_next(&c, &at, "smtp")) != NULL)
		is = names_map(s, postconf_text(&c, service->name, name),
		    postconf_text(&c, service->name, "queue_directory"));
	postconf_release(&c);
	return is;
}

/*
 * Does smtp_tls_policy_maps name the map, or tlspactd, in main.cf or for a
 * service of master.cf? 1, 0, or -1 with *e set. One question to postconf(1)
 * where all is well.
 */
static int
map_is_named(const struct settings *s, struct err *e)
{
	static const char name[] = "smtp_tls_policy_maps";
	char *tables = postconf_ask(settings_postfix(s), "-hx", name, e);
	bool is, socketmap;
	int more;

	if (tables == NULL)
		return -1;
	/* Of a socketmap the folder is asked for by the other question. */
	is = names_map(s, tables, "");
	socketmap = strstr(tables, "socketmap:") != NULL;
	free(tables);
	if (is)
		return 1;
	more = socketmap ? 1 : is_overridden(s, e);
	return more == 1 ? service_names_map(s, name, e) : more;
}

#define LIFETIME "maximal_queue_lifetime"

/*
 * Does main.cf send mail anywhere but where its domain says? It is asked for
 * LIFETIME as well.
 */
static bool
routes(const struct settings *s, struct ctl_around *a)
{
	struct err e;
	char *set = postfix_read("postconf", settings_postfix(s), "-nx", NULL,
	    TABLES_MAX, TABLES_MS, &e);
	const char *line = set, *value;
	size_t n, name;
	bool is = false;

	for (; line != NULL && *line != '\0'; line += n + (line[n] != 0)) {
		n = strcspn(line, "\n");
		name = strcspn(line, " =\n");
		value = line + name + strspn(line + name, " =");
		is |= *value != '\n' && *value != '\0' &&
		      (memmem(line, name, "transport", 9) != NULL ||
			  memmem(line, name, "relayhost", 9) != NULL);
		if (span_same((struct span){line, name}, span_of(LIFETIME))) {
			free(a->lifetime);
			a->lifetime = mem_printf(
			    "%.*s", (int)strcspn(value, "\n"), value);
		}
	}
	if (set != NULL && a->lifetime == NULL)
		a->lifetime = mem_dup("5d");
	free(set);
	return is;
}

static void
add_way(const char *key, const char *where, const char *what, void *arg)
{
	struct ctl_around *a = arg;
	struct ctl_past *w;

	a->way = mem_grow(a->way, a->nways, &a->cap, sizeof(*a->way));
	w = &a->way[a->nways++];
	*w = (struct ctl_past){.domain = key == NULL ? NULL : mem_dup(key),
	    .part = key != NULL && (strchr(key, '@') != NULL ||
				       strncmp(where, "sender_", 7) == 0),
	    .how = key == NULL
		       ? mem_printf("%s: %s", where, what)
		       : mem_printf("%s: mail to %s %s", where, key, what)};
}

/* The first fault, and how many more; NULL: none. The caller frees it. */
static char *
sum_faults(const struct findings *found)
{
	const struct finding *first = NULL;
	size_t i, n = 0;

	for (i = 0; i < found->n; i++)
		if (found->v[i].kind == FINDING_FAULT && n++ == 0)
			first = &found->v[i];
	if (first == NULL)
		return NULL;
	return n == 1 ? mem_printf("%s: %s", first->where, first->what)
		      : mem_printf("%s: %s (and %zu more)", first->where,
			    first->what, n - 1);
}

/*
 * Where main.cf routes mail at all: the ways below a row of the map, or past
 * it; the first, and how many more. NULL: none, or a->unasked says why that is
 * not known.
 */
static char *
way_past(const struct settings *s, struct ctl_around *a)
{
	struct wired w = {0};
	struct cdbmap *rows = NULL;
	char *text;
	struct err e;

	if (!routes(s, a))
		return NULL;
	w.found.c = &w.c;
	if (read_postfix(&w, s, &e) == 0) {
		rows = open_map(s, &w.map, &w.why);
		route_check(&w.c, &w.map, rows, &w.found, add_way, a);
	}
	text = sum_faults(&w.found);
	if (w.found.unasked != NULL)
		a->unasked = mem_dup(w.found.unasked);
	cdbmap_close(rows);
	wired_release(&w);
	return text;
}

char *
wired_past(
    const struct settings *s, const struct registry *r, const struct partner *p)
{
	const char **domain = mem_zero(p->ndomains + 1, sizeof(*domain)), *name;
	const bool secure =
	    attributes_enforced_level(p->attributes) > LEVEL_ENCRYPT;
	struct wired w = {0};
	struct cdbmap *rows = NULL;
	size_t i, n = 0;
	struct err e;
	char *text;

	for (i = 0; i < p->ndomains; i++) {
		name = r->domain[p->first_domain + i].name;
		if (!dname_is_nexthop(name))
			domain[n++] = name;
	}
	w.found.c = &w.c;
	if (read_postfix(&w, s, &e) == -1) {
		text = mem_dup(e.text);
	} else {
		rows = open_map(s, &w.map, &w.why);
		route_check_as(&w.c, &w.map, rows, domain, n,
		    secure ? "secure" : "encrypt", &w.found);
		text = sum_faults(&w.found);
		if (text == NULL && w.found.unasked)
			text = mem_dup("a table that sends mail elsewhere "
				       "cannot be asked");
	}
	free(domain);
	cdbmap_close(rows);
	wired_release(&w);
	return text;
}

void
wired_around(const struct settings *s, struct ctl_around *out)
{
	struct err e;
	int is = map_is_named(s, &e);

	*out = (struct ctl_around){0};
	postmap_hurry();
	if (is == 0)
		out->unread =
		    mem_printf("smtp_tls_policy_maps does not name %s", s->map);
	else if (is == -1)
		out->unasked = mem_dup(e.text);
	else
		out->past = way_past(s, out);
}

void
wired_around_release(struct ctl_around *a)
{
	size_t i;

	for (i = 0; i < a->nways; i++) {
		free(a->way[i].domain);
		free(a->way[i].how);
	}
	free(a->way);
	free(a->unread);
	free(a->unasked);
	free(a->past);
	free(a->lifetime);
	*a = (struct ctl_around){0};
}
