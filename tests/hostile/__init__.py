"""Files that mean harm, all of them made here in code, and a mutator that makes thousands more.

Each module makes one kind of harm; ``catalogue`` names them all with what must become of them.
"""
