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
	bool made_directory; /* of the socket file: it was missing */
	char *path; /* of a socket file made by us, to be removed; or NULL */
	int lock;   /* of that file; -1: none */
};

/* What the socket file is to look like. */
struct listener_file {
	mode_t mode;
	const char *group; /* "": leave it */
	const char *user;  /* who serves it later, if we are root; "": root */
};

/* NULL if text can be an address, else what is wrong, behind `"x" `. */
const char *listener_check(const char *text);

/*
 * Listen on address: take over the socket that systemd handed over for it, or
 * under that FileDescriptorName; else make one. A UNIX socket's directory is
 * made if it is missing: by root for the user and the group of the file (2750),
 * else as ours (0755). A socket file that nobody serves is replaced.
 * 0, or -1 with *e set: 75 if another process serves it, 73 or 77 if it cannot
 * be made, 69 if a host cannot be found or the address cannot be used, 78 if
 * there is no such group or user.
 */
int listener_open(struct listener *l, const char *address, const char *name,
    const struct listener_file *file, struct err *e);

/*
 * Connect to who listens on address, for a question: a blocking descriptor, on
 * which each call waits timeout_ms at most. -1 with *e set: 66 if there is no
 * such socket, 77 if we may not, 69 if nobody listens.
 */
int listener_connect(const char *address, int timeout_ms, struct err *e);

/* Close, and remove the socket file if we made it. */
void listener_close(struct listener *l);

#endif
