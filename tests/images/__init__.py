"""The two images: what is pinned, what is inside, and that it runs there."""
