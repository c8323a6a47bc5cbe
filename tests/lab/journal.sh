# shellcheck shell=bash
# journal.sh: journals without a journald; source tap.sh first.
#
# journal_write FILE [FIELD=VALUE...]	appends lines of syslog from stdin to
#				the journal FILE, as if journald had them from
#				root; the fields are added, or put in place of
#				theirs. "Nov 23 00:00:00 gw1 postfix/qmgr[1]: x"
# journal_export [FIELD=VALUE...]	prints them in the Journal Export Format
# journal_append FILE		appends what has that format

journal_remote=/lib/systemd/systemd-journal-remote

journal_there() { [ -x $journal_remote ] && command -v python3 >/dev/null; }

journal_export()
{
	python3 "$TOP/tests/lab/journal.py" "$@"
}

journal_append()
{
	"$journal_remote" -o "$1" - >/dev/null 2>&1
}

journal_write()
{
	journal_export "${@:2}" | journal_append "$1"
}
