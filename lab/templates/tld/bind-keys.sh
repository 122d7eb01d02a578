# What a change has to know of the new operator's keys, which nobody can see yet, goes into files:
# DNSKEY and DS records, as their content.
set -eu
cd "${DIR}/b1/keys"

content() { # of the one DNSKEY record with these flags
	awk -v flags="$1" '$3 == "DNSKEY" || $4 == "DNSKEY" {
		sub(/^.* DNSKEY /, ""); split($0, f, " ")
		if (f[1] != flags) next
		key = ""; for (i = 4; i in f; i++) key = key f[i]
		print f[1], f[2], f[3], key
	}' K*.key
}

content 257 > "${DIR}/keys/new-ksk"
content 256 > "${DIR}/keys/new-zsk"
for key in K*.key; do
	if grep -q ' 257 3 ' "$key"; then dnssec-dsfromkey -2 "$key" | sed 's/^.* DS //'; fi
done > "${DIR}/keys/new-ds"
{
	keymgr -c "${DIR}/a1.conf" "${ZONE}" list | awk '{ print $2 + 0 }'
	printf '%s\n' K*.key | sed 's/.*+0*\([0-9]*\).key/\1/'
} > tags
if sort tags | uniq -d | grep .; then
	echo "two new keys have the same tag; start again"
	exit 1
fi
