#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compile_commands.py CC 'CFLAGS' SOURCE...: the compilation database that clangd reads."""
import json
import os
import sys

compiler, flags, sources = sys.argv[1], sys.argv[2].split(), sys.argv[3:]
flags = [f for f in flags if f not in ("-MMD", "-MP")]
json.dump([{"directory": os.getcwd(), "file": s, "arguments": [compiler, *flags, "-c", s]}
           for s in sources], sys.stdout, indent=1)
