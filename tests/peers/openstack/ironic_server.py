"""Ironic, API and conductor in one, with a database that it makes first; run by the Python that has it."""

import os
import sys

if __name__ == "__main__":
    configuration = ("--config-file", sys.argv[1])
    from ironic.command import dbsync, singleprocess

    if (process := os.fork()) == 0:
        sys.argv = ["ironic-dbsync", *configuration, "create_schema"]
        dbsync.main()
        os._exit(0)
    if os.waitpid(process, 0)[1]:
        raise SystemExit("ironic-dbsync failed")
    sys.argv = ["ironic", *configuration]
    singleprocess.main()
