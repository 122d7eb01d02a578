# The keys of an operator that signs with BIND. Those that the zone begins with look a day old: BIND
# withdraws keys too eagerly from a zone that has not aged. Their DS record is not published yet, from
# its point of view. Keys of the next generation are in a folder of their own, where BIND does not
# find them; what a change has to know of them goes into files: DNSKEY records, as their content.
set -eu

key() {
	dnssec-keygen -q -n ZONE -L "${TTL_DNSKEY}" "$@" "${ZONE}"
}

later() {
	file=$(key -K "${DIR}/${ID}/keys-new" -a "${NEW_ALGORITHM}" "$@")
	sed -n 's/^.* DNSKEY \([0-9]* [0-9]* [0-9]*\) /\1 /p' "${DIR}/${ID}/keys-new/$file.key" | awk '{
		printf "%s %s %s ", $1, $2, $3
		for (i = 4; i <= NF; i++) printf "%s", $i
		print ""
	}'
}

now() {
	key -K "${DIR}/${ID}/keys" -a ECDSAP256SHA256 -P now-1d -A now-1d "$@"
}

cat > "${DIR}/keys/rndc-${ID}.conf" << END
key "control" { algorithm hmac-sha256; secret "${CONTROL_SECRET}"; };
options { default-key "control"; default-server ${V4}; default-port 953; };
END
mkdir "${DIR}/${ID}/keys" "${DIR}/${ID}/keys-new"
if [ "${SINGLE_KEY}" = yes ]; then
	now -fKSK
	later -fKSK > "${DIR}/keys/${PARTY}-ksk-new"
else
	now -fKSK
	now
	later -fKSK > "${DIR}/keys/${PARTY}-ksk-new"
	later > "${DIR}/keys/${PARTY}-zsk-new"
fi
cat > "${DIR}/${ID}.keys" << END
rndc = ${DIR}/keys/rndc-${ID}.conf
server = ${V4}
tsig = ${DIR}/keys/${PARTY}.tsig
keys = ${DIR}/${ID}/keys
END
