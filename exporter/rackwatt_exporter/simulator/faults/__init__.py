"""What goes wrong at simulated devices, and on the way to them."""
