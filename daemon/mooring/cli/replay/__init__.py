"""``mooring replay``: judges a recorded file again."""
