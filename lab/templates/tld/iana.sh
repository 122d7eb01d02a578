# IANA, as the lab plays it: a queue of requests, a technical check of the delegation to come, and a
# delay until it is published. It does not know who asks, nor why.
#
# A request is a file iana/ID.request with the lines "change TYPE TTL" for a record set that is
# replaced, "record TYPE DATA" for each of its new records, "glue NAME ADDRESS..." and
# "waive CHECK=REASON". It becomes iana/ID.published, or iana/ID.refused, whose first line says why.
set -u
cd "${DIR}/iana" || exit 1
delay=2

# Where many names are registered each second, a secondary that is some seconds behind is so by many
# serial numbers.
check() { # of a request: its options, one in a line, are the arguments
	timeout 60 "${BATON}" preflight "${ZONE}" --parent "${ROOT_V4}" --resolver "${FORWARDER_V4}" \
		--networks networks --prohibited prohibited --serial-tolerance 1000 "$@" > check.out 2>&1
}

# Names are compared with their final dot.
dotted='function dotted(name) { sub(/\.?$/, ".", name); return tolower(name) }'

options() {
	awk "$dotted"'
		$1 == "glue" { a = $3; for (i = 4; i <= NF; i++) a = a "," $i; glue[dotted($2)] = "=" a }
		$1 == "record" && $2 == "NS" { ns[n++] = dotted($3) }
		$1 == "record" && $2 == "DS" { print "--ds"; sub(/^record DS /, ""); print }
		$1 == "waive" { print "--waive"; sub(/^waive /, ""); print }
		END { for (i = 0; i < n; i++) { print "--ns"; print ns[i] glue[ns[i]] } }
	' "$1"
}

update() {
	printf 'server %s\nzone .\n' "${ROOT_V4}"
	awk -v zone="${ZONE}" -v glue_ttl="${TTL_ADDRESS}" "$dotted"'
		$1 == "change" { ttl[$2] = $3; print "del", zone, $2 }
		$1 == "record" { type = $2; sub(/^record [A-Z]* /, ""); print "add", zone, ttl[type], type, $0
			if (type == "NS") named[dotted($0)] = 1 }
		$1 == "glue" { glue[dotted($2)] = $0 }
		END {
			if ("NS" in ttl) for (name in glue) {
				n = split(glue[name], f, " ")
				print "del", name
				for (i = 3; i <= n && name in named; i++)
					print "add", name, glue_ttl, (f[i] ~ /:/ ? "AAAA" : "A"), f[i]
			}
			print "send"
		}
	' "$1"
}

handle() { # the request with this name
	id=$1
	set --
	while read -r word; do set -- "$@" "$word"; done << END
$(options "$id.request")
END
	if ! check "$@"; then
		{ grep -E '^ *(fail|FAIL)' check.out || tail -n 3 check.out; } > "$id.answer"
		cat check.out >> "$id.answer"
		mv "$id.answer" "$id.refused"
		return
	fi
	sleep "$delay"
	update "$id.request" > update.in
	if knsupdate -t 5 -k "${DIR}/keys/iana.tsig" update.in > update.out 2>&1 && ! [ -s update.out ]; then
		mv check.out "$id.published"
	else
		mv update.out "$id.refused"
	fi
}

while :; do
	for request in *.request; do
		[ -e "$request" ] || continue
		echo "$(date +%T) $request"
		handle "$(basename "$request" .request)"
		mv "$request" "$request.handled"
	done
	sleep 0.2
done
