"""Records in, tables and figures out; nothing here imports torch or has ever trained anything."""
