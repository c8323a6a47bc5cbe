#include "receiver.h"

#include <string.h>

#include "maincf.h"
#include "postconf.h"
#include "span.h"

/* Ports at which our own users send are no business of partners. */
static bool
is_submission(const char *service)
{
	static const char *const names[] = {"submission/inet",
	    "submissions/inet", "smtps/inet", "587/inet", "465/inet", NULL};
	const char *colon = strrchr(service, ':');
	size_t i;

	if (colon != NULL)
		service = colon + 1;
	for (i = 0; names[i] != NULL; i++)
		if (strcmp(service, names[i]) == 0)
			return true;
	return false;
}

/*
 * A filter hands mail back there: who sent it, and how, was asked where it
 * came in. Behind a proxy it comes from outside all the same.
 */
static bool
is_reinjection(const struct postconf *c, const char *service)
{
	const char *colon = strrchr(service, ':');
	struct span host = {service, strlen(service)};

	if (*postconf_text(c, service, "smtpd_upstream_proxy_protocol") != '\0')
		return false;
	if (colon == NULL)
		return strcmp(postconf_text(c, service, "inet_interfaces"),
			   "loopback-only") == 0;
	if (*service == '[')
		host = (struct span){service + 1, strcspn(service + 1, "]")};
	else
		host.n = (size_t)(colon - service);
	return maincf_is_loopback(host);
}

const struct postconf_service *
receiver_next(const struct postconf *c, size_t *at)
{
	const struct postconf_service *s;

	while ((s = postconf_next(c, at, "smtpd")) != NULL)
		if (!is_submission(s->name) && !is_reinjection(c, s->name))
			break;
	return s;
}

void
receiver_asking(const struct postconf *c, const char *service,
    const char *socket, struct asking *a)
{
	const char *root = postconf_text(c, service, "queue_directory"), *list;
	size_t i;

	for (i = 0; asking_lists[i] != NULL; i++) {
		list = postconf_text(c, service, asking_lists[i]);
		if (asking_find(list, socket, root, a)) {
			a->list = asking_lists[i];
			return;
		}
	}
	*a = (struct asking){0};
}

enum receiver_asks
receiver_asks(const struct postconf *c, const char *socket)
{
	enum receiver_asks all = RECEIVER_NONE;
	const struct postconf_service *s;
	struct asking a;
	size_t at = 0;

	while ((s = receiver_next(c, &at)) != NULL) {
		receiver_asking(c, s->name, socket, &a);
		if (a.list == NULL || a.unreached)
			return RECEIVER_ASKS_NOT;
		all = RECEIVER_ASKS;
	}
	return all;
}
