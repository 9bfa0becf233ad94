# SPDX-License-Identifier: MIT
"""Run by gdb for tools/house.py: the variables that hold pointers to functions, and the number of
members of the two structures, from the debug information.  Prints lines of fields with tabs."""
import os

import gdb

STRUCTURES = ("thread", "process")


def is_function_pointer(t):
    t = t.strip_typedefs()
    return t.code == gdb.TYPE_CODE_PTR and t.target().strip_typedefs().code == gdb.TYPE_CODE_FUNC


def table_of_functions(t):
    """(number of pointers to functions, structure's name) if most members are such, or None."""
    if t.code != gdb.TYPE_CODE_STRUCT or not t.fields():
        return None
    count = sum(is_function_pointer(f.type) for f in t.fields())
    return (count, t.tag or "") if 2 * count > len(t.fields()) else None


def holds(t):
    """("hook", count, structure): the variable is a pointer to a function, a structure of such, or
    points to one.  ("registry", ...): it is an array of them.  None: neither."""
    t = t.strip_typedefs()
    if is_function_pointer(t):
        return "hook", 1, ""
    if t.code == gdb.TYPE_CODE_ARRAY:
        inner = holds(t.target())
        return inner and ("registry", *inner[1:])
    if t.code == gdb.TYPE_CODE_PTR:
        t = t.target().strip_typedefs()
    table = table_of_functions(t)
    return table and ("hook", *table)


for line in os.environ["HOUSE_VARIABLES"].splitlines():
    path, name = line.split()
    try:
        variable = gdb.parse_and_eval(f"&'{path}'::{name}").type.target()
    except gdb.error:
        print("unknown", path, name, sep="\t")
        continue
    found = holds(variable)
    if found:
        print(found[0], path, name, found[2], found[1], sep="\t")
for name in STRUCTURES:
    print("struct", name, len(gdb.lookup_type(f"struct {name}").fields()), sep="\t")
