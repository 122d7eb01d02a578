#!/bin/sh
# What the validators themselves have written down about the root's two key signing keys (RFC 5011, section 4):
#
#     anchors WITHIN old=STATE new=STATE       valid, pending, missing, revoked or unknown, of each key;
#                                              one of several: valid,missing
#
# ends when it is so in the state file of each validator, or, with what each has, after WITHIN seconds.
set -eu
folder="${DIR}/keys/anchors"

# What a state file says, as lines of flags, public key and state, of one validator.
unbound_says() {
	sed -n 's/^\.[[:space:]].*DNSKEY[[:space:]]*\([0-9]*\) 3 13 \([^ ;]*\).*;;state=[0-9] \[ *\([A-Z]*\) *\].*/\1 \2 \3/p' "$1"
}

kresd_says() {
	sed -n 's/^\..*DNSKEY[[:space:]]*\([0-9]*\) 3 13 \([^ ;]*\) ; *\([A-Za-z]*\):.*/\1 \2 \3/p' "$1"
}

# KEYDATA: when to look again, from when trusted, until when kept once revoked (0: not).
bind_says() {
	rndc -c "${DIR}/keys/rndc-bind.conf" managed-keys sync > /dev/null 2>&1 || true
	now=$(date -u +%Y%m%d%H%M%S)
	tr '\n' ' ' < "$1" | sed 's/KEYDATA/\nKEYDATA/g' | sed 's/;.*//; s/[()]/ /g' | awk -v now="$now" '
		/^KEYDATA/ {
			key = ""
			for (i = 8; i <= NF; i++)
				key = key $i
			state = $4 !~ /^1970/ ? "revoked" : $3 <= now ? "valid" : "pending"
			print $5, key, state
		}'
}

state_of() {
	rest=$(sed 's/^257 3 13 //; s/ //g' "$folder/$2.dnskey")
	case $1 in
	bind) bind_says "${DIR}/bind/managed-keys.bind" ;;
	kresd) kresd_says "${DIR}/kresd/root.key" ;;
	*) unbound_says "${DIR}/$1/root.key" ;;
	esac 2>/dev/null | awk -v key="$rest" '
		$2 == key { state = tolower($3) }
		END { print state == "addpend" ? "pending" : state == "removed" || state == "" ? "unknown" : state }'
}

# state KEY WANTED: whether every validator has it so; what is not goes to $wrong.
check() {
	for validator in unbound bind kresd forwarded; do
		has=$(state_of "$validator" "$1")
		case ",$2," in
		*",$has,"*) ;;
		*) wrong="$wrong $validator has the $1 key as $has, expected $2;" ;;
		esac
	done
}

until=$(($(date +%s) + $1))
shift
while :; do
	wrong=
	for word in "$@"; do
		check "$(echo "$word" | cut -d = -f 1)" "$(echo "$word" | cut -d = -f 2)"
	done
	if [ -z "$wrong" ]; then
		echo "every validator has written down: $*"
		exit 0
	fi
	[ "$(date +%s)" -lt "$until" ] || break
	sleep 0.3
done
echo "anchors:$wrong" >&2
exit 1
