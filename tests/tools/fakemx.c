/*
 * fakemx: SMTP servers that misbehave on purpose, any number in one process.
 *
 *	fakemx [-v] [-p PEM] [SPEC...] [<SPECS]
 *
 * A SPEC is `ADDR:PORT[*COUNT] MODE[=ARG] [PEM]`, one argument or one line
 * of standard input (read only if there are no arguments). ADDR is IPv4 or
 * [IPv6]; COUNT listens on that many addresses from ADDR upwards; port 0
 * takes a free port. PEM holds key and chain, leaf first; -p gives it to all
 * that name none. When all listen, it prints `listening ADDR PORT MODE` for
 * each and then `ready`. It ends when killed, or with -e when its standard
 * input ends. -v tells on stderr what happens.
 *
 * Modes are listed in fakemx_modes.h. All that speak accept mail, and
 * throw it away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "mem.h"
#include "num.h"
#include "fakemx_modes.h"
#include "fakemx_tls.h"

#define LINE_MAX_IN 2048

struct server {
	const struct mode *mode;
	unsigned megabytes;
	SSL_CTX *tls; /* shared by servers alike */
	char *pem;
	struct event *event;
	struct server *next;
	struct server *good; /* of one that is bad by turns: the good one */
	unsigned clients;
};

struct conn {
	const struct server *server;
	int fd;
	struct event *in;
	struct event *out;
	struct event *drip;
	SSL *ssl;
	bool shaken; /* handshake done */
	bool mute;
	bool close_when_sent;
	bool plain; /* the next bytes are answered with rubbish */
	bool data;  /* inside DATA */
	size_t flood_at;
	struct evbuffer *pending;
	size_t len;
	char line[LINE_MAX_IN + 1];
};

static struct event_base *base;
static struct server *servers;
static bool verbose;

static void on_in(evutil_socket_t fd, short what, void *arg);

static void
drop(struct conn *c)
{
	event_free(c->in);
	event_free(c->out);
	event_free(c->drip);
	evbuffer_free(c->pending);
	SSL_free(c->ssl);
	close(c->fd);
	ERR_clear_error();
	free(c);
}

/* Send what is pending. False if c is gone. */
static bool
push(struct conn *c)
{
	const struct mode *m = c->server->mode;
	unsigned char *p;
	ssize_t n;
	size_t len;

	for (;;) {
		if (m->flood != NULL && !m->drip)
			while (evbuffer_get_length(c->pending) < 8192)
				evbuffer_add(
				    c->pending, m->flood, strlen(m->flood));
		len = evbuffer_get_length(c->pending);
		if (len == 0)
			break;
		if (len > 16384)
			len = 16384;
		p = evbuffer_pullup(c->pending, (ssize_t)len);
		if (c->shaken)
			n = SSL_write(c->ssl, p, (int)len);
		else
			n = send(c->fd, p, len, MSG_NOSIGNAL);
		if (n <= 0) {
			if (c->shaken ? SSL_get_error(c->ssl, (int)n) !=
					    SSL_ERROR_WANT_WRITE
				      : errno != EAGAIN) {
				drop(c);
				return false;
			}
			event_add(c->out, NULL);
			return true;
		}
		evbuffer_drain(c->pending, (size_t)n);
	}
	if (c->close_when_sent) {
		if (c->shaken)
			SSL_shutdown(c->ssl);
		drop(c);
		return false;
	}
	return true;
}

static void
on_out(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)push(arg);
}

static void
on_drip(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = {0, DRIP_MS * 1000};
	struct conn *c = arg;
	const char *flood = c->server->mode->flood;

	(void)fd;
	(void)what;
	evbuffer_add(c->pending, flood + c->flood_at, 1);
	if (flood[++c->flood_at] == '\0')
		c->flood_at = 0;
	event_add(c->drip, &pause);
	(void)push(c);
}

static void
say(struct conn *c, const char *text)
{
	const char *p;

	if (!c->server->mode->bare_lf)
		evbuffer_add(c->pending, text, strlen(text));
	else
		for (p = text; *p != '\0'; p++)
			if (*p != '\r')
				evbuffer_add(c->pending, p, 1);
}

/* Do what the mode does at this point. True if that ends the talk. */
static bool
at_point(struct conn *c, enum point point)
{
	const struct mode *m = c->server->mode;

	if (m->close == point)
		c->close_when_sent = true;
	if (m->silent == point)
		c->mute = true;
	return m->close == point || m->silent == point;
}

static void
begin_tls(struct conn *c)
{
	if (c->server->tls == NULL)
		die("mode %s needs a PEM file", c->server->mode->name);
	c->ssl = SSL_new(c->server->tls);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_accept_state(c->ssl);
}

static void
ehlo(struct conn *c)
{
	const struct mode *m = c->server->mode;
	const char *instead = c->shaken ? m->ehlo_tls : m->ehlo;
	size_t n;

	if (at_point(c, c->shaken ? AT_EHLO_TLS : AT_EHLO))
		return;
	if (instead != NULL) {
		say(c, instead);
		return;
	}
	say(c, "250-fake.example greets you\r\n250-PIPELINING\r\n");
	if (m->big_ehlo)
		for (n = 0; n < (size_t)c->server->megabytes << 20; n += 16)
			say(c, "250-XFILLER-12\r\n");
	if (!c->shaken && m->keyword == NULL)
		say(c, "250-STARTTLS\r\n");
	else if (!c->shaken && *m->keyword != '\0') {
		say(c, "250-");
		say(c, m->keyword);
		say(c, "\r\n");
	}
	say(c, "250 8BITMIME\r\n");
}

static void
starttls(struct conn *c)
{
	const struct mode *m = c->server->mode;

	if (at_point(c, AT_STARTTLS))
		return;
	if (m->starttls != NULL) {
		say(c, m->starttls);
		return;
	}
	say(c, "220 2.0.0 go ahead\r\n");
	if (m->behind != NULL)
		say(c, m->behind);
	if (at_point(c, AFTER_220))
		return;
	if (m->plain != NULL) {
		c->plain = true;
		return;
	}
	if (!push(c))
		die("cannot send before TLS");
	begin_tls(c);
}

static void
command(struct conn *c)
{
	const char *line = c->line;

	if (verbose)
		fprintf(stderr, "%s: %s\n", c->server->mode->name, line);
	if (c->data) {
		if (strcmp(line, ".") != 0)
			return;
		c->data = false;
		say(c, "250 2.0.0 thrown away\r\n");
	} else if (strncasecmp(line, "EHLO ", 5) == 0)
		ehlo(c);
	else if (strncasecmp(line, "HELO ", 5) == 0)
		say(c, c->server->mode->helo != NULL ? c->server->mode->helo
						     : "250 2.0.0 ok\r\n");
	else if (strncasecmp(line, "STARTTLS", 8) == 0)
		starttls(c);
	else if (strncasecmp(line, "DATA", 4) == 0) {
		c->data = true;
		say(c, "354 end with a dot\r\n");
	} else if (strncasecmp(line, "QUIT", 4) == 0) {
		say(c, "221 2.0.0 bye\r\n");
		c->close_when_sent = true;
	} else
		say(c, "250 2.0.0 ok\r\n");
}

/* One read's worth of commands. False if c is gone. */
static bool
take(struct conn *c, const char *p, size_t len)
{
	size_t i;

	if (c->plain) {
		say(c, c->server->mode->plain);
		c->close_when_sent = true;
	}
	for (i = 0; i < len; i++) {
		if (c->mute || c->plain || c->close_when_sent)
			break;
		if (p[i] != '\n') {
			if (c->len < LINE_MAX_IN)
				c->line[c->len++] = p[i];
			continue;
		}
		if (c->len > 0 && c->line[c->len - 1] == '\r')
			c->len--;
		c->line[c->len] = '\0';
		c->len = 0;
		command(c);
	}
	return push(c);
}

static void
on_shaken(struct conn *c)
{
	if (verbose)
		fprintf(stderr, "%s: TLS, SNI %s\n", c->server->mode->name,
		    SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name));
	c->shaken = true;
	if (c->server->mode->wrapped)
		say(c, "220 fake.example ESMTP\r\n");
	if (c->server->mode->wrapped || at_point(c, AFTER_TLS))
		(void)push(c);
}

static void
on_in(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	char buf[4096];
	ssize_t n;
	int e;

	(void)what;
	if (c->ssl != NULL && !c->shaken) {
		n = SSL_accept(c->ssl);
		if (n == 1) {
			on_shaken(c);
			return;
		}
	} else if (c->ssl != NULL) {
		while ((n = SSL_read(c->ssl, buf, sizeof(buf))) > 0)
			if (!take(c, buf, (size_t)n))
				return;
	} else {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n > 0)
			(void)take(c, buf, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			drop(c);
		return;
	}
	e = SSL_get_error(c->ssl, (int)n);
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return;
	if (verbose)
		ERR_print_errors_fp(stderr);
	drop(c);
}

static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct server *s = arg;
	const struct mode *m = s->mode;
	struct sockaddr_in from = {0};
	socklen_t len = sizeof(from);
	struct conn *c;
	int fd, one = 1;

	(void)what;
	while ((fd = accept4(listener, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		len = sizeof(from);
		if (m->close == AT_ACCEPT) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = mem_zero(1, sizeof(*c));
		c->server = m->turns && s->clients++ % 2 == 0 ? s->good : s;
		c->fd = fd;
		c->pending = evbuffer_new();
		c->in = event_new(base, fd, EV_READ | EV_PERSIST, on_in, c);
		c->out = event_new(base, fd, EV_WRITE, on_out, c);
		c->drip = event_new(base, -1, 0, on_drip, c);
		event_add(c->in, NULL);
		if (verbose && from.sin_family == AF_INET)
			fprintf(stderr, "%s: from %s\n", m->name,
			    inet_ntoa(from.sin_addr));
		if (m->wrapped)
			begin_tls(c);
		else if (m->drip)
			on_drip(-1, 0, c);
		else if (m->flood != NULL)
			(void)push(c);
		else if (!at_point(c, AT_ACCEPT)) {
			say(c, m->greeting != NULL
				   ? m->greeting
				   : "220 fake.example ESMTP\r\n");
			(void)push(c);
		}
	}
	if (errno != EAGAIN && verbose)
		perror("fakemx: accept");
}

/* Fill the queue of a listener that never accepts, so that SYNs get lost. */
static void
fill_queue(const struct sockaddr *sa, socklen_t len)
{
	int fd, i;

	for (i = 0; i < 4; i++) {
		fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (fd == -1)
			die("socket: %s", strerror(errno));
		(void)connect(fd, sa, len); /* stays open till the end */
	}
}

/* The TLS settings of a server, shared with one of the same mode and PEM. */
static SSL_CTX *
get_tls(const struct mode *m, const char *pem)
{
	const struct server *s;

	for (s = servers; s != NULL; s = s->next)
		if (s->mode == m && s->pem != NULL && strcmp(s->pem, pem) == 0)
			return s->tls;
	return new_tls(m, pem);
}

static void
add_server(const struct sockaddr *sa, socklen_t len, const struct mode *m,
    unsigned megabytes, const char *pem)
{
	struct sockaddr_storage got;
	socklen_t got_len = sizeof(got);
	struct server *s = mem_zero(1, sizeof(*s));
	char text[INET6_ADDRSTRLEN];
	int fd, one = 1;

	s->mode = m;
	s->megabytes = megabytes;
	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, sa, len) == -1 ||
	    listen(fd, m->blackhole ? 0 : 1024) == -1)
		die("listen: %s", strerror(errno));
	if (getsockname(fd, (struct sockaddr *)&got, &got_len) == -1)
		die("getsockname: %s", strerror(errno));
	if (m->blackhole)
		fill_queue((struct sockaddr *)&got, got_len);
	else {
		s->event =
		    event_new(base, fd, EV_READ | EV_PERSIST, on_accept, s);
		event_add(s->event, NULL);
	}
	if (pem != NULL) {
		s->tls = get_tls(m, pem);
		s->pem = mem_dup(pem);
	}
	if (m->turns) {
		s->good = mem_zero(1, sizeof(*s));
		*s->good = (struct server){.mode = modes, .tls = s->tls};
	}
	s->next = servers;
	servers = s;
	inet_ntop(sa->sa_family,
	    sa->sa_family == AF_INET
		? (void *)&((struct sockaddr_in *)&got)->sin_addr
		: (void *)&((struct sockaddr_in6 *)&got)->sin6_addr,
	    text, sizeof(text));
	printf("listening %s %u %s\n", text,
	    ntohs(((struct sockaddr_in *)&got)->sin_port), m->name);
}

static const struct mode *
find_mode(char *word, unsigned *megabytes)
{
	char *arg = strchr(word, '=');
	uint64_t n = 10;
	size_t i;

	if (arg != NULL) {
		*arg++ = '\0';
		if (num_parse(arg, 1, 1000, &n) == -1)
			die("bad number %s", arg);
	}
	*megabytes = (unsigned)n;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, word) == 0)
			return &modes[i];
	die("no mode %s", word);
}

static void
add_spec(char *spec, const char *default_pem)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char *where, *mode, *pem, *port, *count, *save = NULL;
	const struct mode *m;
	uint64_t portnum, n = 1;
	unsigned mb;

	if ((where = strtok_r(spec, " \t", &save)) == NULL || *where == '#')
		return;
	if ((mode = strtok_r(NULL, " \t", &save)) == NULL)
		die("%s: no mode", where);
	pem = strtok_r(NULL, " \t", &save);
	m = find_mode(mode, &mb);
	if ((count = strchr(where, '*')) != NULL) {
		*count++ = '\0';
		if (num_parse(count, 1, 65536, &n) == -1)
			die("bad count %s", count);
	}
	if ((port = strrchr(where, ':')) == NULL)
		die("%s: no port", where);
	*port++ = '\0';
	if (num_parse(port, 0, 65535, &portnum) == -1)
		die("bad port %s", port);
	if (*where == '[') {
		where[strlen(where) - 1] = '\0';
		if (inet_pton(AF_INET6, where + 1, &v6.sin6_addr) != 1)
			die("bad address %s", where);
		v6.sin6_port = htons((uint16_t)portnum);
		add_server((struct sockaddr *)&v6, sizeof(v6), m, mb,
		    pem != NULL ? pem : default_pem);
		return;
	}
	if (inet_pton(AF_INET, where, &v4.sin_addr) != 1)
		die("bad address %s", where);
	v4.sin_port = htons((uint16_t)portnum);
	for (; n > 0; n--) {
		add_server((struct sockaddr *)&v4, sizeof(v4), m, mb,
		    pem != NULL ? pem : default_pem);
		v4.sin_addr.s_addr = htonl(ntohl(v4.sin_addr.s_addr) + 1);
	}
}

static void
on_stdin(evutil_socket_t fd, short what, void *arg)
{
	char buf[512];

	(void)what;
	(void)arg;
	if (read(fd, buf, sizeof(buf)) <= 0)
		event_base_loopbreak(base);
}

int
main(int argc, char *argv[])
{
	struct rlimit files;
	const char *pem = NULL;
	char *line = NULL;
	size_t size = 0;
	bool till_eof = false;
	int ch;

	while ((ch = getopt(argc, argv, "ep:v")) != -1)
		switch (ch) {
		case 'e':
			till_eof = true;
			break;
		case 'p':
			pem = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			die("usage: fakemx [-ev] [-p PEM] [SPEC...]");
		}
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if ((base = event_base_new()) == NULL)
		die("no event base");
	for (; optind < argc; optind++)
		add_spec(argv[optind], pem);
	if (servers == NULL)
		while (getline(&line, &size, stdin) != -1) {
			line[strcspn(line, "\n")] = '\0';
			add_spec(line, pem);
		}
	free(line);
	if (servers == NULL)
		die("nothing to do");
	printf("ready\n");
	fflush(stdout);
	if (till_eof)
		event_add(event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST,
			      on_stdin, NULL),
		    NULL);
	event_base_dispatch(base);
	return 0;
}
