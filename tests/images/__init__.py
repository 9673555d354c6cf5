"""The two images: pinned packages, contents, and running them."""
