#include "ctlmx.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include <event2/event.h>

#include "arena.h"
#include "buf.h"
#include "dname.h"
#include "err.h"
#include "fdio.h"
#include "mxdns.h"
#include "process.h"
#include "settings.h"

#define MX_MS 2000u /* somebody waits for the answer */
#define TEXT_MAX (MXDNS_MAX_HOSTS * (DNAME_MAX + 1))

/* In place of names. */
#define NO_DOMAIN "!no domain"
#define NULL_MX "!null MX"

struct asking {
	const struct settings *set;
	const char *nexthop;
	struct event_base *base;
	struct buf text; /* a name a line */
};

static void
on_answer(const struct mxdns_result *r, void *arg)
{
	struct asking *k = arg;
	size_t i;

	if (r->status == MXDNS_NO_DOMAIN)
		buf_puts(&k->text, NO_DOMAIN);
	else if (r->status == MXDNS_NULL_MX)
		buf_puts(&k->text, NULL_MX);
	else if (r->mx.kind == MXDNS_FOUND || r->mx.kind == MXDNS_NO_DATA)
		for (i = 0; i < r->nhost; i++)
			buf_printf(&k->text, "%s\n", r->host[i].name);
	(void)event_base_loopbreak(k->base);
}

/* Apart, as it reads what strangers say. */
static int
ask(int fd, void *arg)
{
	struct asking *k = arg;
	const unsigned most = (unsigned)k->set->probe_timeout * 1000;
	const struct mxdns_settings dns = {
	    .resolver = *k->set->resolver == '\0' ? NULL : k->set->resolver,
	    .timeout_ms = most < MX_MS ? most : MX_MS};
	struct mxdns *d;
	struct err e;

	if ((k->base = event_base_new()) == NULL ||
	    (d = mxdns_new(k->base, &dns, &e)) == NULL)
		return EX_OSERR;
	mxdns_lookup(d, k->nexthop, 25, NULL, on_answer, k);
	(void)event_base_dispatch(k->base);
	return k->text.len == 0 || fdio_write(fd, k->text.data, k->text.len)
		   ? EX_OK
		   : EX_IOERR;
}

/* All of them are names, or none is taken. */
static void
take(char *text, struct arena *a, struct ctlmx *out)
{
	const char **host;
	char *line;
	size_t n = 0;

	if (strcmp(text, NO_DOMAIN) == 0)
		out->none = "is not in DNS";
	if (strcmp(text, NULL_MX) == 0)
		out->none = "takes no mail (null MX)";
	if (out->none != NULL)
		return;
	host = arena_alloc(a, MXDNS_MAX_HOSTS * sizeof(*host));
	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		if (n == MXDNS_MAX_HOSTS ||
		    (!nexthop_is_host(line) && !dname_is_address(line)))
			return;
		host[n++] = arena_copy(a, line, strlen(line));
	}
	*out = (struct ctlmx){.host = host, .n = n};
}

void
ctlmx_ask(const struct settings *set, const char *nexthop, struct arena *a,
    struct ctlmx *out)
{
	struct asking k = {.set = set, .nexthop = nexthop};
	struct apart child;
	struct nexthop hop;
	struct buf text = {0};
	struct err e;

	*out = (struct ctlmx){0};
	if (nexthop_parse(nexthop, &hop) == -1 || hop.direct ||
	    apart_start(&child, set->probe_user, ask, &k, &e) == -1)
		return;
	if (fdio_read(child.fd, TEXT_MAX, &text) &&
	    apart_end(&child, false, "the look at DNS", &e) == 0) {
		if (text.len > 0)
			take(text.data, a, out);
	} else
		(void)apart_end(&child, true, "", &e);
	buf_free(&text);
}

bool
ctlmx_has(const struct ctlmx *mx, const char *host)
{
	size_t i;

	for (i = 0; i < mx->n; i++)
		if (strcasecmp(mx->host[i], host) == 0)
			return true;
	return false;
}
