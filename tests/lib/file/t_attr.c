#include "check.h"

#include "attr.h"

/*
 * The words of a line that starts on line 10, as "LINE:name=value", a bare
 * word without '=', a fault as "LINE!name!fault".
 */
static const struct {
	const char *name;
	const char *text;
	const char *want;
} cases[] = {
    {"nothing", "", ""},
    {"blanks only", " \t\n ", ""},
    {"a word", "partner", "10:partner"},
    {"words", "partner acme", "10:partner|10:acme"},
    {"a pair", "a=b", "10:a=b"},
    {"a pair without value", "a=", "10:a="},
    {"a pair without name", "=b", "10:=b"},
    {"only =", "=", "10:="},
    {"= in the value", "a=b=c", "10:a=b=c"},
    {"blanks around = make three words", "a = b", "10:a|10:=|10:b"},
    {"tabs between", "a=b\t\tc=d", "10:a=b|10:c=d"},
    {"a line break between", "a=b\n c=d\n\n e", "10:a=b|11:c=d|13:e"},
    {"a line break first", "\n\n a=b", "12:a=b"},
    {"trailing blanks", "a=b \t\n ", "10:a=b"},
    {"a brace inside a word is text", "a=b{c}", "10:a=b{c}"},
    {"braces", "{ a = b c }", "10:a=b c"},
    {"braces without blanks", "{a=b}", "10:a=b"},
    {"braces, no value", "{ a = }", "10:a="},
    {"braces, no name", "{ = b }", "10:=b"},
    {"braces, = in the value", "{ a = b = c }", "10:a=b = c"},
    {"braces inside braces", "{ a = b {c {d}} e }", "10:a=b {c {d}} e"},
    {"braces, then a word", "{ a = b } c=d", "10:a=b|10:c=d"},
    {"a line break in braces is a blank", "{ a = b\n   c }\n d",
	"10:a=b c|12:d"},
    {"blanks before a break go", "{ a = b \t\n\t c }", "10:a=b c"},
    {"two breaks in braces are one blank", "{ a = b\n\n c }", "10:a=b c"},
    {"breaks around =", "{ a\n =\n b }", "10:a=b"},
    {"blanks inside are kept", "{ a = b  c }", "10:a=b  c"},
    {"no closing brace", "{ a = b", "10!{ a = b!missing '}'"},
    {"no closing brace, nested", "{ a = {b}", "10!{ a = {b}!missing '}'"},
    {"text behind the brace", "{ a = b }c", "10!c!no blank after '}'"},
    {"no = in braces", "{ a b }", "10!a b!missing '=' in braces"},
    {"empty braces", "{}", "10!!missing '=' in braces"},
    {"after a fault all is given up", "{ a } b=c",
	"10!a!missing '=' in braces"},
    {"the line of a later fault", "a\n { b", "10:a|11!{ b!missing '}'"},
    {"a closing brace alone", "}", "10:}"},
};

static void
t_words(void **state)
{
	char text[128], got[512];
	struct attrs in;
	struct attr a;
	enum attr_kind kind;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text), "%s", cases[i].text);
		attr_init(&in, text, 10);
		got[0] = '\0';
		n = 0;
		while ((kind = attr_next(&in, &a)) != ATTR_END) {
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%u",
			    n == 0 ? "" : "|", a.line);
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    kind == ATTR_BAD ? "!%s!%s" : ":%s%s", a.name,
			    kind == ATTR_BAD	? a.fault
			    : kind == ATTR_PAIR ? "="
						: "");
			if (kind == ATTR_PAIR)
				n += (size_t)snprintf(
				    got + n, sizeof(got) - n, "%s", a.value);
			else
				check_str(cases[i].name, a.value, NULL);
		}
		check_str(cases[i].name, got, cases[i].want);
		check_int(cases[i].name, attr_next(&in, &a), ATTR_END);
	}
}

static const struct {
	const char *name;
	const char *text;
	const char *want_name; /* NULL: refused */
	const char *want_value;
} assigns[] = {
    {"plain", "a = b", "a", "b"},
    {"no blanks", "a=b", "a", "b"},
    {"many blanks", "a \t =  b \t", "a", "b"},
    {"no value", "a =", "a", ""},
    {"only blanks behind", "a =  \t", "a", ""},
    {"no name", "= b", "", "b"},
    {"only =", "=", "", ""},
    {"no =", "a b", NULL, NULL},
    {"empty", "", NULL, NULL},
    {"blanks in the value", "a = b  c", "a", "b  c"},
    {"continued", "a = b\n  c\n\td", "a", "b c d"},
    {"continued at once", "a =\n b", "a", "b"},
    {"= in the value", "a = b=c", "a", "b=c"},
};

static void
t_assign(void **state)
{
	char text[128], *name, *value;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(assigns); i++) {
		name = value = NULL;
		(void)snprintf(text, sizeof(text), "%s", assigns[i].text);
		check_int(assigns[i].name, attr_assign(text, &name, &value),
		    assigns[i].want_name == NULL ? -1 : 0);
		check_str(assigns[i].name, name, assigns[i].want_name);
		check_str(assigns[i].name, value, assigns[i].want_value);
	}
}

static const struct {
	const char *name;
	const char *text;
	const char *want; /* elements, '|' behind each */
} lists[] = {
    {"one", "a", "a|"},
    {"two", "a,b", "a|b|"},
    {"blanks", " a , b ", "a|b|"},
    {"a break", "a,\n b", "a|b|"},
    {"blanks inside stay", "a b,c", "a b|c|"},
    {"empty", "", "|"},
    {"only a comma", ",", "||"},
    {"an empty one", "a,,b", "a||b|"},
    {"a comma at the end", "a,", "a||"},
    {"a comma first", ",a", "|a|"},
    {"only blanks", "  ", "|"},
    {"a long one", "mx1.acme.example", "mx1.acme.example|"},
    {"long ones", "mx1.acme.example,mx2.acme.example , m",
	"mx1.acme.example|mx2.acme.example|m|"},
    {"a comma as the eighth", "1234567,12345678,,1", "1234567|12345678||1|"},
};

static void
t_list(void **state)
{
	char text[64], got[64], *s;
	struct attr_list list;
	size_t i, n, len;

	(void)state;
	for (i = 0; i < COUNT(lists); i++) {
		(void)snprintf(text, sizeof(text), "%s", lists[i].text);
		got[0] = '\0';
		list = (struct attr_list){text, strlen(text)};
		n = attr_list_count(&list);
		while ((s = attr_list_next(&list, &len)) != NULL) {
			check_int(lists[i].name, len, strlen(s));
			(void)strcat(got, s);
			(void)strcat(got, "|");
			n--;
		}
		check_str(lists[i].name, got, lists[i].want);
		check_int(lists[i].name, n, 0);
		check_str(lists[i].name, attr_list_next(&list, &len), NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_words),
	    cmocka_unit_test(t_assign),
	    cmocka_unit_test(t_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
