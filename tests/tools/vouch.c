/*
 * vouch: a resolver that vouches for all it is told.
 *
 *	vouch ADDR UPSTREAM
 *
 * Hands each question to ADDR:53 (UDP) on to UPSTREAM:53 and sets AD in the
 * answer, as a resolver that validates does. Prints `ready`; ends when killed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AD 0x20 /* in the fourth byte of a message */
#define PATIENCE_MS 2000

static struct sockaddr_in
address(const char *text)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(53)};

	if (inet_pton(AF_INET, text, &sa.sin_addr) != 1) {
		(void)fprintf(stderr, "vouch: bad address %s\n", text);
		exit(64);
	}
	return sa;
}

/* The answer of the server at up to the n bytes of question, in buf. */
static ssize_t
ask(const struct sockaddr_in *up, unsigned char *buf, size_t size, size_t n)
{
	struct pollfd p = {.events = POLLIN};
	ssize_t len = -1;

	p.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (p.fd == -1)
		return -1;
	if (connect(p.fd, (const struct sockaddr *)up, sizeof(*up)) == 0 &&
	    send(p.fd, buf, n, 0) == (ssize_t)n &&
	    poll(&p, 1, PATIENCE_MS) == 1)
		len = recv(p.fd, buf, size, 0);
	(void)close(p.fd);
	return len;
}

int
main(int argc, char *argv[])
{
	unsigned char buf[65535];
	struct sockaddr_in here, up, from;
	socklen_t len;
	ssize_t n;
	int fd;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: vouch ADDR UPSTREAM\n");
		return 64;
	}
	here = address(argv[1]);
	up = address(argv[2]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1) {
		perror("vouch");
		return 71;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		len = sizeof(from);
		n = recvfrom(
		    fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n < 4 || (n = ask(&up, buf, sizeof(buf), (size_t)n)) < 4)
			continue;
		buf[3] |= AD;
		(void)sendto(
		    fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}
