/*
 * Lists, tables and sockets as main.cf writes them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "postconf.h"
#include "wiring_priv.h"

char *
wiring_first_word(const char *list, const char **rest)
{
	const char *p = list + strspn(list, ", \t\n"), *start = p;
	unsigned depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '{')
			depth++;
		else if (*p == '}' && depth > 0)
			depth--;
		else if (depth == 0 && strchr(", \t\n", *p) != NULL)
			break;
	}
	*rest = p + strspn(p, ", \t\n");
	return mem_printf("%.*s", (int)(p - start), start);
}

char *
wiring_table_of(const char *map_path)
{
	size_t n = strlen(map_path);

	if (n > 4 && strcmp(map_path + n - 4, ".cdb") == 0)
		n -= 4;
	return mem_printf("cdb:%.*s", (int)n, map_path);
}

bool
wiring_is_our_table(const char *table, const char *ours)
{
	if (strncmp(table, "proxy:", 6) == 0)
		table += 6;
	return strcmp(table, ours) == 0;
}

const char *
wiring_socket_path(const char *setting)
{
	if (setting == NULL || strncmp(setting, "inet:", 5) == 0)
		return NULL;
	return strncmp(setting, "unix:", 5) == 0 ? setting + 5 : setting;
}

/* Host and port of "inet:host:port", brackets taken off; false if not. */
static bool
inet_parts(const char *text, char **host, const char **port)
{
	const char *colon = strrchr(text, ':');
	int n;

	if (strncmp(text, "inet:", 5) != 0)
		return false;
	text += 5;
	if (colon < text) { /* inet:port */
		*host = mem_dup("localhost");
		*port = text;
		return true;
	}
	n = (int)(colon - text);
	*host = n >= 2 && text[0] == '[' && text[n - 1] == ']'
		    ? mem_printf("%.*s", n - 2, text + 1)
		    : mem_printf("%.*s", n, text);
	*port = colon + 1;
	return true;
}

static bool
is_any_host(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

bool
wiring_is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

char *
wiring_service_of(const char *setting, const char *queue_directory)
{
	const char *path = wiring_socket_path(setting), *port;
	size_t n = strlen(queue_directory);
	char *host, *service;

	if (path == NULL) {
		if (!inet_parts(setting, &host, &port))
			return mem_dup(setting);
		service = is_any_host(host)
			      ? mem_printf("inet:127.0.0.1:%s", port)
			      : mem_dup(setting);
		free(host);
		return service;
	}
	while (n > 1 && queue_directory[n - 1] == '/')
		n--;
	if (n > 0 && strncmp(path, queue_directory, n) == 0 && path[n] == '/')
		path += n + 1;
	return mem_printf("unix:%s", path);
}

bool
wiring_is_service(
    const char *service, const char *setting, const char *queue_directory)
{
	const char *path = wiring_socket_path(setting), *p1, *p2;
	char *ours, *h1, *h2;
	bool same;

	if (setting == NULL || *setting == '\0')
		return false;
	ours = wiring_service_of(setting, queue_directory);
	same = strcmp(service, ours) == 0 ||
	       (path != NULL && strncmp(service, "unix:", 5) == 0 &&
		   strcmp(service + 5, path) == 0);
	if (!same && path == NULL && inet_parts(service, &h1, &p1)) {
		if (inet_parts(setting, &h2, &p2)) {
			same = strcmp(p1, p2) == 0 &&
			       (strcasecmp(h1, h2) == 0 || is_any_host(h2) ||
				   (wiring_is_loopback(h1) &&
				       strcasecmp(h2, "localhost") == 0) ||
				   (wiring_is_loopback(h2) &&
				       strcasecmp(h1, "localhost") == 0));
			free(h2);
		}
		free(h1);
	}
	free(ours);
	return same;
}

bool
wiring_is_our_socketmap(const struct client *k, const char *table)
{
	const char *name;
	char *service;
	bool ours;

	if (strncmp(table, "proxy:", 6) == 0)
		table += 6;
	if (strncmp(table, "socketmap:", 10) != 0)
		return false;
	table += 10;
	if ((name = strrchr(table, ':')) == NULL)
		return false;
	service = mem_printf("%.*s", (int)(name - table), table);
	ours = wiring_is_service(service, k->map->socketmap_socket,
	    wiring_get(k, "queue_directory"));
	free(service);
	return ours;
}

void
wiring_check_socketmap(struct client *k, const char *table, size_t cdb_at)
{
	bool absolute = strncmp(table, "socketmap:unix:/", 16) == 0;

	if (absolute && k->chrooted)
		wiring_found(k, FINDING_FAULT, "smtp_tls_policy_maps",
		    "name the socket relative to queue_directory, or put "
		    "proxy: in front",
		    "%s: the service is chrooted and cannot reach that socket: "
		    "all mail is deferred",
		    table);
	else
		wiring_found(k, FINDING_NOTE, "smtp_tls_policy_maps",
		    "keep tlspactd running, or use the map: cdb: needs no "
		    "daemon",
		    "policies come from tlspactd (%s): while it is down, all "
		    "mail is deferred%s",
		    table,
		    cdb_at > 0 ? ", since an error ends the search" : "");
}
