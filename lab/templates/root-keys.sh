#!/bin/sh
# The key signing keys of the root where validators follow RFC 5011: an old and a new one, whose private
# halves lie in a folder of their own, as those of a real root do, and are brought to the signer to sign.
#
#     root-keys make               both keys, the ZSK, and the zone's start: the old one signs
#     root-keys OLD NEW            what each is to be from now on: absent, published, signing or revoked;
#                                  ends when the root serves it
#
# Knot signs the DNSKEY set with every KSK whose private half it has, so that one that is published and does not
# sign is there without it.
set -eu
folder="${DIR}/keys/anchors"

keys() {
	keymgr -c "${DIR}/root.conf" . "$@"
}

# become old|new STATE
become() {
	id=$(cat "$folder/$1.id" 2>/dev/null || true)
	[ "$(cat "$folder/$1.state" 2>/dev/null || true)" != "$2" ] || return 0
	[ -z "$id" ] || keys delete "$id" > /dev/null
	id=
	case $2 in
	absent) ;;
	published) id=$(keys import-pub "$folder/$1.key" | head -n 1) ;;
	signing) id=$(keys import-bind "$folder/$1.key" | head -n 1) ;;
	revoked)
		id=$(keys import-bind "$folder/$1.key" | head -n 1)
		keys set "$id" revoke=+0 > /dev/null
		;;
	*)
		echo "root-keys: unknown state $2" >&2
		exit 2
		;;
	esac
	printf '%s\n' "$id" > "$folder/$1.id"
	printf '%s\n' "$2" > "$folder/$1.state"
}

make_key() {
	name=$(dnssec-keygen -q -K "$folder" -f KSK -a ECDSAP256SHA256 -P now-1h -A now-1h -n ZONE .)
	mv "$folder/$name.key" "$folder/$1.key"
	mv "$folder/$name.private" "$folder/$1.private"
	sed -n 's/^\. .*DNSKEY //p' "$folder/$1.key" | tr -s ' ' > "$folder/$1.dnskey"
	printf '%s\n' "$name" | sed 's/.*+0*//' > "$folder/$1.tag"
}

# Whether a record of the old or new key, with these flags, is in the served set $set.
shows() {
	rest=$(sed 's/^257 //; s/ //3g' "$folder/$2.dnskey")
	printf '%s\n' "$set" | sed 's/ //4g' | grep -qxF "$1 $rest"
}

# Whether the key is served in that state, and signs accordingly.
served() {
	tag=$(cat "$folder/$1.tag")
	case $2 in
	absent) ! shows 257 "$1" && ! shows 385 "$1" ;;
	published) shows 257 "$1" && ! signs "$tag" ;;
	signing) shows 257 "$1" && signs "$tag" ;;
	revoked) shows 385 "$1" && signs "$((tag + 128))" ;;
	esac
}

signs() {
	printf '%s\n' "$set" | grep -q "^DNSKEY 13 0 .* $1 \\. "
}

if [ "$1" = make ]; then
	mkdir -p "$folder"
	make_key old
	make_key new
	keys generate zsk=yes > /dev/null
	become old signing
	if [ "$(cat "$folder/old.tag")" = "$(cat "$folder/new.tag")" ]; then
		echo "two new keys have the same tag; start again"
		exit 1
	fi
	exit 0
fi
become old "$1"
become new "$2"
knotc -c "${DIR}/root.conf" zone-keys-load . > /dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	set=$(kdig @"${ROOT_V4}" . DNSKEY +dnssec +short)
	if served old "$1" && served new "$2"; then exit 0; fi
	sleep 0.1
done
echo "root-keys: the root does not serve the keys: old $1, new $2" >&2
exit 1
