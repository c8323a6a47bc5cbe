#!/usr/bin/env bash
# Map and inbound table are two files: killed at every system call between
# them, both are whole, and the next run has them agree.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

W=$(mktemp -d /dev/shm/tlspact-test.XXXXXX 2>/dev/null) || W=$T/work
mkdir -p "$W"
at_exit rm -rf "$W"
cd "$W" || exit 1
# Of a program that is traced, leaks cannot be searched for.
export ASAN_OPTIONS=detect_leaks=0
compile=("$B/tlspact-compile" -C /dev/null -o registry="$W/registry"
	-o map="$W/policy.cdb" -o ledger="$W/ledger.db" -o postfix_version=3.7
	-o opportunistic_level=may --accept-weaker)
echo 'partner p mode=enforced domain=p.example contact=x' >registry.a
echo 'partner p mode=opportunistic domain=p.example' >registry.b

# sides: which registry map and table are of, `a a`, `b a`, ...
sides()
{
	local map table

	case $(cdb -q policy.cdb p.example) in
	secure*) map=a ;;
	may) map=b ;;
	*) map=broken ;;
	esac
	table=b
	cdb -q policy-inbound.cdb ' header' >header 2>&1 || table=broken
	! cdb -q policy-inbound.cdb =p.example >row 2>&1 || table=a
	echo "$map $table"
}

# sweep FROM TO: kill at each call; sets seen, the sides that were met
sweep()
{
	local n status

	seen='' bad=''
	for ((n = 1; n < 2000; n++)); do
		cp "registry.$1" registry
		"${compile[@]}" >/dev/null 2>err || bad+="point $n: $(cat err); "
		cp "registry.$2" registry
		"$B/tools/atcall" -s -f flock $n "${compile[@]}" >/dev/null 2>&1
		status=$?
		[ $status != 200 ] || break
		now=$(sides)
		[[ ",$seen," = *",$now,"* ]] || seen+=",$now"
		[ "$now" = "$1 $2" ] || continue
		# Between the two: whatever the registry says by now.
		for side in a b; do
			cp policy.cdb policy-inbound.cdb keep/
			cp "registry.$side" registry
			"${compile[@]}" >/dev/null 2>err ||
				bad+="point $n: $(cat err); "
			[ "$(sides)" = "$side $side" ] ||
				bad+="point $n: $side and then $(sides); "
			[ ! -e policy-inbound.cdb.tmp ] ||
				bad+="point $n: a temporary file stays; "
			cp -p keep/* .
		done
	done
}
mkdir keep
for way in 'a b' 'b a'; do
	# shellcheck disable=SC2086 # two words
	sweep $way
	is "$way: the two agree after the next run" "$bad" ''
	is "$way: and the point between them was met" "$seen" \
		",${way% *} ${way% *},$way,${way#* } ${way#* }"
done

# What happened to one of them alone.
cp registry.a registry
ok 'a again' "${compile[@]}"
rm policy-inbound.cdb
ok 'the table is lost' "${compile[@]}"
is 'and made anew' "$(sides)" 'a a'
before=$(stat -c '%i %y' policy-inbound.cdb)
ok 'nothing to do' "${compile[@]}"
is 'is nothing done' "$(stat -c '%i %y' policy-inbound.cdb)" "$before"
ok 'a rehearsal' "${compile[@]}" -n
rm policy-inbound.cdb
ok 'of a table that is missing' "${compile[@]}" -n
nok 'writes none' test -e policy-inbound.cdb
ok 'elsewhere' "${compile[@]}" -o inbound_map="$W/keep/other.cdb"
ok 'is the table there' cdb -q keep/other.cdb =p.example
is 'Postfix can read it' "$(stat -c %a keep/other.cdb)" 644
done_testing
