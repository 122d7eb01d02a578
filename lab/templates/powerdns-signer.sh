# The zones and the keys of an operator that signs with PowerDNS: everything is in its database. Keys
# of the next generation are there, too, and neither published nor used; what a change has to know of
# them goes into files: DNSKEY records, as their content.
set -eu

ask() {
	pdnsutil --config-dir="${DIR}/${ID}" "$@"
}

# PowerDNS has names of its own for some algorithms.
algorithm() {
	case "$1" in
	rsasha256) echo rsasha256 2048 ;;
	ecdsap256sha256) echo ecdsa256 ;;
	ecdsap384sha384) echo ecdsa384 ;;
	*) echo "$1" ;;
	esac
}

new() {
	# shellcheck disable=SC2046 # an algorithm may be two words
	ask add-zone-key "$1" "$2" "$3" "$4" $(algorithm "$5") | tail -n 1
}

later() {
	key=$(new "${ZONE}" "$1" inactive unpublished "${NEW_ALGORITHM}")
	ask export-zone-dnskey "${ZONE}" "$key" | sed 's/^.* DNSKEY //'
}

zone() {
	ask load-zone "$1" "$2"
	ask set-kind "$1" primary
	ask set-meta "$1" SOA-EDIT-API INCREASE
	ask set-meta "$1" SOA-EDIT-DNSUPDATE INCREASE
	ask set-meta "$1" TSIG-ALLOW-AXFR "${TRANSFER_NAME}"
	ask set-meta "$1" TSIG-ALLOW-DNSUPDATE "${PARTY}."
}

ln -s "${ID}.conf" "${DIR}/${ID}.keys"
ln -s "../${ID}.conf" "${DIR}/${ID}/pdns.conf"
sqlite3 "${DIR}/${ID}/pdns.sqlite3" < /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
ask import-tsig-key "${TRANSFER_NAME}" hmac-sha256 "${TRANSFER_SECRET}"
ask import-tsig-key "${PARTY}." hmac-sha256 "${UPDATE_SECRET}"
zone "${HOME}" "${DIR}/${ID}/home.zone"
new "${HOME}" ksk active published ecdsap256sha256
zone "${ZONE}" "${DIR}/${ID}/example.zone"
new "${ZONE}" ksk active published ecdsap256sha256
if [ "${SINGLE_KEY}" = yes ]; then
	later ksk > "${DIR}/keys/${PARTY}-ksk-new"
else
	new "${ZONE}" zsk active published ecdsap256sha256
	later ksk > "${DIR}/keys/${PARTY}-ksk-new"
	later zsk > "${DIR}/keys/${PARTY}-zsk-new"
fi
ask rectify-zone "${HOME}" "${ZONE}"
