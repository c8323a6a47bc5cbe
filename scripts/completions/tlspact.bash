# shellcheck shell=bash
# Completion of the tlspact programs for bash. `make install' puts it into the
# folder of bash-completion, with a link for each program.

_tlspact_partners()
{
	tlspactctl status -v 2>/dev/null |
		awk 'NR > 1 && $2 !~ /^partners?:$/ { print $1 }'
}

# _tlspact_words CURRENT WORD...
_tlspact_words()
{
	local word

	for word in "${@:2}"; do
		[[ $word != "$1"* ]] || COMPREPLY+=("$word")
	done
}

_tlspact_common='-C --config -o --option -j --json -v --verbose -h --help
	-V --version'

_tlspact_tlspactctl()
{
	local current=$1 previous=$2 verb='' partner='' i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		*)
			case ${COMP_WORDS[i - 1]} in
			-C | -o | -c | --config | --option | --postfix | --for | \
				--until | --reason | --ticket | --to | --known) ;;
			*)
				if [ -z "$verb" ]; then
					verb=${COMP_WORDS[i]}
				else
					partner=${COMP_WORDS[i]}
				fi
				;;
			esac
			;;
		esac
	done
	case $previous in
	--to) _tlspact_words "$current" key encrypt opportunistic; return ;;
	--for) _tlspact_words "$current" 30m 1h 4h 12h 1d; return ;;
	esac
	if [[ $current != -* ]]; then
		if [ -z "$verb" ]; then
			_tlspact_words "$current" status downgrade extend \
				restore history onboard
		elif [ -z "$partner" ]; then
			# shellcheck disable=SC2046 # a word each
			_tlspact_words "$current" $(_tlspact_partners)
		fi
		return
	fi
	# shellcheck disable=SC2086 # a word each
	_tlspact_words "$current" $_tlspact_common -n --dry-run -c --postfix
	case $verb in
	downgrade) _tlspact_words "$current" --for --until --reason --ticket \
		--to --yes --no-flush ;;
	extend) _tlspact_words "$current" --for --until --reason --yes ;;
	restore) _tlspact_words "$current" --reason --flush ;;
	history) _tlspact_words "$current" --check --known ;;
	esac
}

_tlspact()
{
	local program=${1##*/} current=$2 previous=$3

	COMPREPLY=()
	case $previous in
	-C | --config | --output | -c | --postfix | --rehearse | --what-if)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--format)
		_tlspact_words "$current" text csv json html
		return
		;;
	--partner)
		# shellcheck disable=SC2046 # a word each
		_tlspact_words "$current" $(_tlspact_partners)
		return
		;;
	-o | --option)
		mapfile -t COMPREPLY < <(tlspact-setup -n 2>/dev/null |
			sed -n "s/^\(${current}[a-z_]*\) = .*/\1=/p")
		return
		;;
	esac
	case $program in
	tlspactctl) _tlspact_tlspactctl "$current" "$previous" ;;
	tlspact-compile)
		# shellcheck disable=SC2086 # a word each
		_tlspact_words "$current" $_tlspact_common -n --dry-run --diff \
			--text --accept-weaker
		;;
	tlspact-setup)
		# shellcheck disable=SC2086 # a word each
		_tlspact_words "$current" check print apply $_tlspact_common -n \
			--settings --dry-run -c --postfix --yes --undo
		;;
	tlspactd)
		_tlspact_words "$current" -C --config -o --option -d --debug --warden \
			-v --verbose -h --help -V --version
		;;
	tlspact-log)
		if [[ $current = -* ]]; then
			# shellcheck disable=SC2086 # a word each
			_tlspact_words "$current" $_tlspact_common --follow \
				--explain --now --since
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		;;
	tlspact-report)
		# shellcheck disable=SC2086 # a word each
		_tlspact_words "$current" $_tlspact_common --from --to --at \
			--partner --check --what-if --format --output
		;;
	tlspact-trace)
		if [[ $previous = --partner ]]; then
			# shellcheck disable=SC2046 # a word each
			_tlspact_words "$current" $(_tlspact_partners)
		elif [[ $current = -* ]]; then
			# shellcheck disable=SC2086 # a word each
			_tlspact_words "$current" $_tlspact_common -c --postfix \
				--ours --partner --provider --record
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		;;
	tlspact-probe | tlspact-verify)
		if [[ $current = -* ]]; then
			local more='--at --host --rehearse'

			[ "$program" = tlspact-verify ] ||
				more='--all --as --nagios --no-record --output
					--prometheus --rate --warn-days'
			# shellcheck disable=SC2086 # a word each
			_tlspact_words "$current" $_tlspact_common $more
		else
			# shellcheck disable=SC2046 # a word each
			_tlspact_words "$current" $(_tlspact_partners)
		fi
		;;
	esac
}

complete -F _tlspact tlspactctl tlspactd tlspact-compile tlspact-log \
	tlspact-probe tlspact-report tlspact-setup tlspact-trace \
	tlspact-verify
