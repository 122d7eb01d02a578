# A step whose party is the parent, asked of the lab's IANA: reads the request of baton-change(5),
# puts it into the queue, and waits until it is published or refused.
set -eu
cd "${DIR}/iana"
request=$(cat)
id=$(date +%s%N)-$BATON_STEP
undo=$(printf '%s' "$request" | jq -r '.facts.undo')

{
	printf '%s' "$request" | jq -r '.operations[] | .type as $type | "change \($type) \(.ttl_s)",
		(.records[] | "record \($type) \(.)")'
	# Whoever asks knows the addresses of the name servers.
	echo "glue ns1.old.nic.${ZONE} ${A1_V4} ${A1_V6}"
	echo "glue ns2.old.nic.${ZONE} ${A2_V4} ${A2_V6}"
	echo "glue ns1.new.nic.${ZONE} ${B1_V4} ${B1_V6}"
	echo "glue ns2.new.nic.${ZONE} ${B2_V4} ${B2_V6}"
	case $BATON_STEP-$undo in
	add-new-ds-* | extend-delegation-true)
		echo "waive delegation-equals-zone=the zone names the new servers, which come last and go first" ;;
	shorten-delegation-true)
		echo "waive delegation-equals-zone=the zone names the old servers when they sign it again" ;;
	esac
} > "$id.new"
mv "$id.new" "$id.request"
for i in $(seq 400); do
	if [ -e "$id.published" ]; then
		exit 0
	fi
	if [ -e "$id.refused" ]; then
		echo "IANA refuses: $(head -n 1 "$id.refused")" >&2
		exit 1
	fi
	sleep 0.2
done
echo "no answer from IANA" >&2
exit 75
