#include "received.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

/* --- Words, comments, semicolons --------------------------------------- */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_COMMENT, TOKEN_SEMICOLON };

struct lexer {
	struct span rest;
	struct span text; /* of a word; of a comment without parentheses */
	bool open;	  /* a comment or quote has no end */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * An address may be <"what its owner likes"@domain>: how many bytes more that
 * quoted part has, if it begins at i.
 */
static size_t
quoted(struct span s, size_t i)
{
	size_t k;

	if (s.p[i] != '"' || i == 0 || s.p[i - 1] != '<')
		return 0;
	for (k = i + 1; k < s.n && s.p[k] != '"'; k++)
		if (s.p[k] == '\\')
			k++;
	return k < s.n ? k - i : s.n - i;
}

/* Offset behind the closing byte for the one at the start, or 0: none. */
static size_t
enclosed(struct span s, char close)
{
	size_t i;

	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == close)
			return i + 1;
		else
			i += quoted(s, i);
	}
	return 0;
}

static size_t
word_len(struct span s, bool *open)
{
	size_t i = 0, n;

	while (i < s.n && !is_blank(s.p[i]) && s.p[i] != '(' && s.p[i] != ';') {
		char close = s.p[i] == '"'   ? '"'
			     : s.p[i] == '<' ? '>'
			     : s.p[i] == '[' ? ']'
					     : '\0';

		n = close == '\0' ? 0 : enclosed(span_skip(s, i), close);
		*open |= n == 0 && close == '"';
		/* Other brackets that never close are bytes as any. */
		i += n == 0 ? 1 : n;
	}
	return i;
}

/* Length of the comment at the start, with its parentheses; 0: no end. */
static size_t
comment_len(struct span s)
{
	size_t depth = 0, i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
		else
			i += quoted(s, i);
	}
	return 0;
}

static enum token
next(struct lexer *x)
{
	size_t n;

	while (x->rest.n > 0 && is_blank(*x->rest.p))
		x->rest = span_skip(x->rest, 1);
	if (x->rest.n == 0)
		return TOKEN_END;
	if (*x->rest.p == ';') {
		x->rest = span_skip(x->rest, 1);
		return TOKEN_SEMICOLON;
	}
	if (*x->rest.p != '(') {
		n = word_len(x->rest, &x->open);
		x->text = (struct span){x->rest.p, n};
		x->rest = span_skip(x->rest, n);
		return TOKEN_WORD;
	}
	n = comment_len(x->rest);
	if (n == 0) {
		x->open = true;
		return TOKEN_END;
	}
	x->text = (struct span){x->rest.p + 1, n - 2};
	x->rest = span_skip(x->rest, n);
	return TOKEN_COMMENT;
}

/* The next word of s, parted by blanks, or by one of `more` as well. */
static struct span
cut_word(struct span *s, const char *more)
{
	struct span word;
	size_t n = 0;

	while (s->n > 0 && is_blank(*s->p))
		*s = span_skip(*s, 1);
	while (n < s->n && !is_blank(s->p[n]) &&
	       (s->p[n] == '\0' || strchr(more, s->p[n]) == NULL))
		n++;
	word = (struct span){s->p, n};
	*s = span_skip(*s, n + 1);
	return word;
}

static bool
same(struct span s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static bool
begins(struct span s, const char *text)
{
	return s.n >= strlen(text) && strncasecmp(s.p, text, strlen(text)) == 0;
}

/* Is it its first word, with more behind it? */
static bool
leads(struct span s, const char *word)
{
	return begins(s, word) && s.n > strlen(word) &&
	       is_blank(s.p[strlen(word)]);
}

/* Does s have the word, whatever its case? */
static bool
mentions(struct span s, const char *word)
{
	for (; s.n > 0; s = span_skip(s, 1))
		if (begins(s, word))
			return true;
	return false;
}

/* --- Dates (RFC 5322 section 3.3) --------------------------------------- */

/* Digits only, at most max; -1: not so. */
static int
number(struct span s, int max)
{
	int n = 0;
	size_t i;

	if (s.n == 0 || s.n > 5)
		return -1;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		n = 10 * n + (s.p[i] - '0');
	}
	return n > max ? -1 : n;
}

/* Seconds east of Greenwich; false: not known. */
static bool
take_zone(struct span s, long *east)
{
	static const struct {
		const char *name;
		int hours;
	} zone[] = {{"GMT", 0}, {"UT", 0}, {"UTC", 0}, {"Z", 0}, {"EST", -5},
	    {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6},
	    {"PST", -8}, {"PDT", -7}};
	int hours, minutes;
	size_t i;

	for (i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (same(s, zone[i].name)) {
			*east = zone[i].hours * 3600L;
			return true;
		}
	if (s.n != 5 || (*s.p != '+' && *s.p != '-'))
		return false;
	hours = number((struct span){s.p + 1, 2}, 23);
	minutes = number((struct span){s.p + 3, 2}, 59);
	*east = (*s.p == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return hours != -1 && minutes != -1;
}

/* HH:MM or HH:MM:SS into *tm. */
static bool
take_clock(struct span s, struct tm *tm)
{
	struct span hour = span_cut(&s, ':'), minute = span_cut(&s, ':');

	tm->tm_hour = number(hour, 23);
	tm->tm_min = number(minute, 59);
	tm->tm_sec = s.n == 0 ? 0 : number(s, 60);
	return tm->tm_hour != -1 && tm->tm_min != -1 && tm->tm_sec != -1;
}

/* The date at the start of *s, which then is behind it; 0: there is none. */
static time_t
take_date(struct span *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct span in = *s, w = cut_word(&in, ",");
	struct tm tm = {0};
	long east = 0;
	time_t t;
	int i, day;

	if (w.n == 3 && number(w, 31) == -1) /* the day's name */
		for (w = cut_word(&in, ","); w.n == 0 && in.n > 0;)
			w = cut_word(&in, ",");
	tm.tm_mday = number(w, 31);
	w = cut_word(&in, "");
	for (i = 0;
	     i < 12 &&
	     (w.n != 3 || strncasecmp(w.p, months + (size_t)(3 * i), 3) != 0);
	     i++)
		;
	tm.tm_mon = i;
	tm.tm_year = number(cut_word(&in, ""), 9999) - 1900;
	if (tm.tm_mday < 1 || i == 12 || tm.tm_year < 70 ||
	    !take_clock(cut_word(&in, ""), &tm) ||
	    !take_zone(cut_word(&in, ";"), &east))
		return 0;
	day = tm.tm_mday;
	t = timegm(&tm) - east;
	if (tm.tm_mday != day) /* the 31st of a month of 30 */
		return 0;
	*s = in;
	return t > 0 ? t : 0;
}

/* --- What a field says, clause by clause -------------------------------- */

enum clause {
	CLAUSE_NONE,
	CLAUSE_FROM,
	CLAUSE_BY,
	CLAUSE_VIA,
	CLAUSE_WITH,
	CLAUSE_ID,
	CLAUSE_FOR,
	CLAUSE_TLS
};

#define WITH_WORDS 4

struct field {
	struct received *out;
	enum clause clause;
	bool valued;  /* the clause has its value */
	bool started; /* something stood there before */
	bool host;    /* the comment of the sending host was there */
	bool twice;   /* ... or comes too late */
	bool bare;    /* ... of the address alone: "([ADDRESS])" */
	bool exim;    /* a comment names Exim */
	bool forged;  /* ... who may have another name */
	bool helo;    /* a comment is of the greeting: "from" is not */
	struct span from;
	struct span with[WITH_WORDS];
	size_t nwith;
	unsigned times[CLAUSE_TLS + 1]; /* each clause was there */
	unsigned channel; /* words of "over TLS secured channel" so far */
	bool starttls;	  /* "with ESMTP with STARTTLS" */
	bool marked;	  /* TLS is said by more than the word behind with */
	bool none;	  /* no TLS is said by that */
	bool denied;	  /* ... or just beside it */
	bool strange;	  /* something of TLS that is not understood */
	bool qmail;	  /* "(qmail N invoked ...)" is no hop */
};

/*
 * A protocol in whatever spelling: TLSv1.2, TLS1.2, TLS1_2, TLSv1, SSLv3. The
 * old TLSv1/SSLv3 says what the cipher is of, not what was spoken: no version.
 */
static bool
take_protocol(struct field *f, struct span s)
{
	struct span v = s;

	if (same(s, "TLSv1/SSLv3") || same(s, "TLS"))
		return true;
	if (begins(s, "SSLv") && s.n == 5 && (s.p[4] == '2' || s.p[4] == '3')) {
		(void)snprintf(
		    f->out->protocol, sizeof(f->out->protocol), "%.5s", s.p);
		return true;
	}
	if (!begins(s, "TLS"))
		return false;
	v = span_skip(v, 3);
	if (v.n > 0 && (*v.p == 'v' || *v.p == 'V'))
		v = span_skip(v, 1);
	if (v.n == 0 || *v.p != '1' || (v.n != 1 && v.n != 3) ||
	    (v.n == 3 && ((v.p[1] != '.' && v.p[1] != '_') || v.p[2] < '0' ||
			     v.p[2] > '3')))
		return false;
	if (v.n == 1 || v.p[2] == '0')
		(void)snprintf(
		    f->out->protocol, sizeof(f->out->protocol), "TLSv1");
	else
		(void)snprintf(f->out->protocol, sizeof(f->out->protocol),
		    "TLSv1.%c", v.p[2]);
	return true;
}

/*
 * A cipher's name: capitals and digits, with "-" or "_" or a digit, unlike any
 * word; or Google's OTHER. One may be no cipher, and be said to be none.
 */
static bool
take_cipher(struct field *f, struct span s)
{
	bool other = same(s, "OTHER"), suite = other;
	size_t i;

	f->denied |= begins(s, "no") || begins(s, "(no");
	if (s.n < 3 || s.n > 64 || begins(s, "no"))
		return false;
	for (i = 0; i < s.n; i++) {
		if (!isupper((unsigned char)s.p[i]))
			suite = true;
		if (!other && !isupper((unsigned char)s.p[i]) &&
		    !isdigit((unsigned char)s.p[i]) && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	}
	if (!suite)
		return false;
	f->out->cipher = s;
	if (mentions(s, "null"))
		f->none = true;
	return true;
}

/* "version=V, cipher=C ..." word by word. */
static void
take_pairs(struct field *f, struct span s)
{
	bool version = false, said = false;
	struct span w;

	while (s.n > 0) {
		w = cut_word(&s, ",");
		if (begins(w, "version=")) {
			w = span_skip(w, strlen("version="));
			version = take_protocol(f, w);
			said = w.n > 0 && !same(w, "none");
			f->denied |= same(w, "none");
		} else if (begins(w, "cipher=")) {
			(void)take_cipher(f, span_skip(w, strlen("cipher=")));
		}
	}
	f->marked |= version;
	f->strange |= said && !version;
}

/* "V:C:BITS..." of Exim and OpenSMTPD; "V" alone is Exim's, too. */
static bool
take_colons(struct field *f, struct span s)
{
	if (span_chr(s, ' ') < s.n || !take_protocol(f, span_cut(&s, ':')))
		return false;
	return s.n == 0 || take_cipher(f, span_cut(&s, ':'));
}

/* "V,BITSbits,C" of Courier and McAfee, behind "TLS: ". */
static bool
take_commas(struct field *f, struct span s)
{
	struct span version = cut_word(&s, ","), bits = cut_word(&s, ",");

	return take_protocol(f, version) && span_ends(bits, "bits") &&
	       take_cipher(f, cut_word(&s, ","));
}

/* "using V with cipher C (...". */
static bool
take_using(struct field *f, struct span s)
{
	struct span version;

	s = span_skip(s, strlen("using"));
	version = cut_word(&s, "");
	/* With an address behind it all is a host that is called so. */
	return same(cut_word(&s, ""), "with") &&
	       same(cut_word(&s, ""), "cipher") &&
	       take_cipher(f, cut_word(&s, "")) && span_chr(s, '[') == s.n &&
	       take_protocol(f, version);
}

/* --- The sending host --------------------------------------------------- */

static bool
is_private(const unsigned char *a)
{
	return a[0] == 127 || a[0] == 10 || (a[0] == 192 && a[1] == 168) ||
	       (a[0] == 172 && (a[1] & 0xf0) == 16) ||
	       (a[0] == 169 && a[1] == 254);
}

/* An address with or without brackets; false: it is none. */
static bool
take_address(struct received *out, struct span s)
{
	static const unsigned char mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	unsigned char v4[4], v6[16];
	char text[INET6_ADDRSTRLEN];

	if (s.n > 1 && *s.p == '[') {
		s = span_skip(s, 1);
		s.n = span_chr(s, ']');
	}
	if (begins(s, "IPv6:"))
		s = span_skip(s, strlen("IPv6:"));
	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	span_keep(text, sizeof(text), s);
	if (inet_pton(AF_INET, text, v4) == 1)
		out->within = is_private(v4);
	else if (inet_pton(AF_INET6, text, v6) == 1)
		out->within =
		    memcmp(v6, mapped, 12) == 0
			? is_private(v6 + 12)
			: (v6[0] & 0xfe) == 0xfc ||
			      (v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80) ||
			      memcmp(v6, &in6addr_loopback, 16) == 0;
	else
		return false;
	out->address = s;
	return true;
}

/* Are both of one IPv6 network of 32 bits? As text, without zeros left out. */
static bool
are_near(struct span a, struct span b)
{
	size_t n = span_chr(a, ':'), m;

	if (n == 0 || n >= a.n)
		return false;
	m = n + 1 + span_chr(span_skip(a, n + 1), ':');
	return m > n + 1 && m < a.n && m < b.n &&
	       strncasecmp(a.p, b.p, m + 1) == 0;
}

static bool
is_loopback(struct span address)
{
	return begins(address, "127.") || span_is(address, "::1") ||
	       begins(address, "::ffff:127.");
}

/* A name that was found; the dot at its end is Google's. */
static void
take_name(struct received *out, struct span s)
{
	size_t at = span_chr(s, '@');

	out->looked = true;
	if (at < s.n) /* ident */
		s = span_skip(s, at + 1);
	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (!same(s, "unknown"))
		out->name = s;
}

/*
 * A comment of the from clause that tells of the host: "(NAME [ADDRESS])",
 * "([ADDRESS] helo=...)", "(ADDRESS)", "(HELO GREETING)".
 */
static void
take_host(struct field *f, struct span c)
{
	struct span all = c, first = cut_word(&c, ""), second;
	bool host = false;

	if (begins(first, "port="))
		first = cut_word(&c, "");
	if (same(first, "HELO") || same(first, "EHLO") ||
	    begins(first, "helo=")) {
		f->helo = true;
		f->out->greeting = begins(first, "helo=")
				       ? span_skip(first, strlen("helo="))
				       : cut_word(&c, "");
		return;
	}
	second = cut_word(&c, "");
	if (*all.p == '[') {
		host = take_address(f->out, first);
		if (host && begins(second, "helo=")) {
			f->out->greeting = span_skip(second, strlen("helo="));
			f->helo = true;
		}
		f->bare |= host;
	} else if (second.n > 1 && *second.p == '[') {
		host = take_address(f->out, second);
		if (host)
			take_name(f->out, first);
		f->forged = span_has(all, "may be forged");
	} else if (second.n == 0) {
		size_t at = span_chr(first, '@');

		host = take_address(
		    f->out, at < first.n ? span_skip(first, at + 1) : first);
	}
	/* A greeting with parentheses may bring a host, and TLS, of its own. */
	f->twice |= host && (f->host || f->marked);
	f->host |= host;
}

/* Is "from" what was found, or what the host called itself? */
static void
settle_host(struct field *f)
{
	struct received *out = f->out;
	bool microsoft = f->nwith > 0 && (same(f->with[0], "Microsoft") ||
					     same(f->with[0], "mapi"));
	bool finds = f->exim ||
		     (f->nwith > 0 &&
			 (span_begins(f->with[0], "esmtp") || /* Exim's, too */
			     begins(f->with[0], "ESMTP/TLS/"))); /* Cisco's */

	if (f->helo && !microsoft) {
		/* Exim has no name: the address stands in its place. */
		if (f->from.n > 0 && *f->from.p == '[' && out->address.n == 0) {
			(void)take_address(out, f->from);
			out->looked = true;
		} else {
			take_name(out, f->from);
		}
		if (out->greeting.n == 0)
			out->greeting = f->from;
	} else if (f->bare && finds) {
		take_name(out, f->from);
		out->greeting = f->from;
	} else {
		/* Sendmail and Google, too, write "GREETING ([ADDRESS])". */
		out->greeting = f->from;
		out->looked |= f->bare && !microsoft;
	}
	if (f->forged)
		out->name = (struct span){NULL, 0};
}

/* A comment that begins like one of TLS, and whether it is. */
static void
mark(struct field *f, bool is)
{
	f->marked |= is;
	f->strange |= !is;
}

/* --- Tokens ------------------------------------------------------------- */

static void
take_comment(struct field *f, struct span c)
{
	struct span rest = c;

	if (c.n == 0)
		return;
	f->qmail |= !f->started && leads(c, "qmail");
	f->exim |= f->times[CLAUSE_BY] > 0 && leads(c, "Exim");
	if (leads(c, "using")) {
		mark(f, take_using(f, c));
	} else if (leads(c, "TLS:") || leads(c, "SSL:")) {
		mark(f, take_commas(f, span_skip(c, strlen("TLS:"))));
	} else if (f->clause == CLAUSE_FROM) {
		if (leads(c, "AUTH:")) {
			while (rest.n > 0 && !same(cut_word(&rest, ""), "TLS:"))
				;
			if (rest.n > 0)
				mark(f, take_commas(f, rest));
		} else if (!leads(c, "Client") && !leads(c, "No") &&
			   !leads(c, "Authenticated") && !leads(c, "IDENT:")) {
			take_host(f, c);
		}
	} else if (begins(c, "version=")) {
		take_pairs(f, c);
	} else if (f->clause == CLAUSE_WITH && span_ends(c, "encrypted")) {
		mark(f, take_cipher(f, cut_word(&rest, "")) &&
			    same(cut_word(&rest, ""), "encrypted"));
		f->valued = true;
	} else if (f->clause == CLAUSE_WITH || f->clause == CLAUSE_ID ||
		   f->clause == CLAUSE_TLS) {
		if (take_colons(f, c))
			f->marked = true;
		else if (span_chr(c, '@') == c.n) /* which anybody can write */
			f->strange |=
			    mentions(c, "tls") || mentions(c, "ssl") ||
			    mentions(c, "encrypted") || mentions(c, "cipher");
	} else if (f->clause == CLAUSE_BY) {
		struct received other = {.time = 0};

		if (take_address(&other, c))
			f->out->near = are_near(f->out->address, other.address);
		while (rest.n > 0) {
			struct span w = cut_word(&rest, "");

			f->strange |= begins(w, "TLS") || begins(w, "SSL");
		}
	}
}

/* The clause that the word begins, or CLAUSE_NONE. */
static enum clause
keyword(const struct field *f, struct span w)
{
	static const char *const name[] = {[CLAUSE_FROM] = "from",
	    [CLAUSE_BY] = "by",
	    [CLAUSE_VIA] = "via",
	    [CLAUSE_WITH] = "with",
	    [CLAUSE_ID] = "id",
	    [CLAUSE_FOR] = "for",
	    [CLAUSE_TLS] = "tls"};
	enum clause i;

	if (f->clause != CLAUSE_NONE && !f->valued)
		return CLAUSE_NONE;
	for (i = CLAUSE_FROM; i <= CLAUSE_TLS; i++)
		if (same(w, name[i]))
			break;
	if (i > CLAUSE_TLS || (i == CLAUSE_FROM && f->started))
		return CLAUSE_NONE;
	return i;
}

/* The next word of "over TLS secured channel" behind the host of a by clause.
 */
static bool
take_channel(struct field *f, struct span w)
{
	static const char *const word[] = {"over", "TLS", "secured", "channel"};

	if (f->clause != CLAUSE_BY || !f->valued || f->channel == 4 ||
	    !same(w, word[f->channel]))
		return false;
	f->channel++;
	return true;
}

static void
take_word(struct field *f, struct span w)
{
	enum clause k;

	if (take_channel(f, w))
		return;
	k = keyword(f, w);
	if (k != CLAUSE_NONE) {
		f->clause = k;
		f->valued = false;
		f->times[k]++;
		return;
	}
	switch (f->clause) {
	case CLAUSE_FROM:
		if (!f->valued)
			f->from = w;
		break;
	case CLAUSE_BY:
		if (!f->valued)
			f->out->by = w;
		break;
	case CLAUSE_WITH:
		if (f->times[CLAUSE_WITH] == 2 && !f->valued &&
		    same(w, "STARTTLS")) {
			f->starttls = true;
			f->times[CLAUSE_WITH]--;
		} else if (f->nwith < WITH_WORDS) {
			f->with[f->nwith++] = w;
		}
		break;
	case CLAUSE_TLS:
		if (begins(w, "version=") || begins(w, "cipher="))
			take_pairs(f, w);
		else if (!f->valued && f->times[CLAUSE_BY] > 0)
			f->marked |= take_cipher(f, w);
		break;
	default:
		break;
	}
	f->valued = true;
}

/* --- The word behind with ----------------------------------------------- */

/*
 * One of IANA's mail transmission types, in any case: [UTF8](SMTP|ESMTP|LMTP)
 * with S for TLS and A for a login. Exim has ASMTP, too, for the latter.
 */
static enum received_tls
transmission(struct span w)
{
	if (begins(w, "UTF8"))
		w = span_skip(w, 4);
	if (w.n > 4 && (begins(w, "E") || begins(w, "L") || begins(w, "A")) &&
	    !begins(w, "LMTP"))
		w = span_skip(w, 1);
	if (!begins(w, "SMTP") && !begins(w, "LMTP"))
		return RECEIVED_UNKNOWN;
	w = span_skip(w, 4);
	if (w.n == 0 || same(w, "A"))
		return RECEIVED_CLEAR;
	return same(w, "S") || same(w, "SA") ? RECEIVED_ENCRYPTED
					     : RECEIVED_UNKNOWN;
}

static enum received_tls
by_with(struct field *f)
{
	struct span w = f->with[0], protocol;

	if (f->nwith == 0)
		return RECEIVED_UNKNOWN;
	/* "C encrypted SMTP" of qmail with TLS, and of MessageLabs. */
	if (f->nwith >= 2 && same(f->with[1], "encrypted"))
		return take_cipher(f, w) ? RECEIVED_ENCRYPTED
					 : RECEIVED_UNKNOWN;
	if (same(w, "Microsoft") && f->nwith >= 2) {
		if (same(f->with[1], "SMTPSVC"))
			return f->channel == 4 ? RECEIVED_ENCRYPTED
					       : RECEIVED_CLEAR;
		return same(f->with[1], "SMTP") ? RECEIVED_CLEAR
						: RECEIVED_UNKNOWN;
	}
	if (same(w, "HTTPS"))
		return RECEIVED_ENCRYPTED;
	protocol = span_cut(&w, '/');
	if (w.n > 0) { /* "ESMTP/TLS/C" of Cisco */
		if (transmission(protocol) == RECEIVED_UNKNOWN ||
		    !same(span_cut(&w, '/'), "TLS"))
			return RECEIVED_UNKNOWN;
		if (w.n > 0)
			return take_cipher(f, w) ? RECEIVED_ENCRYPTED
						 : RECEIVED_UNKNOWN;
		return RECEIVED_ENCRYPTED;
	}
	return transmission(protocol);
}

/* LMTP of a host to itself without an address is by a socket (Dovecot). */
static bool
by_socket(const struct received *out)
{
	return begins(out->with, "LMTP") && out->address.n == 0 &&
	       out->greeting.n == out->by.n && out->by.n > 0 &&
	       strncasecmp(out->greeting.p, out->by.p, out->by.n) == 0;
}

/*
 * Amazon SES takes mail over TLS and says SMTP all the same; who does not say
 * from whom it has a mail need not have it from the network.
 */
static enum received_tls
settle(struct field *f)
{
	struct received *out = f->out;
	enum received_tls said = by_with(f);

	if (out->broken)
		return RECEIVED_UNKNOWN;
	if (f->none)
		return RECEIVED_CLEAR;
	if (said == RECEIVED_ENCRYPTED || f->marked ||
	    (f->starttls && said == RECEIVED_CLEAR))
		return f->denied ? RECEIVED_UNKNOWN : RECEIVED_ENCRYPTED;
	if (f->times[CLAUSE_FROM] == 0)
		return said == RECEIVED_CLEAR ? RECEIVED_UNKNOWN
					      : RECEIVED_LOCAL;
	if (is_loopback(out->address) || by_socket(out))
		return RECEIVED_LOCAL;
	if (f->strange || f->channel > 1 ||
	    ((begins(out->by, "inbound-smtp.") ||
		 begins(out->by, "email-smtp.")) &&
		span_ends(out->by, ".amazonaws.com")))
		return RECEIVED_UNKNOWN;
	return said;
}

void
received_parse(struct span value, struct received *out)
{
	struct field f = {.out = out};
	struct lexer x = {.rest = value};
	enum token t;
	time_t when;

	*out = (struct received){.time = 0};
	while ((t = next(&x)) != TOKEN_END) {
		switch (t) {
		case TOKEN_WORD:
			take_word(&f, x.text);
			break;
		case TOKEN_COMMENT:
			take_comment(&f, x.text);
			break;
		default:
			/* OpenSMTPD has one behind each clause. */
			if ((when = take_date(&x.rest)) != 0)
				out->time = when;
			f.clause = CLAUSE_NONE;
			break;
		}
		f.started = true;
	}
	out->broken = x.open || f.twice || f.times[CLAUSE_BY] > 1 ||
		      f.times[CLAUSE_WITH] > 1 || (out->by.n == 0 && !f.qmail);
	if (f.nwith > 0)
		out->with = f.with[0];
	if (f.from.n > 0)
		settle_host(&f);
	out->tls = settle(&f);
	if (out->tls != RECEIVED_ENCRYPTED) {
		out->protocol[0] = '\0';
		out->cipher = (struct span){NULL, 0};
	}
}

const char *const received_tls_names[] = {
    [RECEIVED_UNKNOWN] = "unknown",
    [RECEIVED_CLEAR] = "clear",
    [RECEIVED_ENCRYPTED] = "encrypted",
    [RECEIVED_LOCAL] = "local",
};
