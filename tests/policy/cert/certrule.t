#!/usr/bin/env bash
# The verdict on every certificate of shapes.h is that of Postfix's delivery:
# posttls-finger of the installed Postfix connects to a server for each.
. "$(dirname "$0")/../../lab/tap.sh"

command -v posttls-finger >/dev/null || skip_all 'no posttls-finger here'

# posttls_verdict LEVEL ca|ta TRUST PORT NAME...: yes, no, or what went wrong
# (its exit code says nothing).
posttls_verdict()
{
	local level=$1 kind=$2 trust=$3 port=$4 said
	local args=(-c -L "summary,untrusted" -l "$level")

	shift 4
	case $level.$kind in
	fingerprint.*) args+=(-d sha256) ;;
	*.ta) args+=(-A "$trust") ;;
	*) args+=(-F "$trust") ;;
	esac
	said=$(posttls-finger "${args[@]}" "[127.0.0.1]:$port" "$@" 2>&1 </dev/null)
	case $said in
	*'Verified TLS connection established'*) echo yes ;;
	*'TLS connection established'*) echo no ;;
	*) echo "no TLS: $said" ;;
	esac
}

port=${TEST_PORT:-$((20000 + $$ % 9000))}
mkdir "$T/d"
mkfifo "$T/hold"
"$B/tools/mkchain" "$T/d" "$port" <"$T/hold" >"$T/ready" 2>"$T/mkchain.err" &
exec 9>"$T/hold"
wait_for 60 grep -q ready "$T/ready" || bail "mkchain: $(cat "$T/mkchain.err")"

while read -r name at level kind ours fault pin names; do
	read -ra words <<<"$names"
	[ "$level" = secure ] || words=("$pin")
	is "$name: delivers $ours ($fault)" "$ours" "$(posttls_verdict \
		"$level" "$kind" "$T/d/$name.trust" "$at" "${words[@]}")"
done <"$T/d/index"

exec 9>&-
wait
done_testing
