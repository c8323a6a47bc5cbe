#include "ctlrun.h"

#include <stdlib.h>
#include <sysexits.h>

#include "ctlnobody.h"
#include "err.h"
#include "say.h"

void
ctlrun_tell_faults(const struct ctl_facts *f)
{
	if (f->ledger_fault != NULL)
		say("%s", f->ledger_fault);
	if (f->evidence_fault != NULL)
		say("%s", f->evidence_fault);
}

int
ctlrun_nobody(const struct ctlrun *r)
{
	char *words =
	    ctlnobody(&r->c.set, r->registry, r->lower.partner, r->c.now);

	say("%s", words);
	free(words);
	return EX_NOINPUT;
}

int
ctlrun_facts(const struct ctlrun *r, bool waiting, struct ctl_facts *f)
{
	int code = ctl_facts_get(&r->c, r->lower.partner, waiting, f);

	ctlrun_tell_faults(f);
	if (f->name == NULL && r->registry == NULL)
		return r->registry_code;
	return f->name == NULL ? ctlrun_nobody(r) : code;
}
