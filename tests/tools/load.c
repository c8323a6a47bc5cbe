/*
 * load: clients that ask as fast as they are answered, as Postfix does: one
 * request at a time on each connection.
 *
 *	load socketmap|policy SOCKET CONNECTIONS SECONDS DOMAINS
 *
 * Asks for d0.example to dN.example at random. Prints one line: requests a
 * second, errors, and latencies in microseconds.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64
#define SAMPLES (16u << 20)
#define REQUEST 2048

struct client {
	int fd;
	uint64_t sent;
};

static bool policy;
static uint64_t domains, errors;
static uint32_t *sample; /* nanoseconds */
static size_t nsamples;

static uint64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t
any(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % domains;
}

static const char head[] = "request=smtpd_access_policy\n"
			   "protocol_state=RCPT\n"
			   "protocol_name=ESMTP\n"
			   "client_address=192.0.2.17\n"
			   "client_name=mx1.partner.example\n"
			   "client_port=40312\n"
			   "reverse_client_name=mx1.partner.example\n"
			   "server_address=198.51.100.25\n"
			   "server_port=25\n"
			   "helo_name=mx1.partner.example\n"
			   "sender=someone.with.a.name@";
static const char tail[] = "\n"
			   "recipient=postmaster@ours.example\n"
			   "recipient_count=0\n"
			   "queue_id=\n"
			   "instance=";
static const char end[] = "\n"
			  "size=20480\n"
			  "etrn_domain=\n"
			  "stress=\n"
			  "sasl_method=\n"
			  "sasl_username=\n"
			  "sasl_sender=\n"
			  "ccert_subject=\n"
			  "ccert_issuer=\n"
			  "ccert_fingerprint=\n"
			  "ccert_pubkey_fingerprint=\n"
			  "encryption_protocol=TLSv1.3\n"
			  "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
			  "encryption_keysize=256\n"
			  "policy_context=\n"
			  "\n";

/* The digits of v, behind to. */
static char *
put_number(char *to, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return mempcpy(to, p, (size_t)(digits + sizeof(digits) - p));
}

static size_t
make_request(char *buf)
{
	static uint64_t instance;
	char key[64], *p;
	size_t n;

	p = mempcpy(key, "policy d", 8);
	p = put_number(p, any());
	p = mempcpy(p, ".example", 8);
	n = (size_t)(p - key);
	if (!policy) {
		p = put_number(buf, n);
		*p++ = ':';
		p = mempcpy(p, key, n);
		*p++ = ',';
		return (size_t)(p - buf);
	}
	p = mempcpy(buf, head, sizeof(head) - 1);
	p = mempcpy(p, key + 7, n - 7);
	p = mempcpy(p, tail, sizeof(tail) - 1);
	p = put_number(p, ++instance);
	p = mempcpy(p, end, sizeof(end) - 1);
	return (size_t)(p - buf);
}

static void
ask(struct client *c)
{
	char buf[REQUEST];
	size_t len = make_request(buf);

	c->sent = now();
	if (write(c->fd, buf, len) != (ssize_t)len)
		error(1, errno, "write");
}

static bool
is_good(const char *answer, size_t len)
{
	return policy ? len == 14 && memcmp(answer, "action=DUNNO\n\n", 14) == 0
		      : len > 10 && answer[len - 1] == ',' &&
			    memmem(answer, len, ":OK secure ", 11) != NULL;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(double p)
{
	size_t i = (size_t)(p * (double)(nsamples - 1));

	return nsamples == 0 ? 0 : sample[i] / 1000.0;
}

static void
receive(struct client *c, bool again)
{
	char answer[4096];
	ssize_t n = read(c->fd, answer, sizeof(answer));
	uint64_t took = now() - c->sent;

	if (n <= 0)
		error(1, 0, "the server has closed a connection");
	if (!is_good(answer, (size_t)n))
		errors++;
	if (nsamples < SAMPLES)
		sample[nsamples++] =
		    took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
	if (again)
		ask(c);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct epoll_event ev = {.events = EPOLLIN}, got[EVENTS];
	struct client *client;
	uint64_t begin, stop;
	int ep = epoll_create1(0), n, i, count, open;

	if (argc != 6 || strlen(argv[2]) >= sizeof(at.sun_path))
		error(64, 0,
		    "usage: load socketmap|policy SOCKET CONNECTIONS "
		    "SECONDS DOMAINS");
	policy = strcmp(argv[1], "policy") == 0;
	(void)strcpy(at.sun_path, argv[2]);
	count = atoi(argv[3]);
	domains = strtoull(argv[5], NULL, 10);
	client = calloc((size_t)count, sizeof(*client));
	sample = malloc(SAMPLES * sizeof(*sample));
	if (client == NULL || sample == NULL)
		error(1, errno, "malloc");
	for (i = 0; i < count; i++) {
		client[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(client[i].fd, (struct sockaddr *)&at, sizeof(at)) ==
		    -1)
			error(1, errno, "%s", argv[2]);
		ev.data.ptr = &client[i];
		(void)epoll_ctl(ep, EPOLL_CTL_ADD, client[i].fd, &ev);
	}
	begin = now();
	stop = begin + (uint64_t)(atof(argv[4]) * 1e9);
	for (i = 0; i < count; i++)
		ask(&client[i]);
	for (open = count; open > 0;) {
		n = epoll_wait(ep, got, EVENTS, 10000);
		if (n == 0)
			error(1, 0, "no answer for 10 s");
		for (i = 0; i < n; i++) {
			bool again = now() < stop;

			receive(got[i].data.ptr, again);
			open -= !again;
		}
	}
	stop = now();
	qsort(sample, nsamples, sizeof(*sample), compare);
	(void)printf("%.0f %llu %.1f %.1f %.1f %.1f\n",
	    (double)nsamples * 1e9 / (double)(stop - begin),
	    (unsigned long long)errors, percentile(0.5), percentile(0.99),
	    percentile(0.999), percentile(1));
	return errors > 0;
}
