# The registry in a change of its back-end operator: where registrations go, and what it checks.
#
#     registry to old|new|nobody    registrations go there from now on; nobody: they wait
#     registry transfer SERVER      the zone as this server gives it, by transfer
#     registry equal SERVER...      waits until all serve what the first one does
#     registry same FILE            the old operator's zone has the same registered data
#     registry all-there SERVER...  all of them have every registration, and nothing else
#
# and without arguments the step $BATON_STEP. Registrations are what the lab's registering program
# writes into log/registrations: only what was acknowledged.
set -eu
cd "${DIR}"
zone=${ZONE}
key=keys/registry.tsig
log=log/registrations
baton_zone=${BATON}-zone

fail() {
	echo "$*" >&2
	exit 1
}

# Whoever registers holds the lock while a registration is under way.
to() {
	echo "$1" > registrations.next
	mv registrations.next registrations.to
	flock registrations.lock true
}

serial() {
	kdig +short +time=2 +retry=1 "@$1" "$zone" SOA | awk '{ print $3 }'
}

equal() {
	first=$1
	for i in $(seq 300); do
		all=
		for server in "$@"; do all="$all $(serial "$server")"; done
		if [ "$(printf '%s\n' $all | sort -u | wc -l)" = 1 ] &&
			[ "$(printf '%s\n' $all | wc -l)" = $# ]; then
			return
		fi
		sleep 0.1
	done
	fail "the servers $* do not have one serial number:$all"
}

transfer() {
	kdig "@$1" "$zone" AXFR -k "$key" +time=10 |
		awk '!/^;/ && NF && $4 != "TSIG" { if ($4 == "SOA" && seen++) next; print }'
}

compare() { # two zones
	result=0
	"$baton_zone" compare --limit 3 --key "$key" "$1" "$2" > compare.out 2>&1 || result=$?
	case $result in
	0) ;;
	1) fail "registered data differs, $1 and $2: $(grep '^[-+]' compare.out | tr '\n' ';')" ;;
	*) fail "$1 and $2 cannot be compared: $(tail -n 1 compare.out)" ;;
	esac
}

# What the registry has sold: the zone as it was at the start, and the last word on every name since.
registered() {
	cat registered.start
	if [ -e "$log" ]; then
		awk -F '\t' '{ last[$3] = $0 } END {
			for (name in last) {
				n = split(last[name], f, "\t")
				for (i = 4; i <= n; i++) print name, "${TTL_DATA}", f[i]
			}
		}' "$log"
	fi
}

all_there() {
	registered > registered.now
	for server in "$@"; do compare registered.now "axfr://$server/$zone"; done
}

# Is every transfer with the key of the two operators refused, because nobody knows the key any more?
refused() {
	kdig "@$1" "$zone" AXFR -k keys/between.tsig +time=5 > refused.out 2>&1 || true
	if ! grep -q -E 'BADKEY|NOTAUTH' refused.out; then
		fail "$1 still knows the key that the two operators shared"
	fi
}

cleaned_up() {
	refused "${A1_V4}"
	refused "${B1_V4}"
	for server in "${A1_V4}" "${A1_V6}" "${A2_V4}" "${A2_V6}"; do
		if ! kdig "@$server" "$zone" SOA | grep -q 'status: REFUSED'; then
			fail "$server still answers for $zone"
		fi
	done
	for server in "${ROOT_V4}" "${ROOT2_V6}" "${ROOT3_V4}" "${B1_V6}" "${B2_V4}"; do
		if kdig "@$server" "$zone" NS +norec | grep -v '^;' | grep -i 'old\.nic'; then
			fail "$server still names the old servers"
		fi
	done
}

before() {
	sh ./new next || exit 1
	compare "axfr://${A1_V4}/$zone" b1/next.zone
	all_there "${A1_V4}" "${A2_V4}"
}

after() {
	equal "${B1_V4}" "${B2_V4}" "${A1_V4}" "${A2_V4}"
	compare "axfr://${A1_V4}/$zone" "axfr://${B1_V4}/$zone"
	all_there "${B1_V4}" "${B2_V4}" "${A1_V4}" "${A2_V4}"
}

# Nothing is registered while zones are compared: they would differ by what is on its way.
held() { # who takes registrations, and what to do meanwhile
	result=0
	to nobody
	("$2") || result=$?
	to "$1"
	return $result
}

step() {
	case $1 in
	compare-before) held old before ;;
	compare-after) held new after ;;
	verify-clean-up) cleaned_up ;;
	*) fail "the registry has nothing to do in the step $1" ;;
	esac
}

if [ $# = 0 ]; then set -- step; fi
case $1 in
step) step "$BATON_STEP" ;;
to) to "$2" ;;
transfer) transfer "$2" ;;
equal) shift; equal "$@" ;;
same) compare "axfr://${A1_V4}/$zone" "$2" ;;
all-there)
	shift
	equal "$@"
	all_there "$@"
	;;
*) fail "unknown: $1" ;;
esac
