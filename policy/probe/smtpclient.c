#include "smtpclient.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/ssl.h>

#include "buf.h"
#include "dname.h"
#include "err.h"
#include "mem.h"
#include "postconf.h"
#include "starttls.h"
#include "tlsversion.h"

#define SERVICE "smtp/unix"
#define SEPARATORS " ,\t\r\n"

#define LEVEL "smtp_tls_security_level"

/* What the prober does in one of these ways, whatever main.cf says. */
static const struct {
	const char *name, *usual;
} fixed[] = {
    {LEVEL, "none may dane encrypt"},
    {"smtp_host_lookup", "dns"},
    {"smtp_discard_ehlo_keyword_address_maps", ""},
    {"smtp_pix_workaround_maps", ""},
    {"smtp_always_send_ehlo", "yes"},
    {"smtp_never_send_ehlo", "no"},
    {"smtp_reply_filter", ""},
    {"smtp_tls_block_early_mail_reply", "no"},
};

/* Does the list hold the word? */
static bool
holds(const char *list, const char *word)
{
	size_t n;

	for (; *(list += strspn(list, SEPARATORS)) != '\0'; list += n) {
		n = strcspn(list, SEPARATORS);
		if (n == strlen(word) && strncasecmp(list, word, n) == 0)
			return true;
	}
	return false;
}

/* The same words, each behind before. */
static void
put_words(struct buf *b, const char *before, const char *list)
{
	size_t n;

	for (; *(list += strspn(list, SEPARATORS ":")) != '\0'; list += n) {
		n = strcspn(list, SEPARATORS ":");
		buf_puts(b, before);
		buf_add(b, list, n);
	}
}

/* Those that this OpenSSL knows, as Postfix passes over the others. */
static char *
known_curves(const char *list)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct buf words = {0}, out = {0};
	char *word, *rest;

	buf_puts(&words, "");
	buf_puts(&out, "");
	put_words(&words, " ", list);
	for (rest = words.data; (word = strsep(&rest, " ")) != NULL;)
		if (*word != '\0' && ctx != NULL &&
		    SSL_CTX_set1_curves_list(ctx, word))
			buf_printf(&out, "%s%s", out.len > 0 ? ":" : "", word);
	SSL_CTX_free(ctx);
	buf_free(&words);
	return buf_take(&out);
}

/* The level of those without a row; what says it before Postfix 2.3, too. */
static const char *
level_of(const struct postconf *p)
{
	const char *level = postconf_get(p, SERVICE, LEVEL);

	if (level == NULL || *level != '\0')
		return level;
	if (strcmp(postconf_text(p, SERVICE, "smtp_enforce_tls"), "yes") == 0)
		return "encrypt";
	return strcmp(postconf_text(p, SERVICE, "smtp_use_tls"), "yes") == 0
		   ? "may"
		   : level;
}

const char *
smtpclient_unlike(const struct postconf *p, size_t *at, const char **value)
{
	const char *name;

	for (; *at < sizeof(fixed) / sizeof(fixed[0]); ++*at) {
		name = fixed[*at].name;
		*value = strcmp(name, LEVEL) == 0
			     ? level_of(p)
			     : postconf_get(p, SERVICE, name);
		if (*value == NULL || **value == '\0' ||
		    strcmp(*value, fixed[*at].usual) == 0 ||
		    holds(fixed[*at].usual, *value))
			continue;
		++*at;
		return name;
	}
	return NULL;
}

static void
put_unlike(const struct postconf *p, struct buf *b)
{
	const char *name, *value;
	size_t at = 0;

	buf_puts(b, "");
	while ((name = smtpclient_unlike(p, &at, &value)) != NULL)
		buf_printf(b,
		    "%s = %s: Postfix does otherwise than this probe\n", name,
		    value);
}

static char *
excluded(const struct postconf *p, const char *more)
{
	struct buf b = {0};

	buf_puts(&b, "");
	put_words(
	    &b, ":!", postconf_text(p, SERVICE, "smtp_tls_exclude_ciphers"));
	if (more != NULL)
		put_words(&b, ":!", postconf_text(p, SERVICE, more));
	return buf_take(&b);
}

static char *
curves(const struct postconf *p)
{
	struct buf b = {0};
	char *known;

	buf_printf(&b, "%s %s",
	    postconf_text(p, SERVICE, "tls_eecdh_auto_curves"),
	    postconf_text(p, SERVICE, "tls_ffdhe_auto_groups"));
	known = known_curves(b.data);
	buf_free(&b);
	return known;
}

/* A list of ciphers of main.cf, or usual if there is none. */
static char *
cipher_list(const struct postconf *p, const char *name, const char *usual)
{
	const char *list = postconf_text(p, SERVICE, name);

	return mem_dup(*list == '\0' ? usual : list);
}

/*
 * TLS to opportunistic partners. Rows say `may`; without one it is the level
 * of main.cf, which can be a mandatory one, with settings of its own.
 */
static void
read_may(struct smtpclient *c, const struct postconf *p, bool rows)
{
	const char *level = level_of(p), *text;
	enum tls_version lowest, highest;
	bool mandatory = !rows && level != NULL && *level != '\0' &&
			 !holds("none may dane", level);

	c->exclude = excluded(
	    p, mandatory ? "smtp_tls_mandatory_exclude_ciphers" : NULL);
	text = postconf_text(p, SERVICE,
	    mandatory ? "smtp_tls_mandatory_ciphers" : "smtp_tls_ciphers");
	c->high_for_may = strcasecmp(text, "high") == 0;
	text = postconf_text(p, SERVICE,
	    mandatory ? "smtp_tls_mandatory_protocols" : "smtp_tls_protocols");
	if (!tls_version_range(text, strlen(text), &lowest, &highest))
		return;
	if (lowest > TLS_1_0)
		c->min_proto = tls_version_number(lowest);
	if (highest < TLS_VERSIONS - 1)
		c->max_proto = tls_version_number(highest);
}

static void
read_addresses(struct smtpclient *c, const struct postconf *p)
{
	const char *text = postconf_text(p, SERVICE, "inet_protocols");

	c->ipv4 = holds(text, "all") || holds(text, "ipv4");
	c->ipv6 = holds(text, "all") || holds(text, "ipv6");
	text = postconf_text(p, SERVICE, "smtp_bind_address");
	if (inet_pton(AF_INET, text, &c->from4.sin_addr) == 1)
		c->from4.sin_family = AF_INET;
	text = postconf_text(p, SERVICE, "smtp_bind_address6");
	if (inet_pton(AF_INET6, text, &c->from6.sin6_addr) == 1)
		c->from6.sin6_family = AF_INET6;
}

void
smtpclient_read(struct smtpclient *c, const char *helo_name, bool rows)
{
	struct postconf p = {0};
	struct buf unlike = {0};
	struct err e;
	bool known = postconf_read(&p, NULL, false, &e) == 0;

	*c = (struct smtpclient){.ipv4 = true,
	    .ipv6 = true,
	    .min_proto = TLS1_VERSION,
	    .servername =
		mem_dup(postconf_text(&p, SERVICE, "smtp_tls_servername")),
	    .medium = cipher_list(
		&p, "tls_medium_cipherlist", STARTTLS_CIPHERS_MEDIUM),
	    .high =
		cipher_list(&p, "tls_high_cipherlist", STARTTLS_CIPHERS_HIGH),
	    .exclude_mandatory =
		excluded(&p, "smtp_tls_mandatory_exclude_ciphers")};
	if (*helo_name == '\0')
		helo_name = postconf_text(&p, SERVICE, "smtp_helo_name");
	c->helo = dname_helo(helo_name);
	put_unlike(&p, &unlike);
	c->unlike = buf_take(&unlike);
	read_may(c, &p, rows);
	if (known) {
		c->curves = curves(&p);
		c->no_starttls = holds(
		    postconf_text(&p, SERVICE, "smtp_discard_ehlo_keywords"),
		    "starttls");
		c->keep_esmtp =
		    !holds(postconf_text(&p, SERVICE, "smtp_pix_workarounds"),
			"disable_esmtp");
		read_addresses(c, &p);
	}
	c->wrapped = strcmp(postconf_text(&p, SERVICE, "smtp_tls_wrappermode"),
			 "yes") == 0;
	postconf_release(&p);
}

void
smtpclient_release(struct smtpclient *c)
{
	free(c->helo);
	free(c->servername);
	free(c->curves);
	free(c->medium);
	free(c->high);
	free(c->exclude);
	free(c->exclude_mandatory);
	free(c->unlike);
}
