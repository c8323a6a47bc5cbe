#include "import_destinations.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "err.h"
#include "import.h"
#include "quote.h"

/* The section that is read. */
struct section {
	struct span domain;
	unsigned line; /* where it begins; 0: none did */
	struct span tls;
};

enum setting { OFF, ON, REQUIRED, ON_VERIFY, REQUIRE_VERIFY, SETTINGS };

static enum setting
setting_of(struct span word)
{
	static const struct {
		const char *name;
		enum setting is;
	} names[] = {{"0", OFF}, {"off", OFF}, {"no", OFF}, {"1", ON},
	    {"on", ON}, {"preferred", ON}, {"2", REQUIRED},
	    {"require", REQUIRED}, {"required", REQUIRED}, {"3", ON_VERIFY},
	    {"on_verify", ON_VERIFY}, {"4", REQUIRE_VERIFY},
	    {"require_verify", REQUIRE_VERIFY},
	    {"required_verify", REQUIRE_VERIFY}};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == word.n &&
		    strncasecmp(names[i].name, word.p, word.n) == 0)
			return names[i].is;
	return SETTINGS;
}

static void
put_setting(struct importrow *r, const struct section *s)
{
	switch (setting_of(s->tls)) {
	case OFF:
		importrow_word(r, "mode", span_of("none"));
		break;
	case ON_VERIFY:
		importrow_note(r, true,
		    "a certificate that is verified and does not count is not "
		    "carried over (on_verify)");
		importrow_word(r, "mode", span_of("may"));
		break;
	case ON:
		importrow_word(r, "mode", span_of("may"));
		break;
	case REQUIRED:
		importrow_word(r, "mode", span_of("enforced"));
		importrow_word(r, "verify", span_of("none"));
		break;
	case REQUIRE_VERIFY:
		importrow_note(r, true,
		    "the name of the MX host is not carried over as a name of "
		    "the certificate: who forges the MX record chooses it; "
		    "name the gateways");
		importrow_word(r, "mode", span_of("enforced"));
		importrow_word(r, "verify", span_of("name"));
		importrow_word(r, "gateway", span_of("nexthop,dot-nexthop"));
		break;
	case SETTINGS:
		importrow_leave(r, "table_tls %s is not known",
		    quote(s->tls.p, s->tls.n).s);
		return;
	}
	importrow_word(r, "inbound", span_of("off"));
}

static void
end_section(struct import *im, const struct section *s)
{
	struct importrow row;

	if (s->line == 0 || s->tls.p == NULL ||
	    (span_is(s->domain, "DEFAULT") && setting_of(s->tls) == OFF))
		return;
	importrow_begin(&row, im, s->line, s->domain);
	if (span_is(s->domain, "DEFAULT"))
		importrow_leave(&row,
		    "table_tls %s is for all others: "
		    "smtp_tls_security_level in main.cf",
		    quote(s->tls.p, s->tls.n).s);
	else
		put_setting(&row, s);
	importrow_end(&row);
}

static int
read_all(struct import *im, char *text, size_t len, struct err *e)
{
	struct span rest = {text, len}, line, name;
	struct section s = {0};
	unsigned no = 0, sections = 0;

	while (rest.n > 0) {
		line = import_trimmed(span_cut(&rest, '\n'));
		no++;
		if (line.n == 0 || *line.p == '#' || *line.p == ';')
			continue;
		if (*line.p == '[' && line.p[line.n - 1] == ']') {
			end_section(im, &s);
			s = (struct section){
			    .domain = import_trimmed(
				(struct span){line.p + 1, line.n - 2}),
			    .line = no};
			sections++;
			continue;
		}
		name = import_trimmed(span_cut(&line, '='));
		if (span_is(name, "table_tls") || span_is(name, "tls"))
			s.tls = import_trimmed(line);
	}
	end_section(im, &s);
	return sections > 0 ? 0
			    : err_set(e, EX_DATAERR,
				  "there is no [section] of a domain");
}

const struct import_format import_destinations = {"destinations", read_all};
