/* Whose address it is: against what Postfix 3.7.11 put into its queue. */
#include "check.h"

#include "mailaddr.h"

static const struct {
	const char *asked;  /* as the policy service is asked */
	const char *queued; /* what became of it; NULL: see why */
	const char *domains;
} cases[] = {
    {"joe@acme.example", "joe@acme.example", "acme.example"},
    {"joe%acme.example", "joe@acme.example", "acme.example"},
    {"acme.example!joe", "joe@acme.example", "acme.example"},
    {"b.example!acme.example!joe", "acme.example!joe@b.example", "b.example"},
    {"joe%b.example%acme.example", "joe%b.example@acme.example",
	"acme.example"},
    {"acme.example!joe%b.example", "joe%b.example@acme.example",
	"acme.example b.example"},
    {"@b:joe%acme.example", "joe@acme.example", "acme.example"},
    {"@b.example:acme.example!joe", "joe@acme.example", "acme.example"},
    {"@acme.example:joe@b.example", "joe@b.example", "b.example"},
    {"joe@acme.example@b.example", "\"joe@acme.example\"@b.example",
	"b.example"},
    {"joe@b.example@acme.example", "\"joe@b.example\"@acme.example",
	"acme.example"},
    {"a b@acme.example", "\"a b\"@acme.example", "acme.example"},
    {"joe%acme.example@b.example", "joe%acme.example@b.example", "b.example"},
    {"b.example!joe@acme.example", "b.example!joe@acme.example",
	"acme.example"},
    {"joe%acme.example@", "joe%acme.example@", ""},
    {"joe@acme.example@", "\"joe@acme.example\"@", ""},
    {"joe@acme.example.", "joe@acme.example", "acme.example."},
    {"acme.example.!joe", "joe@acme.example", "acme.example."},
    {"joe@[192.0.2.1]", "joe@[192.0.2.1]", "[192.0.2.1]"},
    {"joe", "joe@recv.lab.example", ""},
    {"joe%acme", "joe@acme", "acme"},
    {"acme!joe", "joe@acme", "acme"},
    {"@acme.example", "\"\"@acme.example", "acme.example"},
    {"%acme.example", "\"\"@acme.example", "acme.example"},
    {"acme.example!", "\"\"@acme.example", "acme.example"},
    {"joe%m\xc3\xbcnchen.example", "joe@m\xc3\xbcnchen.example",
	"m\xc3\xbcnchen.example"},
    {"m\xc3\xbcnchen.example!joe", "joe@m\xc3\xbcnchen.example",
	"m\xc3\xbcnchen.example"},
    {"j\xc3\xb6"
     "e%acme.example",
	"j\xc3\xb6"
	"e@acme.example",
	"acme.example"},
    {"joe+x%acme.example", "joe+x@acme.example", "acme.example"},
    {"joe:x@acme.example", "\"joe:x\"@acme.example", "acme.example"},
    {"joe.%acme.example", "\"joe.\"@acme.example", "acme.example"},
    {"joe%acme%example", "joe%acme@example", "example"},
    /* More than Postfix does: it quotes what is odd, and stops there. */
    {"joe blow%acme.example", NULL, "acme.example"},
    {"acme.example!joe blow", NULL, "acme.example"},
    {"joe\"%acme.example", NULL, "acme.example"},
    {"@x:joe:y%acme.example", NULL, "acme.example"},
    {"joe%[192.0.2.1]", NULL, "[192.0.2.1]"},
    {"@a:@b:@c:joe%acme.example", NULL, "acme.example"},
    /* Refused by smtpd(8), but harmless. */
    {"", NULL, ""},
    {"@", NULL, ""},
    {"@:", NULL, ":"},
    {"@a:", NULL, "a:"},
    {"!acme.example", NULL, ""},
    {"joe%", NULL, ""},
    {"!%", NULL, ""},
};

static void
test_domains(void **state)
{
	struct span v[MAILADDR_MAX];
	char got[256], *exact;
	const char *at;
	size_t i, k, n, len;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		/* Nothing is read behind its end. */
		len = strlen(cases[i].asked);
		exact = malloc(len == 0 ? 1 : len);
		assert_non_null(exact);
		memcpy(exact, cases[i].asked, len);
		n = mailaddr_domains((struct span){exact, len}, v);
		got[0] = '\0';
		for (k = 0; k < n; k++)
			(void)snprintf(got + strlen(got),
			    sizeof(got) - strlen(got), "%s%.*s",
			    k == 0 ? "" : " ", (int)v[k].n, v[k].p);
		check_str(cases[i].asked, got, cases[i].domains);
		free(exact);
		if (cases[i].queued == NULL || n == 0)
			continue;
		/* The first one is what is in the queue. */
		at = strrchr(cases[i].queued, '@');
		assert_non_null(at);
		got[strcspn(got, " ")] = '\0';
		if (got[strlen(got) - 1] == '.')
			got[strlen(got) - 1] = '\0';
		check_str(cases[i].asked, got, at + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
