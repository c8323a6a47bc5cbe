#include "judgekept.h"

#include <string.h>

#include "dname.h"
#include "err.h"
#include "registry.h"
#include "x509.h"

bool
judgekept_rests(enum fault f)
{
	switch (f) {
	case FAULT_OK:
	case FAULT_WRONG_ISSUER:
	case FAULT_COMMON_NAME_MISMATCH:
	case FAULT_EXPIRED:
	case FAULT_NOT_YET_VALID:
	case FAULT_WEAK_SIGNATURE:
	case FAULT_WRONG_PURPOSE:
	case FAULT_NAME_MISMATCH:
	case FAULT_WEAK_KEY:
	case FAULT_NO_TLSA:
	case FAULT_DANE_MISMATCH:
	case FAULT_KEY_CHANGED:
	case FAULT_UNTRUSTED_ISSUER:
	case FAULT_SELF_SIGNED:
	case FAULT_NO_CERTIFICATE:
		return true;
	default:
		return false;
	}
}

bool
judgekept(struct judge *j, const struct partner *p,
    const struct judgekept_look *look, struct judgement *out)
{
	struct judge_gateway by = {.attributes = p->attributes,
	    .gateway = p->gateway,
	    .level = partner_level(p),
	    .nexthop = look->nexthop,
	    .host = look->host,
	    .at = look->time};
	STACK_OF(X509) * c;
	struct nexthop hop;
	struct err e;
	bool known;

	if (p->attributes->verify == VERIFY_DANE ||
	    (c = x509_chain_parse(look->pem, strlen(look->pem), &e)) == NULL)
		return false;
	if (nexthop_parse(look->nexthop, &hop) == 0)
		by.nexthop = hop.name;
	known = judge_chain(j, &by, c, out, &e) == 0;
	if (known && by.level == LEVEL_OPPORTUNISTIC)
		out->fault = FAULT_OK;
	sk_X509_pop_free(c, X509_free);
	return known;
}
