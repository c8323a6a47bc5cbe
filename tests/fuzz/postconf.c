/*
 * reaches: lib/postfix/postconf.c:take_values
 *   lib/postfix/postconf.c:take_services lib/postfix/postconf.c:find_option
 *   lib/postfix/postmap.c:postmap_take lib/postfix/postmap.c:postmap_get
 *   lib/postfix/postconf.c:postconf_word policy/setup/wiring.c:check_discard
 *   policy/setup/wiring.c:check_ciphers policy/setup/wiring.c:culprit
 *   policy/setup/wiring.c:wiring_check
 *   policy/probe/smtpclient.c:smtpclient_unlike
 *   policy/core/tlsversion.c:tls_version_range
 *
 * The input is what postconf(1) says with -x, -Px and -M, and postmap(1) of a
 * table, a line of "%" between each.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "mapfacts.h"
#include "mem.h"
#include "postconf.h"
#include "postmap.h"
#include "smtpclient.h"
#include "tlsversion.h"
#include "wiring.h"

#define PARTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
readable(const char *path, const char *owner)
{
	(void)owner;
	return *path == '/' ? 0 : 2;
}

static bool
same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static int
opens(const char *root, const char *path, const char *user)
{
	(void)root;
	(void)user;
	return *path == '/' ? 0 : 13;
}

/* The parts of the input, each a string of its own. */
static void
cut(const uint8_t *data, size_t size, char *part[PARTS])
{
	const char *p = (const char *)data, *end = p + size, *mark;
	size_t i, n;

	for (i = 0; i < PARTS; i++) {
		mark = i + 1 < PARTS && p < end
			   ? memmem(p, (size_t)(end - p), "\n%\n", 3)
			   : NULL;
		n = (size_t)((mark == NULL ? end : mark + 1) - p);
		part[i] = mem_zero(n + 1, 1);
		if (n > 0)
			memcpy(part[i], p, n);
		p = mark == NULL ? end : mark + 3;
	}
}

static void
look(const struct postconf *c, const struct map_facts *map)
{
	enum tls_version lowest, highest;
	struct findings out = {0};
	const char *value;
	size_t i, at;

	wiring_check(c, map, readable, same, opens, &out);
	for (i = 0; i < c->nservices; i++) {
		out.service = c->service[i].name;
		at = 0;
		while (smtpclient_unlike(c, out.service, &at, &value) != NULL)
			if (value == NULL)
				abort();
		value = postconf_text(c, out.service, "smtp_tls_protocols");
		if (tls_version_range(
			value, strlen(value), &lowest, &highest) &&
		    lowest > highest)
			abort();
		if (strchr(out.service, '/') == NULL ||
		    postconf_command(c, out.service) == NULL)
			abort();
	}
	for (i = 0; i < out.n; i++)
		if (*out.v[i].what == '\0' || *out.v[i].where == '\0')
			abort();
	findings_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct map_facts map = {.path = "/var/lib/tlspact/policy.cdb",
	    .inbound_map = "/var/lib/tlspact/policy-inbound.cdb",
	    .requiretls_map = "/var/lib/tlspact/policy-requiretls.cdb",
	    .ca_file = "/ca.pem",
	    .policy_socket = "inet:127.0.0.1:8462",
	    .socketmap_socket = "inet:127.0.0.1:8461",
	    .rows = 3,
	    .system_ca = 1,
	    .dane = 1,
	    .pinned = 1,
	    .inbound = 1};
	struct postconf c = {0};
	struct postmap table;
	char *part[PARTS];
	size_t i;

	if (size > 65536)
		return 0;
	cut(data, size, part);
	for (i = 0; i < 3; i++)
		c.text[i] = part[i];
	postconf_parse(&c);
	look(&c, &map);
	postconf_release(&c);
	postmap_take(&table, part[3]);
	for (i = 0; i < table.n; i++)
		if (postmap_get(&table, table.v[i].key) == NULL)
			abort();
	postmap_release(&table);
	return 0;
}
