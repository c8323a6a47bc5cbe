#include "probereport.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "probeplan.h"

/* Text that came from outside may not be UTF-8 in the end: never NULL. */
static json_t *
text(const char *s)
{
	json_t *j = s == NULL || *s == '\0' ? json_null() : json_string(s);

	return j != NULL ? j : json_string("?");
}

static json_t *
when(time_t t)
{
	char buf[NUM_TIME_MAX];

	return t == 0 ? json_null() : json_string(num_time_text(t, buf));
}

static json_t *
dnssec(enum proberow_dnssec d)
{
	return d == PROBEROW_DNS_NONE ? json_null()
				      : json_boolean(d == PROBEROW_DNS_SECURE);
}

static json_t *
rules(const struct proberow *row)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < row->nrules; i++) {
		const struct proberow_rule *r = &row->rule[i];

		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b, s:o, s:o}", "rule",
			certrule_text(r->id), "verdict",
			certrule_state_text(r->state), "warning",
			r->state != CERTRULE_FAIL, "observed",
			text(r->observed), "sentence", text(r->sentence)));
	}
	return list;
}

static json_t *
certificate(const struct proberow *row)
{
	if (!row->has_cert)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "fault",
	    fault_text(row->cert_fault), "subject_cn", text(row->subject),
	    "issuer_cn", text(row->issuer), "not_after", when(row->not_after),
	    "days_left",
	    row->days_known ? json_integer(row->days_left) : json_null(),
	    "key_sha256", text(row->key), "key_since_last_pass",
	    row->same_key == CERTRULE_KEY_SAME	? "same"
	    : row->same_key == CERTRULE_KEY_NEW ? "new"
						: "unknown",
	    "rules", rules(row));
}

static json_t *
gateway(const struct proberow *row)
{
	json_t *g;

	g = json_pack("{s:o, s:s, s:o, s:o, s:i, s:o, s:s, s:s, s:b, s:b, "
		      "s:b}",
	    "partner",
	    row->target->partner == NULL ? json_null()
					 : text(row->target->name),
	    "nexthop", row->target->nexthop, "gateway", text(row->host),
	    "address", text(row->address), "port", (int)row->port, "time",
	    when(row->time), "level", level_name(row->target->level), "fault",
	    fault_text(row->fault), "passed", row->fault == FAULT_OK,
	    "would_pass_enforced", row->passed, "warning", row->warning);
	if (g == NULL)
		abort();
	json_object_set_new(g, "detail", text(row->detail));
	json_object_set_new(g, "mx_dnssec", dnssec(row->mx_dns));
	json_object_set_new(g, "address_dnssec", dnssec(row->host_dns));
	json_object_set_new(g, "tlsa_records", json_integer((int)row->tlsa));
	json_object_set_new(g, "sni", text(row->sni));
	json_object_set_new(g, "protocol", text(row->protocol));
	json_object_set_new(g, "cipher", text(row->cipher));
	json_object_set_new(g, "key_exchange", text(row->kex));
	json_object_set_new(g, "server_signature", text(row->sig));
	json_object_set_new(g, "injected", json_boolean(row->injected));
	json_object_set_new(g, "milliseconds", json_integer((int)row->ms));
	json_object_set_new(g, "certificate", certificate(row));
	return g;
}

static json_t *
partners(const struct probereport *r)
{
	json_t *list = json_array();
	size_t i, k, end, bad;

	for (i = 0; i < r->n; i = end) {
		end = probereport_group(r, i);
		for (bad = 0, k = i; k < end; k++)
			bad += r->row[k]->fault != FAULT_OK;
		json_array_append_new(list,
		    json_pack("{s:o, s:b, s:i, s:i}", "partner",
			text(probereport_name(r->row[i])), "passed", bad == 0,
			"gateways", (int)(end - i), "failed", (int)bad));
	}
	return list;
}

static json_t *
skipped(const struct probereport *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; r->plan != NULL && i < r->plan->nskip; i++)
		json_array_append_new(
		    list, json_pack("{s:o, s:o}", "partner",
			      text(r->plan->skip[i].name), "domain",
			      text(r->plan->skip[i].what)));
	return list;
}

static int
append(const char *p, size_t len, void *arg)
{
	buf_add(arg, p, len);
	return 0;
}

void
probereport_json(const struct probereport *r, int exit_code, struct buf *out)
{
	struct probereport_sum sum;
	json_t *root, *list = json_array();
	size_t i;

	probereport_sum(r, &sum);
	for (i = 0; i < r->n; i++)
		json_array_append_new(list, gateway(r->row[i]));
	root = json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o}",
	    "schema", "tlspact.probe.v1", "time", when(r->now), "exit_code",
	    exit_code, "looked_at", (int)sum.gateways, "failed",
	    (int)sum.failed, "warned", (int)sum.warned, "partners", partners(r),
	    "gateways", list, "not_looked_at", skipped(r));
	if (root == NULL)
		abort();
	(void)json_dump_callback(root, append, out, JSON_INDENT(2));
	buf_putc(out, '\n');
	json_decref(root);
}
