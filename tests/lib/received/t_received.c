#include "check.h"

#include "received.h"

#define SPAN(s) ((struct span){(s), strlen(s)})
#define U RECEIVED_UNKNOWN
#define C RECEIVED_CLEAR
#define E RECEIVED_ENCRYPTED
#define L RECEIVED_LOCAL

static const char *
str(struct span s)
{
	static char ring[8][512];
	static unsigned next;
	char *out = ring[next++ % 8];

	(void)snprintf(out, sizeof(ring[0]), "%.*s", SPAN_ARG(s));
	return out;
}

/* The forms of MTAs, and what looks like them. */
static const struct form {
	const char *row, *text;
	enum received_tls tls;
	const char *protocol, *cipher;
	const char *name, *greeting, *address, *by;
} forms[] = {
    {"postfix",
	"from mx.a.test (mail.a.test [192.0.2.1])\r\n\t(using TLSv1.3 with "
	"cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange "
	"X25519 server-signature RSA-PSS (2048 bits))\r\n\t(No client "
	"certificate requested)\r\n\tby mx.b.test (Postfix) with ESMTPS id "
	"4F2\r\n\tfor <u@b.test>; Sat, 28 Nov 2026 22:00:00 +0000 (UTC)",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mail.a.test", "mx.a.test",
	"192.0.2.1", "mx.b.test"},
    {"postfix without the header of TLS",
	"from mx.a.test (unknown [2001:db8::5])\n\tby mx.b.test (Postfix) "
	"with ESMTPSA id 1",
	E, "", "", "", "mx.a.test", "2001:db8::5", "mx.b.test"},
    {"old postfix: ESMTP beside a cipher",
	"from a (a.test [192.0.2.1]) (using TLSv1 with cipher "
	"DHE-RSA-AES256-SHA (256/256 bits)) (Client did not present a "
	"certificate) by b.test (Postfix) with ESMTP id 1",
	E, "TLSv1", "DHE-RSA-AES256-SHA", "a.test", "a", "192.0.2.1", "b.test"},
    {"postfix in the clear",
	"from a.test (a.test [192.0.2.1]) by b.test (Postfix) with ESMTP id 1",
	C, "", "", "a.test", "a.test", "192.0.2.1", "b.test"},
    {"a login is no TLS",
	"from [10.0.0.9] (pc.a.test [192.0.2.9]) (Authenticated sender: u) by "
	"b.test (Postfix) with ESMTPA id 1",
	C, "", "", "pc.a.test", "[10.0.0.9]", "192.0.2.9", "b.test"},
    {"postfix's filter on loopback",
	"from localhost (localhost [127.0.0.1]) by b.test (Postfix) with ESMTP "
	"id 1",
	L, "", "", "localhost", "localhost", "127.0.0.1", "b.test"},
    {"a greeting of loopback is none",
	"from localhost (unknown [192.0.2.66]) by b.test (Postfix) with ESMTP "
	"id 1",
	C, "", "", "", "localhost", "192.0.2.66", "b.test"},
    {"a client that is not named", "by b.test (Postfix) with ESMTPSA id 1", E,
	"", "", "", "", "", "b.test"},
    {"pickup", "by b.test (Postfix, from userid 0) id 4F2; 28 Nov 2026", L, "",
	"", "", "", "", "b.test"},
    {"null cipher",
	"from a (a.test [192.0.2.1]) (using TLSv1.2 with cipher NULL-SHA256 "
	"(0/0 bits)) by b.test (Postfix) with ESMTPS id 1",
	C, "", "", "a.test", "a", "192.0.2.1", "b.test"},
    {"exim, tls clause",
	"from [192.0.2.1] (helo=mx.a.test) by b.test with esmtps  (TLS1.3) tls "
	"TLS_AES_256_GCM_SHA384 (Exim 4.98) (envelope-from <u@a.test>) id "
	"1viq-1 for u@b.test; Sat, 28 Nov 2026 22:00:00 +0100",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "", "mx.a.test", "192.0.2.1",
	"b.test"},
    {"exim, colons",
	"from mx.a.test ([192.0.2.1]:4333 helo=a) by b.test with esmtps "
	"(TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256) (Exim 4.90_1) id 1",
	E, "TLSv1.2", "ECDHE_RSA_AES_256_GCM_SHA384", "mx.a.test", "a",
	"192.0.2.1", "b.test"},
    {"exim in the clear",
	"from mx.a.test ([192.0.2.1]) by b.test with esmtp(Exim 4.43) id 1", C,
	"", "", "mx.a.test", "mx.a.test", "192.0.2.1", "b.test"},
    {"exim: address within the greeting",
	"from [192.0.2.66] (port=99 helo=[127.0.0.1]) by b.test with smtp "
	"(Exim 4.92)",
	C, "", "", "", "[127.0.0.1]", "192.0.2.66", "b.test"},
    {"exim local", "by b.test with local (Exim 4.92) id 1", L, "", "", "", "",
	"", "b.test"},
    {"exim: RFC 8314 without the S",
	"from a.test ([192.0.2.1]) by b.test with esmtp tls "
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 id 1",
	E, "", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "a.test", "a.test",
	"192.0.2.1", "b.test"},
    {"sendmail",
	"from a.test (mx.a.test [192.0.2.1] (may be forged)) by b.test "
	"(8.17.1/8.17.1) with ESMTPS id 4A (version=TLSv1.2 "
	"cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NOT) for "
	"<u@b.test>; Sat, 28 Nov 2026 22:00:00 GMT",
	E, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", "", "a.test", "192.0.2.1",
	"b.test"},
    {"old sendmail: ESMTP beside a cipher",
	"from a (ident@mx.a.test [192.0.2.1]) by b.test (8.12) with ESMTP id "
	"1 (version=TLSv1/SSLv3 cipher=DHE-RSA-AES256-SHA bits=256 verify=NO)",
	E, "", "DHE-RSA-AES256-SHA", "mx.a.test", "a", "192.0.2.1", "b.test"},
    {"sendmail, submitted", "(from u@localhost) by b.test (8.14.2/Submit) id 1",
	L, "", "", "", "", "", "b.test"},
    {"proofpoint",
	"from a.test (mx.a.test [192.0.2.1]) by mx0a-1.pphosted.test (PPS) "
	"with ESMTPS id 1 (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 "
	"bits=256 verify=NOT)",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mx.a.test", "a.test",
	"192.0.2.1", "mx0a-1.pphosted.test"},
    {"proofpoint's filter",
	"from pps.filterd (m1.ppops.test [127.0.0.1]) by m1.ppops.test "
	"(8.18.1.2/8.18.1.2) with ESMTP id 1",
	L, "", "", "m1.ppops.test", "pps.filterd", "127.0.0.1",
	"m1.ppops.test"},
    {"exchange",
	"from A.a.test (2001:db8::1) by B.b.test\r\n (192.0.2.2) with "
	"Microsoft SMTP Server (version=TLS1_2,\r\n "
	"cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1 via "
	"Frontend\r\n Transport; Sat, 28 Nov 2026 22:00:00 +0000",
	E, "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "", "A.a.test",
	"2001:db8::1", "B.b.test"},
    {"exchange, (TLS) alone",
	"from a.test (192.0.2.1) by b.test (192.0.2.2) with Microsoft SMTP "
	"Server (TLS) id 15.0.1",
	E, "", "", "", "a.test", "192.0.2.1", "b.test"},
    {"exchange in the clear",
	"from a.test (192.0.2.1) by b.test (192.0.2.2) with Microsoft SMTP "
	"Server id 14.3.408.0",
	C, "", "", "", "a.test", "192.0.2.1", "b.test"},
    {"exchange, mapi",
	"from a.test ([fe80::1]) by a.test ([fe80::1%20]) with mapi id 15.0", U,
	"", "", "", "a.test", "fe80::1", "a.test"},
    {"SMTPSVC over a channel",
	"from a.test ([192.0.2.1]) by b.test over TLS secured channel with "
	"Microsoft SMTPSVC(6.0.3790.4675);\n\t Mon, 22 Mar 2010 09:44:26 -0700",
	E, "", "", "", "a.test", "192.0.2.1", "b.test"},
    {"SMTPSVC is no SMTPS",
	"from a.test ([192.0.2.1]) by b.test with Microsoft SMTPSVC(5.0.2195)",
	C, "", "", "", "a.test", "192.0.2.1", "b.test"},
    {"a channel in a comment",
	"from a.test ([192.0.2.1]) by b.test (over TLS secured channel) with "
	"Microsoft SMTPSVC(5.0.2195)",
	U, "", "", "", "a.test", "192.0.2.1", "b.test"},
    {"half of a channel",
	"from a.test ([192.0.2.1]) by b.test over TLS with Microsoft SMTPSVC",
	U, "", "", "", "a.test", "192.0.2.1", "b.test"},
    {"google",
	"from mx.a.test (mx.a.test. [192.0.2.1]) by mx.google.test with ESMTPS "
	"id x1-2 for <u@b.test> (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 "
	"bits=256/256); Sat, 28 Nov 2026 14:00:00 -0800 (PST)",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mx.a.test", "mx.a.test",
	"192.0.2.1", "mx.google.test"},
    {"google, old",
	"from a.test (a.test [192.0.2.1]) by mx.google.test with ESMTPS id 1 "
	"(version=TLSv1/SSLv3 cipher=OTHER)",
	E, "", "OTHER", "a.test", "a.test", "192.0.2.1", "mx.google.test"},
    {"google within", "by 2002:a05:6512:3f1e:: with SMTP id y30; Sat, x", U, "",
	"", "", "", "", "2002:a05:6512:3f1e::"},
    {"mimecast",
	"from a.test (mx.a.test [192.0.2.1]) by relay.mimecast.test with ESMTP "
	"with STARTTLS (version=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384) id "
	"us-mta-1",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mx.a.test", "a.test",
	"192.0.2.1", "relay.mimecast.test"},
    {"messagelabs",
	"from unknown (HELO mx.a.test) (192.0.2.1)\n by "
	"server-9.tower-5.messagelabs.test with ECDHE-RSA-AES256-GCM-SHA384\n "
	"encrypted SMTP; 15 Dec 2021 07:20:50 -0000",
	E, "", "ECDHE-RSA-AES256-GCM-SHA384", "", "mx.a.test", "192.0.2.1",
	"server-9.tower-5.messagelabs.test"},
    {"qmail, and its login",
	"from mx.a.test (HELO a) (u@192.0.2.1) by b.test with SMTP; 1 Jan 2020 "
	"00:00:00 -0000",
	C, "", "", "mx.a.test", "a", "192.0.2.1", "b.test"},
    {"qmail with TLS",
	"from unknown (HELO a.test) (192.0.2.1) by b.test with "
	"(DHE-RSA-AES256-SHA encrypted) SMTP; 4 Aug 2007 17:58:34 -0000",
	E, "", "DHE-RSA-AES256-SHA", "", "a.test", "192.0.2.1", "b.test"},
    {"qmail's own", "(qmail 14463 invoked from network); 15 Dec 2021", L, "",
	"", "", "", "", ""},
    {"qpsmtpd",
	"from mx.a.test (HELO a.test) (192.0.2.1) by b.test (qpsmtpd/0.94) "
	"with (TLS_AES_256_GCM_SHA384 encrypted) ESMTPS; Sat, 28 Nov 2026 "
	"22:00:00 -0400",
	E, "", "TLS_AES_256_GCM_SHA384", "mx.a.test", "a.test", "192.0.2.1",
	"b.test"},
    {"cisco",
	"from mx.a.test ([192.0.2.1]) by esa1.iphmx.test with "
	"ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; 20 May 2026 05:58:35 -0700",
	E, "", "ECDHE-RSA-AES256-GCM-SHA384", "mx.a.test", "mx.a.test",
	"192.0.2.1", "esa1.iphmx.test"},
    {"cisco in the clear",
	"from unknown (HELO a.test) ([192.0.2.1]) by esa1.test with ESMTP; x",
	C, "", "", "", "a.test", "192.0.2.1", "esa1.test"},
    {"opensmtpd",
	"from a.test (mx.a.test [192.0.2.1])\n\tby b.test (OpenSMTPD) with "
	"ESMTPS id 78e0 (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)\n\tfor "
	"<u@b.test>",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mx.a.test", "a.test",
	"192.0.2.1", "b.test"},
    {"opensmtpd, old: a semicolon behind each",
	"from a.test (mx.a.test [192.0.2.1]);\n\tby b.test (OpenSMTPD) with "
	"ESMTPS id 57;\n\tTLS version=TLSv1.2 cipher=ECDHE-RSA-AES128-SHA "
	"bits=128 verify=NO;\n\tfor <u@b.test>;\n\tFri, 5 Jun 2015 17:27:37 "
	"+0000 (UTC)",
	E, "TLSv1.2", "ECDHE-RSA-AES128-SHA", "mx.a.test", "a.test",
	"192.0.2.1", "b.test"},
    {"haraka",
	"from a.test (mx.a.test [192.0.2.1]) by b.test (Haraka/3.0.1) with "
	"ESMTPS id 1 (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 "
	"verify=OK); Sat",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mx.a.test", "a.test",
	"192.0.2.1", "b.test"},
    {"amazon does not say",
	"from a.test (mx.a.test [192.0.2.1]) by "
	"inbound-smtp.eu-west-1.amazonaws.com with SMTP id q; Sat",
	U, "", "", "mx.a.test", "a.test", "192.0.2.1",
	"inbound-smtp.eu-west-1.amazonaws.com"},
    {"amazon's submission does not say either",
	"from a.test (mx.a.test [192.0.2.1]) by "
	"email-smtp.eu-west-1.amazonaws.com with SMTP (SimpleEmailService-d-A) "
	"id q; Sat",
	U, "", "", "mx.a.test", "a.test", "192.0.2.1",
	"email-smtp.eu-west-1.amazonaws.com"},
    {"sendmail and google: no name was found",
	"from mx.a.test ([192.0.2.1]) by b.test (8.17.1/8.17.1) with ESMTPS", E,
	"", "", "", "mx.a.test", "192.0.2.1", "b.test"},
    {"courier",
	"from a.test (mx.a.test [::ffff:192.0.2.1]) (TLS: "
	"TLSv1/SSLv3,128bits,AES128-GCM-SHA256) by b.test with ESMTPS; Sun, 13 "
	"Oct 2019 18:59:51 -0500 id 0000014",
	E, "", "AES128-GCM-SHA256", "mx.a.test", "a.test", "::ffff:192.0.2.1",
	"b.test"},
    {"courier, logged in",
	"from pc (pc.a.test [192.0.2.1]) (AUTH: LOGIN u, TLS: "
	"TLSv1.3,256bits,TLS_AES_256_GCM_SHA384) by b.test with ESMTPSA; x",
	E, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "pc.a.test", "pc", "192.0.2.1",
	"b.test"},
    {"mcafee: smtp beside a cipher",
	"from a.test (mx.a.test) by b.test with smtp (TLS: "
	"TLSv1.2,256bits,ECDHE-RSA-AES256-GCM-SHA384) id 4e32_9550; x",
	E, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", "", "a.test", "",
	"b.test"},
    {"dovecot by a socket", "from b.test by b.test with LMTP id 1; x", L, "",
	"", "", "b.test", "", "b.test"},
    {"LMTP to another host", "from a.test by b.test with LMTP id 1; x", C, "",
	"", "", "a.test", "", "b.test"},
    {"UTF8SMTPSA", "from a (b.test [192.0.2.1]) by c.test with UTF8SMTPSA", E,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"UTF8SMTP", "from a (b.test [192.0.2.1]) by c.test with utf8smtp", C, "",
	"", "b.test", "a", "192.0.2.1", "c.test"},
    {"a word nobody knows", "from a ([192.0.2.1]) by c.test with ESMTPSX", U,
	"", "", "", "a", "192.0.2.1", "c.test"},
    {"with SMTPS in comments and names",
	"from with.smtps (with ESMTPS [192.0.2.1]) by esmtps.test (with "
	"ESMTPS; x) with ESMTP (x with SMTPS id) id tls-1",
	C, "", "", "", "with.smtps", "", "esmtps.test"},
    {"a cipher in a greeting",
	"from using-TLSv1.3-with-cipher (cipher=AES256-SHA [192.0.2.1]) by "
	"b.test with ESMTP",
	C, "", "", "cipher=AES256-SHA", "using-TLSv1.3-with-cipher",
	"192.0.2.1", "b.test"},
    {"said twice: by, with",
	"from a by x with ESMTPS (a [192.0.2.1]) by b.test with ESMTP", U, "",
	"", "", "a", "", "b.test"},
    {"said twice: with",
	"from a (b.test [192.0.2.1]) by c.test with ESMTP with ESMTPS id 1", U,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"said twice: by",
	"from a (b.test [192.0.2.1]) by x.test by c.test with ESMTPS id 1", U,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"nearly a cipher",
	"from a (b.test [192.0.2.1]) (using TLSv1.3 with grace AES128-SHA) by "
	"c.test with ESMTP id 1",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"not encrypted",
	"from a (b.test [192.0.2.1]) by c.test with ESMTP (not encrypted) id 1",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"unencrypted",
	"from a (b.test [192.0.2.1]) by c.test with (unencrypted) SMTP; x", U,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"not encrypted, in qmail's words",
	"from a (b.test [192.0.2.1]) by c.test with not encrypted SMTP; x", U,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"a recipient with a quoted part",
	"from a (b.test [192.0.2.1]) by c.test (Postfix) with ESMTP id 1 for "
	"<\"a> (using TLSv1.3 with cipher AES128-SHA) tls AES128-SHA\"@c.test>",
	C, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"a sender with a quoted part",
	"from [192.0.2.1] (helo=a) by c.test with esmtp (Exim 4.96) "
	"(envelope-from <\"a\\\") tls AES128-SHA (TLS1.3) (\"@a.test>) id 1",
	C, "", "", "", "a", "192.0.2.1", "c.test"},
    {"a greeting with TLS before its host",
	"from a) (using TLSv1.3 with cipher AES128-SHA) (b.test [192.0.2.1]) "
	"by c.test with ESMTP id 1",
	U, "", "", "b.test", "a)", "192.0.2.1", "c.test"},
    {"a greeting with a host and TLS",
	"from a (x.test [192.0.2.9]) (using TLSv1.3 with cipher AES128-SHA) "
	"(b.test [192.0.2.1]) by c.test with ESMTP id 1",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"a host of such a name",
	"from a (using TLSv1.3 with cipher AES128-SHA [192.0.2.1]) by c.test "
	"with ESMTP id 1",
	U, "", "", "", "a", "", "c.test"},
    {"a version, but no cipher",
	"from a (b.test [192.0.2.1]) by c.test with ESMTP id 1 "
	"(version=TLSv1.2 cipher=NONE)",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"ESMTPS, but no version",
	"from a (b.test [192.0.2.1]) by c.test with ESMTPS id 1 (version=none)",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"TLS: none",
	"from a (b.test [192.0.2.1]) by c.test with ESMTP (TLS:none) id 1", U,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"courier's words without a cipher",
	"from a (b.test [192.0.2.1]) (TLS: TLSv1.2,0bits,none) by c.test with "
	"ESMTP",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"a tls clause that says no",
	"from a (b.test [192.0.2.1]) by c.test with ESMTP tls no-tls id 1", C,
	"", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"a cipher in words that are not known",
	"from a (b.test [192.0.2.1]) by c.test with ESMTP id 1 "
	"(cipher=AES256-SHA bits=256)",
	U, "", "", "b.test", "a", "192.0.2.1", "c.test"},
    {"STARTTLS beside what is no protocol",
	"from a (b.test [192.0.2.1]) by c.test with plain with STARTTLS", U, "",
	"", "b.test", "a", "192.0.2.1", "c.test"},
    {"a comment without end",
	"from a (b [192.0.2.1] by c.test with ESMTPS id 1", U, "", "", "", "a",
	"", ""},
    {"TLS in unknown words",
	"from a ([192.0.2.1]) by b.test with ESMTP (secured by TLS) id 1", U,
	"", "", "", "a", "192.0.2.1", "b.test"},
    {"TLS in an address",
	"from a ([192.0.2.1]) by b.test with esmtp (envelope-from <tls@a>)", C,
	"", "", "a", "a", "192.0.2.1", "b.test"},
    {"no version that there is",
	"from a ([192.0.2.1]) by b.test with ESMTP (version=TLSv1.9 cipher=X)",
	U, "", "", "", "a", "192.0.2.1", "b.test"},
    {"none", "from a ([192.0.2.1]) by b.test with ESMTP (version=none)", C, "",
	"", "", "a", "192.0.2.1", "b.test"},
    {"quoted and nested",
	"from \"a by x with ESMTPS\" ((nested (with; \\) ESMTPS)) x) by b.test "
	"with ESMTP; Sat",
	C, "", "", "", "\"a by x with ESMTPS\"", "", "b.test"},
    {"no from, no by", "nothing at all; with ESMTPS", U, "", "", "", "", "",
	""},
    {"empty", "", U, "", "", "", "", "", ""},
    {"only a semicolon", ";", U, "", "", "", "", "", ""},
    {"LF and CR as they come",
	"from\r\n\ta\n (b.test\r [192.0.2.1])\r\r\n by c.test\n\r with\rESMTPS",
	E, "", "", "b.test", "a", "192.0.2.1", "c.test"},
};

static void
t_forms(void **state)
{
	const struct form *f;
	struct received r;

	(void)state;
	for (f = forms; f < forms + COUNT(forms); f++) {
		received_parse(SPAN(f->text), &r);
		check_str(f->row, received_tls_names[r.tls],
		    received_tls_names[f->tls]);
		check_str(f->row, r.protocol, f->protocol);
		check_str(f->row, str(r.cipher), f->cipher);
		check_str(f->row, str(r.name), f->name);
		check_str(f->row, str(r.greeting), f->greeting);
		check_str(f->row, str(r.address), f->address);
		check_str(f->row, str(r.by), f->by);
	}
}

/* Each form, folded at every blank. */
static void
t_folded(void **state)
{
	static const char *const fold[] = {"\n\t", "\r\n ", "\r\n\t  \t", "\r"};
	const struct form *f;
	char text[4096];
	struct received r;
	size_t i, n, k;

	(void)state;
	for (f = forms; f < forms + COUNT(forms); f++)
		for (k = 0; k < COUNT(fold); k++) {
			for (n = i = 0; f->text[i] != '\0'; i++)
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, "%.*s",
				    f->text[i] == ' ' ? 8 : 1,
				    f->text[i] == ' ' ? fold[k] : f->text + i);
			/* A quoted word may have a fold, and keeps it. */
			if (n > 0 && strcmp(f->row, "quoted and nested") != 0) {
				received_parse((struct span){text, n}, &r);
				check_str(f->row, received_tls_names[r.tls],
				    received_tls_names[f->tls]);
				check_str(f->row, r.protocol, f->protocol);
				check_str(f->row, str(r.by), f->by);
			}
		}
}

/* Cut anywhere, it never says more than the whole does. */
static void
t_cut(void **state)
{
	const struct form *f;
	struct received r;
	size_t n;

	(void)state;
	for (f = forms; f < forms + COUNT(forms); f++)
		for (n = 0; n < strlen(f->text); n++) {
			received_parse((struct span){f->text, n}, &r);
			if (f->tls == C || f->tls == L)
				check_true(f->row, r.tls != E);
		}
}

static void
t_dates(void **state)
{
	static const struct {
		const char *text;
		time_t want;
	} dates[] = {
	    {"by b; Sat, 28 Nov 2026 22:00:05 +0000 (UTC)", 1795903205},
	    {"by b; Sat, 28 Nov 2026 23:00:05 +0100", 1795903205},
	    {"by b; 28 Nov 2026 14:00:05 -0800 (PST)", 1795903205},
	    {"by b; Sat,28 nov 2026 22:00:05 GMT", 1795903205},
	    {"by b (a; Sat, 1 Jan 2000 00:00:00 +0000); Sat, 28 Nov 2026 "
	     "22:00:05 -0000",
		1795903205},
	    {"by b with ESMTP; Sat, 28 Nov 2026 22:00:05 UT id 7", 1795903205},
	    {"by b; Sat, 28 Nov 2026 22:00 Z", 1795903200},
	    {"by b; Sat, 32 Nov 2026 22:00:05 +0000", 0},
	    {"by b; Sat, 31 Feb 2026 22:00:05 +0000", 0},
	    {"by b; Sat, 28 Now 2026 22:00:05 +0000", 0},
	    {"by b; Sat, 28 Nov 99999 22:00:05 +0000", 0},
	    {"by b; Sat, 28 Nov 2026 24:00:05 +0000", 0},
	    {"by b; Sat, 28 Nov 2026 22:00:05 +00", 0},
	    {"by b; Sat, 28 Nov 2026 22:00:05 MARS", 0},
	    {"by b; Sat", 0},
	    {"by b;", 0},
	    {"by b", 0},
	};
	struct received r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(dates); i++) {
		received_parse(SPAN(dates[i].text), &r);
		check_int(dates[i].text, r.time, dates[i].want);
	}
}

static void
t_within(void **state)
{
	static const struct {
		const char *address;
		bool want;
	} row[] = {{"10.1.2.3", true}, {"192.168.0.1", true},
	    {"172.16.0.1", true}, {"172.32.0.1", false}, {"8.8.8.8", false},
	    {"::ffff:10.0.0.1", true}, {"fd00::1", true}, {"fe80::1", true},
	    {"::1", true}, {"2001:db8::1", false}, {"IPv6:fd00::1", true}};
	struct received r;
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		(void)snprintf(text, sizeof(text),
		    "from a (b.test [%s]) by c.test with ESMTP",
		    row[i].address);
		received_parse(SPAN(text), &r);
		check_int(row[i].address, r.within, row[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_forms),
	    cmocka_unit_test(t_folded),
	    cmocka_unit_test(t_cut),
	    cmocka_unit_test(t_dates),
	    cmocka_unit_test(t_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
