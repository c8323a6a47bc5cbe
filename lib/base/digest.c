#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "mem.h"

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *
digest_new(void)
{
	struct digest *g = mem_zero(1, sizeof(*g));

	g->ctx = EVP_MD_CTX_new();
	if (g->ctx == NULL ||
	    EVP_DigestInit_ex(g->ctx, EVP_sha256(), NULL) != 1)
		abort();
	return g;
}

void
digest_add(struct digest *g, const void *p, size_t len)
{
	if (EVP_DigestUpdate(g->ctx, p, len) != 1)
		abort();
}

void
digest_hex(struct digest *g, char *out)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n, i;

	if (EVP_DigestFinal_ex(g->ctx, md, &n) != 1 || n * 2 + 1 != DIGEST_HEX)
		abort();
	for (i = 0; i < n; i++) {
		out[2 * i] = digits[md[i] >> 4];
		out[2 * i + 1] = digits[md[i] & 15];
	}
	out[2 * n] = '\0';
	EVP_MD_CTX_free(g->ctx);
	free(g);
}

const char *
digest_of(const void *p, size_t len, char *out)
{
	struct digest *g = digest_new();

	digest_add(g, p, len);
	digest_hex(g, out);
	return out;
}
