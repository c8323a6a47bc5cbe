# shellcheck shell=bash
# counted.sh: what tlspact-log has put into $T/evidence; source tap.sh first.

# counts		all of it, in one text
counts()
{
	python3 - "$T/evidence" <<-'PYTHON'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	for q in ("select day, partner, direction, seen, protocol, cipher,"
	    " result, sum(n) from log_count group by 1, 2, 3, 4, 5, 6, 7"
	    " order by 1, 2, 3, 4, 5, 6, 7",
	    "select time, partner, direction, fault, host, queue_id"
	    " from failure order by 1, 2, 3, 4, 5, 6"):
	    for row in db.execute(q):
	        print(*row)
	PYTHON
}
