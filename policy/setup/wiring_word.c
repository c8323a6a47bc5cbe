/*
 * Lists, tables and sockets as main.cf writes them.
 */
#include <stdlib.h>
#include <string.h>

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

char *
wiring_socket_of(const char *path, const char *queue_directory)
{
	size_t n = strlen(queue_directory);

	if (n > 0 && strncmp(path, queue_directory, n) == 0 && path[n] == '/')
		path += n + 1;
	return mem_dup(path);
}

bool
wiring_is_our_socketmap(const struct client *k, const char *table)
{
	const char *path = k->map->socketmap_socket;
	char *inside;
	size_t n;
	bool ours;

	if (path == NULL || *path == '\0')
		return false;
	if (strncmp(table, "proxy:", 6) == 0)
		table += 6;
	if (strncmp(table, "socketmap:unix:", 15) != 0)
		return false;
	table += 15;
	inside = wiring_socket_of(path, wiring_get(k, "queue_directory"));
	n = strlen(inside);
	ours = strncmp(table, inside, n) == 0 && table[n] == ':';
	free(inside);
	n = strlen(path);
	return ours || (strncmp(table, path, n) == 0 && table[n] == ':');
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
