/*
 * mkchain DIR [PORT]: the certificates of tests/shapes.h as files, and as
 * SMTP servers.
 *
 * Writes DIR/NAME.pem (chain), DIR/NAME.key, DIR/NAME.trust and DIR/index,
 * a line each: NAME PORT secure|fingerprint ca|ta yes|no FAULT PIN NAMES...
 * where yes means that our own rules say: Postfix would deliver. With PORT
 * it then serves shape i at 127.0.0.1:PORT+i by STARTTLS, says "ready" on
 * stdout, and ends when its stdin does.
 */
#include "certrule.h"
#include "err.h"
#include "shapemake.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "mkchain: %s: %s\n", what, why);
	exit(1);
}

static FILE *
create(const char *dir, const char *name, const char *suffix)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	if ((f = fopen(path, "w")) == NULL)
		die(path, strerror(errno));
	return f;
}

static void
finish(FILE *f)
{
	if (fclose(f) != 0)
		die("write", strerror(errno));
}

static void
index_line(FILE *f, const struct shape *s, const struct shape_made *m, int port,
    time_t now)
{
	struct x509_store *store;
	STACK_OF(X509) * c;
	struct certrules r;
	struct certverdict v;
	struct err why = {0};
	const char *pin;
	size_t i;

	store = x509_store_parse(m->is_ta ? X509_ANCHORS : X509_ROOTS, m->trust,
	    strlen(m->trust), s->name, &why);
	c = x509_chain_parse(m->chain, strlen(m->chain), &why);
	if (store == NULL || c == NULL)
		die(s->name, why.text);
	shape_rules(s, m, store, &pin, now, &r);
	if (certrule_judge(c, &r, &v, &why) == -1)
		die(s->name, why.text);
	(void)fprintf(f, "%s %d %s %s %s %s %s", s->name, port,
	    s->verify == CERTRULE_BY_KEY ? "fingerprint" : "secure",
	    m->is_ta ? "ta" : "ca", v.delivers ? "yes" : "no",
	    fault_text(v.fault), m->pin);
	for (i = 0; i < r.ngateway; i++)
		(void)fprintf(f, " %s", r.gateway[i]);
	(void)fprintf(f, "\n");
	sk_X509_pop_free(c, X509_free);
	x509_store_free(store);
}

static void
write_shape(const char *dir, const struct shape *s, const struct shape_made *m)
{
	FILE *f = create(dir, s->name, ".pem");

	(void)fputs(m->chain, f);
	finish(f);
	f = create(dir, s->name, ".trust");
	(void)fputs(m->trust, f);
	finish(f);
	f = create(dir, s->name, ".key");
	mk_want(PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL, NULL),
	    "key file");
	finish(f);
}

static SSL_CTX *
server_ctx(const char *dir, const char *name)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char path[4096];

	mk_want(ctx != NULL, "SSL_CTX");
	SSL_CTX_set_security_level(ctx, 0);
	(void)snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
	if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1) {
		ERR_print_errors_fp(stderr);
		die(path, "OpenSSL does not take it");
	}
	(void)snprintf(path, sizeof(path), "%s/%s.key", dir, name);
	if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
		die(path, "OpenSSL does not take it");
	return ctx;
}

/* What to answer to one command line. */
static const char *
reply(const char *line, bool tls)
{
	if (strncasecmp(line, "EHLO", 4) == 0)
		return tls ? "250 fake\r\n" : "250-fake\r\n250 STARTTLS\r\n";
	if (strncasecmp(line, "STARTTLS", 8) == 0)
		return "220 go ahead\r\n";
	if (strncasecmp(line, "QUIT", 4) == 0)
		return "221 bye\r\n";
	return "250 ok\r\n";
}

/* One client, plain and then in TLS. */
static void
serve(int fd, SSL_CTX *ctx)
{
	static const char hello[] = "220 fake ESMTP\r\n";
	char line[1024];
	SSL *ssl = NULL;
	const char *r;
	size_t n = 0;

	(void)alarm(20);
	if (write(fd, hello, sizeof(hello) - 1) == -1)
		return;
	while (n < sizeof(line) - 1) {
		if ((ssl != NULL ? SSL_read(ssl, line + n, 1)
				 : (int)read(fd, line + n, 1)) <= 0)
			break;
		if (line[n++] != '\n')
			continue;
		line[n] = '\0';
		n = 0;
		r = reply(line, ssl != NULL);
		if ((ssl != NULL ? SSL_write(ssl, r, (int)strlen(r))
				 : (int)write(fd, r, strlen(r))) <= 0 ||
		    strncmp(r, "221", 3) == 0)
			break;
		if (strncmp(r, "220", 3) != 0 || ssl != NULL)
			continue;
		ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) <= 0)
			break;
	}
	SSL_free(ssl);
}

static int
listener(int port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 16) == -1)
		die("port", strerror(errno));
	return fd;
}

static void
serve_all(SSL_CTX *const *ctx, int port)
{
	struct pollfd p[NSHAPES + 1];
	size_t i;
	int fd;

	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < NSHAPES; i++) {
		p[i].fd = listener(port + (int)i);
		p[i].events = POLLIN;
	}
	p[NSHAPES].fd = STDIN_FILENO;
	p[NSHAPES].events = POLLIN;
	(void)puts("ready");
	(void)fflush(stdout);
	while (poll(p, NSHAPES + 1, -1) > 0) {
		if (p[NSHAPES].revents != 0)
			return;
		for (i = 0; i < NSHAPES; i++) {
			if (p[i].revents == 0 ||
			    (fd = accept(p[i].fd, NULL, NULL)) == -1)
				continue;
			if (fork() == 0) {
				serve(fd, ctx[i]);
				_exit(0);
			}
			(void)close(fd);
		}
	}
}

int
main(int argc, char *argv[])
{
	SSL_CTX *ctx[NSHAPES] = {0};
	struct shape_world *w;
	struct shape_made m;
	int port = argc == 3 ? atoi(argv[2]) : 0;
	time_t now = time(NULL);
	FILE *f;
	size_t i;

	if (argc < 2 || argc > 3)
		die("usage", "mkchain dir [port]");
	w = shape_world(now);
	f = create(argv[1], "index", "");
	for (i = 0; i < NSHAPES; i++) {
		shape_make(&shapes[i], w, &m);
		write_shape(argv[1], &shapes[i], &m);
		index_line(f, &shapes[i], &m, port + (int)i, now);
		shape_free(&m);
		if (argc == 3)
			ctx[i] = server_ctx(argv[1], shapes[i].name);
	}
	finish(f);
	shape_world_free(w);
	if (argc == 3)
		serve_all(ctx, port);
	for (i = 0; i < NSHAPES; i++)
		SSL_CTX_free(ctx[i]);
	return 0;
}
