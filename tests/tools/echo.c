/*
 * echo: the least that a server on epoll can do, to measure others by.
 *
 *	echo SOCKET ANSWER
 *
 * Whatever a client sends, it gets ANSWER (\n is a newline), and nothing is
 * looked at.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS 64

static size_t
unescape(char *s)
{
	char *to = s, *p;

	for (p = s; *p != '\0'; p++)
		if (p[0] == '\\' && p[1] == 'n') {
			*to++ = '\n';
			p++;
		} else {
			*to++ = *p;
		}
	return (size_t)(to - s);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct epoll_event ev = {.events = EPOLLIN}, got[EVENTS];
	static char bytes[16384];
	int listener, ep = epoll_create1(0), n, i, fd;
	size_t len;
	ssize_t r;

	if (argc != 3 || strlen(argv[1]) >= sizeof(at.sun_path))
		error(64, 0, "usage: echo SOCKET ANSWER");
	(void)strcpy(at.sun_path, argv[1]);
	(void)unlink(argv[1]);
	len = unescape(argv[2]);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(listener, 1024) == -1 || ep == -1)
		error(1, errno, "%s", argv[1]);
	ev.data.fd = listener;
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
	while ((n = epoll_wait(ep, got, EVENTS, -1)) >= 0)
		for (i = 0; i < n; i++) {
			if (got[i].data.fd == listener) {
				fd = accept4(
				    listener, NULL, NULL, SOCK_NONBLOCK);
				ev.data.fd = fd;
				(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				continue;
			}
			r = read(got[i].data.fd, bytes, sizeof(bytes));
			if (r <= 0 ||
			    write(got[i].data.fd, argv[2], len) != (ssize_t)len)
				close(got[i].data.fd);
		}
	error(1, errno, "epoll_wait");
}
