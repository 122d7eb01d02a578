# What the old back-end operator does in a change of the registry's back-end, told the step by
# $BATON_STEP.
set -eu
cd "${DIR}"
zone=${ZONE}

fail() {
	echo "$*" >&2
	exit 1
}

control() {
	knotc -b -c a1.conf "$@"
}

becomes() { # signs-again or copies
	cp a1/"$1".conf a1/zone.new
	mv a1/zone.new a1/zone.conf
	control reload > /dev/null
}

is_now() {
	cmp -s a1/"$1".conf a1/zone.conf
}

# Registrations go to the new operator once the old one copies.
copy() {
	if ! is_now copies; then
		becomes copies
		control zone-refresh "$zone" > /dev/null
	fi
	sh ./registry equal "${B1_V4}" "${A1_V4}"
	sh ./registry to new
}

# It signs what it has copied, and names both operators' servers. What BIND notes for itself at the top
# of a zone (type 65534) has come with the copy, and goes.
sign_again() {
	sh ./registry to nobody
	if is_now copies; then
		sh ./registry equal "${B1_V4}" "${A1_V4}"
		becomes signs-again
	fi
	control zone-sign "$zone" > /dev/null
	{
		printf 'server %s\nzone %s\ndel %s TYPE65534\n' "${A1_V4}" "$zone" "$zone"
		for server in ns1.old.nic ns2.old.nic ns1.new.nic ns2.new.nic; do
			echo "add $zone ${TTL_CHILD_NS} NS $server.$zone"
		done
		echo send
	} | knsupdate -t 10 -k keys/old.tsig
}

# The zone and the key that it shared with the new operator go; so do they on the other side.
stop() {
	cp a1/gone.conf a1.conf
	control reload > /dev/null
	sed -i '/^zone:/,$d' a2.conf
	nsd-control -c a2.conf reconfig > /dev/null
	sh ./new alone > /dev/null
}

undo=$(jq -r '.facts.undo')
case $BATON_STEP-$undo in
reverse-transfer-false) copy ;;
reverse-transfer-true) sign_again ;;
end-synchronisation-false | stop-serving-false) stop ;;
*) fail "the old operator has no command for the step $BATON_STEP" ;;
esac
