#include "probereport_rules.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "certrule.h"
#include "json.h"
#include "num.h"
#include "probereport.h"
#include "quote.h"

#define SEEN_MAX 44 /* columns of an observed value */

static const char *
state_word(const struct certrule_result *r)
{
	if (r->state == CERTRULE_FAIL)
		return "FAIL";
	if (r->warning)
		return "warning";
	return r->state == CERTRULE_PASS ? "pass" : "not asked";
}

static const char *
colour_of(const struct certrule_result *r)
{
	return r->state == CERTRULE_FAIL   ? "\033[31m"
	       : r->warning		   ? "\033[33m"
	       : r->state == CERTRULE_PASS ? "\033[32m"
					   : "";
}

/* s in width columns, filled up or cut between characters. */
static void
put_cell(struct buf *out, const char *s, size_t width)
{
	size_t col = 0, n, all = probereport_width(s);
	size_t room = all > width ? width - 3 : width;

	for (; *s != '\0' && col < room; s += n, col++) {
		n = utf8_len(s, strlen(s));
		n = n == 0 ? 1 : n;
		buf_add(out, s, n);
	}
	if (all > width) {
		buf_puts(out, "...");
		col += 3;
	}
	for (; col < width + 2; col++)
		buf_putc(out, ' ');
}

static size_t
seen_width(const struct certverdict *v)
{
	size_t i, w, width = strlen("observed");

	for (i = 0; i < CERTRULE_COUNT; i++) {
		w = probereport_width(v->rule[i].observed);
		width = w > width ? w : width;
	}
	return width > SEEN_MAX ? SEEN_MAX : width;
}

static void
put_table(const struct certverdict *v, bool colour, struct buf *out)
{
	size_t i, width = seen_width(v);

	put_cell(out, "rule", 11);
	put_cell(out, "verdict", 9);
	put_cell(out, "observed", width);
	buf_puts(out, "in words\n");
	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		put_cell(out, certrule_text((enum certrule_id)i), 11);
		if (colour)
			buf_puts(out, colour_of(r));
		put_cell(out, state_word(r), 9);
		if (colour && *colour_of(r) != '\0')
			buf_puts(out, "\033[m");
		put_cell(
		    out, r->observed[0] != '\0' ? r->observed : "-", width);
		buf_printf(out, "%s\n", r->sentence);
	}
}

static void
put_step(const struct probereport_rules *r, struct buf *out)
{
	if (r->opportunistic)
		buf_puts(out, "The partner is opportunistic: mail moves "
			      "whatever these rules say.\n");
	else if (r->fault == FAULT_OK)
		return;
	else if (r->v != NULL && r->v->delivers && !fault_stops_mail(r->fault))
		buf_puts(out, "Postfix does not look at this and would go on "
			      "delivering; by the registry it is a failure.\n");
	else if (r->v != NULL && r->v->step < LEVEL_SECURE)
		buf_printf(out,
		    "Mail to this gateway is held. The smallest step that "
		    "gets it moving: %s.\n",
		    level_name(r->v->step));
	else
		buf_puts(out, "Mail to this gateway is held.\n");
}

void
probereport_rules(
    const struct probereport_rules *r, bool colour, struct buf *out)
{
	buf_printf(out, "%s: %s", r->partner, r->what);
	if (r->gateway != NULL)
		buf_printf(out, " as gateway %s", r->gateway);
	if (r->nexthop != NULL)
		buf_printf(out, " of %s", r->nexthop);
	buf_puts(out, "\n\n");
	if (r->v != NULL) {
		put_table(r->v, colour, out);
		buf_putc(out, '\n');
	}
	if (colour)
		buf_puts(out, r->fault == FAULT_OK ? "\033[32m" : "\033[31m");
	buf_puts(out, r->fault == FAULT_OK ? "pass" : "FAIL");
	if (r->fault != FAULT_OK)
		buf_printf(out, " %s", fault_text(r->fault));
	if (colour)
		buf_puts(out, "\033[m");
	buf_printf(out, ": %s\n",
	    r->detail != NULL && r->detail[0] != '\0'
		? r->detail
		: fault_description(r->fault));
	put_step(r, out);
}

static json_t *
rules(const struct certverdict *v)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:b, s:s, s:o, s:o}", "rule",
			      certrule_text((enum certrule_id)i), "verdict",
			      certrule_state_text(r->state), "warning",
			      r->warning, "fault", fault_text(r->fault),
			      "observed", json_text(r->observed), "sentence",
			      json_text(r->sentence)));
	}
	return list;
}

static json_t *
certificate(const struct certverdict *v)
{
	const struct x509_info *x = &v->leaf;
	char from[NUM_TIME_MAX], to[NUM_TIME_MAX];

	num_time_text(x->not_before, from);
	num_time_text(x->not_after, to);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o}",
	    "subject_cn", json_text(x->subject_cn), "issuer_cn",
	    json_text(x->issuer_cn), "issuer_organization",
	    json_text(x->issuer_org), "not_before",
	    json_text(x->dates_ok ? from : ""), "not_after",
	    json_text(x->dates_ok ? to : ""), "cert_sha256",
	    json_text(x->cert_sha256), "key_sha256", json_text(x->spki_sha256),
	    "key_type", json_text(x->key_type), "key_bits", x->key_bits,
	    "signature", json_text(x->signature));
}

struct json_t *
probereport_rules_json(const struct probereport_rules *r)
{
	json_t *j;

	j = json_pack("{s:o, s:o, s:o, s:s, s:b, s:o}", "judged",
	    json_text(r->what), "nexthop", json_text(r->nexthop), "gateway",
	    json_text(r->gateway), "fault", fault_text(r->fault), "passed",
	    r->fault == FAULT_OK, "detail", json_text(r->detail));
	if (j == NULL)
		abort();
	if (r->v == NULL)
		return j;
	json_object_set_new(j, "delivers", json_boolean(r->v->delivers));
	json_object_set_new(j, "smallest_step",
	    r->v->step < LEVEL_SECURE ? json_text(level_name(r->v->step))
				      : json_null());
	json_object_set_new(j, "days_left",
	    r->v->days_known ? json_integer(r->v->days_left) : json_null());
	json_object_set_new(j, "rules", rules(r->v));
	json_object_set_new(j, "certificate", certificate(r->v));
	return j;
}
