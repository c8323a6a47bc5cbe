#include "route.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "buf.h"
#include "cdbmap.h"
#include "err.h"
#include "findings.h"
#include "file.h"
#include "level.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "postmap.h"
#include "quote.h"
#include "routefilter.h"
#include "strength.h"
#include "wiring.h"

#define WHO "tlspact-check" /* a mailbox, and a name below a suffix */
#define GROUPS_MAX 100
#define NAMED 3			    /* domains in a finding */
#define LIST_MAX ((size_t)16 << 20) /* bytes of a file of domains */
#define LIST_DEPTH 8		    /* files that name files */

/* A row that is to be kept. */
struct kept {
	char *key;	  /* "acme.example", ".acme.example" */
	const char *name; /* a domain that it is the row of */
	char *full;	  /* a mailbox there, which name is the end of */
	const char *level;
	int levellen;
	int rank;
};

/* One list: what its tables say, and its other elements. */
struct list {
	struct element {
		struct postmap a;
		char *name;  /* a domain itself; NULL: a table */
		bool except; /* with "!": not in the list */
	} * v;
	size_t n, cap;
};

enum class { MYDESTINATION, ALIAS, MAILBOX, RELAY, CLASSES };

static const struct {
	const char *list, *transport;
} classes[CLASSES] = {
    {"mydestination", "local_transport"},
    {"virtual_alias_domains", NULL},
    {"virtual_mailbox_domains", "virtual_transport"},
    {"relay_domains", "relay_transport"},
};

/* What is wrong with the way of some domains. */
struct group {
	enum finding_kind kind;
	const char *where;
	char *what, *fix;
	struct buf names;
	size_t n;
};

struct route {
	const struct postconf *c;
	const struct map_facts *facts;
	const struct cdbmap *map;
	struct findings *out;
	route_past_fn *past;
	void *arg;
	const char *as; /* word of the rows that the domains are to have */
	struct kept *domain;
	size_t n, cap;
	struct buf keys, full; /* to ask for, one a line */
	/* A parent is looked up without the dot: in transport_maps, and in
	 * relay_domains. */
	bool bare, relay_bare;
	struct list transport, class[CLASSES];
	struct group group[GROUPS_MAX];
	size_t ngroups, more;
};

static const char *
get(const struct route *r, const char *name)
{
	return postconf_text(r->c, NULL, name);
}

/* --- The domains, and what is to be asked for them ------------------------ */

static void
add_keys(struct route *r, const struct kept *d)
{
	const char *p;

	buf_printf(&r->full, "%s\n", d->full);
	buf_printf(&r->keys, "%s\n", d->name);
	for (p = d->name; (p = strchr(p + 1, '.')) != NULL;)
		buf_printf(&r->keys, "%s\n%s\n", p, p + 1);
}

/* Behind those of all domains. */
static void
add_last_keys(struct route *r)
{
	buf_puts(&r->keys, "*\n");
	buf_puts(&r->keys, r->full.data == NULL ? "" : r->full.data);
}

static void
add_domain(
    struct route *r, const char *key, size_t klen, const char *text, size_t len)
{
	const char *blank = memchr(text, ' ', len);
	struct kept *d;
	enum level level;

	if (!strength_level(text, len, &level) || level == LEVEL_OPPORTUNISTIC)
		return;
	r->domain = mem_grow(r->domain, r->n, &r->cap, sizeof(*r->domain));
	d = &r->domain[r->n++];
	*d = (struct kept){.key = mem_printf("%.*s", (int)klen, key),
	    .full = mem_printf(
		WHO "@%s%.*s", *key == '.' ? WHO : "", (int)klen, key),
	    .level = text,
	    .levellen = (int)(blank == NULL ? len : (size_t)(blank - text))};
	d->name = d->full + sizeof(WHO "@") - 1;
	d->rank = level_of_postfix(text, (size_t)d->levellen, NULL);
	add_keys(r, d);
}

static void
read_domains(struct route *r)
{
	const char *key, *text;
	size_t klen, len;
	unsigned pos = 0;

	while (
	    cdbmap_next(r->map, &pos, &key, &klen, &text, &len) == CDBMAP_FOUND)
		if (klen > 0 && *key != ' ' && !dname_is_nexthop_n(key, klen))
			add_domain(r, key, klen, text, len);
	add_last_keys(r);
}

/* --- Tables --------------------------------------------------------------- */

/* Postfix asks such a table for no part of an address. */
static bool
is_pattern(const char *table)
{
	static const char *const types[] = {"regexp:", "pcre:", "cidr:", "tcp:",
	    "socketmap:", "pipemap:", "unionmap:"};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strncmp(table, types[i], strlen(types[i])) == 0)
			return true;
	return false;
}

static void
not_asked(
    struct route *r, const char *param, const char *table, const struct err *e)
{
	findings_add(r->out, FINDING_NOTE, param,
	    "look into it, or run tlspact-setup as root",
	    "where %s sends mail is not known: %s", quotes(table).s, e->text);
	if (r->out->unasked == NULL)
		r->out->unasked = r->out->v[r->out->n - 1].what;
}

static struct element *
add_element(struct list *l, bool except)
{
	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n] = (struct element){.except = except};
	return &l->v[l->n++];
}

/* A table of the parameter is asked for all that there is to be asked for. */
static void
add_table(struct route *r, const char *param, struct span word, struct list *l,
    bool except)
{
	char *table = mem_printf("%.*s", SPAN_ARG(word)), *text;
	char *bare = maincf_bare_table(table);
	struct err e;

	text = postmap_ask(r->c->dir, bare,
	    l == &r->transport && is_pattern(bare) ? r->full.data
						   : r->keys.data,
	    &e);
	if (text == NULL)
		not_asked(r, param, table, &e);
	else
		postmap_take(&add_element(l, except)->a, text);
	free(bare);
	free(table);
}

static void add_file(struct route *r, const char *param, struct span path,
    struct list *l, bool except, unsigned depth);

/* The elements of a list as Postfix reads it: tables, files, domains. */
static void
add_list(struct route *r, const char *param, struct span rest, struct list *l,
    bool except, unsigned depth)
{
	struct span word;
	bool negated;

	while (postconf_word(&rest, &word)) {
		for (negated = except; word.n > 0 && *word.p == '!';
		     negated = !negated)
			word = span_skip(word, 1);
		if (word.n > 0 && *word.p == '/')
			add_file(r, param, word, l, negated, depth);
		else if (span_chr(word, ':') < word.n)
			add_table(r, param, word, l, negated);
		else
			add_element(l, negated)->name =
			    mem_printf("%.*s", SPAN_ARG(word));
	}
}

/* A file stands for the list that is in it; lines with # are remarks. */
static void
add_file(struct route *r, const char *param, struct span path, struct list *l,
    bool except, unsigned depth)
{
	char *name = mem_printf("%.*s", SPAN_ARG(path)), *text, *line, *rest;
	struct err e;
	size_t n;

	text = depth == LIST_DEPTH
		   ? (err_set(&e, EX_DATAERR, "files name one another"), NULL)
		   : file_slurp(name, LIST_MAX, &n, NULL, &e);
	if (text == NULL)
		not_asked(r, param, name, &e);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
		if (line[strspn(line, " \t")] != '#')
			add_list(
			    r, param, maincf_text(line), l, except, depth + 1);
	free(text);
	free(name);
}

static void
list_release(struct list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		postmap_release(&l->v[i].a);
		free(l->v[i].name);
	}
	free(l->v);
}

/* The value of the first table that has the key, or NULL. */
static const char *
list_get(const struct list *l, const char *key)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < l->n && value == NULL; i++)
		if (l->v[i].name == NULL)
			value = postmap_get(&l->v[i].a, key);
	return value;
}

/* transport(5): the address, the domain, its parents, all. */
static const char *
transport_of(const struct route *r, const struct kept *d)
{
	const char *value = list_get(&r->transport, d->full), *p;

	for (p = d->name; value == NULL && p != NULL; p = strchr(p + 1, '.'))
		value = list_get(&r->transport, p + (*p == '.' && r->bare));
	return value != NULL ? value : list_get(&r->transport, "*");
}

/* Does it hold the domain, by itself or, for relay_domains, a parent? */
static bool
has_domain(const struct route *r, const struct element *x, const char *domain,
    bool parents)
{
	const char *p = domain;

	for (;;) {
		if (x->name == NULL ? postmap_get(&x->a, p) != NULL
				    : strcasecmp(x->name, p) == 0)
			return true;
		if (!parents || (p = strchr(p + (*p == '.'), '.')) == NULL)
			return false;
		p += r->relay_bare;
	}
}

/* Is the domain in the list? The first element that holds it says so. */
static bool
is_in(const struct route *r, enum class which, const struct kept *d)
{
	const struct list *l = &r->class[which];
	size_t i;

	for (i = 0; i < l->n; i++)
		if (has_domain(r, &l->v[i], d->name, which == RELAY))
			return !l->v[i].except;
	return false;
}

/* --- The way -------------------------------------------------------------- */

struct way {
	char channel[64], nexthop[ROUTE_NEXTHOP]; /* "": none, the domain */
	const char *cause;			  /* parameter */
};

/* "channel:nexthop" from cause; what is empty stays, as transport(5) says. */
static void
take_way(struct way *w, const char *value, const char *cause, bool resets)
{
	struct span rest = maincf_text(value), channel = span_cut(&rest, ':');

	if (channel.n > 0) {
		span_keep(w->channel, sizeof(w->channel), channel);
		if (resets && rest.n == 0)
			*w->nexthop = '\0';
		w->cause = cause;
	}
	if (rest.n > 0) {
		span_keep(w->nexthop, sizeof(w->nexthop), rest);
		w->cause = cause;
	}
}

/* Without transport_maps; false: its addresses become others. */
static bool
way_by_class(const struct route *r, const struct kept *d, struct way *w)
{
	bool is_relayed;
	unsigned i;

	*w = (struct way){.cause = "default_transport"};
	for (i = 0; i < CLASSES && !is_in(r, (enum class)i, d); i++)
		;
	if (i == ALIAS)
		return false;
	if (i >= RELAY && *get(r, "relayhost") != '\0')
		span_keep(w->nexthop, sizeof(w->nexthop),
		    maincf_text(get(r, "relayhost")));
	is_relayed = *w->nexthop != '\0';
	if (i == CLASSES)
		take_way(
		    w, get(r, "default_transport"), "default_transport", false);
	else
		take_way(
		    w, get(r, classes[i].transport), classes[i].list, false);
	if (is_relayed && strcmp(w->nexthop, get(r, "relayhost")) == 0)
		w->cause = "relayhost";
	return true;
}

/* --- What is wrong with it ------------------------------------------------ */

static void
add_group(struct route *r, const struct kept *d, enum finding_kind kind,
    const char *where, char *what, char *fix)
{
	struct group *g = r->group;
	size_t i;

	if (kind == FINDING_FAULT && r->past != NULL)
		r->past(d->key, where, what, r->arg);
	for (i = 0; i < r->ngroups; i++, g++)
		if (strcmp(g->what, what) == 0 && strcmp(g->where, where) == 0)
			break;
	if (i < r->ngroups || i == GROUPS_MAX) {
		free(what);
		free(fix);
	} else {
		*g = (struct group){
		    .kind = kind, .where = where, .what = what, .fix = fix};
		r->ngroups++;
	}
	if (i == GROUPS_MAX)
		r->more++;
	else if (g->n++ < NAMED)
		buf_printf(&g->names, "%s%s", g->n == 1 ? "" : ", ", d->key);
}

static void
say_groups(struct route *r)
{
	struct group *g = r->group;
	size_t i;

	for (i = 0; i < r->ngroups; i++, g++) {
		if (g->n > NAMED)
			buf_printf(&g->names, " and %zu more", g->n - NAMED);
		findings_add(r->out, g->kind, g->where, g->fix, "mail to %s %s",
		    g->names.data, g->what);
		buf_free(&g->names);
		free(g->what);
		free(g->fix);
	}
	if (r->more > 0)
		findings_add(r->out, FINDING_FAULT, "transport_maps",
		    "put right what is named first",
		    "mail to %zu domains more goes other ways than it should",
		    r->more);
}

bool
route_row(const struct cdbmap *map, const char *nexthop,
    char key[ROUTE_NEXTHOP], struct span *text)
{
	char *p;

	span_keep(key, ROUTE_NEXTHOP, maincf_text(nexthop));
	for (p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	for (p = key; p != NULL && *p != '\0'; p = strchr(p + 1, '.'))
		if (cdbmap_get(map, p, strlen(p), &text->p, &text->n) ==
		    CDBMAP_FOUND) {
			memmove(key, p, strlen(p) + 1);
			return true;
		}
	return false;
}

static bool
row_of(const struct route *r, const char *nexthop, struct span *text)
{
	char key[ROUTE_NEXTHOP];
	size_t i;

	for (i = 0; r->as != NULL && i < r->n; i++)
		if (strcasecmp(r->domain[i].name, nexthop) == 0) {
			*text = span_of(r->as);
			return true;
		}
	return r->map != NULL && route_row(r->map, nexthop, key, text);
}

/* Does the service ask our map? Whether first is said of it elsewhere. */
static bool
asks_map(const struct route *r, const char *service)
{
	struct span rest = maincf_text(
			postconf_text(r->c, service, "smtp_tls_policy_maps")),
		    table;
	const char *root = postconf_text(r->c, service, "queue_directory");
	char *ours = maincf_table(r->facts->path);
	bool is = false;

	while (!is && postconf_word(&rest, &table))
		is = maincf_is_table(table, ours) ||
		     maincf_is_socketmap(
			 table, r->facts->socketmap_socket, root);
	free(ours);
	return is;
}

/* One next-hop of the way: at which level does mail go there? */
static void
judge_level(struct route *r, const struct kept *d, const struct way *w,
    const char *service, const char *nexthop)
{
	bool self = strcasecmp(nexthop, d->name) == 0, asks, row;
	const char *level =
	    postconf_text(r->c, service, "smtp_tls_security_level");
	struct span text = maincf_text(*level == '\0' ? "none" : level);
	char *what,
	    *to = self ? mem_dup("") : mem_printf(" to %s", quotes(nexthop).s);
	int rank;

	asks = asks_map(r, service);
	row = asks && row_of(r, nexthop, &text);
	text.n = span_chr(text, ' ');
	rank = level_of_postfix(text.p, text.n, NULL);
	if (rank < d->rank) {
		what = mem_printf("leaves by %s%s at %.*s%s, not at %.*s",
		    service, to, SPAN_ARG(text),
		    row	   ? ", as its row says"
		    : asks ? ", as there is no row for that"
			   : ", as this service does not ask the map",
		    d->levellen, d->level);
		add_group(r, d, FINDING_FAULT, w->cause, what,
		    asks ? mem_dup("send partners' domains by transport_maps "
				   "(`smtp:domain'), or make the next-hop a "
				   "domain of an enforced partner, and "
				   "enforce on the relay")
			 : mem_printf("postconf -P '%s/smtp_tls_policy_maps="
				      "$smtp_tls_policy_maps', or send "
				      "partners' domains by another service",
			       service));
	} else if (!self && !row) {
		what = mem_printf("leaves by %s%s at %.*s; from there on the "
				  "relay decides",
		    service, to, SPAN_ARG(text));
		add_group(r, d, FINDING_NOTE, w->cause, what,
		    mem_dup("send partners' domains by transport_maps "
			    "(`smtp:domain'), or enforce on the relay"));
	}
	free(to);
}

/* SMTP over TLS from the start is spoken at a port of its own. */
static bool
is_wrapper_port(const char *nexthop)
{
	const char *bracket = strrchr(nexthop, ']');
	const char *port = strrchr(bracket == NULL ? nexthop : bracket, ':');

	return port != NULL &&
	       (strcmp(port, ":465") == 0 || strcmp(port, ":smtps") == 0 ||
		   strcmp(port, ":submissions") == 0);
}

static void
judge(struct route *r, const struct kept *d, const struct way *w)
{
	struct span rest =
			maincf_text(*w->nexthop == '\0' ? d->name : w->nexthop),
		    word;
	char *service = mem_printf("%s/unix", w->channel), *nexthop;
	const char *command = postconf_command(r->c, service);

	if (command == NULL || strcmp(command, "smtp") != 0) {
		add_group(r, d, FINDING_FAULT, w->cause,
		    command == NULL
			? mem_printf("is to leave by %s, which master.cf does "
				     "not have: it waits",
			      service)
			: mem_printf("goes to %s, which runs %s and knows no "
				     "partner",
			      service, command),
		    mem_dup("send partners' domains by a service that runs "
			    "smtp"));
		free(service);
		return;
	}
	while (postconf_word(&rest, &word)) {
		nexthop = mem_printf("%.*s", SPAN_ARG(word));
		judge_level(r, d, w, service, nexthop);
		if (strcmp(postconf_text(r->c, service, "smtp_tls_wrappermode"),
			"yes") == 0 &&
		    !is_wrapper_port(nexthop))
			add_group(r, d, FINDING_FAULT, "smtp_tls_wrappermode",
			    mem_printf("leaves by %s with TLS from the start, "
				       "which port 25 does not speak: it is "
				       "held",
				service),
			    postconf_overrides(
				r->c, service, "smtp_tls_wrappermode")
				? mem_printf("postconf -P '%s/"
					     "smtp_tls_wrappermode=no'",
				      service)
				: mem_dup("postconf -e "
					  "'smtp_tls_wrappermode = no'"));
		free(nexthop);
	}
	free(service);
}

/* --- Ways of single mailboxes ------------------------------------------------
 */

/* The row of its domain, if that keeps a level; d->key is to be freed. */
static bool
mailbox_kept(const struct route *r, const char *mailbox, struct kept *d)
{
	const char *at = strrchr(mailbox, '@');
	struct span text;
	enum level level;

	if (at == NULL || !row_of(r, at + 1, &text) ||
	    (r->as != NULL && text.p != r->as) ||
	    !strength_level(text.p, text.n, &level) ||
	    level == LEVEL_OPPORTUNISTIC)
		return false;
	text.n = span_chr(text, ' ');
	*d = (struct kept){.key = mem_dup(mailbox),
	    .name = at + 1,
	    .level = text.p,
	    .levellen = (int)text.n,
	    .rank = level_of_postfix(text.p, text.n, NULL)};
	return true;
}

/* transport(5) looks for the whole address first. */
static void
judge_mailboxes(struct route *r)
{
	struct span rest = maincf_text(get(r, "transport_maps")), word;
	struct postmap a;
	struct kept d;
	struct err e;
	struct way w;
	char *table, *text;
	size_t i;

	while (postconf_word(&rest, &word)) {
		table = mem_printf("%.*s", SPAN_ARG(word));
		text = is_pattern(table)
			   ? NULL
			   : postmap_ask(r->c->dir, table, NULL, &e);
		free(table);
		if (text == NULL)
			continue;
		postmap_take(&a, text);
		for (i = 0; i < a.n; i++) {
			if (!mailbox_kept(r, a.v[i].key, &d))
				continue;
			if (way_by_class(r, &d, &w)) {
				take_way(
				    &w, a.v[i].value, "transport_maps", true);
				judge(r, &d, &w);
			}
			free(d.key);
		}
		postmap_release(&a);
	}
}

/* --- Ways that the sender decides ----------------------------------------- */

/* Each value once; n of them, and no more than would be told. */
static size_t
distinct(struct postmap *a)
{
	size_t n = 0, i, k;

	for (i = 0; i < a->n && n < GROUPS_MAX; i++) {
		for (k = 0; k < n; k++)
			if (strcmp(a->v[k].value, a->v[i].value) == 0)
				break;
		if (k == n && strcasecmp(a->v[i].value, "DUNNO") != 0)
			a->v[n++].value = a->v[i].value;
	}
	return n;
}

static void
judge_value(struct route *r, const struct kept *d, const char *param,
    bool relays, const char *value)
{
	struct way w;

	if (transport_of(r, d) != NULL || is_in(r, MYDESTINATION, d) ||
	    is_in(r, MAILBOX, d) || !way_by_class(r, d, &w))
		return;
	if (relays)
		span_keep(w.nexthop, sizeof(w.nexthop), maincf_text(value));
	else
		take_way(&w, value, param, false);
	w.cause = param;
	judge(r, d, &w);
}

/* Whatever a table can say, for domains that transport_maps does not fix. */
static void
judge_senders(struct route *r, const char *param, bool relays)
{
	struct span rest = maincf_text(get(r, param)), word;
	struct postmap a;
	char *table, *text;
	struct err e;
	size_t i, k, n;

	while (postconf_word(&rest, &word)) {
		table = mem_printf("%.*s", SPAN_ARG(word));
		text = postmap_ask(r->c->dir, table, NULL, &e);
		if (text == NULL)
			not_asked(r, param, table, &e);
		free(table);
		if (text == NULL)
			continue;
		postmap_take(&a, text);
		n = distinct(&a);
		for (i = 0; i < r->n; i++)
			for (k = 0; k < n; k++)
				judge_value(r, &r->domain[i], param, relays,
				    a.v[k].value);
		postmap_release(&a);
	}
}

/* --- All of it ---------------------------------------------------------------
 */

static void
ask_lists(struct route *r)
{
	size_t i;

	add_list(r, "transport_maps", maincf_text(get(r, "transport_maps")),
	    &r->transport, false, 0);
	for (i = 0; i < CLASSES; i++)
		add_list(r, classes[i].list,
		    maincf_text(get(r, classes[i].list)), &r->class[i], false,
		    0);
}

static void
check_ways(struct route *r)
{
	const char *value;
	struct way w;
	size_t i;

	ask_lists(r);
	for (i = 0; i < r->n; i++) {
		if (!way_by_class(r, &r->domain[i], &w))
			continue;
		if ((value = transport_of(r, &r->domain[i])) != NULL)
			take_way(&w, value, "transport_maps", true);
		judge(r, &r->domain[i], &w);
	}
	judge_mailboxes(r);
	judge_senders(r, "sender_dependent_default_transport_maps", false);
	judge_senders(r, "sender_dependent_relayhost_maps", true);
	say_groups(r);
}

static void
begin(struct route *r)
{
	const char *parents = get(r, "parent_domain_matches_subdomains");

	r->bare = maincf_has(parents, "transport_maps");
	r->relay_bare = maincf_has(parents, "relay_domains");
}

static void
check(struct route *r)
{
	struct findings *out = r->out;
	size_t i;

	if (r->n > 0)
		check_ways(r);
	i = out->n;
	routefilter_check(r->c, out);
	for (; r->past != NULL && i < out->n; i++)
		if (out->v[i].kind == FINDING_FAULT)
			r->past(NULL, out->v[i].where, out->v[i].what, r->arg);
}

static void
release(struct route *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		free(r->domain[i].key);
		free(r->domain[i].full);
	}
	free(r->domain);
	buf_free(&r->keys);
	buf_free(&r->full);
	list_release(&r->transport);
	for (i = 0; i < CLASSES; i++)
		list_release(&r->class[i]);
}

void
route_check(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, struct findings *out, route_past_fn *past,
    void *arg)
{
	struct route r = {.c = c,
	    .facts = facts,
	    .map = map,
	    .out = out,
	    .past = past,
	    .arg = arg};

	begin(&r);
	if (map != NULL)
		read_domains(&r);
	check(&r);
	release(&r);
}

void
route_check_as(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, const char *const *domain, size_t n,
    const char *word, struct findings *out)
{
	struct route r = {
	    .c = c, .facts = facts, .map = map, .out = out, .as = word};
	size_t i;

	begin(&r);
	for (i = 0; i < n; i++)
		add_domain(
		    &r, domain[i], strlen(domain[i]), word, strlen(word));
	add_last_keys(&r);
	check(&r);
	release(&r);
}

/* The parameter by which the way may depend on the sender, or NULL. */
static const char *
by_sender(const struct route *r, const struct kept *d, bool mapped)
{
	static const char *const names[] = {
	    "sender_dependent_default_transport_maps",
	    "sender_dependent_relayhost_maps"};
	size_t i;

	if (mapped || is_in(r, MYDESTINATION, d) || is_in(r, MAILBOX, d))
		return NULL;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (*get(r, names[i]) != '\0')
			return names[i];
	return NULL;
}

static void
tell_way(const struct route *r, const struct kept *d, const struct way *w,
    struct route_way *out)
{
	struct span rest =
			maincf_text(*w->nexthop == '\0' ? d->name : w->nexthop),
		    word;

	out->cause = w->cause;
	(void)snprintf(
	    out->service, sizeof(out->service), "%s/unix", w->channel);
	if (postconf_word(&rest, &word))
		span_keep(out->nexthop, sizeof(out->nexthop), word);
	out->command = postconf_command(r->c, out->service);
	out->asks = asks_map(r, out->service);
	out->level =
	    postconf_text(r->c, out->service, "smtp_tls_security_level");
	if (*out->level == '\0')
		out->level = "none";
}

void
route_of(const struct postconf *c, const struct map_facts *facts,
    const char *domain, const char *mailbox, struct findings *out,
    struct route_way *way)
{
	struct route r = {.c = c, .facts = facts, .out = out};
	struct kept d = {.full = mem_printf(
			     "%s@%s", mailbox == NULL ? WHO : mailbox, domain)};
	const char *value;
	struct way w;

	*way = (struct route_way){0};
	d.name = d.full + strlen(d.full) - strlen(domain);
	begin(&r);
	add_keys(&r, &d);
	add_last_keys(&r);
	ask_lists(&r);
	way->rewritten = !way_by_class(&r, &d, &w);
	value = transport_of(&r, &d);
	if (value != NULL)
		take_way(&w, value, "transport_maps", true);
	if (!way->rewritten)
		tell_way(&r, &d, &w, way);
	way->by_sender = by_sender(&r, &d, value != NULL);
	release(&r);
	free(d.full);
}
