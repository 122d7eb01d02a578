# The keys of the losing operator: those that the zone begins with, and those of the next generation,
# which are in the key store and neither published nor used. What a change has to know of the latter
# goes into files: DNSKEY and DS records, as their content.
set -eu

keys() {
	keymgr -c "${DIR}/a1.conf" "${ZONE}" "$@"
}

later() {
	keys generate "$@" publish=+10y active=+10y
}

keys generate ksk=yes
keys generate zsk=yes
ksk=$(later ksk=yes ready=+10y)
zsk=$(later zsk=yes)
keys dnskey "$ksk" | sed 's/^.* DNSKEY //' > "${DIR}/keys/losing-ksk-new"
keys dnskey "$zsk" | sed 's/^.* DNSKEY //' > "${DIR}/keys/losing-zsk-new"
keys ds "$ksk" | sed -n 's/^.* DS \([0-9]* [0-9]* 2 \)/\1/p' | tr a-f A-F > "${DIR}/keys/losing-ds-new"
if keys list | awk '{ print $2 }' | sort | uniq -d | grep .; then
	echo "two new keys have the same tag; start again"
	exit 1
fi
