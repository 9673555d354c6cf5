"""Keystone on a port, with a database that it fills first; run by the Python that has Keystone.

Each step of `keystone-manage` is a fork, since Keystone is configured once in a process and takes
two seconds to import.
"""

import grp
import os
import pwd
import sys


def manage(configuration: str, *arguments: str) -> None:
    """Run one step of `keystone-manage`."""
    process = os.fork()
    if process == 0:
        sys.argv = ["keystone-manage", "--config-file", configuration, *arguments]
        manager.main()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if status:
        raise SystemExit(f"keystone-manage {arguments[0]} failed")


def prepare(configuration: str, url: str, region: str) -> None:
    """Make the database, the keys, the user admin and the catalog."""
    user = pwd.getpwuid(os.getuid()).pw_name
    group = grp.getgrgid(os.getgid()).gr_name
    owner = ("--keystone-user", user, "--keystone-group", group)
    manage(configuration, "db_sync")
    manage(configuration, "fernet_setup", *owner)
    manage(configuration, "credential_setup", *owner)
    interfaces = ("public", "internal", "admin")
    urls = [word for one in interfaces for word in (f"--bootstrap-{one}-url", url)]
    manage(configuration, "bootstrap", *urls, "--bootstrap-region-id", region)


if __name__ == "__main__":
    configuration, port, region = sys.argv[1:]
    sys.argv = sys.argv[:1]  # Keystone parses them itself
    from keystone.cmd import manage as manager

    prepare(configuration, f"http://127.0.0.1:{port}/v3", region)
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = configuration
    from cheroot.wsgi import Server
    from keystone.wsgi.api import application

    Server(("127.0.0.1", int(port)), application, numthreads=4).start()
