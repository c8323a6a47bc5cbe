#include "smtpreply.h"

#include "quote.h"

#include <string.h>
#include <strings.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * The keyword of a line of an EHLO reply, as Postfix cuts it out: what is
 * before the first "-" or blank is the code, whatever it looks like; then
 * the word up to a blank or "=" counts. The first word of all is the name
 * of the server. A tab is no blank here, since Postfix has made it a "?"
 * by then.
 */
static void
note_keyword(struct smtpreply *r)
{
	const char *p = r->line + strspn(r->line, "- ");
	size_t n;

	p += strcspn(p, "- ");
	if (*p != '\0')
		p++;
	p += strspn(p, " =");
	if ((n = strcspn(p, " =")) == 0)
		return;
	if (r->named++ == 0)
		return;
	if (n == 8 && strncasecmp(p, "STARTTLS", n) == 0)
		r->starttls = true;
	if (n == 10 && strncasecmp(p, "REQUIRETLS", n) == 0)
		r->requiretls = true;
}

/* A whole line is in r->line. True if it ends the reply. */
static bool
end_line(struct smtpreply *r)
{
	const char *text;
	size_t digits, len;

	while (r->len > 0 && r->line[r->len - 1] == '\r')
		r->len--;
	r->line[r->len] = '\0';
	len = strlen(r->line); /* a NUL hides the rest, from Postfix as well */
	r->len = 0;
	r->lines++;

	if (r->kept < SMTPREPLY_MAX_LINE) {
		r->kept += len + (r->kept > 0);
		note_keyword(r);
	}
	for (digits = 0; is_digit(r->line[digits]); digits++)
		;
	text = r->line + digits;
	if (r->line[strspn(r->line, "20 *")] != '\0')
		r->readable = true;
	/* Noise is passed over. */
	if (digits != 3 || (*text != '-' && *text != ' ' && *text != '\0'))
		return false;
	r->code = (r->line[0] - '0') * 100 + (r->line[1] - '0') * 10 +
		  (r->line[2] - '0');
	len -= digits;
	if (len > 0) {
		text++;
		len--;
	}
	quote_show(r->last, sizeof(r->last), text, len);
	return r->line[3] != '-';
}

static enum smtpreply_status
take(struct smtpreply *r, char c)
{
	if (++r->bytes > SMTPREPLY_MAX_BYTES)
		return SMTPREPLY_TOO_MUCH;
	if (c != '\n') {
		if (r->len < SMTPREPLY_MAX_LINE)
			r->line[r->len++] = c;
		return SMTPREPLY_MORE;
	}
	if (end_line(r))
		return SMTPREPLY_DONE;
	return r->lines >= SMTPREPLY_MAX_LINES ? SMTPREPLY_TOO_MUCH
					       : SMTPREPLY_MORE;
}

enum smtpreply_status
smtpreply_feed(struct smtpreply *r, const char *p, size_t len, size_t *used)
{
	size_t i;

	for (i = 0; i < len && r->status == SMTPREPLY_MORE; i++)
		r->status = take(r, p[i]);
	*used = i;
	return r->status;
}
