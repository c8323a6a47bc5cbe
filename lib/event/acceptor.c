#include "acceptor.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"

void
acceptors_add(struct acceptors *as, const struct listener *l,
    struct conn_protocol *protocol)
{
	as->v[as->n++] =
	    (struct acceptor){.listener = *l, .protocol = protocol, .all = as};
}

static void
pause_all(struct acceptors *as, const char *why)
{
	size_t i;

	if (logline_may(&as->complaints, "clients that wait"))
		logline(LOGLINE_WARNING, "%zu clients; others have to wait: %s",
		    conns_count(as->conns), why);
	as->paused = true;
	for (i = 0; i < as->n; i++)
		(void)event_del(as->v[i].ev);
}

static void
take(struct acceptor *a)
{
	struct acceptors *as = a->all;
	int n, fd;

	for (n = 0; n < ACCEPTOR_BATCH; n++) {
		if (conns_full(as->conns)) {
			pause_all(as, "max_clients are there");
			return;
		}
		fd = listener_accept(&a->listener);
		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				pause_all(as, strerror(errno));
			return;
		}
		as->accepted++;
		conns_add(as->conns, fd, a->protocol);
	}
}

static void
on_client(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take(arg);
}

void
acceptors_start(struct acceptors *as, struct event_base *base, struct conns *cs)
{
	size_t i;

	as->conns = cs;
	for (i = 0; i < as->n; i++) {
		as->v[i].ev = event_new(base, as->v[i].listener.fd,
		    EV_READ | EV_PERSIST, on_client, &as->v[i]);
		(void)event_add(as->v[i].ev, NULL);
	}
}

void
acceptors_resume(struct acceptors *as)
{
	size_t i;

	if (!as->paused || conns_full(as->conns))
		return;
	as->paused = false;
	for (i = 0; i < as->n; i++)
		(void)event_add(as->v[i].ev, NULL);
}

void
acceptors_close(struct acceptors *as)
{
	size_t i;

	for (i = 0; i < as->n; i++) {
		/* Who waits in a queue of systemd's is for the next of us. */
		if (as->v[i].ev != NULL && !as->v[i].listener.inherited)
			take(&as->v[i]);
		if (as->v[i].ev != NULL)
			event_free(as->v[i].ev);
		listener_close(&as->v[i].listener);
	}
	as->n = 0;
	as->paused = false;
}
