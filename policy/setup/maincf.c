#include "maincf.h"

#include <stdlib.h>
#include <strings.h>

#include "buf.h"
#include "sidemap.h"
#include "mem.h"
#include "postconf.h"
#include "target.h"

/* --- Lists and tables ---------------------------------------------------- */

bool
maincf_has(const char *list, const char *want)
{
	struct span rest = maincf_text(list), word;

	while (postconf_word(&rest, &word))
		if (span_same(word, maincf_text(want)))
			return true;
	return false;
}

char *
maincf_table(const char *map_path)
{
	struct span s = maincf_text(map_path);

	if (s.n > 4 && span_ends(s, ".cdb"))
		s.n -= 4;
	return mem_printf("cdb:%.*s", SPAN_ARG(s));
}

/* The table behind what only passes on: proxy:, and debug: of Postfix 3.11. */
static struct span
table_itself(struct span table)
{
	for (;;)
		if (span_begins(table, "proxy:") ||
		    span_begins(table, "debug:"))
			table = span_skip(table, 6);
		else
			return table;
}

char *
maincf_bare_table(const char *table)
{
	return mem_printf("%.*s", SPAN_ARG(table_itself(maincf_text(table))));
}

bool
maincf_is_table(struct span table, const char *ours)
{
	return span_same(table_itself(table), maincf_text(ours));
}

bool
maincf_is_socketmap(struct span table, const char *setting, const char *root)
{
	const char *name;

	table = table_itself(table);
	if (!span_begins(table, "socketmap:"))
		return false;
	table = span_skip(table, 10);
	if ((name = memrchr(table.p, ':', table.n)) == NULL)
		return false;
	table.n = (size_t)(name - table.p);
	return maincf_is_service(table, setting, root);
}

/* --- Sockets ------------------------------------------------------------- */

const char *
maincf_socket_path(const char *setting)
{
	if (setting == NULL || strncmp(setting, "inet:", 5) == 0)
		return NULL;
	return strncmp(setting, "unix:", 5) == 0 ? setting + 5 : setting;
}

/* Host and port of "inet:host:port", brackets taken off; false if not. */
static bool
inet_parts(struct span s, struct span *host, struct span *port)
{
	const char *colon;

	if (!span_begins(s, "inet:"))
		return false;
	s = span_skip(s, 5);
	*port = s;
	*host = maincf_text("localhost");
	if ((colon = memrchr(s.p, ':', s.n)) == NULL) /* inet:port */
		return true;
	*host = (struct span){s.p, (size_t)(colon - s.p)};
	*port = span_skip(s, host->n + 1);
	if (host->n >= 2 && *host->p == '[' && span_ends(*host, "]"))
		*host = (struct span){host->p + 1, host->n - 2};
	return true;
}

static bool
is_any_host(struct span host)
{
	return span_is(host, "0.0.0.0") || span_is(host, "::");
}

static bool
is_host(struct span a, struct span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

bool
maincf_is_loopback(struct span host)
{
	return is_host(host, maincf_text("localhost")) ||
	       span_begins(host, "127.") || span_is(host, "::1");
}

char *
maincf_service(const char *setting, const char *root)
{
	const char *path = maincf_socket_path(setting);
	size_t n = strlen(root);
	struct span host, port;

	if (path == NULL)
		return inet_parts(maincf_text(setting), &host, &port) &&
			       is_any_host(host)
			   ? mem_printf("inet:127.0.0.1:%.*s", SPAN_ARG(port))
			   : mem_dup(setting);
	while (n > 1 && root[n - 1] == '/')
		n--;
	if (n > 0 && strncmp(path, root, n) == 0 && path[n] == '/')
		path += n + 1;
	return mem_printf("unix:%s", path);
}

bool
maincf_is_service(struct span service, const char *setting, const char *root)
{
	struct span host, port, ours, at;
	const char *path = maincf_socket_path(setting);
	char *name;
	bool same;

	if (setting == NULL || *setting == '\0')
		return false;
	name = maincf_service(setting, root);
	same = span_same(service, maincf_text(name));
	free(name);
	if (same)
		return true;
	if (path != NULL)
		return span_begins(service, "unix:") &&
		       span_same(span_skip(service, 5), maincf_text(path));
	if (!inet_parts(service, &host, &port) ||
	    !inet_parts(maincf_text(setting), &ours, &at) ||
	    !span_same(port, at))
		return false;
	return is_host(host, ours) || is_any_host(ours) ||
	       (maincf_is_loopback(host) &&
		   is_host(ours, maincf_text("localhost"))) ||
	       (maincf_is_loopback(ours) &&
		   is_host(host, maincf_text("localhost")));
}

/* --- How tlspactd is asked ----------------------------------------------- */

const char *const asking_lists[] = {
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",
    NULL,
};

static bool
is_refusal(struct span word)
{
	return span_is(word, "reject") || span_is(word, "defer");
}

bool
asking_is_guard(struct span word)
{
	return span_is(word, "reject_unauth_destination") ||
	       span_is(word, "defer_unauth_destination") || is_refusal(word);
}

/* The words of "{ unix:x, timeout=10s }" or of "unix:x". */
static struct span
inner(struct span word)
{
	return word.n > 1 && *word.p == '{' && span_ends(word, "}")
		   ? (struct span){word.p + 1, word.n - 2}
		   : word;
}

static void
take_service(struct span word, struct asking *a)
{
	struct span rest = inner(word), part;

	*a = (struct asking){0};
	(void)postconf_word(&rest, &a->service);
	while (postconf_word(&rest, &part))
		if (span_begins(part, "timeout="))
			a->timeout = span_skip(part, 8);
		else if (span_begins(part, "default_action="))
			a->action = span_skip(part, 15);
}

bool
asking_find(
    const char *list, const char *setting, const char *root, struct asking *a)
{
	struct span rest = maincf_text(list), word;
	bool guarded = false, ended = false;

	while (postconf_word(&rest, &word)) {
		guarded = guarded || asking_is_guard(word);
		ended = ended || span_is(word, "permit") || is_refusal(word);
		if (!span_is(word, "check_policy_service") ||
		    !postconf_word(&rest, &word))
			continue;
		take_service(word, a);
		if (maincf_is_service(a->service, setting, root)) {
			a->guarded = guarded;
			a->unreached = ended;
			return true;
		}
	}
	*a = (struct asking){0};
	return false;
}

/* "{ unix:x, timeout=10s, default_action=A }", what else is said kept. */
static void
put_service(struct buf *out, struct span word, const char *action)
{
	struct span rest = inner(word), part;

	buf_puts(out, "{ ");
	while (postconf_word(&rest, &part))
		if (!span_begins(part, "default_action="))
			buf_printf(out, "%.*s, ", SPAN_ARG(part));
	buf_printf(out, "default_action=%s }", action);
}

/* As the list has it: a comma would part a word from its argument. */
static const char *
separator(const char *from, struct span word)
{
	return memchr(from, ',', (size_t)(word.p - from)) == NULL ? " " : ", ";
}

char *
asking_rewrite(
    const char *list, const char *setting, const char *root, const char *action)
{
	struct span rest = maincf_text(list), word;
	struct buf out = {0};
	const char *from = rest.p;
	struct asking a;
	bool next = false;

	buf_puts(&out, "");
	while (postconf_word(&rest, &word)) {
		if (out.len > 0)
			buf_puts(&out, separator(from, word));
		from = word.p + word.n;
		if (next)
			take_service(word, &a);
		if (next && maincf_is_service(a.service, setting, root))
			put_service(&out, word, action);
		else
			buf_add(&out, word.p, word.n);
		next = span_is(word, "check_policy_service");
	}
	return buf_take(&out);
}

char *
asking_add(const char *list, const char *ours, bool behind)
{
	struct span rest = maincf_text(list), word;
	const char *from = NULL;
	struct buf out = {0};

	buf_puts(&out, behind ? "" : ours);
	while (postconf_word(&rest, &word)) {
		if (out.len > 0)
			buf_puts(
			    &out, from == NULL ? ", " : separator(from, word));
		buf_add(&out, word.p, word.n);
		from = word.p + word.n;
		if (behind && span_has(word, "_unauth_destination")) {
			buf_printf(&out, ", %s", ours);
			behind = false;
			from = NULL;
		}
	}
	return buf_take(&out);
}

char *
asking_words(const char *setting, const char *root, unsigned version)
{
	char *service = maincf_service(setting, root), *words;

	words = version >= TARGET_VERSION(3, 0)
		    ? mem_printf("check_policy_service { %s, timeout=10s, "
				 "default_action=%s }",
			  service,
			  dead_can_close(version) ? SIDEMAP_CLASS : "DUNNO")
		    : mem_printf("check_policy_service %s", service);
	free(service);
	return words;
}

/* --- What is done while it does not answer -------------------------------- */

bool
dead_can_close(unsigned version)
{
	/* Regular expressions in main.cf itself. */
	return version >= TARGET_VERSION(3, 7);
}

/* The list of classes with ours at its end. */
static char *
classes_with_ours(const char *have)
{
	static const char *const ours[] = {SIDEMAP_CLASS, SIDEMAP_BOUNCE};
	struct buf out = {0};
	size_t i;

	buf_puts(&out, have);
	for (i = 0; i < 2; i++)
		if (!maincf_has(have, ours[i]))
			buf_printf(
			    &out, "%s%s", out.len == 0 ? "" : ", ", ours[i]);
	return buf_take(&out);
}

void
dead_lines(const char *classes, const char *inbound_map, bool shown,
    struct dead_line out[DEAD_LINES])
{
	char *table = maincf_table(inbound_map);
	const char *d = shown ? "$" : "$$";

	out[0] = (struct dead_line){
	    DEAD_CLASSES, classes_with_ours(classes == NULL ? "" : classes)};
	/*
	 * The whole address comes first, so that "=domain" is found, or not,
	 * before Postfix goes up from the domain.
	 */
	out[1] = (struct dead_line){SIDEMAP_CLASS,
	    mem_printf("check_sender_access unionmap:{%s, "
		       "pipemap:{regexp:{{/@([^@]+)%s/ =%s1}}, %s}}",
		table, d, d, table)};
	out[2] = (struct dead_line){SIDEMAP_BOUNCE,
	    mem_printf(
		"check_client_access pipemap:{regexp:{{/(.+)/ g=%s1}}, %s}", d,
		table)};
	free(table);
}
