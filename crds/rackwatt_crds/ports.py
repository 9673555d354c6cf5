"""The port of each service where a document names none.

The exporter asks there, and the operator's NetworkPolicy lets it.
"""

IPMI = 623
SSH = 22
SNMP = 161
REDFISH = 443
SLURMCTLD = 6817
