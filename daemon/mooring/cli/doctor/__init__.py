"""``mooring doctor``: all that is wrong with a set-up at once. One module a group: facts in, findings out."""
