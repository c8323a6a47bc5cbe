#include "sending.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "wiring.h"

struct sending {
	const struct postconf *c;
	const struct map_facts *map;
	struct findings *out;
};

static const char *
get(const struct sending *s, const char *name)
{
	return postconf_text(s->c, s->out->service, name);
}

static bool
is_yes(const struct sending *s, const char *name)
{
	return strcmp(get(s, name), "yes") == 0;
}

/* --- EHLO and STARTTLS ---------------------------------------------------- */

#define HELD                                                            \
	"mail to enforced partners is held, and that to others leaves " \
	"in clear text"

static bool
is_starttls(struct span word)
{
	return word.n == 8 && strncasecmp(word.p, "starttls", 8) == 0;
}

/* A list of EHLO words; the fix leaves the others. */
static void
check_discard(struct sending *s)
{
	static const char name[] = "smtp_discard_ehlo_keywords";
	struct span rest = maincf_text(get(s, name)), word;
	struct buf fix = {0};
	const char *comma = "";
	bool found = false;

	buf_printf(&fix, "postconf -e '%s =", name);
	while (maincf_next(&rest, &word)) {
		if (is_starttls(word)) {
			found = true;
			continue;
		}
		buf_printf(&fix, "%s %.*s", comma, SPAN_ARG(word));
		comma = ",";
	}
	buf_putc(&fix, '\'');
	if (found)
		findings_add(s->out, FINDING_FAULT, name, fix.data,
		    "%s has starttls: " HELD, name);
	buf_free(&fix);
}

static void
check_ehlo(struct sending *s)
{
	check_discard(s);
	if (is_yes(s, "smtp_never_send_ehlo"))
		findings_add(s->out, FINDING_FAULT, "smtp_never_send_ehlo",
		    "postconf -e 'smtp_never_send_ehlo = no'",
		    "smtp_never_send_ehlo is yes, and HELO knows no "
		    "STARTTLS: " HELD);
	else if (strcmp(get(s, "smtp_always_send_ehlo"), "no") == 0)
		findings_add(s->out, FINDING_FAULT, "smtp_always_send_ehlo",
		    "postconf -e 'smtp_always_send_ehlo = yes'",
		    "smtp_always_send_ehlo is no: with gateways whose greeting "
		    "does not say ESMTP there is no STARTTLS, and " HELD);
}

/* --- Ciphers -------------------------------------------------------------- */

/* The list as Postfix makes it for a mandatory level of that grade. */
static char *
cipher_list(const struct sending *s, const char *list)
{
	static const char *const excludes[] = {
	    "smtp_tls_exclude_ciphers", "smtp_tls_mandatory_exclude_ciphers"};
	struct buf out = {0};
	struct span rest, word, part;
	size_t i;

	buf_puts(&out, get(s, list));
	for (i = 0; i < 2; i++) {
		rest = maincf_text(get(s, excludes[i]));
		while (maincf_next(&rest, &word))
			while (word.n > 0) {
				part = span_cut(&word, ':');
				if (part.n > 0)
					buf_printf(
					    &out, ":!%.*s", SPAN_ARG(part));
			}
	}
	buf_puts(&out, ":!aNULL");
	return buf_take(&out);
}

/* Which kinds of certificates TLS 1.2 can have with the list. */
static void
list_serves(const char *list, bool *rsa, bool *ecdsa)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	STACK_OF(SSL_CIPHER) * all;
	const SSL_CIPHER *x;
	int i;

	*rsa = *ecdsa = ctx == NULL;
	if (ctx == NULL)
		return;
	if (SSL_CTX_set_cipher_list(ctx, list) == 1) {
		all = SSL_CTX_get_ciphers(ctx);
		for (i = 0; i < sk_SSL_CIPHER_num(all); i++) {
			x = sk_SSL_CIPHER_value(all, i);
			/* Older ones with keys of RSA alone are rare. */
			if (SSL_CIPHER_get_kx_nid(x) != NID_kx_ecdhe)
				continue;
			*rsa |= SSL_CIPHER_get_auth_nid(x) == NID_auth_rsa;
			*ecdsa |= SSL_CIPHER_get_auth_nid(x) == NID_auth_ecdsa;
		}
	}
	SSL_CTX_free(ctx);
}

/* The parameter that leaves them out: the first without which it is well. */
static const char *
culprit(const struct sending *s, const char *list)
{
	bool rsa, ecdsa;

	list_serves(get(s, list), &rsa, &ecdsa);
	if (!rsa || !ecdsa)
		return list;
	return *get(s, "smtp_tls_mandatory_exclude_ciphers") != '\0'
		   ? "smtp_tls_mandatory_exclude_ciphers"
		   : "smtp_tls_exclude_ciphers";
}

static void
check_ciphers(struct sending *s)
{
	/* The two grades that the rows of a map ask for. */
	static const char *const grades[] = {
	    "tls_medium_cipherlist", "tls_high_cipherlist"};
	bool rsa, ecdsa;
	const char *name;
	char *list, *fix;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (*get(s, grades[i]) == '\0')
			continue;
		list = cipher_list(s, grades[i]);
		list_serves(list, &rsa, &ecdsa);
		free(list);
		if (rsa && ecdsa)
			continue;
		name = culprit(s, grades[i]);
		fix = *name == 't' ? mem_printf("postconf -X %s", name)
				   : mem_printf("postconf -e '%s ='", name);
		findings_add(s->out, FINDING_FAULT, name, fix,
		    "%s is %s: with gateways of TLS 1.2 and %s certificate no "
		    "handshake comes about, mail to enforced partners there is "
		    "held",
		    name, quotes(get(s, name)).s,
		    !rsa && !ecdsa ? "any"
		    : rsa	   ? "an ECDSA"
				   : "an RSA");
		free(fix);
	}
}

/* --- Mail that comes back ------------------------------------------------- */

/*
 * RFC 8689: what its sender marks so goes over verified TLS to servers that
 * announce the same, or back to him.
 */
static void
check_requiretls(struct sending *s)
{
	static const char name[] = "smtp_requiretls_policy";
	struct span rest = maincf_text(get(s, name)), first;
	char *ours;

	/* Without a word for the next-hop it is enforced. */
	(void)maincf_next(&rest, &first);
	if (s->map->rows + s->map->requiretls == 0 ||
	    !is_yes(s, "requiretls_enable"))
		return;
	if (s->map->requiretls > 0) {
		ours = maincf_table(s->map->requiretls_map);
		if (!maincf_is_table(first, ours))
			findings_add(s->out, FINDING_FAULT, name,
			    "put it in front, as tlspact-setup apply does",
			    "%s does not begin with %s, so that what the "
			    "registry has for %zu domain%s is not obeyed",
			    name, ours, s->map->requiretls,
			    num_plural(s->map->requiretls));
		free(ours);
		return;
	}
	if (span_is(first, "opportunistic") || span_is(first, "disable"))
		return;
	findings_add(s->out, FINDING_NOTE, "requiretls_enable",
	    "leave it, if senders are to have this; else say "
	    "default requiretls=opportunistic in the registry",
	    "requiretls_enable is yes: mail that its sender marks with "
	    "REQUIRETLS is returned, not held, while the TLS of an enforced "
	    "partner fails, and while it is lowered below key");
}

void
sending_check(
    const struct postconf *c, const struct map_facts *map, struct findings *out)
{
	struct sending s = {.c = c, .map = map, .out = out};

	check_ehlo(&s);
	check_ciphers(&s);
	check_requiretls(&s);
}
