/*
 * shapemake.h: the shapes of shapes.h made into PEM texts and rules.
 */
#ifndef SHAPEMAKE_H
#define SHAPEMAKE_H

#include "certrule.h"
#include "shapes.h"

/* Whether Postfix itself would write Verified. */
MK_UNUSED static bool
shape_delivers(const struct shape *s)
{
	return !fault_stops_mail(s->fault);
}

/* The CAs of the tests, made once. */
struct shape_world {
	time_t base;
	struct mk_cert root, twin, other, inter, old_inter, old_root,
	    sha1_inter, small_inter, constrained, server, rsa;
	X509 *cross; /* inter, as signed by other */
	struct mk_cert deep[SHAPE_LONG];
};

/* One shape, made: PEM texts that shape_free frees. */
struct shape_made {
	char *chain; /* leaf first */
	char *trust; /* CA file or tafile, see is_ta */
	bool is_ta;
	EVP_PKEY *key;
	char pin[65];
};

MK_UNUSED static struct shape_world *
shape_world(time_t base)
{
	static const struct mk
	    root = {.cn = "The Root",
		.org = "Root Trust",
		.ca = true,
		.from = -100,
		.to = 3000},
	    other = {.cn = "Other Root", .ca = true},
	    inter = {.cn = "Issuing CA", .org = "Root Trust", .ca = true},
	    old = {.cn = "Old CA", .ca = true, .from = -30, .to = -2},
	    old_root = {.cn = "Old Root", .ca = true, .from = -30, .to = -2},
	    sha1 = {.cn = "SHA-1 CA", .ca = true, .md = EVP_sha1},
	    small = {.cn = "Small CA", .ca = true, .key = MK_RSA768},
	    bound = {.cn = "Bound CA",
		.ca = true,
		.constraints = "permitted;DNS:b.test"},
	    rsa = {.cn = "RSA Root", .ca = true, .key = MK_RSA2048},
	    server = {.cn = "a server", DNS_GW};
	struct shape_world *w = calloc(1, sizeof(*w));
	char name[32];
	size_t i;

	mk_want(w != NULL, "calloc");
	w->base = base;
	w->root = mk_cert(&root, NULL, base);
	w->twin = mk_cert(&root, NULL, base);
	w->other = mk_cert(&other, NULL, base);
	w->inter = mk_cert(&inter, &w->root, base);
	w->cross = mk_sign(&inter, w->inter.key, &w->other, base);
	w->old_inter = mk_cert(&old, &w->root, base);
	w->old_root = mk_cert(&old_root, NULL, base);
	w->sha1_inter = mk_cert(&sha1, &w->root, base);
	w->small_inter = mk_cert(&small, &w->root, base);
	w->constrained = mk_cert(&bound, &w->root, base);
	w->rsa = mk_cert(&rsa, NULL, base);
	w->server = mk_cert(&server, &w->root, base);
	for (i = 0; i < SHAPE_LONG; i++) {
		(void)snprintf(name, sizeof(name), "Level %zu", i);
		w->deep[i] = mk_cert(&(struct mk){.cn = name, .ca = true},
		    i == 0 ? &w->root : &w->deep[i - 1], base);
	}
	return w;
}

MK_UNUSED static void
shape_world_free(struct shape_world *w)
{
	size_t i;

	mk_free(&w->root);
	mk_free(&w->twin);
	mk_free(&w->other);
	mk_free(&w->inter);
	X509_free(w->cross);
	mk_free(&w->old_inter);
	mk_free(&w->old_root);
	mk_free(&w->sha1_inter);
	mk_free(&w->small_inter);
	mk_free(&w->constrained);
	mk_free(&w->server);
	mk_free(&w->rsa);
	for (i = 0; i < SHAPE_LONG; i++)
		mk_free(&w->deep[i]);
	free(w);
}

MK_UNUSED static const struct mk_cert *
shape_signer(const struct shape *s, const struct shape_world *w)
{
	switch (s->path) {
	case BY_ROOT:
	case BAD_SIGNATURE:
		return &w->root;
	case BY_OTHER:
		return &w->other;
	case BY_RSA:
		return &w->rsa;
	case BY_SELF:
		return NULL;
	case BY_OLD_INTER:
		return &w->old_inter;
	case BY_OLD_ROOT:
	case OLD_ROOT_SENT:
		return &w->old_root;
	case BY_SHA1_INTER:
		return &w->sha1_inter;
	case BY_SMALL_INTER:
		return &w->small_inter;
	case BY_LEAF:
		return &w->server;
	case BY_CONSTRAINED:
		return &w->constrained;
	case BY_LONG:
		return &w->deep[s->deep - 1];
	default:
		return &w->inter;
	}
}

/* What is sent behind the leaf. */
MK_UNUSED static void
shape_sent(const struct shape *s, const struct shape_world *w, char **pem)
{
	unsigned i;

	switch (s->path) {
	case BY_ROOT:
	case BY_OTHER:
	case BY_RSA:
	case BY_SELF:
	case BY_OLD_ROOT:
	case BAD_SIGNATURE:
	case INTER_MISSING:
		return;
	case BY_CROSS:
		mk_pem(w->cross, pem);
		return;
	case BY_CROSS_BOTH:
		mk_pem(w->cross, pem);
		mk_pem(w->inter.x, pem);
		return;
	case INTER_SHUFFLED:
		mk_pem(w->root.x, pem);
		mk_pem(w->inter.x, pem);
		return;
	case BY_LONG:
		for (i = s->deep; i > 0; i--)
			mk_pem(w->deep[i - 1].x, pem);
		return;
	case AND_JUNK:
		mk_pem(w->inter.x, pem);
		for (i = 0; i < s->deep; i++)
			mk_pem(w->deep[i % SHAPE_LONG].x, pem);
		return;
	default:
		mk_pem(shape_signer(s, w)->x, pem);
		if (s->path == INTER_AND_ROOT)
			mk_pem(w->root.x, pem);
	}
}

MK_UNUSED static void
shape_trust(const struct shape *s, const struct shape_world *w, X509 *leaf,
    struct shape_made *m)
{
	BIO *mem;
	char *data;
	long len;

	m->is_ta = s->trust >= TA_ROOT;
	switch (s->trust) {
	case TA_TWIN:
		mk_pem(w->twin.x, &m->trust);
		mk_pem(w->root.x, &m->trust);
		return;
	case TA_TWIN_TOO:
		mk_pem(w->root.x, &m->trust);
		mk_pem(w->twin.x, &m->trust);
		return;
	case CA_BOTH:
		mk_pem(w->root.x, &m->trust);
		/* FALLTHROUGH */
	case CA_OTHER:
	case TA_OTHER:
		mk_pem(w->other.x, &m->trust);
		return;
	case CA_RSA:
		mk_pem(w->rsa.x, &m->trust);
		return;
	case CA_INTER:
	case TA_INTER:
		mk_pem(w->inter.x, &m->trust);
		return;
	case CA_OLD_ROOT:
	case TA_OLD_ROOT:
		mk_pem(w->old_root.x, &m->trust);
		return;
	case TA_OLD_INTER:
		mk_pem(w->old_inter.x, &m->trust);
		return;
	case CA_LEAF:
	case TA_LEAF:
		mk_pem(leaf, &m->trust);
		return;
	case TA_KEY:
	case TA_OLD_KEY:
		mem = BIO_new(BIO_s_mem());
		mk_want(
		    PEM_write_bio_PUBKEY(mem,
			s->trust == TA_KEY ? w->inter.key : w->old_inter.key),
		    "PUBKEY");
		len = BIO_get_mem_data(mem, &data);
		m->trust = strndup(data, (size_t)len);
		BIO_free(mem);
		return;
	default:
		mk_pem(w->root.x, &m->trust);
	}
}

MK_UNUSED static void
shape_pin(const struct shape *s, X509 *x, char *pin)
{
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned n = 0, i;
	int len = s->cert_pin ? i2d_X509(x, &der)
			      : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	mk_want(
	    len > 0 && EVP_Digest(der, (size_t)len, md, &n, EVP_sha256(), NULL),
	    "digest");
	OPENSSL_free(der);
	if (s->other_pin)
		md[0] ^= 1;
	for (i = 0; i < n; i++)
		(void)sprintf(pin + (size_t)2 * i, "%02x", md[i]);
}

MK_UNUSED static void
shape_make(
    const struct shape *s, const struct shape_world *w, struct shape_made *m)
{
	const ASN1_BIT_STRING *sig;
	struct mk_cert leaf;
	unsigned char *last;

	memset(m, 0, sizeof(*m));
	leaf = mk_cert(&s->leaf, shape_signer(s, w), w->base);
	if (s->path == BAD_SIGNATURE) {
		/* The last byte of an ECDSA signature: still well formed. */
		X509_get0_signature(&sig, NULL, leaf.x);
		memcpy(&last, &sig->data, sizeof(last));
		last[sig->length - 1] ^= 1;
	}
	mk_pem(leaf.x, &m->chain);
	shape_sent(s, w, &m->chain);
	shape_trust(s, w, leaf.x, m);
	shape_pin(s, leaf.x, m->pin);
	m->key = leaf.key;
	X509_free(leaf.x);
}

MK_UNUSED static void
shape_free(struct shape_made *m)
{
	free(m->chain);
	free(m->trust);
	EVP_PKEY_free(m->key);
}

/* The rules of a shape. The lists point into s, m and *pin. */
MK_UNUSED static void
shape_rules(const struct shape *s, const struct shape_made *m,
    const struct x509_store *store, const char **pin, time_t at,
    struct certrules *r)
{
	static const char *const usual[] = {GW};

	memset(r, 0, sizeof(*r));
	r->verify = s->verify;
	r->gateway = s->match[0] != NULL ? s->match : usual;
	for (r->ngateway = 1; r->gateway == s->match && r->ngateway < 4 &&
			      s->match[r->ngateway] != NULL;)
		r->ngateway++;
	r->nexthop = r->host = "127.0.0.1";
	r->store = store;
	*pin = m->pin;
	r->pin = pin;
	r->npin = 1;
	r->cn_is_gateway = s->strict_cn;
	r->issuer = &s->issuer;
	r->nissuer = s->issuer != NULL;
	r->at = at;
}

#endif
