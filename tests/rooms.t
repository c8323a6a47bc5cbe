#!/usr/bin/env bash
# The rooms of the tree, of the Makefile and of HACKING are the same ones, and
# an include that the table does not allow does not compile.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/lab/tap.sh"

cd "$TOP" || exit 1
# Ours is not the make that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL

declare -A edges
all=()
while IFS= read -r line; do
	read -r room <<<"${line:4:17}"
	edges[$room]=${line:21:22}
	all+=("$room")
done <<<"$(grep -E '^    (lib|policy)/[a-z]+ +[a-z-]' HACKING)"

# follow ROOM	the room, and what it may include, a line each
follow()
{
	local layer=${1%/*} edge

	echo "$1"
	for edge in ${edges[$1]}; do
		case $edge in
		-) ;;
		lib) printf '%s\n' "${all[@]}" | grep '^lib/' ;;
		*) follow "$layer/$edge" ;;
		esac
	done
}

table=$(for room in "${all[@]}"; do
	follow "$room" | sort -u | tr "\n" " " | sed "s|^|$room |; s| $||"
	echo
done | sort)
made=$(make --no-print-directory -s B="$B" rooms)
tree=$(for room in lib/* policy/*; do
	[ ! -d "$room" ] || echo "$room"
done | sort)

is 'HACKING and the Makefile have the same rooms and edges' "$table" "$made"
is 'and the tree has these rooms' "$tree" "$(cut -d' ' -f1 <<<"$made")"
is 'no source lies outside of a room' \
	"$(find lib policy -maxdepth 1 -type f)" ''
is 'no header has the name of another one' \
	"$(find lib policy -name '*.h' -printf '%f\n' | sort | uniq -d)" ''
is 'no include goes round the include path' \
	"$(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*/' \
		-r lib policy cmd --include='*.[ch]')" ''

# --- An edge that is not in the table does not compile ---------------------

# compiles MAY HEADER...	as the Makefile would compile a source of a room
# that may include these
compiles()
{
	local flags

	read -ra flags <<<"-I${1// / -I}"
	printf '#include "%s"\n' "${@:2}" >"$T/t.c"
	run "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE "${flags[@]}" \
		-fsyntax-only "$T/t.c"
}

header()
{
	local h=("$1"/*.h)

	basename "${h[0]}"
}

wrong='' right=''
while read -r room may; do
	allowed=()
	for other in "${all[@]}"; do
		if [[ " $may " == *" $other "* ]]; then
			allowed+=("$(header "$other")")
			continue
		fi
		compiles "$may" "$(header "$other")"
		[ "$rc" != 0 ] || right+="$room -> $other "
	done
	compiles "$may" "${allowed[@]}"
	[ "$rc" = 0 ] || wrong+="$room: $err "
done <<<"$made"
is 'each room compiles with a header of each room that it may use' "$wrong" ''
is 'and with none of any other' "$right" ''

# The rule that builds uses these paths: shown by one that it refuses.
mkdir -p "$T/tree/lib/base" "$T/tree/policy/core"
cp Makefile "$T/tree/"
cp policy/core/level.h "$T/tree/policy/core/"
printf '#include "level.h"\nint x;\n' >"$T/tree/lib/base/x.c"
run make -s -C "$T/tree" B=b b/lib/base/x.o
isnt 'make refuses an include that points upward' "$rc" 0
like 'and says which' "$err" 'level\.h'
printf 'int x;\n' >"$T/tree/lib/base/x.c"
run make -s -C "$T/tree" B=b b/lib/base/x.o
is 'and builds the same without' "$rc" 0

done_testing
