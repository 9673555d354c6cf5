"""Power and energy by sensors of the board (Documentation/hwmon/sysfs-interface.rst)."""
