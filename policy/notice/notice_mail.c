#include "notice_priv.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* The Date of RFC 5322; strftime would speak the operator's language. */
static void
put_date(struct buf *b, time_t t)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	buf_printf(b, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

char *
notice_mail(const struct notice *n, const char *from, const char *const *to,
    size_t nto, bool ours)
{
	char *subject, *body, *key;
	struct buf b = {0};
	size_t i, good = 0;

	for (i = 0; i < nto; i++) {
		if (!notice_address_ok(to[i]))
			continue;
		buf_printf(&b, good++ == 0 ? "To: %s" : ",\n\t%s", to[i]);
	}
	if (good == 0)
		return NULL;
	buf_putc(&b, '\n');
	if (notice_address_ok(from))
		buf_printf(&b, "From: %s\n", from);
	put_date(&b, n->at);
	subject = notice_subject(n);
	key = notice_key(n);
	body = notice_body(n, ours);
	buf_printf(&b,
	    "Subject: %s\n"
	    "Auto-Submitted: auto-generated\n"
	    "X-Tlspact-Kind: %s\n"
	    "X-Tlspact-Key: %.200s\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n"
	    "\n",
	    subject, notice_kind_text(n->kind), key);
	buf_puts(&b, body);
	free(body);
	free(key);
	free(subject);
	return buf_take(&b);
}
