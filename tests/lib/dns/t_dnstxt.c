/*
 * Which TXT records are of a version.
 */
#include "check.h"

#include "dnstxt.h"

/* A record in wire form, of strings between '|'. */
static int
wire(const char *text, char *out)
{
	size_t n, len = 0;

	do {
		n = strcspn(text, "|");
		out[len++] = (char)n;
		memcpy(out + len, text, n);
		len += n;
		text += n;
	} while (*text++ != '\0');
	return (int)len;
}

static void
t_find(void **state)
{
	static const struct {
		const char *name;
		const char *record[3];
		size_t n;
		const char *text;
	} rows[] = {
	    {"none", {NULL}, 0, ""},
	    {"one", {"v=STSv1; id=1"}, 1, "v=STSv1; id=1"},
	    {"alone", {"v=STSv1"}, 1, "v=STSv1"},
	    {"blank", {"v=STSv1 ; id=1"}, 1, "v=STSv1 ; id=1"},
	    {"in parts", {"v=STS|v1; |id=1"}, 1, "v=STSv1; id=1"},
	    {"among others", {"other", "v=STSv1;"}, 1, "v=STSv1;"},
	    {"another version", {"v=STSv10; id=1"}, 0, ""},
	    {"not at the beginning", {" v=STSv1;"}, 0, ""},
	    {"shorter", {"v=STSv"}, 0, ""},
	    {"several", {"v=STSv1; id=1", "v=STSv1; id=2"}, 2, "v=STSv1; id=2"},
	    {"unfit to be shown", {"v=STSv1; \x1b[m"}, 1, "v=STSv1; ?[m"},
	};
	char bytes[2][64], *data[3], text[DNSTXT_MAX];
	size_t i, k;
	int len[3];

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		for (k = 0; rows[i].record[k] != NULL; k++) {
			len[k] = wire(rows[i].record[k], bytes[k]);
			data[k] = bytes[k];
		}
		data[k] = NULL;
		check_int(rows[i].name, dnstxt_find(data, len, "v=STSv1", text),
		    rows[i].n);
		check_str(rows[i].name, text, rows[i].text);
	}
}

static void
t_hostile(void **state)
{
	/* A NUL behind the version; a part longer than the record. */
	char nul[] = "\x0av=STSv1\0;x", cut[] = "\x40v=STSv1;";
	char *data[] = {nul, cut, NULL}, text[DNSTXT_MAX];
	const int len[] = {11, 9};
	char part[256], whole[8 * 256], *many[] = {whole, NULL};
	const int size = sizeof(whole);
	size_t i;

	(void)state;
	check_int("neither", dnstxt_find(data, len, "v=STSv1", text), 0);
	memset(part, 'a', sizeof(part));
	part[0] = (char)255;
	for (i = 0; i < 8; i++)
		memcpy(whole + i * sizeof(part), part, sizeof(part));
	memcpy(whole + 1, "v=STSv1;", 8);
	check_int("long", dnstxt_find(many, &size, "v=STSv1", text), 1);
	check_int("is cut", strlen(text), DNSTXT_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_find),
	    cmocka_unit_test(t_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
