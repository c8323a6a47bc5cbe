/*
 * reaches: lib/dns/dname.c:dname_host lib/dns/dname.c:dname_gateway
 *   lib/dns/dname.c:dname_nexthop lib/dns/dname.c:bracketed
 *   lib/dns/dname.c:to_alabels lib/dns/dname.c:alabels_valid
 *   lib/dns/dname.c:dname_unicode
 *
 * Whatever comes in: what is accepted is letters, digits and hyphens only,
 * short enough, and its own normal form; what is refused has a phrase.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool good)
{
	if (!good)
		abort();
}

static void
check_labels(const char *s)
{
	size_t label = 0, i;

	need(strlen(s) <= DNAME_MAX);
	for (i = 0;; i++) {
		if (s[i] == '.' || s[i] == '\0') {
			need(i > label && i - label <= DNAME_LABEL_MAX);
			need(s[label] != '-' && s[i - 1] != '-');
			label = i + 1;
			if (s[i] == '\0')
				return;
			continue;
		}
		need((s[i] >= 'a' && s[i] <= 'z') ||
		     (s[i] >= '0' && s[i] <= '9') || s[i] == '-');
	}
}

static void
check_unicode(const char *s)
{
	char u[4 * DNAME_MAX + 2], buf[DNAME_NEXTHOP_MAX + 1];
	struct dname back;

	if (!dname_unicode(s, u, sizeof(u)))
		return;
	need(strstr(s, "xn--") != NULL);
	/* The way back leads to the same name; from a symbol there is none. */
	if (dname_nexthop(u, buf, &back) == NULL)
		need(strcmp(back.s, s) == 0 && back.alabel);
}

static void
check_phrase(const char *bad)
{
	need(*bad != '\0' && strlen(bad) <= DNAME_NEXTHOP_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* On the heap, so that a byte too many is seen. */
	char *s = malloc(size + 1), *buf = malloc(DNAME_NEXTHOP_MAX + 1);
	char *host = malloc(DNAME_MAX + 1),
	     *again = malloc(DNAME_NEXTHOP_MAX + 1);
	struct dname name, twice;
	const char *bad;

	if (size > 0)
		memcpy(s, data, size);
	s[size] = '\0';
	(void)dname_is_address(s);
	if ((bad = dname_host(s, host, &name)) == NULL)
		check_labels(name.s);
	else
		check_phrase(bad);
	if ((bad = dname_gateway(s, host, &name)) == NULL) {
		need(strlen(name.s) <= DNAME_MAX);
		need((*name.s == '.') == (name.kind == DNAME_SUFFIX));
		need(dname_gateway(name.s, again, &twice) == NULL);
		need(strcmp(name.s, twice.s) == 0);
	} else {
		check_phrase(bad);
	}
	if ((bad = dname_nexthop(s, buf, &name)) != NULL) {
		check_phrase(bad);
	} else {
		need(strlen(name.s) <= DNAME_NEXTHOP_MAX);
		need(strlen(name.s) == name.len);
		need(dname_nexthop(name.s, again, &twice) == NULL);
		need(name.kind == twice.kind && strcmp(name.s, twice.s) == 0);
		if (name.kind != DNAME_NEXTHOP) {
			need(!name.alabel || strstr(name.s, "xn--") != NULL);
			check_unicode(name.s);
		}
	}
	free(again);
	free(host);
	free(buf);
	free(s);
	return 0;
}
