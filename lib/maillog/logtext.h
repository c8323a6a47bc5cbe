/*
 * logtext.h: what Postfix writes behind the tag, taken apart. Pure.
 *
 * The texts are those of Postfix 2.3 to 3.11. Each function returns false
 * if the text is something else; spans borrow from the text.
 */
#ifndef LOGTEXT_H
#define LOGTEXT_H

#include "span.h"

enum logtext_trust {	/* as Postfix says it */
	LOGTEXT_UNSAID, /* 2.3 and 2.4 do not */
	LOGTEXT_ANONYMOUS,
	LOGTEXT_UNTRUSTED,
	LOGTEXT_TRUSTED,
	LOGTEXT_VERIFIED,
};

/* "HOST[ADDRESS]:PORT", "NAME[ADDRESS]", "[ADDRESS]:PORT", "HOST". */
struct logtext_peer {
	struct span host;
	struct span address;
	unsigned port; /* 0: not said */
};

/* "Trusted TLS connection established to PEER: TLSv1.3 with cipher C ...". */
struct logtext_session {
	enum logtext_trust trust;
	bool reused;
	bool inbound; /* "from", not "to" */
	struct logtext_peer peer;
	struct span protocol;
	struct span cipher;
	/* "X25519", "ECDHE (P-256)"; below TLS 1.3 what the cipher's name
	 * says. Empty: not said, as before Postfix 3.4. */
	struct span exchange;
	struct span signature; /* the server's: "RSA-PSS (2048 bits)" */
};

/* What the policy that holds was at last satisfied by. */
enum logtext_policy {
	LOGTEXT_NO_POLICY, /* not satisfied, not decided, or not known */
	LOGTEXT_CLEAR,
	LOGTEXT_ENCRYPTED,
	LOGTEXT_KEYED,
	LOGTEXT_DANE,
	LOGTEXT_NAMED, /* by a trusted chain and a name */
};

/* "QID: to=<A>, relay=R, ..., dsn=D, status=S (TEXT)". */
struct logtext_delivery {
	struct span queue_id;
	struct span recipient;
	struct span relay; /* as written, "none" too */
	struct logtext_peer peer;
	unsigned conn_use; /* 0: not said */
	bool timed;	   /* delays= is there */
	unsigned busy;	   /* seconds of that: connecting and sending */
	/*
	 * Of 3.11, empty if not said: FEATURE[/FEATURE], each
	 * "[!]NAME[:ACHIEVED][?]". With a "!" anywhere the connection was not
	 * used; "?": it was lost before.
	 */
	struct span tls;
	enum logtext_policy by; /* what that says */
	struct span dsn;
	struct span status;
	struct span reason;
};

/* "RCPT from PEER: CODE X.Y.Z TEXT; from=<S> to=<R> proto=P helo=<H>". */
struct logtext_refusal {
	bool taken; /* it is no refusal, see logtext_refusal() */
	struct logtext_peer peer;
	struct span reply;  /* from CODE on, up to the fields */
	struct span dsn;    /* X.Y.Z; empty if there is none */
	struct span text;   /* of the reply, behind that */
	struct span sender; /* empty: none, or not known yet */
};

/* The peer at the start of s, and what follows it. */
bool logtext_peer(struct span s, struct logtext_peer *out, struct span *rest);

/* "QUEUEID: rest", short or long. */
bool logtext_queue_id(struct span s, struct span *id, struct span *rest);

bool logtext_session(struct span s, struct logtext_session *out);

bool logtext_delivery(struct span s, struct logtext_delivery *out);

/* Whom the reason of a failed attempt names, if it does. */
bool logtext_blamed(struct span why, struct logtext_peer *peer);

/* What is wrong with a handshake, by the peer and why. */
enum logtext_complaint {
	LOGTEXT_NO_COMPLAINT,
	/*
	 * "[CA |server |client ]certificate verification failed for PEER:
	 * WHY", and the older "certificate peer name verification failed for
	 * ...".
	 */
	LOGTEXT_VERIFY_FAILED,
	/*
	 * "warning: PEER: all TLSA records unusable", or fingerprints, or
	 * trust anchors: why is what that is of. That certificate is then
	 * refused by whatever words come behind.
	 */
	LOGTEXT_UNUSABLE,
	/* "SSL_connect error to PEER: WHY", "SSL_accept error from ...". */
	LOGTEXT_SSL_ERROR,
};
enum logtext_complaint logtext_complaint(
    struct span s, struct logtext_peer *peer, struct span *why);

/*
 * Behind "NOQUEUE: reject: ". A reply repeats addresses as they came, and an
 * address can hold all that fields look like; of the places where they can
 * begin, the first counts from which they fill the line to its end. There
 * smtpd(8) quotes addresses, and leaves no '>' in a HELO. Those who have
 * logged in have one field more: what they send is nobody's.
 *
 * Or, of the same form but for the peer, which is missing, "proxy-accept:
 * WHERE: CODE X.Y.Z TEXT; from=<S> ...": a filter before the queue
 * (smtpd_proxy_filter) took the message.
 */
bool logtext_refusal(struct span s, struct logtext_refusal *out);

/*
 * How often STARTTLS succeeded, in a "disconnect from" line: 1 for
 * "starttls=1", 0 for "starttls=0/1"; -1 if it is not said.
 */
int logtext_starttls(struct span s);

/* The part behind the last '@' of an address; false if there is none. */
bool logtext_domain(struct span address, struct span *out);

#endif
