#!/usr/bin/env bash
# What tlspact-log says of each fault, as real Postfix of four releases has
# logged it: tests/tools/faultlogs made the logs. A message went to
# FAULT[-N].fault.example, whose gateway had that fault, or came from
# FAULT[-N].in.fault.example; to FAULT-9 with REQUIRETLS, if that was known.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

golden=$TOP/tests/golden

# Where the log does not have it, what it has, and of which releases.
declare -A known=(
	# OpenSSL 1.1 takes a certificate that is signed with SHA-1.
	[3.5:weak-signature]=null
)

# faults LOG	"DOMAIN FAULT RESULT", a line each
faults()
{
	"$B/tlspact-log" -C /dev/null -o registry="$golden/faults.registry" \
		-o ledger="$T/none.db" -o evidence="$T/none" -o map="$T/none.cdb" \
		-o probe_user= -o log_user= --now 2027-01-05 -j "$1" |
		jq -r '"\(.domain) \(.fault) \(.result)"'
}

# wrong VERSION		what is wrong with it, a line each
wrong()
{
	local version=$1 domain fault result want

	while read -r domain fault result; do
		domain=${domain%.fault.example} domain=${domain%.in}
		want=${known[$version:$domain]:-${domain%-[0-9]}}
		[ "$want" != ok ] || want=null
		[ "$fault" = "$want" ] || echo "$domain: $fault, not $want"
		[[ $result:$fault = @(sent|received):null ||
			($result = @(deferred|bounced) && $fault != null) ]] ||
			echo "$domain: $result, $fault"
	done < <(faults "$golden/faults-$version.log")
}

kinds=''
for log in "$golden"/faults-*.log; do
	version=${log##*/faults-} version=${version%.log}
	is "Postfix $version: each fault is known by its log" \
		"$(wrong "$version")" ''
	list=$(faults "$log" | cut -d ' ' -f 1 | sort)
	is "Postfix $version: each message is told of once" \
		"$(uniq -d <<<"$list")" ''
	list=$(grep -v -- '-9\.' <<<"$list")
	[ -n "$kinds" ] || kinds=$list
	is "Postfix $version: and of the same ones" "$list" "$kinds"
done
is 'faults of REQUIRETLS, of 3.11' \
	"$(faults "$golden/faults-3.11.log" | grep -c -- '-9\.')" 6

done_testing
