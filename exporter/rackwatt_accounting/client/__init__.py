"""`rackwatt-acct`: what sacct's users type, answered with joules, by the API of accounting."""
