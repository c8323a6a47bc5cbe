#!/usr/bin/env bash
# What root writes in a folder of an account it writes as that account: no
# link that lies there, nor one that is put there meanwhile, leads it to a
# file of somebody else's.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"

chmod 755 "$T"
cd "$T" || exit 1
mkdir root theirs
precious=$T/root/precious
theirs=$T/theirs
: >tlspact.conf
for i in {1..9}; do
	echo "partner p$i mode=enforced contact=x domain=d$i.example" \
		"gateway=mx.a.example"
done >registry
echo 'partner p1 mode=opportunistic domain=d1.example' >registry.b
chmod 600 registry
cp registry registry.a

# fresh: the folder is nobody's and empty, root's file is as it was
fresh()
{
	rm -rf "$theirs" root/*
	mkdir "$theirs"
	chown 65534:65534 "$theirs"
	echo precious >"$precious"
	before=$(state)
}

# state: all there is to know of root's folder
state()
{
	(cd "$T/root" && stat -c '%n %u:%g %a %s %Y %Z' . -- * && cksum -- *)
}

# untouched WHAT
untouched()
{
	is "$1: root's file and folder are as they were" "$(state)" "$before"
}

compile=("$B/tlspact-compile" -C tlspact.conf -o registry="$T/registry"
	-o ledger="$theirs/ledger.db" -o map="$theirs/policy.cdb"
	-o postfix_version=3.7 --accept-weaker)

## Links that lie there.
for name in policy.cdb policy.cdb.tmp policy.cdb.lock ledger.db ledger.db-wal \
	ledger.db-shm; do
	fresh
	ln -s "$precious" "$theirs/$name"
	run "${compile[@]}"
	untouched "tlspact-compile, $name"
	fresh
	ln -s "$T/root/new" "$theirs/$name"
	run "${compile[@]}"
	untouched "tlspact-compile, $name to a file that is not there"
done

ctl=("$B/tlspactctl" -C tlspact.conf -o registry="$T/registry"
	-o ledger="$theirs/ledger.db" -o map="$theirs/policy.cdb"
	-o postfix_version=3.7)
for name in ledger.db ledger.db-wal ledger.db-shm policy.cdb; do
	fresh
	ln -s "$precious" "$theirs/$name"
	run "${ctl[@]}" downgrade p1 --to encrypt --for 1h --reason x \
		--yes --no-flush
	untouched "tlspactctl, $name"
done

fresh
ln -s "$precious" "$theirs/out"
run "$B/tlspact-probe" -C tlspact.conf -o registry="$T/registry" \
	-o ledger="$theirs/ledger.db" -o map="$theirs/policy.cdb" \
	--no-record --output "$theirs/out" --prometheus \
	-o smtp_port=1 -o probe_timeout=1 127.0.0.1
untouched 'tlspact-probe --output'

fresh
for name in metrics metrics.tmp policy.lock socket.lock ledger.db.warden; do
	ln -s "$precious" "$theirs/$name"
done
"${compile[@]}" -o ledger="$T/ledger.db" >/dev/null
for what in --debug --warden; do
	timeout 5 "$B/tlspactd" $what -C tlspact.conf \
		-o registry="$T/registry" -o ledger="$theirs/ledger.db" \
		-o map="$theirs/policy.cdb" -o metrics_interval=1 \
		-o metrics_file="$theirs/metrics" -o warden=no \
		-o socketmap_socket= -o policy_socket="$theirs/policy" \
		>/dev/null 2>"$T/err.$what" &
	daemon=$!
	if [ "$what" = --debug ]; then
		sleep 1
	else
		sleep 0.5
	fi
	kill "$daemon" 2>/dev/null
	wait "$daemon"
done
untouched 'tlspactd'

## What is made belongs to the owner of the folder, and no more can.
fresh
run "${compile[@]}"
is 'the map is made' "$rc" 0
ok 'a downgrade' "${ctl[@]}" downgrade p1 --to encrypt --for 1h \
	--reason x --yes --no-flush
is "all in it is the account's" \
	"$(find "$theirs" ! -user 65534 -o ! -group 65534)" ''
is 'the registry was read, which is root alone to read' \
	"$(stat -c %a registry)" 600
chown root "$theirs/policy.cdb"
chmod 7777 "$theirs/policy.cdb" "$theirs/ledger.db"
cp registry.b registry
run "${compile[@]}"
is 'a map of root there is replaced' \
	"$rc $(stat -c '%u %a' "$theirs/policy.cdb")" '0 65534 644'
is 'the ledger is for owner and group' \
	"$(stat -c %a "$theirs/ledger.db")" 640
is 'a folder of root stays with root' "$(
	"${compile[@]}" -o map="$T/root/m.cdb" >/dev/null
	stat -c %u "$T/root/m.cdb"
)" 0

## So is what is removed: in a sticky folder of root the account may not.
fresh
mkdir -m 1777 "$theirs/sticky"
for f in policy policy-inbound; do echo x >"$theirs/sticky/$f.cdb.full"; done
run "${compile[@]}" -o map="$theirs/sticky/policy.cdb"
is "spares of root beside the account's maps stay" \
	"$rc $(cd "$theirs/sticky" && stat -c '%U %n' -- *.full *.cdb)" "0 \
root policy-inbound.cdb.full
root policy.cdb.full
nobody policy-inbound.cdb
nobody policy.cdb"
chown 65534 "$theirs/sticky"/*.full
cp registry.a registry
run "${compile[@]}" -o map="$theirs/sticky/policy.cdb"
is 'its own go' "$rc $(cd "$theirs/sticky" && echo *.full)" '0 *.full'

## And a race.
fresh
"${compile[@]}" >/dev/null
cat >swap.py <<'PYTHON'
import os, sys, time
there, precious = sys.argv[1:]
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.chdir(there)
names = ["policy.cdb", "policy.cdb.tmp", "policy.cdb.lock", "ledger.db"]
while True:
    for name in names:
        try:
            os.symlink(precious, "link")
            os.replace("link", name)
            if name != "policy.cdb.tmp":
                open("file", "w").close()
                os.replace("file", name)
        except OSError:
            pass
        time.sleep(0.0002)
PYTHON
python3 swap.py "$theirs" "$precious" &
swapper=$!
# shellcheck disable=SC2317 # called at the end
end_swapper()
{
	kill "$swapper" 2>/dev/null
}
at_exit end_swapper
for ((i = 0; i < 100; i++)); do
	if ((i % 2)); then echo 'partner q domain=q.example'; else
		cat registry.b; fi >registry
	"${compile[@]}" >/dev/null 2>&1
done
ok 'they still do' kill "$swapper"
wait "$swapper" 2>/dev/null
untouched '100 runs while links come and go'
is 'the folder is still the whole of it' "$(ls root)" precious

done_testing
