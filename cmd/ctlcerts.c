#include "ctlcerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "certgroup.h"
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "ctlfacts.h"
#include "ctlown.h"
#include "ctlprint.h"
#include "ctlrun.h"
#include "dname.h"
#include "err.h"
#include "json.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "postconf.h"
#include "probeplan.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "timeslip.h"

#define HEAD 28 /* columns before the partner's name */
#define PARTNER 20
#define GATEWAY 30
#define STATE 6
#define SHORT 12  /* columns: an issuer in less says nothing */
#define SHORTER 8 /* the same of the rest behind a CN */
#define DATE 10	  /* of a time of RFC 3339 */
#define CALLED 3  /* partners of which the contact is told */

/* How wide two columns are, and the whole line. */
struct widths {
	int partner, gateway;
	size_t line;
};

static bool
is_wanted(const struct cert_row *x, time_t until)
{
	/* What is not known of ours is not to pass for none that ends. */
	return until == 0 || x->state == CERT_ENDED || x->unread != NULL ||
	       (x->ends != 0 && x->ends <= until);
}

static void
keep_wanted(struct certs *c, time_t until)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (is_wanted(&c->v[i], until))
			c->v[n++] = c->v[i];
	c->n = n;
}

/* Leave those of that host; false: there are none, and all stay. */
static bool
keep_host(struct certs *c, const char *host)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->v[i].gateway, host) == 0)
			c->v[n++] = c->v[i];
	if (n > 0)
		c->n = n;
	return n > 0;
}

static int
widest(int now, const char *s, int max)
{
	int n = strlen(s) > (size_t)max ? max : (int)strlen(s);

	return n > now ? n : now;
}

/* "CN, organisation": who cuts it, cuts what tells less. */
static void
put_issuer(const struct cert_row *x, struct buf *out)
{
	buf_puts(out, x->issuer + x->issuer_cn);
	if (x->issuer_cn > 2)
		buf_printf(out, ", %.*s", (int)x->issuer_cn - 2, x->issuer);
}

/* What is told behind the names, if there is no issuer. */
static const char *
words(const struct cert_row *x)
{
	return *x->gateway == '\0'	     ? "never looked at"
	       : x->ends != 0		     ? ""
	       : strcmp(x->fault, "ok") == 0 ? "no certificate was seen"
					     : x->fault;
}

/* Is its fault told, and whole? */
static bool
is_told(const struct cert_row *x)
{
	return x->failed != 0 || x->state == CERT_FAILS ||
	       (x->state == CERT_ENDED && x->ends == 0);
}

/* What the log tells of is not what was seen. */
static void
put_words(const struct cert_row *x, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	/* Who issued ours is not looked at. */
	if (x->ours != NULL) {
		buf_printf(out, "- (%s", x->ours);
		if (x->seen < now)
			buf_printf(out, ", as seen %s",
			    clock_text(x->seen, now, when));
		buf_putc(out, ')');
		return;
	}
	if (!is_told(x)) {
		if (*x->issuer != '\0')
			put_issuer(x, out);
		else
			buf_puts(out, words(x));
		return;
	}
	buf_puts(out, x->fault);
	if (x->failed != 0)
		buf_printf(
		    out, " by the log of %s", clock_text(x->failed, now, when));
	else
		buf_printf(
		    out, " by the probe of %s", clock_text(x->seen, now, when));
	if (x->ends == 0)
		return;
	if (x->failed != 0)
		buf_printf(out, "; as seen %s", clock_text(x->seen, now, when));
	else if (*x->issuer != '\0') {
		buf_puts(out, "; ");
		put_issuer(x, out);
	}
}

/* What is told of one that is well, in no more than room: the CN at least. */
static void
put_cut(
    const struct cert_row *x, const char *tail, size_t room, struct buf *out)
{
	const char *cn = x->issuer + x->issuer_cn;

	if (columns_width(tail) <= room)
		buf_puts(out, tail);
	else if (x->issuer_cn > 0 && columns_width(cn) <= room &&
		 columns_width(cn) + SHORTER > room)
		buf_puts(out, cn);
	else
		columns_put(out, tail, room);
}

/* Names too wide for their columns go below, whole: they are there to paste. */
static void
put_names(const struct cert_row *x, const struct widths *w, struct buf *line)
{
	const char *gateway = *x->gateway == '\0' ? "-" : x->gateway;
	struct buf names = {0};

	if (columns_width(x->partner) <= (size_t)w->partner &&
	    columns_width(gateway) <= (size_t)w->gateway) {
		buf_printf(line, "%-*s %-*s ", w->partner, x->partner,
		    w->gateway, gateway);
		quote_since(line, 0);
		return;
	}
	buf_printf(&names, "%s %s", x->partner, gateway);
	quote_since(&names, 0);
	columns_wrap(line, names.data, HEAD, "  ", w->line);
	buf_putc(line, ' ');
	buf_free(&names);
}

/* That which ends, and need not be valid, is not to look like the others. */
static bool
is_marked(const struct cert_row *x)
{
	return (x->ends != 0 || x->state == CERT_ENDED) && !certs_demanded(x);
}

/* An issuer is cut where the line ends; without much room it goes below. */
static void
put_row(const struct cert_row *x, const struct widths *w, time_t now,
    struct buf *out)
{
	char day[NUM_TIME_MAX] = "-", days[24] = "-", share[16] = "-";
	struct buf line = {0}, tail = {0};
	char lead[HEAD + 1];
	const char *begin, *mark = is_marked(x) ? "*" : "";
	size_t used, room;

	(void)snprintf(lead, sizeof(lead), "%*s", HEAD, "");
	if (x->ends != 0) {
		(void)num_time_text(x->ends, day);
		(void)snprintf(days, sizeof(days), "%ld", x->days);
	}
	if (x->share >= 0)
		(void)snprintf(share, sizeof(share), "%d%%", x->share);
	buf_printf(&line, "%-*.*s %4s %4s %s%-*s ", DATE, DATE, day, days,
	    share, cert_state_names[x->state],
	    STATE - (int)strlen(cert_state_names[x->state]), mark);
	put_names(x, w, &line);
	put_words(x, now, &tail);
	begin = strrchr(line.data, '\n');
	used = columns_width(begin == NULL ? line.data : begin + 1);
	room = used < w->line ? w->line - used : 0;
	if ((room < SHORT || is_told(x)) && tail.len > room) {
		while (line.data[line.len - 1] == ' ')
			line.len--;
		buf_printf(&line, "\n%s", lead);
		room = w->line - HEAD;
	}
	buf_add(out, line.data, line.len);
	if (is_told(x))
		columns_wrap(out, tail.data, w->line - room, lead, w->line);
	else if (tail.len > 0)
		put_cut(x, tail.data, room, out);
	while (out->data[out->len - 1] == ' ')
		out->len--;
	buf_putc(out, '\n');
	buf_free(&tail);
	buf_free(&line);
}

/* "6 gateways and ours", "1 gateway of 60 partners". */
static void
put_who(const struct certgroups *g, struct buf *out)
{
	if (g->gateways > 0 || g->ours == 0)
		buf_printf(
		    out, "%zu gateway%s", g->gateways, num_plural(g->gateways));
	if (g->shared)
		buf_printf(out, " of %zu partner%s", g->partners,
		    num_plural(g->partners));
	if (g->ours > 0 && g->gateways > 0)
		buf_puts(out, " and ");
	if (g->ours > 1)
		buf_printf(out, "%zu of ours", g->ours);
	else if (g->ours == 1)
		buf_puts(out, g->gateways > 0 ? "ours" : "ours alone");
}

/* "6 gateways: 1 ended, ..."; of those that end within a time, by that. */
static void
put_sum(const struct certgroups *g, const char *within, struct buf *out)
{
	const size_t *count = g->count;
	size_t n = g->n - g->never - count[CERT_ENDED];

	put_who(g, out);
	buf_printf(out, ": %zu ended, ", count[CERT_ENDED]);
	if (within != NULL) {
		buf_printf(
		    out, "%zu end%s within %s", n, n == 1 ? "s" : "", within);
		return;
	}
	buf_printf(out, "%zu end%s soon, %zu ok", count[CERT_SOON],
	    count[CERT_SOON] == 1 ? "s" : "", count[CERT_OK]);
	if (count[CERT_FAILS] > 0)
		buf_printf(out, ", %zu fail%s otherwise", count[CERT_FAILS],
		    count[CERT_FAILS] == 1 ? "s" : "");
	if (count[CERT_UNSEEN] > 0)
		buf_printf(out, ", %zu never seen", count[CERT_UNSEEN]);
	if (g->never > 0)
		buf_printf(out, "; %zu partner%s never looked at", g->never,
		    num_plural(g->never));
}

/* None of them ends within that time: of how many, and which is the first. */
static void
put_none(const struct certgroups *all, const char *within, bool ours,
    struct buf *out)
{
	const struct cert_row *first = all->n > 0 ? &all->v[0].row : NULL;
	const size_t unseen = all->count[CERT_UNSEEN] + all->never;
	char day[NUM_TIME_MAX];

	buf_printf(out, "no certificate ends within %s, of ", within);
	put_who(all, out);
	if (ours && all->ours == 0)
		buf_puts(out, ", ours not among them");
	if (first != NULL && first->ends != 0)
		buf_printf(out, "; the first ends %.*s: %s %s", DATE,
		    num_time_text(first->ends, day), first->partner,
		    first->gateway);
	if (unseen > 0)
		buf_printf(out, "; %zu never seen", unseen);
}

static bool
wants_mending(const struct cert_row *x)
{
	return x->state == CERT_SOON || x->state == CERT_FAILS ||
	       x->state == CERT_ENDED;
}

/*
 * Whom to call of all rows, or of those that want mending: the first few, and
 * what has the words for who has something to mend.
 */
static void
put_calls(const struct ctlrun *r, const struct certs *c, size_t width,
    struct buf *out)
{
	const bool all = r->within != NULL;
	const struct cert_row *x, *first = NULL;
	struct names who = {0};
	struct buf text = {0};
	size_t i;

	for (i = 0; i < c->n; i++) {
		x = &c->v[i];
		if (x->ours != NULL || (!all && !wants_mending(x)))
			continue;
		if (first == NULL && wants_mending(x))
			first = x;
		if (names_find(&who, x->partner, strlen(x->partner)) !=
		    STRMAP_NONE)
			continue;
		(void)names_add(&who, x->partner, strlen(x->partner));
		if (who.n <= CALLED)
			buf_printf(&text, "%s%s (%s)", who.n > 1 ? ", " : "",
			    x->contact == NULL ? "their postmaster"
					       : x->contact,
			    x->partner);
	}
	if (who.n > CALLED)
		buf_printf(&text, " and %u more", who.n - CALLED);
	if (first != NULL) {
		buf_puts(&text, "; for the words: tlspact-probe");
		if (r->opt.settings.file != NULL)
			buf_printf(&text, " -C %s", r->opt.settings.file);
		buf_printf(&text, " --as enforced %s", first->partner);
	}
	if (who.n > 0)
		columns_paragraph(out, "call ", 5, text.data, false, width);
	buf_free(&text);
	names_free(&who);
}

/* Those of ours that are not known, and who may know them. */
static void
put_unread(const struct cert_row *x, size_t width, struct buf *out)
{
	struct buf text = {0};

	if (x->bad)
		buf_printf(&text, "%s: %s; see tlspact-setup check -v",
		    x->gateway, x->unread);
	else if (geteuid() != 0 && *x->gateway != '\0')
		buf_printf(&text,
		    "not known (%s cannot be read): sudo tlspactctl "
		    "certificates",
		    x->gateway);
	else
		buf_printf(
		    &text, "not known (%s): tlspact-setup check -v", x->unread);
	columns_paragraph(out, "ours: ", 6, text.data, false, width);
	buf_free(&text);
}

/* Of each column, as rows of one partner need it. */
static void
widen(struct widths *w, const struct cert_row *x, bool alone)
{
	if (alone)
		w->partner = widest(w->partner, x->partner, PARTNER);
	w->gateway = widest(w->gateway, x->gateway, GATEWAY);
}

static void
put_head(const struct widths *w, int spare, struct buf *out)
{
	buf_printf(out, "%-10s %4s %4s %-6s %-*s ", "ends", "days", "life",
	    "state", w->partner, "partner");
	if (w->gateway + (int)sizeof("issuer") <= spare)
		buf_printf(out, "%-*s issuer\n", w->gateway, "gateway");
	else
		buf_puts(out, "gateway\n");
}

/* Of those that share a gateway one row; or each for itself. */
static void
put_rows(const struct certs *c, const struct certgroups *g, bool apart,
    time_t now, struct buf *out)
{
	struct widths w = {
	    .partner = 7, .gateway = 7, .line = columns_of(STDOUT_FILENO)};
	const size_t n = apart ? c->n : g->n;
	const struct cert_row *x;
	int spare;
	size_t i;

	for (i = 0; i < n; i++) {
		x = apart ? &c->v[i] : &g->v[i].row;
		if (x->unread == NULL)
			widen(&w, x, apart || g->v[i].partners == 1);
	}
	spare = (int)w.line - HEAD - w.partner - 1;
	if (w.gateway > spare)
		w.gateway = spare;
	put_head(&w, spare, out);
	for (i = 0; i < n; i++) {
		x = apart ? &c->v[i] : &g->v[i].row;
		if (x->unread == NULL)
			put_row(x, &w, now, out);
	}
}

static void
print_text(
    const struct ctlrun *r, const struct certs *c, const struct certgroups *all)
{
	const char *within = r->within;
	const size_t width = columns_of(STDOUT_FILENO);
	struct buf out = {0}, sum = {0};
	struct certgroups g;
	bool marked = false;
	size_t i;

	certgroup_make(c, &g);
	for (i = 0; i < g.n; i++)
		marked |= is_marked(&g.v[i].row);
	if (g.n == 0 && within != NULL) {
		put_none(all, within, r->lower.partner == NULL, &sum);
	} else {
		put_rows(c, &g, r->opt.verbose, r->c.now, &out);
		put_sum(&g, within, &sum);
		if (within != NULL && r->lower.partner == NULL &&
		    all->ours == 0)
			buf_puts(&sum, "; ours are not among them");
	}
	columns_wrap(&out, sum.data, 0, "  ", width);
	buf_putc(&out, '\n');
	put_calls(r, c, width, &out);
	if (marked)
		buf_puts(&out, "* no valid one is demanded of the "
			       "partner (opportunistic, encrypt, key)\n");
	for (i = 0; i < c->n; i++)
		if (c->v[i].unread != NULL)
			put_unread(&c->v[i], width, &out);
	(void)fputs(out.data, stdout);
	buf_free(&sum);
	buf_free(&out);
	certgroup_release(&g);
}

/* Which ends first, or has ended, within the time that was asked for or not. */
static json_t *
to_first(const struct certgroups *all)
{
	const struct certgroup *first = NULL, *g;

	for (g = all->v; g < all->v + all->n; g++)
		if (g->row.ends != 0 &&
		    (first == NULL || g->row.ends < first->row.ends))
			first = g;
	return first == NULL
		   ? json_null()
		   : json_pack("{s:o, s:o, s:o}", "gateway",
			 json_text(first->row.gateway), "partner",
			 json_text(
			     first->row.ours != NULL ? "" : first->named[0]),
			 "not_after", json_time(first->row.ends));
}

static json_t *
to_json(const struct certs *c, const struct certgroups *all)
{
	json_t *list = json_array();
	const struct cert_row *x;
	bool is_ours;
	size_t i;

	for (i = 0; i < c->n; i++) {
		x = &c->v[i];
		is_ours = x->ours != NULL;
		json_array_append_new(list,
		    json_pack(
			"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, "
			"s:o, s:o, s:o, s:o}",
			"partner", json_text(is_ours ? "" : x->partner),
			"contact", json_text(x->contact), "ours",
			json_text(is_ours ? x->ours : ""), "mode",
			json_text(is_ours	? ""
				  : x->enforced ? "enforced"
						: "opportunistic"),
			"level", json_text(is_ours ? "" : level_name(x->level)),
			"gateway", json_text(x->gateway), "state",
			cert_state_names[x->state], "not_after",
			json_time(x->ends), "days_left",
			x->ends == 0 ? json_null() : json_integer(x->days),
			"life_left_percent",
			x->share < 0 ? json_null() : json_integer(x->share),
			"issuer", json_text(x->issuer), "seen",
			json_time(x->seen), "fault", ctlprint_fault(x->fault),
			"failed", json_time(x->failed)));
	}
	return json_pack("{s:o, s:I, s:I, s:o}", "certificates", list,
	    "gateways", (json_int_t)all->gateways, "never_seen",
	    (json_int_t)(all->count[CERT_UNSEEN] + all->never), "first",
	    to_first(all));
}

static int
print(struct ctlrun *r, struct certs *certs, time_t until)
{
	struct certgroups all;
	int code = EX_OK;
	size_t i;

	certgroup_make(certs, &all);
	keep_wanted(certs, until);
	if (r->opt.json)
		r->answer = to_json(certs, &all);
	else
		print_text(r, certs, &all);
	certgroup_release(&all);
	for (i = 0; i < certs->n; i++)
		if (certs->v[i].state == CERT_ENDED)
			code = 1;
	return code;
}

/* Those of n partners, and ours unless NULL. */
static int
of_these(struct ctlrun *r, const struct ctl_facts *f, size_t n,
    const struct certs_ours *ours, time_t until)
{
	struct certs certs;
	struct err e;
	int code = certs_read(&r->c, f, n, ours, &certs, &e) == -1
		       ? common_failed(&e)
		       : print(r, &certs, until);

	certs_release(&certs);
	return code;
}

static int
of_one(struct ctlrun *r, time_t until)
{
	struct ctl_facts f;
	int code = ctl_facts_get(&r->c, r->lower.partner, false, &f);

	code =
	    f.name == NULL ? ctlrun_nobody(r) : of_these(r, &f, 1, NULL, until);
	ctl_facts_release(&f);
	return code;
}

/* The gateways of that host, whosesoever they are. False: it is none. */
static bool
of_host(struct ctlrun *r, const struct ctl_facts *all, size_t n, time_t until,
    int *code)
{
	struct nexthop host;
	struct certs certs;
	struct err e;
	bool found;

	if (probeplan_name(r->lower.partner, &host) == -1)
		return false;
	/* Of an evidence that cannot be read the next one tells. */
	found = certs_read(&r->c, all, n, NULL, &certs, &e) == 0 &&
		keep_host(&certs, host.name);
	if (found)
		*code = print(r, &certs, until);
	certs_release(&certs);
	return found;
}

/* The partners of that provider. False: there is none. */
static bool
of_provider(struct ctlrun *r, const struct ctl_facts *all, size_t n,
    time_t until, int *code)
{
	const struct attributes *p;
	struct ctl_facts *some;
	const char *name;
	size_t i, k, nsome = 0;

	for (i = 0; (p = registry_provider(r->registry, i, &name)) != NULL; i++)
		if (strcmp(name, r->lower.partner) == 0)
			break;
	if (p == NULL)
		return false;
	some = mem_zero(n + 1, sizeof(*some));
	for (k = 0; k < n; k++)
		if (all[k].partner != NULL && all[k].partner->provider == i)
			some[nsome++] = all[k];
	*code = of_these(r, some, nsome, NULL, until);
	free(some);
	return true;
}

/* Of all partners, and ours; or ours alone, if it is so called. */
static int
of_all(struct ctlrun *r, const struct postconf *c, const struct err *fault,
    time_t until)
{
	const bool alone = r->lower.partner != NULL;
	struct certs_ours ours = {.fault = c == NULL ? fault->text : NULL};
	struct ctl_facts *all = NULL;
	struct ctlown own = {0};
	size_t n = 0;
	int code;

	if (c != NULL)
		ctlown_look(&own, c, r->c.now);
	ours.v = own.v;
	ours.n = own.n;
	/* What the ledger has is not told here. */
	if (!alone)
		(void)ctl_facts_all(&r->c, &all, &n);
	code = of_these(r, all, n, &ours, until);
	ctl_facts_free(all, n);
	ctlown_release(&own);
	return code;
}

/*
 * A name below a partner's domain that is none of its own, `mx9.acme.example`:
 * the partner is not told for a gateway that nobody has seen. False: it is
 * something else.
 */
static bool
is_unseen(const struct ctlrun *r)
{
	const char *name = r->lower.partner;
	uint32_t at;

	if (r->mailbox != NULL ||
	    registry_find(r->registry, name) != REGISTRY_NONE ||
	    (at = registry_covering(r->registry, name)) == REGISTRY_NONE)
		return false;
	name = r->registry->partner[at].name;
	say("no gateway %s was looked at; those of %s: tlspactctl certificates "
	    "%s",
	    quotes(r->lower.partner).s, name, name);
	return true;
}

/* The name of a host or a provider; else it is nobody's. */
static int
of_named(struct ctlrun *r, time_t until)
{
	struct ctl_facts *all;
	size_t n;
	int code;

	(void)ctl_facts_all(&r->c, &all, &n);
	if (!of_host(r, all, n, until, &code) &&
	    !of_provider(r, all, n, until, &code))
		code = is_unseen(r) ? EX_NOINPUT : of_one(r, until);
	ctl_facts_free(all, n);
	return code;
}

/* "ours", or our own host. */
static bool
is_ours(const struct ctlrun *r, const struct postconf *c)
{
	const char *name = r->lower.partner;

	return strcmp(name, "ours") == 0 ||
	       (c != NULL &&
		   strcasecmp(name, postconf_text(c, NULL, "myhostname")) == 0);
}

/* False: that is no such time, which is said. */
static bool
take_within(const char *within, time_t now, time_t *until)
{
	const char unit = num_unit(within);
	uint64_t span;

	/* Seconds nobody means; nor minutes, who means a month. */
	if (num_duration(within, INT32_MAX, &span) == -1 || unit == '\0' ||
	    unit == 'm' || unit == 's') {
		say("--within: %s %s", quotes(within).s,
		    timeslip_ahead(within, "30d, 4w or 12h", false).s);
		return false;
	}
	*until = now + (time_t)span;
	return true;
}

int
ctlcerts(void *run)
{
	struct ctlrun *r = run;
	struct postconf c = {0};
	time_t until = 0;
	struct err e;
	bool well;
	int code;

	if (r->within != NULL && !take_within(r->within, r->c.now, &until))
		return EX_USAGE;
	if (r->registry == NULL)
		return r->registry_code;
	if (r->lower.partner != NULL &&
	    registry_partner(r->registry, r->lower.partner) != REGISTRY_NONE)
		return of_one(r, until);
	well = postconf_read(&c, settings_postfix(&r->c.set), false, &e) == 0;
	if (r->lower.partner != NULL && !is_ours(r, well ? &c : NULL))
		code = of_named(r, until);
	else
		code = of_all(r, well ? &c : NULL, &e, until);
	postconf_release(&c);
	return code;
}
