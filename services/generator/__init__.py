"""Makes replies: takes a turn, decodes its draft with many others, streams it and writes it down."""
