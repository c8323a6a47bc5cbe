#include "tablekey.h"

#include <stddef.h>

const char *
tablekey_unasked(struct span key)
{
	size_t i;

	if (span_is(key, "*"))
		return "Postfix asks for no \"*\", so that the row holds for "
		       "nobody: smtp_tls_security_level is for all others";
	if (span_begins(key, "*."))
		return "Postfix asks for no \"*\": what is below a domain is "
		       ".domain";
	if (span_begins(key, "/") || span_begins(key, "!"))
		return "a pattern; name the domains";
	if (span_chr(key, '@') < key.n)
		return "Postfix asks for domains, not for addresses";
	/* No mail gets as far as its policy for what is no host name. */
	for (i = 0; i < key.n; i++)
		if (strchr(" \t*/!\\^$(){}|<>\"'`,;", key.p[i]) != NULL)
			return "Postfix asks for domains and next-hops, and "
			       "this is neither";
	return NULL;
}
