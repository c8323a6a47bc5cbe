#include "fakepeer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "err.h"
#include "fdio.h"
#include "x509.h"

#define PATIENCE 10 /* seconds, with a client */
#define LINE_MAX_IN 1024
#define WRONG "another-name.invalid"

struct pair {
	EVP_PKEY *key;
	X509 *x;
};

/* --- Certificates ------------------------------------------------------- */

static bool
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	if ((ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)) == NULL)
		return false;
	ok = X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* ca NULL: one that signs itself, and others. Ends in so many days. */
static bool
certify(struct pair *p, const struct pair *ca, const char *name, long days)
{
	const struct pair *by = ca == NULL ? p : ca;
	X509_NAME *subject;
	char san[512];

	p->key = EVP_EC_gen("P-256");
	p->x = X509_new();
	if (p->key == NULL || p->x == NULL)
		return false;
	subject = X509_get_subject_name(p->x);
	(void)snprintf(san, sizeof(san), "DNS:%s", name);
	return X509_set_version(p->x, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(p->x),
		   (long)time(NULL) + (ca != NULL)) == 1 &&
	       X509_time_adj_ex(X509_getm_notBefore(p->x), -9, 0, NULL) !=
		   NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(p->x), (int)days, 0, NULL) !=
		   NULL &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		   (const unsigned char *)(ca == NULL ? name : "peer"), -1, -1,
		   0) == 1 &&
	       X509_set_issuer_name(p->x, X509_get_subject_name(by->x)) == 1 &&
	       X509_set_pubkey(p->x, p->key) == 1 &&
	       extend(p->x, by->x, NID_basic_constraints,
		   ca == NULL ? "critical,CA:TRUE" : "CA:FALSE") &&
	       (ca == NULL
		       ? extend(p->x, by->x, NID_key_usage, "keyCertSign")
		       : extend(p->x, by->x, NID_ext_key_usage, "serverAuth") &&
			     extend(p->x, by->x, NID_subject_alt_name, san)) &&
	       X509_sign(p->x, by->key, EVP_sha256()) > 0;
}

static bool
make_tls(enum fakepeer kind, const struct pair *ca, const char *name,
    struct x509_info *info, SSL_CTX **tls)
{
	struct pair other = {0}, leaf = {0};
	bool ok;

	*tls = SSL_CTX_new(TLS_server_method());
	ok = *tls != NULL &&
	     (kind != FAKEPEER_UNKNOWN_CA ||
		 certify(&other, NULL, "tlspact unknown CA", 2)) &&
	     certify(&leaf, kind == FAKEPEER_UNKNOWN_CA ? &other : ca,
		 kind == FAKEPEER_WRONG_NAME ? WRONG : name,
		 kind == FAKEPEER_EXPIRED ? -2 : 2) &&
	     SSL_CTX_use_certificate(*tls, leaf.x) == 1 &&
	     SSL_CTX_use_PrivateKey(*tls, leaf.key) == 1;
	if (ok)
		x509_info(leaf.x, info);
	EVP_PKEY_free(leaf.key);
	X509_free(leaf.x);
	EVP_PKEY_free(other.key);
	X509_free(other.x);
	return ok;
}

/* --- A session ---------------------------------------------------------- */

struct session {
	int fd;
	SSL *ssl; /* NULL: in the clear */
};

static bool
answer(struct session *s, const char *text)
{
	int n = (int)strlen(text);

	return (s->ssl != NULL ? SSL_write(s->ssl, text, n)
			       : (int)write(s->fd, text, (size_t)n)) == n;
}

/* One line without its end, cut to fit; false: there is none. */
static bool
hear(struct session *s, char line[LINE_MAX_IN])
{
	size_t n = 0;
	char c = '\0';

	while (s->ssl != NULL ? SSL_read(s->ssl, &c, 1) == 1
			      : read(s->fd, &c, 1) == 1) {
		if (c == '\n') {
			line[n > 0 && line[n - 1] == '\r' ? n - 1 : n] = '\0';
			return true;
		}
		if (n + 1 < LINE_MAX_IN)
			line[n++] = c;
	}
	return false;
}

static bool
take_data(struct session *s, char line[LINE_MAX_IN])
{
	if (!answer(s, "354 go on\r\n"))
		return false;
	while (hear(s, line))
		if (strcmp(line, ".") == 0)
			return answer(s, "250 2.0.0 taken\r\n");
	return false;
}

static void
converse(struct session *s, SSL_CTX *tls)
{
	char line[LINE_MAX_IN];
	bool on = answer(s, "220 peer.invalid ESMTP\r\n");

	while (on && hear(s, line)) {
		if (strncasecmp(line, "EHLO", 4) == 0)
			on = answer(s, tls == NULL || s->ssl != NULL
					   ? "250 peer.invalid\r\n"
					   : "250-peer.invalid\r\n250 "
					     "STARTTLS\r\n");
		else if (strcasecmp(line, "STARTTLS") == 0 && tls != NULL &&
			 s->ssl == NULL)
			on = answer(s, "220 2.0.0 go on\r\n") &&
			     (s->ssl = SSL_new(tls)) != NULL &&
			     SSL_set_fd(s->ssl, s->fd) == 1 &&
			     SSL_accept(s->ssl) == 1;
		else if (strcasecmp(line, "DATA") == 0)
			on = take_data(s, line);
		else if (strcasecmp(line, "QUIT") == 0)
			on = answer(s, "221 2.0.0 bye\r\n") && false;
		else
			on = answer(s, "250 2.0.0 well\r\n");
	}
}

static void
serve(int listener, SSL_CTX *tls)
{
	struct timeval patience = {.tv_sec = PATIENCE};
	struct session s = {.fd = accept(listener, NULL, NULL)};

	if (s.fd == -1)
		return;
	(void)setsockopt(
	    s.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(
	    s.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	converse(&s, tls);
	SSL_free(s.ssl);
	(void)close(s.fd);
}

/* --- All of them -------------------------------------------------------- */

static int
listen_at(uint16_t *port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	if (fd == -1 || bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(fd, SOMAXCONN) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		return -1;
	*port = ntohs(a.sin_port);
	return fd;
}

static bool
put_certificate(X509 *x, char pem[FAKEPEER_PEM_MAX])
{
	BIO *out = BIO_new(BIO_s_mem());
	int n = out != NULL && PEM_write_bio_X509(out, x) == 1
		    ? BIO_read(out, pem, FAKEPEER_PEM_MAX - 1)
		    : -1;

	BIO_free(out);
	pem[n > 0 ? n : 0] = '\0';
	return n > 0;
}

int
fakepeer_main(int fd, void *arg)
{
	struct pollfd at[FAKEPEER_KINDS + 1] = {{.fd = fd}};
	SSL_CTX *tls[FAKEPEER_KINDS] = {NULL};
	struct fakepeers said;
	struct x509_info info;
	struct pair ca = {0};
	int k;

	/* Padding goes over the wire, too. */
	memset(&said, 0, sizeof(said));
	if (!certify(&ca, NULL, "tlspact test CA", 2) ||
	    !put_certificate(ca.x, said.ca))
		return EX_SOFTWARE;
	for (k = 0; k < FAKEPEER_KINDS; k++) {
		if (k != FAKEPEER_NO_STARTTLS &&
		    !make_tls((enum fakepeer)k, &ca, arg, &info, &tls[k]))
			return EX_SOFTWARE;
		if (k == FAKEPEER_CONTROL)
			memcpy(said.pin, info.spki_sha256, sizeof(said.pin));
		at[k + 1].fd = listen_at(&said.port[k]);
		if (at[k + 1].fd == -1)
			return EX_UNAVAILABLE;
		at[k].events = POLLIN;
	}
	at[k].events = POLLIN;
	if (!fdio_write(fd, (const char *)&said, sizeof(said)))
		return EX_IOERR;
	while (poll(at, FAKEPEER_KINDS + 1, -1) > 0 && at[0].revents == 0)
		for (k = 0; k < FAKEPEER_KINDS; k++)
			if (at[k + 1].revents != 0)
				serve(at[k + 1].fd, tls[k]);
	return EX_OK;
}

int
fakepeer_ready(int fd, struct fakepeers *p, struct err *e)
{
	char *to = (char *)p;
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(*p)) {
		got = read(fd, to + n, sizeof(*p) - n);
		if (got <= 0)
			return err_set(e, EX_UNAVAILABLE,
			    "no servers can be made for the test");
		n += (size_t)got;
	}
	p->ca[sizeof(p->ca) - 1] = p->pin[sizeof(p->pin) - 1] = '\0';
	return 0;
}
