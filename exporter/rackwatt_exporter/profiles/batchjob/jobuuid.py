"""The `jobuuid` of batchjob_exporter: XXH3 of 128 bits over four properties of a job.

They are the id, the user, the account and the list of nodes as Slurm writes it; the last two in
lower case. The digest is written in its canonical form, the highest byte first, as a UUID.
"""

from uuid import UUID

import xxhash


def jobuuid(job: str, user: str, account: str, nodelist: str) -> str:
    """Return the UUID of a job; empty where its user is unknown."""
    if not user:
        return ""
    parts = (job, user, account.lower(), nodelist.strip().lower())
    return str(UUID(bytes=xxhash.xxh3_128_digest(",".join(parts).encode())))
