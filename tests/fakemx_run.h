/*
 * fakemx_run.h: start tests/tools/fakemx and find its ports. Included once
 * by a unit test; the tool is found through the build folder in B.
 */
#ifndef FAKEMX_RUN_H
#define FAKEMX_RUN_H

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "mem.h"

#define FAKEMX_MAX 64

struct fakemx {
	pid_t pid;
	size_t n;
	struct {
		char mode[32];
		struct sockaddr_in sa;
	} at[FAKEMX_MAX];
};

/* A new key and certificates for it in path: leaf and extra more behind. */
static inline void
fakemx_pem(const char *path, int extra)
{
	static EVP_PKEY *key; /* one for all: it takes long under valgrind */
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (key == NULL)
		key = EVP_RSA_gen(2048);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"mx.example", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_version(cert, X509_VERSION_3);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	for (; extra >= 0; extra--)
		PEM_write_X509(f, cert);
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
}

/*
 * Run fakemx with specs, each `ADDR:PORT MODE [PEM]`, NULL after the last.
 * pem is for those without.
 */
static inline void
fakemx_start(struct fakemx *f, const char *pem, const char *const specs[])
{
	char path[1024], line[256], addr[64], mode[32];
	const char *b = getenv("B");
	int in[2], out[2];
	unsigned port;
	FILE *r;
	size_t i;

	memset(f, 0, sizeof(*f));
	(void)snprintf(
	    path, sizeof(path), "%s/tools/fakemx", b == NULL ? "build" : b);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	if ((f->pid = fork()) == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execl(path, "fakemx", "-p", pem, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	for (i = 0; specs[i] != NULL; i++) {
		(void)!write(in[1], specs[i], strlen(specs[i]));
		(void)!write(in[1], "\n", 1);
	}
	close(in[1]);
	assert_non_null(r = fdopen(out[0], "r"));
	while (fgets(line, sizeof(line), r) != NULL &&
	       strcmp(line, "ready\n") != 0) {
		if (sscanf(line, "listening %63s %u %31s", addr, &port, mode) !=
			3 ||
		    f->n == FAKEMX_MAX)
			fail_msg("fakemx says %s", line);
		memcpy(f->at[f->n].mode, mode, sizeof(mode));
		f->at[f->n].sa.sin_family = AF_INET;
		f->at[f->n].sa.sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, addr, &f->at[f->n].sa.sin_addr);
		f->n++;
	}
	if (strcmp(line, "ready\n") != 0)
		fail_msg("cannot run %s", path);
	fclose(r);
}

/* The address of the first server of that mode. */
static inline const struct sockaddr *
fakemx_addr(const struct fakemx *f, const char *mode)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->at[i].mode, mode) == 0)
			return (const struct sockaddr *)&f->at[i].sa;
	fail_msg("no server of mode %s", mode);
	return NULL;
}

static inline void
fakemx_stop(struct fakemx *f)
{
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
}

/* How many descriptors are open. */
static inline size_t
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

#endif
