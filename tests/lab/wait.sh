# shellcheck shell=bash
# wait.sh: wait for a condition, not for time.

# wait_for SECONDS COMMAND...	until the command succeeds; 1 if it never did
wait_for()
{
	local end=$((SECONDS + $1 + 1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
