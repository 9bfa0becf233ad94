# SPDX-License-Identifier: MIT
"""`make gdb REPLAY=1`: record a run, then run it again exactly so, forwards and backwards.

QEMU counts instructions and writes down when the clocks and devices did what.  A snapshot from
before the first instruction is what it goes back to.  docs/gdb-replay.md says what works."""
import os
import shutil
import subprocess

# What is recorded when nobody says what: processes, a pipe, switches.
SCENE = 'run /bin/sh -c "ls / | sort | head -n 3"'
# Of a machine's command line: what the two runs have otherwise.
OWN = ("-accel", "-smp", "-serial", "-gdb", "-chardev")


def without(command, options):
    out, words = [], iter(command)
    for word in words:
        if word in options:
            next(words)
        elif word not in ("-S", "-no-shutdown"):
            out.append(word)
    return out


def recorded(command, directory, log):
    """Record a run of the QEMU that `command` starts, its console on this terminal, until it ends;
    the command line that replays it."""
    snapshot, events = f"{directory}/snapshot.qcow2", f"{directory}/events"
    image = shutil.which("qemu-img")
    if not image:
        raise SystemExit("gdb: qemu-img is missing: make setup gdb installs it")
    subprocess.run([image, "create", "-q", "-f", "qcow2", snapshot, "1G"], check=True)
    # A network card or the APIC's page for KVM in the snapshot, and QEMU 7.2 hangs when it loads it.
    common = [*without(command, OWN), "-accel", "tcg", "-smp", "1", "-net", "none", "-global",
              "apic.vapic=off", "-drive", f"file={snapshot},if=none,id=snapshot"]

    def counted(how):
        return ["-icount", f"shift=3,rr={how},rrfile={events},rrsnapshot=init"]

    print("Recording, on one CPU.  It ends with what the machine runs, or with Ctrl-C.", flush=True)
    # Without keys: QEMU 7.2 hands them on late or never while it records.
    process = subprocess.Popen([*common, *counted("record"), "-serial", "stdio"],
                               stdin=subprocess.DEVNULL)
    seconds = os.environ.get("RECORD_SECONDS")
    try:
        process.wait(float(seconds) if seconds else None)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
    if not os.path.exists(events) or not os.path.getsize(events):
        raise SystemExit(f"gdb: QEMU recorded nothing (status {process.returncode})")
    print(f"Recorded: {os.path.getsize(events) >> 10} KiB of events.  Now the same run again; "
          "reverse-stepi, reverse-continue go back.", flush=True)
    gdb = [word for i, word in enumerate(command) if "id=gdb," in word or word == "chardev:gdb"]
    return [*common, *counted("replay"), "-serial", f"file:{log}", "-chardev", gdb[0], "-gdb",
            gdb[1], "-S"]
