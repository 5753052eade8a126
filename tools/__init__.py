"""Tools for the people who build Tintype; nothing here is shipped."""
