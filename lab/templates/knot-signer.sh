# The keys of an operator that signs with Knot DNS: those that the zone begins with, and those of the
# next generation, which are in the key store and neither published nor used. What a change has to
# know of the latter goes into files: DNSKEY records, as their content.
set -eu
ln -s "${ID}.conf" "${DIR}/${ID}.keys"

keys() {
	keymgr -c "${DIR}/${ID}.conf" "${ZONE}" "$@"
}

later() {
	key=$(keys generate algorithm="${NEW_ALGORITHM}" "$@" publish=+10y active=+10y)
	keys dnskey "$key" | sed 's/^.* DNSKEY //'
}

if [ "${SINGLE_KEY}" = yes ]; then
	keys generate ksk=yes zsk=yes
	later ksk=yes zsk=yes ready=+10y > "${DIR}/keys/${PARTY}-ksk-new"
else
	keys generate ksk=yes
	keys generate zsk=yes
	later ksk=yes ready=+10y > "${DIR}/keys/${PARTY}-ksk-new"
	later zsk=yes > "${DIR}/keys/${PARTY}-zsk-new"
fi
if keys list | awk '{ print $2 }' | sort | uniq -d | grep .; then
	echo "two new keys have the same tag; start again"
	exit 1
fi
