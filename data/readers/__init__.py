"""Files of one's own, a reader a format. Each gives a `Table`; none holds a whole file."""
