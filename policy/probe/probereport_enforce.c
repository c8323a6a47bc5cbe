#include "probereport.h"

#include <string.h>

#include "buf.h"
#include "num.h"
#include "probeplan.h"
#include "registry.h"

#define WIDTH 72 /* columns of a letter */

/* Two sentences as an item of a list, broken into lines. */
static void
put_item(struct buf *out, const char *what, const char *advice)
{
	const char *part[] = {what, advice};
	size_t col = 5, len, i;
	const char *s;

	buf_puts(out, "    -");
	for (i = 0; i < 2; i++)
		for (s = part[i]; *s != '\0'; s += len + (s[len] == ' ')) {
			len = strcspn(s, " ");
			if (col + 1 + len > WIDTH && col > 6) {
				buf_puts(out, "\n     ");
				col = 5;
			}
			buf_putc(out, ' ');
			buf_add(out, s, len);
			col += 1 + len;
		}
	buf_putc(out, '\n');
}

/* What the other side can do about it. */
static const char *
remedy(enum fault f)
{
	switch (f) {
	case FAULT_EXPIRED:
		return "Renew the certificate.";
	case FAULT_NOT_YET_VALID:
		return "Check the dates of the certificate.";
	case FAULT_NAME_MISMATCH:
	case FAULT_COMMON_NAME_MISMATCH:
		return "Use a certificate that carries the gateway's name, or "
		       "tell us which name it will carry.";
	case FAULT_UNTRUSTED_ISSUER:
		return "Use a certificate of a public CA and send all "
		       "intermediate certificates with it, or tell us your "
		       "CA.";
	case FAULT_SELF_SIGNED:
		return "Use a certificate of a public CA, or tell us your "
		       "CA.";
	case FAULT_WRONG_ISSUER:
		return "Use a certificate of the agreed CA, or tell us the "
		       "new one.";
	case FAULT_WRONG_PURPOSE:
		return "Use a certificate whose extended key usage includes "
		       "TLS server authentication.";
	case FAULT_WEAK_KEY:
		return "Use RSA keys of 2048 bits or more, or EC keys.";
	case FAULT_WEAK_SIGNATURE:
		return "Use a certificate that is signed with SHA-256.";
	case FAULT_NO_STARTTLS:
	case FAULT_STARTTLS_REFUSED:
		return "Switch STARTTLS on, and let no firewall take it out "
		       "of the EHLO reply.";
	case FAULT_PROTOCOL_TOO_OLD:
		return "Enable TLS 1.2 or 1.3.";
	case FAULT_HANDSHAKE_FAILED:
		return "Check protocols, ciphers and certificate of the TLS "
		       "server.";
	case FAULT_NO_CERTIFICATE:
		return "Give the gateway a certificate.";
	case FAULT_KEY_CHANGED:
		return "Tell us the digest of the new public key.";
	case FAULT_NO_TLSA:
	case FAULT_DANE_MISMATCH:
		return "Publish a TLSA record for the certificate in use, in "
		       "a zone signed by DNSSEC.";
	case FAULT_NO_MX:
	case FAULT_DNS_FAILED:
		return "Check the DNS of the domain and of its gateways.";
	case FAULT_INJECTED:
		return "Find out what adds plain text behind the reply to "
		       "STARTTLS.";
	case FAULT_LOCAL_ERROR:
		return "Nothing: the fault is on our side, and we have to look "
		       "again.";
	default:
		return "Check that the gateway answers to everybody.";
	}
}

static void
put_facts(const struct proberow *row, struct buf *out)
{
	char when[NUM_TIME_MAX];

	buf_printf(out, "  %s", probereport_gateway(row));
	if (row->address[0] != '\0')
		buf_printf(out, " [%s]", row->address);
	if (row->port != 25 && row->address[0] != '\0')
		buf_printf(out, " port %u", row->port);
	if (row->fault == FAULT_OK)
		buf_puts(out, ": ready");
	else
		buf_printf(out, ": not ready (%s)", fault_text(row->fault));
	if (row->tls)
		buf_printf(out, ", %s", row->protocol);
	if (row->not_after != 0)
		buf_printf(out, ", certificate valid until %.10s",
		    num_time_text(row->not_after, when));
	buf_putc(out, '\n');
}

/* Sentences about CAs name our files: those are said without them. */
static const char *
sentence(const struct proberow_rule *rule)
{
	switch (rule->id) {
	case CERTRULE_CA:
	case CERTRULE_SELF_SIGNED:
		return fault_description(rule->fault);
	default:
		return rule->sentence;
	}
}

static void
put_missing(const struct proberow *row, struct buf *out)
{
	enum fault last = FAULT_OK;
	size_t i;

	put_facts(row, out);
	if (row->fault == FAULT_OK)
		return;
	for (i = 0; i < row->nrules; i++) {
		const struct proberow_rule *rule = &row->rule[i];

		if (rule->state != CERTRULE_FAIL || rule->fault == last)
			continue;
		last = rule->fault;
		put_item(out, sentence(rule), remedy(rule->fault));
	}
	if (row->fault != row->cert_fault || !row->has_cert)
		put_item(
		    out, fault_description(row->fault), remedy(row->fault));
}

static const char *
domain_of(const struct proberow *row)
{
	return row->target->nexthop;
}

static void
put_mail(const struct probereport *r, size_t begin, size_t end, size_t bad,
    const char *from, struct buf *out)
{
	char when[NUM_TIME_MAX];
	size_t i;

	buf_printf(
	    out, "To the postmaster of %s:\n\n", domain_of(r->row[begin]));
	buf_printf(out,
	    "we would like to exchange mail with you over TLS only, and to\n"
	    "check the certificates of your mail gateways. On %.10s we "
	    "looked\nat them from %s:\n\n",
	    num_time_text(r->now, when), from);
	for (i = begin; i < end; i++)
		if (!probereport_repeats(r, begin, i))
			put_missing(r->row[i], out);
	if (bad == 0)
		buf_puts(out,
		    "\nNothing is missing on your side. Please tell "
		    "us before the names or the CA\nof your gateways' "
		    "certificates change.\n");
	else
		buf_puts(out, "\nPlease tell us when this is done; until then "
			      "mail goes on as before.\n");
}

/* Nothing is known of some gateway: no letter, which would not be true. */
static void
put_ours(const struct probereport *r, size_t begin, size_t end, struct buf *out)
{
	size_t i;

	buf_puts(out, "not known, the fault is on our side\n\n");
	for (i = begin; i < end; i++)
		if (r->row[i]->fault == FAULT_LOCAL_ERROR)
			put_item(out, domain_of(r->row[i]), r->row[i]->detail);
}

void
probereport_enforce(
    const struct probereport *r, const char *from, struct buf *out)
{
	size_t i, k, end, bad, ours;

	for (i = 0; i < r->n; i = end) {
		end = probereport_group(r, i);
		for (bad = ours = 0, k = i; k < end; k++) {
			bad += r->row[k]->fault != FAULT_OK;
			ours += r->row[k]->fault == FAULT_LOCAL_ERROR;
		}
		if (ours > 0) {
			buf_printf(out, "%s%s: ", i == 0 ? "" : "\n",
			    probereport_name(r->row[i]));
			put_ours(r, i, end, out);
			continue;
		}
		buf_printf(out, "%s%s: %s\n\n", i == 0 ? "" : "\n",
		    probereport_name(r->row[i]),
		    bad == 0 ? "yes, could be enforced today"
			     : "no, cannot be enforced today");
		put_mail(r, i, end, bad, from, out);
	}
	if (r->n == 0)
		buf_puts(out, "No gateway was looked at.\n");
}
