/*
 * listener.h: sockets to listen on: made by ourselves, or handed over by
 * systemd (sd_listen_fds(3)).
 *
 * An address is written as in Postfix: `unix:/path` or just `/path`,
 * `inet:host:port`, with an IPv6 host in brackets.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

#define LISTENER_BACKLOG 1024

struct listener {
	int fd;	   /* non-blocking, listening; -1: closed */
	bool inet; /* not a UNIX socket */
	bool inherited;
	char *path; /* of a socket file made by us, to be removed; or NULL */
	int lock;   /* of that file; -1: none */
};

/* What the socket file is to look like. */
struct listener_file {
	mode_t mode;
	gid_t group; /* (gid_t)-1: leave it */
};

/* NULL if text can be an address, else what is wrong, behind `"x" `. */
const char *listener_check(const char *text);

/*
 * Listen on address. A UNIX socket's directory is made if it is missing
 * (0755); a socket file that nobody serves is replaced. 0, or -1 with *e
 * set: 75 if another process serves it, 73 or 77 if it cannot be made, 69
 * if a host cannot be found or the address cannot be used.
 */
int listener_open(struct listener *l, const char *address,
    const struct listener_file *file, struct err *e);

/*
 * Take over the socket that systemd handed over for address, or under that
 * FileDescriptorName. True if there is one; the environment stays as it is.
 */
bool listener_inherit(
    struct listener *l, const char *address, const char *name);

/*
 * The next client, non-blocking and close-on-exec, or -1 with errno set
 * (EAGAIN: nobody waits).
 */
int listener_accept(const struct listener *l);

/* Close, and remove the socket file if we made it. */
void listener_close(struct listener *l);

#endif
