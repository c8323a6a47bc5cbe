#include "route.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "cdbmap.h"
#include "err.h"
#include "level.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "strength.h"
#include "wiring.h"

#define WHO "tlspact-check" /* a mailbox, and a name below a suffix */
#define GROUPS_MAX 100
#define NAMED 3 /* domains in a finding */

/* A row that is to be kept. */
struct kept {
	char *key;	  /* "acme.example", ".acme.example" */
	const char *name; /* a domain that it is the row of */
	char *full;	  /* a mailbox there, which name is the end of */
	const char *level;
	int levellen;
	int rank;
};

/* One list of tables, with all that they say. */
struct tables {
	struct table {
		struct answers a;
		bool pattern; /* asked for whole addresses only */
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
	asktable_fn *ask;
	struct findings *out;
	struct kept *domain;
	size_t n, cap;
	struct buf keys, full; /* to ask for, one a line */
	bool bare;	       /* a parent is asked for without the dot */
	struct tables transport, class[CLASSES];
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
add_domain(
    struct route *r, const char *key, size_t klen, const char *text, size_t len)
{
	const char *blank = memchr(text, ' ', len), *p;
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
	buf_printf(&r->full, "%s\n", d->full);
	for (p = d->name; p != NULL; p = strchr(p + 1, '.'))
		buf_printf(&r->keys, "%s\n", p + (*p == '.' && r->bare));
}

static void
read_domains(struct route *r)
{
	const char *key, *text;
	size_t klen, len;
	unsigned pos = 0;

	while (
	    cdbmap_next(r->map, &pos, &key, &klen, &text, &len) == CDBMAP_FOUND)
		if (klen > 0 && *key != ' ' && *key != '[')
			add_domain(r, key, klen, text, len);
	buf_puts(&r->keys, "*\n");
	buf_puts(&r->keys, r->full.data == NULL ? "" : r->full.data);
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
}

/* Ask all tables of the parameter's list for all keys. */
static void
ask_list(struct route *r, const char *param, struct tables *t)
{
	struct span rest = maincf_text(get(r, param)), word;
	char *table, *bare, *text;
	struct table *x;
	struct err e;
	bool pattern;

	while (maincf_next(&rest, &word)) {
		if (span_chr(word, ':') == word.n)
			continue;
		table = mem_printf("%.*s", SPAN_ARG(word));
		bare = maincf_bare_table(table);
		pattern = is_pattern(bare);
		text = r->ask(r->c->dir, bare,
		    pattern && t == &r->transport ? r->full.data : r->keys.data,
		    &e);
		if (text == NULL) {
			not_asked(r, param, table, &e);
		} else {
			t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
			x = &t->v[t->n++];
			x->pattern = pattern;
			answers_take(&x->a, text);
		}
		free(bare);
		free(table);
	}
}

static void
tables_release(struct tables *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		answers_release(&t->v[i].a);
	free(t->v);
}

static const char *
tables_get(const struct tables *t, const char *key)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < t->n && value == NULL; i++)
		value = answers_get(&t->v[i].a, key);
	return value;
}

/* transport(5): the address, the domain, its parents, all. */
static const char *
transport_of(const struct route *r, const struct kept *d)
{
	const char *value = tables_get(&r->transport, d->full), *p;

	for (p = d->name; value == NULL && p != NULL; p = strchr(p + 1, '.'))
		value = tables_get(&r->transport, p + (*p == '.' && r->bare));
	return value != NULL ? value : tables_get(&r->transport, "*");
}

/* Is the domain in the list, by itself or, for relay_domains, a parent? */
static bool
is_in(const struct route *r, enum class which, const struct kept *d)
{
	const char *p = d->name;

	do {
		if (maincf_has(get(r, classes[which].list), p) ||
		    tables_get(&r->class[which], p) != NULL)
			return true;
		if (which != RELAY || (p = strchr(p, '.')) == NULL)
			return false;
		p++;
	} while (*p != '\0');
	return false;
}

/* --- The way -------------------------------------------------------------- */

struct way {
	char channel[64], nexthop[1024]; /* "": none, the domain */
	const char *cause;		 /* parameter */
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

/* What smtp_tls_policy_maps of our map says for a next-hop; false: nothing. */
static bool
row_of(const struct route *r, const char *nexthop, struct span *text)
{
	char key[1024], *p;
	bool walks = strpbrk(nexthop, "[:") == NULL;

	span_keep(key, sizeof(key), maincf_text(nexthop));
	for (p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	for (p = key; p != NULL && *p != '\0';
	     p = walks ? strchr(p + 1, '.') : NULL)
		if (cdbmap_get(r->map, p, strlen(p), &text->p, &text->n) ==
		    CDBMAP_FOUND)
			return true;
	return false;
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

	while (!is && maincf_next(&rest, &table))
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
	const char *command = NULL;
	size_t i;

	for (i = 0; i < r->c->nservices; i++)
		if (strcmp(r->c->service[i].name, service) == 0)
			command = r->c->service[i].command;
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
	while (maincf_next(&rest, &word)) {
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

/* --- Ways that the sender decides ----------------------------------------- */

/* Each value once; n of them, and no more than would be told. */
static size_t
distinct(struct answers *a)
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
	struct answers a;
	char *table, *text;
	struct err e;
	size_t i, k, n;

	while (maincf_next(&rest, &word)) {
		table = mem_printf("%.*s", SPAN_ARG(word));
		text = r->ask(r->c->dir, table, NULL, &e);
		if (text == NULL)
			not_asked(r, param, table, &e);
		free(table);
		if (text == NULL)
			continue;
		answers_take(&a, text);
		n = distinct(&a);
		for (i = 0; i < r->n; i++)
			for (k = 0; k < n; k++)
				judge_value(r, &r->domain[i], param, relays,
				    a.v[k].value);
		answers_release(&a);
	}
}

void
route_check(const struct postconf *c, const struct map_facts *facts,
    const struct cdbmap *map, asktable_fn *ask, struct findings *out)
{
	struct route r = {
	    .c = c, .facts = facts, .map = map, .ask = ask, .out = out};
	const char *value;
	struct way w;
	size_t i;

	r.bare = maincf_has(
	    get(&r, "parent_domain_matches_subdomains"), "transport_maps");
	read_domains(&r);
	if (r.n > 0) {
		ask_list(&r, "transport_maps", &r.transport);
		for (i = 0; i < CLASSES; i++)
			ask_list(&r, classes[i].list, &r.class[i]);
	}
	for (i = 0; i < r.n; i++) {
		if (!way_by_class(&r, &r.domain[i], &w))
			continue;
		if ((value = transport_of(&r, &r.domain[i])) != NULL)
			take_way(&w, value, "transport_maps", true);
		judge(&r, &r.domain[i], &w);
	}
	if (r.n > 0) {
		judge_senders(
		    &r, "sender_dependent_default_transport_maps", false);
		judge_senders(&r, "sender_dependent_relayhost_maps", true);
	}
	say_groups(&r);
	for (i = 0; i < r.n; i++) {
		free(r.domain[i].key);
		free(r.domain[i].full);
	}
	free(r.domain);
	buf_free(&r.keys);
	buf_free(&r.full);
	tables_release(&r.transport);
	for (i = 0; i < CLASSES; i++)
		tables_release(&r.class[i]);
}
