#!/usr/bin/env bash
# tlspact-report --what-if against what really happens: the same mails are sent
# under both registries, over gateways with all kinds of certificates.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

each=${WHATIF_EACH:-2} # mails to each partner; 36 make 500
options=(-C /dev/null -o ledger="$T/ledger.db" -o evidence="$T/evidence.db"
	-o map="$LAB/policy.cdb" -o probe_user= -o log_user= -o trust_anchor=
	-o postfix_version="$(postconf -dh mail_version)"
	-o fingerprint_digest=sha256 -o ca_file="$LAB/pki/ca.pem"
	-o helo_name=probe.lab.example)
compile()
{
	"$B/tlspact-compile" "${options[@]}" -o registry="$1" --accept-weaker \
		>/dev/null 2>"$T/err" || bail "$(cat "$T/err")"
}

lab_ca ca || bail 'no CA'
lab_ca other || bail 'no CA'
names=()
# partner NAME WHAT-WOULD-BE-DEMANDED cert|none [CERT-OPTION...]
partner()
{
	lab_partner "$1" "${@:3}" || bail "no certificate for $1"
	names+=("$1")
	echo "partner $1 domain=$1.example" >>"$T/was"
	echo "partner $1 mode=enforced domain=$1.example" \
		"gateway=mx1.$1.example contact=a@$1.example $2" >>"$T/would"
}
partner good '' cert
partner name '' cert cn=mail.hosting.example
partner expired '' cert from=20240101 to=20250101
partner future '' cert from=20990101 to=20990201
partner unknown '' cert ca=other
partner self '' cert ca=self
partner purpose '' cert eku=clientAuth
partner clear '' none
partner any verify=none cert ca=self
partner anyclear verify=none none
partner floor min-tls=TLSv1.3 cert
lab_cert another cn=another.example || bail 'no certificate'
partner pinned '' cert ca=self
sed -i "s/^\(partner pinned.*\)/\1 verify=key key=$(lab_pin pinned)/" "$T/would"
partner otherpin '' cert
sed -i "s/^\(partner otherpin.*\)/\1 verify=key key=$(lab_pin another)/" "$T/would"
partner suffix '' cert cn=.suffix.example
sed -i 's/gateway=mx1.suffix.example/gateway=.suffix.example/' "$T/would"

compile "$T/was"
lab_start || bail 'the lab does not start'
# send_all	a mail to each partner, so many times; $held and $moved count
declare -A held moved
send_all()
{
	local name qid queue=() n

	held=() moved=()
	for name in "${names[@]}"; do
		held[$name]=0 moved[$name]=0
		for ((n = 0; n < each; n++)); do
			qid=$(lab_send "joe@$name.example") || bail 'no mail'
			queue+=("$name $qid")
		done
	done
	for n in "${queue[@]}"; do
		name=${n% *}
		case $(lab_outcome "${n#* }") in
		held:*) held[$name]=$((held[$name] + 1)) ;;
		verified* | encrypted* | clear) moved[$name]=$((moved[$name] + 1)) ;;
		*) diag "$name: $(lab_outcome "${n#* }")" ;;
		esac
	done
}
send_all
is 'nothing is demanded, all moves' \
	"$(printf '%s ' "${moved[@]}")" "$(for _ in "${names[@]}"; do
		printf '%s ' "$each"; done)"
"$B/tlspact-log" "${options[@]}" -o registry="$T/was" "$LAB/send/log" \
	>/dev/null 2>"$T/err" || diag "$(cat "$T/err")"
"$B/tlspact-probe" "${options[@]}" -o registry="$T/was" --all >/dev/null 2>&1
run "$B/tlspact-report" "${options[@]}" -o registry="$T/was" \
	--what-if "$T/would" -j
is 'what if' "$rc $err" '1 '
predicted=$out

compile "$T/would"
send_all
for name in "${names[@]}"; do
	is "$name waits as predicted" "$(jq -r --arg p "$name" '.partners[] |
		select(.partner == $p) | "\(.would_wait) \(.not_known)"' \
		<<<"$predicted")" "${held[$name]} 0"
done
is 'some are held, and some are not' \
	"${held[good]} ${held[any]} ${held[expired]} ${held[clear]}" \
	"0 0 $each $each"
is 'all of them' "$(jq .mails <<<"$predicted")" $((each * ${#names[@]}))
done_testing
