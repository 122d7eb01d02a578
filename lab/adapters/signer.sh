# What the adapters of this folder have in common: knot-keys, bind-keys, powerdns-keys. Each of them is
# a way to act, `exec` of baton-change(5), for an operator with that signer:
#
#     exec:
#       command: [/bin/sh, /usr/share/baton/lab/adapters/knot-keys, /etc/knot/knot.conf]
#       environment: {PATH: "/usr/sbin:/usr/bin:/sbin:/bin"}
#       timeout: 1m
#       idempotent: true
#
# It is given a file that says how to reach the signer, the zone in BATON_ZONE, and on standard input
# what is to be (see act.h for the form): DNSKEY records that are published or no longer, which keys
# sign the DNSKEY set ("dnskey-signers") and the data ("data-signers"), other record sets as a whole.
# A key that the signer has is its own; any other one is foreign: it is published and signs nothing.
# That the zone is no longer served ("serving": false) is done by the command $STOP of the environment,
# since the signer is not alone in serving it.
#
# By hand the same is said in words, after the file and the zone, with KEY as the content of a DNSKEY
# record, "257 3 13 mdsswUyr3DPW...":
#
#     list                        its own keys, one a line: id, role, whether it is published, signs the
#                                 DNSKEY set, signs data, and KEY; then foreign ones, with "-" and "foreign"
#     generate ksk|zsk|csk [ALGORITHM]   makes a key, not published and not used, and prints KEY
#     publish KEY, withdraw KEY   own or foreign; a KSK that is withdrawn signs no longer
#     sign-with KEY, stop-signing KEY    with that one, too, or no longer: the DNSKEY set with a KSK,
#                                 data with a ZSK, both with a CSK
#     flip KEY...                 data is signed with these own keys and no others
#     freeze, thaw                CDS and CDNSKEY records are taken away, or published for its own KSKs
#
# A rollover is several of these, and when each one is safe is not said here: baton-run(1) knows.
# It needs jq. Messages go to standard error; status 0: done, otherwise nothing more than what was said.
#
# An adapter defines, before it takes this in: signer_list (own keys, as `list` shows them),
# signer_foreign (KEYs), signer_generate ROLE ALGORITHM, signer_set ID ROLE PUBLISH SIGNS-KEYS
# SIGNS-DATA (in true and false), signer_add_foreign TTL KEY, signer_remove_foreign KEY,
# signer_replace TYPE TTL (contents on standard input), signer_freeze, signer_thaw, and
# signer_commit, which comes last where anything was changed. With
# ksk_always_signs=yes every KSK that is published signs.

fail() {
	echo "$*" >&2
	exit 1
}

# Is the line, $2, in the list?
has() {
	printf '%s\n' "$1" | grep -qxF -e "$2"
}

# Is it one of its own keys?
is_own() {
	printf '%s\n' "$own" | cut -d ' ' -f 6- | grep -qxF -e "$1"
}

must_be_own() {
	while read -r key; do
		[ -z "$key" ] || is_own "$key" || fail "no such key in the key store of the signer: $key"
	done << END
$1
END
}

foreign_keys() {
	while read -r key; do
		[ -z "$key" ] || is_own "$key" || signer_add_foreign "$ttl" "$key" || fail "the signer does not publish $key"
	done << END
$add
END
	while read -r key; do
		[ -z "$key" ] || is_own "$key" || signer_remove_foreign "$key" || fail "the signer does not withdraw $key"
	done << END
$remove
END
}

# What is to be of the key that was just read.
target() {
	publish=$published
	if has "$add" "$key"; then publish=true; fi
	if has "$remove" "$key"; then publish=false; fi
	to_keys=$signs_keys
	to_data=$signs_data
	if [ "$role" != zsk ]; then
		if [ "$tells_signers" = true ]; then
			to_keys=false
			if has "$signers" "$key"; then to_keys=true; fi
		fi
		if [ "$publish" = false ]; then to_keys=false; fi
		if [ "$ksk_always_signs" = yes ]; then
			[ "$tells_signers $publish $to_keys" != 'true true false' ] ||
				fail "the signer signs the DNSKEY set with every KSK that it publishes"
			to_keys=$publish
		fi
	fi
	if [ "$role" != ksk ] && [ "$tells_data" = true ]; then
		to_data=false
		if has "$data_signers" "$key"; then to_data=true; fi
	fi
}

# First the keys that are to do more, so that never too little is there.
own_keys() {
	while read -r id role published signs_keys signs_data key; do
		[ -n "$id" ] || continue
		target
		more=no
		case "$published$publish $signs_keys$to_keys $signs_data$to_data" in *falsetrue*) more=yes ;; esac
		[ "$publish $to_keys $to_data" != "$published $signs_keys $signs_data" ] || continue
		[ "$more" = "$1" ] || continue
		signer_set "$id" "$role" "$publish" "$to_keys" "$to_data" || fail "the signer does not take the state of key $id"
	done << END
$own
END
}

apply() {
	own=$(signer_list)
	must_be_own "$signers"
	must_be_own "$data_signers"
	foreign_keys
	own_keys yes
	own_keys no
}

ask() {
	printf '%s' "$request" | jq -r "$1"
}

keys_of_operations() {
	ask ".operations[] | select(.type == \"DNSKEY\" and .kind == \"$1\") | .records[]"
}

record_sets() {
	while read -r kind type ttl; do
		[ -n "$kind" ] || continue
		[ "$kind" = replace ] || fail "only whole $type sets can be replaced"
		signer_replace "$type" "$ttl" << SET || fail "the signer does not take the $type set"
$(ask ".operations[] | select(.type == \"$type\") | .records[]")
SET
	done << END
$(ask '.operations[] | select(.type != "DNSKEY") | [.kind, .type, .ttl_s] | @tsv')
END
}

told_by_request() {
	request=$(cat)
	add=$(keys_of_operations add)
	remove=$(keys_of_operations remove)
	ttl=$(ask '[.operations[] | select(.type == "DNSKEY") | .ttl_s][0] // 0')
	tells_signers=$(ask '.facts | has("dnskey-signers")')
	signers=$(ask '.facts["dnskey-signers"] // [] | .[]')
	tells_data=$(ask '.facts | has("data-signers")')
	data_signers=$(ask '.facts["data-signers"] // [] | .[]')
	if [ "$(ask '.facts.serving == false')" = true ]; then
		[ -n "${STOP:-}" ] || fail "how servers are stopped is said in the environment, as STOP"
		sh -c "$STOP" || fail "$STOP failed"
		exit 0
	fi
	apply
	record_sets
}

# The keys that sign data, or with $1 = keys the DNSKEY set.
signing() {
	if [ "$1" = keys ]; then field=4; else field=5; fi
	signer_list | awk -v field="$field" '$field == "true"' | cut -d ' ' -f 6-
}

sign_with() {
	own=$(signer_list)
	must_be_own "$1"
	role=$(printf '%s\n' "$own" | grep -F -e " $1" | cut -d ' ' -f 2)
	if [ "$role" != zsk ]; then tells_signers=true; signers=$(signing keys | grep -vxF -e "$1" || true); fi
	if [ "$role" != ksk ]; then tells_data=true; data_signers=$(signing data | grep -vxF -e "$1" || true); fi
	if [ "$2" = too ]; then
		signers=$(printf '%s\n%s' "$signers" "$1")
		data_signers=$(printf '%s\n%s' "$data_signers" "$1")
	fi
	apply
}

told_by_words() {
	word=$1
	shift
	case "$word" in
	list)
		signer_list
		signer_foreign | sed 's/^/- foreign true false false /'
		exit 0
		;;
	generate)
		signer_generate "$1" "${2:-ecdsap256sha256}"
		exit 0
		;;
	publish) add=$1 && apply ;;
	withdraw) remove=$1 && apply ;;
	sign-with) sign_with "$1" too ;;
	stop-signing) sign_with "$1" no-longer ;;
	flip)
		tells_data=true
		data_signers=$(printf '%s\n' "$@")
		apply
		;;
	freeze | thaw) "signer_$word" ;;
	*) fail "unknown word '$word'" ;;
	esac
}

ksk_always_signs=${ksk_always_signs:-no}
add='' remove='' signers='' data_signers='' tells_signers=false tells_data=false ttl=0
if [ $# -eq 1 ]; then
	told_by_request
else
	shift 2
	told_by_words "$@"
fi
signer_commit || fail "the signer does not take it"
