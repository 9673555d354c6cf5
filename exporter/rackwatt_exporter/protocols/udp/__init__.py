"""UDP sockets and the addresses of hosts."""
