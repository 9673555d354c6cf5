"""Commands: processes on this host, and on others through OpenSSH."""
