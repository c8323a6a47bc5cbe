/*
 * The lines of main.cf that wire tlspact in.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "inboundmap.h"
#include "mem.h"
#include "postconf.h"
#include "target.h"
#include "wiring_ask.h"
#include "wiring_dead.h"
#include "wiring_priv.h"

struct wanting {
	const struct postconf *c; /* or NULL */
	const struct map_facts *map;
	const struct target *target;
	struct wiring_lines *out;
};

static const char *
have(const struct wanting *w, const char *name)
{
	return w->c == NULL ? NULL : postconf_get(w->c, NULL, name);
}

static void
add(struct wanting *w, const char *name, char *value)
{
	struct wiring_lines *out = w->out;
	struct wiring_line *x;

	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	x = &out->v[out->n++];
	*x = (struct wiring_line){
	    .name = name, .value = value, .have = have(w, name)};
	x->differs = x->have == NULL || strcmp(x->have, value) != 0;
}

/* What is there stays if it is one of the good ones, "*" being any. */
static void
want(struct wanting *w, const char *name, const char *value, const char *good)
{
	const char *now = have(w, name), *rest = good;
	bool keep = false;
	char *word;

	while (now != NULL && *rest != '\0' && !keep) {
		word = wiring_first_word(rest, &rest);
		keep = strcmp(word, now) == 0 ||
		       (strcmp(word, "*") == 0 && *now != '\0');
		free(word);
	}
	add(w, name, mem_dup(keep ? now : value));
}

static void
want_map(struct wanting *w)
{
	const char *rest = have(w, "smtp_tls_policy_maps");
	char *ours = wiring_table_of(w->map->path), *table;
	struct buf value = {0};

	buf_puts(&value, ours);
	while (rest != NULL && *rest != '\0') {
		table = wiring_first_word(rest, &rest);
		if (!wiring_is_our_table(table, ours))
			buf_printf(&value, ", %s", table);
		free(table);
	}
	free(ours);
	add(w, "smtp_tls_policy_maps", buf_take(&value));
}

static void
want_outbound(struct wanting *w)
{
	bool dane = w->target->opportunistic == OPPORTUNISTIC_DANE;

	want_map(w);
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
}

char *
wiring_ask(const struct map_facts *map, const char *root, unsigned version)
{
	char *service = wiring_service_of(map->policy_socket, root), *ask;

	ask = version >= TARGET_VERSION(3, 0)
		  ? mem_printf("check_policy_service { %s, timeout=10s, "
			       "default_action=%s }",
			service,
			wiring_can_close(version) ? INBOUNDMAP_CLASS : "DUNNO")
		  : mem_printf("check_policy_service %s", service);
	free(service);
	return ask;
}

/* Where it is asked already, with the right answer for when it is dead. */
static bool
want_where_it_is(struct wanting *w, const char *root)
{
	const char *socket = w->map->policy_socket, *list;
	struct asking a;
	bool found = false;
	size_t i;

	for (i = 0; wiring_lists[i] != NULL; i++) {
		list = have(w, wiring_lists[i]);
		if (list == NULL || !asking_find(list, socket, root, &a))
			continue;
		found = true;
		add(w, wiring_lists[i],
		    !wiring_can_close(w->target->version) ||
			    (a.action != NULL &&
				strcmp(a.action, INBOUNDMAP_CLASS) == 0)
			? mem_dup(list)
			: asking_rewrite(list, socket, root, INBOUNDMAP_CLASS));
		asking_release(&a);
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
	struct dead_lines d;
	char *ours;
	size_t i;

	if (wiring_can_close(w->target->version)) {
		wiring_dead_want(
		    have(w, "smtpd_restriction_classes"), w->map, &d);
		for (i = 0; i < DEAD_LINES; i++)
			add(w, d.line[i].name, d.line[i].value);
	}
	if (root == NULL)
		root = "/var/spool/postfix";
	if (want_where_it_is(w, root))
		return;
	ours = wiring_ask(w->map, root, w->target->version);
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
	if (m->ask_key > 0)
		want(w, "smtpd_tls_fingerprint_digest", "sha256", "");
	want_asking(w);
}

void
wiring_want(const struct postconf *c, const struct map_facts *map,
    const struct target *target, struct wiring_lines *out)
{
	struct wanting w = {.c = c, .map = map, .target = target, .out = out};

	*out = (struct wiring_lines){0};
	want_outbound(&w);
	if (map->policy_socket != NULL && *map->policy_socket != '\0')
		want_inbound(&w);
}

void
wiring_lines_release(struct wiring_lines *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->v[i].value);
	free(w->v);
	*w = (struct wiring_lines){0};
}
