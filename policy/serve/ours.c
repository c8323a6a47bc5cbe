#include "ours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "postconf.h"

static bool
is_missing(const char *path)
{
	return access(path, F_OK) == -1 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

/* One file of a list that is missing spoils all of them. */
static bool
has_chain(const char *list)
{
	char *copy = mem_dup(list), *save = NULL, *path;
	bool has = true;

	for (path = strtok_r(copy, ", \t\n", &save); path != NULL && has;
	     path = strtok_r(NULL, ", \t\n", &save))
		has = !is_missing(path);
	free(copy);
	return has;
}

static bool
has_certificate(const struct postconf *c, const char *service)
{
	static const char *const older[] = {"smtpd_tls_cert_file",
	    "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"};
	const char *v = postconf_text(c, service, "smtpd_tls_chain_files");
	size_t i;

	if (*v != '\0')
		return has_chain(v);
	for (i = 0; i < 3; i++) {
		v = postconf_text(c, service, older[i]);
		/* "none" is TLS without a certificate. */
		if (*v != '\0' && (strcmp(v, "none") == 0 || !is_missing(v)))
			return true;
	}
	return false;
}

static bool
offers_tls(const struct postconf *c, const char *service)
{
	const char *level =
	    postconf_text(c, service, "smtpd_tls_security_level");

	if (*level == '\0' &&
	    strcmp(postconf_text(c, service, "smtpd_use_tls"), "yes") != 0 &&
	    strcmp(postconf_text(c, service, "smtpd_enforce_tls"), "yes") != 0)
		return false;
	return strcmp(level, "none") != 0 && has_certificate(c, service);
}

static bool
asks_certificate(const struct postconf *c, const char *service)
{
	return strcmp(postconf_text(c, service, "smtpd_tls_ask_ccert"),
		   "yes") == 0 ||
	       strcmp(postconf_text(c, service, "smtpd_tls_req_ccert"),
		   "yes") == 0;
}

void
ours_take(struct ours *o, const struct postconf *c)
{
	const char *domain = postconf_text(c, NULL, "mydomain");
	const struct postconf_service *s;
	size_t at = 0, n = strlen(domain), servers = 0, offering = 0,
	       asking = 0;

	*o = (struct ours){0};
	if (strcmp(postconf_text(c, NULL, "append_dot_mydomain"), "yes") == 0 &&
	    n <= DNAME_MAX)
		memcpy(o->mydomain, domain, n);
	while ((s = postconf_next(c, &at, "smtpd")) != NULL) {
		servers++;
		offering += offers_tls(c, s->name);
		asking += asks_certificate(c, s->name);
	}
	o->no_tls = servers > 0 && offering == 0;
	o->unasked = servers > 0 && asking == 0;
	o->asked = servers > 0 && asking == servers;
}

int
ours_print(const char *dir, struct buf *out, struct err *e)
{
	struct postconf c;
	struct ours o;
	int rv;

	rv = postconf_read(&c, *dir == '\0' ? NULL : dir, false, e);
	if (rv == 0) {
		ours_take(&o, &c);
		buf_printf(out, "%d%d %s", o.no_tls, o.unasked, o.mydomain);
	}
	postconf_release(&c);
	return rv;
}

void
ours_parse(struct ours *o, const char *text, size_t len)
{
	*o = (struct ours){0};
	if (len < 3 || len - 3 > DNAME_MAX)
		return;
	o->no_tls = text[0] == '1';
	o->unasked = text[1] == '1';
	memcpy(o->mydomain, text + 3, len - 3);
}
