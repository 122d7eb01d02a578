#include "signer.h"

#include <string.h>

static const struct signer signers[] = {
        {"knot", "Knot DNS", "knotd -c CONF", "knotc -c '${DIR}/${ID}.conf' stop"},
        {"bind", "BIND", "named -g -n 1 -c CONF", "rndc -c '${DIR}/keys/rndc-${ID}.conf' stop"},
        {"powerdns", "PowerDNS", "pdns_server --config-dir=DIR",
                "pdns_control --config-dir='${DIR}/${ID}' quit"},
};

const struct signer *signer_find(const char *name)
{
	for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++)
		if (strcmp(signers[i].name, name) == 0)
			return &signers[i];
	return NULL;
}

const char *signer_names(void)
{
	return "knot, bind or powerdns";
}
