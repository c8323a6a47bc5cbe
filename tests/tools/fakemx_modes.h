/*
 * fakemx_modes.h: what each of fakemx's servers does wrong.
 */
#ifndef FAKEMX_MODES_H
#define FAKEMX_MODES_H

#include <stdbool.h>

#include <openssl/ssl.h>

#define DRIP_MS 20

/* Where a mode does its one bad thing. */
enum point {
	NOWHERE,
	AT_ACCEPT,
	AT_EHLO,
	AT_STARTTLS, /* instead of the reply */
	AFTER_220,   /* behind the reply to STARTTLS */
	AFTER_TLS,   /* handshake done */
	AT_EHLO_TLS,
};

static const struct mode {
	const char *name;
	const char *greeting; /* all of it, line ends included */
	const char *ehlo;     /* instead of the normal reply */
	const char *ehlo_tls; /* the same inside TLS */
	const char *helo;     /* the same for HELO */
	const char *keyword;  /* offered instead of STARTTLS; "" none */
	const char *starttls; /* instead of 220 */
	const char *behind;   /* more bytes in the same write as 220 */
	const char *plain;    /* the answer to the client's hello */
	const char *flood;    /* instead of a greeting, again and again */
	enum point close;     /* hang up there */
	enum point silent;    /* say nothing from there on */
	bool blackhole;	      /* SYNs are dropped */
	bool drip;	      /* the flood one byte every DRIP_MS */
	bool big_ehlo;	      /* ARG megabytes of EHLO reply, default 10 */
	bool bare_lf;	      /* line ends without CR */
	bool wrapped;	      /* TLS from the start */
	bool need_sni;	      /* no SNI, no handshake */
	bool turns; /* so from the second client on, every other time */
	int proto;  /* only this version, old ciphers allowed */
	int verify; /* SSL_VERIFY_* for the client */
	const char *ciphers; /* for TLS 1.2 */
	const char *groups;  /* of the key exchange */
} modes[] = {
    {.name = "good"},
    {.name = "nostarttls", .keyword = ""},
    {.name = "turns", .keyword = "", .turns = true},
    {.name = "lower", .keyword = "starttls"},
    {.name = "token", .keyword = "XSTARTTLS\r\n250-STARTTLSX"},
    {.name = "params", .keyword = "STARTTLS REQUIRED"},
    {.name = "refuse454", .starttls = "454 4.7.0 TLS not available\r\n"},
    {.name = "refuse554", .starttls = "554 5.7.3 no TLS for you\r\n"},
    {.name = "greet421", .greeting = "421 4.3.2 closing down\r\n"},
    {.name = "greet450", .greeting = "450 4.3.2 not now\r\n"},
    {.name = "greet554", .greeting = "554 5.7.1 go away\r\n"},
    {.name = "greet521", .greeting = "521 5.3.2 no mail here\r\n"},
    {.name = "noise", .greeting = "hello\r\n220-a\r\nxx\r\n220 b\r\n"},
    {.name = "ehlo4", .ehlo = "450 4.3.2 not now\r\n"},
    {.name = "ehlo5", .ehlo = "502 5.5.1 what?\r\n"},
    {.name = "nohelo",
	.ehlo = "502 5.5.1 what?\r\n",
	.helo = "502 5.5.1 what?\r\n"},
    {.name = "noesmtp", .greeting = "220 fake.example\r\n"},
    {.name = "masked", .greeting = "220 *****2*0 **\r\n"},
    {.name = "masked220", .greeting = "220 ****** ESMTP\r\n"},
    {.name = "ehlotls4", .ehlo_tls = "450 4.3.2 not now\r\n"},
    {.name = "requiretls",
	.ehlo_tls = "250-fake.example\r\n250 REQUIRETLS\r\n"},
    {.name = "clearrequiretls",
	.ehlo = "250-fake.example\r\n250-STARTTLS\r\n250 REQUIRETLS\r\n"},
    {.name = "ehlotls421", .ehlo_tls = "421 4.3.2 closing down\r\n"},
    {.name = "drop", .close = AT_ACCEPT},
    {.name = "dropehlo", .close = AT_EHLO},
    {.name = "dropstarttls", .close = AT_STARTTLS},
    {.name = "close", .close = AFTER_220},
    {.name = "closetls", .close = AFTER_TLS},
    {.name = "dropehlotls", .close = AT_EHLO_TLS},
    {.name = "silent", .silent = AT_ACCEPT},
    {.name = "silentehlo", .silent = AT_EHLO},
    {.name = "silentstarttls", .silent = AT_STARTTLS},
    {.name = "silenttls", .silent = AFTER_220},
    {.name = "silentehlotls", .silent = AT_EHLO_TLS},
    {.name = "blackhole", .blackhole = true},
    {.name = "drip", .flood = "220-slow\r\n", .drip = true},
    {.name = "endless", .flood = "220-and there is more\r\n"},
    {.name = "endlessline", .flood = "220-and there is more "},
    {.name = "bigehlo", .big_ehlo = true},
    {.name = "garbage", .plain = "HELLO THIS IS NOT TLS\r\n"},
    {.name = "inject", .behind = "250 injected\r\n"},
    {.name = "barelf", .bare_lf = true},
    {.name = "wrapped", .wrapped = true},
    {.name = "needsni", .need_sni = true},
    {.name = "tls10", .proto = TLS1_VERSION},
    {.name = "tls11", .proto = TLS1_1_VERSION},
    {.name = "tls12", .proto = TLS1_2_VERSION},
    {.name = "tls13", .proto = TLS1_3_VERSION},
    {.name = "rsakex", .proto = TLS1_2_VERSION, .ciphers = "kRSA"},
    {.name = "dh1024", .proto = TLS1_2_VERSION, .ciphers = "kDHE"},
    {.name = "cbc", .proto = TLS1_2_VERSION, .ciphers = "ECDHE+AES+SHA1"},
    {.name = "dhe", .proto = TLS1_2_VERSION, .ciphers = "kDHE+AESGCM"},
    {.name = "aes128",
	.proto = TLS1_2_VERSION,
	.ciphers = "ECDHE+AES128+AESGCM"},
    {.name = "chacha", .proto = TLS1_2_VERSION, .ciphers = "ECDHE+CHACHA20"},
    {.name = "camellia", .proto = TLS1_2_VERSION, .ciphers = "ECDHE+CAMELLIA"},
    {.name = "ffdhe", .proto = TLS1_3_VERSION, .groups = "ffdhe3072"},
    {.name = "p521", .groups = "P-521"},
    {.name = "x448", .groups = "X448"},
    {.name = "anon", .proto = TLS1_2_VERSION, .ciphers = "aNULL:@SECLEVEL=0"},
    {.name = "null", .proto = TLS1_2_VERSION, .ciphers = "eNULL:@SECLEVEL=0"},
    {.name = "askcert", .verify = SSL_VERIFY_PEER},
    {.name = "needcert12",
	.proto = TLS1_2_VERSION,
	.verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT},
    {.name = "needcert",
	.verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT},
};

#endif
