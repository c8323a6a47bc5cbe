#include "routefilter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "findings.h"
#include "maincf.h"
#include "mem.h"
#include "postconf.h"
#include "postmap.h"
#include "quote.h"
#include "span.h"

/* How smtp(8) says that TLS is missing or at fault. */
static const char failures[] =
    "4.7.4 TLS is required, but was not offered by host "
    "mx.partner.example[192.0.2.1]\n"
    "4.7.4 TLS is required, but host mx.partner.example[192.0.2.1] refused to "
    "start TLS: 454 4.7.0 TLS not available\n"
    "4.7.4 TLS is required, but our TLS engine is unavailable\n"
    "4.7.5 Cannot start TLS: handshake failure\n"
    "4.7.5 Server certificate not trusted\n"
    "4.7.5 Server certificate not verified\n"
    "4.7.5 client TLS configuration problem\n";

/* Replies without which there is no STARTTLS. */
static const char replies[] = "250-STARTTLS\n250 STARTTLS\n"
			      "220 2.0.0 Ready to start TLS\n"
			      "220 Ready to start TLS\n";

/* Addresses for which a table answers that answers for all. */
static const char addresses[] = "192.0.2.1\n2001:db8::1\n";

/* Is what the table makes of the text a fault? */
typedef bool is_fault_fn(const char *text, const char *value);

static bool
bounces(const char *text, const char *value)
{
	(void)text;
	return *value == '5';
}

static bool
is_lost(const char *text, const char *value)
{
	return strncmp(value, "2", 1) != 0 ||
	       (strstr(text, "STARTTLS") != NULL &&
		   strcasestr(value, "STARTTLS") == NULL);
}

static bool
discards(const char *text, const char *value)
{
	(void)text;
	return strcasestr(value, "starttls") != NULL;
}

static const struct filter {
	const char *name;
	const char *texts;
	bool lists; /* what else is in the table counts, too */
	is_fault_fn *is_fault;
	const char *what;
} filters[] = {
    {"smtp_delivery_status_filter", failures, false, bounces,
	"mail that is to wait bounces at once"},
    {"smtp_reply_filter", replies, false, is_lost,
	"no server offers STARTTLS any more"},
    {"smtp_discard_ehlo_keyword_address_maps", addresses, true, discards,
	"there is no STARTTLS, and mail to enforced partners there is held"},
};

static bool
find_fault(struct findings *out, const struct filter *f, const char *table,
    const char *keys, struct err *e)
{
	char *text = postmap_ask(out->c->dir, table, keys, e);
	struct postmap a;
	bool found = false;
	size_t i;

	if (text == NULL)
		return false;
	postmap_take(&a, text);
	for (i = 0; i < a.n && !found; i++)
		if ((found = f->is_fault(a.v[i].key, a.v[i].value)))
			findings_add(out, FINDING_FAULT, f->name,
			    "take it out of that table",
			    "%s: %s makes %s of %s: %s", f->name,
			    quotes(table).s, quotes(a.v[i].value).s,
			    quotes(a.v[i].key).s, f->what);
	postmap_release(&a);
	return found;
}

static void
check_filter(struct findings *out, const struct filter *f)
{
	struct span rest = maincf_text(
			postconf_text(out->c, out->service, f->name)),
		    word;
	struct err e = {0};
	char *table;

	while (postconf_word(&rest, &word)) {
		table = mem_printf("%.*s", SPAN_ARG(word));
		if (!find_fault(out, f, table, f->texts, &e) &&
		    (*e.text != '\0' || f->lists) &&
		    !find_fault(out, f, table, NULL, &e) && *e.text != '\0')
			findings_add(out, FINDING_NOTE, f->name,
			    "look into it: it must leave STARTTLS, and 4.7.4 "
			    "and 4.7.5, as they are",
			    "what %s says is not known: %s", quotes(table).s,
			    e.text);
		free(table);
	}
}

void
routefilter_check(const struct postconf *c, struct findings *out)
{
	const char *life = postconf_text(c, NULL, "maximal_queue_lifetime");
	const struct postconf_service *x;
	size_t at = 0, k;

	while ((x = postconf_next(c, &at, "smtp")) != NULL) {
		out->service = x->name;
		for (k = 0; k < sizeof(filters) / sizeof(filters[0]); k++)
			check_filter(out, &filters[k]);
	}
	out->service = NULL;
	if (*life == '0' && strtoul(life, NULL, 10) == 0)
		findings_add(out, FINDING_FAULT, "maximal_queue_lifetime",
		    "postconf -e 'maximal_queue_lifetime = 5d'",
		    "maximal_queue_lifetime is %s: mail that is to wait "
		    "bounces at once",
		    life);
}
