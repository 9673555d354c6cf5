"""One module for each method of reading a target, and the catalogue that names them."""
