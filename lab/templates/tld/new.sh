# What the new back-end operator does in a change of the registry's back-end, told the step by
# $BATON_STEP; and by hand:
#
#     new next      makes the zone that it would sign, b1/next.zone, from what it has transferred
#     new alone     ends the transfers between the two operators, on its side
#
# b1/import.sed, where somebody has put it there, is what goes wrong on the way from the old operator's
# zone to its own.
set -eu
cd "${DIR}"
zone=${ZONE}
work=b1

fail() {
	echo "$*" >&2
	exit 1
}

serial() {
	kdig +short +time=2 +retry=1 "@$1" "$zone" SOA | awk '{ print $3 }'
}

# Without the old operator's signatures, and with an NS set that names its own servers only, unless the
# procedure lets the zone name both operators' for longer. The serial number goes on from the old
# operator's.
next() {
	sh ./registry equal "${A1_V4}" "${B1_V4}"
	sh ./registry transfer "${B1_V4}" | awk -v zone="$zone" '
		$4 == "RRSIG" || $4 == "NSEC3" || $4 == "NSEC3PARAM" || $4 == "NSEC" { next }
		$1 == zone && $4 == "NS" && ENVIRON["BATON_STEP"] != "sign-at-gaining" {
			if (!done++)
				for (i = 1; i <= 2; i++) print zone, $2, "IN NS ns" i ".new.nic." zone
			next
		}
		$4 == "SOA" { $5 = "ns1.new.nic." zone; $7++ }
		{ print }
	' > $work/next.new
	if [ -e $work/import.sed ]; then sed -i -f $work/import.sed $work/next.new; fi
	mv $work/next.new $work/next.zone
}

control() {
	rndc -c keys/rndc-b1.conf "$@"
}

becomes() { # signs, copies or alone
	cp $work/"$1".conf $work/zone.new
	mv $work/zone.new $work/zone.conf
	control reconfig
}

is_now() {
	cmp -s $work/"$1".conf $work/zone.conf
}

until_serial() {
	for i in $(seq 300); do
		served=$(serial "${B1_V4}")
		if [ -n "$served" ] && [ "$served" -ge "$1" ]; then return; fi
		sleep 0.1
	done
	fail "the new operator does not serve serial number $1"
}

# Nobody takes registrations from here until the old operator copies.
sign() {
	if is_now signs; then return; fi
	sh ./registry to nobody
	if ! (next && sh ./registry same $work/next.zone); then
		sh ./registry to old
		exit 1
	fi
	dnssec-signzone -S -K $work/keys -3 - -H 0 -N keep -P -n 2 -O raw -o "$zone" -f $work/next.signed $work/next.zone \
		> log/signzone.log 2>&1 || fail "the new operator cannot sign: $(tail -n 1 log/signzone.log)"
	mv $work/next.signed $work/example.zone
	rm -f $work/example.zone.jnl
	becomes signs
	until_serial "$(awk '$4 == "SOA" { print $7 }' $work/next.zone)"
}

# The old operator's zone gets a serial number that secondaries of the new one take for newer.
copy_again() {
	if ! is_now copies; then
		printf 'server %s\nzone %s\nadd %s %s SOA %s\nsend\n' "${A1_V4}" "$zone" "$zone" "${TTL_NEGATIVE}" \
			"$(kdig +short "@${A1_V4}" "$zone" SOA | awk -v n="$(serial "${B1_V4}")" '{ $3 = n + 1; print }')" |
			knsupdate -t 5 -k keys/old.tsig
		sh ./registry transfer "${A1_V4}" > $work/example.copy
		becomes copies
	fi
	until_serial "$(serial "${A1_V4}")"
	sh ./registry to old
}

alone() {
	: > $work/between.conf
	becomes alone
}

case $* in
next) next; exit ;;
alone) alone; exit ;;
esac
undo=$(jq -r '.facts.undo')
case $BATON_STEP-$undo in
synchronise-* | copy-zone-*) sh ./registry equal "${A1_V4}" "${A2_V4}" "${B1_V4}" "${B2_V4}" ;;
sign-at-new-false | sign-at-gaining-false) sign ;;
sign-at-new-true | sign-at-gaining-true) copy_again ;;
*) fail "the new operator has no command for the step $BATON_STEP" ;;
esac
