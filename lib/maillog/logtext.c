#include "logtext.h"

#define QUEUE_ID_MIN 5
#define QUEUE_ID_MAX 32
#define PEER_MAX 1024 /* bytes of HOST[ADDRESS]:PORT */

static unsigned
leading_number(struct span s)
{
	unsigned v = 0;
	size_t i;

	for (i = 0; i < s.n && i < 6 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		v = v * 10 + (unsigned)(s.p[i] - '0');
	return v;
}

/*
 * An address may hold colons, and a host name is foreign text (it comes
 * from DNS), so the first '[' counts and the first ']' behind it.
 */
bool
logtext_peer(struct span s, struct logtext_peer *out, struct span *rest)
{
	struct span head = s;
	size_t open, close, i;

	*out = (struct logtext_peer){0};
	if (head.n > PEER_MAX)
		head.n = PEER_MAX;
	open = span_chr(head, '[');
	if (open == head.n || span_chr(head, ' ') < open) {
		/* Postfix 2.3 names the host only. */
		for (i = 0; i < head.n && head.p[i] != ':' &&
			    head.p[i] != ' ' && head.p[i] != ',';
		     i++)
			;
		out->host = (struct span){head.p, i};
		*rest = span_skip(s, i);
		return i > 0;
	}
	close = open + span_chr(span_skip(head, open), ']');
	if (close == head.n)
		return false;
	out->host = (struct span){head.p, open};
	out->address = (struct span){head.p + open + 1, close - open - 1};
	s = span_skip(s, close + 1);
	if (s.n > 1 && s.p[0] == ':' && s.p[1] >= '0' && s.p[1] <= '9') {
		out->port = leading_number(span_skip(s, 1));
		for (i = 1; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			;
		s = span_skip(s, i);
	}
	*rest = s;
	return true;
}

/* Of short ids (hexadecimal), and of long ones (base 52, no vowels). */
static const unsigned char id_char[256] = {
    ['0' ... '9'] = 3,
    ['A'] = 1,
    ['B' ... 'D'] = 3,
    ['E'] = 1,
    ['F'] = 3,
    ['G' ... 'H'] = 2,
    ['J' ... 'N'] = 2,
    ['P' ... 'T'] = 2,
    ['V' ... 'Z'] = 2,
    ['b' ... 'd'] = 2,
    ['f' ... 'h'] = 2,
    ['j' ... 'n'] = 2,
    ['p' ... 't'] = 2,
    ['v' ... 'z'] = 2,
};

bool
logtext_queue_id(struct span s, struct span *id, struct span *rest)
{
	unsigned kind = 3;
	size_t i;

	for (i = 0; i < s.n && i <= QUEUE_ID_MAX; i++) {
		if (s.p[i] == ':')
			break;
		kind &= id_char[(unsigned char)s.p[i]];
		if (kind == 0)
			return false;
	}
	if (i < QUEUE_ID_MIN || i > QUEUE_ID_MAX || i + 1 >= s.n ||
	    s.p[i + 1] != ' ')
		return false;
	*id = (struct span){s.p, i};
	*rest = span_skip(s, i + 2);
	return true;
}

static bool
skip_word(struct span *s, const char *word)
{
	size_t n = strlen(word);

	if (!span_begins_with(*s, word, n))
		return false;
	*s = span_skip(*s, n);
	return true;
}

/* Moves *s, perhaps also if it is something else. */
static bool
take_trust(struct span *s, enum logtext_trust *out)
{
	static const struct {
		const char *word;
		enum logtext_trust trust;
	} words[] = {
	    {"Anonymous ", LOGTEXT_ANONYMOUS},
	    {"Untrusted ", LOGTEXT_UNTRUSTED},
	    {"Trusted ", LOGTEXT_TRUSTED},
	    {"Verified ", LOGTEXT_VERIFIED},
	    {"", LOGTEXT_UNSAID},
	};
	size_t i;

	for (i = 0; !skip_word(s, words[i].word); i++)
		;
	*out = words[i].trust;
	return skip_word(s, "TLS connection ");
}

/* "NAME" or "NAME (MORE)" behind that word. */
static struct span
detail(struct span s, const char *word)
{
	size_t at = span_find_text(s, word, strlen(word)), n;

	if (at == s.n)
		return (struct span){NULL, 0};
	s = span_skip(s, at + strlen(word));
	n = span_chr(s, ' ');
	if (n + 1 < s.n && s.p[n + 1] == '(' &&
	    span_chr(span_skip(s, n), ')') < s.n - n)
		n += span_chr(span_skip(s, n), ')') + 1;
	s.n = n;
	return s;
}

/* What the cipher's name says of the key exchange, below TLS 1.3. */
static const char *
exchange_of(struct span protocol, struct span cipher)
{
	if (span_is(protocol, "TLSv1.3"))
		return "";
	if (span_begins(cipher, "ECDHE-") || span_begins(cipher, "AECDH-"))
		return "ECDHE";
	if (span_begins(cipher, "DHE-") || span_begins(cipher, "EDH-") ||
	    span_begins(cipher, "ADH-"))
		return "DHE";
	return "RSA";
}

bool
logtext_session(struct span s, struct logtext_session *out)
{
	struct span rest;
	size_t at;

	if (!take_trust(&s, &out->trust))
		return false;
	out->reused = skip_word(&s, "reused ");
	if (!out->reused && !skip_word(&s, "established "))
		return false;
	out->inbound = skip_word(&s, "from ");
	if ((!out->inbound && !skip_word(&s, "to ")) ||
	    !logtext_peer(s, &out->peer, &rest))
		return false;
	/* " to SNI" may follow. */
	at = span_find(rest, ": ");
	if (at == rest.n)
		return false;
	rest = span_skip(rest, at + 2);
	out->protocol = span_cut(&rest, ' ');
	if (!skip_word(&rest, "with cipher "))
		return false;
	out->cipher = span_cut(&rest, ' ');
	out->exchange = detail(rest, " key-exchange ");
	if (out->exchange.n == 0)
		out->exchange =
		    span_of(exchange_of(out->protocol, out->cipher));
	out->signature = detail(rest, " server-signature ");
	return out->protocol.n > 0 && out->cipher.n > 0;
}

/* The text between `from` and the next ", ", moving *s behind that. */
static bool
take_field(struct span *s, const char *from, struct span *out)
{
	size_t at;

	if (!skip_word(s, from))
		return false;
	at = span_find(*s, ", ");
	if (at == s->n)
		return false;
	*out = (struct span){s->p, at};
	*s = span_skip(*s, at + 2);
	return true;
}

/* Where the domain of an address may begin: a quoted local part holds all. */
static size_t
behind_quotes(struct span s)
{
	size_t i = 0;

	if (s.n > 0 && s.p[0] == '"')
		for (i = 1; i < s.n && s.p[i] != '"'; i++)
			if (s.p[i] == '\\')
				i++;
	return i;
}

/*
 * Behind "<": an address may hold anything while it is quoted, also
 * ">, relay=", and so may the reply at the end of the line. So a quoted
 * local part is passed over first, and then the first fit counts.
 */
static bool
take_recipient(struct span *s, struct span *out)
{
	struct span rest = span_skip(*s, behind_quotes(*s));
	size_t at, orig;

	at = span_find(rest, ">, relay=");
	orig = span_find(rest, ">, orig_to=<");
	out->p = s->p;
	out->n = (size_t)(rest.p - s->p) + (orig < at ? orig : at);
	if (orig < at) {
		rest = span_skip(rest, orig + sizeof(">, orig_to=<") - 1);
		rest = span_skip(rest, behind_quotes(rest));
		at = span_find(rest, ">, relay=");
	}
	*s = span_skip(rest, at + 3);
	return at < rest.n;
}

/* "0.02" is 1, and "12", which Postfix rounded, is 13; "0" is 0. */
static unsigned
rounded_up(struct span s)
{
	return leading_number(s) + !(s.n == 1 && s.p[0] == '0');
}

/* The last two of four, each rounded up. */
static bool
take_busy(struct span delays, unsigned *out)
{
	(void)span_cut(&delays, '/');
	(void)span_cut(&delays, '/');
	*out = rounded_up(span_cut(&delays, '/')) + rounded_up(delays);
	return delays.n > 0;
}

static enum logtext_policy
policy_of(struct span tls)
{
	static const struct {
		const char *name;
		enum logtext_policy by;
	} level[] = {
	    {"none", LOGTEXT_CLEAR},
	    {"may", LOGTEXT_ENCRYPTED},
	    {"encrypt", LOGTEXT_ENCRYPTED},
	    {"halfdane", LOGTEXT_ENCRYPTED},
	    {"fingerprint", LOGTEXT_KEYED},
	    {"dane", LOGTEXT_DANE},
	    {"dane-only", LOGTEXT_DANE},
	    {"verify", LOGTEXT_NAMED},
	    {"secure", LOGTEXT_NAMED},
	};
	bool violated = span_chr(tls, '!') < tls.n;
	struct span achieved = span_cut(&tls, '/'), word;
	size_t i;

	word = span_cut(&achieved, ':');
	if (achieved.n > 0)
		word = achieved;
	for (i = 0; !violated && i < sizeof(level) / sizeof(*level); i++)
		if (word.n == strlen(level[i].name) &&
		    memcmp(word.p, level[i].name, word.n) == 0)
			return level[i].by;
	return LOGTEXT_NO_POLICY;
}

bool
logtext_delivery(struct span s, struct logtext_delivery *out)
{
	struct span field, rest;

	*out = (struct logtext_delivery){0};
	if (!logtext_queue_id(s, &out->queue_id, &s) ||
	    !skip_word(&s, "to=<") || !take_recipient(&s, &out->recipient) ||
	    !take_field(&s, "relay=", &out->relay))
		return false;
	if (!span_is(out->relay, "none"))
		(void)logtext_peer(out->relay, &out->peer, &rest);
	if (take_field(&s, "conn_use=", &field))
		out->conn_use = leading_number(field);
	(void)take_field(&s, "delay=", &field);
	if (take_field(&s, "delays=", &field))
		out->timed = take_busy(field, &out->busy);
	if (take_field(&s, "tls=", &out->tls))
		out->by = policy_of(out->tls);
	(void)take_field(&s, "dsn=", &out->dsn);
	if (!skip_word(&s, "status="))
		return false;
	out->status = span_cut(&s, ' ');
	if (s.n > 1 && s.p[0] == '(') {
		out->reason = span_skip(s, 1);
		if (out->reason.p[out->reason.n - 1] == ')')
			out->reason.n--;
	}
	return out->status.n > 0;
}

bool
logtext_blamed(struct span why, struct logtext_peer *peer)
{
	static const char *const before[] = {"host ", "lost connection with ",
	    "conversation with ", "TLS is required, but host ",
	    "TLS is required, but was not offered by host ",
	    "Sender requested REQUIRETLS, but host ",
	    ("Sender requested REQUIRETLS, but TLS service was not offered by "
	     "host ")};
	struct span rest;
	size_t i;

	for (i = 0; i < sizeof(before) / sizeof(*before); i++)
		if (skip_word(&why, before[i]))
			return logtext_peer(why, peer, &rest);
	return false;
}

/* ": WHY", or ":WHY" as Postfix 2.3 writes it. */
static bool
take_why(struct span s, struct span *why)
{
	if (!skip_word(&s, ":"))
		return false;
	(void)skip_word(&s, " ");
	*why = s;
	return true;
}

static bool
verify_failed(struct span s, struct logtext_peer *peer, struct span *why)
{
	struct span rest;

	if (skip_word(&s, "certificate peer name verification failed for ")) {
		*why = (struct span){"num=62:hostname mismatch", 24};
		return logtext_peer(s, peer, &rest);
	}
	if (!skip_word(&s, "server ") && !skip_word(&s, "client "))
		(void)skip_word(&s, "CA ");
	return skip_word(&s, "certificate verification failed for ") &&
	       logtext_peer(s, peer, &rest) && take_why(rest, why);
}

static bool
unusable(struct span s, struct logtext_peer *peer, struct span *what)
{
	if (!skip_word(&s, "warning: ") || !logtext_peer(s, peer, &s) ||
	    !skip_word(&s, ": all ") || !span_ends(s, " unusable"))
		return false;
	s.n -= sizeof(" unusable") - 1;
	*what = s;
	return true;
}

static bool
ssl_error(struct span s, struct logtext_peer *peer, struct span *why)
{
	struct span rest;

	if (!skip_word(&s, "SSL_connect error to ") &&
	    !skip_word(&s, "SSL_accept error from "))
		return false;
	return logtext_peer(s, peer, &rest) && take_why(rest, why);
}

enum logtext_complaint
logtext_complaint(struct span s, struct logtext_peer *peer, struct span *why)
{
	return verify_failed(s, peer, why) ? LOGTEXT_VERIFY_FAILED
	       : unusable(s, peer, why)	   ? LOGTEXT_UNUSABLE
	       : ssl_error(s, peer, why)   ? LOGTEXT_SSL_ERROR
					   : LOGTEXT_NO_COMPLAINT;
}

/* "a@b>", behind its '<'. */
static bool
take_address(struct span *s, struct span *out)
{
	size_t from = behind_quotes(*s), at;

	at = from + span_chr(span_skip(*s, from), '>');
	if (from > s->n || at >= s->n)
		return false;
	*out = (struct span){s->p, at};
	*s = span_skip(*s, at + 1);
	return true;
}

/* "from=<S> to=<R> proto=P helo=<H>" to the end; each may be missing. */
static bool
take_fields(struct span s, struct span *sender)
{
	struct span unused;

	*sender = (struct span){0};
	if (skip_word(&s, " from=<") && !take_address(&s, sender))
		return false;
	if (skip_word(&s, " to=<") && !take_address(&s, &unused))
		return false;
	if (skip_word(&s, " proto="))
		s = span_skip(s, span_chr(s, ' '));
	if (skip_word(&s, " helo=<") && !take_address(&s, &unused))
		return false;
	return s.n == 0;
}

/* "CODE X.Y.Z TEXT; from=<S> to=<R> proto=P helo=<H>" */
static void
take_reply(struct span rest, struct logtext_refusal *out)
{
	struct span fields;
	size_t at;

	out->reply = rest;
	for (fields = rest; fields.n > 0; fields = span_skip(fields, 1)) {
		fields = span_skip(fields, span_chr(fields, ';'));
		if (fields.n > 0 &&
		    take_fields(span_skip(fields, 1), &out->sender))
			break;
	}
	if (fields.n == 0)
		out->sender = (struct span){0};
	out->reply.n = rest.n - fields.n;
	out->text = out->reply;
	(void)span_cut(&out->text, ' ');
	at = span_chr(out->text, ' ');
	if (at > 0 && out->text.p[0] >= '2' && out->text.p[0] <= '5' &&
	    span_chr(out->text, '.') == 1) {
		out->dsn = (struct span){out->text.p, at};
		out->text = span_skip(out->text, at + 1);
	}
}

bool
logtext_refusal(struct span s, struct logtext_refusal *out)
{
	*out = (struct logtext_refusal){0};
	out->taken = skip_word(&s, "proxy-accept: ");
	if (out->taken) {
		s = span_skip(s, span_find(s, ": "));
	} else {
		(void)span_cut(&s, ' ');
		if (!skip_word(&s, "from ") || !logtext_peer(s, &out->peer, &s))
			return false;
	}
	if (!skip_word(&s, ": "))
		return false;
	take_reply(s, out);
	return true;
}

int
logtext_starttls(struct span s)
{
	size_t at = span_find(s, " starttls=");

	return at == s.n ? -1
			 : (int)leading_number(
			       span_skip(s, at + sizeof(" starttls=") - 1));
}

bool
logtext_domain(struct span address, struct span *out)
{
	const char *at =
	    address.n == 0 ? NULL : memrchr(address.p, '@', address.n);

	if (at == NULL)
		return false;
	*out = span_skip(address, (size_t)(at + 1 - address.p));
	return out->n > 0;
}
