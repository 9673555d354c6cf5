"""Placement on a port; run by the Python that has it."""

import os
import sys

if __name__ == "__main__":
    os.environ["OS_PLACEMENT_CONFIG_DIR"], port = sys.argv[1:]
    sys.argv = sys.argv[:1]
    from cheroot.wsgi import Server
    from placement.wsgi.api import application

    Server(("127.0.0.1", int(port)), application, numthreads=4).start()
